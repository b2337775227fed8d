// Package playback opens and polices a viewing: it asks the gate, hands out a
// grant, makes manifests, releases keys at the pace of the picture, and serves
// segments encrypted on the fly.
//
// What is gated is the manifest and the keys. Segments are the same ciphertext for
// every viewer and need no right, so that any cache may hold them. This is
// access control and not DRM: a released key is in the viewer's hands.
package playback

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/maypok86/otter/v2"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/singleflight"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/cache"
)

// Grant is the right to watch one asset, until it is revoked or expires.
type Grant struct {
	// Token is the path token; only its hash is stored and it is never logged.
	Token     string       `json:"token"`
	AssetID   string       `json:"asset_id"`
	ExpiresAt time.Time    `json:"expires_at"`
	Decision  nft.Decision `json:"decision"`
	// Owner tells that the viewer owns the asset and previews it.
	Owner bool `json:"owner"`
}

// Assets is what playback needs of media.Service.
type Assets interface {
	Get(ctx context.Context, tenant, id string) (media.Asset, error)
	Version(ctx context.Context, tenant, id string, number int) (*media.Version, error)
}

// Gate is what playback needs of nft.Decider, with its promises.
type Gate interface {
	Decide(ctx context.Context, r *rule.Rule, s nft.Subject) (nft.Decision, error)
	DecideFresh(ctx context.Context, r *rule.Rule, s nft.Subject) (nft.Decision, error)
	Watch(ctx context.Context, r *rule.Rule, s nft.Subject) <-chan nft.Decision
}

var _ Gate = (*nft.Decider)(nil)

// Options configures a Service. Fields without a stated default are required.
type Options struct {
	Assets  Assets
	Store   Store
	Objects storage.Store
	Keys    keys.Manager
	Decider Gate
	Events  event.Bus
	// PathPrefix is where the v1 routes are, as a viewer's browser sees them: an
	// absolute path or URL (default "/v1"). Only licence URLs need it: players
	// resolve those against their page and not against the manifest.
	PathPrefix string
	// Lead is how far before its time a key is released (default 4 s).
	Lead time.Duration
	// Hold is how long a key request that comes too early is kept waiting before
	// it is told to come back (default 6 s; players give up at 8 s).
	Hold time.Duration
	// Grace is how long after the last yes keys are still released while the
	// gate cannot tell, for rules that set no grace themselves (default 0).
	Grace time.Duration
	// GrantTTL is the life of a grant without renewal (default 4 h).
	GrantTTL time.Duration
	// SegmentCacheBytes bounds the in-process cache of encrypted segments (default 256 MiB).
	SegmentCacheBytes int64
	// SharedCache is a cache that several processes share (drivers/redis); nil means that
	// this is the only one. It holds encrypted segments, each read from Objects by one process, and, when it is
	// a cache.Updater, the pace of every grant, so that a viewer gets no key earlier by asking
	// several processes, and the places of rules that bound streams at once. Their clocks must agree within a second or so. Without it segments are read by each
	// process; a key that was not released yet is fault.Unavailable.
	SharedCache cache.Cache
	// SessionActive tells whether a session has not ended (auth.Service.SessionActive). A grant
	// ends with the session that opened it, on every process, within two seconds. nil means that sessions
	// end no grant, unless an event session.ended is heard.
	SessionActive func(ctx context.Context, tenant, session string) (bool, error)
	// TenantOf names the tenant of an asset for Media, whose URLs carry neither
	// tenant nor token; nil means every asset is of the tenant "default".
	TenantOf func(ctx context.Context, asset string) (string, error)
	// Now is the clock; nil means time.Now.
	Now    func() time.Time
	Logger *slog.Logger
	// Traces makes spans and Meters counts the answers of caches; nil means the global provider.
	Traces trace.TracerProvider
	Meters metric.MeterProvider
}

const defaultTenant = "default"

// Service serves viewings. All methods are safe for concurrent use.
type Service struct {
	opt    Options
	tracer trace.Tracer

	assets    *otter.Cache[string, assetEntry]
	versions  *otter.Cache[string, *versionEntry]
	manifests *otter.Cache[manifestKey, *manifest]
	segments  *otter.Cache[segmentKey, *segment]
	flight    singleflight.Group // of assets, versions, segments and records
	counts    counters
	shared    *cache.Shared // of segments, nil without
	paces     cache.Updater // of pacers, nil without
	places    cache.Updater

	mu       sync.RWMutex
	viewings map[string]*viewing // by token hash
	byAsset  map[string]map[*viewing]struct{}
	watchers map[string]*watcher
	// pending are the watchers that Run has yet to start; wake tells it so.
	pending []*watcher
	wake    chan struct{}
}

// New returns a Service; Run follows revocations.
func New(opt Options) (*Service, error) {
	const op = "playback.New"
	bad := fault.New(fault.Invalid, op, "an option is missing")
	for name, missing := range map[string]bool{
		"Assets": opt.Assets == nil, "Store": opt.Store == nil, "Objects": opt.Objects == nil, "Keys": opt.Keys == nil, "Decider": opt.Decider == nil,
		"Events": opt.Events == nil,
	} {
		if missing {
			bad.With(name, "is required")
		}
	}
	if len(bad.Fields) > 0 {
		return nil, bad
	}
	fill(&opt.PathPrefix, "/v1")
	fill(&opt.Lead, 4*time.Second)
	fill(&opt.Hold, 6*time.Second)
	fill(&opt.GrantTTL, 4*time.Hour)
	fill(&opt.SegmentCacheBytes, 256<<20)
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Traces == nil {
		opt.Traces = otel.GetTracerProvider()
	}
	s := &Service{
		opt:      opt,
		tracer:   opt.Traces.Tracer("github.com/streamgate/streamgate/media/playback"),
		viewings: map[string]*viewing{},
		byAsset:  map[string]map[*viewing]struct{}{},
		watchers: map[string]*watcher{},
		wake:     make(chan struct{}, 1),
		places:   newPlaces(&opt),
	}
	var err error
	if s.assets, err = otter.New(&otter.Options[string, assetEntry]{MaximumSize: 16 << 10}); err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	if s.versions, err = otter.New(&otter.Options[string, *versionEntry]{MaximumSize: 4 << 10}); err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	if s.manifests, err = otter.New(&otter.Options[manifestKey, *manifest]{
		MaximumWeight: 64 << 20, Weigher: func(_ manifestKey, m *manifest) uint32 { return uint32(m.size) + 256 },
	}); err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	if s.segments, err = otter.New(&otter.Options[segmentKey, *segment]{
		MaximumWeight: uint64(opt.SegmentCacheBytes), Weigher: func(_ segmentKey, g *segment) uint32 { return uint32(len(g.body)) + 256 },
	}); err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	if s.counts, err = newCounters(&opt); err != nil {
		return nil, fault.At(op, err)
	}
	if opt.SharedCache != nil {
		s.paces, _ = cache.As[cache.Updater](opt.SharedCache)
		s.shared = cache.NewShared(opt.SharedCache, cache.SharedOptions{
			Counts: s.counts.segments,
			OnCacheError: func(ctx context.Context, key string, err error) {
				opt.Logger.DebugContext(ctx, "shared cache out of reach", "key", key, "error", err)
			},
		})
	}
	return s, nil
}

// fill sets *v to def when it is the zero value.
func fill[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}
