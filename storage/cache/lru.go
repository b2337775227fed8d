package cache

import (
	"context"
	"math"
	"sync/atomic"
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
//
// LRU is a Claimer, a Limiter and an Updater for the callers of this process.
type LRU struct {
	c   *otter.Cache[lruKey, lruEntry]
	max int64
	now func() time.Time
	seq atomic.Uint64
}

// lruKey names a value, a claim or a bucket.
type lruKey struct {
	space space
	key   string
}

type space uint8

const (
	values space = iota
	claims
	buckets
)

// lruEntry is a value, the owner of a claim, or a bucket, which is nothing but the
// time at which it is full again.
type lruEntry struct {
	val     []byte
	expires time.Time
	// seq tells one value from the next, for Update.
	seq uint64
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
	c := otter.Must(&otter.Options[lruKey, lruEntry]{
		MaximumWeight: uint64(opt.MaxBytes),
		Weigher:       func(k lruKey, e lruEntry) uint32 { return uint32(min(weight(k.key, e.val), math.MaxUint32)) },
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
	e, ok := l.c.GetIfPresent(lruKey{values, key})
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
	if ttl <= 0 || !l.fits(key, val) {
		l.c.Invalidate(lruKey{values, key})
		return nil
	}
	l.c.Set(lruKey{values, key}, l.entry(val, ttl))
	return nil
}

func (l *LRU) fits(key string, val []byte) bool {
	return weight(key, val) <= min(l.max, math.MaxUint32)
}

func (l *LRU) entry(val []byte, ttl time.Duration) lruEntry {
	return lruEntry{val: val, expires: l.now().Add(ttl), seq: l.seq.Add(1)}
}

// Delete implements Cache.
func (l *LRU) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, "cache.Delete", err)
	}
	l.c.Invalidate(lruKey{values, key})
	return nil
}
