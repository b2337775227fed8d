package nft_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/nft/rule"
	"github.com/streamgate/streamgate/storage/cache"
)

// clock is a clock that a test sets.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time        { return time.Unix(1_800_000_000, c.at.Load()) }
func (c *clock) step(by time.Duration) { c.at.Add(int64(by)) }

func TestCacheLifetimes(t *testing.T) {
	t.Parallel()
	a, b := account(1), account(2)
	var c clock
	w := newWorld(t, nft.DeciderOptions{Now: c.now, YesTTL: time.Minute, NoTTL: 2 * time.Second})
	w.chain.Mine(mint(a, "1"))
	n := w.asset("erc721")
	r := rule.Hold(n).MustBuild()
	checks := func(want int) {
		t.Helper()
		if got := w.chain.Checks(); got != want {
			t.Fatalf("%d checks, want %d", got, want)
		}
	}
	yes := w.want(r, subject(a), nft.Yes, "allowed")
	no := w.want(r, subject(b), nft.No, "not_held")
	checks(2)
	if l := yes.ValidUntil.Sub(c.now()); l > time.Minute || l < 54*time.Second {
		t.Errorf("a yes lives %v", l)
	}
	if l := no.ValidUntil.Sub(c.now()); l > 2*time.Second || l < 1800*time.Millisecond {
		t.Errorf("a no lives %v", l)
	}
	if d := w.decide(r, subject(a)); !d.Cached || d.Explain != yes.Explain {
		t.Error("the second answer is not the cached one")
	}
	checks(2)
	c.step(2 * time.Second)
	w.want(r, subject(a), nft.Yes, "allowed")
	checks(2)
	w.want(r, subject(b), nft.No, "not_held")
	checks(3)
	c.step(time.Minute)
	if d := w.decide(r, subject(a)); d.Cached {
		t.Error("an old yes is still served")
	}
	checks(4)
	// Fresh asks, and what it learns is kept.
	w.chain.Mine(transfer(a, b, "1"))
	w.want(r, subject(a), nft.Yes, "allowed") // nobody follows the chain here
	if d, err := w.d.DecideFresh(t.Context(), r, subject(a)); err != nil || d.Outcome != nft.No || d.Cached {
		t.Fatal(d, err)
	}
	checks(5)
	w.want(r, subject(a), nft.No, "not_held")
	checks(5)
	// The rule's own bounds are tighter.
	if d := w.decide(rule.Hold(n).MaxAge(500*time.Millisecond).MustBuild(), subject(b)); d.ValidUntil.Sub(c.now()) != 500*time.Millisecond {
		t.Errorf("maxAge: %v", d.ValidUntil.Sub(c.now()))
	}
	soon := c.now().Add(time.Second)
	timed := rule.All(rule.Hold(n), rule.Before(soon)).MustBuild()
	if d := w.want(timed, subject(b), nft.Yes, "allowed"); !d.ValidUntil.Equal(soon) {
		t.Errorf("valid until %v, the rule ends at %v", d.ValidUntil, soon)
	}
	c.step(time.Second)
	w.want(timed, subject(b), nft.No, "expired")
}

func TestCacheKeepsApart(t *testing.T) {
	t.Parallel()
	asked := map[string]int{}
	d := nft.NewDecider(nft.DeciderOptions{Lists: func(_ context.Context, tenant, list, acct string) (bool, error) {
		asked[tenant+" "+list+" "+acct]++
		return tenant == "one", nil
	}})
	a, b := eth(account(1)), eth(account(2))
	polygon := caip.AccountID{Chain: caip.ChainID{Namespace: "eip155", Reference: "137"}, Address: a.Address}
	list, linked := rule.List("l").MustBuild(), rule.List("l").Wallets(rule.Linked).MustBuild()
	for _, tc := range []struct {
		r        *rule.Rule
		tenant   string
		accounts []caip.AccountID
		want     nft.Outcome
	}{
		{list, "one", []caip.AccountID{a}, nft.Yes}, {list, "two", []caip.AccountID{a}, nft.No},
		{list, "one", []caip.AccountID{b}, nft.Yes}, {list, "one", []caip.AccountID{polygon}, nft.Yes},
		{linked, "two", []caip.AccountID{a}, nft.No}, {linked, "two", []caip.AccountID{a, b}, nft.No}, {list, "", nil, nft.No},
	} {
		for i := range 2 {
			got, err := d.Decide(t.Context(), tc.r, nft.Subject{Tenant: tc.tenant, Accounts: tc.accounts})
			if err != nil || got.Outcome != tc.want || got.Cached != (i == 1) {
				t.Errorf("%s %v, turn %d: %v cached %v, %v", tc.tenant, tc.accounts, i, got.Outcome, got.Cached, err)
			}
		}
	}
	if asked["one l "+polygon.String()] != 1 || asked["two l "+a.String()] != 3 {
		t.Errorf("asked %v", asked)
	}
}

func TestListChanged(t *testing.T) {
	t.Parallel()
	var in atomic.Bool
	d := nft.NewDecider(nft.DeciderOptions{Lists: func(context.Context, string, string, string) (bool, error) { return in.Load(), nil }})
	w := &world{t: t, d: d}
	r := rule.List("vip").MustBuild()
	w.want(r, subject(account(1)), nft.No, "not_listed")
	ctx, cancel := context.WithCancel(t.Context())
	ch := d.Watch(ctx, r, subject(account(1)))
	w.next(ch, nft.No, "not_listed")
	in.Store(true)
	d.ListChanged("t", "vip")
	w.next(ch, nft.Yes, "allowed")
	w.want(r, subject(account(1)), nft.Yes, "allowed")
	cancel()
	for range ch {
	}
}

// TestAnswerOvertakenByATransfer is the race that makes caches lie: the chain is
// read, the token moves and the cache is cleared, and only then is what was read
// stored. It must not be served.
func TestAnswerOvertakenByATransfer(t *testing.T) {
	t.Parallel()
	a, b := account(1), account(2)
	for name, change := range map[string]func(w *world){
		"transfer": func(w *world) { w.chain.Mine(transfer(a, b, "1")) },
		"reorganisation": func(w *world) {
			w.chain.Reorg(1) // the mint never was
		},
		"gap": func(w *world) { w.chain.Gap() },
	} {
		for _, fresh := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " fresh ", fresh), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, nft.DeciderOptions{})
				w.run()
				r := rule.Hold(w.asset("erc721")).MustBuild()
				w.want(r, subject(b), nft.No, "not_held") // the contract is followed from here
				for range 3 {
					w.chain.Mine()
				}
				w.chain.Mine(mint(a, "1"))
				w.sync()
				entered, release := w.chain.HoldReply()
				ask := w.d.Decide
				if fresh {
					ask = w.d.DecideFresh
				}
				early := make(chan nft.Decision, 1)
				go func() {
					d, _ := ask(context.Background(), r, subject(a))
					early <- d
				}()
				<-entered // read: a holds the token
				change(w)
				w.sync() // and the decider has been told otherwise
				// Who asks now must not be given the answer under way.
				late := w.decide(r, subject(a))
				if want := map[bool]nft.Outcome{true: nft.Yes, false: nft.No}[name == "gap"]; late.Outcome != want || late.Cached {
					t.Errorf("who asks after the change gets %v, cached %v", late.Outcome, late.Cached)
				}
				release()
				<-early
				if d := w.decide(r, subject(a)); d.Outcome != late.Outcome {
					t.Errorf("the overtaken answer %v is served", d.Outcome)
				}
			})
		}
	}
}

// TestLaggingProvider: the watch has told of a transfer, and the provider that
// is asked next does not know of it yet.
func TestLaggingProvider(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, b := account(1), account(2)
		w := newWorld(t, nft.DeciderOptions{})
		w.run()
		r := rule.Hold(w.asset("erc721")).MustBuild()
		w.want(r, subject(a), nft.No, "not_held")
		for range 3 {
			w.chain.Mine()
		}
		w.chain.Mine(mint(a, "1"))
		w.sync()
		w.want(r, subject(a), nft.Yes, "allowed")
		w.chain.Mine(transfer(a, b, "1"))
		w.sync()
		w.chain.Fail(nfttest.Faults{Lag: 1})
		w.want(r, subject(a), nft.Unknown, "chain_lagging")
		go func() {
			time.Sleep(150 * time.Millisecond)
			w.chain.Fail(nfttest.Faults{})
		}()
		w.want(r, subject(a), nft.No, "not_held") // it was asked again
	})
}

// TestCachedEqualsUncached holds a decider that caches and follows the chain
// against one that does neither, over random histories.
func TestCachedEqualsUncached(t *testing.T) {
	t.Parallel()
	const histories, steps = 8, 250
	for seed := range uint64(histories) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			differ(t, rand.New(rand.NewPCG(seed, 1)), steps)
		})
	}
}

func differ(t *testing.T, rnd *rand.Rand, steps int) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) // nothing expires: the cache must be voided
	w := newWorld(t, nft.DeciderOptions{Now: func() time.Time { return now }})
	w.run()
	w.chain.SetCall(w.misc, "tier()(uint8)", "1")
	n, m := w.asset("erc721"), w.asset("erc1155")
	rules := []*rule.Rule{
		rule.Hold(n).MustBuild(), rule.Hold(n).Min(2).MustBuild(), rule.Hold(n + "/1").MustBuild(),
		rule.Hold(n).IDs("0", "2").MustBuild(), rule.Hold(m + "/7").Min(3).MustBuild(),
		rule.Not(rule.Hold(n)).MustBuild(), rule.Hold(n).Safe().MustBuild(), rule.Hold(n).Finalized().MustBuild(),
		rule.Not(rule.Hold(n)).Confirmations(2).MustBuild(),
		rule.Any(rule.Hold(n+"/0").Safe(), rule.All(rule.Hold(m+"/7"), rule.Hold(n+"/2"))).MustBuild(),
		rule.AtLeast(2, rule.Hold(n+"/0"), rule.Hold(n+"/1"), rule.Hold(n+"/2").Finalized()).Wallets(rule.Linked).MustBuild(),
		rule.Call("eip155:1:"+w.misc, "tier()(uint8)").Test(">", "1").MustBuild(),
		rule.Hold(w.asset("erc20")).Min(5).MustBuild(),
	}
	people := []string{account(1), account(2), account(3)}
	owners := map[string]string{}
	compare := func(step int, did string) {
		t.Helper()
		plain := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{w.chain}, Now: func() time.Time { return now }})
		for range 6 {
			r, s := rules[rnd.IntN(len(rules))], subject(people[rnd.IntN(3)], people[rnd.IntN(3)])
			want, err := plain.DecideFresh(context.Background(), r, s)
			if err != nil {
				t.Fatal(err)
			}
			got := w.decide(r, s)
			if got.Outcome != want.Outcome || got.Reason != want.Reason {
				t.Fatalf("step %d after %s: %s for %v\ncached (%v) %v %s\nuncached %v %s", step, did, r.Canonical(), s.Accounts, got.Cached, got.Outcome, got.Reason, want.Outcome, want.Reason)
			}
		}
	}
	var past []map[string]string // owners at each block since the last reorganisation
	for step := range steps {
		var ops []nfttest.Op
		did := "an empty block"
		switch rnd.IntN(8) {
		case 0, 1, 2, 3:
			did = "a transfer"
			id := fmt.Sprint(rnd.IntN(3))
			from, to := owners[id], people[rnd.IntN(3)]
			ops = append(ops, nfttest.Op{Kind: nfttest.Transfer721, From: from, To: to, TokenID: id})
			past = append(past, clone(owners))
			owners[id] = to
		case 4:
			did = "a mint of ERC-1155 and ERC-20"
			ops = append(ops, nfttest.Op{Kind: nfttest.Mint1155, To: people[rnd.IntN(3)], TokenID: "7", Amount: 1},
				nfttest.Op{Kind: nfttest.Mint20, To: people[rnd.IntN(3)], Amount: 1})
			past = append(past, clone(owners))
		case 5:
			depth := min(1+rnd.IntN(6), len(past))
			if depth > 0 {
				did = fmt.Sprintf("a reorganisation of %d blocks", depth)
				owners = past[len(past)-depth]
				past = nil
				w.chain.Reorg(depth)
			}
			w.sync()
			compare(step, did)
			continue
		case 6:
			did = "a call that changes"
			w.chain.SetCall(w.misc, "tier()(uint8)", fmt.Sprint(rnd.IntN(4)))
			past = append(past, clone(owners))
			w.sync()
			compare(step, did)
			continue
		default:
			past = append(past, clone(owners))
		}
		w.chain.Mine(ops...)
		w.sync()
		compare(step, did)
	}
}

func clone(m map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

// TestTransfersUnderLoad has readers and the chain run against each other; what
// is answered after the last block is settled must be true.
func TestTransfersUnderLoad(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nft.DeciderOptions{})
	w.run()
	people := []string{account(1), account(2), account(3)}
	r := rule.Hold(w.asset("erc721") + "/1").MustBuild()
	for round := range 20 {
		owner := people[round%3]
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				for range 100 {
					_, _ = w.d.Decide(context.Background(), r, subject(people[i%3]))
				}
			})
		}
		if round == 0 {
			w.chain.Mine(mint(owner, "1"))
		} else {
			w.chain.Mine(transfer(people[(round-1)%3], owner, "1"))
		}
		w.sync()
		for _, p := range people {
			if d := w.decide(r, subject(p)); (d.Outcome == nft.Yes) != (p == owner) {
				t.Errorf("round %d: %s gets %v, the owner is %s", round, p, d.Outcome, owner)
			}
		}
		wg.Wait()
	}
}

func TestSharedCache(t *testing.T) {
	t.Parallel()
	a, b := account(1), account(2)
	store := cache.NewLRU(cache.LRUOptions{})
	w := newWorld(t, nft.DeciderOptions{Cache: store})
	other := &world{t: t, chain: w.chain, d: nft.NewDecider(nft.DeciderOptions{Cache: store, Verifiers: []nft.Verifier{w.chain}})}
	idle := nft.NewDecider(nft.DeciderOptions{Cache: store, Verifiers: []nft.Verifier{w.chain}})
	w.run()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- other.d.Run(ctx) }()
	defer func() { cancel(); <-done }()
	if err := w.chain.Watching(ctx, 2); err != nil {
		t.Fatal(err)
	}
	r := rule.Hold(w.asset("erc721")).MustBuild()
	w.chain.Mine(mint(a, "1"))
	w.sync()
	checks := func(want int) {
		t.Helper()
		if n := w.chain.Checks(); n != want {
			t.Fatalf("%d checks, want %d", n, want)
		}
	}
	first := w.want(r, subject(a), nft.Yes, "allowed")
	second := other.want(r, subject(a), nft.Yes, "allowed")
	checks(1)
	if !second.Cached || second.Explain.Sentence != first.Explain.Sentence || !second.ValidUntil.Equal(first.ValidUntil) {
		t.Errorf("shared: %+v", second)
	}
	if d, err := idle.Decide(ctx, r, subject(a)); err != nil || d.Cached {
		t.Errorf("a decider that does not follow the chain uses what is shared: %v %v", d.Cached, err)
	}
	checks(2)
	other.want(r, nft.Subject{Tenant: "u", Accounts: subject(a).Accounts}, nft.Yes, "allowed")
	checks(3) // another tenant shares nothing
	w.chain.Mine(transfer(a, b, "1"))
	w.sync()
	other.want(r, subject(a), nft.No, "not_held")
	w.want(r, subject(a), nft.No, "not_held")
	checks(4)
	w.chain.Reorg(1)
	w.sync()
	w.want(r, subject(a), nft.Yes, "allowed")
	other.want(r, subject(a), nft.Yes, "allowed")
	checks(5)
	w.chain.Gap() // nobody knows the head
	w.sync()
	w.want(r, subject(a), nft.Yes, "allowed")
	other.want(r, subject(a), nft.Yes, "allowed")
	checks(7)
}

// late is a verifier whose watch takes up new contracts a block late.
type late struct{ nft.Verifier }

func (l late) Watch(ctx context.Context, contracts func() []string, fn func(nft.Change)) error {
	var before []string
	return l.Verifier.Watch(ctx, func() []string {
		now := before
		before = contracts()
		return now
	}, fn)
}

// TestFirstBlocksOfAContract: until transfers of a contract are certain to be
// told, its answers last one head.
func TestFirstBlocksOfAContract(t *testing.T) {
	t.Parallel()
	a, b := account(1), account(2)
	w := newWorld(t, nft.DeciderOptions{})
	w.d = nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{late{w.chain}}})
	w.run()
	r := rule.Hold(w.asset("erc721")).MustBuild()
	w.want(r, subject(a), nft.No, "not_held")
	w.chain.Mine(mint(a, "1")) // not told
	w.sync()
	w.want(r, subject(a), nft.Yes, "allowed")
	for i, to := range []string{b, a, b, a} {
		from := map[string]string{a: b, b: a}[to]
		w.chain.Mine(transfer(from, to, "1"))
		w.sync()
		if d := w.decide(r, subject(to)); d.Outcome != nft.Yes {
			t.Errorf("transfer %d: the new owner gets %v", i, d.Outcome)
		}
		if d := w.decide(r, subject(from)); d.Outcome != nft.No {
			t.Errorf("transfer %d: the old owner gets %v", i, d.Outcome)
		}
	}
}
