package auth

import (
	"maps"
	"sync"
	"time"
)

// maxCached bounds the memory of the cache to some megabytes.
const maxCached = 16384

// principalCache remembers for a moment who holds a token, by the token's hash.
type principalCache struct {
	ttl time.Duration

	mu      sync.RWMutex
	entries map[Hash]cached
	// revoked counts the calls of forget. An answer read from the store before
	// one of them must not be put after it, or a revoked token would live on.
	revoked uint64
}

type cached struct {
	principal Principal
	until     time.Time
}

func newPrincipalCache(ttl time.Duration) *principalCache {
	return &principalCache{ttl: ttl, entries: map[Hash]cached{}}
}

// get returns the tenant's entry. Without one, it returns what to hand to put.
func (c *principalCache) get(tenant string, h Hash, now time.Time) (p Principal, revoked uint64, ok bool) {
	c.mu.RLock()
	e, ok := c.entries[h]
	revoked = c.revoked
	c.mu.RUnlock()
	if !ok || e.principal.Tenant != tenant || !now.Before(e.until) {
		return Principal{}, revoked, false
	}
	return e.principal, revoked, true
}

// put keeps p unless something was forgotten since get.
func (c *principalCache) put(h Hash, p Principal, now time.Time, revoked uint64) {
	if c.ttl <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.revoked != revoked {
		return
	}
	if len(c.entries) >= maxCached {
		maps.DeleteFunc(c.entries, func(_ Hash, e cached) bool { return !now.Before(e.until) })
	}
	if len(c.entries) >= maxCached {
		clear(c.entries) // all of them fresh: cheaper to ask the store again than to order them
	}
	c.entries[h] = cached{p, now.Add(c.ttl)}
}

// forget drops the entries that match.
func (c *principalCache) forget(match func(Principal) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.revoked++
	maps.DeleteFunc(c.entries, func(_ Hash, e cached) bool { return match(e.principal) })
}
