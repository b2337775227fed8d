package job_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/kernel/job/jobtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newQueue(_ testing.TB, c jobtest.Config) job.Queue {
	return job.NewMemory(job.Options{Backoff: c.Backoff})
}

func TestMemoryConforms(t *testing.T) {
	t.Parallel()
	jobtest.Run(t, newQueue)
}

// The same in fake time, where nothing can hide in the scheduling of a busy machine.
func TestMemoryConformsInFakeTime(t *testing.T) {
	t.Parallel()
	for _, c := range jobtest.Cases() {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { c.Check(t, newQueue) })
		})
	}
}

func put(t *testing.T, q job.Queue, jobs ...job.Job) {
	t.Helper()
	if err := q.Enqueue(t.Context(), jobs...); err != nil {
		t.Fatal(err)
	}
}

func take(t *testing.T, q job.Queue, d time.Duration) *job.Lease {
	t.Helper()
	l, err := q.Lease(t.Context(), []string{"k"}, d)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestWaitingLeasesWakeExactlyWhenDueInTheOrderTheyCame(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := job.NewMemory(job.Options{})
		begin := time.Now()
		put(t, q, job.Job{ID: "held", Kind: "k"})
		take(t, q, 7*time.Second)
		var mu sync.Mutex
		var got []string
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() {
				l := take(t, q, time.Hour)
				mu.Lock()
				defer mu.Unlock()
				got = append(got, fmt.Sprintf("%d %s %v", i, l.Job.ID, time.Since(begin)))
			})
			synctest.Wait()
		}
		put(t, q, job.Job{ID: "late", Kind: "k", NotBefore: begin.Add(9 * time.Second)},
			job.Job{ID: "soon", Kind: "k", NotBefore: begin.Add(2 * time.Second)})
		wg.Wait()
		if want := "0 soon 2s,1 held 7s,2 late 9s"; strings.Join(got, ",") != want {
			t.Errorf("got %v, want %s", got, want)
		}
	})
}

func TestWaitingTakesNoTurns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		looks := 0
		q := job.NewMemory(job.Options{Now: func() time.Time { looks++; return time.Now() }})
		put(t, q, job.Job{ID: "1", Kind: "k", NotBefore: time.Now().Add(24 * time.Hour)})
		looks = 0
		take(t, q, time.Minute)
		if looks > 3 {
			t.Errorf("the clock was read %d times in a day of waiting", looks)
		}
	})
}

func TestStats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := job.NewMemory(job.Options{})
		put(t, q, job.Job{ID: "w1", Kind: "w"}, job.Job{ID: "w2", Kind: "w2"}, job.Job{ID: "l", Kind: "k", MaxAttempts: 1},
			job.Job{ID: "d", Kind: "w", NotBefore: time.Now().Add(time.Hour)})
		take(t, q, time.Minute)
		check := func(want job.Stats) {
			t.Helper()
			if got, err := q.Stats(t.Context()); err != nil || got != want {
				t.Errorf("stats %+v, %v; want %+v", got, err, want)
			}
		}
		check(job.Stats{Waiting: 2, Delayed: 1, Leased: 1})
		time.Sleep(time.Minute)
		check(job.Stats{Waiting: 2, Delayed: 1, Dead: 1})
		time.Sleep(time.Hour)
		check(job.Stats{Waiting: 3, Dead: 1})
	})
}

func TestBackoffDoublesUpToItsBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for jitter, want := range map[float64]string{1: "[1s 2s 4s 5s 5s]", 0: "[500ms 1s 2s 2.5s 2.5s]"} {
			q := job.NewMemory(job.Options{MaxBackoff: 5 * time.Second, Jitter: func() float64 { return jitter }})
			put(t, q, job.Job{ID: "1", Kind: "k", MaxAttempts: 6})
			var pauses []time.Duration
			l := take(t, q, time.Minute)
			for range 5 {
				begin := time.Now()
				if err := q.Nack(t.Context(), l.Token, -1, nil); err != nil {
					t.Fatal(err)
				}
				l = take(t, q, time.Minute)
				pauses = append(pauses, time.Since(begin))
			}
			if got := fmt.Sprint(pauses); got != want {
				t.Errorf("jitter %v: pauses %s, want %s", jitter, got, want)
			}
		}
	})
}

func TestBounds(t *testing.T) {
	t.Parallel()
	q := job.NewMemory(job.Options{Capacity: 2, KeepDead: 2})
	put(t, q, job.Job{ID: "1", Kind: "k", MaxAttempts: 1})
	two := []job.Job{{ID: "2", Kind: "k", MaxAttempts: 1}, {ID: "3", Kind: "k", MaxAttempts: 1}}
	if err := q.Enqueue(t.Context(), two...); !errors.Is(err, fault.Limited) {
		t.Errorf("Enqueue beyond the capacity: %v, want fault.Limited", err)
	}
	put(t, q, job.Job{ID: "1", Kind: "k"}, two[0], two[0], two[0])
	for i := range 3 {
		l := take(t, q, time.Minute)
		if err := q.Nack(t.Context(), l.Token, 0, fmt.Errorf("reason %d", i)); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			put(t, q, two[1])
		}
	}
	for limit, want := range map[int]string{9: "3 reason 2,2 reason 1", 1: "3 reason 2", 0: "", -1: ""} {
		dead, err := q.DeadLetters(t.Context(), limit)
		var got []string
		for _, d := range dead {
			got = append(got, d.Job.ID+" "+d.Reason)
		}
		if strings.Join(got, ",") != want || err != nil {
			t.Errorf("limit %d: %v, %v; want %s", limit, got, err, want)
		}
	}
}

// A caller that leaves at the moment it is served must not cost an attempt.
func TestLeaseThatIsLeftBehindGoesBack(t *testing.T) {
	t.Parallel()
	q := job.NewMemory(job.Options{})
	for i := range 300 {
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		var left *job.Lease
		wg.Go(func() { left, _ = q.Lease(ctx, []string{"k"}, time.Hour) })
		wg.Go(func() { put(t, q, job.Job{ID: fmt.Sprint(i), Kind: "k"}) })
		wg.Go(cancel)
		wg.Wait()
		if left == nil {
			left = take(t, q, time.Hour)
		}
		if left.Attempt != 1 || left.Job.ID != fmt.Sprint(i) {
			t.Fatalf("round %d: %+v", i, left)
		}
		if err := q.Ack(t.Context(), left.Token); err != nil {
			t.Fatal(err)
		}
	}
}

// model is a queue as a child would write it, to compare with.
type model struct {
	id       string
	priority int
	arrival  int
	attempt  int
	due      time.Time
	leased   bool
}

func TestMemoryAgreesWithAModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		now := time.Unix(1000, 0)
		q := job.NewMemory(job.Options{Now: func() time.Time { return now }, Backoff: 4 * time.Second, Jitter: func() float64 { return 1 }})
		jobs := map[string]*model{}
		type lease struct{ token, id string }
		var leases []lease // all ever given; an id is empty once its lease cannot be the present one
		dead, arrivals := map[string]bool{}, 0
		retry := func(m *model, at time.Time) {
			m.leased, m.due = false, at
			if m.attempt == 3 {
				delete(jobs, m.id)
				dead[m.id] = true
			}
		}
		ctx := context.Background()
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0:
				id, priority := rapid.StringMatching(`[a-f]`).Draw(t, "id"), rapid.IntRange(0, 2).Draw(t, "priority")
				if err := q.Enqueue(ctx, job.Job{ID: id, Kind: "k", Priority: priority, MaxAttempts: 3}); err != nil {
					t.Fatal(err)
				}
				if jobs[id] == nil {
					arrivals++
					delete(dead, id)
					jobs[id] = &model{id: id, priority: priority, arrival: arrivals, due: now}
				}
			case 1:
				var best *model
				for _, m := range jobs {
					if !m.leased && !m.due.After(now) && (best == nil || m.priority > best.priority || m.priority == best.priority && m.arrival < best.arrival) {
						best = m
					}
				}
				if best == nil {
					continue
				}
				l, err := q.Lease(ctx, []string{"k"}, 5*time.Second)
				if err != nil {
					t.Fatal(err)
				}
				best.leased, best.due = true, now.Add(5*time.Second)
				best.attempt++
				if l.Job.ID != best.id || l.Attempt != best.attempt {
					t.Fatalf("leased %s attempt %d, want %s attempt %d", l.Job.ID, l.Attempt, best.id, best.attempt)
				}
				for i := range leases {
					if leases[i].id == best.id {
						leases[i].id = ""
					}
				}
				leases = append(leases, lease{l.Token, best.id})
			case 2:
				now = now.Add(time.Duration(rapid.IntRange(1, 6).Draw(t, "seconds")) * time.Second)
				for _, m := range jobs {
					if m.leased && !m.due.After(now) {
						retry(m, now)
					}
				}
			default:
				if len(leases) == 0 {
					continue
				}
				given := leases[rapid.IntRange(0, len(leases)-1).Draw(t, "lease")]
				m := jobs[given.id]
				held := m != nil && m.leased
				var err error
				switch rapid.IntRange(0, 2).Draw(t, "end") {
				case 0:
					if err = q.Ack(ctx, given.token); held {
						delete(jobs, given.id)
					}
				case 1:
					if err = q.Nack(ctx, given.token, -1, nil); held {
						retry(m, now.Add(4*time.Second<<(m.attempt-1)))
					}
				case 2:
					if err = q.Extend(ctx, given.token, 9*time.Second); held {
						m.due = now.Add(9 * time.Second)
					}
				}
				if held != (err == nil) || !held && !errors.Is(err, fault.Conflict) {
					t.Fatalf("token of %q, held %v: %v", given.id, held, err)
				}
			}
			// Dead ids that came back are no dead letters any more.
			want := job.Stats{Dead: len(dead)}
			for _, m := range jobs {
				switch {
				case m.leased:
					want.Leased++
				case m.due.After(now):
					want.Delayed++
				default:
					want.Waiting++
				}
			}
			if got, err := q.Stats(ctx); err != nil || got != want {
				t.Fatalf("stats %+v, %v; want %+v", got, err, want)
			}
		}
	})
}

func BenchmarkMemory(b *testing.B) {
	q := job.NewMemory(job.Options{})
	ctx := context.Background()
	for i := range 10_000 {
		_ = q.Enqueue(ctx, job.Job{ID: fmt.Sprint("waiting", i), Kind: "k", Priority: -1})
	}
	for b.Loop() {
		_ = q.Enqueue(ctx, job.Job{ID: "1", Kind: "k"})
		l, err := q.Lease(ctx, []string{"k"}, time.Minute)
		if err != nil {
			b.Fatal(err)
		}
		if err := q.Ack(ctx, l.Token); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleNewMemory() {
	q := job.NewMemory(job.Options{})
	ctx := context.Background()
	if err := q.Enqueue(ctx, job.Job{ID: "a1/probe", Kind: "probe", Tenant: "default"}); err != nil {
		fmt.Println(err)
		return
	}
	l, err := q.Lease(ctx, []string{"probe"}, 30*time.Second)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(l.Job.ID, l.Attempt)
	fmt.Println(q.Ack(ctx, l.Token))
	// Output:
	// a1/probe 1
	// <nil>
}

// Two who share one queue in a process.
func TestMemoryConformsAsAPair(t *testing.T) {
	t.Parallel()
	jobtest.RunPair(t, func(t testing.TB, c jobtest.Config) (a, b job.Queue) {
		q := newQueue(t, c)
		return q, q
	})
}
