package passtest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
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

// scripted is the ledger in memory for one check, seen through wrap.
func scripted(wrap func(pass.Ledger) pass.Ledger) passtest.NewLedger {
	return func(testing.TB) passtest.Issuing {
		c, cut := passtest.NewChain(time.Minute), passtest.NewChain(time.Minute)
		cut.Break(fault.New(fault.Unavailable, "test", "cut"))
		return passtest.Issuing{
			Ledger: wrap(c), Cut: wrap(cut), To: "0x00000000000000000000000000000000000000b0", Final: 3,
			Mine: func(_ testing.TB, n int) { c.Mine(n) },
			Held: func(_ testing.TB, p pass.Order) (held int) {
				for n := range 20 {
					if id := fmt.Sprintf("order-%04d", n); id != p.ID {
						held += c.Mints(id)
					}
				}
				return held
			},
		}
	}
}

func TestChain(t *testing.T) {
	t.Parallel()
	passtest.RunLedger(t, scripted(func(l pass.Ledger) pass.Ledger { return l }))
}

// bad is a ledger that breaks one promise.
type bad struct {
	pass.Ledger
	draft func(l pass.Ledger, ctx context.Context, o pass.Order, p *pass.Order) (pass.Draft, error)
	sign  func(l pass.Ledger, ctx context.Context, o pass.Order, d pass.Draft) (pass.Attempt, string, error)
	send  func(l pass.Ledger, ctx context.Context, raw []byte) error
	look  func(l pass.Ledger, ctx context.Context, o pass.Order) (pass.Sighting, error)
}

func (b *bad) Draft(ctx context.Context, o pass.Order, p *pass.Order) (pass.Draft, error) {
	if b.draft != nil {
		return b.draft(b.Ledger, ctx, o, p)
	}
	return b.Ledger.Draft(ctx, o, p)
}

func (b *bad) Sign(ctx context.Context, o pass.Order, d pass.Draft) (pass.Attempt, string, error) {
	if b.sign != nil {
		return b.sign(b.Ledger, ctx, o, d)
	}
	return b.Ledger.Sign(ctx, o, d)
}

func (b *bad) Send(ctx context.Context, raw []byte) error {
	if b.send != nil {
		return b.send(b.Ledger, ctx, raw)
	}
	return b.Ledger.Send(ctx, raw)
}

func (b *bad) Look(ctx context.Context, o pass.Order) (pass.Sighting, error) {
	if b.look != nil {
		return b.look(b.Ledger, ctx, o)
	}
	return b.Ledger.Look(ctx, o)
}

func TestTheLedgerSuiteNotices(t *testing.T) {
	t.Parallel()
	looks := func(change func(pass.Order, *pass.Sighting)) *bad {
		return &bad{look: func(l pass.Ledger, ctx context.Context, o pass.Order) (pass.Sighting, error) {
			got, err := l.Look(ctx, o)
			if err == nil {
				change(o, &got)
			}
			return got, err
		}}
	}
	for want, make := range map[string]func() *bad{
		"a pass is deployed and minted": func() *bad { // final at once
			return looks(func(_ pass.Order, got *pass.Sighting) { got.Final = got.Fate == pass.Landed })
		},
		"signing sends nothing": func() *bad {
			return &bad{sign: func(l pass.Ledger, ctx context.Context, o pass.Order, d pass.Draft) (pass.Attempt, string, error) {
				a, contract, err := l.Sign(ctx, o, d)
				return a, contract, errors.Join(err, l.Send(ctx, a.Raw))
			}}
		},
		"sent twice is done once": func() *bad { // what the node has already is an error
			var mu sync.Mutex
			sent := map[string]bool{}
			return &bad{send: func(l pass.Ledger, ctx context.Context, raw []byte) error {
				mu.Lock()
				known := sent[string(raw)]
				sent[string(raw)] = true
				mu.Unlock()
				if known {
					return fault.New(fault.Unavailable, "test", "already known")
				}
				return l.Send(ctx, raw)
			}}
		},
		"orders at once": func() *bad { // signs two orders under one number
			return &bad{sign: func(l pass.Ledger, ctx context.Context, o pass.Order, d pass.Draft) (pass.Attempt, string, error) {
				if n := *o.Nonce &^ 1; n > 0 {
					o.Nonce = &n
				}
				return l.Sign(ctx, o, d)
			}}
		},
		"higher fees replace what waits": func() *bad { // drafts as for the first time
			return &bad{draft: func(l pass.Ledger, ctx context.Context, o pass.Order, p *pass.Order) (pass.Draft, error) {
				o.Attempts = nil
				return l.Draft(ctx, o, p)
			}}
		},
		"a void order does nothing": func() *bad {
			return &bad{sign: func(l pass.Ledger, ctx context.Context, o pass.Order, d pass.Draft) (pass.Attempt, string, error) {
				o.Void = false
				return l.Sign(ctx, o, d)
			}}
		},
		"no key but the signer's": func() *bad {
			return &bad{sign: func(l pass.Ledger, ctx context.Context, o pass.Order, d pass.Draft) (pass.Attempt, string, error) {
				o.Sender = l.Facts().Signer
				return l.Sign(ctx, o, d)
			}}
		},
		"a node that does not answer": func() *bad { // nothing is known, so nothing is there
			return &bad{look: func(l pass.Ledger, ctx context.Context, o pass.Order) (pass.Sighting, error) {
				got, err := l.Look(ctx, o)
				if fault.KindOf(err) == fault.Unavailable {
					return pass.Sighting{Fate: pass.Unseen}, nil
				}
				return got, err
			}}
		},
		"an ended context": func() *bad {
			return &bad{send: func(l pass.Ledger, ctx context.Context, raw []byte) error {
				return l.Send(context.WithoutCancel(ctx), raw)
			}}
		},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			failing := passtest.FailingLedger(t, scripted(func(l pass.Ledger) pass.Ledger {
				b := make()
				b.Ledger = l
				return b
			}))
			if !slices.Contains(failing, want) {
				t.Errorf("failing are %q, want %q among them", failing, want)
			}
		})
	}
}
