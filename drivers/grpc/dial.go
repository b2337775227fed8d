package grpc

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	gogrpc "google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // the client's half of health checking
	"google.golang.org/grpc/keepalive"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/registry"
)

// DialOptions configures Dial. Registry with Service, or Target, is required, and TLS or
// Insecure.
type DialOptions struct {
	// Registry knows where the instances of Service are, now and later.
	Registry registry.Registry
	Service  string
	// Target is one address instead: host:port, unix:PATH, or dns:///host:port for all
	// addresses of a name.
	Target string
	// TLS is who this process is and whom it believes.
	TLS *TLS
	// Insecure calls without TLS: over loopback, or where ServerOptions.InsecureAnywhere is used.
	Insecure bool
	// Pick chooses the instance of a call (default RoundRobin).
	Pick Pick
	// Timeout bounds a call whose caller set no earlier deadline (default 10 s); Timeouts
	// does for single methods by full name, such as "/streamgate.v1.GateService/Decide". A negative
	// one sets no bound. Streams have none.
	Timeout  time.Duration
	Timeouts map[string]time.Duration
	// Attempts bounds the tries of one call of an idempotent method (default 3, at most 5; 1 never
	// tries again). RetryBudget bounds what all calls together may try again while nothing
	// succeeds (default 10); ten successes earn one try.
	Attempts, RetryBudget int
	// BreakAfter is how many calls in a row go unanswered before calls are refused at once
	// (default 10), and Cooldown how long that lasts until one is let through (default 1 s).
	BreakAfter int
	Cooldown   time.Duration
	// MaxMessage bounds a message in bytes (default 16 MiB).
	MaxMessage int
	// Traces makes spans; nil means the global provider. The trace goes along in the W3C header.
	Traces trace.TracerProvider
	// Now is the clock of the breaker; nil means time.Now.
	Now func() time.Time
	// Dialer makes connections; nil means the network.
	Dialer func(ctx context.Context, addr string) (net.Conn, error)
}

// Pick is how an instance is chosen.
type Pick string

// The choices.
const (
	// RoundRobin takes the healthy instances in turn.
	RoundRobin Pick = "round_robin"
	// PickOne takes one at random and stays with it while it serves. It asks for no health.
	PickOne Pick = "pick_first"
)

func (o DialOptions) withDefaults() DialOptions {
	o.Pick = cmp.Or(o.Pick, RoundRobin)
	o.Timeout = cmp.Or(o.Timeout, 10*time.Second)
	o.Attempts = cmp.Or(o.Attempts, 3)
	o.RetryBudget = cmp.Or(o.RetryBudget, 10)
	o.BreakAfter = cmp.Or(o.BreakAfter, 10)
	o.Cooldown = cmp.Or(o.Cooldown, time.Second)
	o.MaxMessage = cmp.Or(o.MaxMessage, maxMessage)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func (o DialOptions) check() error {
	const op = "grpc.Dial"
	bad := fault.New(fault.Invalid, op, "the options do not say whom to call, and how")
	if named := o.Registry != nil && o.Service != ""; named == (o.Target != "") {
		bad.With("Target", "say either Registry with Service, or Target")
	}
	if (o.TLS != nil) == o.Insecure {
		bad.With("TLS", "say either TLS or Insecure")
	}
	if o.Pick != RoundRobin && o.Pick != PickOne {
		bad.With("Pick", fmt.Sprintf("%.40q is not a way to choose", string(o.Pick)))
	}
	if o.Attempts < 1 || o.Attempts > 5 {
		bad.With("Attempts", "write 1 to 5")
	}
	if o.RetryBudget < 0 || o.RetryBudget > 500 {
		bad.With("RetryBudget", "write 0 to 500")
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// Dial returns a connection to a service, for the NewX functions. It returns at once, whether
// or not the service is there; a connection lost is made again, at most 2 s after the
// service is back. Bad options are fault.Invalid. The caller closes the connection.
//
// Calls go to the instances the registry names whose health, asked by the connection, is serving.
// Each has a deadline. A call of an idempotent method that found nobody to answer is tried again,
// within a budget that all calls share, so that an outage is not made worse; a breaker
// refuses calls while the service does not answer at all.
func Dial(ctx context.Context, opt DialOptions) (*gogrpc.ClientConn, error) {
	const op = "grpc.Dial"
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, op, err)
	}
	opt = opt.withDefaults()
	if err := opt.check(); err != nil {
		return nil, err
	}
	creds, err := opt.credentials()
	if err != nil {
		return nil, fault.At(op, err)
	}
	guard := &guard{opt: opt, breaker: breaker{failures: opt.BreakAfter, cooldown: opt.Cooldown, now: opt.Now}}
	dial := []gogrpc.DialOption{
		gogrpc.WithTransportCredentials(creds),
		gogrpc.WithDefaultServiceConfig(opt.serviceConfig()), gogrpc.WithDisableServiceConfig(),
		gogrpc.WithMaxCallAttempts(opt.Attempts),
		gogrpc.WithDefaultCallOptions(gogrpc.MaxCallRecvMsgSize(opt.MaxMessage), gogrpc.MaxCallSendMsgSize(opt.MaxMessage)),
		gogrpc.WithConnectParams(gogrpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 2 * time.Second},
			MinConnectTimeout: 5 * time.Second,
		}),
		gogrpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 10 * time.Second, Timeout: 5 * time.Second, PermitWithoutStream: true}),
		gogrpc.WithIdleTimeout(0),
		gogrpc.WithStatsHandler(otelgrpc.NewClientHandler(
			otelgrpc.WithTracerProvider(opt.Traces), otelgrpc.WithPropagators(propagation.TraceContext{}),
		)),
		gogrpc.WithChainUnaryInterceptor(guard.unary), gogrpc.WithChainStreamInterceptor(guard.stream),
	}
	if opt.Dialer != nil {
		dial = append(dial, gogrpc.WithContextDialer(opt.Dialer))
	}
	target := opt.Target
	if opt.Registry != nil && opt.Service != "" {
		target = scheme + ":///" + opt.Service
		dial = append(dial, gogrpc.WithResolvers(&builder{opt.Registry, opt.Service}))
	} else if !strings.Contains(target, "://") && !strings.HasPrefix(target, "unix:") {
		target = "passthrough:///" + target
	}
	conn, err := gogrpc.NewClient(target, dial...)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	conn.Connect()
	return conn, nil
}

func (o DialOptions) credentials() (credentials.TransportCredentials, error) {
	if o.Insecure {
		return insecure.NewCredentials(), nil
	}
	opt := *o.TLS
	if opt.ServerName == "" {
		opt.ServerName = o.Service
	}
	id, err := newIdentity(opt, false)
	if err != nil {
		return nil, err
	}
	return &reloading{id: id}, nil
}
