package cache

import (
	"context"
	"crypto/rand"
	mathrand "math/rand/v2"
	"time"
)

// SharedOptions configures a Shared. The zero value is the documented default.
type SharedOptions struct {
	// Wait is how long a Load waits for the process that fills the key (default 2 s).
	Wait time.Duration
	// ClaimTTL is how long a process that fills a key keeps others from it (default
	// DefaultTimeout). One that died is waited for no longer than Wait all the same.
	ClaimTTL time.Duration
	// OnCacheError is told of errors of the Cache, which never fail a Load. nil ignores them.
	OnCacheError func(ctx context.Context, key string, err error)
	// Counts, when not nil, counts the answers of the Cache as those of AtShared.
	Counts *Counts
}

// Shared answers from a cache that several processes share, and has one of them fill it
// on a miss, when the cache is a Claimer. It coalesces nothing within a process: see Tiered. All
// methods are safe for concurrent use.
type Shared struct {
	cache  Cache
	claims Claimer // nil without
	opt    SharedOptions
}

// NewShared returns a Shared over c.
func NewShared(c Cache, opt SharedOptions) *Shared {
	if opt.Wait <= 0 {
		opt.Wait = 2 * time.Second
	}
	if opt.ClaimTTL <= 0 {
		opt.ClaimTTL = DefaultTimeout
	}
	if opt.OnCacheError == nil {
		opt.OnCacheError = func(context.Context, string, error) {}
	}
	s := &Shared{cache: c, opt: opt}
	s.claims, _ = As[Claimer](c)
	return s
}

// Load returns the value of key that accept agrees to, or what load returns, which it keeps
// for ttl; ttl <= 0 keeps nothing. nil accept agrees to all. A value that is not accepted is dropped.
//
// On a miss one process loads; the others wait for its value, and load themselves when it does
// not come within Wait or when nobody is loading any more. A cache that cannot be reached, or is lost
// meanwhile, costs time and more loads, never the answer. Errors of load are returned as they are
// and not kept. Nobody may change the bytes returned.
func (s *Shared) Load(ctx context.Context, key string, accept func([]byte) bool, load func(context.Context) (val []byte, ttl time.Duration, err error)) ([]byte, error) {
	return s.load(ctx, key, accept, load, func(store func()) { store() })
}

// load is Load with keep, which may refuse to run what stores the value.
func (s *Shared) load(ctx context.Context, key string, accept func([]byte) bool, load func(context.Context) ([]byte, time.Duration, error), keep func(store func())) ([]byte, error) {
	val, outcome := s.look(ctx, key, accept)
	s.opt.Counts.Add(ctx, AtShared, outcome)
	if outcome == Hit {
		return val, nil
	}
	if outcome == Miss && s.claims != nil {
		val, found, release := s.await(ctx, key, accept)
		defer release()
		if found {
			return val, nil
		}
	}
	val, ttl, err := load(ctx)
	if err != nil {
		return nil, err
	}
	if ttl > 0 && outcome == Miss {
		keep(func() {
			if err := s.cache.Set(ctx, key, val, ttl); err != nil {
				s.opt.OnCacheError(ctx, key, err)
			}
		})
	}
	return val, nil
}

// look asks the cache once. An entry that is not accepted is a miss.
func (s *Shared) look(ctx context.Context, key string, accept func([]byte) bool) ([]byte, Outcome) {
	val, ok, err := s.cache.Get(ctx, key)
	switch {
	case err != nil:
		if ctx.Err() == nil {
			s.opt.OnCacheError(ctx, key, err)
		}
		return nil, Failed
	case !ok:
		return nil, Miss
	case accept != nil && !accept(val):
		if err := s.cache.Delete(ctx, key); err != nil {
			s.opt.OnCacheError(ctx, key, err)
		}
		return nil, Miss
	}
	return val, Hit
}

// await returns when the value is there (found), or when it is this caller's turn to load
// it: it holds the claim, or there is no use in waiting. release is never nil.
func (s *Shared) await(ctx context.Context, key string, accept func([]byte) bool) (val []byte, found bool, release func()) {
	owner := rand.Text()
	release = func() {}
	over := time.NewTimer(s.opt.Wait)
	defer over.Stop()
	for pause := 5 * time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		held, err := s.claims.Claim(ctx, key, owner, s.opt.ClaimTTL)
		if err != nil {
			s.opt.OnCacheError(ctx, key, err)
			return nil, false, release
		}
		if held {
			release = func() { s.release(ctx, key, owner) }
		}
		// Also the holder looks: who held before has filled it, perhaps.
		val, outcome := s.look(ctx, key, accept)
		if outcome == Hit || held || outcome == Failed {
			return val, outcome == Hit, release
		}
		next := time.NewTimer(pause/2 + mathrand.N(pause/2))
		select {
		case <-next.C:
			continue
		case <-over.C:
		case <-ctx.Done():
		}
		next.Stop()
		return nil, false, release
	}
}

// release gives a claim up, also after the caller's ctx has ended: others wait for it.
func (s *Shared) release(ctx context.Context, key, owner string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := s.claims.Release(ctx, key, owner); err != nil {
		s.opt.OnCacheError(ctx, key, err)
	}
}
