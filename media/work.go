package media

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/job"
)

// Kinds of jobs. Quick ones and sound have lanes of their own, so that a new upload starts playing
// while old ones are still being encoded.
const (
	jobQuick = "media.quick" // probe, first segment
	jobSound = "media.sound"
	jobWork  = "media.work" // chunks
)

const (
	maxAttempts = 3  // of a task that the media makes fail
	maxFaults   = 10 // of ours, before an asset is given up; what waits for something that is away does not count
	// maxLeases bounds how often a job is begun. Workers that are drained or killed, and leases that expire, count.
	maxLeases = 30
	// patience bounds a step that is still done once ctx has ended.
	patience = 5 * time.Second
)

// payload is what a job says; the rest is in the database.
type payload struct {
	Tenant  string `json:"tenant"`
	Asset   string `json:"asset"`
	Version int    `json:"version"`
	Task    string `json:"task,omitempty"` // empty: probe
}

// open tells whether the work is still to be done for r.
func (p payload) open(r Record) bool {
	return !r.Deleting && r.Building == p.Version && (r.Asset.Status == Processing || r.Asset.Status == Playable)
}

// lane leases jobs of one kind and does them one at a time.
func (s *Service) lane(ctx context.Context, kind string) {
	for ctx.Err() == nil {
		if l := s.lease(ctx, kind); l != nil {
			s.work(ctx, l)
		}
	}
}

// lease waits for a job. It returns nil when ctx ends or, after a pause, when the queue does not answer.
func (s *Service) lease(ctx context.Context, kind string) *job.Lease {
	l, err := s.opt.Queue.Lease(ctx, []string{kind}, leaseFor)
	if err != nil && ctx.Err() == nil {
		s.log.InfoContext(ctx, "queue_unavailable", "error", err)
		pause(ctx, time.Second)
	}
	if err != nil {
		return nil
	}
	return l
}

// work does one job under a heart-beat. Losing the lease stops it.
func (s *Service) work(ctx context.Context, l *job.Lease) {
	var p payload
	if err := json.Unmarshal(l.Job.Payload, &p); err != nil {
		_ = s.opt.Queue.Ack(ctx, l.Token) // not ours; nothing can be done about it
		return
	}
	run, stop := context.WithCancel(ctx)
	var beat sync.WaitGroup
	beat.Go(func() {
		defer stop()
		s.heartbeat(run, l.Token, p)
	})
	err := s.do(run, l, p)
	stop()
	beat.Wait()
	end, done := detached(ctx, patience)
	defer done()
	switch {
	case err == nil:
		err = s.opt.Queue.Ack(end, l.Token)
	case ctx.Err() != nil:
		err = s.opt.Queue.Nack(end, l.Token, 0, err)
	case away(err) && l.Attempt >= maxLeases/2:
		// The next Reconcile enqueues it anew, its leases counted from the first.
		s.log.InfoContext(ctx, "media_job_waits", "asset", p.Asset, "task", p.Task, "attempt", l.Attempt, "error", err)
		err = s.opt.Queue.Ack(end, l.Token)
	default:
		s.log.InfoContext(ctx, "media_job_retry", "asset", p.Asset, "task", p.Task, "attempt", l.Attempt, "error", err)
		err = s.opt.Queue.Nack(end, l.Token, -1, err)
	}
	if err != nil && fault.KindOf(err) != fault.Conflict {
		s.log.InfoContext(ctx, "queue_unavailable", "error", err)
	}
}

// detached is for what must still be done when ctx has ended, within d.
func detached(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), d)
}

// heartbeat extends the lease until it is lost or the work is no longer wanted, because the asset was
// deleted or failed elsewhere. A queue or a database that does not answer stops nothing: what counts is compared
// in the database at the end.
func (s *Service) heartbeat(ctx context.Context, token string, p payload) {
	t := time.NewTicker(leaseFor / 3)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if err := s.opt.Queue.Extend(ctx, token, leaseFor); err != nil && fault.KindOf(err) == fault.Conflict {
			return
		}
		r, err := s.opt.Store.Asset(ctx, p.Tenant, p.Asset)
		if (err == nil && !p.open(r)) || (err != nil && fault.KindOf(err) == fault.NotFound) {
			return
		}
	}
}

// do runs a job. nil means there is nothing more to do about it, be it done, obsolete or given up.
func (s *Service) do(ctx context.Context, l *job.Lease, p payload) (err error) {
	name := "media.transcode"
	if p.Task == "" {
		name = "media.probe"
	}
	ctx, end := s.span(ctx, name, p.Asset, attribute.String("task", p.Task))
	defer func() { end(err) }()
	r, err := s.opt.Store.Asset(ctx, p.Tenant, p.Asset)
	if err != nil {
		if fault.KindOf(err) == fault.NotFound {
			return nil
		}
		return err
	}
	if !p.open(r) {
		return nil
	}
	if l.Attempt >= maxLeases {
		// So often have workers gone away over it that it may be the reason.
		s.log.InfoContext(ctx, "asset_failed", "asset", p.Asset, "task", p.Task, "attempt", l.Attempt)
		return s.fail(ctx, r, p.Version, ourFault)
	}
	if p.Task == "" {
		err = s.probe(ctx, r)
	} else {
		err = s.runTask(ctx, r, p.Task)
	}
	if err == nil {
		return nil
	}
	return s.judge(ctx, l, p, err)
}

// judge decides what an attempt that came to nothing means. One that was overtaken, stopped, or whose lease was
// lost means nothing: another worker may be succeeding at this moment.
func (s *Service) judge(ctx context.Context, l *job.Lease, p payload, cause error) error {
	end, cancel := detached(ctx, patience)
	defer cancel()
	r, err := s.opt.Store.Asset(end, p.Tenant, p.Asset)
	switch {
	case (err != nil && fault.KindOf(err) == fault.NotFound) || (err == nil && r.Deleting):
		tidy, cancel := detached(ctx, time.Minute)
		defer cancel()
		return s.remains(tidy, p)
	case err != nil:
		return errors.Join(cause, err)
	case !p.open(r):
		return nil
	case ctx.Err() != nil || errors.Is(cause, errStale) || away(cause):
		return cause
	}
	if err := s.opt.Queue.Extend(end, l.Token, leaseFor); err != nil && fault.KindOf(err) == fault.Conflict {
		return cause
	}
	return s.failed(ctx, r, p, cause)
}
