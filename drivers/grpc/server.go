package grpc

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc/filters"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	gogrpc "google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"github.com/streamgate/streamgate/fault"
)

// ServerOptions configures a Server. TLS or Insecure is required.
type ServerOptions struct {
	// TLS is who this process is and whom it believes.
	TLS *TLS
	// Insecure serves without TLS, on loopback addresses and unix sockets only.
	Insecure bool
	// InsecureAnywhere lifts that bound, for a network that is private by other means.
	InsecureAnywhere bool
	// Callers lists the certificate names (common name, DNS or URI) that may call; empty
	// admits every caller whose certificate is good. It needs TLS.
	Callers []string
	// MaxMessage bounds a message in bytes, of either direction (default 16 MiB).
	MaxMessage int
	// MaxCalls bounds the calls at the same time (default 1,024), MaxStreams the open
	// streams (default 16,384). What is beyond is fault.Limited.
	MaxCalls, MaxStreams int
	// Notice is how long after a drain was begun calls are still taken, for clients
	// to hear of it (default 200 ms). DrainTimeout bounds the whole drain (default 20 s).
	Notice, DrainTimeout time.Duration
	// MaxConnectionAge has clients connect anew now and then, so that load spreads to
	// instances that came later (default 30 min).
	MaxConnectionAge time.Duration
	Logger           *slog.Logger
	// Traces makes spans; nil means the global provider. The context of a trace arrives
	// by the W3C header.
	Traces trace.TracerProvider
}

// Server serves interfaces to other processes. It is a gogrpc.ServiceRegistrar for the
// RegisterX functions, which are called before Serve. It has the standard services for
// health, per service and for the whole, and for reflection.
type Server struct {
	opt    ServerOptions
	g      *gogrpc.Server
	health *health.Server

	calls, streams chan struct{}

	// ending ends when streams and long polls are to end, with a drain.
	ending context.Context
	end    context.CancelFunc

	mu       sync.Mutex
	draining bool
	stopped  chan struct{} // closed when Stop is through
}

var _ gogrpc.ServiceRegistrar = (*Server)(nil)

// NewServer returns a server. TLS that cannot be used, or its absence without
// Insecure, is fault.Invalid.
func NewServer(opt ServerOptions) (*Server, error) {
	const op = "grpc.NewServer"
	opt.MaxMessage = cmp.Or(opt.MaxMessage, maxMessage)
	opt.MaxCalls = cmp.Or(opt.MaxCalls, 1024)
	opt.MaxStreams = cmp.Or(opt.MaxStreams, 16<<10)
	opt.Notice = cmp.Or(opt.Notice, 200*time.Millisecond)
	opt.DrainTimeout = cmp.Or(opt.DrainTimeout, 20*time.Second)
	opt.MaxConnectionAge = cmp.Or(opt.MaxConnectionAge, 30*time.Minute)
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	insecurely := opt.Insecure || opt.InsecureAnywhere
	if insecurely == (opt.TLS != nil) {
		return nil, fault.New(fault.Invalid, op, "say either TLS or Insecure")
	}
	if insecurely && len(opt.Callers) > 0 {
		return nil, fault.New(fault.Invalid, op, "a list of callers needs TLS: without it nobody shows a name")
	}
	s := &Server{
		opt: opt, health: health.NewServer(),
		calls: make(chan struct{}, opt.MaxCalls), streams: make(chan struct{}, opt.MaxStreams),
	}
	s.ending, s.end = context.WithCancel(context.Background())
	creds := insecure.NewCredentials()
	if opt.TLS != nil {
		id, err := newIdentity(*opt.TLS, true)
		if err != nil {
			return nil, fault.At(op, err)
		}
		creds = &reloading{id: id}
	}
	s.g = gogrpc.NewServer(
		gogrpc.Creds(creds),
		gogrpc.MaxRecvMsgSize(opt.MaxMessage), gogrpc.MaxSendMsgSize(opt.MaxMessage),
		gogrpc.KeepaliveParams(keepalive.ServerParameters{
			Time: 20 * time.Second, Timeout: 10 * time.Second,
			MaxConnectionAge: opt.MaxConnectionAge, MaxConnectionAgeGrace: opt.DrainTimeout,
		}),
		gogrpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		gogrpc.ConnectionTimeout(10*time.Second),
		gogrpc.StatsHandler(otelgrpc.NewServerHandler(
			otelgrpc.WithTracerProvider(opt.Traces), otelgrpc.WithPropagators(propagation.TraceContext{}),
			otelgrpc.WithFilter(filters.Not(filters.HealthCheck())),
		)),
		gogrpc.ChainUnaryInterceptor(s.unary), gogrpc.ChainStreamInterceptor(s.stream),
		gogrpc.WaitForHandlers(true),
	)
	healthpb.RegisterHealthServer(s.g, s.health)
	reflection.Register(s.g)
	return s, nil
}

// RegisterService implements gogrpc.ServiceRegistrar. The service is reported as serving.
func (s *Server) RegisterService(desc *gogrpc.ServiceDesc, impl any) {
	s.g.RegisterService(desc, impl)
	s.health.SetServingStatus(desc.ServiceName, healthpb.HealthCheckResponse_SERVING)
}

// SetServing reports a service, or with "" the whole, as serving or not. Clients made by Dial
// send no new call to a server that as a whole does not serve.
func (s *Server) SetServing(service string, serving bool) {
	st := healthpb.HealthCheckResponse_NOT_SERVING
	if serving {
		st = healthpb.HealthCheckResponse_SERVING
	}
	s.health.SetServingStatus(service, st)
}

// Serve answers on l until Stop, and then returns nil once that is through. A listener that others than this
// machine can reach is refused without TLS (fault.Invalid). Serve closes l. It may be
// called for several listeners.
func (s *Server) Serve(l net.Listener) error {
	const op = "grpc.Serve"
	if s.opt.TLS == nil && !s.opt.InsecureAnywhere && !local(l.Addr()) {
		_ = l.Close()
		return fault.Newf(fault.Invalid, op, "%s can be reached from other machines: it needs TLS, or InsecureAnywhere", l.Addr())
	}
	if err := s.g.Serve(l); err != nil && !errors.Is(err, gogrpc.ErrServerStopped) {
		return fault.Wrap(fault.Unavailable, op, err)
	}
	s.mu.Lock()
	stopped := s.stopped
	s.mu.Unlock()
	if stopped != nil {
		<-stopped
	}
	return nil
}

// local reports whether only this machine reaches the address.
func local(a net.Addr) bool {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return a.Network() == "bufconn"
}

// Stop drains: health turns to not serving, after Notice streams and long polls end and no new
// calls are taken, and calls under way are waited for, for DrainTimeout or until ctx
// ends; what is left then is cut off and the error is fault.Canceled. In any case no
// handler runs any more when it returns. Calling it again waits for the first.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	if s.draining {
		stopped := s.stopped
		s.mu.Unlock()
		<-stopped
		return nil
	}
	s.draining, s.stopped = true, make(chan struct{})
	s.mu.Unlock()
	defer close(s.stopped)
	ctx, cancel := context.WithTimeout(ctx, s.opt.DrainTimeout)
	defer cancel()
	s.health.Shutdown()
	pause(ctx, s.opt.Notice)
	s.end()
	graceful := make(chan struct{})
	go func() {
		defer close(graceful)
		s.g.GracefulStop()
	}()
	var err error
	select {
	case <-graceful:
	case <-ctx.Done():
		err = &fault.Error{Kind: fault.Canceled, Op: "grpc.Stop", Msg: "calls under way were cut off", Err: ctx.Err()}
		s.g.Stop()
	}
	<-graceful
	return err
}
