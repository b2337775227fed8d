package media

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"time"

	"github.com/streamgate/streamgate/kernel/event"
)

// Outbox is what a Store can also do: keep the events of a change, committed with it, until
// they are published, and see to it that those get published that nobody else does (drivers/sqldb's
// Relay). With such a store an event can come late and twice but is never lost; with another,
// it is lost when the process dies, or the bus does not answer, just after the change.
type Outbox interface {
	// Published says that these events of one asset are on the bus.
	Published(ctx context.Context, events ...event.Event) error
}

// directWithin is how long after a change its maker may still publish its events himself.
// Later they are the outbox's, which would otherwise publish them at the same time.
const directWithin = time.Second

// happened notes an event of the change being made to r, after the change.
func (s *Service) happened(r *Record, topic string, data any) {
	r.Events = append(r.Events, s.newEvent(topic, r.Tenant, r.Asset.ID, data))
}

func (s *Service) newEvent(topic, tenant, id string, data any) event.Event {
	e := event.Event{ID: rand.Text(), Topic: topic, Tenant: tenant, Key: id, At: s.opt.Now().UTC()}
	if data != nil {
		e.Data, _ = json.Marshal(data) // plain data always marshals
	}
	return e
}

// publish puts the events of a committed change on the bus, in order. The database is the
// truth, so a bus that does not answer delays watchers and loses nothing: what is not published
// here the outbox publishes. Later events wait for earlier ones, so the first failure ends it.
func (s *Service) publish(ctx context.Context, events []event.Event) {
	if len(events) == 0 {
		return
	}
	ctx = context.WithoutCancel(ctx)
	outbox, kept := s.opt.Store.(Outbox)
	bus := ctx
	if kept {
		left := directWithin - s.opt.Now().Sub(events[0].At)
		if left <= 0 {
			return
		}
		var cancel context.CancelFunc
		bus, cancel = context.WithTimeout(ctx, left)
		defer cancel()
	}
	done := 0
	for _, e := range events {
		if err := s.opt.Events.Publish(bus, e); err != nil {
			s.log.InfoContext(ctx, "event_not_published", "topic", e.Topic, "asset", e.Key, "kept", kept, "error", err)
			break
		}
		done++
	}
	if !kept || done == 0 {
		return
	}
	if err := outbox.Published(ctx, events[:done]...); err != nil {
		s.log.InfoContext(ctx, "outbox_not_marked", "asset", events[0].Key, "error", err)
	}
}

// tell publishes what is worth no place in the database: the next such event says it anew.
func (s *Service) tell(ctx context.Context, topic, tenant, id string, data any) {
	if err := s.opt.Events.Publish(context.WithoutCancel(ctx), s.newEvent(topic, tenant, id, data)); err != nil {
		s.log.InfoContext(ctx, "event_not_published", "topic", topic, "asset", id, "error", err)
	}
}
