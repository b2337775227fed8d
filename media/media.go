// Package media is the life of an asset: created, uploaded, probed, transcoded
// to a ladder of renditions in CMAF, playable, ready. It holds the pipeline and the
// Transcoder interface; drivers/ffmpeg is the default transcoder. The HTTP rooms and
// playback call it; it never decides who may watch and never hands out a key.
//
// # Uploads
//
// Bytes come by tus 1.0. They are gathered into parts of 8 MiB; a part is put into
// storage, then the offset and the state of the running SHA-256 are committed with it in one
// transaction, and only then acknowledged. A kill at any moment loses nothing acknowledged.
//
// # The grid
//
// All tracks of a version share one time grid: segments of 4 s, fragments of 2 s. Video is
// encoded in chunks that start on the grid, picked by frame number out of a constant rate, so
// chunks depend on no keyframe of the source, every rung has the same frames, and the chunks' sum is
// the source's count. Sound is encoded once and whole, as an encoder restarted is
// heard at each seam, and cut at the AAC frame nearest to the grid.
//
// Time zero of an asset is its first picture. Sound before it is cut, sound missing is
// silence, and sound after the last picture is cut. The encoder's priming frame is dropped
// instead of being hidden by an edit list (see cmaf.Ingest), so sound and picture agree in every player.
//
// # Work
//
// The database is the truth: the plan's tasks with what came of each. Jobs only say which
// to look at, and Reconcile puts back those that were lost. A task's outputs are checked, stored under names of
// their own, and count once they are recorded, which only the first to finish can do: a worker that was
// paused past its lease does no harm. The lowest rung's first segment is a job of its own in
// a lane of its own, so a new upload plays within seconds while old ones are still being encoded.
// Failures of the media fail the asset with a public reason after three tries, ours after ten.
//
// Any number of processes may run a Service over one Store, one Objects, one Queue and one bus, each on Lanes of its
// own. What one of them was doing when it died goes on within the lease of its jobs and a ReconcileEvery.
package media

import (
	"encoding/json"
	"log/slog"
	"os"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/media/cmaf"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/cache"
)

// Status is where an asset is in its life.
type Status string

// The statuses, in order. Failed is final for an upload; a new upload may start over.
const (
	Created    Status = "created"
	Uploading  Status = "uploading"
	Processing Status = "processing"
	Playable   Status = "playable" // the first segments of the lowest rung are there
	Ready      Status = "ready"    // every rung is complete and checked
	Failed     Status = "failed"
)

// Asset is a video and its gate.
type Asset struct {
	ID          string   `json:"id"`
	Tenant      string   `json:"-"`
	Owner       string   `json:"owner"` // user id
	Title       string   `json:"title"`
	Description string   `json:"description,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	Status      Status   `json:"status"`
	// Reason says, for Failed, what was wrong with the media, fit for the owner's eyes.
	Reason string `json:"reason,omitempty"`
	// Gate is the GR/1 rule in canonical form; nil means only the owner plays.
	Gate   json.RawMessage `json:"gate,omitempty"`
	RuleID string          `json:"rule_id,omitempty"`
	Policy Policy          `json:"policy"`
	// Version is the media version that plays, 0 before there is one.
	Version    int       `json:"version"`
	DurationMS int64     `json:"duration_ms,omitempty"`
	Width      int       `json:"width,omitempty"`
	Height     int       `json:"height,omitempty"`
	Progress   Progress  `json:"progress"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
}

// Policy is how an asset is delivered.
type Policy struct {
	// EpochMS is the key epoch: 4000 (default) or 8000.
	EpochMS int64 `json:"epoch_ms,omitempty"`
	// Public opens the asset to anyone, signed in or not; no gate is asked.
	Public bool `json:"public,omitempty"`
	// Storage is where the versions' objects are kept: empty for the default store, or Options.SecondStorage. The
	// source stays in the default store. It is fixed once an upload has begun.
	Storage string `json:"storage,omitempty"`
}

// Progress is how far upload and transcode have come.
type Progress struct {
	Stage   string  `json:"stage"`             // upload, probe, transcode, done
	Percent float64 `json:"percent"`           // of the stage
	Rung    string  `json:"rung,omitempty"`    // the rung being made
	ETASec  float64 `json:"eta_sec,omitempty"` // of the stage; 0 unknown
}

// Version is one transcode of an asset: the grid, the tracks and the wrapped
// playback secret that content keys derive from.
type Version struct {
	AssetID string
	Tenant  string
	Number  int
	Grid    cmaf.Grid
	// Tracks are sorted: video by height descending, then audio. While the
	// asset is only Playable they are what is there so far.
	Tracks []cmaf.Track
	// Secret is the playback secret wrapped by keys.Manager under the asset's scope.
	Secret []byte
	// Complete means that the asset is Ready and nothing will be added.
	Complete bool
	// Revision grows with every change of Tracks.
	Revision int64
}

// Scope returns the key scope and storage prefix of an asset.
func Scope(tenant, asset string) string { return "t/" + tenant + "/a/" + asset }

// Options configures a Service. Fields without a stated default are required.
type Options struct {
	Store   Store
	Objects storage.Store
	Keys    keys.Manager
	// Transcoder is not required with LaneNone.
	Transcoder Transcoder
	Queue      job.Queue
	Events     event.Bus
	// SecondStorage names the one store beside the default that a policy may choose, 1 to 32 of a-z, 0-9 and -, as "ipfs"
	// (default none). Objects must then keep the keys there for which StoredIn is that name, as storage/route does.
	SecondStorage string
	// SharedCache, where several processes take uploads, is one that they share and that has the power
	// cache.Claimer: then a client that comes back to another process than the one its dead connection still holds
	// gets its upload at once. Nil, or without the power, uploads are locked in this process only; what protects the bytes
	// is the offset in the database in any case.
	SharedCache cache.Cache
	// MayCreate decides who may create assets; nil lets any signed-in caller.
	MayCreate func(auth.Principal) bool
	// MaxUpload bounds one source in bytes (default 20 GiB), Quota all sources
	// of one owner (default 0: none).
	MaxUpload, Quota int64
	// WorkDir holds scratch files (default os.TempDir).
	WorkDir string
	// Lanes is what this process works on (default all of it).
	Lanes Lanes
	// Workers is the count of chunks made at a time in this process (default 1). With MaxWorkers above it the count
	// goes up to that as jobs wait, as far as the processors and the memory of Machine allow, and comes back when they do not.
	Workers, MaxWorkers int
	// Machine tells what this process may use (default ThisMachine). It is asked every few seconds.
	Machine func() Machine
	// Busy tells that playback suffers: then no new chunk is begun until it has not for a while. It is asked every few
	// seconds (default never). See Lag.
	Busy func() bool
	// ReconcileEvery is how often, about, the queue is refilled from the store (default 30 s).
	ReconcileEvery time.Duration
	// Limits bound what a source may be.
	Limits Limits
	// UploadTTL is how long an unfinished upload is kept after its last byte (default 24 h).
	UploadTTL time.Duration
	// Now is the clock (default time.Now), Logger where to (default none).
	Now    func() time.Time
	Logger *slog.Logger
}

// spread is how many chunks may be made at a time, for the cutting of a plan. A process that only plans does not know;
// more workers than that get less than two chunks each of one video.
func (o Options) spread() int {
	if !o.Lanes.has(LaneEncode) {
		return 8
	}
	return max(o.Workers, o.MaxWorkers)
}

// Service owns assets. All methods are safe for concurrent use.
type Service struct {
	opt      Options
	log      *slog.Logger
	versions versionCache
	progress progressBook
	scratch  scratch
	locks    uploadLocks
	pool     *pool
	loads    loads
	tracer   trace.Tracer
}

// New returns a Service; Run starts its workers. Missing options are fault.Invalid.
func New(opt Options) (*Service, error) {
	const op = "media.New"
	if opt.Store == nil || opt.Objects == nil || opt.Keys == nil || opt.Queue == nil || opt.Events == nil {
		return nil, fault.New(fault.Invalid, op, "store, objects, keys, queue and events are required")
	}
	if opt.SecondStorage != "" && !storageName(opt.SecondStorage) {
		return nil, fault.Newf(fault.Invalid, op, "the second storage cannot be named %q: use 1 to 32 of a-z, 0-9 and -, and not %s", opt.SecondStorage, defaultStorage)
	}
	if !opt.Lanes.valid() {
		return nil, fault.New(fault.Invalid, op, "the lanes are none of those there are, or LaneNone with others")
	}
	if opt.Lanes == 0 {
		opt.Lanes = LanePlan | LaneEncode
	}
	if opt.Transcoder == nil && opt.Lanes != LaneNone {
		return nil, fault.New(fault.Invalid, op, "a transcoder is required for the lanes chosen")
	}
	if opt.MaxUpload <= 0 {
		opt.MaxUpload = 20 << 30
	}
	if opt.UploadTTL <= 0 {
		opt.UploadTTL = 24 * time.Hour
	}
	if opt.WorkDir == "" {
		opt.WorkDir = os.TempDir()
	}
	if opt.Workers <= 0 {
		opt.Workers = 1
	}
	opt.MaxWorkers = max(opt.MaxWorkers, opt.Workers)
	if opt.Machine == nil {
		opt.Machine = ThisMachine
	}
	if opt.ReconcileEvery <= 0 {
		opt.ReconcileEvery = 30 * time.Second
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	opt.Limits = opt.Limits.WithDefaults()
	s := &Service{opt: opt, log: opt.Logger, tracer: otel.Tracer("github.com/streamgate/streamgate/media")}
	s.versions.now = opt.Now
	s.pool = s.newPool()
	s.locks.claims = newClaims(opt, s.log)
	return s, nil
}
