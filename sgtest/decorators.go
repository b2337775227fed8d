package sgtest

import (
	"context"
	"io"
	"time"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/cache"
)

// FaultyStore is a storage.Store that fails. Readers fail too, as method "Read": what
// they have yielded before is right.
type FaultyStore struct {
	*Injector
	inner storage.Store
}

// NewFaultyStore returns a decorator of inner.
func NewFaultyStore(inner storage.Store, f Faults) *FaultyStore {
	return &FaultyStore{newInjector(f), inner}
}

// Unwrap returns the store below. The powers that storage.As finds there do not fail.
func (s *FaultyStore) Unwrap() storage.Store { return s.inner }

// Put implements storage.Store.
func (s *FaultyStore) Put(ctx context.Context, key string, r io.Reader, opt storage.PutOptions) (storage.Info, error) {
	return effect(ctx, s.Injector, "Put", func() (storage.Info, error) { return s.inner.Put(ctx, key, r, opt) })
}

// Get implements storage.Store.
func (s *FaultyStore) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if err := s.read(ctx, "Get"); err != nil {
		return nil, err
	}
	r, err := s.inner.Get(ctx, key, offset, length)
	if err != nil {
		return nil, err
	}
	return &faultyReader{ReadCloser: r, ctx: ctx, i: s.Injector}, nil
}

type faultyReader struct {
	io.ReadCloser
	ctx context.Context //nolint:containedctx // a reader reads for the Get that opened it
	i   *Injector
}

func (r *faultyReader) Read(p []byte) (int, error) {
	if err := r.i.read(r.ctx, "Read"); err != nil {
		return 0, err
	}
	return r.ReadCloser.Read(p)
}

// Stat implements storage.Store.
func (s *FaultyStore) Stat(ctx context.Context, key string) (storage.Info, error) {
	if err := s.read(ctx, "Stat"); err != nil {
		return storage.Info{}, err
	}
	return s.inner.Stat(ctx, key)
}

// List implements storage.Store.
func (s *FaultyStore) List(ctx context.Context, prefix, after string, limit int) ([]storage.Info, error) {
	if err := s.read(ctx, "List"); err != nil {
		return nil, err
	}
	return s.inner.List(ctx, prefix, after, limit)
}

// Delete implements storage.Store.
func (s *FaultyStore) Delete(ctx context.Context, key string) error {
	return s.do(ctx, "Delete", func() error { return s.inner.Delete(ctx, key) })
}

// FaultyCache is a cache.Cache that fails.
type FaultyCache struct {
	*Injector
	inner cache.Cache
}

// NewFaultyCache returns a decorator of inner.
func NewFaultyCache(inner cache.Cache, f Faults) *FaultyCache {
	return &FaultyCache{newInjector(f), inner}
}

// Unwrap returns the cache below. The powers that cache.As finds there do not fail.
func (c *FaultyCache) Unwrap() cache.Cache { return c.inner }

// Get implements cache.Cache.
func (c *FaultyCache) Get(ctx context.Context, key string) ([]byte, bool, error) {
	if err := c.read(ctx, "Get"); err != nil {
		return nil, false, err
	}
	return c.inner.Get(ctx, key)
}

// Set implements cache.Cache.
func (c *FaultyCache) Set(ctx context.Context, key string, val []byte, ttl time.Duration) error {
	return c.do(ctx, "Set", func() error { return c.inner.Set(ctx, key, val, ttl) })
}

// Delete implements cache.Cache.
func (c *FaultyCache) Delete(ctx context.Context, key string) error {
	return c.do(ctx, "Delete", func() error { return c.inner.Delete(ctx, key) })
}

// FaultyBus is an event.Bus that fails. Handlers are called as the bus below calls them.
type FaultyBus struct {
	*Injector
	inner event.Bus
}

// NewFaultyBus returns a decorator of inner.
func NewFaultyBus(inner event.Bus, f Faults) *FaultyBus { return &FaultyBus{newInjector(f), inner} }

// Unwrap returns the bus below.
func (b *FaultyBus) Unwrap() event.Bus { return b.inner }

// Publish implements event.Bus.
func (b *FaultyBus) Publish(ctx context.Context, e event.Event) error {
	return b.do(ctx, "Publish", func() error { return b.inner.Publish(ctx, e) })
}

// Subscribe implements event.Bus.
func (b *FaultyBus) Subscribe(pattern string, h event.Handler) (func(), error) {
	if err := b.read(context.Background(), "Subscribe"); err != nil {
		return nil, err
	}
	return b.inner.Subscribe(pattern, h)
}

// FaultyQueue is a job.Queue that fails. A Lease whose answer is lost holds its job
// until it expires.
type FaultyQueue struct {
	*Injector
	inner job.Queue
}

// NewFaultyQueue returns a decorator of inner.
func NewFaultyQueue(inner job.Queue, f Faults) *FaultyQueue {
	return &FaultyQueue{newInjector(f), inner}
}

// Unwrap returns the queue below.
func (q *FaultyQueue) Unwrap() job.Queue { return q.inner }

// Enqueue implements job.Queue.
func (q *FaultyQueue) Enqueue(ctx context.Context, jobs ...job.Job) error {
	return q.do(ctx, "Enqueue", func() error { return q.inner.Enqueue(ctx, jobs...) })
}

// Lease implements job.Queue.
func (q *FaultyQueue) Lease(ctx context.Context, kinds []string, d time.Duration) (*job.Lease, error) {
	return effect(ctx, q.Injector, "Lease", func() (*job.Lease, error) { return q.inner.Lease(ctx, kinds, d) })
}

// Extend implements job.Queue.
func (q *FaultyQueue) Extend(ctx context.Context, token string, d time.Duration) error {
	return q.do(ctx, "Extend", func() error { return q.inner.Extend(ctx, token, d) })
}

// Ack implements job.Queue.
func (q *FaultyQueue) Ack(ctx context.Context, token string) error {
	return q.do(ctx, "Ack", func() error { return q.inner.Ack(ctx, token) })
}

// Nack implements job.Queue.
func (q *FaultyQueue) Nack(ctx context.Context, token string, delay time.Duration, cause error) error {
	return q.do(ctx, "Nack", func() error { return q.inner.Nack(ctx, token, delay, cause) })
}

// FaultyVerifier is an nft.Verifier that fails. Its Watch is that of the verifier below.
type FaultyVerifier struct {
	*Injector
	inner nft.Verifier
}

// NewFaultyVerifier returns a decorator of inner.
func NewFaultyVerifier(inner nft.Verifier, f Faults) *FaultyVerifier {
	return &FaultyVerifier{newInjector(f), inner}
}

// Unwrap returns the verifier below.
func (v *FaultyVerifier) Unwrap() nft.Verifier { return v.inner }

// Chain implements nft.Verifier.
func (v *FaultyVerifier) Chain() caip.ChainID { return v.inner.Chain() }

// Check implements nft.Verifier.
func (v *FaultyVerifier) Check(ctx context.Context, at nft.Finality, queries []nft.Query) (nft.Reply, error) {
	if err := v.read(ctx, "Check"); err != nil {
		return nft.Reply{}, err
	}
	return v.inner.Check(ctx, at, queries)
}

// CheckQuorum implements nft.QuorumVerifier by the verifier below, if that can.
func (v *FaultyVerifier) CheckQuorum(ctx context.Context, at nft.Finality, q nft.Quorum, queries []nft.Query) (nft.Reply, error) {
	if err := v.read(ctx, "CheckQuorum"); err != nil {
		return nft.Reply{}, err
	}
	inner, ok := nft.As[nft.QuorumVerifier](v.inner)
	if !ok {
		return nft.Reply{}, fault.Wrap(fault.Unsupported, "sgtest.CheckQuorum", nft.ErrTooFewOperators)
	}
	return inner.CheckQuorum(ctx, at, q, queries)
}

// Watch implements nft.Verifier.
func (v *FaultyVerifier) Watch(ctx context.Context, contracts func() []string, fn func(nft.Change)) error {
	return v.inner.Watch(ctx, contracts, fn)
}

// Head implements nft.Verifier.
func (v *FaultyVerifier) Head(ctx context.Context) (nft.Block, error) {
	if err := v.read(ctx, "Head"); err != nil {
		return nft.Block{}, err
	}
	return v.inner.Head(ctx)
}

// FaultyKeys is a keys.Manager that fails.
type FaultyKeys struct {
	*Injector
	inner keys.Manager
}

// NewFaultyKeys returns a decorator of inner.
func NewFaultyKeys(inner keys.Manager, f Faults) *FaultyKeys {
	return &FaultyKeys{newInjector(f), inner}
}

// Inner returns the manager below, as Unwrap does elsewhere: here that name is taken.
func (m *FaultyKeys) Inner() keys.Manager { return m.inner }

// DataKey implements keys.Manager.
func (m *FaultyKeys) DataKey(ctx context.Context, scope string) (plain, wrapped []byte, err error) {
	type pair struct{ plain, wrapped []byte }
	p, err := effect(ctx, m.Injector, "DataKey", func() (p pair, err error) {
		p.plain, p.wrapped, err = m.inner.DataKey(ctx, scope)
		return p, err
	})
	return p.plain, p.wrapped, err
}

// Unwrap implements keys.Manager.
func (m *FaultyKeys) Unwrap(ctx context.Context, scope string, wrapped []byte) ([]byte, error) {
	if err := m.read(ctx, "Unwrap"); err != nil {
		return nil, err
	}
	return m.inner.Unwrap(ctx, scope, wrapped)
}

// Rotate implements keys.Manager.
func (m *FaultyKeys) Rotate(ctx context.Context) error {
	return m.do(ctx, "Rotate", func() error { return m.inner.Rotate(ctx) })
}

// Shred implements keys.Manager.
func (m *FaultyKeys) Shred(ctx context.Context, scope string) error {
	return m.do(ctx, "Shred", func() error { return m.inner.Shred(ctx, scope) })
}
