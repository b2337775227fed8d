// Package jobtest is the conformance suite of job.Queue. An implementation
// counts as supported when Run passes on it, against the real system.
package jobtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/job"
)

const (
	patience = 10 * time.Second       // for what must happen
	quiet    = 150 * time.Millisecond // for what must not
	short    = time.Second            // leases that are to expire, long enough for a busy machine
	long     = time.Minute            // leases that are not
)

// Config is how the queue under test has to be set up.
type Config struct {
	Backoff time.Duration // pause before the second attempt
}

// NewQueue makes an empty queue for one case and closes it by t.Cleanup.
type NewQueue func(t testing.TB, c Config) job.Queue

// Case is one rule every queue keeps.
type Case struct {
	Name  string
	Check func(t testing.TB, newQueue NewQueue)
}

// Run checks every case, each on a queue of its own, in parallel.
func Run(t *testing.T, newQueue NewQueue) {
	for _, c := range Cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			c.Check(t, newQueue)
		})
	}
}

// Cases returns the rules, for callers that run them in their own way.
func Cases() []Case {
	return []Case{
		{"a lease holds the whole job", whole},
		{"higher priority first, else in order of arrival", priorities},
		{"only the kinds asked for are leased", kinds},
		{"an id is in the queue once", once},
		{"no job before its time", notBefore},
		{"a waiting lease is woken", woken},
		{"a waiting lease ends with its context", leaseEnds},
		{"an expired lease is lost and its job tried again", expiry},
		{"heart-beats keep the lease", extend},
		{"ack ends the job, once", ack},
		{"nack gives the job back after its delay", nack},
		{"the queue's own back-off grows", backoff},
		{"attempts end in a dead letter", dead},
		{"expired leases are attempts", deadByExpiry},
		{"jobs are counted by kind and state", counts},
		{"payloads are copied", ownership},
		{"every job goes to one worker", workers},
		{"bad arguments are refused and nothing is added", refusals},
	}
}

func usual() Config { return Config{Backoff: 20 * time.Millisecond} }

func enqueue(t testing.TB, q job.Queue, jobs ...job.Job) {
	t.Helper()
	if err := q.Enqueue(t.Context(), jobs...); err != nil {
		t.Fatalf("Enqueue: %v", err)
	}
}

// take leases a job of kind "k", which must come soon.
func take(t testing.TB, q job.Queue, hold time.Duration) *job.Lease {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	l, err := q.Lease(ctx, []string{"k"}, hold)
	if err != nil {
		t.Fatalf("Lease: %v", err)
	}
	return l
}

// empty checks that there is no job of kind for a while.
func empty(t testing.TB, q job.Queue, kind string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), quiet)
	defer cancel()
	if l, err := q.Lease(ctx, []string{kind}, long); err == nil {
		t.Fatalf("job %q was leased (attempt %d), want none", l.Job.ID, l.Attempt)
	}
}

func lost(t testing.TB, q job.Queue, token string) {
	t.Helper()
	for op, err := range map[string]error{
		"Extend": q.Extend(t.Context(), token, long),
		"Ack":    q.Ack(t.Context(), token),
		"Nack":   q.Nack(t.Context(), token, 0, nil),
	} {
		if !errors.Is(err, fault.Conflict) {
			t.Errorf("%s of a lost lease: %v, want fault.Conflict", op, err)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func whole(t testing.TB, newQueue NewQueue) {
	q := newQueue(t, usual())
	enqueue(t, q, job.Job{ID: "1", Kind: "k", Tenant: "t", Priority: 7, Payload: []byte("data"), MaxAttempts: 3}, job.Job{ID: "2", Kind: "k"})
	begin := time.Now()
	l := take(t, q, long)
	if j := l.Job; j.ID != "1" || j.Kind != "k" || j.Tenant != "t" || j.Priority != 7 || string(j.Payload) != "data" || j.MaxAttempts != 3 {
		t.Errorf("job %+v", j)
	}
	if l.Attempt != 1 {
		t.Errorf("attempt %d, want 1", l.Attempt)
	}
	if hold := l.Expires.Sub(begin); hold < long-time.Second || hold > long+patience {
		t.Errorf("the lease expires in %v, want %v", hold, long)
	}
	if other := take(t, q, long); l.Token == "" || other.Token == l.Token {
		t.Errorf("tokens %q and %q do not name the lease", l.Token, other.Token)
	}
}

func priorities(t testing.TB, newQueue NewQueue) {
	q := newQueue(t, usual())
	for _, j := range []job.Job{{ID: "a1"}, {ID: "b1", Priority: 5}, {ID: "z1", Priority: -1}, {ID: "b2", Priority: 5}, {ID: "a2"}, {ID: "c1", Priority: 9}} {
		j.Kind = "k"
		enqueue(t, q, j)
	}
	var got []string
	for range 6 {
		got = append(got, take(t, q, long).Job.ID)
	}
	if want := []string{"c1", "b1", "b2", "a1", "a2", "z1"}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
}

func kinds(t testing.TB, newQueue NewQueue) {
	q := newQueue(t, usual())
	enqueue(t, q, job.Job{ID: "1", Kind: "other", Priority: 9}, job.Job{ID: "2", Kind: "k"})
	if l := take(t, q, long); l.Job.ID != "2" {
		t.Errorf("leased a job of kind %q", l.Job.Kind)
	}
	empty(t, q, "k")
	l, err := q.Lease(t.Context(), []string{"k", "third", "other"}, long)
	if err != nil || l.Job.ID != "1" {
		t.Errorf("%v, %v; want the job of one of three kinds", l, err)
	}
}

func once(t testing.TB, newQueue NewQueue) {
	q := newQueue(t, usual())
	j := job.Job{ID: "1", Kind: "k", Tenant: "t", Payload: []byte("first")}
	again := j
	again.Payload = []byte("second")
	enqueue(t, q, j, again)
	enqueue(t, q, again)
	l := take(t, q, long)
	if string(l.Job.Payload) != "first" {
		t.Errorf("payload %q, want the first", l.Job.Payload)
	}
	enqueue(t, q, again)
	empty(t, q, "k")
	must(t, q.Ack(t.Context(), l.Token))
	enqueue(t, q, again)
	if l := take(t, q, long); string(l.Job.Payload) != "second" || l.Attempt != 1 {
		t.Errorf("after ack: payload %q, attempt %d; want a new job", l.Job.Payload, l.Attempt)
	}
	again.Tenant = "other"
	enqueue(t, q, again)
	if l := take(t, q, long); l.Job.Tenant != "other" {
		t.Errorf("tenant %q", l.Job.Tenant)
	}
}

func notBefore(t testing.TB, newQueue NewQueue) {
	q := newQueue(t, usual())
	due := time.Now().Add(short)
	enqueue(t, q, job.Job{ID: "1", Kind: "k", NotBefore: due, Priority: 9})
	empty(t, q, "k")
	enqueue(t, q, job.Job{ID: "2", Kind: "k"})
	if l := take(t, q, long); l.Job.ID != "2" {
		t.Errorf("job %q came first, before its time", l.Job.ID)
	}
	take(t, q, long)
	if early := time.Until(due); early > 20*time.Millisecond {
		t.Errorf("the delayed job came %v early", early)
	}
}

// woken starts a Lease that has to wait and then lets a job come by each road.
func woken(t testing.TB, newQueue NewQueue) {
	for name, come := range map[string]func(q job.Queue, held *job.Lease) error{
		"enqueue": func(q job.Queue, _ *job.Lease) error { return q.Enqueue(t.Context(), job.Job{ID: "new", Kind: "k"}) },
		"delay": func(q job.Queue, _ *job.Lease) error {
			return q.Enqueue(t.Context(), job.Job{ID: "new", Kind: "k", NotBefore: time.Now().Add(short)})
		},
		"nack":   func(q job.Queue, held *job.Lease) error { return q.Nack(t.Context(), held.Token, 0, nil) },
		"expiry": func(q job.Queue, held *job.Lease) error { return q.Extend(t.Context(), held.Token, short) },
	} {
		q := newQueue(t, usual())
		enqueue(t, q, job.Job{ID: "held", Kind: "k"})
		held := take(t, q, long)
		got := make(chan error, 1)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		go func() {
			_, err := q.Lease(ctx, []string{"k"}, long)
			got <- err
		}()
		time.Sleep(quiet / 3) // so that it does wait
		if err := come(q, held); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		begin := time.Now()
		if err := <-got; err != nil {
			t.Errorf("%s: Lease: %v", name, err)
		}
		if took := time.Since(begin); took > patience/2 {
			t.Errorf("%s: the waiting Lease returned only after %v", name, took)
		}
		cancel()
	}
}

func leaseEnds(t testing.TB, newQueue NewQueue) {
	q := newQueue(t, usual())
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan error, 1)
	go func() {
		_, err := q.Lease(ctx, []string{"k"}, long)
		got <- err
	}()
	time.Sleep(quiet / 3)
	cancel()
	select {
	case err := <-got:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Lease: %v, want its context's error", err)
		}
	case <-time.After(patience):
		t.Fatal("Lease outlives its context")
	}
	// Whoever left must not take the job of those who stayed.
	enqueue(t, q, job.Job{ID: "1", Kind: "k"})
	if _, err := q.Lease(ctx, []string{"k"}, long); !errors.Is(err, context.Canceled) {
		t.Errorf("Lease with an ended context: %v, want its error", err)
	}
	if l := take(t, q, long); l.Attempt != 1 {
		t.Errorf("attempt %d, want 1", l.Attempt)
	}
}

func expiry(t testing.TB, newQueue NewQueue) {
	q := newQueue(t, usual())
	enqueue(t, q, job.Job{ID: "1", Kind: "k"})
	first := take(t, q, short)
	begin := time.Now()
	second := take(t, q, long)
	if second.Job.ID != "1" || second.Attempt != 2 || second.Token == first.Token {
		t.Errorf("second lease %+v, want attempt 2 under a new token", second)
	}
	if took := time.Since(begin); took < short/2 {
		t.Errorf("the job was leased again after %v, while it was held", took)
	}
	lost(t, q, first.Token)
	must(t, q.Ack(t.Context(), second.Token))
}

func extend(t testing.TB, newQueue NewQueue) {
	q := newQueue(t, usual())
	enqueue(t, q, job.Job{ID: "1", Kind: "k"})
	l := take(t, q, short)
	for range 4 {
		time.Sleep(short / 2)
		must(t, q.Extend(t.Context(), l.Token, short))
	}
	must(t, q.Extend(t.Context(), l.Token, long))
	time.Sleep(short)
	empty(t, q, "k")
	must(t, q.Ack(t.Context(), l.Token))
}

func ack(t testing.TB, newQueue NewQueue) {
	q := newQueue(t, usual())
	enqueue(t, q, job.Job{ID: "1", Kind: "k"})
	l := take(t, q, short)
	must(t, q.Ack(t.Context(), l.Token))
	lost(t, q, l.Token)
	lost(t, q, "never given")
	lost(t, q, "")
	time.Sleep(short)
	empty(t, q, "k")
}

func nack(t testing.TB, newQueue NewQueue) {
	q := newQueue(t, usual())
	enqueue(t, q, job.Job{ID: "1", Kind: "k", MaxAttempts: 10})
	l := take(t, q, long)
	must(t, q.Nack(t.Context(), l.Token, 0, errors.New("at once")))
	lost(t, q, l.Token)
	if l = take(t, q, long); l.Attempt != 2 {
		t.Errorf("attempt %d, want 2", l.Attempt)
	}
	must(t, q.Nack(t.Context(), l.Token, short, nil))
	enqueue(t, q, job.Job{ID: "1", Kind: "k"}) // it is waiting, so this is nothing
	empty(t, q, "k")
	if l = take(t, q, long); l.Attempt != 3 {
		t.Errorf("attempt %d, want 3", l.Attempt)
	}
}

func backoff(t testing.TB, newQueue NewQueue) {
	q := newQueue(t, Config{Backoff: 2 * quiet})
	enqueue(t, q, job.Job{ID: "1", Kind: "k"})
	var pauses []time.Duration
	for range 2 {
		l := take(t, q, long)
		begin := time.Now()
		must(t, q.Nack(t.Context(), l.Token, -1, nil))
		next := take(t, q, long)
		pauses = append(pauses, time.Since(begin))
		must(t, q.Nack(t.Context(), next.Token, 0, nil))
	}
	// Jitter may halve a pause; the second is that of the third attempt, four times the first.
	if pauses[0] < quiet*9/10 || pauses[1] < 4*quiet*9/10 {
		t.Errorf("pauses %v after attempts 1 and 3, want at least %v and %v", pauses, quiet, 4*quiet)
	}
}

// corpse waits for one dead letter and checks it, if the queue shows them.
func corpse(t testing.TB, q job.Queue, attempts int, reason string) {
	t.Helper()
	inspector, ok := q.(job.Inspector)
	if !ok {
		return
	}
	all, err := inspector.DeadLetters(t.Context(), 10)
	if err != nil || len(all) != 1 {
		t.Fatalf("dead letters %+v, %v; want one", all, err)
	}
	d := all[0]
	if d.Job.ID != "1" || string(d.Job.Payload) != "data" || d.Attempts != attempts || !strings.Contains(d.Reason, reason) || d.At.IsZero() {
		t.Errorf("dead letter %+v, want %d attempts and reason %q", d, attempts, reason)
	}
	if s, err := inspector.Stats(t.Context()); err != nil || s != (job.Stats{Dead: 1}) {
		t.Errorf("stats %+v, %v; want one dead", s, err)
	}
}

func dead(t testing.TB, newQueue NewQueue) {
	q := newQueue(t, usual())
	j := job.Job{ID: "1", Kind: "k", MaxAttempts: 2, Payload: []byte("data")}
	enqueue(t, q, j, job.Job{ID: "default", Kind: "five"})
	for range 2 {
		must(t, q.Nack(t.Context(), take(t, q, long).Token, 0, errors.New("no codec")))
	}
	empty(t, q, "k")
	for attempt := 1; attempt <= job.DefaultAttempts; attempt++ {
		l, err := q.Lease(t.Context(), []string{"five"}, long)
		must(t, err)
		if attempt == job.DefaultAttempts {
			must(t, q.Ack(t.Context(), l.Token))
		} else {
			must(t, q.Nack(t.Context(), l.Token, 0, nil))
		}
	}
	corpse(t, q, 2, "no codec")
	enqueue(t, q, j)
	if l := take(t, q, long); l.Attempt != 1 {
		t.Errorf("a dead job that was enqueued again has attempt %d, want 1", l.Attempt)
	}
	if inspector, ok := q.(job.Inspector); ok {
		if all, err := inspector.DeadLetters(t.Context(), 10); err != nil || len(all) != 0 {
			t.Errorf("dead letters %+v, %v; want none after it was enqueued again", all, err)
		}
	}
}

func deadByExpiry(t testing.TB, newQueue NewQueue) {
	q := newQueue(t, usual())
	enqueue(t, q, job.Job{ID: "1", Kind: "k", MaxAttempts: 2, Payload: []byte("data")})
	take(t, q, short)
	take(t, q, short)
	time.Sleep(short + quiet)
	empty(t, q, "k")
	corpse(t, q, 2, "expired")
}

// counts checks the counts of a queue that tells any.
func counts(t testing.TB, newQueue NewQueue) {
	q := newQueue(t, usual())
	enqueue(t, q, job.Job{ID: "1", Kind: "k", MaxAttempts: 1, Priority: 1}, job.Job{ID: "2", Kind: "k"}, job.Job{ID: "3", Kind: "k"},
		job.Job{ID: "4", Kind: "k", NotBefore: time.Now().Add(time.Hour)}, job.Job{ID: "5", Kind: "other"}, job.Job{ID: "6", Kind: "other"},
		job.Job{ID: "7", Kind: "other", NotBefore: time.Now().Add(time.Hour)})
	counted(t, q, map[string]job.Stats{"k": {Waiting: 3, Delayed: 1}, "other": {Waiting: 2, Delayed: 1}})
	must(t, q.Nack(t.Context(), take(t, q, long).Token, 0, errors.New("no codec")))
	held := take(t, q, long)
	counted(t, q, map[string]job.Stats{"k": {Waiting: 1, Delayed: 1, Leased: 1, Dead: 1}, "other": {Waiting: 2, Delayed: 1}})
	must(t, q.Nack(t.Context(), held.Token, time.Hour, nil))
	must(t, q.Ack(t.Context(), take(t, q, long).Token))
	counted(t, q, map[string]job.Stats{"k": {Delayed: 2, Dead: 1}, "other": {Waiting: 2, Delayed: 1}})
}

func counted(t testing.TB, q job.Queue, want map[string]job.Stats) {
	t.Helper()
	if inspector, ok := q.(job.Inspector); ok {
		var all job.Stats
		for _, s := range want {
			all = job.Stats{Waiting: all.Waiting + s.Waiting, Delayed: all.Delayed + s.Delayed, Leased: all.Leased + s.Leased, Dead: all.Dead + s.Dead}
		}
		if got, err := inspector.Stats(t.Context()); err != nil || got != all {
			t.Errorf("Stats: %+v, %v; want %+v", got, err, all)
		}
	}
	if inspector, ok := q.(job.KindInspector); ok {
		got, err := inspector.StatsByKind(t.Context())
		maps.DeleteFunc(got, func(_ string, s job.Stats) bool { return s == job.Stats{} })
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("StatsByKind: %+v, %v; want %+v", got, err, want)
		}
	}
}

func ownership(t testing.TB, newQueue NewQueue) {
	q := newQueue(t, usual())
	data := []byte("original")
	enqueue(t, q, job.Job{ID: "1", Kind: "k", Payload: data})
	clear(data)
	for range 2 {
		l := take(t, q, long)
		if string(l.Job.Payload) != "original" {
			t.Errorf("payload %q: it is shared with the caller or an earlier worker", l.Job.Payload)
		}
		clear(l.Job.Payload)
		must(t, q.Nack(t.Context(), l.Token, 0, nil))
	}
}

func workers(t testing.TB, newQueue NewQueue) {
	const jobs, hands = 200, 8
	q := newQueue(t, usual())
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	var mu sync.Mutex
	done := map[string]int{}
	var wg sync.WaitGroup
	for range hands {
		wg.Go(func() {
			for {
				l, err := q.Lease(ctx, []string{"k"}, long)
				if err != nil {
					return
				}
				mu.Lock()
				done[l.Job.ID]++
				all := len(done) == jobs
				mu.Unlock()
				if err := q.Ack(t.Context(), l.Token); err != nil {
					t.Errorf("Ack: %v", err)
				}
				if all {
					stop()
				}
			}
		})
	}
	for i := range jobs {
		enqueue(t, q, job.Job{ID: fmt.Sprint(i), Kind: "k"})
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

func refusals(t testing.TB, newQueue NewQueue) {
	q := newQueue(t, usual())
	good := job.Job{ID: "good", Kind: "k"}
	for _, bad := range []job.Job{{Kind: "k"}, {ID: "1"}, {ID: "1", Kind: "k", MaxAttempts: -1}} {
		if err := q.Enqueue(t.Context(), good, bad); !errors.Is(err, fault.Invalid) {
			t.Errorf("Enqueue(%+v): %v, want fault.Invalid", bad, err)
		}
	}
	empty(t, q, "k")
	if _, err := q.Lease(t.Context(), nil, long); !errors.Is(err, fault.Invalid) {
		t.Errorf("Lease of no kind: %v, want fault.Invalid", err)
	}
	enqueue(t, q, good)
	for _, d := range []time.Duration{0, -1} {
		if _, err := q.Lease(t.Context(), []string{"k"}, d); !errors.Is(err, fault.Invalid) {
			t.Errorf("Lease for %v: %v, want fault.Invalid", d, err)
		}
	}
	l := take(t, q, long)
	if err := q.Extend(t.Context(), l.Token, 0); !errors.Is(err, fault.Invalid) {
		t.Errorf("Extend by nothing: %v, want fault.Invalid", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := q.Enqueue(ctx, job.Job{ID: "2", Kind: "k"}); !errors.Is(err, context.Canceled) {
		t.Errorf("Enqueue with an ended context: %v, want its error", err)
	}
	if err := q.Ack(ctx, l.Token); !errors.Is(err, context.Canceled) {
		t.Errorf("Ack with an ended context: %v, want its error", err)
	}
	must(t, q.Ack(t.Context(), l.Token))
}
