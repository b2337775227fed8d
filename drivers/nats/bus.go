package nats

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
)

// BusOptions tune a Bus; the zero value means the defaults given. Those about the stream
// count for whoever makes it, which is the first process that needs it.
type BusOptions struct {
	// Name tells buses of one prefix apart. Empty means "events".
	Name string
	// Queue, Handlers, MaxAttempts, Backoff, MaxBackoff and Jitter are as in event.Options. A subscription
	// whose queue is full reads no further; publishers are not slowed down.
	Queue, Handlers, MaxAttempts int
	Backoff, MaxBackoff          time.Duration
	Jitter                       func() float64
	// MaxAge and MaxBytes bound what the stream holds for subscribers that are slow or
	// cut off for a while; the oldest goes first. Zero means one hour and 256 MiB.
	MaxAge   time.Duration
	MaxBytes int64
	// Window is how long a second Publish of an ID is recognised and does nothing. Zero means two minutes.
	Window time.Duration
	// KeepDead bounds the dead letters kept, of all processes together. Zero means 1000.
	KeepDead int
	// OnReset is called when events may have been lost: the stream was deleted, went back in time, or dropped
	// what a subscription here had not read. The host publishes again what its database holds as not
	// published, or wakes everything. It runs in a goroutine of the Conn; ctx ends when that is closed.
	OnReset func(ctx context.Context)
	// Now is the clock that dates events. Nil means time.Now.
	Now func() time.Time
	// Logger hears of dead letters and lost events, at Info. Nil means the Conn's.
	Logger *slog.Logger
}

// Bus is an event.Bus over processes: every subscription of every process gets every event that was
// published after it began, in the order of the stream. An event whose ID was published before, within the
// window and tenant, is not published again. When the server is out of reach Publish tries until ctx
// ends, or for the Conn's timeout (fault.Unavailable); in both cases the event may have been taken, and publishing it
// again under its ID is harmless. Subscriptions outlive every outage and go on where they were.
// Dead letters are stored by the server and seen by all processes.
type Bus struct {
	c    *Conn
	o    BusOptions
	live *stream
	dead *stream

	mu     sync.Mutex
	closed bool
	epoch  string // of live, empty until first seen
	buried string // epoch of dead
	subs   []*subscription
	lost   []event.Dead // dead letters that could not be stored, the latest last
}

var (
	_ event.Bus       = (*Bus)(nil)
	_ event.Inspector = (*Bus)(nil)
)

// Bus returns a bus over c. It asks the server nothing yet. Close of c ends it.
func (c *Conn) Bus(o BusOptions) *Bus {
	o.Name = cmp.Or(o.Name, "events")
	o.Queue = cmp.Or(o.Queue, 1024)
	o.Handlers = cmp.Or(o.Handlers, 8)
	o.MaxAttempts = cmp.Or(o.MaxAttempts, 5)
	o.MaxAge = cmp.Or(o.MaxAge, time.Hour)
	o.MaxBytes = cmp.Or(o.MaxBytes, 256<<20)
	o.Window = min(cmp.Or(o.Window, 2*time.Minute), o.MaxAge)
	o.KeepDead = cmp.Or(o.KeepDead, 1000)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = c.o.Logger
	}
	b := &Bus{c: c, o: o}
	b.live = &stream{c: c, name: o.Name, config: map[string]any{
		"discard": "old", "max_age": o.MaxAge, "max_bytes": o.MaxBytes, "duplicate_window": o.Window,
	}}
	b.dead = &stream{c: c, name: o.Name + "_dead", config: map[string]any{"discard": "old", "max_msgs": o.KeepDead}}
	b.closed = !c.onClose(b.close)
	return b
}

// Publish implements event.Bus.
func (b *Bus) Publish(ctx context.Context, e event.Event) error {
	const op = "nats.Publish"
	if !event.ValidTopic(e.Topic) {
		return fault.Newf(fault.Invalid, op, "%.80q is not a topic: write dotted lower case, such as asset.changed", e.Topic)
	}
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, op, err)
	}
	e.ID = cmp.Or(e.ID, rand.Text())
	if e.At.IsZero() {
		e.At = b.o.Now()
	}
	data, err := json.Marshal(e)
	if err != nil {
		return fault.Wrap(fault.Invalid, op, err)
	}
	sum := sha256.Sum256([]byte(e.Tenant + "\x00" + e.ID)) // any text may be in an ID, not in a header
	bound, cancel := b.c.bound(ctx)
	defer cancel()
	seq, err := b.send(bound, b.live, e.Topic, hex.EncodeToString(sum[:16]), data, b.see)
	if err != nil {
		return b.c.failed(bound, op, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.subs {
		if event.Match(s.pattern, e.Topic) {
			s.due = max(s.due, seq)
		}
	}
	return nil
}

// send publishes into s under id, which makes trying again harmless, until it succeeds or ctx ends.
func (b *Bus) send(ctx context.Context, s *stream, rest, id string, data []byte, epoch func(ctx context.Context, anew bool) (string, error)) (uint64, error) {
	if int64(len(data)) > b.c.nc.MaxPayload()-1024 {
		return 0, final("", nats.ErrMaxPayload)
	}
	var last error // what ctx's end would hide
	for try := 0; ; try++ {
		if b.ended() && s == b.live {
			return 0, fault.New(fault.Unavailable, "nats.Publish", "the event bus is closed")
		}
		at, err := epoch(ctx, try > 0)
		if err == nil {
			m := nats.NewMsg(s.subject(at, rest))
			m.Header.Set(nats.MsgIdHdr, id)
			m.Data = data
			var seq uint64
			once, cancel := context.WithTimeout(ctx, b.c.o.Timeout/2)
			seq, err = b.c.publish(once, m)
			cancel()
			if err == nil {
				return seq, nil
			}
		}
		if stop := final("nats.Publish", err); stop != nil {
			return 0, stop
		}
		if ctx.Err() != nil || errors.Is(err, errForeign) {
			return 0, errors.Join(err, last)
		}
		last = err
		b.c.pause(ctx, try)
	}
}

// see returns the present epoch of the stream of events; anew asks the server.
func (b *Bus) see(ctx context.Context, anew bool) (string, error) {
	b.mu.Lock()
	known := b.epoch
	b.mu.Unlock()
	if known != "" && !anew {
		return known, nil
	}
	st, err := b.live.ensure(ctx)
	if err != nil {
		return "", err
	}
	b.met(st.epoch)
	return st.epoch, nil
}

// met takes note of an epoch that the server named and tells the host when it is a new one.
func (b *Bus) met(epoch string) {
	b.mu.Lock()
	before := b.epoch
	b.epoch = epoch
	b.mu.Unlock()
	if before != "" && before != epoch {
		b.reset("the stream was deleted")
	}
}

func (b *Bus) reset(why string) {
	b.o.Logger.Info("events may have been lost", "stream", b.live.stored(), "reason", why)
	b.c.reset(b.o.OnReset)
}

func (b *Bus) ended() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.closed
}

// Subscribe implements event.Bus. It is fault.Unavailable when the server does not answer in time.
func (b *Bus) Subscribe(pattern string, h event.Handler) (func(), error) {
	const op = "nats.Subscribe"
	if !event.ValidPattern(pattern) || h == nil {
		return nil, fault.Newf(fault.Invalid, op, "%.80q needs to be a topic, a topic and .*, or *, and have a handler", pattern)
	}
	if b.ended() {
		return nil, fault.New(fault.Unavailable, op, "the event bus is closed")
	}
	ctx, cancel := b.c.bound(b.c.ctx)
	defer cancel()
	st, err := b.live.ensure(ctx)
	var last error
	for try := 0; err != nil && ctx.Err() == nil && !errors.Is(err, errForeign); try++ {
		last = err
		b.c.pause(ctx, try)
		st, err = b.live.ensure(ctx)
	}
	if err != nil {
		return nil, b.c.failed(ctx, op, errors.Join(err, last))
	}
	b.met(st.epoch)
	s, err := b.newSubscription(pattern, h, st)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		s.end()
		return nil, fault.New(fault.Unavailable, op, "the event bus is closed")
	}
	b.subs = append(b.subs, s)
	b.mu.Unlock()
	return func() {
		b.mu.Lock()
		b.subs = slices.DeleteFunc(b.subs, func(other *subscription) bool { return other == s })
		b.mu.Unlock()
		s.end()
	}, nil
}

// close waits until every subscription has handled what this process published, and ends them.
func (b *Bus) close(ctx context.Context) error {
	b.mu.Lock()
	b.closed = true
	subs := b.subs
	b.mu.Unlock()
	var errs []error
	for _, s := range subs {
		errs = append(errs, s.drain(ctx))
	}
	return errors.Join(errs...)
}
