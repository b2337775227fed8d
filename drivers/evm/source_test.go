package evm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/index"
	"github.com/streamgate/streamgate/nft/index/indextest"
	"github.com/streamgate/streamgate/nft/nfttest"
)

func TestIndexSource(t *testing.T) {
	t.Parallel()
	for _, k := range chaintest.Kinds(t) {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			indextest.RunSource(t, func(t testing.TB) indextest.Fixture {
				c := k.Start(t, chaintest.Options{})
				f := nfttest.Fixture{NFT: c.Deploy(t, contracts.TestToken()), Multi: c.Deploy(t, contracts.TestItems()), Accounts: c.Accounts()}
				return indextest.Fixture{
					Source: dial(t, evm.Options{RPCURL: c.RPCURL, Chain: c.ID, BatchSize: 40}).IndexSource(),
					NFT:    f.NFT, Multi: f.Multi, NoCode: "0x00000000000000000000000000000000000c0de0", Accounts: f.Accounts,
					Mine: func(ctx context.Context, ops ...nfttest.Op) (nft.Block, error) {
						return c.Mine(ctx, txsOf(t, f, "", ops)...)
					},
					Reorg: func(ctx context.Context, depth int, ops ...nfttest.Op) error {
						return c.Reorg(ctx, depth, txsOf(t, f, "", ops)...)
					},
				}
			})
		})
	}
}

// indexed is a chain with an index of its tokens, over a provider that may lie.
type indexed struct {
	world
	coin, items string
	v           *evm.Verifier
	x           *index.Indexer
	iv          *index.Verifier
}

func newIndexed(t testing.TB, w world, rpc string, opt index.Options) *indexed {
	t.Helper()
	x := &indexed{world: w, coin: w.Deploy(t, contracts.TestCoin()), items: w.Deploy(t, contracts.TestItems())}
	x.v = dial(t, evm.Options{RPCURL: rpc, Chain: w.ID, MaxReply: 1 << 20})
	opt.MaxAge = time.Hour
	var err error
	if x.x, err = index.New(x.v, x.v.IndexSource(), index.NewMemory(), opt); err != nil {
		t.Fatal(err)
	}
	x.iv = index.NewVerifier(x.v, x.x)
	x.x.Want(x.token, x.coin, x.items)
	return x
}

func (x *indexed) call(t testing.TB, from string, a contracts.Artefact, to, method string, args ...any) nft.Block {
	t.Helper()
	b, err := x.Mine(t.Context(), chaintest.Method(t, from, a, to, method, args...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// same asks index and chain the same.
func (x *indexed) same(t testing.TB, qs []nft.Query) {
	t.Helper()
	if err := x.x.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	latest := nft.Finality{Tag: "latest"}
	got, err := x.iv.Check(t.Context(), latest, qs)
	want, wantErr := x.v.Check(t.Context(), latest, qs)
	if err != nil || wantErr != nil || got.Source != "index" || got.Block != want.Block {
		t.Fatalf("%q at %d: %v; the chain at %d: %v; %+v", got.Source, got.Block.Number, err, want.Block.Number, wantErr, x.x.Status())
	}
	for i := range qs {
		a, b := got.Answers[i], want.Answers[i]
		if a.Value != b.Value || (a.Err == nil) != (b.Err == nil) || steps(a) != steps(b) {
			t.Errorf("%+v: the index says %q %s, the chain %q %s %v", qs[i], a.Value, steps(a), b.Value, steps(b), b.HeldErr)
		}
	}
}

func steps(a nft.Answer) (s string) {
	if a.Held == nil {
		return "none"
	}
	for _, step := range a.Held.Steps {
		s += fmt.Sprintf("%d:%v ", step.Since.Number, step.Least)
	}
	return s
}

// TestIndexOnChains follows real chains through random histories with real reorganisations, batches, burns and
// ranges, and compares index and chain after each block, windows included. INDEX_CHAIN_STEPS makes them longer.
func TestIndexOnChains(t *testing.T) {
	t.Parallel()
	count := 24
	if n, err := strconv.Atoi(os.Getenv("INDEX_CHAIN_STEPS")); err == nil {
		count = n
	}
	for _, k := range chaintest.Kinds(t) {
		for seed := range uint64(2) {
			t.Run(fmt.Sprint(k.Name, seed), func(t *testing.T) {
				t.Parallel()
				c := k.Start(t, chaintest.Options{})
				w := world{Chain: c, token: c.Deploy(t, contracts.TestToken()), account: c.Accounts()}
				x := newIndexed(t, w, c.RPCURL, index.Options{Window: 8})
				h := &history{t: t, x: x, rand: newRand(seed)}
				h.begin()
				for range count {
					h.step()
					x.same(t, h.queries())
				}
			})
		}
	}
}

// A provider that refuses long ranges and large replies is asked for less, a dropped log of a block is found by
// the bloom, and one dropped from a range by the comparison with the chain.
func TestIndexBehindAPoorProvider(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		lie  func(method, params string, m message)
		want string // status of the token
	}{
		"short ranges": {func(method, params string, m message) {
			if from, to, ok := rangeOf(method, params); ok && to-from > 2 {
				m.fail(`{"code":-32005,"message":"query returned more than 10000 results"}`)
			}
		}, "live"},
		"large replies": {func(method, params string, m message) {
			if from, to, ok := rangeOf(method, params); ok && to-from > 3 {
				m.result(`"` + strings.Repeat("x", 2<<20) + `"`)
			}
		}, "live"},
		"a dropped log in a range": {func(method, params string, m message) {
			if _, _, ok := rangeOf(method, params); ok {
				var logs []json.RawMessage
				_ = json.Unmarshal(m["result"], &logs)
				if len(logs) > 0 {
					m["result"], _ = json.Marshal(logs[1:])
				}
			}
		}, "refused"},
		"a log of another contract": {func(method, params string, m message) {
			if _, _, ok := rangeOf(method, params); ok {
				m["result"] = []byte(strings.ReplaceAll(string(m["result"]), `"address":"0x`, `"address":"0xffff`))
			}
		}, "error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for i := range int64(30) {
				w.mint(t, 10+i, w.account[i%3])
			}
			for range 20 {
				if _, err := w.Mine(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			x := newIndexed(t, w, liar(t, w.Chain, tc.lie), index.Options{Window: 4, FirstRange: 64})
			err := x.x.Sync(t.Context())
			if tc.want == "error" {
				if !errors.Is(err, fault.Unavailable) {
					t.Errorf("sync: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range x.x.Status().Contracts {
				if c.Contract == w.token && c.Status != tc.want {
					t.Errorf("status %+v, want %s", c, tc.want)
				}
			}
		})
	}
}

func rangeOf(method, params string) (from, to uint64, ok bool) {
	var filters []struct{ FromBlock, ToBlock string }
	if method != "eth_getLogs" || json.Unmarshal([]byte(params), &filters) != nil || len(filters) != 1 || filters[0].FromBlock == "" {
		return 0, 0, false
	}
	from, err1 := strconv.ParseUint(strings.TrimPrefix(filters[0].FromBlock, "0x"), 16, 64)
	to, err2 := strconv.ParseUint(strings.TrimPrefix(filters[0].ToBlock, "0x"), 16, 64)
	return from, to, err1 == nil && err2 == nil
}

// TestIndexSeesDroppedLogs: a log missing in the answer for a block is proven from the receipts, and without those
// the block is not taken.
func TestIndexSeesDroppedLogs(t *testing.T) {
	t.Parallel()
	for _, proof := range []bool{true, false} {
		w := newWorld(t)
		var drop atomic.Bool
		x := newIndexed(t, w, liar(t, w.Chain, func(method, _ string, m message) {
			switch {
			case drop.Load() && method == "eth_getLogs":
				m.result(`[]`)
			case !proof && method == "eth_getBlockReceipts":
				m.fail(`{"code":-32601,"message":"no"}`)
			}
		}), index.Options{Window: 4})
		x.same(t, x.queries())
		drop.Store(true)
		w.mint(t, 2, w.account[2])
		err := x.x.Sync(t.Context())
		if proof {
			x.same(t, x.queries())
		} else if !errors.Is(err, index.ErrDoubt) {
			t.Errorf("a block whose logs are in doubt: %v", err)
		}
	}
}

// A contract whose logs and balances part is refused: ERC-2309's log without the tokens, and a Transfer older than the standard.
func TestIndexRefusesOddContracts(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(t *testing.T, x *indexed){
		"disagrees": func(t *testing.T, x *indexed) {
			x.call(t, x.account[0], contracts.TestToken(), x.token, "announceRange", x.account[1], big.NewInt(100), big.NewInt(120))
		},
		"unusual": func(t *testing.T, x *indexed) {
			x.call(t, x.account[0], contracts.TestToken(), x.token, "announceOldTransfer", x.account[1], x.account[2], big.NewInt(1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			x := newIndexed(t, w, w.RPCURL, index.Options{Window: 4, Samples: 100})
			act(t, x)
			if err := x.x.Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			for _, c := range x.x.Status().Contracts {
				if c.Contract == x.token && (c.Status != "refused" || c.Reason != name) {
					t.Errorf("status %+v", c)
				}
			}
		})
	}
}

// Holding times over long windows are read by ranges.
func TestHeldForLong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := dial(t, evm.Options{RPCURL: w.RPCURL, Chain: w.ID, MaxHeldBlocks: 400})
	a, b := w.account[1], w.account[2]
	minted := w.mint(t, 50, a)
	for range 300 {
		if _, err := w.Mine(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	moved, err := w.Mine(t.Context(), chaintest.Method(t, a, contracts.TestToken(), w.token, "transferFrom", a, b, big.NewInt(50)))
	if err != nil {
		t.Fatal(err)
	}
	blocks := moved.Number - minted.Number
	ask := func(q nft.Query, h nft.HeldFor) nft.Answer {
		t.Helper()
		q.Contract, q.Held = w.token, h
		r, err := v.Check(t.Context(), nft.Finality{Tag: "latest"}, []nft.Query{q})
		if err != nil {
			t.Fatal(err)
		}
		return r.Answers[0]
	}
	owner, mine, theirs := nft.Query{Op: nft.OpOwner721, TokenID: "50"}, nft.Query{Op: nft.OpBalance721, Account: a}, nft.Query{Op: nft.OpBalance721, Account: b}
	for i, tc := range []struct {
		q    nft.Query
		h    nft.HeldFor
		want string
	}{
		{owner, nft.HeldFor{Blocks: blocks}, fmt.Sprintf("%d:0 %d:1 ", minted.Number, moved.Number)},
		{mine, nft.HeldFor{Blocks: blocks}, fmt.Sprintf("%d:1 ", minted.Number)},
		{theirs, nft.HeldFor{Blocks: blocks}, fmt.Sprintf("%d:0 %d:1 ", minted.Number, moved.Number)},
		{owner, nft.HeldFor{Seconds: uint64(moved.Time.Sub(minted.Time).Seconds())}, fmt.Sprintf("%d:0 %d:1 ", minted.Number, moved.Number)},
		{mine, nft.HeldFor{Seconds: uint64(moved.Time.Sub(minted.Time).Seconds())}, fmt.Sprintf("%d:1 ", minted.Number)},
	} {
		if a := ask(tc.q, tc.h); a.HeldErr != nil || steps(a) != tc.want {
			t.Errorf("%d: %s, %v; want %s", i, steps(a), a.HeldErr, tc.want)
		}
	}
	if a := ask(owner, nft.HeldFor{Blocks: 401}); a.Held != nil || !errors.Is(a.HeldErr, fault.Unsupported) || a.Value != b {
		t.Errorf("a window beyond the bound: %+v", a)
	}
}
