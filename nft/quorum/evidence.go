package quorum

import (
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/streamgate/streamgate/nft"
)

// evidence keeps the newest disagreements, one that is repeated once.
type evidence struct {
	mu   sync.Mutex
	most int
	list []nft.Disagreement // oldest first
}

func newEvidence(most int) *evidence { return &evidence{most: most} }

func (e *evidence) add(d nft.Disagreement) {
	d.Count = 1
	slices.SortFunc(d.Answers, func(a, b nft.ProviderAnswer) int { return strings.Compare(a.Provider, b.Provider) })
	e.mu.Lock()
	defer e.mu.Unlock()
	for i, o := range e.list {
		if o.Query == d.Query && (d.Query == "block" || slices.Equal(o.Answers, d.Answers)) {
			d.Count = o.Count + 1
			e.list = slices.Delete(e.list, i, i+1)
			break
		}
	}
	if len(e.list) == e.most {
		e.list = slices.Delete(e.list, 0, 1)
	}
	e.list = append(e.list, d)
}

func (e *evidence) newestFirst() []nft.Disagreement {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := slices.Clone(e.list)
	slices.Reverse(out)
	for i := range out {
		out[i].Answers = slices.Clone(out[i].Answers)
	}
	return out
}

func (v *Verifier) disagreed(d nft.Disagreement) {
	v.evidence.add(d)
	v.meters.disagreed()
	v.opt.Logger.Info("providers_disagree", "chain", d.Chain, "block", d.Block.Number, "query", d.Query)
}

// Disagreements implements nft.ProviderReporter.
func (v *Verifier) Disagreements() []nft.Disagreement { return v.evidence.newestFirst() }

// queryText is a query in one line.
func queryText(q nft.Query) string {
	parts := []string{string(q.Op), q.Contract}
	if q.Account != "" {
		parts = append(parts, q.Account)
	}
	if q.TokenID != "" {
		parts = append(parts, "#"+q.TokenID)
	}
	if q.Call != nil {
		parts = append(parts, q.Call.Fn, strings.Join(q.Call.Args, ","))
	}
	return clip(strings.Join(parts, " "))
}

func blockText(b nft.Block) string { return strconv.FormatUint(b.Number, 10) + " " + clip(b.Hash) }

// Providers implements nft.ProviderReporter.
func (v *Verifier) Providers() []nft.ProviderStatus {
	now := v.opt.Now()
	out := make([]nft.ProviderStatus, len(v.providers))
	for i, p := range v.providers {
		out[i] = p.status(v.opt.Now())
		if m, ok := p.head(); ok && now.Sub(m.at) < markLife {
			head := m.block
			out[i].Head = &head
		}
	}
	return out
}
