package media

import (
	"context"
	"time"

	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/media/cmaf"
)

// Store keeps assets, uploads and versions (drivers/sqldb). A method that returns
// nil has committed. The change functions passed in run on a fresh copy, may run again when the
// record moved meanwhile, and cancel the change by returning an error, which is returned as it is.
//
// Record.Events are the events of a change, all of that asset. A store that is an Outbox commits them
// together with it, all or nothing, and hands back those that its caller publishes now, in order; it
// leaves out those that must wait for an earlier one of the asset, which it publishes itself. Any other store
// hands all of them back. Events are no part of the stored record. Implementations pass mediatest.RunStore.
type Store interface {
	AssetStore
	UploadStore
	UploadIndex
	VersionStore
}

// AssetStore keeps assets. An unknown one is fault.NotFound; tenant "" matches any.
type AssetStore interface {
	CreateAsset(ctx context.Context, r Record) error
	Asset(ctx context.Context, tenant, id string) (Record, error)
	ChangeAsset(ctx context.Context, tenant, id string, change func(*Record) error) (Record, error)
	// Assets returns a page, newest first, without those being deleted.
	Assets(ctx context.Context, tenant string, opt ListOptions) (page []Record, next string, err error)
	// DeleteAsset removes the asset with its uploads and versions; a missing one is no error. The events
	// are kept and handed back as those of a change.
	DeleteAsset(ctx context.Context, tenant, id string, events ...event.Event) (publish []event.Event, err error)
}

// UploadStore keeps uploads. An unknown one is fault.NotFound.
type UploadStore interface {
	CreateUpload(ctx context.Context, u Upload) error
	Upload(ctx context.Context, id string) (Upload, error)
	ChangeUpload(ctx context.Context, id string, change func(*Upload) error) (Upload, error)
	// AppendParts commits parts that follow offset from, and hash, the SHA-256
	// state after them, together. It is fault.Conflict when the upload's offset is not from.
	AppendParts(ctx context.Context, id string, from int64, parts []Part, hash []byte, at time.Time) error
	DeleteUpload(ctx context.Context, id string) error
}

// UploadIndex finds things about uploads.
type UploadIndex interface {
	// Parts returns the parts of an upload in order.
	Parts(ctx context.Context, upload string) ([]Part, error)
	// Uploads returns the unfinished uploads of every tenant.
	Uploads(ctx context.Context) ([]Upload, error)
	// Pledged returns the sum of the sizes of all an owner's uploads, finished or not.
	Pledged(ctx context.Context, tenant, owner string) (int64, error)
}

// VersionStore keeps versions and their tasks.
type VersionStore interface {
	// PutVersion stores a version with its plan's tasks; one that exists is fault.Conflict.
	PutVersion(ctx context.Context, v VersionRecord) error
	// VersionRecord returns a version, tasks included, or fault.NotFound.
	VersionRecord(ctx context.Context, asset string, number int) (VersionRecord, error)
	ChangeTask(ctx context.Context, asset string, number int, task string, change func(*Task) error) error
	DeleteVersion(ctx context.Context, asset string, number int) error
	// Unsettled returns every asset of every tenant that has work to be done:
	// processing, playable, or being deleted.
	Unsettled(ctx context.Context) ([]Record, error)
}

// Record is an Asset and what only the service needs to know of it.
type Record struct {
	Asset Asset `json:"asset"`
	// Tenant repeats Asset.Tenant, which JSON leaves out.
	Tenant string `json:"tenant"`
	// Upload is the finished upload that is the source, empty before.
	Upload string `json:"upload,omitempty"`
	Size   int64  `json:"size,omitempty"`
	SHA256 string `json:"sha256,omitempty"` // hex
	// Building is the version being made or last made; numbers are not used twice.
	Building int `json:"building,omitempty"`
	// Faults counts failures of ours while probing.
	Faults int `json:"faults,omitempty"`
	// Spent is the upload of a version that failed: it is not taken a second time.
	Spent string `json:"spent,omitempty"`
	// Queued is when the version's work began to wait.
	Queued time.Time `json:"queued,omitzero"`
	// Deleting hides the asset while its bytes are removed.
	Deleting bool `json:"deleting,omitempty"`
	// Events tell of the change being made; see Store.
	Events []event.Event `json:"-"`
}

// Upload is a source on its way in.
type Upload struct {
	ID     string            `json:"id"`
	Tenant string            `json:"tenant"`
	Owner  string            `json:"owner"`
	Asset  string            `json:"asset"`
	Size   int64             `json:"size"`
	Meta   map[string]string `json:"meta,omitempty"`
	// Offset is the count of committed bytes; Hash the SHA-256 state after them.
	Offset int64  `json:"offset"`
	Hash   []byte `json:"hash,omitempty"`
	// Partial and Final are those of the tus concatenation extension.
	Partial bool     `json:"partial,omitempty"`
	Final   bool     `json:"final,omitempty"`
	Of      []string `json:"of,omitempty"`
	// Finished means the bytes are all there and the asset has them.
	Finished  bool      `json:"finished,omitempty"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Part is a piece of an upload: one object.
type Part struct {
	Key  string `json:"key"`
	Size int64  `json:"size"`
}

// VersionRecord is a version as stored.
type VersionRecord struct {
	Asset  string `json:"asset"`
	Tenant string `json:"tenant"`
	Number int    `json:"number"`
	Plan   Plan   `json:"plan"`
	Secret []byte `json:"secret"`
}

// Output is one rendition of one task: an object in storage and its index.
type Output struct {
	Object  string     `json:"object"`
	Bytes   int64      `json:"bytes"`
	Samples int        `json:"samples"`
	Track   cmaf.Track `json:"track"`
}
