package nats

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/job"
)

// claim is a job that one Lease of this process is about to write; others choose other ones meanwhile.
type claim struct {
	epoch string
	e     *entry
	seq   uint64
	rec   record
}

// waiting is what a Lease waits for when there is nothing to choose.
type waiting struct {
	changed <-chan struct{}
	due     time.Duration // until something is due, or negative
}

func (w waiting) wait(ctx context.Context) {
	var due <-chan time.Time
	if w.due >= 0 {
		t := time.NewTimer(w.due)
		defer t.Stop()
		due = t.C
	}
	select {
	case <-w.changed:
	case <-due:
	case <-ctx.Done():
	}
}

// choose claims the best job of kinds. Without one it says what to wait for.
func (q *Queue) choose(kinds []string) (*claim, waiting, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return nil, waiting{}, fault.New(fault.Unavailable, "nats.Lease", "the queue is closed")
	}
	w := waiting{changed: q.changed, due: -1}
	if !q.loaded {
		return nil, w, nil
	}
	now := q.o.Now()
	q.m.settle(now)
	if e := q.m.best(kinds); e != nil {
		q.m.take(e)
		e.busy = true
		q.writes.Add(1) // under the lock, so that Close sees it
		return &claim{q.m.epoch, e, e.seq, e.rec}, w, nil
	}
	if due, ok := q.m.next(); ok {
		w.due = max(due.Sub(now), 0)
	}
	return nil, w, nil
}

// release makes a claimed job available again unless something newer is known of it.
func (q *Queue) release(c *claim) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.m.entries[c.e.key] == c.e && c.e.busy && c.e.seq == c.seq {
		c.e.busy = false
		q.m.place(c.e, q.o.Now())
		q.wake()
	}
}

// grab writes the lease of a claimed job. The writing goes on when ctx ends, so that it is
// known what became of it: the job then goes back as if nothing had been.
func (q *Queue) grab(ctx context.Context, c *claim, d time.Duration) (*job.Lease, error) {
	type result struct {
		l   *job.Lease
		err error
	}
	got := make(chan result)
	go func() {
		defer q.writes.Done()
		bound, cancel := q.c.bound(context.WithoutCancel(ctx))
		defer cancel()
		l, seq, err := q.lease(bound, c, d)
		if err != nil && !errors.Is(err, errMoved) {
			q.release(c)
		}
		select {
		case got <- result{l, err}:
		case <-ctx.Done():
			if err == nil {
				q.giveBack(c, seq)
			}
		}
	}()
	select {
	case r := <-got:
		return r.l, r.err
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Canceled, "nats.Lease", ctx.Err())
	}
}

func (q *Queue) lease(ctx context.Context, c *claim, d time.Duration) (*job.Lease, uint64, error) {
	next := c.rec
	next.Attempt++
	next.Token, next.Write, next.Hold = newToken(), rand.Text(), d
	base := q.o.Now() // before the server knows of it: the holder's time is over first
	seq, err := q.put(ctx, c.epoch, c.e.key, c.seq, next, base)
	if err != nil {
		return nil, 0, err
	}
	return &job.Lease{Job: next.Job.job(), Token: c.e.key + "." + next.Token, Attempt: next.Attempt, Expires: base.Add(d)}, seq, nil
}

func (q *Queue) giveBack(c *claim, seq uint64) {
	ctx, cancel := q.c.bound(context.Background())
	defer cancel()
	back := c.rec
	back.Token, back.Hold, back.Write = "", 0, rand.Text()
	// When that fails the lease expires, as that of a worker that was killed.
	_, _ = q.put(ctx, c.epoch, c.e.key, seq, back, q.o.Now())
}

// put writes one record and takes it over into the mirror.
func (q *Queue) put(ctx context.Context, epoch, key string, expect uint64, r record, base time.Time) (uint64, error) {
	keys, recs := []string{key}, []record{r}
	seq, err := q.write(ctx, epoch, keys, []uint64{expect}, recs)
	if err == nil && seq > 0 {
		q.applyOwn(epoch, keys, recs, seq, base)
	}
	return seq, err
}

// held changes the record of the job that token leases, if it still does.
func (q *Queue) held(ctx context.Context, op, token string, change func(*record)) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, op, err)
	}
	lost := fault.New(fault.Conflict, op, "the lease was lost")
	key, secret, ok := splitToken(token)
	if !ok {
		return lost
	}
	bound, cancel := q.c.bound(ctx)
	defer cancel()
	for asked := false; ; asked = true {
		if err := q.await(bound, "", 0); err != nil {
			return q.c.failed(bound, op, err)
		}
		q.mu.Lock()
		epoch, e := q.m.epoch, q.m.entries[key]
		now := q.o.Now()
		var r record
		var seq uint64
		ours, over := false, false
		if e != nil {
			r, seq = e.rec, e.seq
			ours = !r.Done && !r.Dead && r.Token == secret
			over = ours && !e.due.After(now)
		}
		q.mu.Unlock()
		var err error
		switch {
		case over, !ours && asked:
			return lost
		case !ours: // another process may have leased it a moment ago
			_, _, err = q.refresh(bound, epoch, key)
		default:
			change(&r)
			r.Write = rand.Text()
			_, err = q.put(bound, epoch, key, seq, r, now)
			if err == nil {
				return nil
			}
		}
		if err != nil && !errors.Is(err, errMoved) {
			return q.c.failed(bound, op, err)
		}
	}
}
