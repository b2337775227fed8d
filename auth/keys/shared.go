package keys

import (
	"context"
	"crypto/cipher"
	"errors"
	"hash/maphash"
	"sync/atomic"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/streamgate/streamgate/fault"
)

const (
	sharedStripes = 1024
	// attempts bounds how often a call starts again because another process changed what
	// it was working on; each time one of them got ahead.
	attempts = 16
	// probeScope is wrapped and unwrapped once to see that a new master key works. No
	// record has it.
	probeScope = "streamgate-probe"
)

// SharedOptions configures a Shared. The zero value is the documented default.
type SharedOptions struct {
	// CachedScopes bounds the scope keys held in memory (default 10,000; about 1 KiB each).
	CachedScopes int
	// Recheck is how long a scope key in memory is used without asking the store whether
	// the scope has been shredded (default 5 s).
	Recheck time.Duration
	// Lifetime is how long a scope key in memory is used without asking the Master, so that keys
	// it disabled stop working (default 15 min).
	Lifetime time.Duration
	// Now is the clock (default time.Now).
	Now func() time.Time
}

// Shared is a Manager for many processes. The scope keys are wrapped by a Master and
// kept in a ScopeStore that all processes share; data keys are made and unwrapped
// in the process, with a bounded cache of scope keys, so that the Master is asked once
// a scope and Lifetime.
//
// A Shred is final for the process that did it when it returns, and for every
// other no later than Recheck afterwards: until then those may still unwrap, and may
// hand out data keys that nobody will ever unwrap. When the store does not answer a
// recheck the key is not used: fault.Unavailable.
//
// A backup of the store brings back what was shredded after it was taken, unless
// a Rotate has ended since and the Master destroys retired keys.
type Shared struct {
	master Master
	scopes ScopeStore
	opt    SharedOptions

	// A scope's place in the cache changes under its stripe, and its record is read and
	// written under it, so that a Shred here leaves no key that was read before it.
	stripes [sharedStripes]chan struct{}
	seed    maphash.Seed
	cache   *otter.Cache[string, *scopeKey]
}

var _ Manager = (*Shared)(nil)

// scopeKey is a scope's key in memory.
type scopeKey struct {
	cipher.AEAD
	revision int64
	opened   time.Time
	checked  atomic.Pointer[time.Time] // before the store was asked
}

// NewShared returns a Manager on master and scopes. It asks neither of them: the
// first use of a store makes the first master key.
func NewShared(master Master, scopes ScopeStore, opt SharedOptions) (*Shared, error) {
	if opt.CachedScopes <= 0 {
		opt.CachedScopes = 10_000
	}
	if opt.Recheck <= 0 {
		opt.Recheck = 5 * time.Second
	}
	if opt.Lifetime <= 0 {
		opt.Lifetime = 15 * time.Minute
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	s := &Shared{master: master, scopes: scopes, opt: opt, seed: maphash.MakeSeed()}
	for i := range s.stripes {
		s.stripes[i] = make(chan struct{}, 1)
	}
	var err error
	s.cache, err = otter.New(&otter.Options[string, *scopeKey]{
		MaximumSize: opt.CachedScopes,
		Executor:    func(f func()) { f() }, // no goroutine outlives the call that needed it
	})
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "keys.NewShared", err)
	}
	return s, nil
}

// DataKey implements Manager. The first call for a scope, in any process, creates its key.
func (s *Shared) DataKey(ctx context.Context, scope string) (plain, wrapped []byte, err error) {
	const op = "keys.DataKey"
	if err := check(ctx, op, scope); err != nil {
		return nil, nil, err
	}
	key, err := s.key(ctx, scope, true)
	if err != nil {
		return nil, nil, given(ctx, op, err)
	}
	plain, wrapped = wrapData(key, scope)
	return plain, wrapped, nil
}

// Unwrap implements Manager.
func (s *Shared) Unwrap(ctx context.Context, scope string, wrapped []byte) ([]byte, error) {
	const op = "keys.Unwrap"
	if err := check(ctx, op, scope); err != nil {
		return nil, err
	}
	key, err := s.key(ctx, scope, false)
	if err != nil {
		return nil, given(ctx, op, err)
	}
	return unwrapData(key, scope, wrapped)
}

// Shred implements Manager. A scope that never was is shredded too: it can not
// be created later.
func (s *Shared) Shred(ctx context.Context, scope string) error {
	const op = "keys.Shred"
	if err := check(ctx, op, scope); err != nil {
		return err
	}
	unlock, err := s.lock(ctx, scope)
	if err != nil {
		return fault.At(op, err)
	}
	defer unlock()
	// Also when the write below fails half-way: better unreadable than readable.
	s.cache.Invalidate(scope)
	return given(ctx, op, s.scopes.Put(ctx, ScopeRecord{Scope: scope, Shredded: s.opt.Now().UTC()}))
}

// lock takes the stripe of scope, or gives up with ctx.
func (s *Shared) lock(ctx context.Context, scope string) (unlock func(), err error) {
	stripe := s.stripes[maphash.String(s.seed, scope)%sharedStripes]
	select {
	case stripe <- struct{}{}:
		return func() { <-stripe }, nil
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Canceled, "keys.lock", ctx.Err())
	}
}

// key returns the key of scope.
func (s *Shared) key(ctx context.Context, scope string, create bool) (cipher.AEAD, error) {
	if key := s.fresh(scope); key != nil {
		return key, nil
	}
	unlock, err := s.lock(ctx, scope)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if key := s.fresh(scope); key != nil {
		return key, nil
	}
	for range attempts {
		key, err := s.load(ctx, scope, create)
		if !errors.Is(err, fault.Conflict) {
			return key, err
		}
	}
	return nil, busy("keys.key")
}

// given adds op to err. What failed once the caller had given up is canceled, whatever
// the driver that was in the middle of it makes of that.
func given(ctx context.Context, op string, err error) error {
	if ended := ctx.Err(); ended != nil && errors.Is(err, fault.Unavailable) {
		return fault.Wrap(fault.Canceled, op, ended)
	}
	return fault.At(op, err)
}

func busy(op string) error {
	return fault.New(fault.Unavailable, op, "other processes keep changing the keys; try again")
}

// fresh returns the key in memory when it may be used without asking anybody.
func (s *Shared) fresh(scope string) cipher.AEAD {
	key, ok := s.cache.GetIfPresent(scope)
	if !ok {
		return nil
	}
	now := s.opt.Now()
	if passed(*key.checked.Load(), now) >= s.opt.Recheck || passed(key.opened, now) >= s.opt.Lifetime {
		return nil
	}
	return key
}

// passed returns the time between two moments by the clock that ran further: the
// monotonic one stands still while the machine sleeps, the other can be set back.
func passed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}

// load reads the record of scope and opens its key unless it is in memory already.
// It returns fault.Conflict when it is to be called again. The stripe is held.
func (s *Shared) load(ctx context.Context, scope string, create bool) (cipher.AEAD, error) {
	asked := s.opt.Now()
	rec, err := s.scopes.Get(ctx, scope)
	switch {
	case errors.Is(err, fault.NotFound) && create:
		return s.create(ctx, scope)
	case errors.Is(err, fault.NotFound), err == nil && !rec.Shredded.IsZero():
		s.cache.Invalidate(scope)
		return nil, noScope("keys.load")
	case err != nil:
		return nil, notConflict(err)
	}
	if key, ok := s.cache.GetIfPresent(scope); ok && key.revision == rec.Revision && passed(key.opened, asked) < s.opt.Lifetime {
		key.checked.Store(&asked)
		return key, nil
	}
	raw, err := s.open(ctx, rec)
	if err != nil {
		s.cache.Invalidate(scope)
		return nil, s.ifUnchanged(ctx, rec, err)
	}
	defer clear(raw)
	return s.hold(scope, raw, rec.Revision, asked)
}

// create makes the key of a scope nobody used before. Of several that do so at once
// one stores its key; the others get a conflict and load that one.
func (s *Shared) create(ctx context.Context, scope string) (cipher.AEAD, error) {
	asked := s.opt.Now()
	v, err := s.versions(ctx)
	if err != nil {
		return nil, err
	}
	raw := randomKey()
	defer clear(raw)
	wrapped, err := s.master.Wrap(ctx, v.Current, scope, raw)
	if err != nil {
		// The version may have been retired since it was read.
		if now, e := s.scopes.Versions(ctx); e == nil && now.Current != v.Current {
			return nil, fault.Wrap(fault.Conflict, "keys.create", err)
		}
		return nil, notConflict(err)
	}
	if err := s.scopes.Put(ctx, ScopeRecord{Scope: scope, Master: v.Current, Wrapped: wrapped}); err != nil {
		return nil, err
	}
	return s.hold(scope, raw, 1, asked)
}

// open unwraps the key of a record.
func (s *Shared) open(ctx context.Context, rec ScopeRecord) ([]byte, error) {
	raw, err := s.master.Unwrap(ctx, rec.Master, rec.Scope, rec.Wrapped)
	if err == nil && len(raw) != keySize {
		err = fault.New(fault.Corrupt, "keys.open", "the scope key has another length than it was made with")
	}
	return raw, err
}

// ifUnchanged returns cause, or a conflict when the record has been changed since:
// a re-wrap then made what cause complains of obsolete.
func (s *Shared) ifUnchanged(ctx context.Context, rec ScopeRecord, cause error) error {
	if now, err := s.scopes.Get(ctx, rec.Scope); err == nil && now.Revision != rec.Revision {
		return fault.Wrap(fault.Conflict, "keys.ifUnchanged", cause)
	}
	return notConflict(cause)
}

// notConflict keeps a conflict that is none of ours from being taken for a reason to try again.
func notConflict(err error) error {
	if errors.Is(err, fault.Conflict) {
		return fault.Wrap(fault.Unavailable, "keys.notConflict", err)
	}
	return err
}

func (s *Shared) hold(scope string, raw []byte, revision int64, asked time.Time) (cipher.AEAD, error) {
	aead, err := newWrapper(raw)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "keys.hold", err)
	}
	key := &scopeKey{AEAD: aead, revision: revision, opened: asked}
	key.checked.Store(&asked)
	s.cache.Set(scope, key)
	return key, nil
}
