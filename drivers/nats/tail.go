package nats

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Times and sizes of a tail.
const (
	heartbeat  = 5 * time.Second
	checkEvery = 15 * time.Second
	window     = 128 // messages asked for ahead
)

// reader is what a tail tells of a stream to.
type reader interface {
	// begin hears the state of the stream before it is read, and says from where and which subjects.
	begin(ctx context.Context, st state) (from, error)
	// begun hears how many messages there were to read.
	begun(pending uint64)
	// take is given each message, in order. It may block; an error ends the tail.
	take(ctx context.Context, m message, pending uint64) error
	// check is called now and then. idle means that all there was up to st has been taken.
	check(ctx context.Context, st state, idle bool) error
	// broke hears why reading has to begin again.
	broke(err error)
}

// from is where to read.
type from struct {
	filter string
	seq    uint64
	time   time.Time // instead of seq, when set
}

// tail reads a stream for ever: over lost connections, ended servers and
// deleted streams, without a gap in what the stream holds.
type tail struct {
	s *stream
	r reader
}

var errGap = errors.New("messages were lost on the way")

func (t *tail) run(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; failures++ {
		began := time.Now()
		err := t.session(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > 2*retryLast {
			failures = 0
		}
		t.r.broke(err)
		t.s.c.o.Logger.Debug("nats stream is read anew", "stream", t.s.stored(), "error", err)
		if failures > 0 {
			t.s.c.pause(ctx, failures)
		}
	}
}

// session reads through one consumer until that breaks.
func (t *tail) session(ctx context.Context) error {
	ctx, cancel := t.s.c.linked(ctx) // before anything is asked, so that no break is missed
	defer cancel()
	cons, err := t.consumer(ctx)
	if err != nil {
		return err
	}
	defer t.forget(cons)
	it, err := cons.Messages(jetstream.PullMaxMessages(window), jetstream.PullHeartbeat(heartbeat), jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		return err
	}
	defer it.Stop()
	return t.read(ctx, cons, it)
}

func (t *tail) consumer(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := t.s.c.bound(ctx)
	defer cancel()
	st, err := t.s.ensure(ctx)
	if err != nil {
		return nil, err
	}
	start, err := t.r.begin(ctx, st)
	if err != nil {
		return nil, err
	}
	config := jetstream.ConsumerConfig{
		AckPolicy: jetstream.AckNonePolicy, FilterSubject: start.filter, Replicas: 1, MemoryStorage: true,
		InactiveThreshold: time.Minute, DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: max(start.seq, 1),
	}
	if !start.time.IsZero() {
		config.DeliverPolicy, config.OptStartSeq, config.OptStartTime = jetstream.DeliverByStartTimePolicy, 0, &start.time
	}
	cons, err := t.s.c.js.CreateConsumer(ctx, t.s.stored(), config)
	if err != nil {
		return nil, err
	}
	t.r.begun(cons.CachedInfo().NumPending)
	return cons, nil
}

// forget deletes a consumer that nobody will read any more. The server would do so after a while too.
func (t *tail) forget(cons jetstream.Consumer) {
	if t.s.c.nc.IsConnected() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = t.s.c.js.DeleteConsumer(ctx, t.s.stored(), cons.CachedInfo().Name)
	}
}

func (t *tail) read(ctx context.Context, cons jetstream.Consumer, it jetstream.MessagesContext) error {
	received := uint64(0)
	for {
		turn, cancel := context.WithTimeout(ctx, checkEvery)
		for turn.Err() == nil {
			m, err := it.Next(jetstream.NextContext(turn))
			if err != nil && turn.Err() != nil {
				break
			}
			var meta *jetstream.MsgMetadata
			if err == nil {
				meta, err = m.Metadata()
			}
			if received++; err == nil && meta.Sequence.Consumer != received {
				err = errGap
			}
			if err == nil {
				err = t.r.take(ctx, message{m.Subject(), meta.Sequence.Stream, m.Data(), meta.Timestamp}, meta.NumPending)
			}
			if err != nil {
				cancel()
				return err
			}
		}
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := t.check(ctx, cons, received); err != nil {
			return err
		}
	}
}

func (t *tail) check(ctx context.Context, cons jetstream.Consumer, received uint64) error {
	ctx, cancel := t.s.c.bound(ctx)
	defer cancel()
	st, err := t.s.info(ctx) // before the consumer's: what came between is pending there
	if err != nil {
		return err
	}
	info, err := cons.Info(ctx)
	if err != nil {
		return err
	}
	return t.r.check(ctx, st, info.NumPending == 0 && info.Delivered.Consumer == received)
}
