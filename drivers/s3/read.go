package s3

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"github.com/minio/minio-go/v7"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
)

// Get implements storage.Store. The reader asks again from where it stands when its
// connection breaks, on condition that the object is still the same, and ends with ctx.
func (s *Store) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	const op = "s3.Get"
	if err := check(ctx, key); err != nil {
		return nil, fault.At(op, err)
	}
	r := &reader{ctx: ctx, s: s, key: key, start: offset, pos: offset, end: -1}
	if offset < 0 || length == 0 {
		return s.getNothing(r, length)
	}
	if length > 0 && offset <= (1<<62)-length {
		r.end = offset + length
	}
	err := s.retry(ctx, func() error { return r.open() })
	if res, ok := response(err); ok && res.StatusCode == http.StatusRequestedRangeNotSatisfiable {
		return s.getNothing(r, length)
	}
	if err != nil {
		return nil, s.fault(ctx, op, key, err)
	}
	return r, nil
}

// getNothing answers where no byte can be asked for: at the end of the object, which is
// valid, and outside of it, which is not.
func (s *Store) getNothing(r *reader, length int64) (io.ReadCloser, error) {
	const op = "s3.Get"
	o, err := s.head(r.ctx, r.key)
	if err != nil {
		return nil, s.fault(r.ctx, op, r.key, err)
	}
	n, err := storage.CutRange(o.Size, r.start, length)
	if err != nil {
		return nil, fault.At(op, err)
	}
	if n > 0 {
		// It has grown since it was asked for.
		return nil, fault.New(fault.Unavailable, op, "the object was replaced while it was opened")
	}
	r.end = r.start
	return r, nil
}

// reader reads one range of one object.
type reader struct {
	ctx context.Context // of the Get: a reader is a request that goes on
	s   *Store
	key string
	// etag and version tell the object apart from later ones under the key.
	etag, version string
	start, end    int64 // end is -1 until the first answer when all is asked for
	pos           int64

	body    io.ReadCloser
	bodyPos int64
	closed  bool
}

// open requests [pos, end), of the object known when there is one.
func (r *reader) open() error {
	var opt minio.GetObjectOptions
	if r.pos > 0 || r.end >= 0 {
		last := ""
		if r.end >= 0 {
			last = strconv.FormatInt(r.end-1, 10)
		}
		opt.Set("Range", fmt.Sprintf("bytes=%d-%s", r.pos, last))
	}
	if r.etag != "" {
		if err := opt.SetMatchETag(r.etag); err != nil {
			return err
		}
		opt.VersionID = r.version
	}
	body, info, header, err := r.s.core.GetObject(r.ctx, r.s.opt.Bucket, r.s.name(r.key), opt)
	if err != nil {
		return err
	}
	if err := r.accept(info, header); err != nil {
		_ = body.Close()
		return err
	}
	r.body, r.bodyPos = body, r.pos
	return nil
}

// accept takes the first answer's object for that of the reader, and checks later ones.
func (r *reader) accept(info minio.ObjectInfo, header http.Header) error {
	from, end := int64(0), info.Size
	if cr := header.Get("Content-Range"); cr != "" {
		var last, total int64
		if _, err := fmt.Sscanf(cr, "bytes %d-%d/%d", &from, &last, &total); err != nil || last < from || last >= total {
			return fault.New(fault.Unsupported, "s3.Get", "the object store answers with a range that cannot be read")
		}
		end = last + 1
	}
	if from != r.pos {
		return fault.New(fault.Unsupported, "s3.Get", "the object store ignores ranges")
	}
	if r.etag == "" {
		if r.end < 0 || end < r.end {
			r.end = end
		}
		r.etag, r.version = trimETag(info.ETag), info.VersionID
	} else if end < r.end || trimETag(info.ETag) != r.etag {
		return errReplaced(nil)
	}
	return nil
}

func errReplaced(cause error) error {
	return &fault.Error{Kind: fault.Unavailable, Op: "s3.Read", Msg: "the object was replaced or deleted while its reader had to ask for it again", Err: cause}
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if r.closed {
		return 0, fault.New(fault.Invalid, "s3.Read", "the reader is closed")
	}
	rest := r.end - r.pos
	if rest <= 0 {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	if int64(len(p)) > rest {
		p = p[:rest]
	}
	n := 0
	err := r.s.retry(r.ctx, func() (err error) {
		if err := r.ready(); err != nil {
			return err
		}
		n, err = r.body.Read(p)
		if n > 0 {
			return nil // what is wrong shows again without progress
		}
		if err != nil {
			// io.EOF too: the answer was cut short.
			r.drop()
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
		}
		return err
	})
	r.pos += int64(n)
	r.bodyPos += int64(n)
	return n, r.s.fault(r.ctx, "s3.Read", r.key, err)
}

// ready has the body stand at pos.
func (r *reader) ready() error {
	// Below this much a new request costs more than reading what lies between.
	const near = 128 << 10
	if r.body != nil && r.bodyPos < r.pos && r.pos-r.bodyPos <= near {
		n, err := io.CopyN(io.Discard, r.body, r.pos-r.bodyPos)
		r.bodyPos += n
		if err != nil {
			r.drop()
		}
	}
	if r.body != nil && r.bodyPos == r.pos {
		return nil
	}
	r.drop()
	err := r.open()
	if refusedCondition(err) || absent(err) {
		return errReplaced(err)
	}
	return err
}

func (r *reader) drop() {
	if r.body != nil {
		_ = r.body.Close()
		r.body = nil
	}
}

// WriteTo implements io.WriterTo.
func (r *reader) WriteTo(w io.Writer) (int64, error) {
	buf := r.s.bufs.Get().(*[256 << 10]byte)
	defer r.s.bufs.Put(buf)
	// The structs hide this method and ReadFrom, which would go round the buffer.
	return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, buf[:])
}

// Seek implements io.Seeker within the range that was opened. The request is made by the
// Read that follows.
func (r *reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
		offset += r.start
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.end
	default:
		return 0, fault.New(fault.Invalid, "s3.Seek", "whence is unknown")
	}
	if offset < r.start {
		return 0, fault.New(fault.Invalid, "s3.Seek", "the position is before the start")
	}
	r.pos = offset
	return offset - r.start, nil
}

// Close implements io.Closer.
func (r *reader) Close() error {
	r.closed = true
	r.drop()
	return nil
}
