package streamgate

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/merkle"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/cache"
)

// Option changes one thing of the platform that New assembles.
type Option func(*settings)

type settings struct {
	dataDir           string
	roles             []string
	db                *sqldb.DB
	gate              playback.Gate
	assets            playback.Assets
	sessions          auth.Authenticator
	system            func(ctx context.Context) map[string]any
	store             storage.Store
	second            storage.Store
	secondName        string
	keys              keys.Manager
	transcoder        media.Transcoder
	allowUnsandboxed  bool
	cache             cache.Cache
	queue             job.Queue
	events            event.Bus
	verifiers         []nft.Verifier
	contracts         auth.ContractVerifier
	mayCreate         func(auth.Principal) bool
	lists             func(ctx context.Context, tenant, list, account string) (bool, error)
	userRoles         func(ctx context.Context, tenant string, accounts []caip.AccountID) ([]string, error)
	proofs            func(ctx context.Context, tenant, root, address string) (merkle.Proof, error)
	metadata          nft.Metadata
	publicURL         string
	trustedProxies    []netip.Prefix
	allowedOrigins    []string
	metrics           http.Handler
	noWeb             bool
	workers           int
	maxWorkers        int
	busy              func() bool
	maxUpload, quota  int64
	keyLead, grantTTL time.Duration
	segmentCache      int64
	logger            *slog.Logger
	now               func() time.Time
}

// WithDataDir keeps the default database, object files and keyring under dir,
// which is created with mode 0700. The default is "streamgate-data".
func WithDataDir(dir string) Option { return func(s *settings) { s.dataDir = dir } }

// WithRoles makes this process one of several: it serves the routes and does the work of
// these roles only (Roles lists them). The records, objects, keys, queue and events must then
// be shared: WithDatabase, WithStorage, WithKeys, WithQueue, WithEvents and WithCache. None,
// the default, is every role.
func WithRoles(roles ...string) Option {
	return func(s *settings) { s.roles = append(s.roles, roles...) }
}

// WithDatabase keeps records in db, which the caller closes after the platform, instead of a SQLite
// file in the data folder.
func WithDatabase(db *sqldb.DB) Option { return func(s *settings) { s.db = db } }

// WithGate asks g whether a viewer may watch, instead of the platform's own decider: that
// of another process (drivers/grpc).
func WithGate(g playback.Gate) Option { return func(s *settings) { s.gate = g } }

// WithAssets reads the assets that are played from a instead of the platform's own records.
func WithAssets(a playback.Assets) Option { return func(s *settings) { s.assets = a } }

// WithAuthenticator asks a who a token belongs to, instead of the platform's own records.
func WithAuthenticator(a auth.Authenticator) Option { return func(s *settings) { s.sessions = a } }

// WithSystem adds what f returns to the answer of /v1/system.
func WithSystem(f func(ctx context.Context) map[string]any) Option {
	return func(s *settings) { s.system = f }
}

// WithStorage keeps objects in store instead of files. Envelope encryption is
// put around it in any case.
func WithStorage(store storage.Store) Option { return func(s *settings) { s.store = store } }

// WithSecondStorage keeps the encrypted segments of those assets in store whose policy names it, as
// {"storage":"ipfs"}; the rest, and every source, stays in the first. Name is 1 to 32 of a-z, 0-9 and -. Where several processes
// make the platform up, all that have objects must have it. Envelope encryption is put around it in any case.
func WithSecondStorage(name string, store storage.Store) Option {
	return func(s *settings) { s.secondName, s.second = name, store }
}

// WithKeys takes master keys from m instead of the local keyring.
func WithKeys(m keys.Manager) Option { return func(s *settings) { s.keys = m } }

// WithTranscoder replaces the sandboxed local ffmpeg.
func WithTranscoder(t media.Transcoder) Option { return func(s *settings) { s.transcoder = t } }

// WithUnsandboxedFFmpeg lets ffmpeg run without a sandbox where the system
// offers none. Untrusted media can then reach whatever this process can.
func WithUnsandboxedFFmpeg() Option { return func(s *settings) { s.allowUnsandboxed = true } }

// WithCache shares decisions through c beside the in-process cache.
func WithCache(c cache.Cache) Option { return func(s *settings) { s.cache = c } }

// WithQueue replaces the in-process job queue.
func WithQueue(q job.Queue) Option { return func(s *settings) { s.queue = q } }

// WithEvents replaces the in-process event bus.
func WithEvents(b event.Bus) Option { return func(s *settings) { s.events = b } }

// WithVerifier adds chains that rules may ask. A rule over a chain without a
// verifier answers unknown, and the gate stays shut.
func WithVerifier(v ...nft.Verifier) Option {
	return func(s *settings) { s.verifiers = append(s.verifiers, v...) }
}

// WithContractWallets lets contract wallets sign in (ERC-1271, ERC-6492), by asking v. A wallet that
// signed in counts on every chain of its kind that WithVerifier adds, so v must ask them all; drivers/evm's Wallets
// over the same verifiers does. Without it keys alone sign in.
func WithContractWallets(v auth.ContractVerifier) Option {
	return func(s *settings) { s.contracts = v }
}

// WithLists resolves the "list" leaf of rules: is account (CAIP-10) on the tenant's
// list? Call Platform.Decider.ListChanged after a change. Without it such a leaf
// answers unknown.
func WithLists(has func(ctx context.Context, tenant, list, account string) (bool, error)) Option {
	return func(s *settings) { s.lists = has }
}

// WithUserRoles resolves the "role" leaf of rules: which roles has the viewer of these wallets in
// the tenant? Call Platform.Decider.RolesChanged after a change. Without it such a leaf answers unknown.
func WithUserRoles(of func(ctx context.Context, tenant string, accounts []caip.AccountID) ([]string, error)) Option {
	return func(s *settings) { s.userRoles = of }
}

// WithMerkleProofs resolves the "merkle" leaf of rules: the proof that an EVM address is under a root, which is
// checked; fault.NotFound says that it is not, any other error that nobody knows. package nft/merkle makes
// proofs. Call Platform.Decider.ListChanged with the root after a change. Without it such a leaf answers unknown.
func WithMerkleProofs(of func(ctx context.Context, tenant, root, address string) (merkle.Proof, error)) Option {
	return func(s *settings) { s.proofs = of }
}

// WithMetadata reads what tokens say of themselves, for the traits of rules; package nft/metadata has a reader that
// asks public addresses only. Without it traits answer unknown.
func WithMetadata(m nft.Metadata) Option { return func(s *settings) { s.metadata = m } }

// WithCreators decides who may create assets. The default is any signed-in wallet.
func WithCreators(may func(auth.Principal) bool) Option {
	return func(s *settings) { s.mayCreate = may }
}

// WithPublicURL states the origin that viewers see, such as https://video.example.
// Sign-in messages are bound to it; set it wherever the platform is not on loopback.
func WithPublicURL(origin string) Option { return func(s *settings) { s.publicURL = origin } }

// WithTrustedProxies names the networks whose X-Forwarded-* headers are believed.
func WithTrustedProxies(p ...netip.Prefix) Option {
	return func(s *settings) { s.trustedProxies = append(s.trustedProxies, p...) }
}

// WithAllowedOrigins names other origins, such as https://app.example, whose pages
// may call the API from a browser. The default is none.
func WithAllowedOrigins(origins ...string) Option {
	return func(s *settings) { s.allowedOrigins = append(s.allowedOrigins, origins...) }
}

// WithMetrics serves h at /metrics.
func WithMetrics(h http.Handler) Option { return func(s *settings) { s.metrics = h } }

// WithoutWeb leaves out the embedded web app.
func WithoutWeb() Option { return func(s *settings) { s.noWeb = true } }

// WithWorkers sets how many chunks are transcoded at a time (default 1); 0 < n.
func WithWorkers(n int) Option { return func(s *settings) { s.workers = n } }

// WithMaxWorkers lets the count of chunks transcoded at a time grow from that of WithWorkers to n
// while work waits, as far as this machine's processors and memory allow, and shrink again.
func WithMaxWorkers(n int) Option { return func(s *settings) { s.maxWorkers = n } }

// WithBusy holds new transcoding back while busy says that playback suffers (media.Lag).
func WithBusy(busy func() bool) Option { return func(s *settings) { s.busy = busy } }

// WithUploadLimits bounds one source and all sources of one owner, in bytes;
// zero keeps the default of each (20 GiB, and no quota).
func WithUploadLimits(perFile, perOwner int64) Option {
	return func(s *settings) { s.maxUpload, s.quota = perFile, perOwner }
}

// WithKeyLead sets how far before its time a key is released (default 4 s), and
// the life of a grant without renewal (default 4 h); zero keeps the default.
func WithKeyLead(lead, grantTTL time.Duration) Option {
	return func(s *settings) { s.keyLead, s.grantTTL = lead, grantTTL }
}

// WithSegmentCache bounds the in-process cache of encrypted segments, in bytes.
func WithSegmentCache(bytes int64) Option { return func(s *settings) { s.segmentCache = bytes } }

// WithLogger logs to l. The default discards.
func WithLogger(l *slog.Logger) Option { return func(s *settings) { s.logger = l } }

// WithClock replaces time.Now for every decision about time.
func WithClock(now func() time.Time) Option { return func(s *settings) { s.now = now } }
