package media

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
)

// Watch sends the asset now and on every change until ctx ends or it is deleted, then closes the
// channel. A slow reader gets the newest state.
func (s *Service) Watch(ctx context.Context, tenant, id string) (<-chan Asset, error) {
	const op = "media.Watch"
	if _, err := s.record(ctx, tenant, id); err != nil {
		return nil, fault.At(op, err)
	}
	w := &watcher{wake: make(chan struct{}, 1)}
	w.poke(nil)
	cancel, err := s.opt.Events.Subscribe("asset.*", func(_ context.Context, e event.Event) error {
		if e.Key != id {
			return nil
		}
		var p *Progress
		if e.Topic == TopicProgress {
			p = new(Progress)
			if json.Unmarshal(e.Data, p) != nil {
				p = nil
			}
		}
		w.poke(p)
		return nil
	})
	if err != nil {
		return nil, fault.At(op, err)
	}
	out := make(chan Asset, 1)
	go func() {
		defer cancel()
		defer close(out)
		s.follow(ctx, tenant, id, w, out)
	}()
	return out, nil
}

// follow reads the asset anew at each wake-up: events only wake.
func (s *Service) follow(ctx context.Context, tenant, id string, w *watcher, out chan Asset) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		}
		r, err := s.record(ctx, tenant, id)
		if err != nil {
			if fault.KindOf(err) == fault.NotFound {
				return
			}
			continue
		}
		a := s.withProgress(r.Asset)
		// Progress made in another process comes with the event only.
		if p := w.latest(); p != nil && p.Stage == a.Progress.Stage && p.Percent > a.Progress.Percent {
			a.Progress = *p
		}
		select { // make room: the newest state replaces one not yet read
		case <-out:
		default:
		}
		out <- a
	}
}

// watcher coalesces wake-ups.
type watcher struct {
	wake chan struct{}
	mu   sync.Mutex
	last *Progress
}

func (w *watcher) poke(p *Progress) {
	w.mu.Lock()
	if p != nil {
		w.last = p
	}
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watcher) latest() *Progress {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// progressBook keeps the progress of running work in memory: it changes too often for
// the database, and after a restart the finished tasks tell enough.
type progressBook struct {
	mu sync.Mutex
	m  map[string]*running
}

type running struct {
	tasks map[string]float64 // share of the whole done, by task
	rung  string
	since time.Time // when this process began, and the share then
	from  float64
	told  time.Time
	stage string
}

// note records the shares of the whole that tasks have done, and tells whether
// watchers should hear of it.
func (b *progressBook) note(id, stage, rung string, shares map[string]float64, now time.Time) (Progress, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.m == nil {
		b.m = map[string]*running{}
	}
	r := b.m[id]
	if r == nil || r.stage != stage {
		r = &running{tasks: map[string]float64{}, since: now, stage: stage}
		b.m[id] = r
		defer func() { r.from = r.done() }()
	}
	for t, s := range shares {
		r.tasks[t] = max(r.tasks[t], s)
	}
	r.rung = rung
	if now.Sub(r.told) < 300*time.Millisecond {
		return Progress{}, false
	}
	r.told = now
	return r.progress(now), true
}

func (r *running) done() float64 {
	sum := 0.0
	for _, s := range r.tasks {
		sum += s
	}
	return min(max(sum, 0), 1)
}

func (r *running) progress(now time.Time) Progress {
	done := r.done()
	p := Progress{Stage: r.stage, Percent: float64(int(done*1000)) / 10, Rung: r.rung}
	if gained := done - r.from; gained > 0.02 {
		p.ETASec = float64(int(now.Sub(r.since).Seconds() * (1 - done) / gained))
	}
	return p
}

func (b *progressBook) get(id string, now time.Time) (Progress, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.m[id]; r != nil {
		return r.progress(now), true
	}
	return Progress{}, false
}

func (b *progressBook) forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.m, id)
}

// withProgress adds what this process knows of running work.
func (s *Service) withProgress(a Asset) Asset {
	if a.Status != Processing && a.Status != Playable && a.Status != Uploading {
		return a
	}
	if p, ok := s.progress.get(a.ID, s.opt.Now()); ok && (p.Stage == a.Progress.Stage) && p.Percent >= a.Progress.Percent {
		a.Progress = p
	}
	return a
}
