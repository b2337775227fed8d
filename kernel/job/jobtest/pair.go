package jobtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/kernel/job"
)

// NewPair makes two ways to one empty queue, such as those of two processes, and closes both by t.Cleanup.
type NewPair func(t testing.TB, c Config) (a, b job.Queue)

// PairCase is one rule every queue keeps for those who share it.
type PairCase struct {
	Name  string
	Check func(t testing.TB, newPair NewPair)
}

// RunPair checks every rule of shared queues, each on a pair of its own, in parallel.
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
		{"a job from one wakes a lease that waits at the other", pairWoken},
		{"an id in the queue is skipped by the other", pairOnce},
		{"an id that one finished is new to the other at once", pairFinished},
		{"order holds over both", pairOrder},
		{"a token counts at both, until one uses it", pairToken},
		{"a lease that expired at one is the other's", pairExpiry},
		{"heart-beats of one hold off the other", pairExtend},
		{"every job goes to one worker of both", pairWorkers},
		{"both see the dead and the counts", pairDead},
	}
}

// caughtUp lets q hear of what was done before, through its counts.
func caughtUp(t testing.TB, q job.Queue) {
	t.Helper()
	if i, ok := q.(job.Inspector); ok {
		if _, err := i.Stats(t.Context()); err != nil {
			t.Fatalf("Stats: %v", err)
		}
	}
}

func pairWoken(t testing.TB, newPair NewPair) {
	a, b := newPair(t, usual())
	got := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	go func() {
		_, err := b.Lease(ctx, []string{"k"}, long)
		got <- err
	}()
	time.Sleep(quiet / 3)
	enqueue(t, a, job.Job{ID: "1", Kind: "k"})
	if err := <-got; err != nil {
		t.Errorf("Lease: %v", err)
	}
	empty(t, a, "k")
}

func pairOnce(t testing.TB, newPair NewPair) {
	a, b := newPair(t, usual())
	enqueue(t, a, job.Job{ID: "1", Kind: "k", Payload: []byte("first")})
	enqueue(t, b, job.Job{ID: "1", Kind: "k", Payload: []byte("second")})
	l := take(t, b, long)
	if string(l.Job.Payload) != "first" {
		t.Errorf("payload %q, want the first", l.Job.Payload)
	}
	enqueue(t, a, job.Job{ID: "1", Kind: "k"}, job.Job{ID: "2", Kind: "other"})
	empty(t, a, "k")
	empty(t, b, "k")
}

func pairFinished(t testing.TB, newPair NewPair) {
	a, b := newPair(t, usual())
	enqueue(t, a, job.Job{ID: "1", Kind: "k"})
	for i := range 20 {
		l := take(t, a, long)
		if l.Attempt != 1 {
			t.Fatalf("round %d: attempt %d, want a new job", i, l.Attempt)
		}
		must(t, a.Ack(t.Context(), l.Token))
		enqueue(t, b, job.Job{ID: "1", Kind: "k"})
		a, b = b, a
	}
}

func pairOrder(t testing.TB, newPair NewPair) {
	a, b := newPair(t, usual())
	for i, j := range []job.Job{{ID: "a1"}, {ID: "b1", Priority: 5}, {ID: "a2"}, {ID: "b2", Priority: 5}, {ID: "c1", Priority: 9}, {ID: "a3"}} {
		j.Kind = "k"
		enqueue(t, []job.Queue{a, b}[i%2], j)
	}
	var got []string
	for range 6 {
		caughtUp(t, a)
		got = append(got, take(t, a, long).Job.ID)
		a, b = b, a
	}
	if want := []string{"c1", "b1", "b2", "a1", "a2", "a3"}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
}

func pairToken(t testing.TB, newPair NewPair) {
	a, b := newPair(t, usual())
	enqueue(t, a, job.Job{ID: "1", Kind: "k"})
	l := take(t, a, long)
	must(t, b.Extend(t.Context(), l.Token, long))
	must(t, b.Nack(t.Context(), l.Token, 0, nil))
	lost(t, a, l.Token)
	l = take(t, b, long)
	must(t, a.Ack(t.Context(), l.Token))
	lost(t, b, l.Token)
	empty(t, b, "k")
}

func pairExpiry(t testing.TB, newPair NewPair) {
	a, b := newPair(t, usual())
	enqueue(t, a, job.Job{ID: "1", Kind: "k"})
	first := take(t, a, short)
	begin := time.Now()
	second := take(t, b, long)
	if took := time.Since(begin); took < short/2 {
		t.Errorf("the other took the job after %v, while it was held", took)
	}
	if second.Attempt != 2 {
		t.Errorf("attempt %d, want 2", second.Attempt)
	}
	lost(t, a, first.Token)
	must(t, b.Ack(t.Context(), second.Token))
}

func pairExtend(t testing.TB, newPair NewPair) {
	a, b := newPair(t, usual())
	enqueue(t, a, job.Job{ID: "1", Kind: "k"})
	l := take(t, a, 2*short)
	must(t, a.Extend(t.Context(), l.Token, long))
	ctx, cancel := context.WithTimeout(t.Context(), 3*short)
	defer cancel()
	if _, err := b.Lease(ctx, []string{"k"}, long); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the other's Lease: %v, want none", err)
	}
	must(t, a.Ack(t.Context(), l.Token))
}

func pairWorkers(t testing.TB, newPair NewPair) {
	const jobs, hands = 100, 4
	a, b := newPair(t, usual())
	ctx, stop := context.WithTimeout(t.Context(), 2*patience)
	defer stop()
	var mu sync.Mutex
	done := map[string]int{}
	var wg sync.WaitGroup
	var once sync.Once
	begun := make(chan struct{}) // by b, which might otherwise find nothing left
	for i := range 2 * hands {
		q := []job.Queue{a, b}[i%2]
		wg.Go(func() {
			if i%2 == 0 {
				select {
				case <-begun:
				case <-ctx.Done():
				}
			}
			for {
				l, err := q.Lease(ctx, []string{"k"}, long)
				if err != nil {
					return
				}
				if i%2 == 1 {
					once.Do(func() { close(begun) })
				}
				mu.Lock()
				done[l.Job.ID]++
				all := len(done) == jobs
				mu.Unlock()
				if err := q.Ack(t.Context(), l.Token); err != nil {
					t.Errorf("Ack: %v", err)
				}
				if all { // what is handed out again comes soon
					time.AfterFunc(quiet, stop)
				}
			}
		})
	}
	for i := range jobs {
		enqueue(t, []job.Queue{a, b}[i%2], job.Job{ID: fmt.Sprint(i), Kind: "k"})
	}
	wg.Wait()
	if len(done) != jobs {
		t.Errorf("%d of %d jobs were leased", len(done), jobs)
	}
	for id, n := range done {
		if n != 1 {
			t.Errorf("job %s went to %d workers", id, n)
		}
	}
}

func pairDead(t testing.TB, newPair NewPair) {
	a, b := newPair(t, usual())
	enqueue(t, a, job.Job{ID: "1", Kind: "k", MaxAttempts: 2, Payload: []byte("data")})
	must(t, a.Nack(t.Context(), take(t, a, long).Token, 0, errors.New("first")))
	must(t, b.Nack(t.Context(), take(t, b, long).Token, 0, errors.New("second")))
	corpse(t, a, 2, "second")
	corpse(t, b, 2, "second")
	enqueue(t, a, job.Job{ID: "1", Kind: "k"})
	if l := take(t, b, long); l.Attempt != 1 {
		t.Errorf("attempt %d, want 1", l.Attempt)
	}
}
