package quorum_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/nft/quorum"
)

func (w *world) check(t testing.TB) (nft.Reply, error) {
	t.Helper()
	return w.v.Check(t.Context(), latest, w.balance(alice))
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	c := nfttest.NewChain(chainID)
	other := nfttest.NewChain(caip.ChainID{Namespace: "eip155", Reference: "2"})
	many := make([]quorum.Provider, 33)
	for i := range many {
		many[i] = quorum.Provider{Name: fmt.Sprint("p", i), Verifier: newNode(c)}
	}
	for name, ps := range map[string][]quorum.Provider{
		"nobody":               nil,
		"a crowd":              many,
		"no verifier":          {{Name: "a"}},
		"no name":              {{Verifier: c}},
		"a URL for a name":     {{Name: "https://rpc.example/key", Verifier: c}},
		"a URL for a operator": {{Name: "a", Operator: "https://rpc.example/key", Verifier: c}},
		"one name twice":       {{Name: "a", Verifier: newNode(c)}, {Name: "a", Verifier: newNode(c)}},
		"two chains":           {{Name: "a", Verifier: newNode(c)}, {Name: "b", Verifier: newNode(other)}},
		"two kinds":            {{Name: "a", Verifier: newNode(c)}, {Name: "b", Verifier: plain{newNode(c)}}},
	} {
		if _, err := quorum.New(ps, quorum.Options{}); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheNextIsAskedWhenOneFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quorum.Options{}, nil)
	w.mint("1")
	w.nodes[0].set(trouble{err: errDown})
	r, err := w.check(t)
	answered(t, r, err, "1")
	w.nodes[1].set(trouble{lie: func(_ nft.Query, a *nft.Answer) { *a = nft.Answer{Err: errDown} }})
	r, err = w.check(t)
	answered(t, r, err, "1") // gamma's is better than half an answer
	w.nodes[2].set(trouble{err: errDown})
	r, err = w.check(t)
	if err != nil || len(r.Answers) != 1 || r.Answers[0].Err == nil {
		t.Errorf("half an answer is better than none: %+v, %v", r, err)
	}
	w.nodes[1].set(trouble{err: errDown})
	if r, err = w.check(t); fault.KindOf(err) != fault.Unavailable {
		t.Errorf("%+v, %v", r, err)
	}
}

// What is wrong with the question is no provider's fault, and no other is bothered with it.
func TestABadQuestionIsAskedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quorum.Options{}, nil)
	if _, err := w.v.Check(t.Context(), nft.Finality{Tag: "pending"}, nil); !errors.Is(err, fault.Invalid) {
		t.Errorf("%v", err)
	}
	if n := w.nodes[0].asked() + w.nodes[1].asked() + w.nodes[2].asked(); n != 1 {
		t.Errorf("%d were asked", n)
	}
	if _, err := w.v.CheckQuorum(t.Context(), latest, nft.Quorum{N: 3, Of: 2}, nil); !errors.Is(err, fault.Invalid) {
		t.Errorf("3 of 2: %v", err)
	}
	r, err := w.v.CheckQuorum(t.Context(), latest, nft.Quorum{N: 1, Of: 1}, w.balance(alice))
	answered(t, r, err, "0")
}

func TestASecondIsAskedWhenTheFirstDawdles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, quorum.Options{}, nil)
		w.mint("1")
		for _, n := range w.nodes {
			n.set(trouble{delay: 10 * time.Millisecond})
		}
		for range 20 { // so that the usual pace is known
			r, err := w.check(t)
			answered(t, r, err, "1")
		}
		w.nodes[0].set(trouble{delay: 3 * time.Second})
		w.nodes[1].set(trouble{delay: 20 * time.Millisecond})
		start := time.Now()
		r, err := w.check(t)
		answered(t, r, err, "1")
		if took := time.Since(start); took > 100*time.Millisecond {
			t.Errorf("took %v", took)
		}
		w.v.Close()
		// The dawdler is not asked first any more, once it shows.
		for range 70 {
			if r, err := w.check(t); err != nil {
				t.Fatal(r, err)
			}
		}
		before := w.nodes[0].asked()
		start = time.Now()
		r, err = w.check(t)
		answered(t, r, err, "1")
		if took := time.Since(start); took > 100*time.Millisecond || w.nodes[0].asked() > before+1 {
			t.Errorf("took %v with %d calls to the dawdler", took, w.nodes[0].asked()-before)
		}
	})
}

func TestABrokenProviderIsLeftAloneAndTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, quorum.Options{}, nil)
		w.nodes[0].set(trouble{err: errDown})
		for range 10 {
			if r, err := w.check(t); err != nil {
				t.Fatal(r, err)
			}
		}
		broken := w.nodes[0].asked()
		if s := state(w.v, "alpha"); broken > 4 || s.State != "failing" || !strings.Contains(s.Why, "connection refused") || s.Failures != uint64(broken) {
			t.Errorf("asked %d times: %+v", broken, s)
		}
		time.Sleep(1100 * time.Millisecond)
		// One trial passes. It fails, and the next is further away.
		w.nodes[1].set(trouble{err: errDown})
		w.nodes[2].set(trouble{err: errDown})
		_, _ = w.check(t)
		_, _ = w.check(t)
		if n := w.nodes[0].asked() - broken; n != 1 {
			t.Errorf("%d trials", n)
		}
		time.Sleep(5 * time.Second)
		for _, n := range w.nodes {
			n.set(trouble{})
		}
		for range 3 {
			if r, err := w.check(t); err != nil {
				t.Fatal(r, err)
			}
		}
		_, _ = w.ask(t, twoOfThree)
		w.v.Close()
		if s := state(w.v, "alpha"); s.State != "ok" {
			t.Errorf("back again: %+v", s)
		}
	})
}

// A provider with no other beside it is asked whatever happens, so that an outage is over when it is over.
func TestTheOnlyProviderIsAlwaysAsked(t *testing.T) {
	t.Parallel()
	c := nfttest.NewChain(chainID)
	n := newNode(c)
	v, err := quorum.New([]quorum.Provider{{Name: "only", Verifier: n}}, quorum.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	n.set(trouble{err: errDown})
	for range 20 {
		if _, err := v.Head(t.Context()); fault.KindOf(err) != fault.Unavailable {
			t.Fatal(err)
		}
	}
	n.set(trouble{})
	if _, err := v.Head(t.Context()); err != nil {
		t.Errorf("after an outage: %v", err)
	}
}

// A head that a broken provider's watch tells is reason to try it again before its time.
func TestAHeadIsAReasonToTryAgain(t *testing.T) {
	watching(t, quorum.Options{ProbeEvery: time.Hour}, func(w *world, _ *heard, settle func()) {
		w.nodes[0].set(trouble{err: errDown})
		for range 3 {
			for range 20 {
				_, _ = w.v.CheckQuorum(context.Background(), latest, nft.Quorum{N: 2, Of: 3}, w.balance(alice))
			}
			time.Sleep(30 * time.Second) // so that it is left alone for longer each time
		}
		w.nodes[0].set(trouble{})
		_, _ = w.v.CheckQuorum(context.Background(), latest, nft.Quorum{N: 2, Of: 3}, w.balance(alice))
		settle()
		if s := state(w.v, "alpha"); s.State != "ok" {
			w.Mine()
			settle()
			_, _ = w.v.CheckQuorum(context.Background(), latest, nft.Quorum{N: 2, Of: 3}, w.balance(alice))
			settle()
		}
		if s := state(w.v, "alpha"); s.State != "ok" {
			t.Errorf("%+v", s)
		}
	})
}

func TestALaggardIsLeftOutUntilItCatchesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, quorum.Options{FreshFor: -1}, nil)
		w.mint("1")
		if r, err := w.ask(t, twoOfThree); err != nil { // all are heard of
			t.Fatal(r, err)
		}
		w.v.Close()
		for range 4 {
			w.Mine()
		}
		w.Mine(nfttest.Op{Kind: nfttest.Transfer721, From: alice, To: bob, TokenID: "1"})
		w.nodes[0].set(trouble{lag: 5})
		w.nodes[1].set(trouble{})
		_, _ = w.ask(t, twoOfThree) // so that the newest block is known
		w.v.Close()
		for range 5 {
			r, err := w.check(t)
			answered(t, r, err, "0")
		}
		if s := state(w.v, "alpha"); s.State != "lagging" || s.Lag != 5 || !strings.Contains(s.Why, "5 blocks behind") {
			t.Errorf("%+v", s)
		}
		// Alone it is believed no more than beside others.
		w.nodes[1].set(trouble{err: errDown})
		w.nodes[2].set(trouble{err: errDown})
		r, err := w.check(t)
		unknown(t, r, err, nil)
		w.nodes[0].set(trouble{})
		r, err = w.check(t)
		answered(t, r, err, "0")
		if s := state(w.v, "alpha"); s.State != "ok" {
			t.Errorf("caught up: %+v", s)
		}
	})
}

// A chain that begins anew, as one for development does, is believed after a while.
func TestMemoryOfHeadsFades(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, quorum.Options{FreshFor: -1}, nil)
		if r, err := w.check(t); err != nil {
			t.Fatal(r, err)
		}
		for _, n := range w.nodes {
			n.set(trouble{lag: 9})
		}
		r, err := w.check(t)
		unknown(t, r, err, nil)
		time.Sleep(61 * time.Second)
		r, err = w.check(t)
		answered(t, r, err, "0")
	})
}

func TestAnotherChainIsLeftOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quorum.Options{}, nil)
	w.nodes[0].set(trouble{err: fault.Wrap(fault.Unavailable, "node", nft.ErrOtherChain)})
	for range 3 {
		r, err := w.check(t)
		answered(t, r, err, "0")
	}
	if s := state(w.v, "alpha"); s.State != "other_chain" || s.Why != "it serves another chain" || w.nodes[0].asked() != 1 {
		t.Errorf("asked %d times: %+v", w.nodes[0].asked(), s)
	}
}

func TestABudgetIsKept(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 23, 59, 50, 0, time.UTC)
	clock := func() time.Time { return now }
	small := quorum.NewBudget(0, 2, clock)
	w := newWorld(t, quorum.Options{Now: clock, MaxFuture: 1e6 * time.Hour}, func(ps []quorum.Provider) {
		ps[0].Budget = small
		ps[1].Budget = quorum.NewBudget(1, 0, clock)
		ps[2].Budget = quorum.NewBudget(0, 1, clock)
	})
	for range 4 {
		if r, err := w.check(t); err != nil {
			t.Fatal(r, err)
		}
	}
	if a, b, c := w.nodes[0].asked(), w.nodes[1].asked(), w.nodes[2].asked(); a != 2 || b != 1 || c != 1 {
		t.Errorf("asked %d, %d and %d times within 2 a day, 1 a second, 1 a day", a, b, c)
	}
	if n, ok := small.Left(); n != 0 || !ok || state(w.v, "alpha").State != "over_budget" || *state(w.v, "alpha").CallsLeft != 0 {
		t.Errorf("left %d, %+v", n, state(w.v, "alpha"))
	}
	for _, ask := range []func() (nft.Reply, error){
		func() (nft.Reply, error) { return w.check(t) },
		func() (nft.Reply, error) { return w.ask(t, twoOfThree) },
	} {
		if _, err := ask(); !errors.Is(err, fault.Limited) {
			t.Errorf("over every budget: %v", err)
		}
	}
	now = now.Add(time.Second)
	if r, err := w.check(t); err != nil || w.nodes[1].asked() != 2 { // by beta, a second later
		t.Error(r, err)
	}
	now = now.Add(20 * time.Second) // a new day
	for range 3 {
		if r, err := w.check(t); err != nil {
			t.Error(r, err)
		}
	}
	if w.nodes[0].asked() < 3 {
		t.Error("the budget of a new day is not used")
	}
}

// The transport counts what a driver really sends, batches by their calls, and stops it at the budget.
func TestABudgetsClientCountsCalls(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "{}") }))
	defer s.Close()
	b := quorum.NewBudget(0, 5, nil)
	client := b.Client(nil)
	defer client.CloseIdleConnections()
	post := func(body string) error {
		resp, err := client.Post(s.URL, "application/json", bytes.NewReader([]byte(body)))
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	}
	for _, body := range []string{`{"method":"a"}`, `[{"method":"a"},{"method":"b"},{"method":"c"}]`, `not JSON`} {
		if err := post(body); err != nil {
			t.Fatal(err)
		}
	}
	if n, _ := b.Left(); n != 0 {
		t.Errorf("%d of 5 calls are left after 1 + 3 + 1", n)
	}
	if err := post(`{}`); !errors.Is(err, fault.Limited) {
		t.Errorf("over the budget: %v", err)
	}
	if _, ok := (*quorum.Budget)(nil).Left(); ok {
		t.Error("no budget has something left")
	}
}

func TestEvidenceIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quorum.Options{Evidence: 2}, nil)
	w.nodes[0].set(trouble{lie: hundred})
	for i := range 4 {
		who := fmt.Sprintf("0x%040x", i)
		for range 2 {
			if _, err := w.v.CheckQuorum(t.Context(), latest, twoOfThree, w.balance(who)); err != nil {
				t.Fatal(err)
			}
			w.v.Close()
		}
	}
	got := w.v.Disagreements()
	if len(got) != 2 || got[0].Count != 2 || !strings.Contains(got[0].Query, "3") || !strings.Contains(got[1].Query, "2") {
		t.Errorf("%+v", got)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	reader := metric.NewManualReader()
	w := newWorld(t, quorum.Options{Meters: metric.NewMeterProvider(metric.WithReader(reader))}, nil)
	w.nodes[0].set(trouble{lie: hundred})
	if _, err := w.ask(t, twoOfThree); err != nil {
		t.Fatal(err)
	}
	w.v.Close()
	_, _ = w.ask(t, twoOfThree)
	w.nodes[2].set(trouble{err: errDown})
	_, _ = w.ask(t, nft.Quorum{N: 3, Of: 3})
	var got metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &got); err != nil {
		t.Fatal(err)
	}
	sums := map[string]int64{}
	for _, sm := range got.ScopeMetrics {
		for _, m := range sm.Metrics {
			if s, ok := m.Data.(metricdata.Sum[int64]); ok {
				for _, p := range s.DataPoints {
					sums[m.Name] += p.Value
				}
			}
		}
	}
	if sums["streamgate.provider.calls"] < 9 || sums["streamgate.provider.disagreements"] < 2 {
		t.Errorf("%v", sums)
	}
}
