package streamgate

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/drivers/ffmpeg"
	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/httpapi"
	"github.com/streamgate/streamgate/kernel"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/storage/envelope"
	"github.com/streamgate/streamgate/storage/file"
	"github.com/streamgate/streamgate/storage/route"
)

// DatabaseFile is the name of the SQLite database in the data folder.
const DatabaseFile = "streamgate.db"

// Platform is an assembled StreamGate. Its methods are safe for concurrent use.
type Platform struct {
	// The services, for hosts that want to call them beside the HTTP surface.
	Auth     *auth.Service
	Media    *media.Service
	Playback *playback.Service
	Decider  *nft.Decider

	kernel  *kernel.Kernel
	handler http.Handler
	relay   *sqldb.Relay
	closers []func() error // in order of opening
	drain   context.CancelFunc
	once    sync.Once
}

// New opens and wires every part. It starts nothing: call Run. On an error what was opened is
// closed again. The caller must Close the platform after Run has returned.
func New(ctx context.Context, opts ...Option) (p *Platform, err error) {
	s := settings{dataDir: "streamgate-data", logger: slog.New(slog.DiscardHandler)}
	for _, o := range opts {
		o(&s)
	}
	p = &Platform{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
			p = nil
		}
	}()
	if err := os.MkdirAll(s.dataDir, 0o700); err != nil {
		return p, fault.Wrap(fault.Unavailable, "streamgate.New", err)
	}
	if err := p.openDefaults(ctx, &s); err != nil {
		return p, err
	}
	if err := p.wire(&s); err != nil {
		return p, err
	}
	return p, nil
}

func (p *Platform) onClose(f func() error) { p.closers = append(p.closers, f) }

// openDefaults fills every part the host did not bring.
func (p *Platform) openDefaults(ctx context.Context, s *settings) error {
	if s.db == nil {
		db, err := sqldb.Open(ctx, filepath.Join(s.dataDir, DatabaseFile))
		if err != nil {
			return err
		}
		p.onClose(db.Close)
		s.db = db
	}
	if s.keys == nil {
		ring, err := keys.OpenKeyring(filepath.Join(s.dataDir, "keys"), keys.Options{})
		if err != nil {
			return err
		}
		p.onClose(ring.Close)
		s.keys = ring
	}
	if s.store == nil {
		store, err := file.Open(filepath.Join(s.dataDir, "objects"), file.Options{})
		if err != nil {
			return err
		}
		p.onClose(store.Close)
		s.store = store
	}
	if s.events == nil {
		bus := event.NewMemory(event.Options{Logger: s.logger})
		p.onClose(func() error {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			return bus.Close(ctx)
		})
		s.events = bus
	}
	if s.queue == nil {
		s.queue = job.NewMemory(job.Options{})
	}
	if s.transcoder == nil {
		s.transcoder = ffmpeg.New(ffmpeg.Options{AllowUnsandboxed: s.allowUnsandboxed})
	}
	return nil
}

func (p *Platform) wire(s *settings) error {
	db := s.db
	store := s.store
	if s.second != nil {
		store = route.New(s.store, s.second, func(key string) bool { return media.StoredIn(key) == s.secondName })
	}
	objects, err := envelope.New(store, s.keys, envelope.Options{})
	if err != nil {
		return err
	}
	var chains []caip.ChainID
	for _, v := range s.verifiers {
		chains = append(chains, v.Chain())
	}
	p.Decider = nft.NewDecider(nft.DeciderOptions{
		Verifiers: s.verifiers, Cache: s.cache, Lists: s.lists, Roles: s.userRoles, Proofs: s.proofs, Metadata: s.metadata, Now: s.now, Logger: s.logger,
	})
	p.Auth = auth.New(db.Auth(), auth.Options{Chains: chains, Contracts: s.contracts, Events: s.events, Now: s.now, Logger: s.logger})
	p.Media, err = media.New(media.Options{
		Store: db.Media(), Objects: objects, Keys: s.keys, Transcoder: s.transcoder, Queue: s.queue, Events: s.events, SharedCache: s.cache, SecondStorage: s.secondName,
		MayCreate: s.mayCreate, MaxUpload: s.maxUpload, Quota: s.quota, Lanes: lanes(s.roles), Workers: s.workers, MaxWorkers: s.maxWorkers,
		Busy: s.busy, Now: s.now, Logger: s.logger,
	})
	if err != nil {
		return err
	}
	gate, assets := playback.Gate(p.Decider), playback.Assets(p.Media)
	if s.gate != nil {
		gate = s.gate
	}
	if s.assets != nil {
		assets = s.assets
	}
	p.Playback, err = playback.New(playback.Options{
		Assets: assets, Store: db.Playback(), Objects: objects, Keys: s.keys, Decider: gate, Events: s.events, SharedCache: s.cache,
		SessionActive: p.Auth.SessionActive, Lead: s.keyLead, GrantTTL: s.grantTTL, SegmentCacheBytes: s.segmentCache, Now: s.now, Logger: s.logger,
	})
	if err != nil {
		return err
	}
	p.relay = db.Relay(s.events, sqldb.RelayOptions{Logger: s.logger})
	if p.kernel, err = kernel.New(p.components(s), kernel.Options{Roles: s.roles, Logger: s.logger}); err != nil {
		return err
	}
	draining, drain := context.WithCancel(context.Background())
	p.drain = drain
	p.handler, err = httpapi.New(httpapi.Options{
		Auth: p.Auth, Media: p.Media, Playback: p.Playback, Decider: p.Decider, Sessions: s.sessions, Assets: s.assets, Roles: surface(s.roles), Shared: s.cache, System: s.system,
		PublicURL: s.publicURL, TrustedProxies: s.trustedProxies, AllowedOrigins: s.allowedOrigins, Health: p.kernel.Health, Metrics: s.metrics, NoWeb: s.noWeb,
		Stopping: draining.Done(), Logger: s.logger,
	})
	return err
}

// components are the parts that run, and the roles that need them.
func (p *Platform) components(s *settings) []kernel.Component {
	streaming := []string{"database"}
	if len(s.roles) == 0 { // near, not in other processes
		streaming = append(streaming, "decider", "media")
	}
	mediaStart := s.transcoder.Check
	if lanes(s.roles) == media.LaneNone {
		mediaStart = nil
	}
	return []kernel.Component{
		{Name: "surface", Roles: Roles()}, // every role has health and metrics, if nothing else
		{Name: "database", Ready: s.db.Ping},
		{Name: "outbox", Needs: []string{"database"}, Roles: []string{RoleMetadata, RoleUpload, RoleTranscode}, Run: p.relay.Run},
		{Name: "auth", Needs: []string{"database"}, Roles: []string{RoleAuth}, Run: p.Auth.Run},
		{Name: "decider", Needs: []string{"database"}, Roles: []string{RoleAuth}, Run: p.Decider.Run},
		{
			Name: "media", Needs: []string{"database"}, Roles: []string{RoleMetadata, RoleUpload, RoleTranscode, RoleWorker, RoleMonitor},
			Start: mediaStart, Run: p.Media.Run,
		},
		{Name: "playback", Needs: streaming, Roles: []string{RoleStreaming}, Run: p.Playback.Run},
	}
}

// Recover makes good what a lost queue or event bus took with it: work that is undone is
// enqueued again and the events of the last minutes are published again. Call it when a
// back-end tells that it was wiped (drivers/nats: OnReset).
func (p *Platform) Recover(ctx context.Context) error {
	_, err := p.relay.Replay(ctx, time.Now().Add(-replayed))
	return errors.Join(err, p.Media.Reconcile(ctx))
}

// replayed is how far back events are published again.
const replayed = 5 * time.Minute

// Handler serves the whole HTTP surface: mount it at the root of a host name.
func (p *Platform) Handler() http.Handler { return p.handler }

// Run keeps the platform alive until ctx ends: transcode workers, chain watches,
// clean-up. It returns nil after the ordered stop that ctx's end asks for, and what
// failed otherwise. It runs once.
func (p *Platform) Run(ctx context.Context) error { return p.kernel.Run(ctx) }

// Ready is closed once every component is ready to serve. It stays open for ever
// when starting fails, so wait for Run's return beside it.
func (p *Platform) Ready() <-chan struct{} { return p.kernel.Started() }

// Drain ends the streams of events, which would otherwise hold a server's
// shutdown up; see net/http.Server.RegisterOnShutdown. It may be called twice.
func (p *Platform) Drain() {
	if p.drain != nil {
		p.drain()
	}
}

// Close releases what New opened, in reverse. Call it after Run has returned.
func (p *Platform) Close() (err error) {
	p.once.Do(func() {
		p.Drain()
		for i := len(p.closers) - 1; i >= 0; i-- {
			err = errors.Join(err, p.closers[i]())
		}
	})
	return err
}
