package media

import (
	"context"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
)

// Watch sends the asset now and on every change until ctx ends or it is deleted, then closes the
// channel. A slow reader gets the newest state. While the store does not answer the channel is silent; what changed
// meanwhile comes when it answers again.
func (s *Service) Watch(ctx context.Context, tenant, id string) (<-chan Asset, error) {
	const op = "media.Watch"
	if _, err := s.record(ctx, tenant, id); err != nil {
		return nil, fault.At(op, err)
	}
	wake := make(chan struct{}, 1)
	wake <- struct{}{}
	cancel, err := s.opt.Events.Subscribe("asset.*", func(_ context.Context, e event.Event) error {
		if e.Key != id {
			return nil
		}
		if e.Topic == TopicProgress {
			s.progress.hear(e, s.opt.Now())
		}
		select {
		case wake <- struct{}{}:
		default: // one wake-up is as good as two
		}
		return nil
	})
	if err != nil {
		return nil, fault.At(op, err)
	}
	out := make(chan Asset, 1)
	go func() {
		defer cancel()
		defer close(out)
		s.follow(ctx, tenant, id, wake, out)
	}()
	return out, nil
}

// follow reads the asset anew at each wake-up: events only wake.
func (s *Service) follow(ctx context.Context, tenant, id string, wake chan struct{}, out chan Asset) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		}
		r, err := s.record(ctx, tenant, id)
		if err != nil {
			if fault.KindOf(err) == fault.NotFound {
				return
			}
			// What it was woken for may be the last change there is.
			if !again(ctx, wake) {
				return
			}
			continue
		}
		a := s.withProgress(r.Asset)
		select { // make room: the newest state replaces one not yet read
		case <-out:
		default:
		}
		out <- a
	}
}

// readAgain is how long a watcher waits after its asset could not be read.
const readAgain = time.Second

// again wakes the watcher in a while; false means that ctx has ended.
func again(ctx context.Context, wake chan<- struct{}) bool {
	pause(ctx, readAgain)
	select {
	case wake <- struct{}{}:
	default:
	}
	return ctx.Err() == nil
}

// withProgress adds what this process knows of running work, its own and, from events, that of others.
func (s *Service) withProgress(a Asset) Asset {
	if a.Status != Processing && a.Status != Playable && a.Status != Uploading {
		return a
	}
	if p, ok := s.progress.get(a.ID, s.opt.Now()); ok && (p.Stage == a.Progress.Stage) && p.Percent >= a.Progress.Percent {
		a.Progress = p
	}
	return a
}
