// Package auth tells who is asking: wallet sign-in (ERC-4361), sessions with
// refresh rotation, and API keys. It holds no rights; those are the rule's and
// the owner's.
package auth

import (
	"context"
	"errors"
	"time"

	"github.com/streamgate/streamgate/caip"
)

// Principal is an authenticated caller.
type Principal struct {
	Tenant string `json:"tenant"`
	// UserID is stable across sessions and linked wallets.
	UserID    string `json:"user_id"`
	SessionID string `json:"session_id,omitempty"`
	// Accounts are the user's proven wallets, the signing one first. Empty for an API key.
	Accounts []caip.AccountID `json:"accounts"`
	// APIKey is the id of the key used, or empty.
	APIKey    string    `json:"api_key,omitempty"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Challenge is what the wallet signs.
type Challenge struct {
	Message   string    `json:"message"` // ERC-4361 text, signed byte for byte
	Nonce     string    `json:"nonce"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Tokens is a session as its holder sees it. The tokens are opaque; only their
// hashes are stored.
type Tokens struct {
	AccessToken  string         `json:"access_token"`
	RefreshToken string         `json:"refresh_token"`
	ExpiresAt    time.Time      `json:"expires_at"`
	Account      caip.AccountID `json:"account"`
}

// Options configures a Service.
type Options struct {
	// Chains are the eip155 chains a message may name; empty allows any.
	Chains []caip.ChainID
	// Statement is the human sentence in the message.
	Statement string
	// ChallengeTTL (default 5 min), AccessTTL (15 min), RefreshTTL (30 days).
	ChallengeTTL, AccessTTL, RefreshTTL time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Service signs wallets in.
type Service struct{ _ struct{} }

var errTODO = errors.New("skeleton")

// New returns a Service over the records in store.
func New(store Store, opt Options) *Service { return &Service{} }

// Store keeps challenges, sessions, users and API keys (drivers/sqldb).
type Store interface{}

// Challenge makes a one-use sign-in message for account, bound to origin
// ("https://example.org": its host[:port] becomes the domain, it plus "/" the URI).
func (s *Service) Challenge(ctx context.Context, tenant, origin string, account caip.AccountID) (Challenge, error) {
	return Challenge{}, errTODO
}

// Verify checks message and signature (0x hex) against what Challenge issued
// for tenant and origin, and opens a session. Any mismatch is fault.Unauthenticated; a
// malformed message is fault.Invalid. A wrong signature does not burn the nonce.
func (s *Service) Verify(ctx context.Context, tenant, origin, message, signature string) (Tokens, error) {
	return Tokens{}, errTODO
}

// Refresh trades a refresh token for new tokens. A token used twice ends the
// whole session family with fault.Unauthenticated.
func (s *Service) Refresh(ctx context.Context, tenant, refreshToken string) (Tokens, error) {
	return Tokens{}, errTODO
}

// Logout ends the session at once.
func (s *Service) Logout(ctx context.Context, sessionID string) error { return errTODO }

// Authenticate returns who holds token (an access token or an API key), or fault.Unauthenticated.
func (s *Service) Authenticate(ctx context.Context, tenant, token string) (Principal, error) {
	return Principal{}, errTODO
}

// CreateAPIKey makes a key that acts as user; the secret is returned once.
func (s *Service) CreateAPIKey(ctx context.Context, tenant, userID, name string) (id, secret string, err error) {
	return "", "", errTODO
}
