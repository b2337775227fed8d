package file

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
)

func etag(modNano, size int64) string {
	return strconv.FormatInt(modNano, 36) + "-" + strconv.FormatInt(size, 36)
}

// Get implements storage.Store.
func (s *Store) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	const op = "file.Get"
	if err := check(ctx, key); err != nil {
		return nil, fault.At(op, err)
	}
	f, err := s.root.Open(key + mark)
	if err != nil {
		return nil, getFault(op, key, err)
	}
	r, err := newReader(f, offset, length)
	if err != nil {
		f.Close()
		return nil, ioFault(op, err)
	}
	return r, nil
}

// reader reads one range of a file. It keeps the file's own offset at the
// reader's place, since sendfile starts there.
type reader struct {
	f          *os.File
	start, end int64
	pos        int64
}

func newReader(f *os.File, offset, length int64) (*reader, error) {
	stat, err := f.Stat()
	if err != nil {
		return nil, err
	}
	n, err := storage.CutRange(stat.Size(), offset, length)
	if err != nil {
		return nil, err
	}
	if offset != 0 {
		if _, err := f.Seek(offset, io.SeekStart); err != nil {
			return nil, err
		}
	}
	return &reader{f: f, start: offset, end: offset + n, pos: offset}, nil
}

func (r *reader) Read(p []byte) (int, error) {
	rest := r.end - r.pos
	if rest == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > rest {
		p = p[:rest]
	}
	n, err := r.f.Read(p)
	r.pos += int64(n)
	return n, short(err)
}

// short turns the end of the file before the end of the range into an error:
// objects never shrink, so someone cut the file by hand.
func short(err error) error {
	if err == io.EOF {
		return fault.New(fault.Corrupt, "file.Read", "the file of the object was cut short")
	}
	return err
}

// WriteTo copies the rest. A *net.TCPConn and a net/http response recognise a
// LimitedReader over a file and use sendfile.
func (r *reader) WriteTo(w io.Writer) (int64, error) {
	rest := r.end - r.pos
	if rest == 0 {
		return 0, nil
	}
	n, err := io.Copy(w, &io.LimitedReader{R: r.f, N: rest})
	r.pos += n
	if err == nil && n < rest {
		err = short(io.EOF)
	}
	return n, err
}

func (r *reader) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fault.New(fault.Invalid, "file.ReadAt", "negative offset")
	}
	return io.NewSectionReader(r.f, r.start, r.end-r.start).ReadAt(p, off)
}

func (r *reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
		offset += r.start
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.end
	}
	if offset < r.start || offset > r.end {
		return 0, fault.New(fault.Invalid, "file.Seek", "the offset is outside the opened range")
	}
	if _, err := r.f.Seek(offset, io.SeekStart); err != nil {
		return 0, err
	}
	r.pos = offset
	return offset - r.start, nil
}

func (r *reader) Close() error { return r.f.Close() }

// List implements storage.Store. It holds the names of one directory per level
// at a time, never the whole tree.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]storage.Info, error) {
	if limit <= 0 {
		limit = storage.DefaultListLimit
	}
	l := lister{s: s, ctx: ctx, prefix: prefix, after: after, limit: limit}
	// Starting at the deepest directory that the prefix names spares reading its siblings.
	dir := ""
	if i := strings.LastIndexByte(prefix, '/'); i >= 0 && storage.CheckKey(prefix[:i]) == nil {
		dir = prefix[:i+1]
	}
	if err := l.walk(dir); err != nil {
		return nil, ioFault("file.List", err)
	}
	return l.infos, nil
}

type lister struct {
	s             *Store
	ctx           context.Context // of the one List call this value lives in
	prefix, after string
	limit         int
	infos         []storage.Info
}

// walk appends the objects beneath dir, which is "" or ends in a slash.
func (l *lister) walk(dir string) error {
	if err := l.ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, "file.List", err)
	}
	paths, err := l.entries(dir)
	if err != nil {
		return err
	}
	for _, p := range paths {
		if len(l.infos) == l.limit {
			return nil
		}
		if strings.HasSuffix(p, "/") {
			if err := l.walk(p); err != nil {
				return err
			}
			continue
		}
		stat, err := l.s.root.Stat(p + mark)
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted meanwhile
		}
		if err != nil {
			return err
		}
		l.infos = append(l.infos, describe(p, stat))
	}
	return nil
}

// entries returns the keys directly in dir and its subdirectories, these with a
// slash at the end, as far as they can matter, in order. With the slash a
// subdirectory sorts exactly where the keys beneath it do.
func (l *lister) entries(dir string) ([]string, error) {
	names, err := l.s.names(strings.TrimSuffix("./"+dir, "/"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	paths := names[:0]
	for _, n := range names {
		key, isObject := strings.CutSuffix(n, mark)
		if storage.CheckKey(key) != nil {
			continue // not ours
		}
		p := dir + key
		if isObject && strings.HasPrefix(p, l.prefix) && p > l.after {
			paths = append(paths, p)
		}
		p += "/"
		overlaps := strings.HasPrefix(p, l.prefix) || strings.HasPrefix(l.prefix, p)
		if !isObject && overlaps && (p > l.after || strings.HasPrefix(l.after, p)) {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return paths, nil
}

func (s *Store) names(dir string) ([]string, error) {
	d, err := s.root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}
