package nft_test

import (
	"context"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/nft/rule"
)

func at(number uint64, amount int64) nft.HeldStep {
	return nft.HeldStep{Since: nft.Block{Number: number, Hash: fmt.Sprint(number)}, Least: big.NewInt(amount)}
}

func TestNewHolding(t *testing.T) {
	t.Parallel()
	for i, tc := range []struct {
		points []nft.HeldStep
		want   string
	}{
		{[]nft.HeldStep{at(1, 5)}, "1:5"},
		{[]nft.HeldStep{at(1, 5), at(3, 2)}, "1:2"},
		{[]nft.HeldStep{at(1, 0), at(3, 2), at(5, 7), at(6, 4)}, "1:0 3:2 5:4"},
		{[]nft.HeldStep{at(1, 9), at(3, 0), at(3, 9), at(8, 9)}, "1:0 3:9"}, // lent and returned within a block
		{[]nft.HeldStep{at(1, 3), at(2, 1), at(2, 4), at(2, 2), at(4, 5)}, "1:1 2:2 4:5"},
		{[]nft.HeldStep{{Least: new(big.Int)}, {Since: nft.Block{Hash: "0"}, Least: big.NewInt(4)}}, "0:0"}, // all of it is at the chain's beginning
	} {
		var got []string
		for _, s := range nft.NewHolding(tc.points).Steps {
			got = append(got, fmt.Sprintf("%d:%v", s.Since.Number, s.Least))
		}
		if s := strings.Join(got, " "); s != tc.want {
			t.Errorf("%d: %s, want %s", i, s, tc.want)
		}
	}
	var many []nft.HeldStep
	for i := range int64(1000) {
		many = append(many, at(uint64(i), i))
	}
	steps := nft.NewHolding(many).Steps
	if len(steps) > 64 || steps[0].Since.Number != 0 || steps[0].Least.Sign() != 0 || steps[len(steps)-1].Least.Int64() != 999 {
		t.Errorf("%d steps from %v to %v", len(steps), steps[0], steps[len(steps)-1])
	}
}

// TestFlashLoan: what is borrowed for a block, for all but one block, or goes around, does not open.
func TestFlashLoan(t *testing.T) {
	t.Parallel()
	a, b := account(1), account(2)
	coin := func(from, to string, n uint64) nfttest.Op {
		return nfttest.Op{Kind: nfttest.Transfer20, From: from, To: to, Amount: n}
	}
	for name, tc := range map[string]struct {
		play func(w *world)
		o    nft.Outcome
	}{
		"borrowed now":                     {func(w *world) { w.chain.Mine(coin(b, a, 100)) }, nft.No},
		"borrowed and returned in a block": {func(w *world) { w.chain.Mine(coin(b, a, 100), coin(a, b, 100)) }, nft.No},
		"borrowed for all but one block": {func(w *world) {
			w.chain.Mine(coin(b, a, 100))
			w.mine(3)
		}, nft.No},
		"held for as long": {func(w *world) {
			w.chain.Mine(coin(b, a, 100))
			w.mine(4)
		}, nft.Yes},
		"lent out for a moment": {func(w *world) {
			w.chain.Mine(coin(b, a, 100))
			w.mine(3)
			w.chain.Mine(coin(a, b, 1), coin(b, a, 1))
		}, nft.No},
		"sent to itself": {func(w *world) {
			w.chain.Mine(coin(b, a, 100))
			w.mine(3)
			w.chain.Mine(coin(a, a, 100))
		}, nft.Yes},
		"more came later": {func(w *world) {
			w.chain.Mine(coin(b, a, 100))
			w.mine(3)
			w.chain.Mine(coin(b, a, 100), coin(a, b, 90))
		}, nft.Yes},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nft.DeciderOptions{})
			w.mine(9)
			w.chain.Mine(nfttest.Op{Kind: nfttest.Mint20, To: b, Amount: 1000})
			tc.play(w)
			d := w.decide(rule.Hold(w.asset("erc20")).Min(100).HeldForBlocks(4).MustBuild(), subject(a))
			if d.Outcome != tc.o || d.Outcome == nft.No && d.Reason != "held_too_short" && name != "borrowed and returned in a block" {
				t.Errorf("%v %s: %s", d.Outcome, d.Reason, d.Message)
			}
		})
	}
}

func (w *world) mine(n int) {
	for range n {
		w.chain.Mine()
	}
}

func TestHeldTooShortSaysWhen(t *testing.T) {
	t.Parallel()
	a := account(1)
	w := newWorld(t, nft.DeciderOptions{})
	w.mine(9)
	w.chain.Mine(mint(a, "1")) // block 10
	w.mine(2)
	d := w.want(rule.Hold(w.asset("erc721")).HeldForBlocks(5).MustBuild(), subject(a), nft.No, "held_too_short")
	want := []string{"Keep it in the wallet until block 15 of eip155:1, which is now at 12."}
	if fmt.Sprint(d.HowTo) != fmt.Sprint(want) || !strings.Contains(d.Message, want[0]) || d.Explain.Wanted != "1 held for 5 blocks" || d.Explain.Source != "chain" {
		t.Errorf("%q, %s, %+v", d.HowTo, d.Message, d.Explain)
	}
	// By the chain's clock, whose blocks are 12 s apart, from 1,700,000,000 on.
	d = w.want(rule.Hold(w.asset("erc721")).HeldFor(time.Minute).MustBuild(), subject(a), nft.No, "held_too_short")
	want = []string{"Keep it in the wallet until " + time.Unix(1_700_000_000+180, 0).UTC().Format("2 January 2006 15:04:05 UTC") + "."}
	if fmt.Sprint(d.HowTo) != fmt.Sprint(want) || d.Explain.Wanted != "1 held for 60 seconds" {
		t.Errorf("%q, %+v", d.HowTo, d.Explain)
	}
	// Who does not hold it is told to get it.
	if d = w.want(rule.Hold(w.asset("erc721")).HeldForBlocks(5).MustBuild(), subject(account(2)), nft.No, "not_held"); !strings.HasPrefix(d.HowTo[0], "Get ") {
		t.Errorf("%q", d.HowTo)
	}
	// Two tokens count from when both were there.
	w.chain.Mine(mint(a, "2")) // block 13
	d = w.want(rule.Hold(w.asset("erc721")).IDs("1", "2").Min(2).HeldForBlocks(4).MustBuild(), subject(a), nft.No, "held_too_short")
	if !strings.Contains(d.Message, "until block 17 ") {
		t.Error(d.Message)
	}
}

// TestHeldUnknown: a verifier that does not look through windows, or cannot, leaves a yes unknown and a no a no.
func TestHeldUnknown(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err    error
		reason string
	}{
		"does not look":      {nil, "unsupported"},
		"out of reach":       {fault.New(fault.Unavailable, "x", "y"), "chain_unavailable"},
		"too long a window":  {fault.New(fault.Unsupported, "x", "y"), "holding_unknown"},
		"something else":     {fault.New(fault.Internal, "x", "y"), "holding_unknown"},
		"no steps, no error": {nil, "unsupported"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nft.DeciderOptions{})
			w.chain.Mine(mint(account(1), "1"))
			w.mine(9)
			w.d = nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{&forgetful{w.chain, tc.err}}})
			r := rule.Hold(w.asset("erc721")).HeldForBlocks(2).MustBuild()
			w.want(r, subject(account(1)), nft.Unknown, tc.reason)
			w.want(r, subject(account(2)), nft.No, "not_held")
		})
	}
}

type forgetful struct {
	nft.Verifier
	err error
}

func (f *forgetful) Check(ctx context.Context, at nft.Finality, qs []nft.Query) (nft.Reply, error) {
	r, err := f.Verifier.Check(ctx, at, qs)
	for i := range r.Answers {
		r.Answers[i].Held, r.Answers[i].HeldErr = nil, f.err
	}
	return r, err
}

// TestWatchHeldFor: access opens with the block at which the time has passed, closes with a loan, and opens again.
func TestWatchHeldFor(t *testing.T) {
	for name, ask := range map[string]func(rule.Expr) rule.Expr{
		"blocks":              func(e rule.Expr) rule.Expr { return e.HeldForBlocks(5) },
		"seconds":             func(e rule.Expr) rule.Expr { return e.HeldFor(time.Minute) },
		"blocks and finality": func(e rule.Expr) rule.Expr { return e.HeldForBlocks(5).Confirmations(2) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, nft.DeciderOptions{}, func(t *testing.T, ctx context.Context, w *world) {
				a, b := account(1), account(2)
				w.mine(9)
				w.settle()
				w.chain.Mine(mint(a, "1"))
				ch := w.d.Watch(ctx, ask(rule.Hold(w.asset("erc721"))).MustBuild(), subject(a))
				first := nft.Decision{}
				select {
				case first = <-ch:
				case <-time.After(time.Minute):
				}
				if first.Outcome != nft.No {
					t.Fatalf("at first %v %s", first.Outcome, first.Reason)
				}
				opens := func(blocks int) {
					t.Helper()
					for range blocks {
						w.chain.Mine()
						w.sync()
						synctest.Wait()
					}
					quiet(t, ch)
					w.chain.Mine()
					w.next(ch, nft.Yes, "allowed")
				}
				late := 0 // the settled reading is a block behind
				if strings.Contains(name, "finality") {
					late = 1
				}
				opens(4 + late)
				w.chain.Mine(transfer(a, b, "1"), transfer(b, a, "1"))
				if d := <-ch; d.Outcome != nft.No {
					t.Fatalf("after a loan %v %s", d.Outcome, d.Reason)
				}
				opens(4 + late)
			})
		})
	}
}
