package nats

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/job"
)

// batchLimit is what a server takes in one atomic batch.
const batchLimit = 1000

// errMoved means that the record is not the one that was seen.
var errMoved = errors.New("the record was changed meanwhile")

// write stores records where nothing newer is than expected, all or none, trying again until that is
// known or ctx ends. It returns the sequence of the last. With errMoved the mirror has been
// brought up to date.
func (q *Queue) write(ctx context.Context, epoch string, keys []string, expect []uint64, recs []record) (uint64, error) {
	for try := 0; ; try++ {
		if q.present() != epoch {
			return 0, errMoved
		}
		seq, err := q.writeOnce(ctx, epoch, keys, expect, recs)
		if err == nil {
			return seq, nil
		}
		if is(err, codeWrongLast, codeWrongLastPlus) {
			return q.resolve(ctx, epoch, keys, recs, try > 0)
		}
		if stop := final("nats.write", err); stop != nil {
			return 0, stop
		}
		if is(err, codeStoreFailed) {
			return 0, &fault.Error{Kind: fault.Limited, Op: "nats.write", Msg: "the NATS server has no room", Err: err}
		}
		if ctx.Err() != nil {
			return 0, err
		}
		q.c.pause(ctx, try)
	}
}

func (q *Queue) writeOnce(ctx context.Context, epoch string, keys []string, expect []uint64, recs []record) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, q.c.o.Timeout/2)
	defer cancel()
	batch := rand.Text()
	for i := range keys {
		m, err := recs[i].encode(q.s.subject(epoch, keys[i]), expect[i])
		if err != nil {
			return 0, err
		}
		room := q.c.nc.MaxPayload() - 1024
		if recs[i].Arrival == 0 {
			room -= 16 * reasonLimit // for what leases and failures add later
		}
		if int64(len(m.Data)) > room {
			return 0, nats.ErrMaxPayload
		}
		last := i == len(keys)-1
		if len(keys) > 1 {
			m.Header.Set("Nats-Batch-Id", batch)
			m.Header.Set("Nats-Batch-Sequence", strconv.Itoa(i+1))
			if last {
				m.Header.Set("Nats-Batch-Commit", "1")
			}
		}
		if last {
			return q.c.publish(ctx, m)
		}
		if err := q.c.nc.PublishMsg(m); err != nil {
			return 0, err
		}
	}
	return 0, nil
}

// resolve reads the records that were in the way. When an earlier try may have come through,
// finding our own there means that it did.
func (q *Queue) resolve(ctx context.Context, epoch string, keys []string, recs []record, tried bool) (uint64, error) {
	for i, key := range keys {
		r, seq, err := q.refresh(ctx, epoch, key)
		if err != nil {
			return 0, err
		}
		// Of a new job it is enough that it was there: it may be leased or done already.
		ours := r.Write == recs[i].Write || recs[i].Arrival == 0 && r.Birth == recs[i].Birth || recs[i].Done && r.Done && r.Token == recs[i].Token
		if tried && seq > 0 && ours && i == 0 {
			if r.Write != recs[i].Write {
				return 0, nil
			}
			return seq + uint64(len(keys)-1), nil
		}
	}
	return 0, errMoved
}

// refresh reads the record of a job from the server into the mirror. seq is 0 when there is none.
func (q *Queue) refresh(ctx context.Context, epoch, key string) (r record, seq uint64, err error) {
	q.mu.Lock()
	known := q.m.entries[key]
	var knew uint64
	if known != nil {
		knew = known.seq
	}
	q.mu.Unlock()
	m, ok, err := q.s.get(ctx, map[string]any{"last_by_subj": q.s.subject(epoch, key)})
	if err != nil {
		return record{}, 0, err
	}
	if ok {
		if err := json.Unmarshal(m.Data, &r); err != nil {
			return record{}, 0, err
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.m.epoch != epoch {
		return record{}, 0, errMoved
	}
	defer q.wake()
	if ok {
		now := q.o.Now()
		q.m.apply(key, m.Seq, r, m.Time, now, now) // heard of now: judged over late rather than early
	} else if e := q.m.entries[key]; e != nil && e == known && e.seq == knew {
		q.m.drop(e)
		if !e.rec.Done {
			q.reset("records were removed")
		}
	}
	return r, m.Seq, nil
}

// enqueue adds what is not there.
func (q *Queue) enqueue(ctx context.Context, jobs []job.Job) error {
	const op = "nats.Enqueue"
	birth, synced := rand.Text(), false
	for {
		if err := q.await(ctx, "", 0); err != nil {
			return err
		}
		p, err := q.plan(jobs, birth)
		if err != nil {
			return err
		}
		if p.skipped && !synced {
			// What seems to be in the queue may have been finished elsewhere a moment ago.
			if err := q.sync(ctx); err != nil {
				return err
			}
			synced = true
			continue
		}
		if len(p.keys) == 0 {
			return nil
		}
		if len(p.keys) > batchLimit {
			return fault.Newf(fault.TooLarge, op, "%d jobs at a time; %d are possible", len(p.keys), batchLimit)
		}
		last, err := q.write(ctx, p.epoch, p.keys, p.expect, p.recs)
		if errors.Is(err, errMoved) {
			continue
		}
		if err != nil {
			return err
		}
		if last > 0 {
			q.applyOwn(p.epoch, p.keys, p.recs, last, q.o.Now())
		}
		return nil
	}
}

// plan is what an Enqueue would write.
type plan struct {
	epoch   string
	keys    []string
	expect  []uint64
	recs    []record
	skipped bool
}

func (q *Queue) plan(jobs []job.Job, birth string) (plan, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := q.o.Now()
	q.m.settle(now)
	p := plan{epoch: q.m.epoch}
	fresh := map[string]bool{}
	for _, j := range jobs {
		key := keyOf(j.Tenant, j.ID)
		if fresh[key] {
			continue
		}
		var expect uint64
		if e := q.m.entries[key]; e != nil {
			if !e.rec.Done && q.m.dead[key] == nil {
				p.skipped = true
				continue
			}
			expect = e.seq
		}
		fresh[key] = true
		j.MaxAttempts = cmp.Or(j.MaxAttempts, job.DefaultAttempts)
		r := record{Job: toWire(j), Birth: birth, Write: rand.Text()}
		if !j.NotBefore.IsZero() {
			r.Hold = max(0, j.NotBefore.Sub(now))
		}
		p.keys, p.expect, p.recs = append(p.keys, key), append(p.expect, expect), append(p.recs, r)
	}
	if held := q.m.live(); held+len(p.keys) > q.o.Capacity {
		return p, fault.Newf(fault.Limited, "nats.Enqueue", "the queue holds %d jobs, its limit is %d", held, q.o.Capacity)
	}
	return p, nil
}

// applyOwn takes over what this process wrote, before it comes back through the stream. The payloads are
// copied, as the caller may change its own. base is when leases and delays began.
func (q *Queue) applyOwn(epoch string, keys []string, recs []record, last uint64, base time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.m.epoch != epoch {
		return
	}
	now := q.o.Now()
	for i, key := range keys {
		r := recs[i]
		r.Job.Payload = append([]byte(nil), r.Job.Payload...)
		q.m.apply(key, last-uint64(len(keys)-1-i), r, time.Time{}, base, now)
	}
	q.wake()
}
