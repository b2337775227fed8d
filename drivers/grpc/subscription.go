package grpc

import (
	"context"
	"sync"
	"time"

	gogrpc "google.golang.org/grpc"

	"github.com/streamgate/streamgate/drivers/grpc/pb"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
)

// subscribeWithin bounds how long Subscribe waits for the far side to have subscribed.
const subscribeWithin = 10 * time.Second

// Subscribe implements event.Bus. It returns once the far side has subscribed, or with
// fault.Unavailable. A subscription whose stream breaks is set up again by itself; what
// is published meanwhile passes it by, as it does anyone who comes later, and
// an event whose handler ran just then may be lost to it or come twice: an event only wakes.
func (b *Events) Subscribe(pattern string, h event.Handler) (cancel func(), err error) {
	const op = "grpc.Subscribe"
	if !event.ValidPattern(pattern) || h == nil {
		return nil, fault.Newf(fault.Invalid, op, "%.80q needs to be a topic, a topic and .*, or *, and have a handler", pattern)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &subscription{c: b.c, pattern: pattern, handle: h}
	first, end, err := s.open(ctx)
	if err != nil {
		stop()
		return nil, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.run(ctx, first, end)
	}()
	return func() {
		stop()
		<-done
	}, nil
}

type subscription struct {
	c       pb.EventServiceClient
	pattern string
	handle  event.Handler
}

type eventStream = gogrpc.BidiStreamingClient[pb.SubscribeRequest, pb.SubscribeResponse]

// open subscribes and waits until the subscription stands. end ends its stream.
func (s *subscription) open(ctx context.Context) (stream eventStream, end func(), err error) {
	const op = "grpc.Subscribe"
	ctx, end = context.WithCancel(ctx)
	late := time.AfterFunc(subscribeWithin, end)
	stream, err = s.c.Subscribe(ctx)
	if err == nil {
		_ = stream.Send(&pb.SubscribeRequest{Pattern: s.pattern}) // its failure shows in Recv
		_, err = stream.Recv()
	}
	if inTime := late.Stop(); err == nil && inTime {
		return stream, end, nil
	}
	end()
	if err == nil {
		return nil, nil, fault.New(fault.Unavailable, op, "the service did not answer in time")
	}
	// The context that ended is our own: to the caller that is an outage.
	return nil, nil, failure(context.Background(), op, err)
}

func (s *subscription) run(ctx context.Context, stream eventStream, end func()) {
	for failures := 0; ; failures++ {
		if stream != nil {
			s.follow(ctx, stream, end)
			failures = 0
		}
		if !pause(ctx, redial(failures)) {
			return
		}
		stream, end, _ = s.open(ctx)
	}
}

// follow handles what comes until the stream ends, and waits for its handlers. How many run at
// the same time is bounded by the far bus.
func (s *subscription) follow(ctx context.Context, stream eventStream, end func()) {
	hctx, cancel := context.WithCancel(ctx)
	silence := time.AfterFunc(3*beatEvery, end)
	var handlers sync.WaitGroup
	defer handlers.Wait()
	defer cancel()
	defer end()
	defer silence.Stop()
	var out sync.Mutex
	for {
		m, err := stream.Recv()
		if err != nil {
			return
		}
		silence.Reset(3 * beatEvery)
		d := m.GetDelivered()
		if d == nil {
			continue
		}
		handlers.Go(func() {
			e := fromEvent(d.GetEvent())
			err := fault.Catch("grpc.Handler", func() error { return s.handle(hctx, e) })
			handled := &pb.HandledEvent{Delivery: d.GetDelivery()}
			if err != nil {
				handled.Failed, handled.Reason = true, clip(err.Error())
			}
			out.Lock()
			defer out.Unlock()
			_ = stream.Send(&pb.SubscribeRequest{Handled: handled}) // a stream that broke has it delivered again
		})
	}
}
