package playback

import (
	"context"
	"time"

	"github.com/streamgate/streamgate/caip"
)

// Record is a grant as it is stored.
type Record struct {
	// Hash is the hex SHA-256 of the token.
	Hash    string
	Tenant  string
	AssetID string
	// Version is the media version that the viewing started with.
	Version int
	// UserID is empty for an anonymous viewer, SessionID for one with an API key.
	UserID, SessionID string
	// Accounts are the wallets that the gate is asked about.
	Accounts []caip.AccountID
	// Owner tells that the viewer owned the asset at the start.
	Owner                bool
	CreatedAt, ExpiresAt time.Time
}

// Store keeps grants, so that viewings survive a restart. All methods are safe for
// concurrent use. Implementations pass playbacktest.RunStore.
type Store interface {
	// Insert adds a grant; a hash that is there is fault.Conflict.
	Insert(ctx context.Context, r Record) error
	// Get returns a grant, expired or not, or fault.NotFound. Times have a
	// precision of a millisecond.
	Get(ctx context.Context, hash string) (Record, error)
	// Extend moves the expiry of a grant, or returns fault.NotFound.
	Extend(ctx context.Context, hash string, expires time.Time) error
	// Delete removes a grant; a missing one is not an error.
	Delete(ctx context.Context, hash string) error
	// DeleteExpired removes the grants that expired before t and returns how many.
	DeleteExpired(ctx context.Context, t time.Time) (int, error)
}
