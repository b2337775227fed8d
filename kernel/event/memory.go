package event

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// Options tune a Memory bus; the zero value means the defaults given.
type Options struct {
	// Queue bounds the events one subscription was given and has not handled. When it
	// is reached Publish waits: nothing is dropped, so a handler that is too slow
	// slows its publishers down. A handler that publishes what it itself receives can
	// wait for itself and needs a context with a deadline. Zero means 1024.
	Queue int
	// Handlers bounds the calls of one subscription's handler at the same time. Zero means 8.
	Handlers int
	// MaxAttempts is how often an event is tried. Zero means 5.
	MaxAttempts int
	// Backoff is the pause before the second attempt; it doubles with each
	// further one up to MaxBackoff. Zero means 100 milliseconds.
	Backoff time.Duration
	// MaxBackoff bounds the pause. Zero means 30 seconds.
	MaxBackoff time.Duration
	// KeepDead bounds the dead letters kept; the oldest go first. Zero means 1000.
	KeepDead int
	// Now is the clock that dates events. Nil means time.Now.
	Now func() time.Time
	// Jitter returns a number in [0, 1) that spreads the pauses over the upper half
	// of their length. Nil means a random one.
	Jitter func() float64
	// Logger hears of dead letters, at Info. Nil discards.
	Logger *slog.Logger
}

// Memory is a Bus in this process. Events it holds are gone when the process ends.
// Close it to wait for its handlers.
type Memory struct {
	o Options

	mu     sync.Mutex
	closed bool
	subs   []*subscription
	dead   []Dead // oldest first

	publishing sync.WaitGroup
	killed     context.Context // ends when Close gives up draining
	kill       context.CancelFunc
}

var (
	_ Bus       = (*Memory)(nil)
	_ Inspector = (*Memory)(nil)
)

// NewMemory returns a bus without subscribers.
func NewMemory(o Options) *Memory {
	o.Queue = cmp.Or(o.Queue, 1024)
	o.Handlers = cmp.Or(o.Handlers, 8)
	o.MaxAttempts = cmp.Or(o.MaxAttempts, 5)
	o.Backoff = cmp.Or(o.Backoff, 100*time.Millisecond)
	o.MaxBackoff = cmp.Or(o.MaxBackoff, 30*time.Second)
	o.KeepDead = cmp.Or(o.KeepDead, 1000)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Jitter == nil {
		o.Jitter = mathrand.Float64
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	m := &Memory{o: o}
	m.killed, m.kill = context.WithCancel(context.Background())
	return m
}

// Publish implements Bus.
func (m *Memory) Publish(ctx context.Context, e Event) error {
	const op = "event.Publish"
	if !ValidTopic(e.Topic) {
		return fault.Newf(fault.Invalid, op, "%.80q is not a topic: write dotted lower case, such as asset.changed", e.Topic)
	}
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, op, err)
	}
	e.ID = cmp.Or(e.ID, rand.Text())
	if e.At.IsZero() {
		e.At = m.o.Now()
	}
	e.Data = slices.Clone(e.Data)

	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return fault.New(fault.Unavailable, op, "the event bus is closed")
	}
	m.publishing.Add(1) // under mu, so that Close sees it or we see closed
	var subs []*subscription
	for _, s := range m.subs {
		if Match(s.pattern, e.Topic) {
			subs = append(subs, s)
		}
	}
	m.mu.Unlock()
	defer m.publishing.Done()

	// Room everywhere first, so that it is all or none. All take it in the order
	// of subscription, hence no two publishers hold what the other waits for.
	for i, s := range subs {
		if err := s.reserve(ctx); err != nil {
			for _, earlier := range subs[:i] {
				earlier.unreserve()
			}
			return fault.Wrap(fault.Canceled, op, err)
		}
	}
	if m.killed.Err() != nil {
		return fault.New(fault.Unavailable, op, "the event bus was closed meanwhile")
	}
	for _, s := range subs {
		s.accept(e)
	}
	return nil
}

// Subscribe implements Bus.
func (m *Memory) Subscribe(pattern string, h Handler) (func(), error) {
	const op = "event.Subscribe"
	if !ValidPattern(pattern) || h == nil {
		return nil, fault.Newf(fault.Invalid, op, "%.80q needs to be a topic, a topic and .*, or *, and have a handler", pattern)
	}
	s := newSubscription(m, pattern, h)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return nil, fault.New(fault.Unavailable, op, "the event bus is closed")
	}
	// A copy: a Publish may be reading the old one.
	m.subs = append(slices.Clone(m.subs), s)
	return func() {
		m.mu.Lock()
		m.subs = slices.DeleteFunc(slices.Clone(m.subs), func(other *subscription) bool { return other == s })
		m.mu.Unlock()
		s.end()
		s.lanes.Wait()
	}, nil
}

// Close refuses new events, waits until those taken are handled or dead, and ends
// every subscription. When ctx ends first the contexts of running handlers end, the
// rest is dropped, and the error (fault.Canceled) tells how many events that were. In every
// case no handler runs any more when it returns. Closing again waits likewise.
func (m *Memory) Close(ctx context.Context) error {
	m.mu.Lock()
	m.closed = true
	subs := m.subs
	m.mu.Unlock()

	idle := make(chan struct{})
	go func() {
		defer close(idle)
		m.publishing.Wait()
		for _, s := range subs {
			s.lanes.Wait()
		}
	}()
	select {
	case <-idle:
	case <-ctx.Done():
		m.kill()
		<-idle
	}
	m.kill()
	dropped := 0
	for _, s := range subs {
		dropped += s.end()
	}
	if dropped > 0 {
		return &fault.Error{Kind: fault.Canceled, Op: "event.Close", Err: context.Cause(ctx),
			Msg: fmt.Sprintf("the event bus was closed with %d deliveries left undone", dropped)}
	}
	return nil
}

// DeadLetters implements Inspector.
func (m *Memory) DeadLetters(_ context.Context, limit int) ([]Dead, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := slices.Clone(m.dead[len(m.dead)-max(0, min(limit, len(m.dead))):])
	slices.Reverse(out)
	for i := range out {
		out[i].Event.Data = slices.Clone(out[i].Event.Data)
	}
	return out, nil
}

func (m *Memory) bury(s *subscription, e Event, err error) {
	m.o.Logger.Info("event could not be handled", "topic", e.Topic, "event_id", e.ID, "tenant", e.Tenant,
		"pattern", s.pattern, "attempts", m.o.MaxAttempts, "error", err)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.dead) >= m.o.KeepDead {
		m.dead = slices.Delete(m.dead, 0, len(m.dead)-m.o.KeepDead+1)
	}
	m.dead = append(m.dead, Dead{Event: e, Pattern: s.pattern, Attempts: m.o.MaxAttempts, Reason: err.Error(), At: m.o.Now()})
}

// backoff returns the pause after the given attempt failed.
func (m *Memory) backoff(attempt int) time.Duration {
	d := m.o.Backoff
	for range attempt - 1 {
		if d *= 2; d >= m.o.MaxBackoff {
			break
		}
	}
	half := min(d, m.o.MaxBackoff) / 2
	return half + time.Duration(m.o.Jitter()*float64(half))
}
