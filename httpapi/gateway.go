package httpapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/registry"
)

// Balancer picks who serves a request. registry.Balancer is one.
type Balancer interface {
	// Pick returns an instance of a role, or fault.Unavailable when there is none.
	Pick(service string) (registry.Instance, error)
	// Report tells how the instance with that ID fared; nil is well.
	Report(id string, err error)
}

// GatewayOptions configures a gateway. Balancer and Own are required.
type GatewayOptions struct {
	Balancer Balancer
	// Own serves what belongs to no role: the web app, health, metrics, the API description. It is a handler of New
	// with Roles RoleNone.
	Own http.Handler
	// TrustedProxies may set X-Forwarded-For; those of others are not passed on.
	TrustedProxies []netip.Prefix
	// HeaderTimeout is how long an instance may take to begin its answer before another is tried
	// or the request fails (default 15 s; a key is held for 6 s).
	HeaderTimeout time.Duration
	Logger        *slog.Logger
}

// The bounds of a gateway's tries.
const (
	gatewayTries = 3
	// replayable is the largest body that is kept to be sent again.
	replayable  = 64 << 10
	dialTime    = time.Second
	idlePerRole = 256
)

// NewGateway returns the handler of the gateway role: it forwards each request to a
// process of the role that serves it, picked anew for each, so no role needs sticky
// sessions. A request that did not reach its instance goes to another, and so does
// one that may be repeated without harm when its instance breaks off before it answers.
// Bodies stream both ways and are not kept, but for small ones of requests that may be repeated.
func NewGateway(opt GatewayOptions) (http.Handler, error) {
	if opt.Balancer == nil || opt.Own == nil {
		return nil, errors.New("httpapi.NewGateway: Balancer and Own are required")
	}
	if opt.HeaderTimeout <= 0 {
		opt.HeaderTimeout = 15 * time.Second
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	g := &gateway{opt: opt, router: newRouter()}
	g.base = &http.Transport{
		DialContext:           (&net.Dialer{Timeout: dialTime, KeepAlive: 15 * time.Second}).DialContext,
		MaxIdleConnsPerHost:   idlePerRole,
		IdleConnTimeout:       30 * time.Second,
		ResponseHeaderTimeout: opt.HeaderTimeout,
		DisableCompression:    true,
		ReadBufferSize:        32 << 10,
		WriteBufferSize:       32 << 10,
	}
	g.proxy = &httputil.ReverseProxy{
		Rewrite: g.rewrite, Transport: g, ErrorHandler: g.failed, BufferPool: &bufferPool{},
		ErrorLog: slog.NewLogLogger(opt.Logger.Handler(), slog.LevelDebug),
	}
	return g, nil
}

type gateway struct {
	opt    GatewayOptions
	router *router
	base   *http.Transport
	proxy  *httputil.ReverseProxy
}

// router tells which row of the table a request meets.
type router struct {
	mux  *http.ServeMux
	rows map[string]route // by pattern as registered
}

func newRouter() *router {
	r := &router{http.NewServeMux(), map[string]route{}}
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for _, row := range table() {
		r.mux.Handle(row.method+" "+row.pattern, nothing)
		r.rows[row.method+" "+row.pattern] = row
		// A wrong method is answered by whoever serves the right one.
		if _, ok := r.rows[row.pattern]; !ok {
			r.mux.Handle(row.pattern, nothing)
			r.rows[row.pattern] = route{role: row.role, pattern: row.pattern}
		}
	}
	return r
}

func (r *router) route(req *http.Request) route {
	_, pattern := r.mux.Handler(req)
	return r.rows[pattern]
}

// repeatable tells whether doing the request twice is the same as doing it once: it
// is in HTTP's terms, or it only asks.
func repeatable(method, pattern string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete:
		return true
	}
	switch pattern {
	case "/v1/play/{token}/license", "/v1/play/{token}/renew", "/v1/gates/lint", "/v1/gates/import", "/v1/gates/check", "/v1/auth/challenge":
		return true
	}
	return false
}

type routeKey struct{}

// ServeHTTP implements http.Handler.
func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	row := g.router.route(r)
	if row.role == "" {
		g.opt.Own.ServeHTTP(w, r)
		return
	}
	g.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), routeKey{}, row)))
}

// rewrite addresses the request. Where it goes is chosen at each try.
func (g *gateway) rewrite(p *httputil.ProxyRequest) {
	p.Out.URL.Scheme, p.Out.Host = "http", p.In.Host
	peer, err := netip.ParseAddrPort(p.In.RemoteAddr)
	if err == nil && (&api{Options: Options{TrustedProxies: g.opt.TrustedProxies}}).trusted(peer.Addr().Unmap()) {
		for _, h := range []string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
			if v := p.In.Header[h]; v != nil {
				p.Out.Header[h] = v
			}
		}
	}
	host, proto := p.Out.Header.Get("X-Forwarded-Host"), p.Out.Header.Get("X-Forwarded-Proto")
	p.SetXForwarded() // appends the peer, replaces host and scheme
	if host != "" {
		p.Out.Header.Set("X-Forwarded-Host", host)
	}
	if proto != "" {
		p.Out.Header.Set("X-Forwarded-Proto", proto)
	}
}

// RoundTrip implements http.RoundTripper: it sends the request to an instance of its role.
func (g *gateway) RoundTrip(req *http.Request) (*http.Response, error) {
	row, _ := req.Context().Value(routeKey{}).(route)
	body, again, err := g.body(req, repeatable(req.Method, row.pattern))
	if err != nil {
		return nil, err
	}
	var last error
	for range gatewayTries {
		to, err := g.opt.Balancer.Pick(row.role)
		if err != nil {
			return nil, errors.Join(err, last)
		}
		out := req.Clone(req.Context())
		out.URL.Host = to.HTTP
		out.Body = body()
		resp, err := g.base.RoundTrip(out)
		if req.Context().Err() != nil { // the client left: that says nothing of the instance
			return resp, err
		}
		g.opt.Balancer.Report(to.ID, err)
		if err == nil {
			return resp, nil
		}
		last = err
		if !again(err) {
			break
		}
		g.opt.Logger.DebugContext(req.Context(), "gateway_retry", "role", row.role, "instance", to.ID, "error", err)
	}
	return nil, fault.Wrap(fault.Unavailable, "httpapi.gateway", last)
}

// body returns what makes the body of each try, and whether another try may follow an error.
func (g *gateway) body(req *http.Request, harmless bool) (next func() io.ReadCloser, again func(error) bool, err error) {
	if req.Body == nil || req.Body == http.NoBody || req.ContentLength == 0 {
		return func() io.ReadCloser { return http.NoBody }, func(err error) bool { return harmless || unreached(err) }, nil
	}
	if harmless && req.ContentLength > 0 && req.ContentLength <= replayable {
		b, err := io.ReadAll(io.LimitReader(req.Body, replayable))
		if err != nil {
			return nil, nil, fault.Wrap(fault.Canceled, "httpapi.gateway", err)
		}
		return func() io.ReadCloser { return io.NopCloser(bytes.NewReader(b)) }, func(error) bool { return true }, nil
	}
	// The transport closes the body of a try that failed to connect: another try needs it.
	once := &untouched{Reader: req.Body}
	return func() io.ReadCloser { return once }, func(err error) bool { return unreached(err) && !once.read }, nil
}

// unreached tells that no byte of the request can have arrived.
func unreached(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// untouched is a body that can be sent by another try as long as nobody read of it.
type untouched struct {
	io.Reader
	read bool
}

// Read implements io.Reader.
func (u *untouched) Read(b []byte) (int, error) {
	u.read = true
	return u.Reader.Read(b)
}

// Close does nothing: the server closes the request's body.
func (u *untouched) Close() error { return nil }

// failed answers when no instance did.
func (g *gateway) failed(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the client has gone
	}
	row, _ := r.Context().Value(routeKey{}).(route)
	g.opt.Logger.InfoContext(r.Context(), "gateway_failed", "role", row.role, "path", redact(r.URL.Path), "error", err)
	e := fault.Newf(fault.Unavailable, "httpapi.gateway", "This part of the service (%s) does not answer right now. Try again shortly.", row.role).After(time.Second)
	e.Err = err
	writeProblem(w, e, r.Header.Get("X-Request-Id"))
}

// bufferPool lends the buffers that bodies are copied with.
type bufferPool struct{ pool sync.Pool }

// Get implements httputil.BufferPool.
func (p *bufferPool) Get() []byte {
	if b, ok := p.pool.Get().(*[]byte); ok {
		return *b
	}
	return make([]byte, 64<<10)
}

// Put implements httputil.BufferPool.
func (p *bufferPool) Put(b []byte) { p.pool.Put(&b) }
