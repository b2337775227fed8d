package event

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// subscription feeds one handler. Events of one tenant and key form a lane that is
// worked off in order by a goroutine, which lives as long as the lane has events;
// the slots bound how many lanes and events there can be.
type subscription struct {
	bus     *Memory
	pattern string
	handle  Handler
	slots   chan struct{} // one for each event from reserve until it is handled
	turns   chan struct{} // one for each running handler
	ctx     context.Context
	cancel  context.CancelFunc
	lanes   sync.WaitGroup

	mu      sync.Mutex
	ended   bool
	waiting map[lane][]Event // present also for a lane that handles its last event
	dropped int
}

type lane struct{ tenant, key string }

func newSubscription(m *Memory, pattern string, h Handler) *subscription {
	s := &subscription{
		bus: m, pattern: pattern, handle: h,
		slots:   make(chan struct{}, m.o.Queue),
		turns:   make(chan struct{}, m.o.Handlers),
		waiting: map[lane][]Event{},
	}
	s.ctx, s.cancel = context.WithCancel(m.killed)
	return s
}

// reserve takes a slot. One in a subscription that has ended needs none.
func (s *subscription) reserve(ctx context.Context) error {
	select {
	case s.slots <- struct{}{}:
		return nil
	case <-s.ctx.Done():
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// unreserve gives a slot back. After the end there may be none to take.
func (s *subscription) unreserve() {
	select {
	case <-s.slots:
	default:
	}
}

// accept takes an event for which a slot is reserved.
func (s *subscription) accept(e Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	l := lane{e.Tenant, e.Key}
	events, running := s.waiting[l]
	s.waiting[l] = append(events, e)
	if !running {
		s.lanes.Go(func() { s.work(l) })
	}
}

// work handles the events of a lane until it is empty or the subscription ends.
func (s *subscription) work(l lane) {
	for {
		e, ok := s.next(l)
		if !ok {
			return
		}
		if !s.deliver(e) {
			s.mu.Lock()
			s.dropped++
			s.mu.Unlock()
		}
		s.unreserve()
	}
}

func (s *subscription) next(l lane) (Event, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	events := s.waiting[l]
	if s.ctx.Err() != nil {
		s.dropped += len(events)
		events = nil
	}
	if len(events) == 0 {
		delete(s.waiting, l)
		return Event{}, false
	}
	s.waiting[l] = events[1:]
	return events[0], true
}

// deliver tries until the event is handled or dead; false means that the
// subscription ended before that.
func (s *subscription) deliver(e Event) bool {
	for attempt := 1; ; attempt++ {
		select {
		case s.turns <- struct{}{}:
		case <-s.ctx.Done():
			return false
		}
		err := s.try(e)
		<-s.turns
		if err == nil {
			return true
		}
		if s.ctx.Err() != nil {
			return false
		}
		if attempt == s.bus.o.MaxAttempts {
			s.bus.bury(s, e, err)
			return true
		}
		// The pause holds the lane, for order, but no turn: other keys go on.
		pause := time.NewTimer(s.bus.backoff(attempt))
		select {
		case <-pause.C:
		case <-s.ctx.Done():
			pause.Stop()
			return false
		}
	}
}

func (s *subscription) try(e Event) error {
	e.Data = slices.Clone(e.Data) // the next attempt and other handlers need theirs
	return fault.Catch("event.Handler", func() error { return s.handle(s.ctx, e) })
}

// end lets no more events in and ends the context of handlers. It returns how many
// events were dropped so far.
func (s *subscription) end() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	s.cancel()
	return s.dropped
}
