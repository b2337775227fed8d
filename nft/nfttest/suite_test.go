package nfttest_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/nfttest"
)

func fixture(wrap func(nft.Verifier) nft.Verifier) nfttest.Fixture {
	c := nfttest.NewChain(caip.ChainID{Namespace: "eip155", Reference: "1"})
	f := nfttest.Fixture{
		Verifier: c, NFT: c.Deploy("erc721"), Multi: c.Deploy("erc1155"),
		NoCode: "0x00000000000000000000000000000000000000ff",
		Rights: nfttest.Rights{Rental: c.Deploy("erc4907"), Subscription: c.Deploy("erc5643"), Lock: c.Deploy("unlock"), Art: c.Deploy("art")},
		Accounts: [3]string{"0x00000000000000000000000000000000000000a1",
			"0x00000000000000000000000000000000000000a2", "0x00000000000000000000000000000000000000a3"},
		Mine: func(_ context.Context, ops ...nfttest.Op) (nft.Block, error) { return c.Mine(ops...), nil },
		Reorg: func(_ context.Context, depth int, ops ...nfttest.Op) error {
			c.Reorg(depth, ops...)
			return nil
		},
		Bind: func(_ context.Context, contract, token string) (string, error) { return c.Bind(contract, token), nil },
		Break: func() func() {
			c.Fail(nfttest.Faults{Err: errors.New("connection refused")})
			return func() { c.Fail(nfttest.Faults{}) }
		},
	}
	if wrap != nil {
		f.Verifier = wrap(c)
	}
	return f
}

func TestChain(t *testing.T) {
	t.Parallel()
	nfttest.Run(t, func(*testing.T) nfttest.Fixture { return fixture(nil) })
}

// broken is a verifier that changes what it hears.
type broken struct {
	nft.Verifier
	ask  func(at nft.Finality, qs []nft.Query) (nft.Finality, []nft.Query)
	tell func(nft.Reply, error) (nft.Reply, error)
	hear func(nft.Change) (nft.Change, bool)
	head func(nft.Block, error) (nft.Block, error)
	deaf bool // does not see ctx
	// alter changes a reply, knowing what was asked.
	alter func([]nft.Query, nft.Reply) nft.Reply
}

func (b broken) Check(ctx context.Context, at nft.Finality, qs []nft.Query) (nft.Reply, error) {
	if b.deaf {
		ctx = context.WithoutCancel(ctx)
	}
	if b.ask != nil {
		at, qs = b.ask(at, qs)
	}
	r, err := b.Verifier.Check(ctx, at, qs)
	if b.alter != nil {
		r = b.alter(qs, r)
	}
	if b.tell != nil {
		return b.tell(r, err)
	}
	return r, err
}

func (b broken) Head(ctx context.Context) (nft.Block, error) {
	h, err := b.Verifier.Head(ctx)
	if b.head != nil {
		return b.head(h, err)
	}
	return h, err
}

func (b broken) Watch(ctx context.Context, contracts func() []string, fn func(nft.Change)) error {
	first := contracts()
	list := contracts
	if b.deaf {
		list = func() []string { return first }
	}
	return b.Verifier.Watch(ctx, list, func(ch nft.Change) {
		if b.hear == nil {
			fn(ch)
		} else if ch, ok := b.hear(ch); ok {
			fn(ch)
		}
	})
}

// rewrite changes the answers to one operation.
func rewrite(op nft.Op, change func(*nft.Query, *nft.Answer)) broken {
	return broken{alter: func(qs []nft.Query, r nft.Reply) nft.Reply {
		for i := range r.Answers {
			if qs[i].Op == op {
				change(&qs[i], &r.Answers[i])
			}
		}
		return r
	}}
}

func TestSuiteFailsBrokenVerifiers(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, check string
		verifier    broken
	}{
		{"says no in an outage", "an outage is unavailable", broken{tell: func(r nft.Reply, err error) (nft.Reply, error) {
			if err != nil {
				return nft.Reply{Answers: []nft.Answer{{Value: "0", Int: new(big.Int)}}}, nil
			}
			return r, nil
		}}},
		{"says the outage is an internal error", "an outage is unavailable", broken{tell: func(r nft.Reply, err error) (nft.Reply, error) {
			return r, fault.Wrap(fault.Internal, "x", err)
		}}},
		{"head lies in an outage", "an outage is unavailable", broken{head: func(b nft.Block, _ error) (nft.Block, error) { return b, nil }}},
		{"head is stale", "chain and head", broken{head: func(b nft.Block, err error) (nft.Block, error) {
			b.Number--
			return b, err
		}}},
		{"drops an answer", "ERC-721 balances and owners", broken{tell: func(r nft.Reply, err error) (nft.Reply, error) {
			r.Answers = r.Answers[:len(r.Answers)-1]
			return r, err
		}}},
		{"turns answers round", "one answer a query, in order, at one block", broken{tell: func(r nft.Reply, err error) (nft.Reply, error) {
			slices.Reverse(r.Answers[1:])
			return r, err
		}}},
		{"names another block", "one answer a query, in order, at one block", broken{tell: func(r nft.Reply, err error) (nft.Reply, error) {
			r.Block.Hash = "0x00"
			return r, err
		}}},
		{"looks at another token id", "ERC-1155 balances", broken{ask: func(at nft.Finality, qs []nft.Query) (nft.Finality, []nft.Query) {
			qs = slices.Clone(qs)
			for i := range qs {
				qs[i].TokenID = "7"
			}
			return at, qs
		}}},
		{"takes no contract for zero", "no contract is an error of its query alone", broken{tell: func(r nft.Reply, err error) (nft.Reply, error) {
			for i := range r.Answers {
				if r.Answers[i].Err != nil {
					r.Answers[i] = nft.Answer{Value: "0", Int: new(big.Int)}
				}
			}
			return r, err
		}}},
		{"answers nonsense", "nonsense has no value", broken{tell: func(nft.Reply, error) (nft.Reply, error) {
			return nft.Reply{Answers: []nft.Answer{{Value: "1", Int: big.NewInt(1)}}}, nil
		}}},
		{"reads the head whatever the finality", "finality reads the past", broken{ask: func(_ nft.Finality, qs []nft.Query) (nft.Finality, []nft.Query) {
			return nft.Finality{Tag: "latest"}, qs
		}}},
		{"leaves Int empty", "calls made together do not mix", broken{tell: func(r nft.Reply, err error) (nft.Reply, error) {
			for i := range r.Answers {
				r.Answers[i].Int = nil
			}
			return r, err
		}}},
		{"answers who hung up", "a caller who hangs up gets no answer", broken{deaf: true}},
		{"asks for the contracts once", "watch takes up new contracts", broken{deaf: true}},
		{"tells one side of a transfer", "watch tells heads and transfers", broken{hear: func(ch nft.Change) (nft.Change, bool) {
			ch.Accounts = ch.Accounts[:min(1, len(ch.Accounts))]
			return ch, true
		}}},
		{"tells heads without their hash", "watch tells heads in order", broken{hear: func(ch nft.Change) (nft.Change, bool) {
			ch.Block.Hash = ""
			return ch, true
		}}},
		{"keeps heads to itself", "watch tells heads in order", broken{hear: func(ch nft.Change) (nft.Change, bool) {
			return ch, ch.Contract != "" || ch.Block.Number < 2
		}}},
		{"takes any user for the renter", "rentals have a user and an end", rewrite(nft.OpRental, func(_ *nft.Query, r *nft.Answer) {
			if r.Value == "0" {
				r.Value, r.Int = "1", big.NewInt(1)
			}
		})},
		{"forgets who owns a subscription", "subscriptions run out", rewrite(nft.OpSubscription, func(q *nft.Query, r *nft.Answer) {
			if q.TokenID == "1" && r.Value == "0" {
				r.Value, r.Int = "99", big.NewInt(99)
			}
		})},
		{"answers with the first key instead of the last", "keys of a lock run out", rewrite(nft.OpUnlockKey, func(_ *nft.Query, r *nft.Answer) {
			if r.Int.Sign() > 0 {
				r.Int = new(big.Int).Sub(r.Int, big.NewInt(9))
				r.Value = r.Int.String()
			}
		})},
		{"lists no tokens", "tokens are listed with their metadata", rewrite(nft.OpTokens721, func(_ *nft.Query, r *nft.Answer) { r.Value = "[]" })},
		{"counts what was delegated and not what is held", "delegations count what the vault holds", rewrite(nft.OpDelegated721, func(q *nft.Query, r *nft.Answer) {
			if q.TokenID == "1" {
				r.Value, r.Int = "1", big.NewInt(1)
			}
		})},
		{"takes any account for a bound one", "accounts of tokens count for who owns the token", rewrite(nft.OpBound721, func(q *nft.Query, r *nft.Answer) {
			if q.TokenID == "2" {
				r.Value, r.Int = "1", big.NewInt(1)
			}
		})},
		{"takes a missing function for no", "operations of several reads need their functions", rewrite(nft.OpRental, func(_ *nft.Query, r *nft.Answer) {
			if r.Err != nil {
				*r = nft.Answer{Value: "0", Int: new(big.Int)}
			}
		})},
		{"keeps reorganisations to itself", "watch tells reorganisations", broken{hear: func(ch nft.Change) (nft.Change, bool) {
			return ch, !ch.Removed
		}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			i := slices.IndexFunc(nfttest.Checks(), func(c nfttest.Check) bool { return c.Name == tc.check })
			f := fixture(func(v nft.Verifier) nft.Verifier {
				b := tc.verifier
				b.Verifier = v
				return b
			})
			if err := nfttest.Checks()[i].Func(ctx, f); err == nil {
				t.Fatalf("%q passes", tc.check)
			} else {
				t.Log(err)
			}
		})
	}
	t.Run("cached reorganisation", func(t *testing.T) {
		t.Parallel()
		var old *nft.Reply
		f := fixture(func(v nft.Verifier) nft.Verifier {
			return broken{Verifier: v, tell: func(r nft.Reply, err error) (nft.Reply, error) {
				if old == nil {
					old = &r
				}
				return *old, err
			}}
		})
		for _, c := range nfttest.Checks() {
			if c.Name == "answers follow reorganisations" && c.Func(t.Context(), f) == nil {
				t.Fatal("a cache of the reorganised state passes")
			}
		}
	})
}

func ExampleNewChain() {
	chain := nfttest.NewChain(caip.ChainID{Namespace: "eip155", Reference: "1"})
	contract := chain.Deploy("erc721")
	chain.Mine(nfttest.Op{Kind: nfttest.Mint721, To: "0x00000000000000000000000000000000000000a1", TokenID: "1"})
	reply, err := chain.Check(context.Background(), nft.Finality{Tag: "latest"},
		[]nft.Query{{Op: nft.OpBalance721, Contract: contract, Account: "0x00000000000000000000000000000000000000a1"}})
	if err != nil {
		panic(err)
	}
	fmt.Println(reply.Answers[0].Value)
	// Output: 1
}

// A chain without history must refuse confirmations and not read its head instead.
func TestNoHistoryMustRefuseConfirmations(t *testing.T) {
	t.Parallel()
	i := slices.IndexFunc(nfttest.Checks(), func(c nfttest.Check) bool { return c.Name == "finality reads the past" })
	refuses := func(at nft.Finality) bool { return at.Confirmations > 1 }
	for _, honest := range []bool{true, false} {
		c := nfttest.NewChain(caip.ChainID{Namespace: "eip155", Reference: "1"})
		f := fixture(nil)
		f.Verifier, f.NFT, f.Multi, f.NoHistory = pastless{c, refuses, honest}, c.Deploy("erc721"), c.Deploy("erc1155"), true
		f.Mine = func(_ context.Context, ops ...nfttest.Op) (nft.Block, error) { return c.Mine(ops...), nil }
		if err := nfttest.Checks()[i].Func(t.Context(), f); (err == nil) != honest {
			t.Errorf("honest %v: %v", honest, err)
		}
	}
}

type pastless struct {
	nft.Verifier
	refuses func(nft.Finality) bool
	honest  bool
}

func (p pastless) Check(ctx context.Context, at nft.Finality, qs []nft.Query) (nft.Reply, error) {
	if p.refuses(at) {
		if p.honest {
			return nft.Reply{}, fault.New(fault.Unsupported, "x", "no history")
		}
		at = nft.Finality{Tag: "latest"}
	}
	return p.Verifier.Check(ctx, at, qs)
}
