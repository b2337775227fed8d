package media

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// ourFault is the reason given when the media is not to blame.
const ourFault = "The video could not be processed because of a problem of ours. Please upload it again later."

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
		_, err = s.opt.Store.ChangeAsset(ctx, r.Tenant, r.Asset.ID, func(r *Record) error {
			if !p.open(*r) {
				return errStale
			}
			return count(&r.Faults)
		})
	} else {
		err = s.opt.Store.ChangeTask(ctx, r.Asset.ID, p.Version, p.Task, func(t *Task) error {
			if t.Done {
				return errStale
			}
			return count(&t.Attempts)
		})
	}
	if errors.Is(err, errStale) {
		return cause // another worker has succeeded
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

// away tells that something the work needs is not there, such as storage or room on a disk. However long that takes, no
// upload is given up for it.
func away(err error) bool {
	switch fault.KindOf(err) {
	case fault.Unavailable, fault.Limited, fault.Canceled:
		return true
	}
	return false
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
		if r.Building != version || r.Deleting || (r.Asset.Status != Processing && r.Asset.Status != Playable) {
			return errStale
		}
		upload, r.Upload, r.Size, r.SHA256 = r.Upload, "", 0, ""
		r.Spent = upload
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
	ctx, cancel := detached(ctx, time.Minute) // the heart-beat ends work on what has failed
	defer cancel()
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
	vr := VersionRecord{Asset: id, Tenant: r.Tenant, Number: r.Building, Plan: newPlan(p, r.SHA256, s.opt.spread()), Secret: secret}
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
	s.later(ctx, id, s.schedule(ctx, r))
	return nil
}

// runTask makes, checks, stores and records one task's outputs. The objects of each attempt have names of
// their own and count once they are recorded, which only the first to finish can do; so a worker whose lease was lost
// changes nothing, and takes away what it has made.
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
	e := attempt{s: s, r: r, vr: vr, task: t, source: path, dir: dir, fresh: map[string]bool{}}
	defer e.discard(ctx)
	begun := s.opt.Now()
	outs, err := e.make(ctx)
	if err != nil {
		return err
	}
	took := s.opt.Now().Sub(begun)
	err = e.record(ctx, outs, func(t *Task) error {
		if t.Done || !samePrefix(t.Outputs, outs) {
			return errStale
		}
		t.Done, t.Outputs, t.TookMS = true, outs, took.Milliseconds()
		return nil
	})
	if err != nil {
		return err
	}
	return s.advance(ctx, r.Tenant, r.Asset.ID, r.Building)
}

// samePrefix tells whether outs goes on from what is recorded already.
func samePrefix(recorded, outs []Output) bool {
	if len(recorded) > len(outs) {
		return false
	}
	for i, o := range recorded {
		if o.Object != outs[i].Object {
			return false
		}
	}
	return true
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
		if r.Deleting {
			return errGone
		}
		if r.Building != version || (r.Asset.Status != Processing && r.Asset.Status != Playable) {
			return errStale
		}
		share, _ := vr.Plan.share()
		percent := float64(int(share*1000)) / 10
		if r.Asset.Progress.Stage == "transcode" { // others may have read the plan later and come here earlier
			percent = max(percent, r.Asset.Progress.Percent)
		}
		r.Asset.Progress = Progress{Stage: "transcode", Percent: percent}
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
		tidy, cancel := detached(ctx, time.Minute)
		defer cancel()
		if err := s.unused(tidy, tenant, vr); err != nil {
			s.log.InfoContext(ctx, "unused_objects_not_removed", "asset", id, "error", err)
		}
	}
	s.publish(ctx, r.Events)
	if began && !done {
		s.later(ctx, id, s.enqueueOpen(ctx, r, vr.Plan))
	}
	return nil
}

// errGone stops work on an asset that is being deleted.
var errGone = fault.New(fault.NotFound, "media", "the asset is being deleted")
