package nats_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgate/streamgate/drivers/nats"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/servers"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/job"
)

// tally counts what happened by name and tells when there is enough.
type tally struct {
	mu   sync.Mutex
	n    map[string]int
	more chan struct{}
}

func newTally() *tally { return &tally{n: map[string]int{}, more: make(chan struct{}, 1)} }

func (c *tally) add(name string) {
	c.mu.Lock()
	c.n[name]++
	c.mu.Unlock()
	select {
	case c.more <- struct{}{}:
	default:
	}
}

func (c *tally) names() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.n)
}

// wait waits until there are n names.
func (c *tally) wait(t *testing.T, n int) {
	t.Helper()
	late := time.After(2 * patience)
	for c.names() < n {
		select {
		case <-c.more:
		case <-late:
			t.Fatalf("%d of %d after %v", c.names(), n, 2*patience)
		}
	}
}

// work runs n workers on each queue until ctx ends. Only an Ack that succeeds counts as an effect.
func work(ctx context.Context, wg *sync.WaitGroup, n int, hold time.Duration, done *tally, queues ...*nats.Queue) {
	for i := range n * len(queues) {
		q := queues[i%len(queues)]
		wg.Go(func() {
			for {
				l, err := q.Lease(ctx, []string{"k"}, hold)
				if err != nil {
					return
				}
				if err := q.Ack(ctx, l.Token); err == nil {
					done.add(l.Job.ID)
				}
			}
		})
	}
}

// put enqueues until it is told that the job was taken.
func put(t *testing.T, q *nats.Queue, id string) {
	t.Helper()
	for end := time.Now().Add(patience); ; {
		err := q.Enqueue(t.Context(), job.Job{ID: id, Kind: "k", MaxAttempts: 100})
		if err == nil {
			return
		}
		if !errors.Is(err, fault.Unavailable) || time.Now().After(end) {
			t.Errorf("Enqueue: %v", err)
			return
		}
	}
}

func TestKilledServerLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	const jobs = 300
	server := servers.NATSFor(t)
	w, prefix := where{url: server.URL()}, fresh()
	var resets atomic.Int32
	reset := func(context.Context) { resets.Add(1) }
	a, b := w.open(t, prefix), w.open(t, prefix)
	qa, qb := a.Queue(nats.QueueOptions{OnReset: reset}), b.Queue(nats.QueueOptions{OnReset: reset})
	ea, eb := a.Bus(nats.BusOptions{OnReset: reset}), b.Bus(nats.BusOptions{OnReset: reset})

	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	done, heard := newTally(), newTally()
	if _, err := eb.Subscribe("*", func(_ context.Context, e event.Event) error { heard.add(e.ID); return nil }); err != nil {
		t.Fatal(err)
	}
	work(ctx, &wg, 4, 3*time.Second, done, qa, qb)
	wg.Go(func() {
		for i := range jobs {
			put(t, qa, fmt.Sprint(i))
			for err := error(fault.Unavailable); errors.Is(err, fault.Unavailable); {
				err = ea.Publish(ctx, event.Event{ID: fmt.Sprint(i), Topic: "a", Key: fmt.Sprint(i % 5)})
			}
		}
	})
	for _, n := range []int{jobs / 4, jobs / 2} {
		done.wait(t, n)
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := server.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	done.wait(t, jobs)
	heard.wait(t, jobs)
	stop()
	wg.Wait()
	for id, n := range done.n {
		if n != 1 {
			t.Errorf("job %s had its effect %d times", id, n)
		}
	}
	if n := resets.Load(); n != 0 {
		t.Errorf("%d calls of OnReset, though nothing was lost", n)
	}
	s, err := qb.Stats(t.Context())
	if err != nil || s != (job.Stats{}) {
		t.Errorf("stats %+v, %v; want nothing left", s, err)
	}
}

// The host's database, for the tests of lost streams: what is undone.
type database struct {
	mu     sync.Mutex
	undone map[string]bool
}

func (d *database) ids() (out []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id := range d.undone {
		out = append(out, id)
	}
	return out
}

func TestDeletedStreamsAreMadeAnewAndTheHostRefillsThem(t *testing.T) {
	t.Parallel()
	const jobs = 200
	server := servers.NATSFor(t)
	w, prefix := where{url: server.URL()}, fresh()
	db := &database{undone: map[string]bool{}}
	for i := range jobs {
		db.undone[fmt.Sprint(i)] = true
	}
	a, b := w.open(t, prefix), w.open(t, prefix)
	refilled := make(chan struct{}, 8)
	var qa, qb *nats.Queue
	var ready sync.WaitGroup
	ready.Add(1)
	refill := func(q **nats.Queue) func(context.Context) {
		return func(ctx context.Context) {
			ready.Wait()
			for _, id := range db.ids() {
				_ = (*q).Enqueue(ctx, job.Job{ID: id, Kind: "k"})
			}
			refilled <- struct{}{}
		}
	}
	qa = a.Queue(nats.QueueOptions{OnReset: refill(&qa)})
	qb = b.Queue(nats.QueueOptions{OnReset: refill(&qb)})
	ready.Done()
	busReset, heard := make(chan struct{}, 8), newTally()
	ea, eb := a.Bus(nats.BusOptions{}), b.Bus(nats.BusOptions{OnReset: func(context.Context) { busReset <- struct{}{} }})
	if _, err := eb.Subscribe("a.*", func(_ context.Context, e event.Event) error { heard.add(e.ID); return nil }); err != nil {
		t.Fatal(err)
	}
	for _, id := range db.ids() {
		put(t, qa, id)
	}
	put(t, qa, "held")
	if err := qa.Enqueue(t.Context(), job.Job{ID: "h", Kind: "held"}); err != nil {
		t.Fatal(err)
	}
	held, err := qa.Lease(t.Context(), []string{"held"}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	waiting := make(chan error, 1)
	go func() { // waits through it all
		_, err := qb.Lease(t.Context(), []string{"later"}, time.Minute)
		waiting <- err
	}()
	if err := server.DeleteStreams(t.Context(), prefix+"_"); err != nil {
		t.Fatal(err)
	}
	// The subscription is there all along: it gets what is published into the new stream.
	for i := range 20 {
		if err := ea.Publish(t.Context(), event.Event{ID: fmt.Sprint(i), Topic: "a.b", Key: "k"}); err != nil {
			t.Fatalf("Publish: %v", err)
		}
	}
	heard.wait(t, 20)
	for _, c := range []chan struct{}{refilled, refilled, busReset} {
		select {
		case <-c:
		case <-time.After(patience):
			t.Fatal("OnReset was not called")
		}
	}
	for op, err := range map[string]error{"Ack": qa.Ack(t.Context(), held.Token), "Extend": qb.Extend(t.Context(), held.Token, time.Minute)} {
		if !errors.Is(err, fault.Conflict) {
			t.Errorf("%s of a lease in the deleted stream: %v, want fault.Conflict", op, err)
		}
	}
	if err := qa.Enqueue(t.Context(), job.Job{ID: "l", Kind: "later"}); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-waiting:
		if err != nil {
			t.Errorf("the waiting Lease: %v", err)
		}
	case <-time.After(patience):
		t.Fatal("the waiting Lease was not woken")
	}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	done := newTally()
	work(ctx, &wg, 4, time.Minute, done, qa, qb)
	done.wait(t, jobs)
	stop()
	wg.Wait()
	for id, n := range done.n {
		if n != 1 {
			t.Errorf("job %s had its effect %d times", id, n)
		}
	}
}
