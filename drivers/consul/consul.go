// Package consul finds the processes of the platform through a Consul agent: it is a
// registry.Registry. cmd opens one a process, registers the roles it serves, and
// hands it to those who call other roles. It stores nothing else in Consul.
package consul

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/hashicorp/consul/api"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/registry"
)

// Check is how the health of an instance is looked after.
type Check string

// The ways.
const (
	// CheckAuto is CheckHTTP for an instance with an HTTP address, else CheckGRPC.
	CheckAuto Check = ""
	// CheckHTTP has the agent ask for /readyz.
	CheckHTTP Check = "http"
	// CheckGRPC has the agent call the gRPC health service.
	CheckGRPC Check = "grpc"
	// CheckBoth wants both to pass.
	CheckBoth Check = "both"
	// CheckTTL has the process report to the agent, where the agent cannot reach it.
	CheckTTL Check = "ttl"
)

// Options configures a Registry. The zero value is the documented default.
type Options struct {
	// Token is the ACL token. It needs service:write for the services that are
	// registered and service:read and node:read for those that are watched.
	Token string
	// Datacenter is the one to watch (default that of the agent).
	Datacenter string
	// Check is how instances are checked, and Every how often (default 2 s, at least 1 s).
	Check Check
	Every time.Duration
	// DeregisterAfter is how long an instance may fail its check before Consul forgets it (default
	// 2 min, at least 1 min; Consul looks twice a minute).
	DeregisterAfter time.Duration
	// Ready is asked with CheckTTL at each report; an error reports the instance as failing.
	Ready func(ctx context.Context) error
	// Grace is how long after an outage an empty list is not believed, so that an agent which
	// lost its memory does not empty the platform while the instances register again
	// (default 15 s).
	Grace time.Duration
	// Timeout bounds each request but the waiting of watches (default 5 s).
	Timeout time.Duration
	// Client sends the requests (default one of its own; set it for TLS of your own).
	Client *http.Client
	// Scheme is http (default) or https.
	Scheme string
}

// Registry is a registry.Registry in Consul. A registration is looked after until
// its leave: when the agent has forgotten it, after a restart or a long failure of its check, it
// is made again within Every and a Timeout. While the agent is out of reach the watches keep their last
// list, and Ping tells. Close it when done.
type Registry struct {
	client *api.Client
	idle   func() // closes idle connections
	opt    Options

	ctx    context.Context // of the keepers and watches; it ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup

	registering sync.Mutex         // held through Register and leave: one at a time
	keepers     map[string]*keeper // by instance ID

	mu     sync.Mutex
	closed bool
}

var _ registry.Registry = (*Registry)(nil)

// New returns a Registry that speaks to the agent at address, host:port. It does not ask it;
// Ping does. Options out of range are fault.Invalid.
func New(address string, opt Options) (*Registry, error) {
	const op = "consul.New"
	if opt.Every == 0 {
		opt.Every = 2 * time.Second
	}
	if opt.DeregisterAfter == 0 {
		opt.DeregisterAfter = 2 * time.Minute
	}
	if opt.Grace == 0 {
		opt.Grace = 15 * time.Second
	}
	if opt.Timeout == 0 {
		opt.Timeout = 5 * time.Second
	}
	if opt.Scheme == "" {
		opt.Scheme = "http"
	}
	switch {
	case opt.Every < time.Second, opt.DeregisterAfter < time.Minute, opt.Grace < 0, opt.Timeout < 0:
		return nil, fault.New(fault.Invalid, op, "checks are made once a second at most, instances forgotten after a minute at least")
	case opt.Scheme != "http" && opt.Scheme != "https":
		return nil, fault.New(fault.Invalid, op, "the scheme is http or https")
	}
	switch opt.Check {
	case CheckAuto, CheckHTTP, CheckGRPC, CheckBoth, CheckTTL:
	default:
		return nil, fault.New(fault.Invalid, op, "the check is http, grpc, both or ttl")
	}
	client := http.Client{Transport: &http.Transport{IdleConnTimeout: time.Minute, ForceAttemptHTTP2: true}}
	if opt.Client != nil {
		client = *opt.Client
	}
	client.Transport = withToken{client.Transport, opt.Token}
	c, err := api.NewClient(&api.Config{Address: address, Scheme: opt.Scheme, Token: opt.Token, Datacenter: opt.Datacenter, HttpClient: &client})
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	r := &Registry{client: c, idle: client.CloseIdleConnections, opt: opt, keepers: map[string]*keeper{}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	return r, nil
}

// withToken sends the token that was given and no other: the client of the SDK takes one from the
// environment when there is none.
type withToken struct {
	next  http.RoundTripper
	token string
}

func (w withToken) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.Header.Del("X-Consul-Token")
	if w.token != "" {
		req.Header.Set("X-Consul-Token", w.token)
	}
	next := w.next
	if next == nil {
		next = http.DefaultTransport
	}
	return next.RoundTrip(req)
}

// CloseIdleConnections lets http.Client pass it on.
func (w withToken) CloseIdleConnections() {
	if c, ok := w.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// Close ends the watches and stops looking after registrations; it does not
// take them back, since an instance that drains does so with its leave first. Closing twice
// is fine.
func (r *Registry) Close() error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.cancel()
	r.wg.Wait()
	r.idle()
	return nil
}

// Ping tells whether the agent answers and its servers have a leader.
func (r *Registry) Ping(ctx context.Context) error {
	const op = "consul.Ping"
	inner, cancel := context.WithTimeout(ctx, r.opt.Timeout)
	defer cancel()
	leader, err := r.client.Status().LeaderWithQueryOptions((&api.QueryOptions{}).WithContext(inner))
	if err == nil && leader == "" {
		return fault.New(fault.Unavailable, op, "the Consul servers have no leader")
	}
	return classify(ctx, op, err)
}

// begin starts a goroutine that Close waits for.
func (r *Registry) begin(op string, run func()) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return fault.New(fault.Unavailable, op, "the registry is closed")
	}
	r.wg.Go(run)
	return nil
}

// classify gives an error of the client its kind. What the agent refuses is for the
// operator to mend, so it is unavailable too; a request that ctx ended is canceled.
func classify(ctx context.Context, op string, err error) error {
	if err == nil {
		return nil
	}
	if ended := ctx.Err(); ended != nil {
		return fault.Wrap(fault.Canceled, op, ended)
	}
	e := &fault.Error{Kind: fault.Unavailable, Op: op, Err: err}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		// Our own deadline, not the caller's.
		e.Err = errors.New("consul did not answer in time")
	}
	var status api.StatusError
	if errors.As(err, &status) && (status.Code == http.StatusForbidden || status.Code == http.StatusUnauthorized) {
		e.Msg = "Consul does not accept the token for this"
	}
	return e
}

// unknown tells whether the agent said that it does not know the instance.
func unknown(err error) bool {
	var status api.StatusError
	return errors.As(err, &status) && status.Code == http.StatusNotFound
}
