// Package media is the life of an asset: created, uploaded, probed, transcoded
// to a ladder of renditions in CMAF, playable, ready. It holds the pipeline and the
// Transcoder interface; drivers/ffmpeg is the default transcoder.
package media

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/media/cmaf"
	"github.com/streamgate/streamgate/storage"
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

// Service owns assets. All methods are safe for concurrent use.
type Service struct{ _ struct{} }

// Store keeps assets, uploads, chunks and versions (drivers/sqldb).
type Store interface{}

// Transcoder probes and encodes (drivers/ffmpeg).
type Transcoder interface{}

// Options configures a Service. Fields without a stated default are required.
type Options struct {
	Store      Store
	Objects    storage.Store
	Keys       keys.Manager
	Transcoder Transcoder
	Queue      job.Queue
	Events     event.Bus
	// MayCreate decides who may create assets; nil lets any signed-in caller.
	MayCreate func(auth.Principal) bool
	// MaxUpload bounds one source in bytes (default 20 GiB), Quota all sources
	// of one owner (default 0: none).
	MaxUpload, Quota int64
	// WorkDir holds scratch files (default os.TempDir).
	WorkDir string
	// Workers is the count of transcode workers in this process (default 1).
	Workers int
	Now     func() time.Time
	Logger  *slog.Logger
}

var errTODO = errors.New("skeleton")

// New returns a Service; Run starts its workers.
func New(opt Options) (*Service, error) { return &Service{}, nil }

// Run reconciles from the store and works until ctx ends.
func (s *Service) Run(ctx context.Context) error { return errTODO }

// CreateAsset is the input of Create.
type CreateAsset struct {
	Title       string          `json:"title"`
	Description string          `json:"description"`
	Tags        []string        `json:"tags"`
	Gate        json.RawMessage `json:"gate"`
	Policy      Policy          `json:"policy"`
}

// PatchAsset changes what is not nil.
type PatchAsset struct {
	Title       *string   `json:"title"`
	Description *string   `json:"description"`
	Tags        *[]string `json:"tags"`
	Policy      *Policy   `json:"policy"`
}

// Create makes an asset owned by p. Bad members are fault.Invalid with fields.
func (s *Service) Create(ctx context.Context, p auth.Principal, in CreateAsset) (Asset, error) {
	return Asset{}, errTODO
}

// Get returns an asset of the tenant, or fault.NotFound.
func (s *Service) Get(ctx context.Context, tenant, id string) (Asset, error) { return Asset{}, errTODO }

// ListOptions selects and pages a listing.
type ListOptions struct {
	Owner  string // only this user's
	Query  string // words in title, description or tags
	Limit  int    // default 50, at most 200
	Cursor string
}

// List returns assets, newest first, and the cursor of the next page ("" at the end).
func (s *Service) List(ctx context.Context, tenant string, opt ListOptions) ([]Asset, string, error) {
	return nil, "", errTODO
}

// Patch changes an asset; only its owner may (else fault.Forbidden).
func (s *Service) Patch(ctx context.Context, p auth.Principal, id string, in PatchAsset) (Asset, error) {
	return Asset{}, errTODO
}

// SetGate replaces the rule (nil removes it); only the owner may. It publishes gate.changed.
func (s *Service) SetGate(ctx context.Context, p auth.Principal, id string, gate []byte) (Asset, error) {
	return Asset{}, errTODO
}

// Delete removes the asset, its bytes and its keys; only the owner may.
func (s *Service) Delete(ctx context.Context, p auth.Principal, id string) error { return errTODO }

// Watch sends the asset now and on every change until ctx ends, then closes the
// channel. A slow reader gets the newest state.
func (s *Service) Watch(ctx context.Context, tenant, id string) (<-chan Asset, error) {
	return nil, errTODO
}

// Version returns the media version that plays. Before there is one it is
// fault.Unavailable with RetryAfter. The result is shared: do not change it.
func (s *Service) Version(ctx context.Context, tenant, id string, number int) (*Version, error) {
	return nil, errTODO
}

// Source opens the uploaded original of an asset (owner export, re-transcode).
func (s *Service) Source(ctx context.Context, tenant, id string) (size int64, sha256 string, err error) {
	return 0, "", errTODO
}

// UploadHandler serves tus 1.0 below basePath ("/v1/uploads/"). principal tells
// who is asking, or fails with fault.Unauthenticated.
func (s *Service) UploadHandler(basePath string, principal func(*http.Request) (auth.Principal, error)) (http.Handler, error) {
	return nil, errTODO
}
