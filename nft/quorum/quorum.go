// Package quorum asks one chain through several providers, so that one of them which is slow,
// broken or false spoils no answer. Its Verifier is an nft.Verifier over others, one a provider;
// the server's wiring and hosts that embed StreamGate make it of drivers/evm or drivers/solana.
//
// A plain Check goes to the healthiest provider, and to a second when the first dawdles: that keeps answers
// coming, and believes whoever answers. CheckQuorum, which a rule asks for by its evidence, takes what
// several providers of distinct operators say alike about one block. Watch follows all providers and tells what
// any of them tells, so that a transfer is missed only when all of them leave it out.
//
// A provider is left out while its breaker is open, its budget spent, its head far behind the
// others', or while it serves another chain. Votes are no proof: a provider that is outvoted is shown and
// ranked lower, and the disagreement is kept as evidence, but it stays in.
//
// It holds no credentials: providers are told apart by labels, and only those are shown.
package quorum

import (
	"context"
	"log/slog"
	"regexp"
	"sync"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// Provider is one source of answers about the chain.
type Provider struct {
	// Name is the label it is shown by: 1 to 40 of a-z, 0-9, dot, dash and underscore.
	Name string
	// Operator is who runs it, a label like Name; empty means that Name is its own operator. Two
	// providers of one operator have one vote in a quorum.
	Operator string
	// Verifier asks it. It must not be shared with another Provider.
	Verifier nft.Verifier
	// Budget bounds the calls to it; nil does not.
	Budget *Budget
	// NoWatch keeps Watch from following it, which costs calls all day long.
	NoWatch bool
}

// Options configures a Verifier; the zero value means the defaults.
type Options struct {
	// Timeout bounds one provider's answer (default 4 s).
	Timeout time.Duration
	// MaxLag is how many blocks an answer may be behind the newest block heard of, unless the block is
	// fresh by FreshFor (default 3).
	MaxLag uint64
	// FinalityLag is the same for the finality tags, where no block is fresh: providers
	// move on by epochs there (default 100).
	FinalityLag uint64
	// FreshFor is how old by the clock a newest block may be and still be no laggard's, whatever
	// others claim: fast chains make many blocks in a moment, and a false head far ahead must not outdate the rest
	// (default 30 s). Negative means that only numbers count.
	FreshFor time.Duration
	// MaxFuture is how far ahead of the clock a block's time may be (default 2 min).
	MaxFuture time.Duration
	// ProbeEvery is how often Watch asks a provider that was not heard of otherwise for its head (default 10 s).
	ProbeEvery time.Duration
	// Evidence is how many disagreements are kept (default 128).
	Evidence int
	// Now is the clock; nil is time.Now.
	Now    func() time.Time
	Logger *slog.Logger
	// Meters counts calls and disagreements; nil means the global provider.
	Meters metric.MeterProvider
}

func (o Options) withDefaults() Options {
	for d, def := range map[*time.Duration]time.Duration{
		&o.Timeout: 4 * time.Second, &o.MaxFuture: 2 * time.Minute, &o.ProbeEvery: 10 * time.Second,
	} {
		if *d <= 0 {
			*d = def
		}
	}
	if o.FreshFor == 0 {
		o.FreshFor = 30 * time.Second
	}
	if o.MaxLag == 0 {
		o.MaxLag = 3
	}
	if o.FinalityLag == 0 {
		o.FinalityLag = 100
	}
	if o.Evidence <= 0 {
		o.Evidence = 128
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Verifier asks one chain through several providers. All methods are safe for concurrent use.
type Verifier struct {
	chain     caip.ChainID
	opt       Options
	providers []*provider
	operators [][]*provider // by operator, both in the order given
	pinned    bool          // the chain can be read at a block by its hash
	evidence  *evidence
	meters    *meters
	// asking counts the calls that outlive their caller, each bounded by Options.Timeout.
	asking sync.WaitGroup
}

var (
	_ nft.Verifier         = (*Verifier)(nil)
	_ nft.QuorumVerifier   = (*Verifier)(nil)
	_ nft.ProviderReporter = (*Verifier)(nil)
)

// maxProviders bounds the providers of one chain.
const maxProviders = 32

// New returns a Verifier over providers of one chain, without asking them anything. Errors are
// fault.Invalid: no provider, a bad or repeated name, two chains, or providers of which some can be read at a
// block by its hash and some cannot.
func New(providers []Provider, opt Options) (*Verifier, error) {
	const op = "quorum.New"
	if len(providers) == 0 || len(providers) > maxProviders {
		return nil, fault.Newf(fault.Invalid, op, "%d providers: a chain has 1 to %d", len(providers), maxProviders)
	}
	opt = opt.withDefaults()
	v := &Verifier{opt: opt, evidence: newEvidence(opt.Evidence)}
	label := regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,39}$`)
	names, operators := map[string]bool{}, map[string]int{}
	for i, p := range providers {
		if p.Operator == "" {
			p.Operator = p.Name
		}
		if p.Verifier == nil || !label.MatchString(p.Name) || !label.MatchString(p.Operator) || names[p.Name] {
			return nil, fault.Newf(fault.Invalid, op, "provider %d needs a verifier and a name of its own, of a-z, 0-9, dot, dash and underscore", i+1)
		}
		names[p.Name] = true
		pinned, can := nft.As[nft.PinnedVerifier](p.Verifier)
		if i == 0 {
			v.chain, v.pinned = p.Verifier.Chain(), can
		}
		if p.Verifier.Chain() != v.chain || can != v.pinned {
			return nil, fault.Newf(fault.Invalid, op, "provider %q is of another chain or kind than the first", p.Name)
		}
		at, known := operators[p.Operator]
		if !known {
			at = len(v.operators)
			operators[p.Operator] = at
			v.operators = append(v.operators, nil)
		}
		made := newProvider(p, pinned, len(providers) == 1)
		v.providers = append(v.providers, made)
		v.operators[at] = append(v.operators[at], made)
	}
	var err error
	v.meters, err = newMeters(v)
	return v, fault.Wrap(fault.Internal, op, err)
}

// Chain returns the chain asked.
func (v *Verifier) Chain() caip.ChainID { return v.chain }

// Close waits for the calls that outlived their callers, which takes no longer than Options.Timeout. It
// does not close the providers' verifiers. Call it after every other method has returned.
func (v *Verifier) Close() {
	v.asking.Wait()
	v.meters.close()
}

// Head returns the newest block by the healthiest provider.
func (v *Verifier) Head(ctx context.Context) (nft.Block, error) {
	const op = "quorum.Head"
	b, err := hedged(ctx, v, op, func(ctx context.Context, p *provider) (nft.Block, int, error) {
		b, err := p.Verifier.Head(ctx)
		if err == nil {
			err = v.judge(p, latest, b)
		}
		return b, 1, err
	}, func(nft.Block) bool { return true })
	return b, fault.At(op, err)
}

// Check answers all queries by the healthiest provider. When that one dawdles a second is asked too, and the
// first good answer counts; when it fails the next is asked. It believes whoever answers: a
// provider that is far behind the others, or ahead of time, alone is not believed.
//
// Errors are those of nft.Verifier, and fault.Limited when every provider's budget is spent.
func (v *Verifier) Check(ctx context.Context, at nft.Finality, queries []nft.Query) (nft.Reply, error) {
	const op = "quorum.Check"
	r, err := hedged(ctx, v, op, func(ctx context.Context, p *provider) (nft.Reply, int, error) {
		r, err := p.Verifier.Check(ctx, at, queries)
		if err == nil {
			err = v.vet(p, at, r, queries)
		}
		return r, max(1, r.Calls), err
	}, complete)
	return r, fault.At(op, err)
}

// vet makes an error of a reply that cannot be used.
func (v *Verifier) vet(p *provider, at nft.Finality, r nft.Reply, queries []nft.Query) error {
	if len(r.Answers) != len(queries) {
		return fault.Newf(fault.Unavailable, "quorum.Check", "the provider gives %d answers to %d queries", len(r.Answers), len(queries))
	}
	return v.judge(p, levelOf(at), r.Block)
}

// complete reports whether no answer is missing for a reason that another provider may not have.
func complete(r nft.Reply) bool {
	for _, a := range r.Answers {
		if a.Err != nil && !settledError(a.Err) {
			return false
		}
	}
	return true
}

// settledError reports whether err says something of the question and not of the provider.
func settledError(err error) bool {
	k := fault.KindOf(err)
	return k == fault.Invalid || k == fault.Unsupported
}
