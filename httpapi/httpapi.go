// Package httpapi is the HTTP surface of StreamGate: the v1 routes as one table,
// problem+json errors, the OpenAPI document and the embedded web app. It maps
// requests to the domains and holds no rules of its own.
//
// A host calls New once and mounts the handler at the root of its own mux. The
// package never opens a listener, reads no environment and keeps no state but
// rate limits and idempotency records, both bounded: in memory, or in the cache that several
// processes share.
package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/pass"
	"github.com/streamgate/streamgate/storage/cache"
)

// Options configures the handler. The services that the routes of Roles need are required:
// all of them for every route.
type Options struct {
	// Auth serves sign-in (RoleAuth), Media assets and uploads (RoleMetadata, RoleUpload),
	// Playback viewings (RoleStreaming), Decider the test of a wallet (RoleAuth).
	Auth     *auth.Service
	Media    *media.Service
	Playback *playback.Service
	Decider  *nft.Decider
	// Passes deploys and mints (RoleMetadata); nil answers that this server issues no passes.
	Passes *pass.Service
	// Sessions tells who a token belongs to; nil means Auth. Another process may.
	Sessions auth.Authenticator
	// Assets reads the asset that a viewing or a test is about; nil means Media.
	Assets playback.Assets
	// Roles selects the routes that are served, by the Role constants; none means every
	// route. The routes that belong to no role are served always.
	Roles []string
	// Shared, with the powers of cache.Limiter, Claimer and Updater, makes rate limits and
	// Idempotency-Keys hold over all processes that share it. Nil keeps them in this one. While it does
	// not answer, each process limits for itself, and a request with an Idempotency-Key is refused
	// for the moment rather than done twice.
	Shared cache.Cache
	// Tenant maps a request to its tenant; nil means "default" for all.
	Tenant func(*http.Request) (string, error)
	// PublicURL is the origin wallets see, "https://video.example"; empty takes
	// each request's own Host and scheme, which is right only for loopback:
	// sign-in on any other host is then refused.
	PublicURL string
	// TrustedProxies may set X-Forwarded-For, -Proto and -Host; empty trusts none.
	TrustedProxies []netip.Prefix
	// AllowedOrigins are the other origins whose pages may call the API, each
	// spelled as browsers send it ("https://app.example"). Ciphertext segments
	// need no entry: any page may read them.
	AllowedOrigins []string
	// System adds what a host knows of itself to /v1/system, by member; nil adds nothing.
	System func(ctx context.Context) map[string]any
	// Health reports every component by name for /readyz and /v1/system.
	Health func(ctx context.Context) map[string]error
	// MayInspect decides who sees in /v1/chains the state of each provider, and what they disagreed on; nil means nobody.
	MayInspect func(auth.Principal) bool
	// Metrics serves /metrics; nil leaves the route out.
	Metrics http.Handler
	// NoWeb leaves the embedded web app out.
	NoWeb bool
	// Limits bounds requests; the zero value means the documented defaults.
	Limits Limits
	// Stopping, when closed, ends the event streams, so that http.Server.Shutdown
	// does not wait for viewers to leave. Nil means never.
	Stopping <-chan struct{}
	// Meter and Tracer receive telemetry; nil means OpenTelemetry's global providers.
	Meter  metric.MeterProvider
	Tracer trace.TracerProvider
	// Now is the clock of limits and idempotency; nil means time.Now.
	Now    func() time.Time
	Logger *slog.Logger
}

// Limits bounds what one request or one client may ask for.
type Limits struct {
	// Body is the largest JSON body in bytes (default 64 KiB).
	Body int64
	// BodyTime bounds the reading of a JSON body (default 15 s).
	BodyTime time.Duration
	// AuthPerMinute is how many sign-in requests one client address may make
	// in a minute, in the long run and as a burst (default 60).
	AuthPerMinute int
	// CostlyPerMinute is the same for requests that may ask a chain: opening a
	// viewing and testing a wallet (default 240).
	CostlyPerMinute int
	// Clients bounds the table of client addresses (default 16384).
	Clients int
	// Idempotency bounds the records of Idempotency-Key (default 10000), each
	// kept for 24 hours.
	Idempotency int
}

func (l Limits) withDefaults() Limits {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&l.AuthPerMinute, 60)
	def(&l.CostlyPerMinute, 240)
	def(&l.Clients, 16384)
	def(&l.Idempotency, 10000)
	if l.Body <= 0 {
		l.Body = 64 << 10
	}
	if l.BodyTime <= 0 {
		l.BodyTime = 15 * time.Second
	}
	return l
}

// api is the state behind the routes.
type api struct {
	Options
	uploads     http.Handler
	authLimit   *limiter
	costlyLimit *limiter
	once        once
	telemetry   *telemetry
	started     time.Time
}

// complete fills in what follows from other options and refuses what is missing.
func (o *Options) complete() error {
	for _, r := range o.Roles {
		if !slices.Contains(roles(), r) {
			return fmt.Errorf("httpapi.New: there is no role %q; the roles that serve routes are %s", r, strings.Join(roles(), ", "))
		}
	}
	a := api{Options: *o}
	if o.Sessions == nil && o.Auth != nil {
		o.Sessions = o.Auth
	}
	if o.Assets == nil && o.Media != nil {
		o.Assets = o.Media
	}
	var missing []string
	for _, need := range []struct {
		name string
		gone bool
	}{
		{"Auth", a.serves(RoleAuth) && o.Auth == nil},
		{"Decider", a.serves(RoleAuth) && o.Decider == nil},
		{"Media", (a.serves(RoleMetadata) || a.serves(RoleUpload)) && o.Media == nil},
		{"Playback", a.serves(RoleStreaming) && o.Playback == nil},
		{"Sessions", !a.serves(RoleAuth) && !slices.Equal(o.Roles, []string{RoleNone}) && o.Sessions == nil},
		{"Assets", !a.serves(RoleMetadata) && (a.serves(RoleStreaming) || a.serves(RoleAuth)) && o.Assets == nil},
	} {
		if need.gone {
			missing = append(missing, need.name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("httpapi.New: required for the routes that are served: %s", strings.Join(missing, ", "))
	}
	return nil
}

// roles lists the roles that serve routes.
func roles() []string {
	return []string{RoleAuth, RoleMetadata, RoleUpload, RoleStreaming, RoleMonitor, RoleNone}
}

// New returns the handler of the whole surface, or what is wrong with opt.
func New(opt Options) (http.Handler, error) {
	if err := opt.complete(); err != nil {
		return nil, err
	}
	if opt.PublicURL != "" {
		u, err := url.Parse(opt.PublicURL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" || u.RawQuery != "" || u.User != nil {
			return nil, errors.New(`httpapi.New: PublicURL must be an origin such as "https://video.example", without a path`)
		}
	}
	opt.Limits = opt.Limits.withDefaults()
	if opt.Tenant == nil {
		opt.Tenant = func(*http.Request) (string, error) { return "default", nil }
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Health == nil {
		opt.Health = func(context.Context) map[string]error { return nil }
	}
	a := &api{
		Options:     opt,
		authLimit:   newLimiter("auth", opt.Limits.AuthPerMinute, opt.Limits.Clients, opt.Shared, opt.Now),
		costlyLimit: newLimiter("costly", opt.Limits.CostlyPerMinute, opt.Limits.Clients, opt.Shared, opt.Now),
		once:        newOnce(opt.Limits.Idempotency, opt.Shared, opt.Now),
		started:     opt.Now(),
	}
	var err error
	if a.telemetry, err = newTelemetry(opt.Meter, opt.Tracer); err != nil {
		return nil, err
	}
	if a.serves(RoleUpload) {
		if a.uploads, err = opt.Media.UploadHandler("/v1/uploads/", a.uploadPrincipal); err != nil {
			return nil, err
		}
	}
	mux := http.NewServeMux()
	for _, r := range table() {
		if !a.mounts(r) {
			continue
		}
		mux.Handle(r.method+" "+r.pattern, a.handler(r))
	}
	if err := a.mountRest(mux); err != nil {
		return nil, err
	}
	return a.outer(mux), nil
}
