package nats_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgate/streamgate/drivers/nats"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/servers"
	"github.com/streamgate/streamgate/kernel/event"
)

func TestAnIDIsPublishedOnce(t *testing.T) {
	t.Parallel()
	w, prefix := embedded(t), fresh()
	a, b := w.open(t, prefix).Bus(nats.BusOptions{}), w.open(t, prefix).Bus(nats.BusOptions{})
	got := make(chan string, 16)
	if _, err := a.Subscribe("*", func(_ context.Context, e event.Event) error { got <- e.Tenant + e.ID; return nil }); err != nil {
		t.Fatal(err)
	}
	for _, e := range []event.Event{{Tenant: "t", ID: "1\r\n"}, {Tenant: "t", ID: "1\r\n"}, {Tenant: "u", ID: "1\r\n"}, {Tenant: "t", ID: "2"}} {
		e.Topic = "a"
		for _, bus := range []*nats.Bus{a, b} {
			if err := bus.Publish(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
	}
	seen := map[string]int{}
	for range 3 {
		select {
		case name := <-got:
			seen[name]++
		case <-time.After(patience):
			t.Fatalf("got %v, want three events", seen)
		}
	}
	if len(seen) != 3 || len(got) > 0 {
		t.Errorf("got %v and %d more, want each once", seen, len(got))
	}
}

func TestPublishOutOfReach(t *testing.T) {
	t.Parallel()
	server := servers.NATSFor(t)
	c := where{url: server.URL()}.open(t, fresh(), func(o *nats.Options) { o.Timeout = time.Second })
	b, heard := c.Bus(nats.BusOptions{}), newTally()
	if _, err := b.Subscribe("*", func(_ context.Context, e event.Event) error { heard.add(e.ID); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := b.Publish(t.Context(), event.Event{ID: "1", Topic: "a"}); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Publish: %v, want fault.Unavailable", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := b.Publish(ctx, event.Event{ID: "2", Topic: "a"}); !errors.Is(err, fault.Canceled) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Publish: %v, want the end of its context", err)
	}
	if _, err := b.Subscribe("*", func(context.Context, event.Event) error { return nil }); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Subscribe: %v, want fault.Unavailable", err)
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The subscription is there again by itself, and what was not taken can be published again.
	for end := time.Now().Add(patience); ; {
		err := b.Publish(t.Context(), event.Event{ID: "1", Topic: "a"})
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	heard.wait(t, 1)
}

// A subscriber that is slower than the stream's bounds allow loses events, and the host is told.
func TestSlowSubscriberIsTold(t *testing.T) {
	t.Parallel()
	server := servers.NATSFor(t)
	reset := make(chan struct{}, 64)
	c := where{url: server.URL()}.open(t, fresh())
	b := c.Bus(nats.BusOptions{MaxBytes: 1 << 20, Queue: 4, OnReset: func(context.Context) { reset <- struct{}{} }})
	release, got := make(chan struct{}), newTally()
	if _, err := b.Subscribe("*", func(_ context.Context, e event.Event) error { <-release; got.add(e.ID); return nil }); err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 64<<10)
	for i := range 200 { // about 17 MiB as JSON, of which the stream keeps one
		if err := b.Publish(t.Context(), event.Event{ID: fmt.Sprint(i), Topic: "a", Key: "k", Data: data}); err != nil {
			t.Fatal(err)
		}
	}
	if err := server.Kill(); err != nil { // so that it is found out now and not at the next check
		t.Fatal(err)
	}
	close(release)
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-reset:
	case <-time.After(patience):
		t.Fatal("OnReset was not called")
	}
	for end := time.Now().Add(patience); ; {
		if err := b.Publish(t.Context(), event.Event{ID: "last", Topic: "a", Key: "k"}); err == nil {
			break
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		got.mu.Lock()
		n := got.n["last"]
		got.mu.Unlock()
		if n == 1 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the subscription did not go on")
		}
	}
}

func TestCloseHandlesWhatWasPublished(t *testing.T) {
	t.Parallel()
	c := embedded(t).open(t, fresh())
	b := c.Bus(nats.BusOptions{})
	var n atomic.Int32
	if _, err := b.Subscribe("a.*", func(context.Context, event.Event) error {
		time.Sleep(time.Millisecond)
		n.Add(1)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i := range 100 {
		if err := b.Publish(t.Context(), event.Event{Topic: "a.b", Key: fmt.Sprint(i % 3)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := n.Load(); got != 100 {
		t.Errorf("%d of 100 events were handled before Close returned", got)
	}
	if err := b.Publish(t.Context(), event.Event{Topic: "a"}); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Publish after Close: %v, want fault.Unavailable", err)
	}
	if _, err := b.Subscribe("a", func(context.Context, event.Event) error { return nil }); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Subscribe after Close: %v, want fault.Unavailable", err)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Errorf("Close again: %v", err)
	}
}
