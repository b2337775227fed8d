package job

import (
	"cmp"
	"container/heap"
	"context"
	"crypto/rand"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// Options tune a Memory queue; the zero value means the defaults given.
type Options struct {
	// Backoff is the pause before the second attempt; it doubles with each
	// further one. Zero means one second.
	Backoff time.Duration
	// MaxBackoff bounds the pause. Zero means five minutes.
	MaxBackoff time.Duration
	// Capacity bounds the jobs waiting, delayed and leased. Enqueue is
	// fault.Limited beyond it. Zero means 1,048,576.
	Capacity int
	// KeepDead bounds the dead letters kept; the oldest go first. Zero means 10,000.
	KeepDead int
	// Now is the clock. Nil means time.Now.
	Now func() time.Time
	// Jitter returns a number in [0, 1) that spreads the pauses over the upper half
	// of their length. Nil means a random one.
	Jitter func() float64
}

// Memory is a Queue in this process. What it holds is gone when the process ends,
// so the owner enqueues again on start what the database says is undone. It runs
// no goroutine and needs no closing.
type Memory struct {
	o Options

	mu      sync.Mutex
	items   map[key]*item    // all but the dead
	ready   map[string]*pile // by kind: could be leased now
	timed   pile             // leased until, or delayed until, due
	leases  map[string]*item // by token
	dead    map[key]*item
	waiters []*waiter // calls of Lease, oldest first; none of them could be served
	timer   *time.Timer
	arrived uint64
}

var (
	_ Queue     = (*Memory)(nil)
	_ Inspector = (*Memory)(nil)

	_ KindInspector = (*Memory)(nil)
)

type key struct{ tenant, id string }

type item struct {
	job     Job
	arrival uint64
	attempt int
	token   string    // of the present lease, empty when there is none
	due     time.Time // end of the lease or of the delay
	reason  string    // why the last attempt failed
	index   int       // place in the pile it is in
}

func (it *item) key() key { return key{it.job.Tenant, it.job.ID} }

type waiter struct {
	kinds []string
	hold  time.Duration
	got   chan *Lease // holds one
}

// NewMemory returns an empty queue.
func NewMemory(o Options) *Memory {
	o.Backoff = cmp.Or(o.Backoff, time.Second)
	o.MaxBackoff = cmp.Or(o.MaxBackoff, 5*time.Minute)
	o.Capacity = cmp.Or(o.Capacity, 1<<20)
	o.KeepDead = cmp.Or(o.KeepDead, 10_000)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Jitter == nil {
		o.Jitter = mathrand.Float64
	}
	return &Memory{
		o:      o,
		items:  map[key]*item{},
		ready:  map[string]*pile{},
		timed:  pile{less: soonest},
		leases: map[string]*item{},
		dead:   map[key]*item{},
	}
}

// Enqueue implements Queue.
func (m *Memory) Enqueue(ctx context.Context, jobs ...Job) error {
	const op = "job.Enqueue"
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, op, err)
	}
	for _, j := range jobs {
		if j.ID == "" || j.Kind == "" || j.MaxAttempts < 0 {
			return fault.Newf(fault.Invalid, op, "job %q of kind %q: id and kind must be set, the attempts not negative", j.ID, j.Kind)
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	fresh := map[key]bool{}
	for _, j := range jobs {
		if k := (key{j.Tenant, j.ID}); m.items[k] == nil {
			fresh[k] = true
		}
	}
	if len(m.items)+len(fresh) > m.o.Capacity {
		return fault.Newf(fault.Limited, op, "the queue holds %d jobs, its limit is %d", len(m.items), m.o.Capacity)
	}
	for _, j := range jobs {
		k := key{j.Tenant, j.ID}
		if m.items[k] != nil {
			continue
		}
		j.Payload = slices.Clone(j.Payload)
		j.MaxAttempts = cmp.Or(j.MaxAttempts, DefaultAttempts)
		m.arrived++
		it := &item{job: j, arrival: m.arrived, due: j.NotBefore}
		m.items[k] = it
		delete(m.dead, k)
		heap.Push(&m.timed, it) // settle moves it on when its time has come
	}
	m.settle()
	return nil
}

// Lease implements Queue. Calls that wait are served in the order they came.
func (m *Memory) Lease(ctx context.Context, kinds []string, d time.Duration) (*Lease, error) {
	const op = "job.Lease"
	if len(kinds) == 0 || d <= 0 {
		return nil, fault.New(fault.Invalid, op, "name at least one kind and a positive duration")
	}
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, op, err)
	}
	w := &waiter{kinds: slices.Clone(kinds), hold: d, got: make(chan *Lease, 1)}
	m.mu.Lock()
	m.waiters = append(m.waiters, w)
	m.settle()
	m.mu.Unlock()

	select {
	case l := <-w.got:
		return l, nil
	case <-ctx.Done():
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waiters = slices.DeleteFunc(m.waiters, func(other *waiter) bool { return other == w })
	select {
	case l := <-w.got:
		// It was handed over at the moment the caller left, who never
		// tried: it goes back as if nothing had been.
		if it := m.leases[l.Token]; it != nil {
			m.release(it)
			it.attempt--
			m.push(it)
		}
	default:
	}
	m.settle()
	return nil, fault.Wrap(fault.Canceled, op, ctx.Err())
}

// Extend implements Queue.
func (m *Memory) Extend(ctx context.Context, token string, d time.Duration) error {
	const op = "job.Extend"
	if d <= 0 {
		return fault.New(fault.Invalid, op, "the duration must be positive")
	}
	return m.held(ctx, op, token, func(it *item) {
		it.due = m.o.Now().Add(d)
		heap.Fix(&m.timed, it.index)
	})
}

// Ack implements Queue.
func (m *Memory) Ack(ctx context.Context, token string) error {
	return m.held(ctx, "job.Ack", token, func(it *item) {
		m.release(it)
		delete(m.items, it.key())
	})
}

// Nack implements Queue.
func (m *Memory) Nack(ctx context.Context, token string, delay time.Duration, cause error) error {
	return m.held(ctx, "job.Nack", token, func(it *item) {
		m.release(it)
		it.reason = ""
		if cause != nil {
			it.reason = cause.Error()
		}
		if delay < 0 {
			delay = m.backoff(it.attempt)
		}
		m.again(it, m.o.Now().Add(delay))
	})
}

// held calls f with the item token leases, if it still does.
func (m *Memory) held(ctx context.Context, op, token string, f func(*item)) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, op, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settle() // a lease whose time is over is lost, whether anyone waits or not
	it := m.leases[token]
	if it == nil {
		return fault.New(fault.Conflict, op, "the lease was lost")
	}
	f(it)
	m.settle()
	return nil
}

// Stats implements Inspector.
func (m *Memory) Stats(context.Context) (Stats, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settle()
	s := Stats{Leased: len(m.leases), Delayed: m.timed.Len() - len(m.leases), Dead: len(m.dead)}
	for _, p := range m.ready {
		s.Waiting += p.Len()
	}
	return s, nil
}

// StatsByKind implements KindInspector.
func (m *Memory) StatsByKind(context.Context) (map[string]Stats, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settle()
	kinds := map[string]Stats{}
	for _, it := range m.timed.items {
		s := kinds[it.job.Kind]
		if it.token != "" {
			s.Leased++
		} else {
			s.Delayed++
		}
		kinds[it.job.Kind] = s
	}
	for kind, p := range m.ready {
		s := kinds[kind]
		s.Waiting += p.Len()
		kinds[kind] = s
	}
	for _, it := range m.dead {
		s := kinds[it.job.Kind]
		s.Dead++
		kinds[it.job.Kind] = s
	}
	return kinds, nil
}

// DeadLetters implements Inspector.
func (m *Memory) DeadLetters(_ context.Context, limit int) ([]Dead, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settle()
	items := slices.SortedFunc(maps.Values(m.dead), func(a, b *item) int {
		return cmp.Or(b.due.Compare(a.due), cmp.Compare(b.arrival, a.arrival))
	})
	items = items[:max(0, min(limit, len(items)))]
	out := make([]Dead, len(items))
	for i, it := range items {
		out[i] = Dead{Job: it.job, Attempts: it.attempt, Reason: it.reason, At: it.due}
		out[i].Job.Payload = slices.Clone(it.job.Payload)
	}
	return out, nil
}

// settle brings the queue up to the present: what is due moves on, waiting calls
// get what there is, and the timer is set for the next thing to happen.
func (m *Memory) settle() {
	now := m.o.Now()
	for m.timed.Len() > 0 && !m.timed.items[0].due.After(now) {
		it := m.timed.items[0]
		if it.token == "" {
			heap.Pop(&m.timed)
			m.push(it)
			continue
		}
		m.release(it)
		it.reason = "the lease expired"
		m.again(it, now)
	}
	m.waiters = slices.DeleteFunc(m.waiters, func(w *waiter) bool {
		it := m.best(w.kinds)
		if it == nil {
			return false
		}
		w.got <- m.lease(it, now.Add(w.hold))
		return true
	})
	switch {
	case len(m.waiters) == 0 || m.timed.Len() == 0:
		if m.timer != nil {
			m.timer.Stop()
		}
	case m.timer == nil:
		m.timer = time.AfterFunc(m.timed.items[0].due.Sub(now), m.tick)
	default:
		m.timer.Reset(m.timed.items[0].due.Sub(now))
	}
}

func (m *Memory) tick() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settle()
}

// best returns the job to lease next for any of kinds, or nil.
func (m *Memory) best(kinds []string) *item {
	var best *item
	for _, kind := range kinds {
		if p := m.ready[kind]; p != nil && (best == nil || foremost(p.items[0], best)) {
			best = p.items[0]
		}
	}
	return best
}

// lease takes it out of the ready jobs and holds it.
func (m *Memory) lease(it *item, until time.Time) *Lease {
	p := m.ready[it.job.Kind]
	heap.Remove(p, it.index)
	if p.Len() == 0 {
		delete(m.ready, it.job.Kind) // kinds may be many over time
	}
	it.attempt++
	it.token = rand.Text()
	it.due = until
	m.leases[it.token] = it
	heap.Push(&m.timed, it)
	l := &Lease{Job: it.job, Token: it.token, Attempt: it.attempt, Expires: until}
	l.Job.Payload = slices.Clone(it.job.Payload)
	return l
}

// release ends the lease of it and leaves it in no pile.
func (m *Memory) release(it *item) {
	heap.Remove(&m.timed, it.index)
	delete(m.leases, it.token)
	it.token = ""
}

// again lets it be tried at the given time, or sets it aside.
func (m *Memory) again(it *item, at time.Time) {
	it.due = at
	if it.attempt < it.job.MaxAttempts {
		heap.Push(&m.timed, it)
		return
	}
	it.due = m.o.Now()
	delete(m.items, it.key())
	if len(m.dead) >= m.o.KeepDead {
		oldest := slices.MinFunc(slices.Collect(maps.Values(m.dead)), func(a, b *item) int { return a.due.Compare(b.due) })
		delete(m.dead, oldest.key())
	}
	m.dead[it.key()] = it
}

// push makes it ready.
func (m *Memory) push(it *item) {
	p := m.ready[it.job.Kind]
	if p == nil {
		p = &pile{less: foremost}
		m.ready[it.job.Kind] = p
	}
	heap.Push(p, it)
}

// backoff returns the pause after the given attempt failed.
func (m *Memory) backoff(attempt int) time.Duration {
	d := m.o.Backoff
	for range attempt - 1 {
		if d *= 2; d >= m.o.MaxBackoff {
			break
		}
	}
	half := min(d, m.o.MaxBackoff) / 2
	return half + time.Duration(m.o.Jitter()*float64(half))
}
