package grpc_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	gogrpc "google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/streamgate/streamgate/drivers/grpc"
	"github.com/streamgate/streamgate/drivers/grpc/pb/externalscaler"
	"github.com/streamgate/streamgate/fault"
)

func TestScaler(t *testing.T) {
	t.Parallel()
	var depth atomic.Int64
	var gone atomic.Bool
	c := externalscaler.NewExternalScalerClient(over(t, grpc.ServerOptions{}, func(s gogrpc.ServiceRegistrar) {
		grpc.RegisterScaler(s, func(context.Context) (grpc.Load, error) {
			if gone.Load() {
				return grpc.Load{}, fault.New(fault.Unavailable, "x", "the queue is away")
			}
			return grpc.Load{Depth: int(depth.Load()), Drain: time.Duration(depth.Load()) * 1500 * time.Millisecond}, nil
		})
	}))
	ref := &externalscaler.ScaledObjectRef{Name: "worker", Namespace: "streamgate", ScalerMetadata: map[string]string{"targetDepth": "3"}}
	active := func() bool {
		resp, err := c.IsActive(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		return resp.GetResult()
	}
	if active() {
		t.Error("active with nothing to do")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	stream, err := c.StreamIsActive(ctx, ref)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := stream.Recv(); err != nil || m.GetResult() {
		t.Errorf("the stream says %v, %v at first", m, err)
	}
	depth.Store(7)
	if !active() {
		t.Error("not active with seven jobs")
	}
	if m, err := stream.Recv(); err != nil || !m.GetResult() {
		t.Errorf("the stream says %v, %v with seven jobs", m, err)
	}
	spec, err := c.GetMetricSpec(t.Context(), ref)
	if err != nil || len(spec.GetMetricSpecs()) != 2 {
		t.Fatalf("%v, %v, want two metrics", spec, err)
	}
	for i, want := range map[int]float64{0: 3, 1: 60} {
		if got := spec.GetMetricSpecs()[i]; got.GetTargetSizeFloat() != want || got.GetTargetSize() != int64(want) {
			t.Errorf("target %v, want %v", got, want)
		}
	}
	for name, want := range map[string]float64{grpc.MetricDepth: 7, grpc.MetricDrain: 10.5} {
		got, err := c.GetMetrics(t.Context(), &externalscaler.GetMetricsRequest{ScaledObjectRef: ref, MetricName: name})
		if err != nil || len(got.GetMetricValues()) != 1 || got.GetMetricValues()[0].GetMetricValueFloat() != want || got.GetMetricValues()[0].GetMetricName() != name {
			t.Errorf("%s is %v, %v, want %v", name, got, err, want)
		}
	}
	if _, err := c.GetMetrics(t.Context(), &externalscaler.GetMetricsRequest{MetricName: "other"}); status.Code(err) != codes.NotFound {
		t.Errorf("another metric: %v", err)
	}
	for _, bad := range []string{"", "0", "-1", "many", "NaN", "Inf"} {
		ref := &externalscaler.ScaledObjectRef{ScalerMetadata: map[string]string{"targetDrainSeconds": bad}}
		if _, err := c.GetMetricSpec(t.Context(), ref); status.Code(err) != codes.InvalidArgument {
			t.Errorf("a target of %q: %v, want a refusal", bad, err)
		}
	}
	gone.Store(true)
	if _, err := c.IsActive(t.Context(), ref); status.Code(err) != codes.Unavailable {
		t.Errorf("with the queue away: %v: KEDA must not take it for nothing to do", err)
	}
	if _, err := c.GetMetrics(t.Context(), &externalscaler.GetMetricsRequest{MetricName: grpc.MetricDepth}); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("with the queue away: %v", err)
	}
}
