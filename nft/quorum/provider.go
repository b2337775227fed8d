package quorum

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// The states of a provider, as nft.ProviderStatus names them.
const (
	stateOK          = "ok"
	stateNew         = "new"
	stateFailing     = "failing"
	stateLagging     = "lagging"
	stateOtherChain  = "other_chain"
	stateImplausible = "implausible"
	stateOverBudget  = "over_budget"
)

// provider is a Provider with what is known of its health.
type provider struct {
	Provider
	reader nft.PinnedVerifier // nil where the chain keeps no past states

	mu       sync.Mutex
	breaker  breaker
	took     [64]time.Duration // a ring of the last calls' durations
	tooks    int
	errRate  float64
	marks    map[string]mark // the newest block of each level
	lag      uint64
	verdict  string // why its last block was not believed: a state, or ""
	why      string // what went wrong last, in words
	judged   time.Time
	seen     time.Time
	calls    uint64
	failures uint64
	outvoted uint64
}

// mark is the newest block a provider has shown of one level, and when it was heard of.
type mark struct {
	block nft.Block
	at    time.Time
}

// Bounds of memory: a false block must not shut a provider, or all others, out for good.
const (
	markLife    = time.Minute
	verdictLife = 20 * time.Second
)

func newProvider(p Provider, reader nft.PinnedVerifier, alone bool) *provider {
	return &provider{Provider: p, reader: reader, breaker: breaker{off: alone}, marks: map[string]mark{}}
}

// standing is the provider's state, ok or new when it may be asked.
func (p *provider) standing(now time.Time) (state, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stand(now)
}

func (p *provider) stand(now time.Time) (state, why string) {
	switch {
	case !p.Budget.left(now):
		return stateOverBudget, "its budget of calls is spent"
	case !p.breaker.closed(now):
		state = stateFailing
		if p.verdict == stateOtherChain {
			state = stateOtherChain
		}
		return state, p.why
	case p.verdict != "" && now.Sub(p.judged) < verdictLife:
		return p.verdict, p.why
	case p.seen.IsZero():
		return stateNew, ""
	}
	return stateOK, ""
}

// take reserves a call, and with an open breaker whose time has come the one trial.
func (p *provider) take(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if state, _ := p.stand(now); !askable(state) {
		return false
	}
	return p.Budget.admit(now) && p.breaker.take(now)
}

// note takes in how a call went. A caller who hung up says nothing of the provider, but a call that
// went on so long at least shows how slow it is.
func (p *provider) note(now time.Time, took time.Duration, calls int, err error) (outcome string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.Budget.spent(now, calls)
	p.calls += uint64(max(calls, 1))
	switch {
	case err == nil, settledError(err):
		p.breaker.good()
		p.errRate *= 0.9
		p.seen = now
		p.sample(took)
		return "ok"
	case fault.KindOf(err) == fault.Canceled:
		p.breaker.forget()
		if took > p.quantile(95) {
			p.sample(took)
		}
		return "canceled"
	}
	p.failures++
	p.errRate = 0.9*p.errRate + 0.1
	p.sample(took)
	p.breaker.bad(now, p.errRate)
	p.why = clip(err.Error())
	if errors.Is(err, nft.ErrOtherChain) {
		p.verdict, p.judged, p.why = stateOtherChain, now, "it serves another chain"
		p.breaker.open(now)
	}
	return "failed"
}

func (p *provider) sample(took time.Duration) {
	p.took[p.tooks%len(p.took)] = took
	p.tooks++
}

// quantile returns a percentile of the last durations, 0 when there are none.
func (p *provider) quantile(percent int) time.Duration {
	n := min(p.tooks, len(p.took))
	if n == 0 {
		return 0
	}
	sorted := slices.Clone(p.took[:n])
	slices.Sort(sorted)
	return sorted[(n-1)*percent/100]
}

// p95 is the duration that most calls stay below, 0 when it is not known.
func (p *provider) p95() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.quantile(95)
}

// score ranks providers, lower being better: the usual latency, made worse by failures and by having been outvoted.
func (p *provider) score() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	const often = 10
	return p.quantile(50).Seconds() * (1 + 10*p.errRate + float64(min(p.outvoted, often)))
}

// alive takes in that the provider's watch told a head.
func (p *provider) alive(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.breaker.hope(now)
	p.seen = now
}

// outvote counts that a quorum said otherwise.
func (p *provider) outvote() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.outvoted++
}

// askable reports whether a provider of that state may be asked. One whose last block was not believed
// may, after all others: what it says is judged anew, and so it comes back when it has caught up.
func askable(state string) bool {
	return state == stateOK || state == stateNew || doubted(state)
}

func doubted(state string) bool { return state == stateLagging || state == stateImplausible }

// ranked returns the providers that may be asked, the best first. One not heard of yet is as good as
// any, so that it is heard of.
func (v *Verifier) ranked(providers []*provider, now time.Time) []*provider {
	type scored struct {
		p     *provider
		score float64
	}
	var list []scored
	for _, p := range providers {
		state, _ := p.standing(now)
		if !askable(state) {
			continue
		}
		s := scored{p, p.score()}
		if doubted(state) {
			s.score += 1e6
		}
		list = append(list, s)
	}
	slices.SortStableFunc(list, func(a, b scored) int { return cmp.Compare(a.score, b.score) })
	out := make([]*provider, len(list))
	for i, s := range list {
		out[i] = s.p
	}
	return out
}

// nobody is the error of having no provider to ask.
func (v *Verifier) nobody(op string, now time.Time) error {
	limited := true
	for _, p := range v.providers {
		state, _ := p.standing(now)
		limited = limited && state == stateOverBudget
	}
	if limited {
		return fault.New(fault.Limited, op, "the budget of calls of every provider is spent").After(time.Second)
	}
	return fault.New(fault.Unavailable, op, "no provider of the chain can be asked now")
}

// call runs one call to p and takes in how it went. The call's own deadline is the provider's failure.
func call[T any](ctx context.Context, v *Verifier, p *provider, do func(context.Context, *provider) (T, int, error)) (T, error) {
	own, cancel := context.WithTimeout(ctx, v.opt.Timeout)
	defer cancel()
	start := time.Now()
	out, calls, err := do(own, p)
	took := time.Since(start)
	if err != nil && ctx.Err() == nil && fault.KindOf(err) == fault.Canceled {
		err = fault.New(fault.Unavailable, "quorum.call", "the provider did not answer in time")
	}
	outcome := p.note(v.opt.Now(), took, calls, err)
	v.meters.called(ctx, p, outcome, took)
	return out, err
}

// clip bounds a text that came from outside.
func clip(s string) string {
	const most = 200
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}

func (p *provider) head() (mark, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m, ok := p.marks[latest]
	return m, ok
}

func (p *provider) status(now time.Time) nft.ProviderStatus {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := nft.ProviderStatus{
		Name: p.Name, Operator: p.Operator, Lag: p.lag, ErrorRate: p.errRate, Seen: p.seen,
		LatencyMS: float64(p.quantile(50).Microseconds()) / 1000, P95MS: float64(p.quantile(95).Microseconds()) / 1000,
		Calls: p.calls, Failures: p.failures, Outvoted: p.outvoted,
	}
	s.State, s.Why = p.stand(now)
	if n, ok := p.Budget.Left(); ok {
		s.CallsLeft = &n
	}
	return s
}
