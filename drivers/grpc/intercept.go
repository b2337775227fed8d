package grpc

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	gogrpc "google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/streamgate/streamgate/drivers/grpc/pb"
	"github.com/streamgate/streamgate/fault"
)

// busyFor is when a caller who met a full server comes back.
const busyFor = 200 * time.Millisecond

// unary guards every call: who may, how many, and what panics.
func (s *Server) unary(ctx context.Context, req any, info *gogrpc.UnaryServerInfo, handle gogrpc.UnaryHandler) (resp any, err error) {
	if healthCheck(info.FullMethod) {
		return handle(ctx, req)
	}
	if err := s.admit(ctx); err != nil {
		return nil, err
	}
	release, err := acquire(ctx, s.calls)
	if err != nil {
		return nil, err
	}
	defer release()
	if info.FullMethod == pb.JobService_Lease_FullMethodName {
		var cancel context.CancelFunc
		ctx, cancel = s.untilEnding(ctx)
		defer cancel()
	}
	err = fault.Catch(info.FullMethod, func() error {
		var err error
		resp, err = handle(ctx, req)
		return err
	})
	return resp, s.report(ctx, info.FullMethod, err)
}

// stream is the same for streams, which end with a drain.
func (s *Server) stream(srv any, ss gogrpc.ServerStream, info *gogrpc.StreamServerInfo, handle gogrpc.StreamHandler) error {
	ctx, cancel := s.untilEnding(ss.Context())
	defer cancel()
	ss = &endingStream{ss, ctx}
	if healthCheck(info.FullMethod) {
		return handle(srv, ss)
	}
	if err := s.admit(ctx); err != nil {
		return err
	}
	release, err := acquire(ctx, s.streams)
	if err != nil {
		return err
	}
	defer release()
	err = fault.Catch(info.FullMethod, func() error { return handle(srv, ss) })
	if s.ending.Err() != nil && err != nil {
		return errEnding
	}
	return s.report(ctx, info.FullMethod, err)
}

func healthCheck(method string) bool {
	return strings.HasPrefix(method, "/"+healthpb.Health_ServiceDesc.ServiceName+"/")
}

// untilEnding returns a context that also ends when the server drains.
func (s *Server) untilEnding(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.ending, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

type endingStream struct {
	gogrpc.ServerStream
	ctx context.Context
}

// Context implements gogrpc.ServerStream.
func (s *endingStream) Context() context.Context { return s.ctx }

// admit refuses who is not on the list. It is a bare status: it says something of the
// process that calls and nothing of the viewer it calls for.
func (s *Server) admit(ctx context.Context) error {
	if len(s.opt.Callers) == 0 {
		return nil
	}
	if p, ok := peer.FromContext(ctx); ok {
		if info, ok := p.AuthInfo.(credentials.TLSInfo); ok && len(info.State.VerifiedChains) > 0 {
			cert := info.State.VerifiedChains[0][0]
			names := append([]string{cert.Subject.CommonName}, cert.DNSNames...)
			for _, u := range cert.URIs {
				names = append(names, u.String())
			}
			for _, name := range names {
				if name != "" && slices.Contains(s.opt.Callers, name) {
					return nil
				}
			}
		}
	}
	return status.Error(codes.PermissionDenied, "this process is not on the list of callers")
}

func acquire(ctx context.Context, slots chan struct{}) (release func(), err error) {
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	default:
		return nil, answer(ctx, fault.New(fault.Limited, "grpc.Serve", "the service is busy").After(busyFor))
	}
}

// report logs what no caller may see and makes sure that an error is a status.
func (s *Server) report(ctx context.Context, method string, err error) error {
	var p *fault.Panic
	if errors.As(err, &p) {
		s.opt.Logger.InfoContext(ctx, "grpc handler panicked", "method", method, "error", err, "stack", string(p.Stack))
		return toStatus(fault.New(fault.Internal, method, ""))
	}
	if fault.KindOf(err) == fault.Internal && status.Code(err) == codes.Internal {
		s.opt.Logger.InfoContext(ctx, "grpc call failed", "method", method, "error", err)
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	return answer(ctx, err)
}
