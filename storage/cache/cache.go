// Package cache keeps small values for a while. Cache is the interface; LRU is
// the in-process default, bounded by bytes; Loader adds coalescing of misses. Tiered
// puts an LRU over a cache that processes share, and Shared has one process fill it. Claimer,
// Limiter and Updater are what a Cache can also do.
package cache

import (
	"context"
	"time"
)

// Cache maps keys to bytes with an expiry. All methods are safe for concurrent
// use. A cache may drop anything at any time; it never returns an expired value
// and never returns a value other than the last one set for that key.
type Cache interface {
	// Get returns the value, or ok=false when there is none. Callers must not
	// change the returned bytes.
	Get(ctx context.Context, key string) (val []byte, ok bool, err error)
	// Set stores val for ttl; ttl <= 0 stores nothing and drops what was there. The cache takes
	// ownership of val.
	Set(ctx context.Context, key string, val []byte, ttl time.Duration) error
	// Delete removes key; a missing key is not an error.
	Delete(ctx context.Context, key string) error
}
