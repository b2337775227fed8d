package nft

import (
	"context"
	"errors"
	"time"
)

// Quorum says how many answers must agree: N of them, by providers of distinct operators, among
// Of that are asked. An N below 2 asks one provider.
type Quorum struct{ N, Of int }

// Wanted reports whether more than one provider has to be asked.
func (q Quorum) Wanted() bool { return q.N > 1 }

// QuorumVerifier is the power of a Verifier that has several providers (nft/quorum). It is found
// with As.
type QuorumVerifier interface {
	// CheckQuorum is Check, where every answer is one that q.N providers of distinct operators
	// gave alike, about one block: that of the Reply. An answer they do not agree on has the cause
	// ErrDisagreement. When fewer than q.Of operators are configured the error is fault.Unsupported with the
	// cause ErrTooFewOperators. The Reply's Agreement is filled in, also beside an error.
	CheckQuorum(ctx context.Context, at Finality, q Quorum, queries []Query) (Reply, error)
}

// PinnedVerifier is the power of a Verifier whose nodes keep past states: to read at a block that
// somebody else named. It is found with As.
type PinnedVerifier interface {
	// BlockAt returns the block that Check of the finality would read now.
	BlockAt(ctx context.Context, at Finality) (Block, error)
	// CheckAt answers at b, or fails: a provider that does not have the block, or has it with another
	// number or time, or not on its chain, makes an error of kind fault.Unavailable.
	CheckAt(ctx context.Context, b Block, queries []Query) (Reply, error)
}

// ProviderReporter is the power of a Verifier to tell of its providers. It is found with As.
type ProviderReporter interface {
	// Providers returns the state of every provider, in the order configured.
	Providers() []ProviderStatus
	// Disagreements returns what is kept of the providers' disagreements, newest first.
	Disagreements() []Disagreement
}

// Unwrapper is implemented by verifiers that decorate another one.
type Unwrapper interface{ Unwrap() Verifier }

// As returns the first verifier that has the power T, from v inwards.
func As[T any](v Verifier) (T, bool) {
	for v != nil {
		if t, ok := v.(T); ok {
			return t, true
		}
		u, ok := v.(Unwrapper)
		if !ok {
			break
		}
		v = u.Unwrap()
	}
	var zero T
	return zero, false
}

// Causes of errors about providers.
var (
	// ErrOtherChain means that a provider serves another chain than it should.
	ErrOtherChain = errors.New("the provider serves another chain")
	// ErrDisagreement means that too few providers say the same.
	ErrDisagreement = errors.New("the providers disagree")
	// ErrTooFewOperators means that a quorum cannot be had from those configured.
	ErrTooFewOperators = errors.New("too few operators are configured for the quorum")
)

// Agreement tells who made an answer. Providers are named by the labels they were configured with.
type Agreement struct {
	// N and Of are the quorum wanted.
	N  int `json:"n"`
	Of int `json:"of"`
	// Asked are the providers that were asked; Agreed those whose every answer was the one taken,
	// as far as had been heard when there were enough.
	Asked  []string `json:"asked"`
	Agreed []string `json:"agreed"`
}

// ProviderStatus is the health of one provider of a chain.
type ProviderStatus struct {
	Name     string `json:"name"`
	Operator string `json:"operator"`
	// State is "ok"; "new" (not heard of yet); "failing" (its breaker is open), "lagging",
	// "other_chain", "implausible" (its blocks are ahead of time or of everybody), or "over_budget": those are
	// left out. Why says more.
	State string `json:"state"`
	Why   string `json:"why,omitempty"`
	Head  *Block `json:"head,omitempty"`
	// Lag is how many blocks it was behind the newest head when it was last heard of.
	Lag uint64 `json:"lag"`
	// LatencyMS is the median and P95MS the 95th percentile of its last answers, in milliseconds.
	LatencyMS float64 `json:"latency_ms"`
	P95MS     float64 `json:"p95_ms"`
	// ErrorRate is the share of late calls that failed, newer ones counting more.
	ErrorRate float64 `json:"error_rate"`
	Calls     uint64  `json:"calls"`
	Failures  uint64  `json:"failures"`
	// Outvoted is how often a quorum said otherwise than it.
	Outvoted uint64 `json:"outvoted"`
	// CallsLeft is what the day's budget still allows, absent without one.
	CallsLeft *int64    `json:"calls_left,omitempty"`
	Seen      time.Time `json:"seen"`
}

// Disagreement is evidence that providers of one chain said different things of one block.
type Disagreement struct {
	Chain string    `json:"chain"`
	At    time.Time `json:"at"`
	Block Block     `json:"block"`
	// Query is what was asked, or "block" for which block is the newest.
	Query   string           `json:"query"`
	Answers []ProviderAnswer `json:"answers"`
	// Count is how often the same was seen, At and Block being of the last time.
	Count int `json:"count"`
}

// ProviderAnswer is one provider's part of a Disagreement.
type ProviderAnswer struct {
	Provider string `json:"provider"`
	Operator string `json:"operator"`
	Value    string `json:"value,omitempty"`
	Error    string `json:"error,omitempty"`
}
