package nft_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/nft/rule"
)

// quiet fails when the watch has something to say.
func quiet(t *testing.T, ch <-chan nft.Decision) {
	t.Helper()
	synctest.Wait()
	select {
	case d, ok := <-ch:
		t.Fatalf("the watch sends %v %s (open %v), want nothing", d.Outcome, d.Reason, ok)
	default:
	}
}

// bubble runs a watch test in its own time, with a decider that follows the chain.
func bubble(t *testing.T, opt nft.DeciderOptions, test func(t *testing.T, ctx context.Context, w *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, opt)
		w.run()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		test(t, ctx, w)
	})
}

// settle mines the blocks after which a contract is certainly followed.
func (w *world) settle() {
	for range 4 {
		w.chain.Mine()
		w.sync()
		synctest.Wait()
	}
}

func TestWatchFlips(t *testing.T) {
	bubble(t, nft.DeciderOptions{}, func(t *testing.T, ctx context.Context, w *world) {
		a, b := account(1), account(2)
		r := rule.Hold(w.asset("erc721")).MustBuild()
		ch, other := w.d.Watch(ctx, r, subject(a)), w.d.Watch(ctx, r, subject(b))
		w.next(ch, nft.No, "not_held")
		w.next(other, nft.No, "not_held")
		w.chain.Mine(mint(a, "1"))
		w.next(ch, nft.Yes, "allowed")
		w.settle()
		before := w.chain.Checks()
		w.settle() // a new head is no reason to ask
		quiet(t, ch)
		if n := w.chain.Checks() - before; n != 0 {
			t.Errorf("%d checks for heads without transfers", n)
		}
		start := time.Now()
		w.chain.Mine(transfer(a, b, "1"))
		w.next(ch, nft.No, "not_held")
		w.next(other, nft.Yes, "allowed")
		if time.Since(start) != 0 {
			t.Errorf("it took %v", time.Since(start))
		}
		w.chain.Reorg(1) // the transfer never was: access returns with no new sign-in
		w.next(ch, nft.Yes, "allowed")
		w.next(other, nft.No, "not_held")
		quiet(t, ch)
	})
}

func TestWatchWaitsForFinality(t *testing.T) {
	bubble(t, nft.DeciderOptions{}, func(t *testing.T, ctx context.Context, w *world) {
		w.chain.SetFinality(1, 3)
		a, b := account(1), account(2)
		w.settle()
		ch := w.d.Watch(ctx, rule.Hold(w.asset("erc721")).Finalized().MustBuild(), subject(a))
		w.next(ch, nft.No, "not_held")
		w.settle()
		w.chain.Mine(mint(a, "1"))
		for range 2 {
			w.chain.Mine()
			w.sync()
			quiet(t, ch)
		}
		w.chain.Mine()
		w.next(ch, nft.Yes, "allowed")
		w.chain.Mine(transfer(a, b, "1"))
		w.next(ch, nft.No, "revoked_at_head")
		w.chain.Reorg(1)
		w.next(ch, nft.Yes, "allowed")
	})
}

func TestWatchSeesSilentChanges(t *testing.T) {
	bubble(t, nft.DeciderOptions{}, func(t *testing.T, ctx context.Context, w *world) {
		w.chain.SetCall(w.misc, "tier()(uint8)", "1")
		ch := w.d.Watch(ctx, rule.Call("eip155:1:"+w.misc, "tier()(uint8)").Test(">", "1").MustBuild(), subject(account(1)))
		w.next(ch, nft.No, "call_failed")
		w.chain.SetCall(w.misc, "tier()(uint8)", "2")
		w.next(ch, nft.Yes, "allowed")
	})
}

func TestWatchKeepsTime(t *testing.T) {
	bubble(t, nft.DeciderOptions{}, func(t *testing.T, ctx context.Context, w *world) {
		w.chain.Mine(mint(account(1), "1"))
		start := time.Now()
		opens, ends := start.Add(time.Hour), start.Add(2*time.Hour)
		ch := w.d.Watch(ctx, rule.All(rule.Hold(w.asset("erc721")), rule.After(opens), rule.Before(ends)).MustBuild(), subject(account(1)))
		w.next(ch, nft.No, "too_early")
		for range 60 { // the test's patience is ten minutes a turn
			if time.Now().After(opens) {
				break
			}
			time.Sleep(time.Minute)
		}
		w.next(ch, nft.Yes, "allowed")
		if late := time.Since(opens); late > time.Minute {
			t.Errorf("it opened %v late", late)
		}
		time.Sleep(time.Until(ends) - time.Nanosecond)
		quiet(t, ch)
		time.Sleep(10 * time.Millisecond)
		w.next(ch, nft.No, "expired")
	})
}

func TestWatchOutage(t *testing.T) {
	for name, tc := range map[string]struct {
		build func(rule.Expr) rule.Expr
		holds time.Duration
	}{
		"default":          {func(e rule.Expr) rule.Expr { return e }, 30 * time.Second},
		"just read":        {func(e rule.Expr) rule.Expr { return e }, 30 * time.Second},
		"maxAge":           {func(e rule.Expr) rule.Expr { return e.MaxAge(10 * time.Second) }, 10 * time.Second},
		"maxAge and grace": {func(e rule.Expr) rule.Expr { return e.MaxAge(10 * time.Second).Grace(50 * time.Second) }, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, nft.DeciderOptions{YesTTL: 8 * time.Second}, func(t *testing.T, ctx context.Context, w *world) {
				a := account(1)
				w.chain.Mine(mint(a, "1"))
				ch := w.d.Watch(ctx, tc.build(rule.Hold(w.asset("erc721"))).MustBuild(), subject(a))
				w.next(ch, nft.Yes, "allowed")
				w.settle()
				if name != "just read" { // then the answer is still cached when the outage is noticed
					time.Sleep(time.Hour)
				}
				quiet(t, ch) // a quiet chain is not a dead one
				w.chain.Fail(nfttest.Faults{Err: errors.New("refused")})
				down := time.Now()
				checks := w.chain.Checks()
				time.Sleep(tc.holds - 9*time.Second) // the chain was last known good up to 8 s before
				quiet(t, ch)
				w.next(ch, nft.Unknown, "chain_unavailable")
				if after := time.Since(down); after > tc.holds+time.Second {
					t.Errorf("yes stood %v, want at most %v", after, tc.holds)
				}
				if n := w.chain.Checks() - checks; n > int(2*tc.holds/time.Second) {
					t.Errorf("%d checks of a dead chain", n)
				}
				w.chain.Fail(nfttest.Faults{})
				w.next(ch, nft.Yes, "allowed")
			})
		})
	}
}

func TestWatchWithoutRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nft.DeciderOptions{YesTTL: 10 * time.Second})
		a, b := account(1), account(2)
		w.chain.Mine(mint(a, "1"))
		ctx, cancel := context.WithCancel(t.Context())
		ch := w.d.Watch(ctx, rule.Hold(w.asset("erc721")).MustBuild(), subject(a))
		w.next(ch, nft.Yes, "allowed")
		w.chain.Mine(transfer(a, b, "1"))
		start := time.Now()
		w.next(ch, nft.No, "not_held")
		if d := time.Since(start); d > 11*time.Second {
			t.Errorf("seen after %v, answers live 10 s", d)
		}
		cancel()
		for range ch {
		}
	})
}

func TestWatchesAreShared(t *testing.T) {
	bubble(t, nft.DeciderOptions{}, func(t *testing.T, ctx context.Context, w *world) {
		a, b := account(1), account(2)
		w.chain.Mine(mint(a, "1"))
		r := rule.Hold(w.asset("erc721")).MustBuild()
		w.sync()
		synctest.Wait()
		var chs []<-chan nft.Decision
		one, hangUp := context.WithCancel(ctx)
		for i := range 1000 {
			c := ctx
			if i == 0 {
				c = one
			}
			chs = append(chs, w.d.Watch(c, r, subject(a)))
		}
		for _, ch := range chs {
			w.next(ch, nft.Yes, "allowed")
		}
		if n := w.chain.Checks(); n != 1 {
			t.Errorf("%d checks for 1,000 watches of one thing", n)
		}
		hangUp()
		if _, open := <-chs[0]; open {
			t.Error("the channel stays open")
		}
		w.settle()
		before := w.chain.Checks()
		w.chain.Mine(transfer(a, b, "1"))
		for _, ch := range chs[1:] {
			w.next(ch, nft.No, "not_held")
		}
		if n := w.chain.Checks() - before; n != 1 {
			t.Errorf("%d checks for the flip", n)
		}
	})
}

func TestWatchTellsTheNewestToASlowReader(t *testing.T) {
	bubble(t, nft.DeciderOptions{}, func(t *testing.T, ctx context.Context, w *world) {
		a, b := account(1), account(2)
		w.chain.Mine(mint(a, "1"))
		ch := w.d.Watch(ctx, rule.Hold(w.asset("erc721")).MustBuild(), subject(a))
		w.settle()
		w.chain.Mine(transfer(a, b, "1"))
		w.sync()
		synctest.Wait()
		w.next(ch, nft.No, "not_held")
		quiet(t, ch)
	})
}

func TestWatchOfABadRule(t *testing.T) {
	bubble(t, nft.DeciderOptions{MaxReads: 1}, func(t *testing.T, ctx context.Context, w *world) {
		ctx, cancel := context.WithCancel(ctx)
		none := w.d.Watch(ctx, nil, subject(account(1)))
		w.next(none, nft.Unknown, "no_rule")
		dear := w.d.Watch(ctx, rule.Hold(w.asset("erc721")).IDRange(1, 9).MustBuild(), subject(account(1)))
		w.next(dear, nft.Unknown, "over_budget")
		cancel()
		for range none {
		}
		for range dear {
		}
	})
}

// shaky is a verifier whose watch ends with an error at first.
type shaky struct {
	*chainOf
	errs chan error
}

type chainOf struct{ nft.Verifier }

func (s shaky) Watch(ctx context.Context, contracts func() []string, fn func(nft.Change)) error {
	select {
	case err := <-s.errs:
		return err
	default:
		return s.Verifier.Watch(ctx, contracts, fn)
	}
}

func TestRunTriesAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nft.DeciderOptions{})
		s := shaky{&chainOf{w.chain}, make(chan error, 2)}
		s.errs <- errors.New("connection lost")
		s.errs <- errors.New("connection lost")
		w.d = nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{s}})
		w.run() // waits until a watch stands
		ctx, cancel := context.WithCancel(t.Context())
		ch := w.d.Watch(ctx, rule.Hold(w.asset("erc721")).MustBuild(), subject(account(1)))
		w.next(ch, nft.No, "not_held")
		w.chain.Mine(mint(account(1), "1"))
		w.next(ch, nft.Yes, "allowed")
		cancel()
		for range ch {
		}
	})
}

func TestRunWithoutAWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nft.DeciderOptions{})
		s := shaky{&chainOf{w.chain}, make(chan error, 1)}
		s.errs <- fault.New(fault.Unsupported, "x", "no subscriptions")
		w.d = nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{s}, YesTTL: time.Second, NoTTL: time.Second})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- w.d.Run(ctx) }()
		ch := w.d.Watch(ctx, rule.Hold(w.asset("erc721")).MustBuild(), subject(account(1)))
		w.next(ch, nft.No, "not_held")
		w.chain.Mine(mint(account(1), "1"))
		w.next(ch, nft.Yes, "allowed") // by asking again
		cancel()
		for range ch {
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestChains(t *testing.T) {
	bubble(t, nft.DeciderOptions{}, func(t *testing.T, ctx context.Context, w *world) {
		w.chain.Mine()
		w.sync()
		synctest.Wait()
		got := w.d.Chains(ctx)
		if len(got) != 1 || got[0].Chain != "eip155:1" || !got[0].Healthy || got[0].Head == nil || got[0].Head.Number != 1 || got[0].Seen.IsZero() {
			t.Errorf("%+v", got)
		}
		w.chain.Fail(nfttest.Faults{Err: errors.New("refused")})
		time.Sleep(6 * time.Second)
		got = w.d.Chains(ctx)
		if got[0].Healthy || got[0].Error == "" || got[0].Head == nil {
			t.Errorf("in an outage: %+v", got)
		}
		w.chain.Fail(nfttest.Faults{})
		idle := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{w.chain, w.chain}})
		if got := idle.Chains(ctx); len(got) == 0 || !got[0].Healthy { // asked, since nobody follows
			t.Errorf("without Run: %+v", got)
		}
	})
}

// A platform without a chain runs on: the end of Run would end all of it.
func TestRunWithoutChains(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- nft.NewDecider(nft.DeciderOptions{}).Run(ctx) }()
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("ended although nothing stopped it: %v", err)
		default:
		}
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}
