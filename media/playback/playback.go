// Package playback opens and polices a viewing: it asks the gate, hands out a
// grant, makes manifests, releases keys at the pace of the picture, and serves
// segments encrypted on the fly.
package playback

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/storage"
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

// Gate is what playback needs of nft.Decider.
type Gate = *nft.Decider

// Store keeps grants (drivers/sqldb).
type Store interface{}

// Options configures a Service. Fields without a stated default are required.
type Options struct {
	Assets  Assets
	Store   Store
	Objects storage.Store
	Keys    keys.Manager
	Decider *nft.Decider
	Events  event.Bus
	// Lead is how far before its time a key is released (default 4 s).
	Lead time.Duration
	// GrantTTL is the life of a grant without renewal (default 4 h).
	GrantTTL time.Duration
	// SegmentCacheBytes bounds the in-process cache of encrypted segments (default 256 MiB).
	SegmentCacheBytes int64
	Now               func() time.Time
	Logger            *slog.Logger
}

// Service serves viewings.
type Service struct{ _ struct{} }

var errTODO = errors.New("skeleton")

// New returns a Service; Run follows revocations.
func New(opt Options) (*Service, error) { return &Service{}, nil }

// Run works until ctx ends.
func (s *Service) Run(ctx context.Context) error { return errTODO }

// Denied is the error of Open when the gate did not open. Its kind is
// fault.Forbidden for No and fault.Unavailable for Unknown.
type Denied struct{ Decision nft.Decision }

func (d *Denied) Error() string { return "playback.Open: " + d.Decision.Reason }

// Open asks the gate and returns a grant, or a *Denied wrapped with its kind.
// p may be the zero Principal for a public asset.
func (s *Service) Open(ctx context.Context, p auth.Principal, asset string) (Grant, error) {
	return Grant{}, errTODO
}

// Resource is a manifest, a segment or a licence, ready to be served.
type Resource struct {
	ContentType string
	Body        io.ReadSeeker
	Size        int64
	ETag        string // quoted; immutable bytes have one
	Immutable   bool
}

// HLS returns the multivariant playlist for name "master.m3u8", or the media
// playlist "{track}.m3u8". Unknown or ended grants are fault.Forbidden with the
// reason, media that is not there yet fault.Unavailable with RetryAfter.
func (s *Service) HLS(ctx context.Context, token, name string) (Resource, error) {
	return Resource{}, errTODO
}

// DASH returns the manifest.
func (s *Service) DASH(ctx context.Context, token string) (Resource, error) {
	return Resource{}, errTODO
}

// Key returns the 16 bytes of the AES-128 key kid (32 hex digits). It asks the
// decision again. Too early is held for a while, then fault.Unavailable with
// RetryAfter; a lost right is fault.Forbidden.
func (s *Service) Key(ctx context.Context, token, kid string) ([]byte, error) { return nil, errTODO }

// License answers a ClearKey licence request (W3C EME, section 9.1.3) as Key does.
func (s *Service) License(ctx context.Context, token string, request []byte) ([]byte, error) {
	return nil, errTODO
}

// Media returns a ciphertext segment or init segment: the same bytes for every
// viewer, immutable, no token. name is as the manifests spell it.
func (s *Service) Media(ctx context.Context, asset string, version int, track, name string) (Resource, error) {
	return Resource{}, errTODO
}

// Notice is one event of a viewing.
type Notice struct {
	Type     string       `json:"type"` // revoked, renew
	Decision nft.Decision `json:"decision"`
	At       time.Time    `json:"at"`
}

// Notices sends what happens to the grant until ctx ends or it is over.
func (s *Service) Notices(ctx context.Context, token string) (<-chan Notice, error) {
	return nil, errTODO
}

// Renew asks the gate again and moves the grant's expiry.
func (s *Service) Renew(ctx context.Context, token string) (Grant, error) { return Grant{}, errTODO }

// Close ends the grant by the viewer's wish.
func (s *Service) Close(ctx context.Context, token string) error { return errTODO }
