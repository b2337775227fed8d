package passtest_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/streamgate/streamgate/nft/pass"
	"github.com/streamgate/streamgate/nft/pass/passtest"
)

func memory(testing.TB) pass.Store { return passtest.NewMemory() }

func TestMemory(t *testing.T) {
	t.Parallel()
	passtest.RunStore(t, memory)
}

// broken is a store that breaks one promise.
type broken struct {
	pass.Store
	insert func(s pass.Store, ctx context.Context, o pass.Order) (pass.Order, bool, error)
	order  func(s pass.Store, ctx context.Context, tenant, id string) (pass.Order, error)
	change func(s pass.Store, ctx context.Context, tenant, id string, f func(*pass.Order) error) (pass.Order, error)
	work   func(s pass.Store, ctx context.Context, chain, after string, limit int) ([]pass.Order, error)
	number func(s pass.Store, ctx context.Context, tenant, id string, base uint64) (pass.Order, error)
}

func (b *broken) Insert(ctx context.Context, o pass.Order) (pass.Order, bool, error) {
	if b.insert != nil {
		return b.insert(b.Store, ctx, o)
	}
	return b.Store.Insert(ctx, o)
}

func (b *broken) Order(ctx context.Context, tenant, id string) (pass.Order, error) {
	if b.order != nil {
		return b.order(b.Store, ctx, tenant, id)
	}
	return b.Store.Order(ctx, tenant, id)
}

func (b *broken) Change(ctx context.Context, tenant, id string, f func(*pass.Order) error) (pass.Order, error) {
	if b.change != nil {
		return b.change(b.Store, ctx, tenant, id, f)
	}
	return b.Store.Change(ctx, tenant, id, f)
}

func (b *broken) Work(ctx context.Context, chain, after string, limit int) ([]pass.Order, error) {
	if b.work != nil {
		return b.work(b.Store, ctx, chain, after, limit)
	}
	return b.Store.Work(ctx, chain, after, limit)
}

func (b *broken) Number(ctx context.Context, tenant, id string, base uint64) (pass.Order, error) {
	if b.number != nil {
		return b.number(b.Store, ctx, tenant, id, base)
	}
	return b.Store.Number(ctx, tenant, id, base)
}

func TestTheSuiteNotices(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		make func() *broken
		want string
	}{
		"forgets keys": {func() *broken {
			return &broken{insert: func(s pass.Store, ctx context.Context, o pass.Order) (pass.Order, bool, error) {
				o.Key = o.ID
				return s.Insert(ctx, o)
			}}
		}, "a key is one order"},
		"mixes tenants": {func() *broken {
			return &broken{order: func(s pass.Store, ctx context.Context, _, id string) (pass.Order, error) {
				for _, tenant := range []string{"one", "two"} {
					if o, err := s.Order(ctx, tenant, id); err == nil {
						return o, nil
					}
				}
				return s.Order(ctx, "one", id)
			}}
		}, "tenants are apart"},
		"loses the signed bytes": {func() *broken {
			return &broken{order: func(s pass.Store, ctx context.Context, tenant, id string) (pass.Order, error) {
				o, err := s.Order(ctx, tenant, id)
				for i := range o.Attempts {
					o.Attempts[i].Raw = nil
				}
				return o, err
			}}
		}, "records are whole"},
		"keeps what failed": {func() *broken {
			return &broken{change: func(s pass.Store, ctx context.Context, tenant, id string, f func(*pass.Order) error) (pass.Order, error) {
				var failed error
				o, err := s.Change(ctx, tenant, id, func(o *pass.Order) error { failed = f(o); return nil })
				if failed != nil {
					return o, failed
				}
				return o, err
			}}
		}, "a change is whole or nothing"},
		"works on what waits for wallets": {func() *broken {
			return &broken{work: func(s pass.Store, ctx context.Context, chain, after string, limit int) ([]pass.Order, error) {
				list, _, err := s.Orders(ctx, "one", pass.ListOptions{})
				slices.Reverse(list)
				list = slices.DeleteFunc(list, func(o pass.Order) bool { return o.ID <= after })
				return list[:min(limit, len(list))], err
			}}
		}, "what is to be done"},
		"counts numbers by itself": {func() *broken {
			var mu sync.Mutex
			next := map[uint64]uint64{}
			return &broken{number: func(s pass.Store, ctx context.Context, tenant, id string, base uint64) (pass.Order, error) {
				mu.Lock()
				n := base + next[base]
				next[base]++
				mu.Unlock()
				return s.Change(ctx, tenant, id, func(o *pass.Order) error { o.Nonce = &n; return nil })
			}}
		}, "numbers fill gaps"},
		"gives a number twice": {func() *broken {
			return &broken{number: func(s pass.Store, ctx context.Context, tenant, id string, base uint64) (pass.Order, error) {
				return s.Change(ctx, tenant, id, func(o *pass.Order) error { o.Nonce = &base; return nil })
			}}
		}, "numbers race without doubles"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failing := passtest.Failing(t, func(t testing.TB) pass.Store {
				b := c.make()
				b.Store = passtest.NewMemory()
				return b
			})
			if !slices.Contains(failing, c.want) {
				t.Errorf("failing are %q, want %q among them", failing, c.want)
			}
		})
	}
}
