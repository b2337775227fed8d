package nats

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"

	"github.com/streamgate/streamgate/fault"
)

// begin implements reader. The mirror is made anew each time: what vanished while nobody
// looked (remains whose time was over) would stay in an old one.
func (q *Queue) begin(_ context.Context, st state) (from, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.m.epoch == "":
	case q.m.epoch != st.epoch:
		q.reset("the stream was deleted")
	case st.last < q.m.pos:
		q.reset("the stream went back in time")
	case q.m.purged(st.first):
		q.reset("the stream was emptied")
	}
	q.m = newMirror(st.epoch)
	q.loaded, q.target = false, st.last
	q.seen, q.server = q.o.Now(), st.at
	q.wake()
	return from{filter: q.s.subject(st.epoch, "*"), seq: 1}, nil
}

// begun implements reader.
func (q *Queue) begun(pending uint64) {
	if pending == 0 {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.reached(q.target)
	}
}

// take implements reader.
func (q *Queue) take(_ context.Context, m message, pending uint64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	var r record
	if err := json.Unmarshal(m.Data, &r); err != nil {
		q.o.Logger.Info("what is no job was left out", "stream", q.s.stored(), "sequence", m.Seq)
	} else {
		now := q.o.Now()
		base := now
		if m.Seq <= q.target {
			// It is from before we looked: the server's clock tells how old it was then.
			base = q.seen.Add(m.Time.Sub(q.server) + q.o.Margin)
			if base.After(now) {
				base = now
			}
		}
		q.m.apply(strings.TrimPrefix(m.Subject, q.s.subject(q.m.epoch, "")), m.Seq, r, m.Time, base, now)
	}
	if q.m.pos = max(q.m.pos, m.Seq); pending == 0 || m.Seq >= q.target {
		q.reached(max(m.Seq, q.target))
	} else if q.loaded {
		q.wake()
	}
	return nil
}

// reached notes that all up to pos is known.
func (q *Queue) reached(pos uint64) {
	q.m.pos = max(q.m.pos, pos)
	q.loaded, q.trouble = true, nil
	q.wake()
}

// check implements reader.
func (q *Queue) check(ctx context.Context, st state, _ bool) error {
	q.mu.Lock()
	epoch, lost := q.m.epoch, q.m.purged(st.first)
	q.m.settle(q.o.Now())
	dead := q.m.dying()
	q.mu.Unlock()
	if epoch != st.epoch || lost {
		return errGap
	}
	for i := len(dead) - 1; i >= q.o.KeepDead && ctx.Err() == nil; i-- {
		q.mu.Lock()
		e := dead[i]
		seq, r := e.seq, e.rec
		q.mu.Unlock()
		remains := record{Birth: r.Birth, Arrival: r.Arrival, Write: rand.Text(), Done: true}
		if _, err := q.put(ctx, epoch, e.key, seq, remains, q.o.Now()); err != nil && !errors.Is(err, errMoved) {
			return nil // it is tried again at the next check
		}
	}
	return nil
}

// broke implements reader.
func (q *Queue) broke(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.trouble = err
	q.wake()
}

// reset tells the host; the lock is held.
func (q *Queue) reset(why string) {
	q.o.Logger.Info("jobs may have been lost", "stream", q.s.stored(), "reason", why)
	q.c.reset(q.o.OnReset)
}

// wake wakes all that wait for a change; the lock is held.
func (q *Queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}

func (q *Queue) present() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.m.epoch
}

// await waits until the mirror is complete up to pos in epoch. Another epoch is errMoved; the empty one is any.
func (q *Queue) await(ctx context.Context, epoch string, pos uint64) error {
	for {
		q.mu.Lock()
		closed, moved := q.closed, epoch != "" && q.m.epoch != epoch
		there, changed, trouble := q.loaded && q.m.pos >= pos, q.changed, q.trouble
		q.mu.Unlock()
		switch {
		case closed:
			return fault.New(fault.Unavailable, "nats.await", "the queue is closed")
		case moved:
			return errMoved
		case there:
			return nil
		case errors.Is(trouble, errForeign):
			return trouble
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return errors.Join(ctx.Err(), trouble)
		}
	}
}

// sync brings the mirror up to what the stream holds now.
func (q *Queue) sync(ctx context.Context) error {
	for try := 0; ; try++ {
		st, err := q.s.info(ctx)
		if err == nil {
			if err = q.await(ctx, st.epoch, st.last); !errors.Is(err, errMoved) {
				return err
			}
		}
		if ctx.Err() != nil || errors.Is(err, errForeign) {
			return err
		}
		q.c.pause(ctx, try)
	}
}

// purged reports whether the mirror has jobs that the stream, which begins at first, has no more.
func (m *mirror) purged(first uint64) bool {
	for _, e := range m.entries {
		if e.seq < first && !e.rec.Done {
			return true
		}
	}
	return false
}
