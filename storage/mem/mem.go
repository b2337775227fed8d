// Package mem keeps objects in memory: for tests, for caches that need no
// restart, and as the plainest reading of what storage.Store promises.
package mem

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
)

// Store is a storage.Store in memory. All methods are safe for concurrent use.
// Its readers also implement io.Seeker, io.ReaderAt and io.WriterTo.
type Store struct {
	mu      sync.RWMutex
	objects map[string]object
	// sorted holds the keys in order, nil when the set of keys changed since.
	sorted  []string
	version uint64
}

type object struct {
	data []byte // never changed once stored
	info storage.Info
}

var _ storage.Store = (*Store)(nil)

// New returns an empty Store.
func New() *Store { return &Store{objects: map[string]object{}} }

// Put implements storage.Store.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, opt storage.PutOptions) (storage.Info, error) {
	const op = "mem.Put"
	if err := storage.CheckKey(key); err != nil {
		return storage.Info{}, fault.At(op, err)
	}
	src := storage.NewSource(ctx, r, opt.Size)
	data, err := io.ReadAll(src)
	if err == nil {
		err = src.Err()
	}
	if err != nil {
		return storage.Info{}, fault.At(op, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, exists := s.objects[key]
	if exists && opt.IfAbsent {
		return storage.Info{}, fault.Newf(fault.Conflict, op, "the key %q exists already", key)
	}
	if !exists {
		s.sorted = nil
	}
	s.version++
	info := storage.Info{Key: key, Size: int64(len(data)), ModTime: time.Now(), ETag: strconv.FormatUint(s.version, 16)}
	s.objects[key] = object{data, info}
	return info, nil
}

// Get implements storage.Store.
func (s *Store) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	const op = "mem.Get"
	o, err := s.find(ctx, op, key)
	if err != nil {
		return nil, err
	}
	n, err := storage.CutRange(o.info.Size, offset, length)
	if err != nil {
		return nil, fault.At(op, err)
	}
	return reader{bytes.NewReader(o.data[offset : offset+n])}, nil
}

type reader struct{ *bytes.Reader }

func (reader) Close() error { return nil }

// Stat implements storage.Store.
func (s *Store) Stat(ctx context.Context, key string) (storage.Info, error) {
	o, err := s.find(ctx, "mem.Stat", key)
	return o.info, err
}

func (s *Store) find(ctx context.Context, op, key string) (object, error) {
	if err := ctx.Err(); err != nil {
		return object{}, fault.Wrap(fault.Canceled, op, err)
	}
	if err := storage.CheckKey(key); err != nil {
		return object{}, fault.At(op, err)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	o, ok := s.objects[key]
	if !ok {
		return object{}, fault.Newf(fault.NotFound, op, "there is no object %q", key)
	}
	return o, nil
}

// List implements storage.Store.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]storage.Info, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, "mem.List", err)
	}
	if limit <= 0 {
		limit = storage.DefaultListLimit
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sorted == nil {
		s.sorted = make([]string, 0, len(s.objects))
		for k := range s.objects {
			s.sorted = append(s.sorted, k)
		}
		slices.Sort(s.sorted)
	}
	from, _ := slices.BinarySearch(s.sorted, prefix)
	if next, found := slices.BinarySearch(s.sorted, after); next >= from && after != "" {
		from = next
		if found {
			from++
		}
	}
	var infos []storage.Info
	for _, k := range s.sorted[from:] {
		if len(infos) == limit || !strings.HasPrefix(k, prefix) {
			break
		}
		infos = append(infos, s.objects[k].info)
	}
	return infos, nil
}

// Delete implements storage.Store.
func (s *Store) Delete(ctx context.Context, key string) error {
	const op = "mem.Delete"
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, op, err)
	}
	if err := storage.CheckKey(key); err != nil {
		return fault.At(op, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.objects[key]; ok {
		delete(s.objects, key)
		s.sorted = nil
	}
	return nil
}
