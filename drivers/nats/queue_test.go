package nats_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/streamgate/streamgate/drivers/nats"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/servers"
	"github.com/streamgate/streamgate/kernel/job"
)

func lease(t *testing.T, q *nats.Queue, hold time.Duration) *job.Lease {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	l, err := q.Lease(ctx, []string{"k"}, hold)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func stats(t *testing.T, q *nats.Queue) job.Stats {
	t.Helper()
	s, err := q.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// raw returns JetStream as an operator has it.
func raw(t *testing.T, url string) jetstream.JetStream {
	t.Helper()
	nc, err := natsgo.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func many(n int) []job.Job {
	jobs := make([]job.Job, n)
	for i := range jobs {
		jobs[i] = job.Job{ID: fmt.Sprint(i), Kind: "k"}
	}
	return jobs
}

func TestEnqueueIsAllOrNone(t *testing.T) {
	t.Parallel()
	w := embedded(t)
	q := w.open(t, fresh()).Queue(nats.QueueOptions{Capacity: 1500})
	if err := q.Enqueue(t.Context(), many(1001)...); !errors.Is(err, fault.TooLarge) {
		t.Errorf("1001 jobs: %v, want fault.TooLarge", err)
	}
	big := append(many(10), job.Job{ID: "big", Kind: "k", Payload: make([]byte, 2<<20)})
	if err := q.Enqueue(t.Context(), big...); !errors.Is(err, fault.TooLarge) {
		t.Errorf("a payload of 2 MiB: %v, want fault.TooLarge", err)
	}
	if s := stats(t, q); s != (job.Stats{}) {
		t.Errorf("stats %+v after refused jobs, want none", s)
	}
	if err := q.Enqueue(t.Context(), many(1000)...); err != nil {
		t.Fatal(err)
	}
	more := many(1600)[1000:]
	if err := q.Enqueue(t.Context(), more...); !errors.Is(err, fault.Limited) {
		t.Errorf("more than the capacity: %v, want fault.Limited", err)
	}
	if s := stats(t, q); s != (job.Stats{Waiting: 1000}) {
		t.Errorf("stats %+v, want 1000 waiting", s)
	}
	if err := q.Enqueue(t.Context(), many(1000)...); err != nil {
		t.Errorf("the same again: %v", err)
	}
	for i := range 20 {
		if l := lease(t, q, time.Minute); l.Job.ID != fmt.Sprint(i) {
			t.Fatalf("job %s came when %d was due", l.Job.ID, i)
		}
	}
}

// Two batches that overlap, at the same time, from two connections.
func TestOverlappingBatches(t *testing.T) {
	t.Parallel()
	w, prefix := embedded(t), fresh()
	a, b := w.open(t, prefix).Queue(nats.QueueOptions{}), w.open(t, prefix).Queue(nats.QueueOptions{})
	for round := range 10 {
		jobs := make([]job.Job, 30)
		for i := range jobs {
			jobs[i] = job.Job{ID: fmt.Sprint(round, "-", i), Kind: "k"}
		}
		errs := make(chan error, 2)
		go func() { errs <- a.Enqueue(t.Context(), jobs[:20]...) }()
		go func() { errs <- b.Enqueue(t.Context(), jobs[10:]...) }()
		for range 2 {
			if err := <-errs; err != nil {
				t.Error(err)
			}
		}
	}
	if s := stats(t, a); s.Waiting != 300 {
		t.Errorf("stats %+v, want 300 waiting", s)
	}
}

// A process whose clock is wrong by hours takes no lease early and holds none for longer.
func TestWrongClocksStealNothing(t *testing.T) {
	t.Parallel()
	w, prefix := embedded(t), fresh()
	skewed := func(by time.Duration) nats.QueueOptions {
		return nats.QueueOptions{Now: func() time.Time { return time.Now().Add(by) }}
	}
	right := w.open(t, prefix).Queue(nats.QueueOptions{})
	fast := w.open(t, prefix).Queue(skewed(5 * time.Hour))
	if err := right.Enqueue(t.Context(), job.Job{ID: "1", Kind: "k"}); err != nil {
		t.Fatal(err)
	}
	const hold = 3 * time.Second
	begin := time.Now()
	lease(t, right, hold)
	late := w.open(t, prefix).Queue(skewed(-5 * time.Hour)) // it was not there when the lease began
	if s := stats(t, late); s.Leased != 1 {
		t.Errorf("stats %+v of a process that came later, want one leased", s)
	}
	for name, q := range map[string]*nats.Queue{"fast": fast, "late": late} {
		ctx, cancel := context.WithTimeout(t.Context(), hold/3)
		if l, err := q.Lease(ctx, []string{"k"}, time.Minute); err == nil {
			t.Errorf("the %s clock took attempt %d after %v", name, l.Attempt, time.Since(begin))
		}
		cancel()
	}
	l := lease(t, fast, hold)
	if took := time.Since(begin); took < hold-50*time.Millisecond {
		t.Errorf("the lease was taken after %v, before its %v were over", took, hold)
	}
	if err := fast.Nack(t.Context(), l.Token, 0, nil); err != nil {
		t.Error(err)
	}
	if l := lease(t, late, hold); l.Attempt != 3 {
		t.Errorf("attempt %d, want 3", l.Attempt)
	}
}

// A process that comes to a lease that has been over for long does not wait for its length again.
func TestOldLeasesAreJudgedByTheirAge(t *testing.T) {
	t.Parallel()
	w, prefix := embedded(t), fresh()
	first := w.open(t, prefix)
	q := first.Queue(nats.QueueOptions{})
	if err := q.Enqueue(t.Context(), job.Job{ID: "1", Kind: "k"}); err != nil {
		t.Fatal(err)
	}
	const hold = 8 * time.Second
	lease(t, q, hold)
	begin := time.Now()
	if err := first.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(hold / 2) // the age it is about
	l := lease(t, w.open(t, prefix).Queue(nats.QueueOptions{}), hold)
	if took := time.Since(begin); l.Attempt != 2 || took < hold-time.Second || took > hold+hold/4 {
		t.Errorf("attempt %d after %v, want the second after %v and the margin of a second", l.Attempt, took, hold)
	}
}

func TestEmptiedStreamIsNoticed(t *testing.T) {
	t.Parallel()
	server := servers.NATSFor(t)
	w, prefix := where{url: server.URL()}, fresh()
	reset := make(chan struct{}, 8)
	q := w.open(t, prefix).Queue(nats.QueueOptions{OnReset: func(context.Context) { reset <- struct{}{} }})
	if err := q.Enqueue(t.Context(), many(3)...); err != nil {
		t.Fatal(err)
	}
	stats(t, q)
	s, err := raw(t, server.URL()).Stream(t.Context(), prefix+"_jobs")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Purge(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if l, err := q.Lease(ctx, []string{"k"}, time.Minute); err == nil {
		t.Errorf("job %s was leased from an emptied stream", l.Job.ID)
	}
	select {
	case <-reset:
	case <-time.After(patience):
		t.Fatal("OnReset was not called")
	}
	if err := q.Enqueue(t.Context(), many(3)...); err != nil {
		t.Fatal(err)
	}
	if s := stats(t, q); s.Waiting != 3 {
		t.Errorf("stats %+v, want 3 waiting", s)
	}
}

func TestForeignStreamIsRefused(t *testing.T) {
	t.Parallel()
	server := servers.NATSFor(t)
	w, prefix := where{url: server.URL()}, fresh()
	_, err := raw(t, server.URL()).CreateStream(t.Context(), jetstream.StreamConfig{Name: prefix + "_jobs", Subjects: []string{"theirs"}})
	if err != nil {
		t.Fatal(err)
	}
	c := w.open(t, prefix, func(o *nats.Options) { o.Timeout = time.Second })
	if err := c.Queue(nats.QueueOptions{}).Enqueue(t.Context(), many(1)...); !errors.Is(err, fault.Invalid) {
		t.Errorf("Enqueue: %v, want fault.Invalid", err)
	}
}

func TestQueueOutOfReach(t *testing.T) {
	t.Parallel()
	server := servers.NATSFor(t)
	c := where{url: server.URL()}.open(t, fresh(), func(o *nats.Options) { o.Timeout = time.Second })
	q := c.Queue(nats.QueueOptions{})
	if err := q.Enqueue(t.Context(), many(2)...); err != nil {
		t.Fatal(err)
	}
	l := lease(t, q, time.Minute)
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	_, statsErr := q.Stats(t.Context())
	for op, err := range map[string]error{
		"Enqueue": q.Enqueue(t.Context(), job.Job{ID: "x", Kind: "k"}), "Ack": q.Ack(t.Context(), l.Token),
		"Extend": q.Extend(t.Context(), l.Token, time.Minute), "Stats": statsErr, "Ping": c.Ping(t.Context()),
	} {
		if !errors.Is(err, fault.Unavailable) || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v, want fault.Unavailable and not the caller's deadline", op, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := q.Lease(ctx, []string{"k"}, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Lease: %v, want the end of its context", err)
	}
	got := make(chan error, 1)
	go func() {
		_, err := q.Lease(t.Context(), []string{"k"}, time.Minute)
		got <- err
	}()
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-got:
		if err != nil {
			t.Errorf("Lease over the outage: %v", err)
		}
	case <-time.After(patience):
		t.Fatal("Lease did not go on after the outage")
	}
	if err := q.Ack(t.Context(), l.Token); err != nil {
		t.Errorf("Ack of a lease held over the outage: %v", err)
	}
}

func TestClosedQueue(t *testing.T) {
	t.Parallel()
	c := embedded(t).open(t, fresh())
	q := c.Queue(nats.QueueOptions{})
	got := make(chan error, 1)
	go func() {
		_, err := q.Lease(t.Context(), []string{"k"}, time.Minute)
		got <- err
	}()
	if err := q.Enqueue(t.Context(), job.Job{ID: "1", Kind: "other", Payload: bytes.Repeat([]byte{0}, 9)}); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-got:
		if !errors.Is(err, fault.Unavailable) {
			t.Errorf("a waiting Lease: %v, want fault.Unavailable", err)
		}
	case <-time.After(patience):
		t.Fatal("Lease outlives Close")
	}
	if err := q.Enqueue(t.Context(), many(1)...); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Enqueue: %v, want fault.Unavailable", err)
	}
}
