package nft

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/streamgate/streamgate/nft/rule"
	"github.com/streamgate/streamgate/storage/cache"
)

// DeciderOptions configures a Decider; the zero value works and answers
// Unknown for every chain, since it has no verifiers.
type DeciderOptions struct {
	// Verifiers are the chains that can be asked.
	Verifiers []Verifier
	// Cache keeps decisions across deciders; nil keeps them in process only.
	Cache cache.Cache
	// Lists resolves the "list" leaf: is account in the tenant's list?
	Lists func(ctx context.Context, tenant, list, account string) (bool, error)
	// YesTTL and NoTTL bound cached answers (default 30 s and 3 s), jittered.
	YesTTL, NoTTL time.Duration
	// Timeout bounds one evaluation's chain calls (default 5 s).
	Timeout time.Duration
	// Now is the clock; nil means time.Now.
	Now    func() time.Time
	Logger *slog.Logger
}

// Decider decides. All methods are safe for concurrent use.
type Decider struct{ _ struct{} }

// NewDecider returns a Decider. Call Run to have transfers flip its answers.
func NewDecider(opt DeciderOptions) *Decider { return &Decider{} }

// Run follows the chains of all verifiers until ctx ends, dropping cached answers that
// a transfer may have changed and telling watchers.
func (d *Decider) Run(ctx context.Context) error { return errors.New("skeleton") }

// Decide evaluates r for s. A chain that cannot be asked makes an Unknown
// decision and no error; errors are for bad arguments (fault.Invalid) and ctx.
func (d *Decider) Decide(ctx context.Context, r *rule.Rule, s Subject) (Decision, error) {
	return Decision{}, errors.New("skeleton")
}

// DecideFresh is Decide without reading the cache ("test a wallet", and the
// answer a key release waits for after a flip).
func (d *Decider) DecideFresh(ctx context.Context, r *rule.Rule, s Subject) (Decision, error) {
	return Decision{}, errors.New("skeleton")
}

// Watch sends the present decision and then a new one whenever the outcome
// flips, until ctx ends, when the channel is closed. A slow reader gets the
// newest decision, not every one.
func (d *Decider) Watch(ctx context.Context, r *rule.Rule, s Subject) <-chan Decision { return nil }

// ChainStatus is the health of one chain, for GET /v1/chains.
type ChainStatus struct {
	Chain   string    `json:"chain"`
	Head    *Block    `json:"head,omitempty"`
	Healthy bool      `json:"healthy"`
	Error   string    `json:"error,omitempty"`
	Seen    time.Time `json:"seen"`
}

// Chains returns the status of every verifier.
func (d *Decider) Chains(ctx context.Context) []ChainStatus { return nil }
