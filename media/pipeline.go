package media

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
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

// soundLanes is how many tracks of sound are made at a time. Each takes one core, for about a
// thirtieth of the time it plays.
const soundLanes = 2

const (
	leaseFor    = 30 * time.Second
	sweepEvery  = time.Minute
	maxAttempts = 3  // of a task that the media makes fail
	maxFaults   = 10 // of ours, before an asset is given up
)

// ourFault is the reason given when the media is not to blame.
const ourFault = "The video could not be processed because of a problem of ours. Please upload it again later."

// payload is what a job says; the rest is in the database.
type payload struct {
	Tenant  string `json:"tenant"`
	Asset   string `json:"asset"`
	Version int    `json:"version"`
	Task    string `json:"task,omitempty"` // empty: probe
}

// Run reconciles from the store and works until ctx ends. It returns nil then, after all that
// it started has stopped.
func (s *Service) Run(ctx context.Context) error {
	if err := s.scratch.open(s.opt.WorkDir); err != nil {
		return err
	}
	defer s.scratch.close()
	if err := s.reconcile(ctx); err != nil && ctx.Err() == nil {
		return fault.At("media.Run", err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { s.lane(ctx, jobQuick) })
	for range soundLanes {
		wg.Go(func() { s.lane(ctx, jobSound) })
	}
	for range s.opt.Workers {
		wg.Go(func() { s.lane(ctx, jobWork) })
	}
	wg.Go(func() { s.sweep(ctx) })
	wg.Wait()
	return nil
}

// reconcile puts back into the queue what the database says is to be done. A
// job already waiting is not doubled, as its ID names the work.
func (s *Service) reconcile(ctx context.Context) error {
	rs, err := s.opt.Store.Unsettled(ctx)
	if err != nil {
		return err
	}
	for _, r := range rs {
		if r.Deleting {
			if err := s.erase(ctx, r); err != nil {
				return err
			}
			continue
		}
		if err := s.schedule(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// schedule enqueues all that is open for an asset, and settles it if nothing is.
func (s *Service) schedule(ctx context.Context, r Record) error {
	vr, err := s.opt.Store.VersionRecord(ctx, r.Asset.ID, r.Building)
	if fault.KindOf(err) == fault.NotFound && err != nil {
		return s.enqueue(ctx, r, Task{}, 100)
	}
	if err != nil {
		return err
	}
	if err := s.enqueueOpen(ctx, r, vr.Plan); err != nil {
		return err
	}
	return s.advance(ctx, r.Tenant, r.Asset.ID, r.Building)
}

// enqueueOpen enqueues what is not done. Until the asset plays that is only what makes it play: the
// rest would take the processor from it.
func (s *Service) enqueueOpen(ctx context.Context, r Record, p Plan) error {
	plays := p.playable()
	for i, t := range p.Tasks {
		if t.Done || (!plays && t.ID != firstTask && t.ID != audioTask) {
			continue
		}
		if err := s.enqueue(ctx, r, t, max(90-i, 1)); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) enqueue(ctx context.Context, r Record, t Task, prio int) error {
	b, _ := json.Marshal(payload{r.Tenant, r.Asset.ID, r.Building, t.ID}) // plain data always marshals
	kind := jobWork
	switch t.ID {
	case "", firstTask:
		kind = jobQuick
	case audioTask:
		kind = jobSound
	}
	return s.opt.Queue.Enqueue(ctx, job.Job{
		ID: fmt.Sprintf("media/%s/%d/%s", r.Asset.ID, r.Building, t.ID), Kind: kind, Tenant: r.Tenant,
		Priority: prio, Payload: b, MaxAttempts: maxFaults + maxAttempts,
	})
}

// lane leases jobs of one kind and does them one at a time.
func (s *Service) lane(ctx context.Context, kind string) {
	for ctx.Err() == nil {
		l, err := s.opt.Queue.Lease(ctx, []string{kind}, leaseFor)
		if err != nil {
			if ctx.Err() == nil {
				s.log.InfoContext(ctx, "queue_unavailable", "error", err)
				pause(ctx, time.Second)
			}
			continue
		}
		s.work(ctx, l)
	}
}

// pause waits for about d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d/2 + rand.N(d))
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
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
		s.heartbeat(run, l.Token)
	})
	err := s.do(run, p)
	stop()
	beat.Wait()
	end := context.WithoutCancel(ctx)
	switch {
	case err == nil:
		err = s.opt.Queue.Ack(end, l.Token)
	case ctx.Err() != nil:
		err = s.opt.Queue.Nack(end, l.Token, 0, err)
	default:
		s.log.InfoContext(ctx, "media_job_retry", "asset", p.Asset, "task", p.Task, "attempt", l.Attempt, "error", err)
		err = s.opt.Queue.Nack(end, l.Token, -1, err)
	}
	if err != nil && fault.KindOf(err) != fault.Conflict {
		s.log.InfoContext(ctx, "queue_unavailable", "error", err)
	}
}

func (s *Service) heartbeat(ctx context.Context, token string) {
	t := time.NewTicker(leaseFor / 3)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			if err := s.opt.Queue.Extend(ctx, token, leaseFor); fault.KindOf(err) == fault.Conflict && err != nil {
				return
			}
		}
	}
}

// do runs a job. nil means there is nothing more to do about it, be it done, obsolete or given up.
func (s *Service) do(ctx context.Context, p payload) (err error) {
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
	if r.Deleting || r.Building != p.Version || (r.Asset.Status != Processing && r.Asset.Status != Playable) {
		return nil
	}
	if p.Task == "" {
		err = s.probe(ctx, r)
	} else {
		err = s.runTask(ctx, r, p.Task)
	}
	if err == nil || ctx.Err() != nil {
		return err
	}
	return s.failed(ctx, r, p, err)
}

// failed counts a failure and decides whether to try again. The media's own
// faults are tried again a few times only: a decoder may have been killed for another's memory.
func (s *Service) failed(ctx context.Context, r Record, p payload, cause error) error {
	attempts, limit := 0, maxFaults
	reason := ourFault
	if msg, ok := mediaFault(cause); ok {
		reason, limit = msg, maxAttempts
	}
	count := func(n *int) error { *n++; attempts = *n; return nil }
	var err error
	if p.Task == "" {
		// A probe is exact: what it refuses once it refuses always.
		if limit == maxAttempts {
			limit = 1
		}
		_, err = s.opt.Store.ChangeAsset(ctx, r.Tenant, r.Asset.ID, func(r *Record) error { return count(&r.Faults) })
	} else {
		err = s.opt.Store.ChangeTask(ctx, r.Asset.ID, p.Version, p.Task, func(t *Task) error { return count(&t.Attempts) })
	}
	if err != nil {
		return errors.Join(cause, err)
	}
	if attempts < limit {
		return cause
	}
	s.log.InfoContext(ctx, "asset_failed", "asset", r.Asset.ID, "task", p.Task, "error", cause)
	return s.fail(ctx, r, p.Version, reason)
}

// mediaFault returns the public reason when err is the media's fault.
func mediaFault(err error) (string, bool) {
	switch fault.KindOf(err) {
	case fault.Unsupported, fault.Corrupt, fault.TooLarge, fault.Invalid:
		msg, _, _ := fault.Public(err)
		if msg == "" {
			msg = "The video cannot be decoded; the file may be damaged."
		}
		return msg, true
	}
	return "", false
}

// fail ends an asset's processing and removes what was made, the source too.
func (s *Service) fail(ctx context.Context, r Record, version int, reason string) error {
	var upload string
	r, err := s.opt.Store.ChangeAsset(ctx, r.Tenant, r.Asset.ID, func(r *Record) error {
		if r.Building != version || r.Asset.Status == Ready || r.Deleting {
			return errStale
		}
		upload, r.Upload, r.Size, r.SHA256 = r.Upload, "", 0, ""
		r.Asset.Status, r.Asset.Reason, r.Asset.Version = Failed, reason, 0
		r.Asset.Progress = Progress{Stage: "done"}
		r.Asset.UpdatedAt = s.opt.Now().UTC()
		r.Faults = 0
		s.happened(r, TopicChanged, r.Asset)
		return nil
	})
	if errors.Is(err, errStale) {
		return nil
	}
	if err != nil {
		return err
	}
	s.versions.forget(r.Asset.ID)
	s.settle(r.Asset.ID)
	defer s.publish(ctx, r.Events)
	// The rest is tidying; what of it fails is done when the asset is deleted.
	err = errors.Join(
		s.opt.Store.DeleteVersion(ctx, r.Asset.ID, version),
		s.removeUpload(ctx, upload),
		s.removeObjects(ctx, fmt.Sprintf("%s/v/%d/", Scope(r.Tenant, r.Asset.ID), version)),
	)
	if err != nil {
		s.log.InfoContext(ctx, "failed_asset_not_tidied", "asset", r.Asset.ID, "error", err)
	}
	return nil
}

// errStale cancels a change that others overtook.
var errStale = fault.New(fault.Conflict, "media", "overtaken")

// settle forgets what this process holds for an asset whose work is over.
func (s *Service) settle(id string) {
	s.progress.forget(id)
	s.scratch.forget(id)
}

// probe looks at the source and lays out the plan.
func (s *Service) probe(ctx context.Context, r Record) error {
	id := r.Asset.ID
	path, err := s.sourceFile(ctx, r)
	if err != nil {
		return err
	}
	p, err := s.opt.Transcoder.Probe(ctx, path, s.opt.Limits)
	if err != nil {
		return err
	}
	_, secret, err := s.opt.Keys.DataKey(ctx, Scope(r.Tenant, id))
	if err != nil {
		return err
	}
	vr := VersionRecord{Asset: id, Tenant: r.Tenant, Number: r.Building, Plan: newPlan(p, r.SHA256, s.opt.Workers), Secret: secret}
	// A conflict means another worker has planned already: its plan counts.
	if err := s.opt.Store.PutVersion(ctx, vr); err != nil && fault.KindOf(err) != fault.Conflict {
		return err
	}
	r, err = s.opt.Store.ChangeAsset(ctx, r.Tenant, id, func(r *Record) error {
		if r.Building != vr.Number || r.Asset.Status != Processing {
			return errStale
		}
		r.Asset.DurationMS, r.Asset.Width, r.Asset.Height = p.Duration.Milliseconds(), p.Width, p.Height
		r.Asset.Progress = Progress{Stage: "transcode"}
		r.Asset.UpdatedAt = s.opt.Now().UTC()
		s.happened(r, TopicChanged, r.Asset)
		return nil
	})
	if errors.Is(err, errStale) {
		return nil
	}
	if err != nil {
		return err
	}
	s.publish(ctx, r.Events)
	return s.schedule(ctx, r)
}

// runTask makes, checks, stores and records one task's outputs. Doing it twice
// gives the same keys, so a lost lease does no harm.
func (s *Service) runTask(ctx context.Context, r Record, id string) error {
	vr, err := s.opt.Store.VersionRecord(ctx, r.Asset.ID, r.Building)
	if err != nil {
		return err
	}
	t, ok := vr.Plan.task(id)
	if !ok || t.Done {
		return s.advance(ctx, r.Tenant, r.Asset.ID, r.Building)
	}
	path, err := s.sourceFile(ctx, r)
	if err != nil {
		return err
	}
	dir, err := s.scratch.task(r.Asset.ID)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	e := attempt{s: s, r: r, vr: vr, task: t, source: path, dir: dir}
	outs, err := e.make(ctx)
	if err != nil {
		return err
	}
	err = s.opt.Store.ChangeTask(ctx, r.Asset.ID, r.Building, id, func(t *Task) error {
		t.Done, t.Outputs = true, outs
		return nil
	})
	if err != nil {
		return err
	}
	return s.advance(ctx, r.Tenant, r.Asset.ID, r.Building)
}

// advance moves the asset's status to what its finished tasks allow. It may
// be called at any time, by anyone, again and again.
func (s *Service) advance(ctx context.Context, tenant, id string, version int) error {
	vr, err := s.opt.Store.VersionRecord(ctx, id, version)
	if err != nil {
		return err
	}
	s.versions.forget(id)
	done := vr.Plan.done()
	if done {
		if err := vr.Plan.verify(s.log); err != nil {
			reason, ok := mediaFault(err)
			if !ok {
				s.log.InfoContext(ctx, "asset_failed", "asset", id, "error", err)
				reason = ourFault
			}
			return s.fail(ctx, Record{Tenant: tenant, Asset: Asset{ID: id}}, version, reason)
		}
	}
	began := false
	r, err := s.opt.Store.ChangeAsset(ctx, tenant, id, func(r *Record) error {
		if r.Building != version || r.Deleting || (r.Asset.Status != Processing && r.Asset.Status != Playable) {
			return errStale
		}
		share, _ := vr.Plan.share()
		r.Asset.Progress = Progress{Stage: "transcode", Percent: float64(int(share*1000)) / 10}
		began = r.Asset.Status == Processing && vr.Plan.playable()
		if vr.Plan.playable() {
			r.Asset.Status, r.Asset.Version = Playable, version
		}
		if done {
			r.Asset.Status, r.Asset.Progress = Ready, Progress{Stage: "done", Percent: 100}
			r.Asset.DurationMS = vr.Plan.length().Milliseconds()
		}
		r.Asset.UpdatedAt = s.opt.Now().UTC()
		s.happened(r, TopicChanged, r.Asset)
		return nil
	})
	if errors.Is(err, errStale) {
		return nil
	}
	if err != nil {
		return err
	}
	s.versions.forget(id)
	if done {
		s.settle(id)
	}
	s.publish(ctx, r.Events)
	if began && !done {
		return s.enqueueOpen(ctx, r, vr.Plan)
	}
	return nil
}

// sweep removes uploads that nobody continues, and finishes those whose last byte was
// committed but whose end was not.
func (s *Service) sweep(ctx context.Context) {
	t := time.NewTicker(sweepEvery)
	defer t.Stop()
	for {
		if err := s.sweepUploads(ctx); err != nil && ctx.Err() == nil {
			s.log.InfoContext(ctx, "upload_sweep_failed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}
