// Package eventtest is the conformance suite of event.Bus. An implementation
// counts as supported when Run passes on it, against the real system.
package eventtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
)

const (
	patience = 10 * time.Second       // for what must happen
	quiet    = 150 * time.Millisecond // for what must not
)

// Config is how the bus under test has to be set up.
type Config struct {
	MaxAttempts int
	Backoff     time.Duration // pause before the second attempt
}

// NewBus makes an empty bus for one case and closes it by t.Cleanup.
type NewBus func(t testing.TB, c Config) event.Bus

// Case is one rule every bus keeps.
type Case struct {
	Name  string
	Check func(t testing.TB, newBus NewBus)
}

// Run checks every case, each on a bus of its own, in parallel.
func Run(t *testing.T, newBus NewBus) {
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			c.Check(t, newBus)
		})
	}
}

// Cases returns the rules, for callers that run them in their own way.
func Cases() []Case {
	return []Case{
		{"an event arrives whole, with id and time", arrives},
		{"patterns select topics", patterns},
		{"publishing does not wait for handlers", publishReturns},
		{"events of a key are handled in order", order},
		{"an error or a panic is retried before the next of the key", retries},
		{"attempts end in a dead letter", deadLetter},
		{"keys and subscriptions do not hold up each other", independence},
		{"cancel ends and awaits the handler", cancels},
		{"data belongs to whoever has it", ownership},
		{"concurrent publishers lose nothing", concurrent},
		{"bad arguments are refused", refusals},
	}
}

func usual() Config { return Config{MaxAttempts: 4, Backoff: 10 * time.Millisecond} }

// log collects deliveries and wakes whoever waits for them.
type log struct {
	mu     sync.Mutex
	events []event.Event
	more   chan struct{}
}

func newLog() *log { return &log{more: make(chan struct{}, 1)} }

func (l *log) add(_ context.Context, e event.Event) error {
	l.mu.Lock()
	l.events = append(l.events, e)
	l.mu.Unlock()
	select {
	case l.more <- struct{}{}:
	default:
	}
	return nil
}

func (l *log) all() []event.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.events)
}

// wait returns the deliveries once there are n.
func (l *log) wait(t testing.TB, n int) []event.Event {
	t.Helper()
	late := time.After(patience)
	for {
		if got := l.all(); len(got) >= n {
			return got
		}
		select {
		case <-l.more:
		case <-late:
			t.Fatalf("%d deliveries after %v, want %d", len(l.all()), patience, n)
		}
	}
}

func subscribe(t testing.TB, b event.Bus, pattern string, h event.Handler) (cancel func()) {
	t.Helper()
	cancel, err := b.Subscribe(pattern, h)
	if err != nil {
		t.Fatalf("Subscribe(%q): %v", pattern, err)
	}
	return cancel
}

func publish(t testing.TB, b event.Bus, e event.Event) {
	t.Helper()
	if err := b.Publish(t.Context(), e); err != nil {
		t.Fatalf("Publish(%s %s): %v", e.Topic, e.Key, err)
	}
}

func await(t testing.TB, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		t.Fatalf("%s did not happen within %v", what, patience)
	}
}

func arrives(t testing.TB, newBus NewBus) {
	b, got := newBus(t, usual()), newLog()
	subscribe(t, b, "asset.changed", got.add)
	before := time.Now().Add(-time.Minute)
	at := time.Date(2026, 5, 4, 3, 2, 1, 123e6, time.UTC)
	publish(t, b, event.Event{ID: "mine", Topic: "asset.changed", Tenant: "t", Key: "k", At: at, Data: []byte(`{"a":1}`)})
	e := got.wait(t, 1)[0]
	if e.ID != "mine" || e.Topic != "asset.changed" || e.Tenant != "t" || e.Key != "k" || !e.At.Equal(at) || string(e.Data) != `{"a":1}` {
		t.Errorf("got %+v", e)
	}
	publish(t, b, event.Event{Topic: "asset.changed", Key: "k"})
	publish(t, b, event.Event{Topic: "asset.changed", Key: "k"})
	all := got.wait(t, 3)
	if all[1].ID == "" || all[2].ID == "" || all[1].ID == all[2].ID {
		t.Errorf("ids %q and %q are not filled in or not unique", all[1].ID, all[2].ID)
	}
	if all[1].At.Before(before) || all[1].At.After(time.Now().Add(time.Minute)) {
		t.Errorf("the time %v is not filled in", all[1].At)
	}
}

func patterns(t testing.TB, newBus NewBus) {
	b := newBus(t, usual())
	topics := []string{"asset.changed", "asset.a.b", "asset", "assets.changed", "gate.changed"}
	want := map[string][]string{
		"*": topics, "asset.*": topics[:2], "asset.a.*": topics[1:2], "asset": topics[2:3], "asset.changed": topics[:1], "nothing.*": nil,
	}
	logs := map[string]*log{}
	for pattern := range want {
		logs[pattern] = newLog()
		subscribe(t, b, pattern, logs[pattern].add)
	}
	for _, topic := range topics {
		publish(t, b, event.Event{Topic: topic, Key: "one"})
	}
	for pattern, topics := range want {
		logs[pattern].wait(t, len(topics))
	}
	time.Sleep(quiet)
	for pattern, topics := range want {
		var got []string
		for _, e := range logs[pattern].all() {
			got = append(got, e.Topic)
		}
		if !slices.Equal(got, topics) {
			t.Errorf("%q got %v, want %v", pattern, got, topics)
		}
	}
}

func publishReturns(t testing.TB, newBus NewBus) {
	b := newBus(t, usual())
	running, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	subscribe(t, b, "*", func(context.Context, event.Event) error { close(running); <-release; return nil })
	published := make(chan struct{})
	go func() {
		defer close(published)
		if err := b.Publish(t.Context(), event.Event{Topic: "a", Key: "k"}); err != nil {
			t.Errorf("Publish: %v", err)
		}
	}()
	await(t, published, "the return of Publish while the handler runs")
	await(t, running, "the call of the handler")
}

func order(t testing.TB, newBus NewBus) {
	const keys, each = 5, 40
	b, got := newBus(t, usual()), newLog()
	subscribe(t, b, "*", got.add)
	for i := range each {
		for k := range keys {
			publish(t, b, event.Event{Topic: "a.b", Tenant: "t", Key: fmt.Sprint(k), Data: fmt.Append(nil, i)})
		}
	}
	next := map[string]int{}
	for _, e := range got.wait(t, keys*each) {
		if want := fmt.Sprint(next[e.Key]); string(e.Data) != want {
			t.Fatalf("key %s: event %s came when %s was due", e.Key, e.Data, want)
		}
		next[e.Key]++
	}
}

func retries(t testing.TB, newBus NewBus) {
	for name, fail := range map[string]func() error{
		"error": func() error { return errors.New("try again") },
		"panic": func() error { panic("try again") },
	} {
		b, got := newBus(t, usual()), newLog()
		var mu sync.Mutex
		var ids []string
		subscribe(t, b, "*", func(ctx context.Context, e event.Event) error {
			mu.Lock()
			if e.Key == "flaky" {
				ids = append(ids, e.ID+string(e.Data))
			}
			failing := e.Key == "flaky" && len(ids) < 3
			mu.Unlock()
			if failing {
				return fail()
			}
			return got.add(ctx, e)
		})
		publish(t, b, event.Event{ID: "1", Topic: "a", Key: "flaky"})
		publish(t, b, event.Event{ID: "2", Topic: "a", Key: "flaky"})
		got.wait(t, 2)
		mu.Lock()
		if !slices.Equal(ids, []string{"1", "1", "1", "2"}) {
			t.Errorf("%s: calls %v, want 1 1 1 2", name, ids)
		}
		mu.Unlock()
	}
}

func deadLetter(t testing.TB, newBus NewBus) {
	c := usual()
	b, got := newBus(t, c), newLog()
	tries := newLog()
	subscribe(t, b, "a.*", func(ctx context.Context, e event.Event) error {
		if e.ID == "bad" {
			_ = tries.add(ctx, e)
			return errors.New("never works")
		}
		return got.add(ctx, e)
	})
	publish(t, b, event.Event{ID: "bad", Topic: "a.b", Tenant: "t", Key: "k", Data: []byte("x")})
	publish(t, b, event.Event{ID: "good", Topic: "a.b", Tenant: "t", Key: "k"})
	got.wait(t, 1)
	time.Sleep(quiet)
	if n := len(tries.all()); n != c.MaxAttempts {
		t.Errorf("%d attempts, want %d", n, c.MaxAttempts)
	}
	inspector, ok := b.(event.Inspector)
	if !ok {
		return
	}
	dead, err := inspector.DeadLetters(t.Context(), 10)
	if err != nil || len(dead) != 1 {
		t.Fatalf("dead letters %+v, %v; want one", dead, err)
	}
	if d := dead[0]; d.Event.ID != "bad" || string(d.Event.Data) != "x" || d.Pattern != "a.*" || d.Attempts != c.MaxAttempts || d.Reason == "" || d.At.IsZero() {
		t.Errorf("dead letter %+v", d)
	}
}

func independence(t testing.TB, newBus NewBus) {
	b, got, other := newBus(t, Config{MaxAttempts: 3, Backoff: time.Minute}), newLog(), newLog()
	release := make(chan struct{})
	defer close(release)
	subscribe(t, b, "*", func(ctx context.Context, e event.Event) error {
		switch e.Key {
		case "stuck":
			<-release
			return nil
		case "failing":
			return errors.New("in its back-off for a minute")
		}
		return got.add(ctx, e)
	})
	subscribe(t, b, "*", other.add)
	for _, key := range []string{"stuck", "failing", "fine", "well"} {
		publish(t, b, event.Event{Topic: "a", Key: key})
	}
	got.wait(t, 2)
	other.wait(t, 4)
}

func cancels(t testing.TB, newBus NewBus) {
	b, calls := newBus(t, usual()), newLog()
	running, returning := make(chan struct{}), make(chan struct{})
	cancel := subscribe(t, b, "*", func(ctx context.Context, e event.Event) error {
		_ = calls.add(ctx, e)
		close(running)
		select {
		case <-ctx.Done():
		case <-time.After(patience):
		}
		time.Sleep(quiet / 3)
		close(returning)
		return ctx.Err()
	})
	publish(t, b, event.Event{Topic: "a", Key: "k"})
	publish(t, b, event.Event{Topic: "a", Key: "k"})
	await(t, running, "the call of the handler")
	begin := time.Now()
	cancel()
	if time.Since(begin) >= patience {
		t.Error("the handler's context did not end with its subscription")
	}
	select {
	case <-returning:
	default:
		t.Error("cancel returned while the handler was running")
	}
	cancel() // once more does no harm
	publish(t, b, event.Event{Topic: "a", Key: "k"})
	time.Sleep(quiet)
	if n := len(calls.all()); n != 1 {
		t.Errorf("%d calls, want none after cancel", n-1)
	}
}

func ownership(t testing.TB, newBus NewBus) {
	b, got := newBus(t, usual()), newLog()
	held := make(chan struct{})
	for range 2 {
		tries := 0
		subscribe(t, b, "*", func(ctx context.Context, e event.Event) error {
			<-held
			seen := e
			seen.Data = slices.Clone(e.Data)
			clear(e.Data)
			if tries++; tries == 1 {
				return errors.New("once more")
			}
			return got.add(ctx, seen)
		})
	}
	data := []byte("original")
	publish(t, b, event.Event{Topic: "a", Key: "k", Data: data})
	clear(data)
	close(held)
	for _, e := range got.wait(t, 2) {
		if string(e.Data) != "original" {
			t.Errorf("a handler got %q: the bytes are shared with the publisher, another handler or an earlier attempt", e.Data)
		}
	}
}

func concurrent(t testing.TB, newBus NewBus) {
	const publishers, each = 8, 50
	b, got := newBus(t, usual()), newLog()
	subscribe(t, b, "*", got.add)
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() {
			for i := range each {
				if err := b.Publish(t.Context(), event.Event{ID: fmt.Sprint(p, "-", i), Topic: "a", Key: fmt.Sprint(i % 7)}); err != nil {
					t.Errorf("Publish: %v", err)
				}
			}
		})
	}
	wg.Wait()
	ids := map[string]bool{}
	for _, e := range got.wait(t, publishers*each) {
		ids[e.ID] = true
	}
	if len(ids) != publishers*each {
		t.Errorf("%d different events arrived, want %d", len(ids), publishers*each)
	}
}

func refusals(t testing.TB, newBus NewBus) {
	b := newBus(t, usual())
	for _, topic := range []string{"", ".", "a.", ".a", "a..b", "A.b", "a b", "a.*", "*", "a>b"} {
		if err := b.Publish(t.Context(), event.Event{Topic: topic}); !errors.Is(err, fault.Invalid) {
			t.Errorf("Publish to %q: %v, want fault.Invalid", topic, err)
		}
	}
	ignore := func(context.Context, event.Event) error { return nil }
	for _, pattern := range []string{"", ".", "a.", "*.a", "a.*.b", "a*", "**", "A", ".*", "a..*"} {
		if _, err := b.Subscribe(pattern, ignore); !errors.Is(err, fault.Invalid) {
			t.Errorf("Subscribe to %q: %v, want fault.Invalid", pattern, err)
		}
	}
	if _, err := b.Subscribe("a", nil); !errors.Is(err, fault.Invalid) {
		t.Errorf("Subscribe without a handler: %v, want fault.Invalid", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Publish(ctx, event.Event{Topic: "a"}); !errors.Is(err, context.Canceled) {
		t.Errorf("Publish with an ended context: %v, want its error", err)
	}
}
