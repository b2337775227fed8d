package storagetest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/mem"
	"github.com/streamgate/streamgate/storage/storagetest"
)

// broken is a right store with one method replaced by a wrong one.
type broken struct {
	storage.Store
	put    func(ctx context.Context, key string, r io.Reader, opt storage.PutOptions) (storage.Info, error)
	get    func(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
	stat   func(ctx context.Context, key string) (storage.Info, error)
	list   func(ctx context.Context, prefix, after string, limit int) ([]storage.Info, error)
	delete func(ctx context.Context, key string) error
}

func (b *broken) Put(ctx context.Context, key string, r io.Reader, opt storage.PutOptions) (storage.Info, error) {
	if b.put != nil {
		return b.put(ctx, key, r, opt)
	}
	return b.Store.Put(ctx, key, r, opt)
}

func (b *broken) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if b.get != nil {
		return b.get(ctx, key, offset, length)
	}
	return b.Store.Get(ctx, key, offset, length)
}

func (b *broken) Stat(ctx context.Context, key string) (storage.Info, error) {
	if b.stat != nil {
		return b.stat(ctx, key)
	}
	return b.Store.Stat(ctx, key)
}

func (b *broken) List(ctx context.Context, prefix, after string, limit int) ([]storage.Info, error) {
	if b.list != nil {
		return b.list(ctx, prefix, after, limit)
	}
	return b.Store.List(ctx, prefix, after, limit)
}

func (b *broken) Delete(ctx context.Context, key string) error {
	if b.delete != nil {
		return b.delete(ctx, key)
	}
	return b.Store.Delete(ctx, key)
}

// growing reads a live object: it goes on in whatever is stored under the key now.
type growing struct {
	s   storage.Store
	key string
	pos int64
	end int64 // -1 is open
}

func (g *growing) Read(p []byte) (int, error) {
	if g.end >= 0 {
		p = p[:min(int64(len(p)), g.end-g.pos)]
	}
	if len(p) == 0 {
		return 0, io.EOF
	}
	r, err := g.s.Get(context.Background(), g.key, g.pos, int64(min(len(p), 4096)))
	if err != nil {
		return 0, err
	}
	n, err := r.Read(p)
	g.pos += int64(n)
	return n, err
}

func (*growing) Close() error { return nil }

// TestSuiteFailsOnBrokenStores names, for each mistake, a check that must notice it.
func TestSuiteFailsOnBrokenStores(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		breakIt func(b *broken, s storage.Store)
		caught  string
	}{
		"keeps what a failing reader yielded": {func(b *broken, s storage.Store) {
			b.put = func(ctx context.Context, key string, r io.Reader, opt storage.PutOptions) (storage.Info, error) {
				data, err := io.ReadAll(r)
				info, putErr := s.Put(ctx, key, bytes.NewReader(data), opt)
				return info, errors.Join(err, putErr)
			}
		}, "a failing reader changes nothing"},
		"checks for absence before and not with the write": {func(b *broken, s storage.Store) {
			b.put = func(ctx context.Context, key string, r io.Reader, opt storage.PutOptions) (storage.Info, error) {
				if _, err := s.Stat(ctx, key); err == nil && opt.IfAbsent {
					return storage.Info{}, fault.New(fault.Conflict, "broken", "exists")
				}
				opt.IfAbsent = false
				return s.Put(ctx, key, r, opt)
			}
		}, "one of fifty wins if absent"},
		"ignores IfAbsent": {func(b *broken, s storage.Store) {
			b.put = func(ctx context.Context, key string, r io.Reader, opt storage.PutOptions) (storage.Info, error) {
				opt.IfAbsent = false
				return s.Put(ctx, key, r, opt)
			}
		}, "put if absent"},
		"ignores the size announced": {func(b *broken, s storage.Store) {
			b.put = func(ctx context.Context, key string, r io.Reader, opt storage.PutOptions) (storage.Info, error) {
				return s.Put(ctx, key, io.LimitReader(r, 1<<20), storage.PutOptions{IfAbsent: opt.IfAbsent})
			}
		}, "size is checked"},
		"writes to the end of the context and beyond": {func(b *broken, s storage.Store) {
			b.put = func(ctx context.Context, key string, r io.Reader, opt storage.PutOptions) (storage.Info, error) {
				return s.Put(context.WithoutCancel(ctx), key, io.LimitReader(r, 1<<20), opt)
			}
		}, "a context that ends during put changes nothing"},
		"ignores an ended context when deleting": {func(b *broken, s storage.Store) {
			b.delete = func(ctx context.Context, key string) error { return s.Delete(context.WithoutCancel(ctx), key) }
		}, "an ended context changes nothing"},
		"reads a range one byte too long": {func(b *broken, s storage.Store) {
			b.get = func(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
				if length > 0 && length < 1<<40 {
					length++
				}
				return s.Get(ctx, key, offset, length)
			}
		}, "ranges"},
		"takes an offset beyond the end": {func(b *broken, s storage.Store) {
			b.get = func(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
				r, err := s.Get(ctx, key, offset, length)
				if errors.Is(err, fault.Invalid) && offset > 0 {
					return io.NopCloser(bytes.NewReader(nil)), nil
				}
				return r, err
			}
		}, "ranges"},
		"reads on in the new object": {func(b *broken, s storage.Store) {
			b.get = func(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
				r, err := s.Get(ctx, key, offset, length)
				if err != nil {
					return nil, err
				}
				r.Close()
				g := &growing{s: s, key: key, pos: offset, end: -1}
				if length >= 0 && length < 1<<40 {
					g.end = offset + length
				}
				return g, nil
			}
		}, "a reader outlives replacement and deletion"},
		"lists in no order": {func(b *broken, s storage.Store) {
			b.list = func(ctx context.Context, prefix, after string, limit int) ([]storage.Info, error) {
				infos, err := s.List(ctx, prefix, after, limit)
				slices.Reverse(infos)
				return infos, err
			}
		}, "list in byte order"},
		"starts a page with the last key of the one before": {func(b *broken, s storage.Store) {
			b.list = func(ctx context.Context, prefix, after string, limit int) ([]storage.Info, error) {
				infos, err := s.List(ctx, prefix, after, limit)
				if info, statErr := s.Stat(ctx, after); statErr == nil {
					infos = append([]storage.Info{info}, infos...)
				}
				return infos, err
			}
		}, "list pages"},
		"takes a prefix for a directory": {func(b *broken, s storage.Store) {
			b.list = func(ctx context.Context, prefix, after string, limit int) ([]storage.Info, error) {
				if prefix != "" && prefix[len(prefix)-1] != '/' {
					prefix += "/"
				}
				return s.List(ctx, prefix, after, limit)
			}
		}, "list prefixes"},
		"ignores the limit": {func(b *broken, s storage.Store) {
			b.list = func(ctx context.Context, prefix, after string, _ int) ([]storage.Info, error) {
				return s.List(ctx, prefix, after, 0)
			}
		}, "list limits"},
		"has an ETag of the size": {func(b *broken, s storage.Store) {
			b.put = func(ctx context.Context, key string, r io.Reader, opt storage.PutOptions) (storage.Info, error) {
				info, err := s.Put(ctx, key, r, opt)
				info.ETag = string(rune('a' + info.Size))
				return info, err
			}
		}, "etag changes with the content"},
		"complains of deleting what is not there": {func(b *broken, s storage.Store) {
			b.delete = func(ctx context.Context, key string) error {
				if _, err := s.Stat(ctx, key); err != nil {
					return err
				}
				return s.Delete(ctx, key)
			}
		}, "delete"},
		"lets any key pass": {func(b *broken, s storage.Store) {
			b.stat = func(ctx context.Context, key string) (storage.Info, error) {
				info, err := s.Stat(ctx, key)
				if errors.Is(err, fault.Invalid) {
					err = fault.New(fault.NotFound, "broken", "no")
				}
				return info, err
			}
		}, "keys that are not"},
		"shows objects in parts": {func(b *broken, s storage.Store) {
			var mu sync.Mutex
			b.put = func(ctx context.Context, key string, r io.Reader, opt storage.PutOptions) (storage.Info, error) {
				data, err := io.ReadAll(io.LimitReader(r, 1<<20))
				if err != nil {
					return storage.Info{}, err
				}
				mu.Lock()
				defer mu.Unlock()
				for _, n := range []int{len(data) / 2, len(data)} {
					info, err := s.Put(ctx, key, bytes.NewReader(data[:n]), storage.PutOptions{})
					if err != nil || n == len(data) {
						return info, err
					}
				}
				return storage.Info{}, nil
			}
		}, "readers see whole objects while writers replace"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failing := storagetest.Failing(t, func(testing.TB) storage.Store {
				s := mem.New()
				b := &broken{Store: s}
				c.breakIt(b, s)
				return b
			})
			if !slices.Contains(failing, c.caught) {
				t.Errorf("the suite does not notice; checks that fail: %q, want %q among them", failing, c.caught)
			}
		})
	}
}

func TestSuitePassesARightStore(t *testing.T) {
	t.Parallel()
	if failing := storagetest.Failing(t, func(testing.TB) storage.Store { return mem.New() }); failing != nil {
		t.Errorf("checks that fail on storage/mem: %q", failing)
	}
}
