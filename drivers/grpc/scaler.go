package grpc

import (
	"context"
	"math"
	"strconv"
	"time"

	gogrpc "google.golang.org/grpc"

	"github.com/streamgate/streamgate/drivers/grpc/pb/externalscaler"
	"github.com/streamgate/streamgate/fault"
)

// The metrics that KEDA is told of, and the metadata of a ScaledObject that says how much of
// each one worker is to have.
const (
	// MetricDepth is the number of jobs that wait; targetDepth (default 10) are for one worker.
	MetricDepth = "queue_depth"
	// MetricDrain is how many seconds one worker would need for them; targetDrainSeconds
	// (default 60) are for one worker.
	MetricDrain = "drain_seconds"

	targetDepth = "targetDepth"
	targetDrain = "targetDrainSeconds"
)

// scaleEvery is how often a stream of KEDA's looks at the load.
const scaleEvery = 5 * time.Second

// Load is what there is to do.
type Load struct {
	// Depth counts the jobs waiting or being worked on.
	Depth int
	// Drain is the estimated time one worker needs for them; zero says nothing.
	Drain time.Duration
}

// RegisterScaler serves KEDA's external scaler from load. A load that cannot be learned is
// an error to KEDA, which then keeps the number of workers there is.
func RegisterScaler(s gogrpc.ServiceRegistrar, load func(ctx context.Context) (Load, error)) {
	externalscaler.RegisterExternalScalerServer(s, &scaler{load: load})
}

type scaler struct {
	externalscaler.UnimplementedExternalScalerServer
	load func(ctx context.Context) (Load, error)
}

// IsActive implements externalscaler.ExternalScalerServer: with nothing to do there need be no worker.
func (s *scaler) IsActive(ctx context.Context, _ *externalscaler.ScaledObjectRef) (*externalscaler.IsActiveResponse, error) {
	l, err := s.load(ctx)
	if err != nil {
		return nil, answer(ctx, err)
	}
	return &externalscaler.IsActiveResponse{Result: l.Depth > 0}, nil
}

// StreamIsActive implements externalscaler.ExternalScalerServer: it tells each change, soon.
func (s *scaler) StreamIsActive(ref *externalscaler.ScaledObjectRef, stream gogrpc.ServerStreamingServer[externalscaler.IsActiveResponse]) error {
	ctx := stream.Context()
	told, was := false, false
	for {
		resp, err := s.IsActive(ctx, ref)
		if err == nil && (!told || resp.GetResult() != was) {
			if err := stream.Send(resp); err != nil {
				return err
			}
			told, was = true, resp.GetResult()
		}
		if !pause(ctx, scaleEvery) {
			return errEnding
		}
	}
}

// GetMetricSpec implements externalscaler.ExternalScalerServer.
func (s *scaler) GetMetricSpec(ctx context.Context, ref *externalscaler.ScaledObjectRef) (*externalscaler.GetMetricSpecResponse, error) {
	out := &externalscaler.GetMetricSpecResponse{}
	for _, m := range []struct {
		name, key string
		def       float64
	}{{MetricDepth, targetDepth, 10}, {MetricDrain, targetDrain, 60}} {
		target := m.def
		if text, ok := ref.GetScalerMetadata()[m.key]; ok {
			n, err := strconv.ParseFloat(text, 64)
			if err != nil || math.IsNaN(n) || n <= 0 || n > 1e9 {
				return nil, answer(ctx, fault.New(fault.Invalid, "grpc.Scaler", "the target is not usable").With(m.key, "write a positive number"))
			}
			target = n
		}
		out.MetricSpecs = append(out.MetricSpecs, &externalscaler.MetricSpec{MetricName: m.name, TargetSize: int64(math.Ceil(target)), TargetSizeFloat: target})
	}
	return out, nil
}

// GetMetrics implements externalscaler.ExternalScalerServer.
func (s *scaler) GetMetrics(ctx context.Context, req *externalscaler.GetMetricsRequest) (*externalscaler.GetMetricsResponse, error) {
	l, err := s.load(ctx)
	if err != nil {
		return nil, answer(ctx, err)
	}
	var value float64
	switch req.GetMetricName() {
	case MetricDepth:
		value = float64(l.Depth)
	case MetricDrain:
		value = l.Drain.Seconds()
	default:
		return nil, answer(ctx, fault.Newf(fault.NotFound, "grpc.Scaler", "there is no metric %.60q", req.GetMetricName()))
	}
	return &externalscaler.GetMetricsResponse{MetricValues: []*externalscaler.MetricValue{
		{MetricName: req.GetMetricName(), MetricValue: int64(math.Ceil(value)), MetricValueFloat: value},
	}}, nil
}
