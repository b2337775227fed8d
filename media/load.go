package media

import (
	"context"
	"errors"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/job"
)

// Load is how much work there is, and how it goes. What is about the queue and the store is the same whichever process is
// asked; Seats and Working are of this process.
type Load struct {
	// Jobs counts the queue's jobs by kind: media.quick (probes and first segments), media.sound, media.work (chunks). Where
	// the queue counts them together only they are under "all", where it does not count there are none.
	Jobs map[string]job.Stats `json:"jobs,omitempty"`
	// Open counts, by kind, the tasks that the store says are not done. It is what Jobs must come to.
	Open map[string]int `json:"open"`
	// Assets is the count of assets being processed.
	Assets int `json:"assets"`
	// Seats is how many chunks this process may make at a time at present, Working how many it is making.
	Seats   int `json:"seats"`
	Working int `json:"working"`
	// MediaSec is the length of the chunks not done yet. What is not probed does not count.
	MediaSec float64 `json:"media_sec"`
	// Speed is how many seconds of video, in all its rungs, one worker makes in a second; 0 before any was made.
	Speed float64 `json:"speed"`
	// DrainSec is the time until all chunks are done with the workers at work; 0 when it is not known.
	DrainSec float64 `json:"drain_sec"`
	// OldestSec is for how long the asset that has waited longest has been in processing.
	OldestSec float64 `json:"oldest_sec"`
}

// loadFor is how long a Load is good for: asking costs a query an asset.
const loadFor = 5 * time.Second

// loads keeps the last Load, and the speed of the chunks made here.
type loads struct {
	mu    sync.Mutex
	last  Load
	until time.Time
	speed float64
}

// Load tells how much work there is. An answer may be five seconds old.
func (s *Service) Load(ctx context.Context) (Load, error) {
	s.loads.mu.Lock()
	defer s.loads.mu.Unlock()
	now := s.opt.Now()
	if now.After(s.loads.until) || now.Before(s.loads.until.Add(-loadFor)) {
		l, err := s.load(ctx, now)
		if err != nil {
			return Load{}, fault.At("media.Load", err)
		}
		s.loads.last, s.loads.until = l, now.Add(loadFor)
	}
	l := s.loads.last
	if s.opt.Lanes.has(LaneEncode) {
		l.Seats, l.Working = s.pool.counts()
	}
	return l, nil
}

func (s *Service) load(ctx context.Context, now time.Time) (Load, error) {
	l := Load{Open: map[string]int{jobQuick: 0, jobSound: 0, jobWork: 0}}
	rs, err := s.opt.Store.Unsettled(ctx)
	if err != nil {
		return l, err
	}
	made, took := 0.0, 0.0
	for _, r := range rs {
		if r.Deleting {
			continue
		}
		l.Assets++
		if !r.Queued.IsZero() {
			l.OldestSec = max(l.OldestSec, now.Sub(r.Queued).Seconds())
		}
		vr, err := s.opt.Store.VersionRecord(ctx, r.Asset.ID, r.Building)
		if err != nil && fault.KindOf(err) == fault.NotFound {
			l.Open[jobQuick]++
			continue
		}
		if err != nil {
			return l, err
		}
		for _, t := range vr.Plan.Tasks {
			kind, seconds := t.kind(), vr.Plan.seconds(t)
			switch {
			case !t.Done && kind == jobWork:
				l.MediaSec += seconds
				fallthrough
			case !t.Done:
				l.Open[kind]++
			case kind == jobWork && t.TookMS > 0:
				made, took = made+seconds, took+float64(t.TookMS)/1000
			}
		}
	}
	if l.Jobs, err = s.jobs(ctx); err != nil {
		return l, err
	}
	// The tasks done last tell the speed, wherever they were done.
	if took > 0 {
		s.loads.speed = made / took
	}
	l.Speed = s.loads.speed
	workers := l.Jobs[jobWork].Leased
	if workers == 0 && s.opt.Lanes.has(LaneEncode) {
		_, workers = s.pool.counts()
	}
	if l.Speed > 0 && l.MediaSec > 0 {
		l.DrainSec = l.MediaSec / l.Speed / float64(max(workers, 1))
	}
	return l, nil
}

// jobs counts what the queue holds, as far as it can.
func (s *Service) jobs(ctx context.Context) (map[string]job.Stats, error) {
	if q, ok := s.opt.Queue.(job.KindInspector); ok {
		if kinds, err := q.StatsByKind(ctx); !errors.Is(err, fault.Unsupported) {
			return kinds, err
		}
	}
	if q, ok := s.opt.Queue.(job.Inspector); ok {
		st, err := q.Stats(ctx)
		return map[string]job.Stats{"all": st}, err
	}
	return nil, nil
}

// measure registers the gauges of Load until stop is called. What is about the queue and the store is told by the
// processes that plan, so that it does not count once for each worker.
func (s *Service) measure() (stop func(), err error) {
	m := otel.Meter("github.com/streamgate/streamgate/media")
	gauge := func(name, unit, description string) metric.Float64ObservableGauge {
		g, e := m.Float64ObservableGauge(name, metric.WithUnit(unit), metric.WithDescription(description))
		if e != nil && err == nil {
			err = e
		}
		return g
	}
	jobs := gauge("streamgate.media.jobs", "{job}", "Jobs of the transcode queue by kind and state.")
	open := gauge("streamgate.media.tasks.open", "{task}", "Tasks that the store says are not done, by kind.")
	left := gauge("streamgate.media.left", "s", "Length of the video that waits to be encoded.")
	drain := gauge("streamgate.media.drain", "s", "Estimated time until all waiting video is encoded.")
	oldest := gauge("streamgate.media.oldest", "s", "Age of the asset that has been in processing for longest.")
	workers := gauge("streamgate.media.workers", "{worker}", "Workers of this process by state.")
	if err != nil {
		return nil, err
	}
	plan, encode := s.opt.Lanes.has(LanePlan), s.opt.Lanes.has(LaneEncode)
	if !plan && !encode {
		return func() {}, nil
	}
	reg, err := m.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		if encode {
			seats, working := s.pool.counts()
			o.ObserveFloat64(workers, float64(seats), metric.WithAttributes(attribute.String("state", "allowed")))
			o.ObserveFloat64(workers, float64(working), metric.WithAttributes(attribute.String("state", "working")))
		}
		if !plan {
			return nil
		}
		l, err := s.Load(ctx)
		if err != nil {
			return err
		}
		for kind, st := range l.Jobs {
			for state, n := range map[string]int{"waiting": st.Waiting, "delayed": st.Delayed, "leased": st.Leased, "dead": st.Dead} {
				o.ObserveFloat64(jobs, float64(n), metric.WithAttributes(attribute.String("kind", kind), attribute.String("state", state)))
			}
		}
		for kind, n := range l.Open {
			o.ObserveFloat64(open, float64(n), metric.WithAttributes(attribute.String("kind", kind)))
		}
		o.ObserveFloat64(left, l.MediaSec)
		o.ObserveFloat64(drain, l.DrainSec)
		o.ObserveFloat64(oldest, l.OldestSec)
		return nil
	}, jobs, open, left, drain, oldest, workers)
	if err != nil {
		return nil, err
	}
	return func() { _ = reg.Unregister() }, nil
}
