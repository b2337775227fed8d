package cache

import (
	"context"
	"time"
)

// LoaderOptions configures a Loader. The zero value is the documented default.
type LoaderOptions struct {
	// Timeout bounds one call of a load function (default DefaultTimeout).
	Timeout time.Duration
	// OnCacheError is told of errors of the Cache, which never fail a Load. nil
	// ignores them.
	OnCacheError func(ctx context.Context, key string, err error)
}

// Loader answers from a Cache and fills it on a miss, once for all who miss at
// the same time in this process. All methods are safe for concurrent use.
type Loader struct {
	cache   Cache
	flight  Flight[string, []byte]
	onError func(context.Context, string, error)
}

// NewLoader returns a Loader over c.
func NewLoader(c Cache, opt LoaderOptions) *Loader {
	l := &Loader{cache: c, onError: opt.OnCacheError}
	l.flight.Timeout = opt.Timeout
	if l.onError == nil {
		l.onError = func(context.Context, string, error) {}
	}
	return l
}

// Load returns the cached value of key or what load returns, which it keeps for
// ttl; ttl <= 0 keeps nothing. Concurrent misses make one call of load, under the
// terms of Flight.Do. Errors are not cached. Nobody may change the bytes returned.
func (l *Loader) Load(ctx context.Context, key string, load func(context.Context) (val []byte, ttl time.Duration, err error)) ([]byte, error) {
	if val, ok := l.get(ctx, key); ok {
		return val, nil
	}
	return l.miss(ctx, key, func(ctx context.Context, _ func(func())) ([]byte, time.Duration, error) { return load(ctx) })
}

// miss is the rest of Load when there is no value. load is also given what runs a function
// unless the key was invalidated since.
func (l *Loader) miss(ctx context.Context, key string, load func(ctx context.Context, keep func(store func())) ([]byte, time.Duration, error)) ([]byte, error) {
	return l.flight.do(ctx, key, func(ctx context.Context, c *call[[]byte]) ([]byte, error) {
		// Another call may have ended between the miss and this one's start.
		if val, ok := l.get(ctx, key); ok {
			return val, nil
		}
		val, ttl, err := load(ctx, c.keep)
		if err != nil {
			return nil, err
		}
		if ttl > 0 {
			c.keep(func() {
				if err := l.cache.Set(ctx, key, val, ttl); err != nil {
					l.onError(ctx, key, err)
				}
			})
		}
		return val, nil
	})
}

func (l *Loader) get(ctx context.Context, key string) ([]byte, bool) {
	val, ok, err := l.cache.Get(ctx, key)
	if err != nil {
		// A cache that is down costs time, not the answer. Of a ctx that has ended
		// the flight tells.
		if ctx.Err() == nil {
			l.onError(ctx, key, err)
		}
		return nil, false
	}
	return val, ok
}

// Invalidate removes key. A value whose load began before is not kept after
// Invalidate has returned nil, and later Loads do not wait for that load.
func (l *Loader) Invalidate(ctx context.Context, key string) error {
	l.flight.Forget(key)
	return l.cache.Delete(ctx, key)
}

// Wait returns when no load is running. Call it on shutdown, after the last Load.
func (l *Loader) Wait() { l.flight.Wait() }
