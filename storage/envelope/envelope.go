// Package envelope encrypts what a storage.Store holds. Each object has a data
// key of its own, wrapped by the key of its scope (keys.Manager) and kept in the
// object's header; the bytes are AES-256-GCM in chunks that can be read one by
// one. Destroying a scope's key makes all its objects unreadable.
//
// A store below an envelope, and whoever can write to it, may lose objects but not
// change them unseen: a flipped bit, a chunk moved, dropped or repeated, an
// object cut short or put under another key is fault.Corrupt on reading. What it can do
// is serve an older version of the same key, and hide objects; and sizes in Stat and
// List are computed from those below, which nothing authenticates.
package envelope

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"io"
	"math"
	"strings"
	"sync"
	"time"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
)

const (
	minChunk     = 1 << 10
	maxChunk     = 16 << 20
	defaultChunk = 64 << 10
)

// Options configures a Store. The zero value is the documented default.
type Options struct {
	// Scope names the key scope of an object (default DefaultScope).
	Scope func(key string) string
	// ChunkSize is how many bytes are sealed together, 1 KiB to 16 MiB (default
	// 64 KiB). It must stay the same for the life of the store below: objects of
	// another chunk size are fault.Unsupported.
	ChunkSize int
	// CachedKeys bounds the objects whose unwrapped data keys are held in memory
	// (default 4096, about 2 KiB each), and KeyTTL how long (default 10 s).
	CachedKeys int
	KeyTTL     time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Store is a storage.Store that encrypts. All methods are safe for concurrent
// use. It streams: neither reading nor writing holds more than two chunks of an
// object in memory. Its readers implement io.WriterTo.
type Store struct {
	inner storage.Store
	keys  keys.Manager
	scope func(string) string
	chunk int
	cache *keyCache
	bufs  sync.Pool
}

var (
	_ storage.Store     = (*Store)(nil)
	_ storage.Unwrapper = (*Store)(nil)
)

// New returns a Store that keeps its objects in inner under keys of km. Options
// outside their bounds are fault.Invalid.
func New(inner storage.Store, km keys.Manager, opt Options) (*Store, error) {
	if opt.Scope == nil {
		opt.Scope = DefaultScope
	}
	if opt.ChunkSize == 0 {
		opt.ChunkSize = defaultChunk
	}
	if opt.ChunkSize < minChunk || opt.ChunkSize > maxChunk {
		return nil, fault.Newf(fault.Invalid, "envelope.New", "the chunk size %d is not between %d and %d", opt.ChunkSize, minChunk, maxChunk)
	}
	if opt.CachedKeys <= 0 {
		opt.CachedKeys = 4096
	}
	if opt.KeyTTL <= 0 {
		opt.KeyTTL = 10 * time.Second
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	cache, err := newKeyCache(opt.CachedKeys, opt.KeyTTL, opt.Now)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "envelope.New", err)
	}
	s := &Store{inner: inner, keys: km, scope: opt.Scope, chunk: opt.ChunkSize, cache: cache}
	s.bufs.New = func() any { b := make([]byte, s.chunk+tagSize+1); return &b }
	return s, nil
}

// DefaultScope gives the objects of an asset, "t/{tenant}/a/{asset}" and all
// beneath it, the scope of that name, and everything else "t/default".
func DefaultScope(key string) string {
	elems := strings.SplitN(key, "/", 5)
	if len(elems) >= 4 && elems[0] == "t" && elems[2] == "a" {
		return strings.Join(elems[:4], "/")
	}
	return "t/default"
}

// Unwrap returns the store below.
func (s *Store) Unwrap() storage.Store { return s.inner }

// Shred destroys the key of scope: from now on its objects are fault.NotFound on Get,
// here at once, in other processes within their KeyTTL. The objects themselves
// stay until they are deleted. Readers that are open read on.
func (s *Store) Shred(ctx context.Context, scope string) error {
	// Also when it fails: it may have happened all the same.
	defer s.cache.forget(scope)
	return fault.At("envelope.Shred", s.keys.Shred(ctx, scope))
}

// Forget drops the unwrapped keys of scope. Call it where a Shred by another way
// than this Store becomes known.
func (s *Store) Forget(scope string) { s.cache.forget(scope) }

// Put implements storage.Store. The key of a shredded scope is fault.NotFound.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, opt storage.PutOptions) (storage.Info, error) {
	const op = "envelope.Put"
	if err := check(ctx, key); err != nil {
		return storage.Info{}, fault.At(op, err)
	}
	h := header{chunkSize: s.chunk, scope: s.scope(key)}
	rand.Read(h.prefix[:])
	plainKey, wrapped, err := s.keys.DataKey(ctx, h.scope)
	if err != nil {
		return storage.Info{}, fault.At(op, err)
	}
	defer clear(plainKey)
	h.wrapped = wrapped
	raw, err := h.encode()
	if err != nil {
		return storage.Info{}, fault.At(op, err)
	}
	sealer, err := newSealer(key, h, raw, plainKey)
	if err != nil {
		return storage.Info{}, fault.Wrap(fault.Internal, op, err)
	}
	plain, out := s.buf(), s.buf()
	defer s.free(plain)
	defer s.free(out)
	body := &sealReader{
		s:     sealer,
		src:   storage.NewSource(ctx, r, opt.Size),
		plain: plain[:s.chunk+1],
		out:   out,
		rest:  raw,
	}
	sealed := storage.PutOptions{IfAbsent: opt.IfAbsent}
	if opt.Size > 0 {
		sealed.Size = s.sealedSize(opt.Size)
	}
	info, err := s.inner.Put(ctx, key, body, sealed)
	if err != nil {
		return storage.Info{}, fault.At(op, err)
	}
	info.Size = body.n
	return info, nil
}

func check(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, "", err)
	}
	return storage.CheckKey(key)
}

func newSealer(key string, h header, raw, plainKey []byte) (*sealer, error) {
	block, err := aes.NewCipher(plainKey)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	s := &sealer{aead: aead, prefix: h.prefix, chunk: h.chunkSize}
	hash := sha256.New()
	hash.Write([]byte("streamgate/1/envelope\x00" + key + "\x00"))
	hash.Write(raw)
	hash.Sum(s.bound[:0])
	return s, nil
}

func (s *Store) buf() []byte   { return *s.bufs.Get().(*[]byte) }
func (s *Store) free(b []byte) { b = b[:cap(b)]; clear(b); s.bufs.Put(&b) }

// sealedSize is the size below of an object of plain bytes.
func (s *Store) sealedSize(plain int64) int64 {
	chunks := max(1, (plain+int64(s.chunk)-1)/int64(s.chunk))
	return HeaderSize + plain + chunks*tagSize
}

// plainSize is the inverse; ok is false when no object has such a size.
func (s *Store) plainSize(sealed int64) (plain int64, ok bool) {
	body := sealed - HeaderSize
	whole := int64(s.chunk + tagSize)
	full, tail := body/whole, body%whole
	if body < tagSize || tail > 0 && tail < tagSize || tail == tagSize && full > 0 {
		return 0, false
	}
	if tail > 0 {
		tail -= tagSize
	}
	return full*int64(s.chunk) + tail, true
}

// Stat implements storage.Store. It does not ask for the key: an object whose
// scope was shredded is still there. An object of a size that none has is fault.Corrupt.
func (s *Store) Stat(ctx context.Context, key string) (storage.Info, error) {
	const op = "envelope.Stat"
	info, err := s.inner.Stat(ctx, key)
	if err != nil {
		return storage.Info{}, fault.At(op, err)
	}
	size, ok := s.plainSize(info.Size)
	if !ok {
		return storage.Info{}, fault.Newf(fault.Corrupt, op, "the object %q was cut short or is not an encrypted one", key)
	}
	info.Size = size
	return info, nil
}

// List implements storage.Store. An object for which Stat is fault.Corrupt is listed
// with size 0.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]storage.Info, error) {
	infos, err := s.inner.List(ctx, prefix, after, limit)
	if err != nil {
		return nil, fault.At("envelope.List", err)
	}
	for i := range infos {
		infos[i].Size, _ = s.plainSize(infos[i].Size)
	}
	return infos, nil
}

// Delete implements storage.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	return fault.At("envelope.Delete", s.inner.Delete(ctx, key))
}

// Get implements storage.Store. The first chunk is read and checked before it returns. An
// object whose scope was shredded is fault.NotFound.
func (s *Store) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	const op = "envelope.Get"
	if err := check(ctx, key); err != nil {
		return nil, fault.At(op, err)
	}
	if offset < 0 || offset > math.MaxInt64/2 {
		return nil, fault.Newf(fault.Invalid, op, "offset %d is outside the object", offset)
	}
	r, err := s.openRange(ctx, key, offset, length)
	if err != nil {
		return nil, fault.At(op, err)
	}
	return r, nil
}

func (s *Store) openRange(ctx context.Context, key string, offset, length int64) (*openReader, error) {
	first := offset / int64(s.chunk)
	r, err := s.openChunk(ctx, key, first, offset, length)
	if errors.Is(err, errNoChunk) && first > 0 {
		// The offset is the end of an object of whole chunks. That nobody cut off
		// what follows shows in the chunk before being the last.
		first--
		r, err = s.openChunk(ctx, key, first, offset, length)
	}
	if errors.Is(err, errNoChunk) {
		return nil, fault.New(fault.Corrupt, "envelope.Get", "the object was cut short")
	}
	if errors.Is(err, fault.Invalid) {
		return nil, fault.Newf(fault.Invalid, "envelope.Get", "offset %d is outside the object", offset)
	}
	if err != nil {
		return nil, err
	}
	skip := offset - first*int64(s.chunk)
	if skip > int64(len(r.plain)) {
		size := first*int64(s.chunk) + int64(len(r.plain))
		r.Close()
		return nil, fault.Newf(fault.Invalid, "envelope.Get", "offset %d is outside the object of %d bytes", offset, size)
	}
	r.plain = r.plain[skip:]
	return r, nil
}

// openChunk returns a reader that has opened chunk number first.
func (s *Store) openChunk(ctx context.Context, key string, first, offset, length int64) (*openReader, error) {
	start, n := s.span(first, offset, length)
	if first == 0 {
		// Header and bytes come in one read, so they belong together.
		src, err := s.inner.Get(ctx, key, 0, n)
		if err != nil {
			return nil, err
		}
		e, err := s.readHeader(ctx, key, src)
		if err != nil {
			src.Close()
			return nil, err
		}
		return s.start(e, src, first, length)
	}
	// The object may be replaced between the reads of header and bytes. It then
	// has another header afterwards: no two objects have the same.
	e := s.cache.get(key)
	for range 10 {
		var err error
		if e == nil {
			if e, err = s.fetchHeader(ctx, key); err != nil {
				return nil, err
			}
		}
		src, err := s.inner.Get(ctx, key, start, n)
		if err != nil {
			return nil, err
		}
		r, err := s.start(e, src, first, length)
		if !errors.Is(err, fault.Corrupt) {
			return r, err
		}
		again, errAgain := s.fetchHeader(ctx, key)
		if errAgain != nil {
			return nil, errAgain
		}
		if bytes.Equal(again.raw, e.raw) {
			return nil, err
		}
		e = again
	}
	return nil, fault.New(fault.Unavailable, "envelope.Get", "the object is being replaced faster than it can be read")
}

// span returns where to read below for the range: from the chunk first, for the
// first one from the header, to one byte beyond the last chunk that is needed.
func (s *Store) span(first, offset, length int64) (start, n int64) {
	whole := int64(s.chunk + tagSize)
	if first > 0 {
		start = HeaderSize + first*whole
	}
	if length < 0 || length > math.MaxInt64/4 {
		return start, -1
	}
	last := (offset + max(length, 1) - 1) / int64(s.chunk)
	return start, HeaderSize + (last+1)*whole + 1 - start
}

// start opens the chunk number first, which src is at. It closes src on failure.
func (s *Store) start(e *entry, src io.ReadCloser, first, length int64) (*openReader, error) {
	if length < 0 {
		length = math.MaxInt64
	}
	r := &openReader{s: e.sealer, src: src, buf: s.buf(), number: uint64(first), left: length, free: s.free}
	if err := r.advance(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (s *Store) fetchHeader(ctx context.Context, key string) (*entry, error) {
	src, err := s.inner.Get(ctx, key, 0, HeaderSize)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	return s.readHeader(ctx, key, src)
}

// readHeader reads the header from src and returns what opens the object.
func (s *Store) readHeader(ctx context.Context, key string, src io.Reader) (*entry, error) {
	raw := make([]byte, HeaderSize)
	n, err := io.ReadFull(endReader{src}, raw)
	if err != nil && !errors.Is(err, errEnd) {
		return nil, err
	}
	if e := s.cache.get(key); e != nil && bytes.Equal(e.raw, raw[:n]) {
		return e, nil
	}
	h, err := parseHeader(raw[:n])
	if err != nil {
		return nil, err
	}
	if h.chunkSize != s.chunk {
		return nil, fault.Newf(fault.Unsupported, "envelope.Get", "the object was written in chunks of %d bytes, this store is set to %d", h.chunkSize, s.chunk)
	}
	if storage.CheckKey(h.scope) != nil {
		return nil, fault.New(fault.Corrupt, "envelope.Get", "the header of the object is damaged")
	}
	return s.cache.fill(key, func() (*entry, error) {
		plainKey, err := s.keys.Unwrap(ctx, h.scope, h.wrapped)
		if err != nil {
			return nil, err
		}
		defer clear(plainKey)
		sealer, err := newSealer(key, h, raw, plainKey)
		if err != nil {
			return nil, fault.Wrap(fault.Corrupt, "envelope.Get", err)
		}
		return &entry{raw: raw, scope: h.scope, sealer: sealer}, nil
	})
}
