package cache

import (
	"context"
	"math"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/streamgate/streamgate/fault"
)

// entryOverhead is what an entry costs beside the bytes of key and value.
const entryOverhead = 128

// LRUOptions configures an LRU. The zero value is the documented default.
type LRUOptions struct {
	// MaxBytes bounds keys, values and bookkeeping together (default 64 MiB).
	MaxBytes int64
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// LRU is a Cache in this process. When it is full it drops what was used least,
// lately and often. It starts no goroutine. All methods are safe for concurrent
// use and none returns an error but for a ctx that has ended.
type LRU struct {
	c   *otter.Cache[string, lruEntry]
	max int64
	now func() time.Time
}

type lruEntry struct {
	val     []byte
	expires time.Time
}

var _ Cache = (*LRU)(nil)

// NewLRU returns an empty LRU.
func NewLRU(opt LRUOptions) *LRU {
	if opt.MaxBytes <= 0 {
		opt.MaxBytes = 64 << 20
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	c := otter.Must(&otter.Options[string, lruEntry]{
		MaximumWeight: uint64(opt.MaxBytes),
		Weigher:       func(k string, e lruEntry) uint32 { return uint32(min(weight(k, e.val), math.MaxUint32)) },
		Executor:      func(f func()) { f() },
	})
	return &LRU{c: c, max: opt.MaxBytes, now: opt.Now}
}

func weight(key string, val []byte) int64 {
	return int64(len(key)) + int64(cap(val)) + entryOverhead
}

// Get implements Cache.
func (l *LRU) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if err := ctx.Err(); err != nil {
		return nil, false, fault.Wrap(fault.Canceled, "cache.Get", err)
	}
	e, ok := l.c.GetIfPresent(key)
	if !ok || !l.now().Before(e.expires) {
		// An expired entry is left to eviction: removing it here could hit a
		// value that another Set has just stored.
		return nil, false, nil
	}
	return e.val, true, nil
}

// Set implements Cache. A value that does not fit at all is not stored.
func (l *LRU) Set(ctx context.Context, key string, val []byte, ttl time.Duration) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, "cache.Set", err)
	}
	if ttl <= 0 || weight(key, val) > min(l.max, math.MaxUint32) {
		l.c.Invalidate(key)
		return nil
	}
	l.c.Set(key, lruEntry{val, l.now().Add(ttl)})
	return nil
}

// Delete implements Cache.
func (l *LRU) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, "cache.Delete", err)
	}
	l.c.Invalidate(key)
	return nil
}
