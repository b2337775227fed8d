package eventtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/streamgate/streamgate/kernel/event"
)

// NewPair makes two ways to one empty bus, such as those of two processes, and closes both by t.Cleanup.
type NewPair func(t testing.TB, c Config) (a, b event.Bus)

// PairCase is one rule every bus keeps for those who share it.
type PairCase struct {
	Name  string
	Check func(t testing.TB, newPair NewPair)
}

// RunPair checks every rule of shared buses, each on a pair of its own, in parallel.
func RunPair(t *testing.T, newPair NewPair) {
	for _, c := range PairCases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			c.Check(t, newPair)
		})
	}
}

// PairCases returns the rules, for callers that run them in their own way.
func PairCases() []PairCase {
	return []PairCase{
		{"every subscriber of both gets every event of both, in one order", pairAll},
		{"only what is published after the subscription arrives", pairPresent},
		{"a failure here is no failure there", pairRetries},
		{"both see the dead letters", pairDead},
	}
}

func pairAll(t testing.TB, newPair NewPair) {
	const keys, each = 3, 30
	a, b := newPair(t, usual())
	logs := []*log{newLog(), newLog(), newLog()}
	for i, bus := range []event.Bus{a, b, b} {
		subscribe(t, bus, []string{"a.*", "*", "a.b"}[i], logs[i].add)
	}
	for i := range each {
		for k := range keys {
			publish(t, []event.Bus{a, b}[i%2], event.Event{Topic: "a.b", Tenant: "t", Key: fmt.Sprint(k), Data: fmt.Append(nil, i)})
		}
	}
	for i, l := range logs {
		next := map[string]int{}
		got := l.wait(t, keys*each)
		for _, e := range got {
			if want := fmt.Sprint(next[e.Key]); string(e.Data) != want {
				t.Fatalf("subscriber %d, key %s: event %s came when %s was due", i, e.Key, e.Data, want)
			}
			next[e.Key]++
		}
	}
	time.Sleep(quiet)
	for i, l := range logs {
		if n := len(l.all()); n != keys*each {
			t.Errorf("subscriber %d got %d events, want %d", i, n, keys*each)
		}
	}
}

func pairPresent(t testing.TB, newPair NewPair) {
	a, b := newPair(t, usual())
	got := newLog()
	publish(t, a, event.Event{ID: "before", Topic: "a", Key: "k"})
	cancel := subscribe(t, b, "*", got.add)
	publish(t, a, event.Event{ID: "during", Topic: "a", Key: "k"})
	got.wait(t, 1)
	cancel()
	publish(t, a, event.Event{ID: "after", Topic: "a", Key: "k"})
	time.Sleep(quiet)
	if all := got.all(); len(all) != 1 || all[0].ID != "during" {
		t.Errorf("got %+v, want what was published during the subscription", all)
	}
}

func pairRetries(t testing.TB, newPair NewPair) {
	a, b := newPair(t, Config{MaxAttempts: 5, Backoff: time.Minute})
	got := newLog()
	subscribe(t, a, "*", func(context.Context, event.Event) error { return errors.New("in its back-off for a minute") })
	subscribe(t, b, "*", got.add)
	for _, id := range []string{"1", "2"} {
		publish(t, a, event.Event{ID: id, Topic: "a", Key: "k"})
	}
	got.wait(t, 2)
	time.Sleep(quiet)
	var ids []string
	for _, e := range got.all() {
		ids = append(ids, e.ID)
	}
	if !slices.Equal(ids, []string{"1", "2"}) {
		t.Errorf("got %v, want 1 2, once each", ids)
	}
}

func pairDead(t testing.TB, newPair NewPair) {
	c := usual()
	a, b := newPair(t, c)
	after := newLog()
	subscribe(t, a, "a.*", func(ctx context.Context, e event.Event) error {
		if e.ID == "bad" {
			return errors.New("never works")
		}
		return after.add(ctx, e)
	})
	publish(t, b, event.Event{ID: "bad", Topic: "a.b", Key: "k", Data: []byte("x")})
	publish(t, b, event.Event{ID: "good", Topic: "a.b", Key: "k"})
	after.wait(t, 1) // the bad one is dead by then, as they have one key
	for name, bus := range map[string]event.Bus{"its own": a, "the other": b} {
		inspector, ok := bus.(event.Inspector)
		if !ok {
			continue
		}
		dead, err := inspector.DeadLetters(t.Context(), 10)
		if err != nil || len(dead) != 1 {
			t.Fatalf("%s bus: dead letters %+v, %v; want one", name, dead, err)
		}
		if d := dead[0]; d.Event.ID != "bad" || string(d.Event.Data) != "x" || d.Pattern != "a.*" || d.Attempts != c.MaxAttempts || d.Reason == "" {
			t.Errorf("%s bus: dead letter %+v", name, d)
		}
	}
}
