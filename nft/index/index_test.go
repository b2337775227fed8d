package index_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/index"
	"github.com/streamgate/streamgate/nft/index/indextest"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/storage/cache"
)

var (
	eth    = caip.ChainID{Namespace: "eip155", Reference: "1"}
	latest = nft.Finality{Tag: "latest"}
)

const window = 8

func account(i int) string { return fmt.Sprintf("0x%038xa%x", i, i%16) }

// world is a scripted chain with an index of it.
type world struct {
	t                testing.TB
	chain            *nfttest.Chain
	nft, multi, coin string
	store            index.Store
	opt              index.Options
	x                *index.Indexer
	v                *index.Verifier
}

func newWorld(t testing.TB, opt index.Options) *world {
	t.Helper()
	c := nfttest.NewChain(eth)
	w := &world{t: t, chain: c, nft: c.Deploy("erc721"), multi: c.Deploy("erc1155"), coin: c.Deploy("erc20"), store: index.NewMemory(), opt: opt}
	if w.opt.Window == 0 {
		w.opt.Window = window
	}
	if w.opt.MaxAge == 0 {
		w.opt.MaxAge = time.Hour // the tests say when to follow
	}
	w.open()
	return w
}

// open makes a new index on the same store, as a process does that starts.
func (w *world) open() {
	w.t.Helper()
	var err error
	if w.x, err = index.New(w.chain, w.chain.IndexSource(), w.store, w.opt); err != nil {
		w.t.Fatal(err)
	}
	w.v = index.NewVerifier(w.chain, w.x)
}

func (w *world) sync() {
	w.t.Helper()
	if err := w.x.Sync(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// follow has all three contracts indexed.
func (w *world) follow() {
	w.t.Helper()
	w.x.Want(w.nft, w.multi, w.coin)
	w.sync()
}

func (w *world) balance(a string) nft.Query {
	return nft.Query{Op: nft.OpBalance721, Contract: w.nft, Account: a}
}

func (w *world) owner(token string) nft.Query {
	return nft.Query{Op: nft.OpOwner721, Contract: w.nft, TokenID: token}
}

// check asks and wants the source named and the values.
func (w *world) check(at nft.Finality, source string, qs []nft.Query, want ...string) nft.Reply {
	w.t.Helper()
	r, err := w.v.Check(w.t.Context(), at, qs)
	if err != nil {
		w.t.Fatal(err)
	}
	var got []string
	for _, a := range r.Answers {
		if a.Err != nil {
			w.t.Fatal(a.Err)
		}
		got = append(got, a.Value)
	}
	if r.Source != source || !slices.Equal(got, want) {
		w.t.Fatalf("%q answers %q at block %d, want %q of %q", r.Source, got, r.Block.Number, want, source)
	}
	return r
}

func (w *world) status(contract string) nft.IndexedContract {
	w.t.Helper()
	for _, c := range w.x.Status().Contracts {
		if c.Contract == contract {
			return c
		}
	}
	return nft.IndexedContract{}
}

func mint(to, token string) nfttest.Op {
	return nfttest.Op{Kind: nfttest.Mint721, To: to, TokenID: token}
}

func transfer(from, to, token string) nfttest.Op {
	return nfttest.Op{Kind: nfttest.Transfer721, From: from, To: to, TokenID: token}
}

func (w *world) mine(n int) {
	for range n {
		w.chain.Mine()
	}
}

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	indextest.RunStore(t, func(testing.TB) index.Store { return index.NewMemory() })
}

func TestScriptedSource(t *testing.T) {
	t.Parallel()
	indextest.RunSource(t, func(testing.TB) indextest.Fixture {
		c := nfttest.NewChain(eth)
		return indextest.Fixture{
			Source: c.IndexSource(), NFT: c.Deploy("erc721"), Multi: c.Deploy("erc1155"), NoCode: account(99), Accounts: [3]string{account(1), account(2), account(3)},
			Mine: func(_ context.Context, ops ...nfttest.Op) (nft.Block, error) { return c.Mine(ops...), nil },
			Reorg: func(_ context.Context, depth int, ops ...nfttest.Op) error {
				c.Reorg(depth, ops...)
				return nil
			},
		}
	})
}

// The verifier over an index keeps the promises of any other, the index following each block.
func TestVerifier(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	byIndex := 0
	t.Run("suite", func(t *testing.T) {
		nfttest.Run(t, func(t *testing.T) nfttest.Fixture {
			w := newWorld(t, index.Options{})
			w.x.Want(w.nft, w.multi)
			return nfttest.Fixture{
				Verifier: counted{w.v, func() { mu.Lock(); byIndex++; mu.Unlock() }}, NFT: w.nft, Multi: w.multi, NoCode: account(99), Holds: true,
				Accounts: [3]string{account(1), account(2), account(3)},
				Mine: func(ctx context.Context, ops ...nfttest.Op) (nft.Block, error) {
					b := w.chain.Mine(ops...)
					return b, w.x.Sync(ctx)
				},
				Reorg: func(ctx context.Context, depth int, ops ...nfttest.Op) error {
					w.chain.Reorg(depth, ops...)
					return w.x.Sync(ctx)
				},
			}
		})
	})
	if byIndex < 20 {
		t.Errorf("only %d answers came from the index", byIndex)
	}
}

type counted struct {
	nft.Verifier
	hit func()
}

func (c counted) Check(ctx context.Context, at nft.Finality, qs []nft.Query) (nft.Reply, error) {
	r, err := c.Verifier.Check(ctx, at, qs)
	if r.Source == "index" {
		c.hit()
	}
	return r, err
}

func TestAnswersWhatItCan(t *testing.T) {
	t.Parallel()
	w := newWorld(t, index.Options{})
	a, b := account(1), account(2)
	w.chain.Mine(mint(a, "1"), nfttest.Op{Kind: nfttest.Mint20, To: a, Amount: 9})
	both := []nft.Query{w.balance(a), w.owner("1")}
	w.check(latest, "", both, "1", a) // nobody wanted it yet
	if r, err := w.v.Check(t.Context(), latest, []nft.Query{{Op: nft.OpBalance20, Contract: account(77), Account: a}, {Op: nft.OpBalance20, Contract: w.coin, Account: a}}); err != nil || r.Answers[0].Err == nil {
		t.Fatal(r, err)
	}
	w.sync()
	w.check(latest, "index", both, "1", a) // who was asked for is indexed
	if got := w.x.Status().Contracts; len(got) != 2 || w.status(w.coin).Status != "live" {
		t.Errorf("contracts %+v", got)
	}
	w.follow()
	w.check(latest, "index", both, "1", a)
	w.chain.Mine(transfer(a, b, "1"), nfttest.Op{Kind: nfttest.Mint1155, To: b, TokenID: "7", Amount: 3})
	w.sync()
	all := []nft.Query{w.balance(a), w.balance(b), w.owner("1"), w.owner("404"), {Op: nft.OpBalance1155, Contract: w.multi, Account: b, TokenID: "7"},
		{Op: nft.OpBalance1155, Contract: w.multi, Account: b, TokenID: "8"}, {Op: nft.OpBalance20, Contract: w.coin, Account: a}}
	r := w.check(latest, "index", all, "0", "1", b, "", "3", "0", "9")
	if r.Block.Number != 2 || r.Answers[0].Int == nil || r.Answers[2].Int != nil {
		t.Errorf("reply %+v", r)
	}
	w.mine(5)
	w.sync()
	// Other finalities, of blocks in the window; the chain's final block is 4 below its head.
	w.check(nft.Finality{Confirmations: 7}, "index", all[:3], "1", "0", a)
	w.check(nft.Finality{Tag: "finalized"}, "index", all[:3], "0", "1", b)
	w.mine(3 * window)
	w.sync()
	w.check(latest, "index", all, "0", "1", b, "", "3", "0", "9")
	w.check(nft.Finality{Confirmations: 3*window + 7}, "", all[:3], "1", "0", a) // before what the window reaches
	// One query that it has not makes the chain answer all.
	for _, other := range []nft.Query{
		{Op: nft.OpBalance721, Contract: w.chain.Deploy("erc721"), Account: a},
		{Op: nft.OpBalance20, Contract: w.coin, Account: "0x0000000000000000000000000000000000000000"},
	} {
		w.check(latest, "", []nft.Query{w.balance(b), other}, "1", "0")
	}
	for _, q := range []nft.Query{{Op: nft.OpBalance721, Contract: w.multi, Account: a}, {Op: "erc9999.x", Contract: w.nft, Account: a}} {
		if r, err := w.v.Check(t.Context(), latest, []nft.Query{q}); err != nil || r.Source != "" || !errors.Is(r.Answers[0].Err, fault.Unsupported) {
			t.Errorf("%s: %+v, %v", q.Op, r, err)
		}
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := w.v.Check(gone, latest, both); !errors.Is(err, fault.Canceled) {
		t.Errorf("a canceled check: %v", err)
	}
}

// The index answers while its head is known to be the chain's, and not a moment longer.
func TestOnlyWhileFresh(t *testing.T) {
	t.Parallel()
	var now sync.Map
	now.Store("", time.Unix(2_000_000_000, 0))
	clock := func() time.Time { at, _ := now.Load(""); return at.(time.Time) }
	w := newWorld(t, index.Options{MaxAge: 2 * time.Second, Now: clock})
	a := account(1)
	w.chain.Mine(mint(a, "1"))
	w.follow()
	q := []nft.Query{w.balance(a)}
	w.check(latest, "index", q, "1")
	now.Store("", clock().Add(3*time.Second))
	w.check(latest, "", q, "1")
	w.sync()
	w.check(latest, "index", q, "1")
	now.Store("", clock().Add(time.Second))
	w.check(latest, "index", q, "1")
	// A rule may want it fresher.
	d := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{w.v}})
	for age, want := range map[time.Duration]string{500 * time.Millisecond: "chain", 2 * time.Second: "index"} {
		dec, err := d.DecideFresh(t.Context(), hold(w.nft).MaxAge(age).MustBuild(), subject(a))
		if err != nil || dec.Explain.Source != want {
			t.Errorf("maxAge %v is answered by %q (%v), want %q", age, dec.Explain.Source, err, want)
		}
	}
	// A provider that is out keeps it from being confirmed.
	w.chain.Fail(nfttest.Faults{Err: errors.New("refused")})
	if err := w.x.Sync(t.Context()); !errors.Is(err, fault.Unavailable) {
		t.Errorf("sync without a provider: %v", err)
	}
	if w.x.Status().Error == "" {
		t.Error("the status shows no trouble")
	}
	now.Store("", clock().Add(3*time.Second))
	if _, err := w.v.Check(t.Context(), latest, q); !errors.Is(err, fault.Unavailable) {
		t.Errorf("a stale index without a provider: %v", err)
	}
}

// What a watch has told of is not answered from before.
func TestWatchComesFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t, index.Options{})
	a, b := account(1), account(2)
	w.chain.Mine(mint(a, "1"))
	w.follow()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	seen := make(chan nft.Change, 100)
	go func() {
		done <- w.v.Watch(ctx, func() []string { return []string{w.nft} }, func(ch nft.Change) { seen <- ch })
	}()
	if err := w.chain.Watching(ctx, 1); err != nil {
		t.Fatal(err)
	}
	told := func() {
		t.Helper()
		if err := w.chain.Sync(ctx); err != nil {
			t.Fatal(err)
		}
	}
	q := []nft.Query{w.owner("1")}
	w.check(latest, "", q, a) // the watch has not told of a head yet
	w.chain.Mine()
	told()
	w.check(latest, "", q, a) // it knows of a block that the index has not
	w.sync()
	w.check(latest, "index", q, a)
	w.chain.Mine(transfer(a, b, "1"))
	told()
	w.check(latest, "", q, b)
	w.sync()
	w.check(latest, "index", q, b)
	w.chain.Reorg(1)
	told()
	w.check(latest, "", q, a)
	w.sync()
	w.check(latest, "index", q, a)
	w.chain.Gap()
	told()
	w.check(latest, "", q, a)
	w.chain.Mine()
	told()
	w.sync()
	w.check(latest, "index", q, a)
	cancel()
	if err := <-done; err != nil || len(seen) < 5 {
		t.Errorf("the watch ends with %v after %d changes", err, len(seen))
	}
	w.check(latest, "index", q, a)
}

func TestReorganisations(t *testing.T) {
	t.Parallel()
	for depth := 1; depth <= 3*window; depth++ {
		t.Run(strconv.Itoa(depth), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, index.Options{})
			a, b := account(1), account(2)
			w.mine(3)
			w.chain.Mine(mint(a, "1"), mint(a, "2"))
			w.follow()
			for i := range 3 * window { // it goes to and fro, so that each depth ends at another owner
				from, to := a, b
				if i%2 == 1 {
					from, to = b, a
				}
				w.chain.Mine(transfer(from, to, "1"))
				if i%3 == 0 {
					w.sync()
				}
			}
			w.sync()
			w.check(latest, "index", []nft.Query{w.owner("1")}, a)
			w.chain.Reorg(depth)
			w.sync()
			owner, counts := a, []string{"2", "0"}
			if depth%2 == 1 {
				owner, counts = b, []string{"1", "1"}
			}
			w.check(latest, "index", []nft.Query{w.owner("1"), w.balance(a), w.balance(b)}, append([]string{owner}, counts...)...)
			w.chain.Mine(mint(b, "3"))
			w.mine(2 * window)
			w.sync()
			n, _ := strconv.Atoi(counts[1])
			w.check(latest, "index", []nft.Query{w.owner("1"), w.balance(b)}, owner, strconv.Itoa(n+1))
		})
	}
}

// TestResume kills the index between any two writes, and once after one that was made but not
// acknowledged, and has another go on.
func TestResume(t *testing.T) {
	t.Parallel()
	a, b := account(1), account(2)
	for kill := range 40 {
		for _, after := range []bool{false, true} {
			t.Run(fmt.Sprint(kill, after), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, index.Options{FirstRange: 3, Parallel: 2, MaxRange: 6})
				for i := range 40 {
					w.chain.Mine(mint(a, strconv.Itoa(i)), nfttest.Op{Kind: nfttest.Mint20, To: b, Amount: 2})
					if i > 0 {
						w.chain.Mine(transfer(a, b, strconv.Itoa(i-1)))
					}
				}
				healthy := w.store
				w.store = &dying{Store: healthy, left: kill, after: after}
				w.open()
				w.x.Want(w.nft, w.coin)
				err := w.x.Sync(t.Context())
				if err == nil && kill == 0 {
					t.Fatal("the store was to fail")
				}
				w.store = healthy
				w.open()
				w.x.Want(w.nft, w.coin)
				w.sync()
				w.check(latest, "index", []nft.Query{w.balance(a), w.balance(b), w.owner("38"), {Op: nft.OpBalance20, Contract: w.coin, Account: b}}, "1", "39", b, "80")
				if got := w.status(w.nft); got.Status != "live" || got.Progress != 1 {
					t.Errorf("status %+v", got)
				}
			})
		}
	}
}

// dying is a store that fails from one write on.
type dying struct {
	index.Store
	left  int
	after bool // the first that fails is made all the same
}

func (d *dying) Apply(ctx context.Context, chain string, s index.Step) error {
	if d.left--; d.left >= 0 {
		return d.Store.Apply(ctx, chain, s)
	}
	if d.after && d.left == -1 {
		if err := d.Store.Apply(ctx, chain, s); err != nil {
			return err
		}
	}
	return fault.New(fault.Unavailable, "dying", "the disk is gone")
}

func TestRangesAdapt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, index.Options{FirstRange: 64, Parallel: 3})
	a := account(1)
	n := 0
	for i := range 60 {
		var ops []nfttest.Op
		for range i % 5 {
			ops = append(ops, mint(a, strconv.Itoa(n)))
			n++
		}
		w.chain.Mine(ops...)
	}
	w.chain.FailLogs(nfttest.LogFaults{Most: 4})
	w.follow()
	w.check(latest, "index", []nft.Query{w.balance(a)}, strconv.Itoa(n))
	if got := w.status(w.nft); got.Status != "live" || got.Events == 0 {
		t.Errorf("status %+v", got)
	}
}

// Doubt about a block's logs, and a provider without logs, stop the index and not the viewer.
func TestDoubt(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]nfttest.LogFaults{"doubt": {Doubt: true}, "failure": {Err: errors.New("no logs here")}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, index.Options{})
			a, b := account(1), account(2)
			w.chain.Mine(mint(a, "1"))
			w.follow()
			w.chain.FailLogs(f)
			w.chain.Mine(transfer(a, b, "1"))
			if err := w.x.Sync(t.Context()); !errors.Is(err, fault.Unavailable) {
				t.Fatalf("sync: %v", err)
			}
			if s := w.x.Status(); s.LagBlocks != 1 || s.Head.Number != 1 {
				t.Errorf("status %+v", s)
			}
			w.chain.FailLogs(nfttest.LogFaults{})
			w.sync()
			w.check(latest, "index", []nft.Query{w.owner("1")}, b)
		})
	}
}

// TestRefuses: what the chain tells otherwise, or in shapes that no standard has, is the chain's alone.
func TestRefuses(t *testing.T) {
	t.Parallel()
	a, b := account(1), account(2)
	for name, tc := range map[string]struct {
		lie    func(w *world, src index.Source, v nft.Verifier) (index.Source, nft.Verifier)
		opt    index.Options
		reason string
	}{
		"a missed log": {reason: "disagrees", lie: func(w *world, src index.Source, v nft.Verifier) (index.Source, nft.Verifier) {
			return edited{src, func(ts []index.Transfer) []index.Transfer {
				return slices.DeleteFunc(ts, func(t index.Transfer) bool { return t.Token == "2" })
			}}, v
		}},
		"a balance that grows by itself": {reason: "disagrees", lie: func(w *world, src index.Source, v nft.Verifier) (index.Source, nft.Verifier) {
			return src, rebasing{v}
		}},
		"an unusual log": {reason: "unusual", lie: func(w *world, src index.Source, v nft.Verifier) (index.Source, nft.Verifier) {
			return edited{src, func(ts []index.Transfer) []index.Transfer {
				for i := range ts {
					if ts[i].Token == "2" {
						ts[i].Kind = index.Odd
					}
				}
				return ts
			}}, v
		}},
		"two standards": {reason: "unusual", lie: func(w *world, src index.Source, v nft.Verifier) (index.Source, nft.Verifier) {
			return edited{src, func(ts []index.Transfer) []index.Transfer {
				for i := range ts {
					if ts[i].Token == "2" {
						ts[i].Kind = index.ERC1155
					}
				}
				return ts
			}}, v
		}},
		"too many": {reason: "too_large", opt: index.Options{MaxEvents: 2}},
	} {
		for _, old := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " old ", old), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, tc.opt)
				w.chain.Mine(mint(a, "1"), mint(a, "2"), mint(b, "3"), mint(b, "4"))
				if old {
					w.mine(3 * window)
				}
				src, v := w.chain.IndexSource(), nft.Verifier(w.chain)
				if tc.lie != nil {
					src, v = tc.lie(w, src, v)
				}
				var err error
				if w.x, err = index.New(v, src, w.store, w.opt); err != nil {
					t.Fatal(err)
				}
				w.v = index.NewVerifier(w.chain, w.x)
				w.x.Want(w.nft)
				w.sync()
				w.mine(2 * window)
				w.sync()
				if got := w.status(w.nft); got.Status != "refused" || got.Reason != tc.reason {
					t.Errorf("status %+v, want refused for %s", got, tc.reason)
				}
				w.check(latest, "", []nft.Query{w.balance(a)}, "2")
			})
		}
	}
	t.Run("no contract, until there is one", func(t *testing.T) {
		t.Parallel()
		at := time.Unix(2_000_000_000, 0)
		w := newWorld(t, index.Options{Now: func() time.Time { return at }})
		w.mine(2)
		w.x.Want("0x00000000000000000000000000000000c0de0004")
		w.sync()
		if got := w.status("0x00000000000000000000000000000000c0de0004"); got.Reason != "no_contract" {
			t.Errorf("status %+v", got)
		}
		if got := w.chain.Deploy("erc721"); got != "0x00000000000000000000000000000000c0de0004" {
			t.Fatal(got)
		}
		at = at.Add(time.Hour)
		w.sync()
		if got := w.status("0x00000000000000000000000000000000c0de0004"); got.Status != "live" {
			t.Errorf("status %+v", got)
		}
	})
}

// TestRecheck: a contract that begins to tell other balances than its logs is found out.
func TestRecheck(t *testing.T) {
	t.Parallel()
	at := time.Unix(2_000_000_000, 0)
	w := newWorld(t, index.Options{Now: func() time.Time { return at }})
	a := account(1)
	w.chain.Mine(mint(a, "1"))
	turned := &turning{Verifier: w.chain}
	var err error
	if w.x, err = index.New(turned, w.chain.IndexSource(), w.store, w.opt); err != nil {
		t.Fatal(err)
	}
	w.v = index.NewVerifier(w.chain, w.x)
	w.x.Want(w.nft)
	w.sync()
	q := []nft.Query{w.balance(a)}
	w.check(latest, "index", q, "1")
	turned.on = true
	at = at.Add(9 * time.Minute)
	w.sync()
	w.check(latest, "index", q, "1")
	at = at.Add(2 * time.Minute)
	w.sync()
	w.check(latest, "", q, "1")
	if got := w.status(w.nft); got.Reason != "disagrees" {
		t.Errorf("status %+v", got)
	}
}

type turning struct {
	nft.Verifier
	on bool
}

func (r *turning) Check(ctx context.Context, at nft.Finality, qs []nft.Query) (nft.Reply, error) {
	if r.on {
		return rebasing{r.Verifier}.Check(ctx, at, qs)
	}
	return r.Verifier.Check(ctx, at, qs)
}

// rebasing tells balances one greater than they are.
type rebasing struct{ nft.Verifier }

func (r rebasing) Check(ctx context.Context, at nft.Finality, qs []nft.Query) (nft.Reply, error) {
	reply, err := r.Verifier.Check(ctx, at, qs)
	for i, a := range reply.Answers {
		if a.Int != nil {
			more := new(big.Int).Add(a.Int, big.NewInt(1))
			reply.Answers[i] = nft.Answer{Value: more.String(), Int: more}
		}
	}
	return reply, err
}

// edited changes the transfers of a source.
type edited struct {
	index.Source
	edit func([]index.Transfer) []index.Transfer
}

func (e edited) Transfers(ctx context.Context, from, to uint64, contracts []string) ([]index.Transfer, error) {
	ts, err := e.Source.Transfers(ctx, from, to, contracts)
	return e.edit(slices.Clone(ts)), err
}

func (e edited) TransfersIn(ctx context.Context, blocks []index.Header, contracts []string) ([][]index.Transfer, error) {
	out, err := e.Source.TransfersIn(ctx, blocks, contracts)
	for i := range out {
		out[i] = e.edit(slices.Clone(out[i]))
	}
	return out, err
}

// TestTwoProcesses: one settles and fills, the other reads, and takes over.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	claims := cache.NewLRU(cache.LRUOptions{})
	w := newWorld(t, index.Options{Claims: claims})
	first, firstV := w.x, w.v
	a, b := account(1), account(2)
	w.chain.Mine(mint(a, "1"))
	first.Want(w.nft)
	w.sync()
	w.open()
	second, secondV := w.x, w.v
	q := []nft.Query{w.owner("1")}
	for i := range 4 * window {
		from, to := a, b
		if i%2 == 1 {
			from, to = b, a
		}
		w.chain.Mine(transfer(from, to, "1"))
		for _, x := range []*index.Indexer{first, second} {
			if err := x.Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		for _, w.v = range []*index.Verifier{firstV, secondV} {
			w.check(latest, "index", q, to)
		}
	}
	if !first.Status().Leader || second.Status().Leader {
		t.Error("both work")
	}
	// What the second wants the first fills.
	second.Want(w.multi)
	w.chain.Mine(nfttest.Op{Kind: nfttest.Mint1155, To: a, TokenID: "7", Amount: 2})
	for _, x := range []*index.Indexer{second, first, second} {
		if err := x.Sync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	multi := []nft.Query{{Op: nft.OpBalance1155, Contract: w.multi, Account: a, TokenID: "7"}}
	for _, w.v = range []*index.Verifier{firstV, secondV} {
		w.check(latest, "index", multi, "2")
	}
}

// TestTwoLeaders: two that both believe to be the one do no harm.
func TestTwoLeaders(t *testing.T) {
	t.Parallel()
	w := newWorld(t, index.Options{FirstRange: 3})
	a := account(1)
	for i := range 60 {
		w.chain.Mine(mint(a, strconv.Itoa(i)))
	}
	var crew []*index.Indexer
	var wg sync.WaitGroup
	for range 4 {
		w.open()
		crew = append(crew, w.x)
		w.x.Want(w.nft)
		x := w.x
		wg.Go(func() {
			for range 20 {
				if err := x.Sync(t.Context()); err != nil && !errors.Is(err, fault.Unavailable) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for _, x := range crew {
		w.x, w.v = x, index.NewVerifier(w.chain, x)
		w.sync()
		w.check(latest, "index", []nft.Query{w.balance(a), w.owner("59")}, "60", a)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, index.Options{PollInterval: time.Millisecond, MaxAge: time.Minute})
	a := account(1)
	w.chain.Mine(mint(a, "1"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.x.Run(ctx) }()
	w.x.Want(w.nft)
	for deadline := time.Now().Add(time.Minute); ; {
		r, err := w.v.Check(ctx, latest, []nft.Query{w.owner("1")})
		if err == nil && r.Source == "index" && r.Answers[0].Value == a {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the index never answers: %+v", w.x.Status())
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func ExampleNew() {
	chain := nfttest.NewChain(eth)
	pass := chain.Deploy("erc721")
	chain.Mine(mint(account(1), "1"))

	x, err := index.New(chain, chain.IndexSource(), index.NewMemory(), index.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	verifier := index.NewVerifier(chain, x) // what the Decider is given
	x.Want(pass)                            // the first question about it does that too
	if err := x.Sync(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	reply, err := verifier.Check(context.Background(), nft.Finality{Tag: "latest"}, []nft.Query{{Op: nft.OpBalance721, Contract: pass, Account: account(1)}})
	fmt.Println(reply.Answers[0].Value, reply.Source, err)
	// Output: 1 index <nil>
}
