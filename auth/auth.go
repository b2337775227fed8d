// Package auth tells who is asking: wallet sign-in (ERC-4361 and Sign-In With Solana), sessions with
// refresh rotation, and API keys. It holds no rights; those are the rule's and
// the owner's. The HTTP surface calls it; it never speaks HTTP itself and never
// sees a private key.
//
// Sign-in nonces are in the database and not in a shared cache: a nonce is removed in the
// transaction that makes the session, so it works once whatever restarts or is flushed meanwhile. A
// cache may lose a "used" mark, and would then let a signature in twice.
package auth

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/kernel/event"
)

// Principal is an authenticated caller.
type Principal struct {
	Tenant string `json:"tenant"`
	// UserID is stable across sessions and linked wallets.
	UserID    string `json:"user_id"`
	SessionID string `json:"session_id,omitempty"`
	// Accounts are the user's proven wallets, the signing one first, each with the
	// chain it last named when it signed. A contract wallet stands alone. Empty for an API key.
	Accounts []caip.AccountID `json:"accounts"`
	// APIKey is the id of the key used, or empty.
	APIKey string `json:"api_key,omitempty"`
	// ExpiresAt is when the access token ends; zero for an API key, which has no end.
	ExpiresAt time.Time `json:"expires_at"`
}

// Challenge is what the wallet signs.
type Challenge struct {
	// Message is the text to sign byte for byte: ERC-4361 for an eip155 account, Sign-In With Solana for
	// a solana one.
	Message   string    `json:"message"`
	Nonce     string    `json:"nonce"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Tokens is a session as its holder sees it. The tokens are opaque; only their
// hashes are stored.
type Tokens struct {
	AccessToken  string         `json:"access_token"`
	RefreshToken string         `json:"refresh_token"`
	ExpiresAt    time.Time      `json:"expires_at"` // of the access token
	Account      caip.AccountID `json:"account"`
}

// LogValue keeps the tokens out of logs.
func (t Tokens) LogValue() slog.Value {
	return slog.GroupValue(slog.String("account", t.Account.String()), slog.Time("expires_at", t.ExpiresAt))
}

// APIKey is a key as its owner sees it in a list. The secret is not in it.
type APIKey struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
}

// The defaults and bounds of Options.
const (
	DefaultStatement     = "Sign in with your wallet. This is free and sends no transaction."
	DefaultChallengeTTL  = 5 * time.Minute
	DefaultAccessTTL     = 15 * time.Minute
	DefaultRefreshTTL    = 30 * 24 * time.Hour
	DefaultSessionTTL    = 90 * 24 * time.Hour
	DefaultCacheTTL      = 2 * time.Second
	DefaultSweepInterval = 10 * time.Minute
	DefaultRecheckEvery  = 30 * time.Second
)

// Options configures a Service.
type Options struct {
	// Chains are the eip155 and solana chains a message may name; empty allows any.
	Chains []caip.ChainID
	// Contracts asks contract wallets whether a signature is theirs. Nil lets keys alone sign in. When it is a
	// ContractWatcher too, Run ends the sessions of a wallet as soon as its signers change.
	Contracts ContractVerifier
	// RecheckEvery (default 30 s) is how often Run asks each contract wallet with a session whether
	// it still accepts what opened it, up to 1,000 sessions a turn.
	RecheckEvery time.Duration
	// Statement is the human sentence in the message; empty means DefaultStatement.
	// Both standards allow it letters, digits, spaces and -._~:/?#[]@!$&'()*+,;= only; with any
	// other byte every Challenge fails with fault.Internal.
	Statement string
	// ChallengeTTL (default 5 min), AccessTTL (15 min), RefreshTTL (30 days).
	ChallengeTTL, AccessTTL, RefreshTTL time.Duration
	// SessionTTL (default 90 days) ends a session however often it was refreshed.
	SessionTTL time.Duration
	// RefreshGrace makes a refresh token presented again within this time of its
	// use fault.Conflict instead of ending the session, so that two tabs that refresh
	// at once do not sign each other out. It never yields a second pair of
	// tokens. Zero, the default, is strict: any second use ends the session.
	RefreshGrace time.Duration
	// CacheTTL (default 2 s) is how long Authenticate may answer from memory. It
	// bounds how late a revocation made by another process is seen; one made
	// through this Service is seen at once. Negative turns the cache off.
	CacheTTL time.Duration
	// SweepInterval (default 10 min) is the pause between sweeps in Run.
	SweepInterval time.Duration
	// Events, when not nil, is told of sessions that end: topic SessionEnded. The end itself does not depend
	// on it.
	Events event.Bus
	// Logger receives what Run and Events could not do; nil discards it.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Service signs wallets in. It is safe for concurrent use.
type Service struct {
	store Store
	opt   Options
	cache *principalCache
	pace  *pacer
	asked chan struct{} // a slot for each question to Contracts
	safes *provenSessions
}

// New returns a Service over the records in store.
func New(store Store, opt Options) *Service {
	orDefault(&opt.ChallengeTTL, DefaultChallengeTTL)
	orDefault(&opt.AccessTTL, DefaultAccessTTL)
	orDefault(&opt.RefreshTTL, DefaultRefreshTTL)
	orDefault(&opt.SessionTTL, DefaultSessionTTL)
	orDefault(&opt.CacheTTL, DefaultCacheTTL)
	orDefault(&opt.SweepInterval, DefaultSweepInterval)
	orDefault(&opt.RecheckEvery, DefaultRecheckEvery)
	if opt.Statement == "" {
		opt.Statement = DefaultStatement
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Now == nil {
		opt.Now = time.Now
	}
	return &Service{store: store, opt: opt, cache: newPrincipalCache(opt.CacheTTL), pace: newPacer(), asked: make(chan struct{}, maxContractCalls), safes: newProven()}
}

func orDefault(d *time.Duration, def time.Duration) {
	if *d == 0 {
		*d = def
	}
}

// now is the clock in the resolution the store keeps.
func (s *Service) now() time.Time { return s.opt.Now().UTC().Truncate(time.Millisecond) }

// Sweep removes what has expired: challenges, tokens and sessions without a living
// token. Nothing it removes would have been accepted any more.
func (s *Service) Sweep(ctx context.Context) (removed int64, err error) {
	return s.store.Sweep(ctx, s.now())
}

// Run sweeps at every SweepInterval until ctx ends, then returns nil. A sweep that
// fails is logged and tried again at the next turn. With Options.Contracts it also ends the sessions of contract
// wallets whose signers changed.
func (s *Service) Run(ctx context.Context) error {
	var following sync.WaitGroup
	defer following.Wait()
	if s.opt.Contracts != nil {
		following.Go(func() { s.follow(ctx) })
	}
	tick := time.NewTicker(s.opt.SweepInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if _, err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
				s.opt.Logger.InfoContext(ctx, "auth sweep failed", "error", err)
			}
		}
	}
}
