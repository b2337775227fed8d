package auth

import (
	"context"
	"time"

	"github.com/streamgate/streamgate/caip"
)

// Hash is the SHA-256 of a token, all that is stored of it.
type Hash [32]byte

// ChallengeRecord is an issued sign-in message nobody has signed in with yet.
type ChallengeRecord struct {
	Tenant, Nonce, Origin, Message string
	Account                        caip.AccountID
	ExpiresAt                      time.Time
	// Failures counts wrong signatures.
	Failures int
}

// SessionRecord is a session: one sign-in and every token refreshed from it.
type SessionRecord struct {
	ID, Tenant, UserID string
	// Account is the wallet that signed, on the chain it signed for.
	Account           caip.AccountID
	CreatedAt, EndsAt time.Time
	// Proof is what a contract wallet accepted, to be asked about again: the hash of 32 bytes and then
	// the signature, in hexadecimal. Empty for a wallet that is a key, whose signature holds for ever.
	Proof string
}

// TokenPair is what one sign-in or refresh stores.
type TokenPair struct {
	Access, Refresh                 Hash
	AccessExpiresAt, RefreshExpires time.Time
}

// AccessRecord is what an access token stands for.
type AccessRecord struct {
	Session   SessionRecord
	ExpiresAt time.Time
	// Wallets are all of the user's accounts in the order they were proven first.
	Wallets []caip.AccountID
}

// RefreshRecord is what a refresh token stands for. UsedAt is zero until it is traded in.
type RefreshRecord struct {
	Session           SessionRecord
	ExpiresAt, UsedAt time.Time
}

// APIKeyRecord is a stored API key.
type APIKeyRecord struct {
	ID, Tenant, UserID, Name string
	Secret                   Hash
	CreatedAt                time.Time
}

// The promises below are those of every implementation; authtest.Run checks them.
// Times have millisecond resolution. A record of one tenant is never found
// under another. Errors carry a fault kind: what is not there is fault.NotFound, a store
// that does not answer is fault.Unavailable. Expiry is judged by the
// Service, not by the store. All methods are safe for concurrent use, and what a
// write acknowledged the next read sees.

// ChallengeStore keeps challenges and the wallets that answered them.
type ChallengeStore interface {
	// AddChallenge stores c; a nonce the tenant already has is fault.Conflict.
	AddChallenge(ctx context.Context, c ChallengeRecord) error
	// Challenge returns the challenge with that nonce.
	Challenge(ctx context.Context, tenant, nonce string) (ChallengeRecord, error)
	// AddFailure counts one wrong signature. A challenge that is gone is no error.
	AddFailure(ctx context.Context, tenant, nonce string) error
	// SignIn removes the challenge and stores the session with its tokens, all or
	// nothing. The wallet's owner is who first proved its address, on whatever chain of the
	// namespace; a new wallet becomes s.UserID's. The wallet's chain becomes that of
	// s.Account. It returns s with the owner's id. Of any number of calls with
	// one nonce, exactly one succeeds; the others are fault.NotFound and change nothing.
	SignIn(ctx context.Context, nonce string, s SessionRecord, p TokenPair) (SessionRecord, error)
	// Link removes the challenge and makes the wallet userID's, all or nothing.
	// One that already is stays so and has its chain updated; another user's is fault.Conflict. A
	// nonce that is gone is fault.NotFound.
	Link(ctx context.Context, tenant, nonce, userID string, wallet caip.AccountID, now time.Time) error
}

// SessionStore keeps sessions and their tokens.
type SessionStore interface {
	// Access returns what the access token with that hash stands for.
	Access(ctx context.Context, tenant string, token Hash) (AccessRecord, error)
	// Refresh returns what the refresh token with that hash stands for, used or not.
	Refresh(ctx context.Context, tenant string, token Hash) (RefreshRecord, error)
	// Rotate marks the refresh token old as used at now and stores next in the same session,
	// all or nothing. Of any number of calls for one token exactly one succeeds; the others, and
	// one for a token that is not there, are fault.Conflict and change nothing.
	Rotate(ctx context.Context, tenant string, old Hash, next TokenPair, now time.Time) error
	// EndSession removes the session and its tokens. Session ids are unique
	// across tenants. One that is gone is no error.
	EndSession(ctx context.Context, id string) error
	// EndSessions does so for every session of the user.
	EndSessions(ctx context.Context, tenant, userID string) error
}

// SessionFinder finds sessions by their id.
type SessionFinder interface {
	// Session returns the tenant's session with that id.
	Session(ctx context.Context, tenant, id string) (SessionRecord, error)
}

// ProvenFinder finds the sessions that contract wallets opened.
type ProvenFinder interface {
	// ProvenSessions returns sessions of every tenant that have a Proof and end after now,
	// in order of their ids, the first of them after the id after, at most limit of them.
	ProvenSessions(ctx context.Context, now time.Time, after string, limit int) ([]SessionRecord, error)
}

// APIKeyStore keeps API keys.
type APIKeyStore interface {
	AddAPIKey(ctx context.Context, k APIKeyRecord) error
	// APIKey returns the key whose secret has that hash.
	APIKey(ctx context.Context, tenant string, secret Hash) (APIKeyRecord, error)
	// APIKeys returns the user's keys, oldest first, then by id.
	APIKeys(ctx context.Context, tenant, userID string) ([]APIKeyRecord, error)
	// RemoveAPIKey removes the user's key with that id.
	RemoveAPIKey(ctx context.Context, tenant, userID, id string) error
}

// Sweeper forgets what has expired.
type Sweeper interface {
	// Sweep removes challenges and tokens that expire at or before now, sessions
	// that end then, and sessions left without tokens. It returns how many records went.
	Sweep(ctx context.Context, now time.Time) (removed int64, err error)
}

// Store is everything a Service keeps (drivers/sqldb, authtest.NewMemory).
type Store interface {
	ChallengeStore
	SessionStore
	SessionFinder
	ProvenFinder
	APIKeyStore
	Sweeper
}
