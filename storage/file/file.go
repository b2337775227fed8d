// Package file keeps objects as files below one directory. It is the default
// store of a single machine.
//
// An object "a/b" is the file a/b@ below the directory. The mark keeps an object
// apart from the directory of the keys beneath it ("a/b/c"), and since it is
// not in the alphabet of keys, no key can name anything else in the directory.
// Bytes are written to ~tmp, synced, and renamed or linked into place, so that a
// crash or a power failure at any moment leaves an object whole or absent. All
// access goes through os.Root: a symbolic link that leads out of the directory
// is not followed. The file system must tell upper from lower case and have
// hard links (ext4, xfs, btrfs, zfs, tmpfs, APFS case-sensitive, NFS).
//
// Several processes may share one directory.
package file

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
)

const (
	mark   = "@"    // ends the file name of every object
	tmpDir = "~tmp" // unfinished writes
	// bufSize is the unit of copying; large enough that system calls do not count.
	bufSize = 256 << 10
)

// Options configures a Store. The zero value is the documented default.
type Options struct {
	// StaleAfter is how long an unfinished write must have been silent before Open
	// takes it for the leftover of a crash and removes it (default 24 h).
	StaleAfter time.Duration
}

// Store is a storage.Store in a directory. All methods are safe for concurrent
// use. Its readers also implement io.Seeker, io.ReaderAt and io.WriterTo.
type Store struct {
	root *os.Root
	// dirs is held while directories are made or pruned, so that whoever sees a
	// directory of this process may count on it being synced.
	dirs sync.Mutex
	// last is the newest modification time given out, in ns. It only grows, which
	// makes modification times fit to tell versions apart.
	last atomic.Int64
	bufs sync.Pool
}

var _ storage.Store = (*Store)(nil)

// Open returns the Store in directory dir, which it creates (mode 0700) when it
// is missing, and removes what a crash left unfinished. Call Close when done.
func Open(dir string, opt Options) (*Store, error) {
	const op = "file.Open"
	if opt.StaleAfter <= 0 {
		opt.StaleAfter = 24 * time.Hour
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, ioFault(op, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, ioFault(op, err)
	}
	s := &Store{root: root}
	s.bufs.New = func() any { return new([bufSize]byte) }
	if err := s.prepare(opt.StaleAfter); err != nil {
		root.Close()
		return nil, ioFault(op, err)
	}
	return s, nil
}

// prepare makes the directory of unfinished writes and drops the stale ones.
func (s *Store) prepare(staleAfter time.Duration) error {
	if err := s.root.Mkdir(tmpDir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	names, err := s.names(tmpDir)
	if err != nil {
		return err
	}
	before := time.Now().Add(-staleAfter)
	for _, n := range names {
		p := tmpDir + "/" + n
		info, err := s.root.Lstat(p)
		if err != nil || !info.ModTime().Before(before) {
			continue // gone meanwhile, or another process is still writing it
		}
		if err := s.root.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return s.syncDir(".")
}

// Close releases the directory. Open readers stay usable; methods fail.
func (s *Store) Close() error { return s.root.Close() }

// Put implements storage.Store.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, opt storage.PutOptions) (storage.Info, error) {
	const op = "file.Put"
	if err := storage.CheckKey(key); err != nil {
		return storage.Info{}, fault.At(op, err)
	}
	if opt.IfAbsent {
		// The link below decides; this only spares reading a body in vain.
		if _, err := s.root.Lstat(key + mark); err == nil {
			return storage.Info{}, conflict(op, key)
		}
	}
	src := storage.NewSource(ctx, r, opt.Size)
	if err := src.Err(); err != nil {
		return storage.Info{}, fault.At(op, err)
	}
	tmp, info, err := s.write(src)
	if tmp != "" {
		defer func() { _ = s.root.Remove(tmp) }() // after a rename there is nothing left to remove
	}
	if err != nil {
		return storage.Info{}, ioFault(op, err)
	}
	if err := src.Err(); err != nil {
		return storage.Info{}, fault.At(op, err)
	}
	if err := s.publish(tmp, key, opt.IfAbsent); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return storage.Info{}, conflict(op, key)
		}
		return storage.Info{}, ioFault(op, err)
	}
	info.Key = key
	return info, nil
}

func conflict(op, key string) error {
	return fault.Newf(fault.Conflict, op, "the key %q exists already", key)
}

// write copies src to a synced temporary file. The name is returned with an
// error too, for the caller to remove.
func (s *Store) write(src *storage.Source) (tmp string, info storage.Info, err error) {
	var random [16]byte
	rand.Read(random[:])
	tmp = tmpDir + "/" + hex.EncodeToString(random[:])
	f, err := s.root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", info, err
	}
	defer f.Close()
	buf := s.bufs.Get().(*[bufSize]byte)
	defer s.bufs.Put(buf)
	// The struct hides ReadFrom, which would go round the buffer.
	if _, err := io.CopyBuffer(struct{ io.Writer }{f}, src, buf[:]); err != nil {
		return tmp, info, err
	}
	now := s.tick()
	if err := s.root.Chtimes(tmp, now, now); err != nil {
		return tmp, info, err
	}
	if err := f.Sync(); err != nil {
		return tmp, info, err
	}
	stat, err := f.Stat()
	if err != nil {
		return tmp, info, err
	}
	return tmp, describe("", stat), f.Close()
}

// tick returns the present time, later than any it returned before.
func (s *Store) tick() time.Time {
	for {
		last := s.last.Load()
		now := max(time.Now().UnixNano(), last+1)
		if s.last.CompareAndSwap(last, now) {
			return time.Unix(0, now)
		}
	}
}

// publish moves tmp to key's place and syncs the directory.
func (s *Store) publish(tmp, key string, ifAbsent bool) error {
	name, dir := key+mark, path.Dir(key)
	// Another process may prune the directory, or a parent, between any two steps.
	for range 100 {
		err := s.ensureDir(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if ifAbsent {
			// Unlike rename, link fails when the name is taken.
			err = s.root.Link(tmp, name)
		} else {
			err = s.root.Rename(tmp, name)
		}
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := s.syncDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil // a directory that is gone again was emptied by a later Delete
	}
	return fault.New(fault.Unavailable, "file.publish", "the directory of the key is being removed again and again")
}

// ensureDir makes dir and its parents, synced.
func (s *Store) ensureDir(dir string) error {
	if dir == "." {
		return nil
	}
	s.dirs.Lock()
	defer s.dirs.Unlock()
	if _, err := s.root.Stat(dir); err == nil {
		return nil
	}
	for i := 0; i <= len(dir); i++ {
		if i < len(dir) && dir[i] != '/' {
			continue
		}
		err := s.root.Mkdir(dir[:i], 0o700)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		if err := s.syncDir(path.Dir(dir[:i])); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) syncDir(dir string) error {
	d, err := s.root.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Delete implements storage.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	const op = "file.Delete"
	if err := check(ctx, key); err != nil {
		return fault.At(op, err)
	}
	dir := path.Dir(key)
	err := s.root.Remove(key + mark)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return ioFault(op, err)
	}
	if err := s.syncDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return ioFault(op, err)
	}
	s.prune(dir)
	return nil
}

// prune removes dir and its parents as far as they are empty.
func (s *Store) prune(dir string) {
	s.dirs.Lock()
	defer s.dirs.Unlock()
	for ; dir != "."; dir = path.Dir(dir) {
		if s.root.Remove(dir) != nil {
			return
		}
	}
}

// Stat implements storage.Store.
func (s *Store) Stat(ctx context.Context, key string) (storage.Info, error) {
	const op = "file.Stat"
	if err := check(ctx, key); err != nil {
		return storage.Info{}, fault.At(op, err)
	}
	stat, err := s.root.Stat(key + mark)
	if err != nil {
		return storage.Info{}, getFault(op, key, err)
	}
	return describe(key, stat), nil
}

func check(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, "", err)
	}
	return storage.CheckKey(key)
}

func describe(key string, stat fs.FileInfo) storage.Info {
	return storage.Info{
		Key:     key,
		Size:    stat.Size(),
		ModTime: stat.ModTime(),
		ETag:    etag(stat.ModTime().UnixNano(), stat.Size()),
	}
}

// ioFault classifies an error of the file system; a fault keeps its kind.
func ioFault(op string, err error) error {
	var f *fault.Error
	switch {
	case errors.As(err, &f):
		return fault.At(op, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &fault.Error{Kind: fault.Unavailable, Op: op, Msg: "the disk that holds the store is full", Err: err}
	case errors.Is(err, syscall.EROFS):
		return &fault.Error{Kind: fault.Unavailable, Op: op, Msg: "the disk that holds the store is read-only", Err: err}
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return &fault.Error{Kind: fault.Unavailable, Op: op, Msg: "too many files are open; raise the limit (ulimit -n)", Err: err}
	}
	return fault.Wrap(fault.Internal, op, err)
}

func getFault(op, key string, err error) error {
	// ENOTDIR: an element of the path is an object's file made by hand.
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return fault.Newf(fault.NotFound, op, "there is no object %q", key)
	}
	return ioFault(op, err)
}
