package grpc

import (
	"context"
	"errors"
	"time"

	gogrpc "google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/streamgate/streamgate/drivers/grpc/pb"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/job"
)

// leaseWait is how long one call of Lease waits for a job. It is short enough for a far
// side that vanished to be noticed, and long enough to cost nothing.
const leaseWait = 20 * time.Second

// RegisterJobs serves q. One that is no job.Inspector or job.KindInspector is fault.Unsupported to who inspects it.
func RegisterJobs(s gogrpc.ServiceRegistrar, q job.Queue) {
	out := &jobServer{queue: q}
	out.inspector, _ = q.(job.Inspector)
	out.kinds, _ = q.(job.KindInspector)
	pb.RegisterJobServiceServer(s, out)
}

type jobServer struct {
	pb.UnimplementedJobServiceServer
	queue     job.Queue
	inspector job.Inspector
	kinds     job.KindInspector
}

// Enqueue implements pb.JobServiceServer.
func (s *jobServer) Enqueue(ctx context.Context, req *pb.EnqueueRequest) (*pb.EnqueueResponse, error) {
	jobs := make([]job.Job, len(req.GetJobs()))
	for i, j := range req.GetJobs() {
		jobs[i] = fromJob(j)
	}
	return &pb.EnqueueResponse{}, answer(ctx, s.queue.Enqueue(ctx, jobs...))
}

// Lease implements pb.JobServiceServer. A server that drains answers that there is no job.
func (s *jobServer) Lease(ctx context.Context, req *pb.LeaseRequest) (*pb.LeaseResponse, error) {
	wait, cancel := context.WithTimeout(ctx, min(max(req.GetWait().AsDuration(), 0), time.Minute))
	defer cancel()
	l, err := s.queue.Lease(wait, req.GetKinds(), req.GetHold().AsDuration())
	if err != nil {
		if wait.Err() != nil && errors.Is(err, fault.Canceled) {
			return &pb.LeaseResponse{}, nil
		}
		return nil, answer(ctx, err)
	}
	return &pb.LeaseResponse{Lease: &pb.LeasedJob{Job: toJob(l.Job), Token: l.Token, Attempt: int64(l.Attempt), Expires: toTime(l.Expires)}}, nil
}

// Extend implements pb.JobServiceServer.
func (s *jobServer) Extend(ctx context.Context, req *pb.ExtendRequest) (*pb.ExtendResponse, error) {
	return &pb.ExtendResponse{}, answer(ctx, s.queue.Extend(ctx, req.GetToken(), req.GetHold().AsDuration()))
}

// Ack implements pb.JobServiceServer.
func (s *jobServer) Ack(ctx context.Context, req *pb.AckRequest) (*pb.AckResponse, error) {
	return &pb.AckResponse{}, answer(ctx, s.queue.Ack(ctx, req.GetToken()))
}

// Nack implements pb.JobServiceServer.
func (s *jobServer) Nack(ctx context.Context, req *pb.NackRequest) (*pb.NackResponse, error) {
	var cause error
	if req.GetFailed() {
		cause = errors.New(clip(req.GetReason()))
	}
	return &pb.NackResponse{}, answer(ctx, s.queue.Nack(ctx, req.GetToken(), req.GetDelay().AsDuration(), cause))
}

// GetQueueStats implements pb.JobServiceServer.
func (s *jobServer) GetQueueStats(ctx context.Context, _ *pb.GetQueueStatsRequest) (*pb.GetQueueStatsResponse, error) {
	if s.inspector == nil {
		return nil, answer(ctx, fault.New(fault.Unsupported, "grpc.Stats", "the queue served here cannot be inspected"))
	}
	st, err := s.inspector.Stats(ctx)
	if err != nil {
		return nil, answer(ctx, err)
	}
	return &pb.GetQueueStatsResponse{Waiting: int64(st.Waiting), Delayed: int64(st.Delayed), Leased: int64(st.Leased), Dead: int64(st.Dead)}, nil
}

// ListQueueStats implements pb.JobServiceServer.
func (s *jobServer) ListQueueStats(ctx context.Context, _ *pb.ListQueueStatsRequest) (*pb.ListQueueStatsResponse, error) {
	if s.kinds == nil {
		return nil, answer(ctx, fault.New(fault.Unsupported, "grpc.StatsByKind", "the queue served here does not count by kind"))
	}
	kinds, err := s.kinds.StatsByKind(ctx)
	if err != nil {
		return nil, answer(ctx, err)
	}
	out := &pb.ListQueueStatsResponse{}
	for kind, st := range kinds {
		out.Kinds = append(out.Kinds, &pb.KindStats{
			Kind: kind, Waiting: int64(st.Waiting), Delayed: int64(st.Delayed), Leased: int64(st.Leased), Dead: int64(st.Dead),
		})
	}
	return out, nil
}

// ListDeadJobs implements pb.JobServiceServer.
func (s *jobServer) ListDeadJobs(ctx context.Context, req *pb.ListDeadJobsRequest) (*pb.ListDeadJobsResponse, error) {
	if s.inspector == nil {
		return nil, answer(ctx, fault.New(fault.Unsupported, "grpc.DeadLetters", "the queue served here cannot be inspected"))
	}
	all, err := s.inspector.DeadLetters(ctx, int(req.GetLimit()))
	if err != nil {
		return nil, answer(ctx, err)
	}
	out := &pb.ListDeadJobsResponse{}
	for _, d := range all {
		out.Dead = append(out.Dead, &pb.DeadJob{Job: toJob(d.Job), Attempts: int64(d.Attempts), Reason: clip(d.Reason), At: toTime(d.At)})
	}
	return out, nil
}

// Jobs is a job.Queue elsewhere, and its Inspector and KindInspector. All methods are safe for concurrent use.
type Jobs struct{ c pb.JobServiceClient }

var (
	_ job.Queue         = (*Jobs)(nil)
	_ job.Inspector     = (*Jobs)(nil)
	_ job.KindInspector = (*Jobs)(nil)
)

// NewJobs returns the queue that RegisterJobs serves at the far end of conn.
func NewJobs(conn gogrpc.ClientConnInterface) *Jobs { return &Jobs{pb.NewJobServiceClient(conn)} }

// Enqueue implements job.Queue.
func (j *Jobs) Enqueue(ctx context.Context, jobs ...job.Job) error {
	req := &pb.EnqueueRequest{}
	for _, one := range jobs {
		req.Jobs = append(req.Jobs, toJob(one))
	}
	_, err := invoke(ctx, "grpc.Enqueue", j.c.Enqueue, req)
	return err
}

// Lease implements job.Queue. A far side that cannot be reached is fault.Unavailable at
// once. An answer lost on the way leaves its job leased until the lease expires.
func (j *Jobs) Lease(ctx context.Context, kinds []string, d time.Duration) (*job.Lease, error) {
	req := &pb.LeaseRequest{Kinds: kinds, Hold: durationpb.New(d), Wait: durationpb.New(leaseWait)}
	for {
		asked := time.Now()
		resp, err := invoke(ctx, "grpc.Lease", j.c.Lease, req)
		if err != nil {
			return nil, err
		}
		if l := resp.GetLease(); l != nil {
			return &job.Lease{Job: fromJob(l.GetJob()), Token: l.GetToken(), Attempt: int(l.GetAttempt()), Expires: fromTime(l.GetExpires())}, nil
		}
		// Who answers none at once drains: give the connection a moment to hear of it.
		if time.Since(asked) < time.Second && !pause(ctx, redial(1)) {
			return nil, fault.Wrap(fault.Canceled, "grpc.Lease", ctx.Err())
		}
	}
}

// Extend implements job.Queue.
func (j *Jobs) Extend(ctx context.Context, token string, d time.Duration) error {
	_, err := invoke(ctx, "grpc.Extend", j.c.Extend, &pb.ExtendRequest{Token: token, Hold: durationpb.New(d)})
	return err
}

// Ack implements job.Queue.
func (j *Jobs) Ack(ctx context.Context, token string) error {
	_, err := invoke(ctx, "grpc.Ack", j.c.Ack, &pb.AckRequest{Token: token})
	return err
}

// Nack implements job.Queue. Of cause its text crosses, at most 2 KiB, for the dead letter.
func (j *Jobs) Nack(ctx context.Context, token string, delay time.Duration, cause error) error {
	req := &pb.NackRequest{Token: token, Delay: durationpb.New(delay)}
	if cause != nil {
		req.Failed, req.Reason = true, clip(cause.Error())
	}
	_, err := invoke(ctx, "grpc.Nack", j.c.Nack, req)
	return err
}

// Stats implements job.Inspector.
func (j *Jobs) Stats(ctx context.Context) (job.Stats, error) {
	st, err := invoke(ctx, "grpc.Stats", j.c.GetQueueStats, &pb.GetQueueStatsRequest{})
	return job.Stats{Waiting: int(st.GetWaiting()), Delayed: int(st.GetDelayed()), Leased: int(st.GetLeased()), Dead: int(st.GetDead())}, err
}

// StatsByKind implements job.KindInspector.
func (j *Jobs) StatsByKind(ctx context.Context) (map[string]job.Stats, error) {
	resp, err := invoke(ctx, "grpc.StatsByKind", j.c.ListQueueStats, &pb.ListQueueStatsRequest{})
	if err != nil {
		return nil, err
	}
	kinds := make(map[string]job.Stats, len(resp.GetKinds()))
	for _, k := range resp.GetKinds() {
		kinds[k.GetKind()] = job.Stats{Waiting: int(k.GetWaiting()), Delayed: int(k.GetDelayed()), Leased: int(k.GetLeased()), Dead: int(k.GetDead())}
	}
	return kinds, nil
}

// DeadLetters implements job.Inspector.
func (j *Jobs) DeadLetters(ctx context.Context, limit int) ([]job.Dead, error) {
	resp, err := invoke(ctx, "grpc.DeadLetters", j.c.ListDeadJobs, &pb.ListDeadJobsRequest{Limit: int64(limit)}, gogrpc.MaxCallRecvMsgSize(maxMessage))
	if err != nil {
		return nil, err
	}
	out := make([]job.Dead, len(resp.GetDead()))
	for i, d := range resp.GetDead() {
		out[i] = job.Dead{Job: fromJob(d.GetJob()), Attempts: int(d.GetAttempts()), Reason: d.GetReason(), At: fromTime(d.GetAt())}
	}
	return out, nil
}

func toJob(j job.Job) *pb.Job {
	return &pb.Job{
		Id: j.ID, Kind: j.Kind, Tenant: j.Tenant, Priority: int64(j.Priority), Payload: j.Payload, NotBefore: toTime(j.NotBefore), MaxAttempts: int64(j.MaxAttempts),
	}
}

func fromJob(j *pb.Job) job.Job {
	return job.Job{
		ID: j.GetId(), Kind: j.GetKind(), Tenant: j.GetTenant(), Priority: int(j.GetPriority()), Payload: j.GetPayload(),
		NotBefore: fromTime(j.GetNotBefore()), MaxAttempts: int(j.GetMaxAttempts()),
	}
}
