package grpc

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"time"

	gogrpc "google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/streamgate/streamgate/drivers/grpc/pb"
	"github.com/streamgate/streamgate/fault"
)

// idempotent are the methods that may be made twice: they read, or the second time changes nothing.
func idempotent() []string {
	return []string{
		pb.GateService_Decide_FullMethodName,
		pb.AssetsService_GetAsset_FullMethodName, pb.AssetsService_GetVersion_FullMethodName,
		pb.AuthService_Authenticate_FullMethodName,
		pb.CacheService_GetValue_FullMethodName,
		pb.KeysService_MakeDataKey_FullMethodName, pb.KeysService_Unwrap_FullMethodName, pb.KeysService_Shred_FullMethodName,
		pb.EventService_ListDeadEvents_FullMethodName,
		pb.JobService_Extend_FullMethodName, pb.JobService_GetQueueStats_FullMethodName,
		pb.JobService_ListQueueStats_FullMethodName, pb.JobService_ListDeadJobs_FullMethodName,
		pb.VerifierService_Check_FullMethodName, pb.VerifierService_GetHead_FullMethodName,
	}
}

// serviceConfig writes the policy in gRPC's own form, as its retries are built into its
// streams. Of its throttle (gRFC A6) a failure takes one of maxTokens, a success gives
// tokenRatio back, and only the upper half is spent on retries.
func (o DialOptions) serviceConfig() string {
	type method struct {
		Service string `json:"service"`
		Method  string `json:"method"`
	}
	policy := map[string]any{}
	if o.Pick == RoundRobin {
		policy["loadBalancingConfig"] = []any{map[string]any{"round_robin": struct{}{}}}
		policy["healthCheckConfig"] = map[string]any{"serviceName": ""}
	} else {
		policy["loadBalancingConfig"] = []any{map[string]any{"pick_first": map[string]any{"shuffleAddressList": true}}}
	}
	if o.Attempts > 1 && o.RetryBudget > 0 {
		var names []method
		for _, full := range idempotent() {
			service, name, _ := strings.Cut(strings.TrimPrefix(full, "/"), "/")
			names = append(names, method{service, name})
		}
		policy["methodConfig"] = []any{map[string]any{
			"name": names,
			"retryPolicy": map[string]any{
				"maxAttempts": o.Attempts, "initialBackoff": "0.05s", "maxBackoff": "1s", "backoffMultiplier": 2.0,
				"retryableStatusCodes": []string{"UNAVAILABLE"},
			},
		}}
		policy["retryThrottling"] = map[string]any{"maxTokens": 2 * o.RetryBudget, "tokenRatio": 0.1}
	}
	out, _ := json.Marshal(policy)
	return string(out)
}

// guard stands before every call of a connection: the deadline and the breaker.
type guard struct {
	opt     DialOptions
	breaker breaker
}

// slow are the methods that by their nature take longer than a call may by default.
func slow(method string) time.Duration {
	switch method {
	case pb.KeysService_Rotate_FullMethodName:
		return 5 * time.Minute
	case pb.JobService_Lease_FullMethodName:
		return leaseWait + 10*time.Second
	}
	return 0
}

func (g *guard) timeout(method string) time.Duration {
	if d, ok := g.opt.Timeouts[method]; ok {
		return d
	}
	if d := slow(method); d > 0 {
		return d
	}
	return g.opt.Timeout
}

func (g *guard) enter() (leave func(verdict), err error) {
	leave, wait := g.breaker.enter()
	if leave == nil {
		return nil, toStatus(fault.New(fault.Unavailable, "grpc.Breaker", "the service does not answer").After(wait))
	}
	return leave, nil
}

// judge tells what an error says of the service. An error of ours is an answer; so
// is any other code than those of a way that is broken.
func judge(ctx context.Context, err error) verdict {
	if err == nil {
		return worked
	}
	if _, answered := fromStatus(err); answered {
		return worked
	}
	switch status.Code(err) {
	case codes.Unavailable:
		return failed
	case codes.DeadlineExceeded, codes.Canceled:
		if ctx.Err() != nil {
			return void // the caller's own
		}
		return failed
	}
	return worked
}

func (g *guard) unary(ctx context.Context, method string, req, reply any, cc *gogrpc.ClientConn, call gogrpc.UnaryInvoker, opts ...gogrpc.CallOption) error {
	leave, err := g.enter()
	if err != nil {
		return err
	}
	bounded := ctx
	if d := g.timeout(method); d > 0 {
		var cancel context.CancelFunc
		bounded, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	err = call(bounded, method, req, reply, cc, opts...)
	leave(judge(ctx, err))
	return err
}

// stream judges a stream by its beginning: what it says first, or why there is none.
func (g *guard) stream(ctx context.Context, desc *gogrpc.StreamDesc, cc *gogrpc.ClientConn, method string, open gogrpc.Streamer, opts ...gogrpc.CallOption) (gogrpc.ClientStream, error) {
	leave, err := g.enter()
	if err != nil {
		return nil, err
	}
	cs, err := open(ctx, desc, cc, method, opts...)
	if err != nil {
		leave(judge(ctx, err))
		return nil, err
	}
	out := &judged{ClientStream: cs, leave: leave}
	// A stream dropped before it said anything must not keep a probe for ever.
	out.unhook = context.AfterFunc(ctx, func() { out.once.Do(func() { leave(void) }) })
	return out, nil
}

type judged struct {
	gogrpc.ClientStream
	leave  func(verdict)
	once   sync.Once
	unhook func() bool
}

// RecvMsg implements gogrpc.ClientStream.
func (j *judged) RecvMsg(m any) error {
	err := j.ClientStream.RecvMsg(m)
	j.once.Do(func() {
		j.unhook()
		if err == io.EOF {
			j.leave(worked)
			return
		}
		j.leave(judge(j.Context(), err))
	})
	return err
}
