package grpc

import (
	"context"
	"errors"
	"sync"
	"time"

	gogrpc "google.golang.org/grpc"

	"github.com/streamgate/streamgate/drivers/grpc/pb"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
)

// beatEvery is how often a subscription that has nothing to deliver tells that it lives.
const beatEvery = 5 * time.Second

// RegisterEvents serves b. One that is no event.Inspector is fault.Unsupported to who inspects it.
func RegisterEvents(s gogrpc.ServiceRegistrar, b event.Bus) {
	out := &eventServer{bus: b}
	out.inspector, _ = b.(event.Inspector)
	pb.RegisterEventServiceServer(s, out)
}

type eventServer struct {
	pb.UnimplementedEventServiceServer
	bus       event.Bus
	inspector event.Inspector
}

// Publish implements pb.EventServiceServer.
func (s *eventServer) Publish(ctx context.Context, req *pb.PublishRequest) (*pb.PublishResponse, error) {
	const op = "grpc.Publish"
	if err := checkTenant(ctx, op, req.GetTenant()); err != nil {
		return nil, err
	}
	if req.GetTenant() != req.GetEvent().GetTenant() {
		return nil, answer(ctx, fault.New(fault.Forbidden, op, "the request names two tenants"))
	}
	return &pb.PublishResponse{}, answer(ctx, s.bus.Publish(ctx, fromEvent(req.GetEvent())))
}

// ListDeadEvents implements pb.EventServiceServer.
func (s *eventServer) ListDeadEvents(ctx context.Context, req *pb.ListDeadEventsRequest) (*pb.ListDeadEventsResponse, error) {
	if s.inspector == nil {
		return nil, answer(ctx, fault.New(fault.Unsupported, "grpc.DeadLetters", "the bus served here cannot be inspected"))
	}
	all, err := s.inspector.DeadLetters(ctx, int(req.GetLimit()))
	if err != nil {
		return nil, answer(ctx, err)
	}
	out := &pb.ListDeadEventsResponse{}
	for _, d := range all {
		out.Dead = append(out.Dead, &pb.DeadEvent{
			Event: toEvent(d.Event), Pattern: d.Pattern, Attempts: int64(d.Attempts), Reason: clip(d.Reason), At: toTime(d.At),
		})
	}
	return out, nil
}

// Subscribe implements pb.EventServiceServer: the bus's handler is the far one. Order,
// retries and dead letters are so the bus's.
func (s *eventServer) Subscribe(stream gogrpc.BidiStreamingServer[pb.SubscribeRequest, pb.SubscribeResponse]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	d := &deliveries{stream: stream, waiting: map[uint64]chan error{}}
	stop, err := s.bus.Subscribe(first.GetPattern(), func(hctx context.Context, e event.Event) error {
		return d.deliver(ctx, hctx, e)
	})
	if err != nil {
		return answer(ctx, err)
	}
	defer stop()
	defer cancel() // before stop, which waits for handlers
	if err := d.send(&pb.SubscribeResponse{Ready: true}); err != nil {
		return err
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		d.collect()
	}()
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	for {
		select {
		case <-gone:
			return nil
		case <-ctx.Done():
			return errEnding
		case <-beat.C:
			if err := d.send(&pb.SubscribeResponse{}); err != nil {
				return err
			}
		}
	}
}

// deliveries are the events that wait for the far handler.
type deliveries struct {
	stream gogrpc.BidiStreamingServer[pb.SubscribeRequest, pb.SubscribeResponse]
	out    sync.Mutex // one sender at a time

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]chan error
}

func (d *deliveries) send(m *pb.SubscribeResponse) error {
	d.out.Lock()
	defer d.out.Unlock()
	return d.stream.Send(m)
}

// deliver hands e over and waits for what came of it.
func (d *deliveries) deliver(stream, handler context.Context, e event.Event) error {
	done := make(chan error, 1)
	d.mu.Lock()
	d.last++
	id := d.last
	d.waiting[id] = done
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.waiting, id)
	}()
	if err := d.send(&pb.SubscribeResponse{Delivered: &pb.DeliveredEvent{Delivery: id, Event: toEvent(e)}}); err != nil {
		return fault.Wrap(fault.Unavailable, "grpc.Deliver", err)
	}
	select {
	case err := <-done:
		return err
	case <-stream.Done():
	case <-handler.Done():
	}
	return fault.New(fault.Unavailable, "grpc.Deliver", "the subscriber is gone")
}

// collect takes in what the far handler said, until the stream ends.
func (d *deliveries) collect() {
	for {
		m, err := d.stream.Recv()
		if err != nil {
			return
		}
		d.mu.Lock()
		done := d.waiting[m.GetHandled().GetDelivery()]
		delete(d.waiting, m.GetHandled().GetDelivery())
		d.mu.Unlock()
		if done == nil {
			continue
		}
		var failed error
		if m.GetHandled().GetFailed() {
			failed = errors.New(clip(m.GetHandled().GetReason()))
		}
		done <- failed
	}
}

// Events is an event.Bus elsewhere, and its Inspector. All methods are safe for concurrent use.
type Events struct{ c pb.EventServiceClient }

var (
	_ event.Bus       = (*Events)(nil)
	_ event.Inspector = (*Events)(nil)
)

// NewEvents returns the bus that RegisterEvents serves at the far end of conn.
func NewEvents(conn gogrpc.ClientConnInterface) *Events {
	return &Events{pb.NewEventServiceClient(conn)}
}

// Publish implements event.Bus.
func (b *Events) Publish(ctx context.Context, e event.Event) error {
	_, err := invoke(ctx, "grpc.Publish", b.c.Publish, &pb.PublishRequest{Tenant: e.Tenant, Event: toEvent(e)})
	return err
}

// DeadLetters implements event.Inspector.
func (b *Events) DeadLetters(ctx context.Context, limit int) ([]event.Dead, error) {
	resp, err := invoke(ctx, "grpc.DeadLetters", b.c.ListDeadEvents, &pb.ListDeadEventsRequest{Limit: int64(limit)}, gogrpc.MaxCallRecvMsgSize(maxMessage))
	if err != nil {
		return nil, err
	}
	out := make([]event.Dead, len(resp.GetDead()))
	for i, d := range resp.GetDead() {
		out[i] = event.Dead{Event: fromEvent(d.GetEvent()), Pattern: d.GetPattern(), Attempts: int(d.GetAttempts()), Reason: d.GetReason(), At: fromTime(d.GetAt())}
	}
	return out, nil
}

func toEvent(e event.Event) *pb.Event {
	return &pb.Event{Id: e.ID, Topic: clip(e.Topic), Tenant: e.Tenant, Key: e.Key, At: toTime(e.At), Data: e.Data}
}

func fromEvent(e *pb.Event) event.Event {
	return event.Event{ID: e.GetId(), Topic: e.GetTopic(), Tenant: e.GetTenant(), Key: e.GetKey(), At: fromTime(e.GetAt()), Data: e.GetData()}
}
