package media

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
)

// Lanes are the parts of the pipeline that a process works on. They are combined with |. The zero
// value means all. LaneNone, on its own, means none: such a process takes uploads and serves assets, and
// others do the work.
type Lanes uint8

// The lanes. LanePlan is what is quick and what must be done somewhere: it probes and plans, makes the first
// segment, reconciles, and sweeps uploads. LaneEncode makes the sound and the chunks.
const (
	LanePlan Lanes = 1 << iota
	LaneEncode
	LaneNone
)

// has tells whether l includes lane.
func (l Lanes) has(lane Lanes) bool { return l&lane != 0 }

func (l Lanes) valid() bool {
	return l == LaneNone || l&^(LanePlan|LaneEncode) == 0
}

// soundLanes is how many tracks of sound are made at a time. Each takes one core, for about a
// thirtieth of the time it plays.
const soundLanes = 2

const (
	leaseFor   = 30 * time.Second
	sweepEvery = time.Minute
	// collectEvery is how often storage is searched for what nobody owns, which only a kill at
	// a bad moment leaves behind.
	collectEvery = 24 * time.Hour
)

// Run works on the lanes of this process until ctx ends, listens to what others do, and reconciles from the
// store at the start and again and again. It returns nil when ctx has ended, after all that it started has
// stopped; chunks in the making are given back to the queue at once.
func (s *Service) Run(ctx context.Context) error {
	const op = "media.Run"
	stop, err := s.listen()
	if err != nil {
		return fault.At(op, err)
	}
	defer stop()
	unmeter, err := s.measure()
	if err != nil {
		return fault.Wrap(fault.Internal, op, err)
	}
	defer unmeter()
	lanes := s.opt.Lanes
	if !lanes.has(LanePlan | LaneEncode) {
		<-ctx.Done()
		return nil
	}
	if err := s.scratch.open(s.opt.WorkDir); err != nil {
		return err
	}
	defer s.scratch.close()
	var wg sync.WaitGroup
	if lanes.has(LanePlan) {
		wg.Go(func() { s.lane(ctx, jobQuick) })
		wg.Go(func() { s.every(ctx, "reconcile_failed", 0, s.opt.ReconcileEvery, s.Reconcile) })
		wg.Go(func() { s.every(ctx, "upload_sweep_failed", 0, sweepEvery, s.sweepUploads) })
		wg.Go(func() {
			s.every(ctx, "collect_failed", time.Hour, collectEvery, func(ctx context.Context) error { _, err := s.Collect(ctx); return err })
		})
	}
	if lanes.has(LaneEncode) {
		for range soundLanes {
			wg.Go(func() { s.lane(ctx, jobSound) })
		}
		s.encode(ctx, &wg)
	}
	wg.Go(func() { s.every(ctx, "tidy_failed", s.opt.ReconcileEvery, s.opt.ReconcileEvery, s.tidy) })
	wg.Wait()
	return nil
}

// every calls do after about first and then about every d, until ctx ends. Each process waits a time of its
// own, so that many which were started together do not go on together.
func (s *Service) every(ctx context.Context, trouble string, first, d time.Duration, do func(context.Context) error) {
	for wait := first; ; wait = d {
		if wait > 0 {
			pause(ctx, wait)
		}
		if ctx.Err() != nil {
			return
		}
		if err := do(ctx); err != nil && ctx.Err() == nil {
			s.log.InfoContext(ctx, trouble, "error", err) //nolint:sloglint // the callers say constants
		}
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

// listen subscribes to what the other processes tell.
func (s *Service) listen() (stop func(), err error) {
	assets, err := s.opt.Events.Subscribe("asset.*", s.hear)
	if err != nil {
		return nil, err
	}
	if s.locks.claims.cache == nil {
		return assets, nil
	}
	wanted, err := s.opt.Events.Subscribe(TopicWanted, s.locks.claims.hear)
	if err != nil {
		assets()
		return nil, err
	}
	return func() { wanted(); assets() }, nil
}

// hear keeps in step with what other processes did. What it misses, tidy and the ages of what is cached make up for.
func (s *Service) hear(ctx context.Context, e event.Event) error {
	switch e.Topic {
	case TopicProgress:
		s.progress.hear(e, s.opt.Now())
	case TopicChanged:
		s.versions.forget(e.Key)
		if over(e.Data) {
			// Events may come late, and the asset may have begun anew since.
			return s.settleIfOver(ctx, e.Key)
		}
	case TopicDeleted:
		s.versions.forget(e.Key)
		s.forgetKeys(e.Tenant, e.Key)
		s.settle(e.Key)
	}
	return nil
}

// tidy drops what this process holds for assets whose work has ended elsewhere.
func (s *Service) tidy(ctx context.Context) error {
	for _, id := range s.scratch.assets() {
		if err := s.settleIfOver(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) settleIfOver(ctx context.Context, id string) error {
	r, err := s.opt.Store.Asset(ctx, "", id)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return err
	}
	if err != nil || r.Deleting || r.Asset.Status == Ready || r.Asset.Status == Failed {
		s.settle(id)
	}
	return nil
}
