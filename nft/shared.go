package nft

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/streamgate/streamgate/nft/rule"
)

// sharedDecision is what deciders exchange through DeciderOptions.Cache. Heads is
// the hash of the head block of each chain read: the decision is used only by a
// decider that itself follows the chain and stands at that very block, so what
// another process did or did not see of a transfer does not matter.
type sharedDecision struct {
	Decision Decision          `json:"decision"`
	Heads    map[string]string `json:"heads"`
}

// sharedKey hashes the parts behind an unambiguous encoding: no separator inside
// one of them can make two keys one.
func sharedKey(k key) string {
	b, _ := json.Marshal([]string{k.tenant, k.rule, k.first.String(), k.more})
	sum := sha256.Sum256(b)
	return "nft/decision/" + hex.EncodeToString(sum[:])
}

// shareable reports whether the chains alone decide the rule: a list or a role may change
// between two processes unseen.
func shareable(r *rule.Rule) bool {
	ok := true
	r.Root().Walk(func(n *rule.Node) {
		_, local := listOf(n)
		ok = ok && !local
	})
	return ok
}

func (d *Decider) loadShared(ctx context.Context, k key, r *rule.Rule) (Decision, bool) {
	if d.opt.Cache == nil || !shareable(r) {
		return Decision{}, false
	}
	b, ok, err := d.opt.Cache.Get(ctx, sharedKey(k))
	if err != nil {
		d.opt.Logger.DebugContext(ctx, "decision cache failed", "error", err)
	}
	var got sharedDecision
	if err != nil || !ok || json.Unmarshal(b, &got) != nil {
		return Decision{}, false
	}
	for _, c := range d.order {
		if hash := got.Heads[c.id]; hash != "" && hash == c.toldHead() {
			delete(got.Heads, c.id)
		}
	}
	out := got.Decision
	if len(got.Heads) > 0 || out.RuleID != r.ID() || out.Outcome == Unknown || !d.opt.Now().Before(out.ValidUntil) {
		return Decision{}, false
	}
	out.Cached = true
	return out, true
}

func (d *Decider) storeShared(ctx context.Context, k key, r *rule.Rule, out Decision) {
	if d.opt.Cache == nil || !shareable(r) || out.Outcome == Unknown || out.pending || len(out.heads) == 0 {
		return
	}
	b, err := json.Marshal(sharedDecision{out, out.heads})
	if err == nil {
		err = d.opt.Cache.Set(ctx, sharedKey(k), b, out.ValidUntil.Sub(d.opt.Now()))
	}
	if err != nil {
		d.opt.Logger.DebugContext(ctx, "decision cache failed", "error", err)
	}
}
