package playbacktest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/suite"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/nft/rule"
)

// Question is a rule and who is asked about.
type Question struct {
	Rule    *rule.Rule
	Subject nft.Subject
}

// GateFixture is a gate under test, with questions whose answers are known.
type GateFixture struct {
	Gate playback.Gate
	// Yes, No and Unknown have these answers, TooMuch reads more than the gate allows.
	Yes, No, Unknown, TooMuch Question
	// Flipping is No at first; Flip makes it Yes, then No, and so on, and returns once that is the truth.
	Flipping Question
	Flip     func(ctx context.Context) error
}

// NewGate returns a fixture of its own for one check, which ends with t.Cleanup.
type NewGate = func(t testing.TB) GateFixture

// RunGate checks that what newGate makes keeps the promises of playback.Gate.
func RunGate(t *testing.T, newGate NewGate) { suite.Run(t, gateChecks(), newGate) }

// FailingGate returns the names of the checks that the gates do not pass, without
// failing t: it is for tests of the suite.
func FailingGate(t *testing.T, newGate NewGate) []string {
	return suite.Failing(t, gateChecks(), newGate)
}

func gateChecks() []suite.Check[NewGate] {
	return []suite.Check[NewGate]{
		{Name: "an answer comes with its evidence", Run: gateEvidence},
		{Name: "a fresh answer sees the change", Run: gateFresh},
		{Name: "a watch tells the present and each flip", Run: gateWatch},
		{Name: "a slow watcher gets the newest", Run: gateSlow},
		{Name: "watches of one question do not disturb each other", Run: gateWatches},
		{Name: "a watch ends with its context", Run: gateWatchEnds},
		{Name: "bad questions are refused", Run: gateRefuses},
		{Name: "an ended context gets no answer", Run: gateEnded},
		{Name: "callers together do not mix", Run: gateTogether},
	}
}

// patience is for what must happen, on however busy a machine.
const patience = 20 * time.Second

func gateEvidence(t testing.TB, newGate NewGate) {
	f := newGate(t)
	for want, q := range map[nft.Outcome]Question{nft.Yes: f.Yes, nft.No: f.No, nft.Unknown: f.Unknown} {
		for name, ask := range map[string]func(context.Context, *rule.Rule, nft.Subject) (nft.Decision, error){"Decide": f.Gate.Decide, "DecideFresh": f.Gate.DecideFresh} {
			d, err := ask(t.Context(), q.Rule, q.Subject)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if d.Outcome != want {
				t.Errorf("%s says %v (%s), want %v", name, d.Outcome, d.Reason, want)
			}
			if d.Reason == "" || d.Message == "" || d.RuleID != q.Rule.ID() || d.At.IsZero() || !d.ValidUntil.After(d.At) {
				t.Errorf("%s: the decision lacks evidence: %+v", name, d)
			}
			if x := d.Explain; x == nil || x.Outcome != want || x.Sentence == "" || len(x.Children) != len(q.Rule.Root().Children) {
				t.Errorf("%s: the explanation does not mirror the rule: %+v", name, x)
			}
			if want == nft.No && (len(d.HowTo) == 0 || len(d.WhatIf) == 0) {
				t.Errorf("%s: the no does not say what would help", name)
			}
		}
	}
}

func gateFresh(t testing.TB, newGate NewGate) {
	f := newGate(t)
	for _, want := range []nft.Outcome{nft.No, nft.Yes, nft.No} {
		d, err := f.Gate.DecideFresh(t.Context(), f.Flipping.Rule, f.Flipping.Subject)
		if err != nil || d.Outcome != want {
			t.Fatalf("DecideFresh says %v (%s), %v, want %v", d.Outcome, d.Reason, err, want)
		}
		if d.Cached {
			t.Error("a fresh answer says that it is from the cache")
		}
		flip(t, f)
	}
}

func flip(t testing.TB, f GateFixture) {
	t.Helper()
	if err := f.Flip(t.Context()); err != nil {
		t.Fatalf("Flip: %v", err)
	}
}

func next(t testing.TB, ch <-chan nft.Decision, want nft.Outcome) {
	t.Helper()
	select {
	case d, ok := <-ch:
		if !ok || d.Outcome != want {
			t.Fatalf("the watch says %v (%s, open: %v), want %v", d.Outcome, d.Reason, ok, want)
		}
	case <-time.After(patience):
		t.Fatalf("the watch says nothing, want %v", want)
	}
}

func gateWatch(t testing.TB, newGate NewGate) {
	f := newGate(t)
	ch := f.Gate.Watch(t.Context(), f.Flipping.Rule, f.Flipping.Subject)
	next(t, ch, nft.No)
	for _, want := range []nft.Outcome{nft.Yes, nft.No, nft.Yes} {
		flip(t, f)
		next(t, ch, want)
	}
	unknown := f.Gate.Watch(t.Context(), f.Unknown.Rule, f.Unknown.Subject)
	next(t, unknown, nft.Unknown)
}

// gateSlow flips with nobody reading: what is read then must soon be the last.
func gateSlow(t testing.TB, newGate NewGate) {
	f := newGate(t)
	ch := f.Gate.Watch(t.Context(), f.Flipping.Rule, f.Flipping.Subject)
	other := f.Gate.Watch(t.Context(), f.Flipping.Rule, f.Flipping.Subject)
	next(t, other, nft.No)
	for _, want := range []nft.Outcome{nft.Yes, nft.No, nft.Yes} {
		flip(t, f)
		next(t, other, want)
	}
	late := time.After(patience)
	for read := 0; ; read++ {
		select {
		case d := <-ch:
			if d.Outcome == nft.Yes {
				return
			}
			if read > 2 {
				t.Fatal("the slow watcher is fed the whole history")
			}
		case <-late:
			t.Fatal("the slow watcher never hears the newest decision")
		}
	}
}

func gateWatches(t testing.TB, newGate NewGate) {
	f := newGate(t)
	gone, leave := context.WithCancel(t.Context())
	first := f.Gate.Watch(gone, f.Flipping.Rule, f.Flipping.Subject)
	second := f.Gate.Watch(t.Context(), f.Flipping.Rule, f.Flipping.Subject)
	next(t, first, nft.No)
	next(t, second, nft.No)
	leave()
	closes(t, first)
	flip(t, f)
	next(t, second, nft.Yes)
}

func closes(t testing.TB, ch <-chan nft.Decision) {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case _, ok := <-ch:
			if !ok {
				return
			}
		case <-late:
			t.Fatal("the watch outlives its context")
		}
	}
}

func gateWatchEnds(t testing.TB, newGate NewGate) {
	f := newGate(t)
	for _, q := range []Question{f.Yes, f.Unknown, {}} {
		ctx, cancel := context.WithCancel(t.Context())
		ch := f.Gate.Watch(ctx, q.Rule, q.Subject)
		cancel()
		closes(t, ch)
	}
}

func gateRefuses(t testing.TB, newGate NewGate) {
	f := newGate(t)
	for name, ask := range map[string]func(context.Context, *rule.Rule, nft.Subject) (nft.Decision, error){"Decide": f.Gate.Decide, "DecideFresh": f.Gate.DecideFresh} {
		if d, err := ask(t.Context(), nil, f.Yes.Subject); !errors.Is(err, fault.Invalid) || d.Outcome == nft.Yes {
			t.Errorf("%s without a rule: %v, %v, want fault.Invalid", name, d.Outcome, err)
		}
		if d, err := ask(t.Context(), f.TooMuch.Rule, f.TooMuch.Subject); !errors.Is(err, fault.TooLarge) || d.Outcome == nft.Yes {
			t.Errorf("%s of a rule beyond the budget: %v, %v, want fault.TooLarge", name, d.Outcome, err)
		}
	}
	select {
	case d := <-f.Gate.Watch(t.Context(), nil, f.Yes.Subject):
		if d.Outcome != nft.Unknown || d.Reason != "no_rule" {
			t.Errorf("a watch without a rule says %v (%s), want unknown", d.Outcome, d.Reason)
		}
	case <-time.After(patience):
		t.Error("a watch without a rule says nothing")
	}
}

func gateEnded(t testing.TB, newGate NewGate) {
	f := newGate(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, ask := range map[string]func(context.Context, *rule.Rule, nft.Subject) (nft.Decision, error){"Decide": f.Gate.Decide, "DecideFresh": f.Gate.DecideFresh} {
		if d, err := ask(ctx, f.Yes.Rule, f.Yes.Subject); !errors.Is(err, fault.Canceled) || d.Outcome != nft.Unknown {
			t.Errorf("%s with an ended context: %v, %v, want fault.Canceled", name, d.Outcome, err)
		}
	}
}

func gateTogether(t testing.TB, newGate NewGate) {
	f := newGate(t)
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			want, q := nft.Yes, f.Yes
			if i%2 == 1 {
				want, q = nft.No, f.No
			}
			for range 20 {
				if d, err := f.Gate.Decide(t.Context(), q.Rule, q.Subject); err != nil || d.Outcome != want {
					t.Errorf("caller %d gets %v, %v, want %v", i, d.Outcome, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

// ChainGate is a real nft.Decider over a chain in memory, as a GateFixture.
type ChainGate struct {
	GateFixture
	Decider *nft.Decider
	Chain   *nfttest.Chain

	mu     sync.Mutex
	holder int
}

// NewChainGate starts a decider that follows its chain until ctx ends; wait returns once it has ended.
func NewChainGate(ctx context.Context) (g *ChainGate, wait func(), err error) {
	id := caip.ChainID{Namespace: "eip155", Reference: "31337"}
	chain := nfttest.NewChain(id)
	contract := chain.Deploy("erc721")
	chain.Mine(nfttest.Op{Kind: nfttest.Mint721, To: address(0), TokenID: "1"}, nfttest.Op{Kind: nfttest.Mint721, To: address(2), TokenID: "2"})
	g = &ChainGate{
		Chain: chain, holder: 2,
		Decider: nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{chain}, MaxReads: 20}),
	}
	asset := id.String() + "/erc721:" + contract
	held, err := rule.Parse(fmt.Appendf(nil, `{"gr":1,"when":{"any":[{"hold":%q},{"all":[{"hold":%q,"min":"2"},{"is":%q}]}]}}`,
		asset, asset, id.String()+":"+address(9)))
	if err != nil {
		return nil, nil, err
	}
	elsewhere, err := rule.Parse([]byte(`{"gr":1,"when":{"hold":"eip155:4242/erc721:` + contract + `"}}`))
	if err != nil {
		return nil, nil, err
	}
	ids := ""
	for i := range 30 {
		ids += fmt.Sprintf(`,"%d"`, i)
	}
	much, err := rule.Parse(fmt.Appendf(nil, `{"gr":1,"when":{"hold":%q,"ids":[%s]}}`, asset, ids[1:]))
	if err != nil {
		return nil, nil, err
	}
	subject := func(n int) nft.Subject {
		return nft.Subject{Tenant: "test", Accounts: []caip.AccountID{{Chain: id, Address: address(n)}}, Roles: []string{"viewer"}}
	}
	g.GateFixture = GateFixture{
		Gate: g.Decider, Flip: g.flip, Yes: Question{held, subject(0)}, No: Question{held, subject(1)}, Flipping: Question{held, subject(3)},
		Unknown: Question{elsewhere, subject(0)}, TooMuch: Question{much, subject(0)},
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = g.Decider.Run(ctx)
	}()
	if err := chain.Watching(ctx, 1); err != nil {
		return nil, nil, err
	}
	return g, func() { <-done }, nil
}

func address(n int) string { return fmt.Sprintf("0x%040x", 0xacc0+n) }

// flip moves token 2 between the accounts 2 and 3 and waits until the decider has heard.
func (g *ChainGate) flip(ctx context.Context) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	from, to := g.holder, 5-g.holder
	g.holder = to
	g.Chain.Mine(nfttest.Op{Kind: nfttest.Transfer721, From: address(from), To: address(to), TokenID: "2"})
	return g.Chain.Sync(ctx)
}
