package media

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/job"
)

// Reconcile puts back into the queue what the database says is to be done, and ends deletions that were cut
// off. Run does it at the start and every ReconcileEvery; a host calls it when the queue has lost what it held. It may
// run in several processes at once: a job already waiting is not doubled, as its ID names the work. What fails for one
// asset does not keep the others waiting; the errors are joined.
func (s *Service) Reconcile(ctx context.Context) error {
	const op = "media.Reconcile"
	rs, err := s.opt.Store.Unsettled(ctx)
	if err != nil {
		return fault.At(op, err)
	}
	var errs []error
	for _, r := range rs {
		if err := ctx.Err(); err != nil {
			return fault.Wrap(fault.Canceled, op, err)
		}
		if r.Deleting {
			err = s.erase(ctx, r)
		} else {
			err = s.schedule(ctx, r)
		}
		// Another process may have come first.
		if err != nil && fault.KindOf(err) != fault.NotFound {
			errs = append(errs, fmt.Errorf("asset %s: %w", r.Asset.ID, err))
		}
	}
	return fault.At(op, errors.Join(errs...))
}

// schedule enqueues all that is open for an asset, and moves its status on where a worker died before it could.
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
	if vr.Plan.done() || (vr.Plan.playable() && r.Asset.Status == Processing) {
		return s.advance(ctx, r.Tenant, r.Asset.ID, r.Building)
	}
	return nil
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
	return s.opt.Queue.Enqueue(ctx, job.Job{
		ID: fmt.Sprintf("media/%s/%d/%s", r.Asset.ID, r.Building, t.ID), Kind: t.kind(), Tenant: r.Tenant,
		Priority: prio, Payload: b, MaxAttempts: maxLeases,
	})
}

// kind is the kind of job that does the task; the zero Task is the probe.
func (t Task) kind() string {
	switch t.ID {
	case "", firstTask:
		return jobQuick
	case audioTask:
		return jobSound
	}
	return jobWork
}

// later notes that a job could not be enqueued: the database says that it is to be done, so the
// next Reconcile enqueues it.
func (s *Service) later(ctx context.Context, id string, err error) {
	if err != nil {
		s.log.InfoContext(ctx, "job_not_enqueued", "asset", id, "error", err)
	}
}
