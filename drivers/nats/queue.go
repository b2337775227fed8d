package nats

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/job"
)

// QueueOptions tune a Queue; the zero value means the defaults given.
type QueueOptions struct {
	// Name tells queues of one prefix apart. Empty means "jobs".
	Name string
	// Backoff is the pause before the second attempt; it doubles with each further one. Zero means one second.
	Backoff time.Duration
	// MaxBackoff bounds the pause. Zero means five minutes.
	MaxBackoff time.Duration
	// Capacity bounds the jobs waiting, delayed and leased. Enqueue is fault.Limited beyond it. Processes that
	// enqueue at the same moment can pass it by what they add then. Zero means 1,048,576.
	Capacity int
	// KeepDead bounds the dead letters kept; the oldest go first, at the next check
	// (Options.CheckEvery). Zero means 10,000.
	KeepDead int
	// Margin is added to leases and delays that began before this process was there to see it, whose age
	// it takes from the server: by so much the clocks of the servers of a cluster may differ
	// before such a lease is taken early. Zero means one second.
	Margin time.Duration
	// OnReset is called when jobs may have been lost: the stream was deleted, emptied, or went back in time. The
	// host enqueues again what its database says is undone; what is still there is skipped. It runs
	// in a goroutine of the Conn; ctx ends when that is closed.
	OnReset func(ctx context.Context)
	// Now is the clock that measures how long ago something was heard of; only differences of it count, but for
	// Job.NotBefore, which is a time of day of the process that enqueues. Nil means time.Now, whose monotonic
	// reading no setting of the clock moves.
	Now func() time.Time
	// Jitter returns a number in [0, 1) that spreads the pauses over the upper half
	// of their length. Nil means a random one.
	Jitter func() float64
	// Logger hears of lost jobs, at Info. Nil means the Conn's.
	Logger *slog.Logger
}

// Queue is a job.Queue over processes. Each job is one record in a stream; whoever changes it names the
// record it saw, and the server lets one of them win. A mirror of the records in each process
// does the choosing (docs/adr/0006).
//
// A lease is over when its length has passed on the judging process's monotonic clock since it heard of the
// lease, which is after the server stored it; the holder's since before it asked. No clock that is set wrong
// lets a process take a job early. Which job is the foremost is judged by what has reached the process: what another
// enqueued a moment ago may come after its turn. Tokens count in every process. Of one Enqueue at most 1000 jobs are
// taken (fault.TooLarge). While the server is out of reach Lease goes on waiting, and the
// others are fault.Unavailable after the Conn's timeout; Enqueue, Ack and Nack may then have
// happened, and a worker treats its lease as lost. An Ack whose answer was lost is found out and not refused,
// unless the same ID was enqueued again in between.
type Queue struct {
	c *Conn
	o QueueOptions
	s *stream

	mu      sync.Mutex
	closed  bool
	m       *mirror
	loaded  bool      // the mirror has reached what the stream held when reading began
	target  uint64    // what it has to reach
	seen    time.Time // when, on our clock, the server's was told
	server  time.Time // the server's clock then
	trouble error     // why the mirror is not loaded
	changed chan struct{}
	writes  sync.WaitGroup // Leases that are being written
}

var (
	_ job.Queue         = (*Queue)(nil)
	_ job.Inspector     = (*Queue)(nil)
	_ job.KindInspector = (*Queue)(nil)
)

// Queue returns a queue over c and starts to mirror it. Close of c ends it.
func (c *Conn) Queue(o QueueOptions) *Queue {
	o.Name = cmp.Or(o.Name, "jobs")
	o.Backoff = cmp.Or(o.Backoff, time.Second)
	o.MaxBackoff = cmp.Or(o.MaxBackoff, 5*time.Minute)
	o.Capacity = cmp.Or(o.Capacity, 1<<20)
	o.KeepDead = cmp.Or(o.KeepDead, 10_000)
	o.Margin = cmp.Or(o.Margin, time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Jitter == nil {
		o.Jitter = mathrand.Float64
	}
	if o.Logger == nil {
		o.Logger = c.o.Logger
	}
	q := &Queue{c: c, o: o, m: newMirror(""), changed: make(chan struct{})}
	q.s = &stream{c: c, name: o.Name, config: map[string]any{
		"max_msgs_per_subject": 1, "allow_msg_ttl": true, "allow_atomic": true, "discard": "old",
	}}
	ctx, stop := context.WithCancel(c.ctx)
	done := make(chan struct{})
	t := &tail{s: q.s, r: q}
	go func() {
		defer close(done)
		t.run(ctx)
	}()
	end := func(context.Context) error {
		q.mu.Lock()
		q.closed = true
		q.wake()
		q.mu.Unlock()
		q.writes.Wait()
		stop()
		<-done
		return nil
	}
	if !c.onClose(end) {
		_ = end(ctx)
	}
	return q
}

// Enqueue implements job.Queue.
func (q *Queue) Enqueue(ctx context.Context, jobs ...job.Job) error {
	const op = "nats.Enqueue"
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, op, err)
	}
	for _, j := range jobs {
		if j.ID == "" || j.Kind == "" || j.MaxAttempts < 0 {
			return fault.Newf(fault.Invalid, op, "job %q of kind %q: id and kind must be set, the attempts not negative", j.ID, j.Kind)
		}
	}
	bound, cancel := q.c.bound(ctx)
	defer cancel()
	return q.c.failed(bound, op, q.enqueue(bound, jobs))
}

// Lease implements job.Queue.
func (q *Queue) Lease(ctx context.Context, kinds []string, d time.Duration) (*job.Lease, error) {
	const op = "nats.Lease"
	if len(kinds) == 0 || d <= 0 {
		return nil, fault.New(fault.Invalid, op, "name at least one kind and a positive duration")
	}
	kinds = slices.Clone(kinds)
	for failures := 0; ; {
		if err := ctx.Err(); err != nil {
			return nil, fault.Wrap(fault.Canceled, op, err)
		}
		e, c, err := q.choose(kinds)
		if err != nil {
			return nil, err
		}
		if e == nil {
			c.wait(ctx)
			continue
		}
		l, err := q.grab(ctx, e, d)
		switch {
		case err == nil:
			return l, nil
		case errors.Is(err, errMoved): // another was quicker: there may be others
			failures = 0
		case errors.Is(err, fault.TooLarge): // cannot be: it was stored before with less
			return nil, fault.At(op, err)
		default:
			q.c.pause(ctx, failures)
			failures++
		}
	}
}

// Extend implements job.Queue.
func (q *Queue) Extend(ctx context.Context, token string, d time.Duration) error {
	const op = "nats.Extend"
	if d <= 0 {
		return fault.New(fault.Invalid, op, "the duration must be positive")
	}
	return q.held(ctx, op, token, func(r *record) { r.Hold = d })
}

// Ack implements job.Queue.
func (q *Queue) Ack(ctx context.Context, token string) error {
	return q.held(ctx, "nats.Ack", token, func(r *record) {
		*r = record{Birth: r.Birth, Arrival: r.Arrival, Done: true}
	})
}

// Nack implements job.Queue.
func (q *Queue) Nack(ctx context.Context, token string, delay time.Duration, cause error) error {
	return q.held(ctx, "nats.Nack", token, func(r *record) {
		r.Token, r.Reason = "", ""
		if cause != nil {
			r.Reason = shorten(cause.Error())
		}
		if delay < 0 {
			delay = q.backoff(r.Attempt)
		}
		r.Hold = delay
		if r.Attempt >= r.Job.Attempts {
			r.Dead, r.Hold = true, 0
		}
	})
}

// Stats implements job.Inspector. It counts all that happened before it was called, in any process.
func (q *Queue) Stats(ctx context.Context) (job.Stats, error) {
	bound, cancel := q.c.bound(ctx)
	defer cancel()
	if err := q.sync(bound); err != nil {
		return job.Stats{}, q.c.failed(bound, "nats.Stats", err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.m.settle(q.o.Now())
	return q.m.stats(), nil
}

// StatsByKind implements job.KindInspector. It counts what Stats does, and costs a look at every job.
func (q *Queue) StatsByKind(ctx context.Context) (map[string]job.Stats, error) {
	bound, cancel := q.c.bound(ctx)
	defer cancel()
	if err := q.sync(bound); err != nil {
		return nil, q.c.failed(bound, "nats.StatsByKind", err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.m.settle(q.o.Now())
	return q.m.kinds(), nil
}

// DeadLetters implements job.Inspector, for all processes.
func (q *Queue) DeadLetters(ctx context.Context, limit int) ([]job.Dead, error) {
	bound, cancel := q.c.bound(ctx)
	defer cancel()
	if err := q.sync(bound); err != nil {
		return nil, q.c.failed(bound, "nats.DeadLetters", err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.m.settle(q.o.Now())
	items := q.m.dying()
	items = items[:max(0, min(limit, len(items)))]
	out := make([]job.Dead, len(items))
	for i, e := range items {
		out[i] = job.Dead{Job: e.rec.Job.job(), Attempts: e.rec.Attempt, Reason: e.rec.Reason, At: e.died()}
	}
	return out, nil
}

// backoff returns the pause after the given attempt failed.
func (q *Queue) backoff(attempt int) time.Duration {
	d := q.o.Backoff
	for range attempt - 1 {
		if d *= 2; d >= q.o.MaxBackoff {
			break
		}
	}
	half := min(d, q.o.MaxBackoff) / 2
	return half + time.Duration(q.o.Jitter()*float64(half))
}
