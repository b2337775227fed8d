package cachetest_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/storage/cache"
	"github.com/streamgate/streamgate/storage/cache/cachetest"
)

type broken struct {
	cache.Cache
	get    func(ctx context.Context, key string) ([]byte, bool, error)
	set    func(ctx context.Context, key string, val []byte, ttl time.Duration) error
	delete func(ctx context.Context, key string) error
}

func (b *broken) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if b.get != nil {
		return b.get(ctx, key)
	}
	return b.Cache.Get(ctx, key)
}

func (b *broken) Set(ctx context.Context, key string, val []byte, ttl time.Duration) error {
	if b.set != nil {
		return b.set(ctx, key, val, ttl)
	}
	return b.Cache.Set(ctx, key, val, ttl)
}

func (b *broken) Delete(ctx context.Context, key string) error {
	if b.delete != nil {
		return b.delete(ctx, key)
	}
	return b.Cache.Delete(ctx, key)
}

func TestSuiteFailsOnBrokenCaches(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		breakIt func(b *broken, c cache.Cache)
		caught  string
	}{
		"never expires": {func(b *broken, c cache.Cache) {
			b.set = func(ctx context.Context, key string, val []byte, ttl time.Duration) error {
				if ttl > 0 {
					ttl = 24 * time.Hour
				}
				return c.Set(ctx, key, val, ttl)
			}
		}, "values expire"},
		"takes no time for ever": {func(b *broken, c cache.Cache) {
			b.set = func(ctx context.Context, key string, val []byte, ttl time.Duration) error {
				return c.Set(ctx, key, val, max(ttl, time.Hour))
			}
		}, "no time to live"},
		"keeps the old value on a set for no time": {func(b *broken, c cache.Cache) {
			b.set = func(ctx context.Context, key string, val []byte, ttl time.Duration) error {
				if ttl <= 0 {
					return nil
				}
				return c.Set(ctx, key, val, ttl)
			}
		}, "no time to live"},
		"prolongs on reading": {func(b *broken, c cache.Cache) {
			b.get = func(ctx context.Context, key string) ([]byte, bool, error) {
				val, ok, err := c.Get(ctx, key)
				if ok {
					c.Set(ctx, key, val, time.Hour)
				}
				return val, ok, err
			}
		}, "values expire"},
		"folds case": {func(b *broken, c cache.Cache) {
			b.set = func(ctx context.Context, key string, val []byte, ttl time.Duration) error {
				return c.Set(ctx, strings.ToLower(key), val, ttl)
			}
			b.get = func(ctx context.Context, key string) ([]byte, bool, error) { return c.Get(ctx, strings.ToLower(key)) }
		}, "set then get"},
		"does not delete": {func(b *broken, c cache.Cache) {
			b.delete = func(ctx context.Context, _ string) error { return ctx.Err() }
		}, "delete"},
		"keeps the first value": {func(b *broken, c cache.Cache) {
			b.set = func(ctx context.Context, key string, val []byte, ttl time.Duration) error {
				if _, ok, _ := c.Get(ctx, key); ok {
					return nil
				}
				return c.Set(ctx, key, val, ttl)
			}
		}, "a later set wins"},
		"keeps the old value beside one too large": {func(b *broken, c cache.Cache) {
			b.set = func(ctx context.Context, key string, val []byte, ttl time.Duration) error {
				if len(val) > 1<<20 {
					return nil
				}
				return c.Set(ctx, key, val, ttl)
			}
		}, "a value too large drops the old one"},
		"ignores the context": {func(b *broken, c cache.Cache) {
			b.get = func(ctx context.Context, key string) ([]byte, bool, error) {
				return c.Get(context.WithoutCancel(ctx), key)
			}
		}, "an ended context"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failing := cachetest.Failing(t, func(testing.TB) (cache.Cache, func(time.Duration)) {
				now := time.Unix(1000, 0)
				lru := cache.NewLRU(cache.LRUOptions{Now: func() time.Time { return now }})
				b := &broken{Cache: lru}
				c.breakIt(b, lru)
				return b, func(d time.Duration) { now = now.Add(d) }
			})
			if !slices.Contains(failing, c.caught) {
				t.Errorf("the suite does not notice; checks that fail: %q, want %q among them", failing, c.caught)
			}
		})
	}
}
