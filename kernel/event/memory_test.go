package event_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/event/eventtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newBus(t testing.TB, c eventtest.Config) event.Bus {
	return open(t, event.Options{MaxAttempts: c.MaxAttempts, Backoff: c.Backoff})
}

// open returns a bus that is closed, without draining, at the end of the test.
func open(t testing.TB, o event.Options) *event.Memory {
	b := event.NewMemory(o)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = b.Close(ctx)
	})
	return b
}

func TestMemoryConforms(t *testing.T) {
	t.Parallel()
	eventtest.Run(t, newBus)
}

// The same in fake time, where nothing can hide in the scheduling of a busy machine.
func TestMemoryConformsInFakeTime(t *testing.T) {
	t.Parallel()
	for _, c := range eventtest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { c.Check(t, newBus) })
		})
	}
}

func TestFullBusMakesPublishWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, event.Options{Queue: 2})
		release := make(chan struct{})
		handled := make(map[string]int)
		if _, err := b.Subscribe("*", func(_ context.Context, e event.Event) error { <-release; return nil }); err != nil {
			t.Fatal(err)
		}
		quick := make(chan string, 10)
		early, err := b.Subscribe("*", func(_ context.Context, e event.Event) error { quick <- e.ID; return nil })
		if err != nil {
			t.Fatal(err)
		}
		defer early()
		put := func(ctx context.Context, id string) error {
			return b.Publish(ctx, event.Event{ID: id, Topic: "a", Key: "k"})
		}
		for _, id := range []string{"1", "2"} {
			if err := put(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := put(ctx, "3"); !errors.Is(err, fault.Canceled) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Publish to a full bus: %v, want the end of its context", err)
		}
		done := make(chan error)
		go func() { done <- put(t.Context(), "4") }()
		synctest.Wait()
		select {
		case <-done:
			t.Error("Publish to a full bus returned")
		default:
		}
		close(release)
		if err := <-done; err != nil {
			t.Errorf("Publish after there was room: %v", err)
		}
		synctest.Wait()
		close(quick)
		for id := range quick {
			handled[id]++
		}
		if fmt.Sprint(handled) != "map[1:1 2:1 4:1]" {
			t.Errorf("the subscriber with room got %v, want what was published without error", handled)
		}
	})
}

func TestCancelFreesWaitingPublishers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, event.Options{Queue: 1})
		stop, err := b.Subscribe("*", func(ctx context.Context, _ event.Event) error { <-ctx.Done(); return nil })
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() {
			for range 2 {
				done <- b.Publish(t.Context(), event.Event{Topic: "a"})
			}
		}()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		stop()
		if err := <-done; err != nil {
			t.Errorf("Publish: %v", err)
		}
	})
}

func TestBackoffDoublesUpToItsBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := open(t, event.Options{MaxAttempts: 6, Backoff: time.Second, MaxBackoff: 5 * time.Second, Jitter: func() float64 { return 1 }})
		begin := time.Now()
		var at []time.Duration
		if _, err := b.Subscribe("*", func(context.Context, event.Event) error {
			at = append(at, time.Since(begin))
			return errors.New("no")
		}); err != nil {
			t.Fatal(err)
		}
		if err := b.Publish(t.Context(), event.Event{Topic: "a"}); err != nil {
			t.Fatal(err)
		}
		if err := b.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(at); got != "[0s 1s 3s 7s 12s 17s]" {
			t.Errorf("attempts at %s", got)
		}
	})
}

func TestDeadLettersAreBoundedLatestFirstAndLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		b := open(t, event.Options{MaxAttempts: 1, KeepDead: 3, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if _, err := b.Subscribe("*", func(context.Context, event.Event) error { return errors.New("no") }); err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			if err := b.Publish(t.Context(), event.Event{ID: fmt.Sprint(i), Topic: "a"}); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		for limit, want := range map[int]string{10: "4 3 2", 2: "4 3", 0: "", -1: ""} {
			dead, err := b.DeadLetters(t.Context(), limit)
			var ids []string
			for _, d := range dead {
				ids = append(ids, d.Event.ID)
			}
			if got := strings.Join(ids, " "); got != want || err != nil {
				t.Errorf("limit %d: %q, %v; want %q", limit, got, err, want)
			}
		}
		if n := strings.Count(log.String(), "event_id="); n != 5 {
			t.Errorf("%d dead letters were logged, want 5", n)
		}
	})
}

func TestCloseDrainsAndRefuses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := event.NewMemory(event.Options{})
		handled := 0
		if _, err := b.Subscribe("*", func(context.Context, event.Event) error {
			time.Sleep(time.Second)
			handled++
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if err := b.Publish(t.Context(), event.Event{Topic: "a", Key: "k"}); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Close(t.Context()); err != nil || handled != 5 {
			t.Errorf("Close: %v with %d of 5 handled", err, handled)
		}
		if err := b.Publish(t.Context(), event.Event{Topic: "a"}); !errors.Is(err, fault.Unavailable) {
			t.Errorf("Publish after Close: %v", err)
		}
		if _, err := b.Subscribe("*", func(context.Context, event.Event) error { return nil }); !errors.Is(err, fault.Unavailable) {
			t.Errorf("Subscribe after Close: %v", err)
		}
		if err := b.Close(t.Context()); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
}

func TestCloseGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := event.NewMemory(event.Options{Queue: 3})
		running := false
		if _, err := b.Subscribe("*", func(ctx context.Context, _ event.Event) error {
			running = true
			<-ctx.Done()
			time.Sleep(time.Second)
			running = false
			return ctx.Err()
		}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := b.Publish(t.Context(), event.Event{Topic: "a", Key: "k"}); err != nil {
				t.Fatal(err)
			}
		}
		blocked := make(chan error, 1)
		go func() { blocked <- b.Publish(t.Context(), event.Event{Topic: "a", Key: "k"}) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := b.Close(ctx)
		if !errors.Is(err, fault.Canceled) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "3 deliveries") {
			t.Errorf("Close: %v", err)
		}
		if running {
			t.Error("a handler runs after Close")
		}
		if err := <-blocked; !errors.Is(err, fault.Unavailable) {
			t.Errorf("the publisher that waited: %v, want fault.Unavailable", err)
		}
	})
}

func FuzzTopicsAndPatterns(f *testing.F) {
	for _, s := range []string{"*", "a", "a.*", "asset.changed", "a..b", "A", "a.b.c.d.e.f.g.h.i"} {
		f.Add(s, "asset.changed")
	}
	f.Fuzz(func(t *testing.T, pattern, topic string) {
		if !event.ValidTopic(topic) || !event.ValidPattern(pattern) {
			return
		}
		if !event.Match("*", topic) || !event.Match(topic, topic) || event.Match(topic+".*", topic) || !event.Match(topic+".*", topic+".x") {
			t.Errorf("%q does not match as it should", topic)
		}
		if event.Match(pattern, topic) && !strings.HasSuffix(pattern, "*") && pattern != topic {
			t.Errorf("%q matches %q", pattern, topic)
		}
	})
}

func ExampleNewMemory() {
	bus := event.NewMemory(event.Options{})
	stop, err := bus.Subscribe("asset.*", func(_ context.Context, e event.Event) error {
		fmt.Println(e.Topic, e.Key)
		return nil
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stop()
	ctx := context.Background()
	fmt.Println(bus.Publish(ctx, event.Event{Topic: "asset.ready", Tenant: "default", Key: "a1"}))
	fmt.Println(bus.Close(ctx))
	// Unordered output:
	// <nil>
	// asset.ready a1
	// <nil>
}

// Two who share one bus in a process.
func TestMemoryConformsAsAPair(t *testing.T) {
	t.Parallel()
	eventtest.RunPair(t, func(t testing.TB, c eventtest.Config) (a, b event.Bus) {
		one := newBus(t, c)
		return one, one
	})
}
