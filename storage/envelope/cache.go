package envelope

import (
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"
)

// entry is an object's header with its data key unwrapped. It never changes.
type entry struct {
	raw     []byte
	scope   string
	sealer  *sealer
	expires time.Time
}

// keyCache holds entries by object key, bounded in number and time.
type keyCache struct {
	c   *otter.Cache[string, *entry]
	ttl time.Duration
	now func() time.Time
	// forgotten counts calls of forget, for a fill to notice one beside it.
	forgotten atomic.Uint64
}

func newKeyCache(size int, ttl time.Duration, now func() time.Time) (*keyCache, error) {
	c, err := otter.New(&otter.Options[string, *entry]{
		MaximumSize: size,
		Executor:    func(f func()) { f() }, // no goroutine outlives the call that needed it
	})
	return &keyCache{c: c, ttl: ttl, now: now}, err
}

// get returns nil when there is no entry that may be used.
func (k *keyCache) get(key string) *entry {
	e, ok := k.c.GetIfPresent(key)
	if !ok || !k.now().Before(e.expires) {
		return nil
	}
	return e
}

// fill stores what unwrap returns, unless a scope is forgotten meanwhile.
func (k *keyCache) fill(key string, unwrap func() (*entry, error)) (*entry, error) {
	seen := k.forgotten.Load()
	// The time runs from before the asking, so that KeyTTL bounds the age of the answer.
	expires := k.now().Add(k.ttl)
	e, err := unwrap()
	if err != nil {
		return nil, err
	}
	e.expires = expires
	k.c.Set(key, e)
	// A forget counts first and sweeps then: it sees the entry or is seen here.
	if k.forgotten.Load() != seen {
		k.c.Invalidate(key)
	}
	return e, nil
}

func (k *keyCache) forget(scope string) {
	k.forgotten.Add(1)
	for key, e := range k.c.All() {
		if e.scope == scope {
			k.c.Invalidate(key)
		}
	}
}
