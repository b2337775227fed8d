// Package httpapi is the HTTP surface of StreamGate: the v1 routes as one table,
// problem+json errors, the OpenAPI document and the embedded web app. It maps
// requests to the domains and holds no rules of its own.
package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/nft"
)

// Options configures the handler. The services are required.
type Options struct {
	Auth     *auth.Service
	Media    *media.Service
	Playback *playback.Service
	Decider  *nft.Decider
	// Tenant maps a request to its tenant; nil means "default" for all.
	Tenant func(*http.Request) (string, error)
	// PublicURL is the origin wallets see, "https://video.example"; empty takes
	// each request's own Host and scheme, which is right only for loopback.
	PublicURL string
	// TrustedProxies may set X-Forwarded-For and -Proto; empty trusts none.
	TrustedProxies []netip.Prefix
	// Health reports every component by name for /readyz and /v1/system.
	Health func(ctx context.Context) map[string]error
	// Metrics serves /metrics; nil leaves the route out.
	Metrics http.Handler
	// NoWeb leaves the embedded web app out.
	NoWeb  bool
	Logger *slog.Logger
}

// New returns the handler of the whole surface.
func New(opt Options) (http.Handler, error) { return nil, errors.New("skeleton") }
