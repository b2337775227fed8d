package nft

import (
	"math/big"
	"slices"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/nft/rule"
)

// lacking says what of a hold leaf cannot be read for one manner of holding, or "".
func lacking(h *rule.HoldLeaf, as rule.Holder) string {
	ids, ok := h.Tokens()
	std := h.Asset.Standard
	switch {
	case h.Asset.Chain.Namespace != "eip155":
		return "a token of such a chain by \"hold\""
	case !ok:
		return "a range of more than 256 token ids"
	case std == "erc1155" && ids == nil:
		return "an ERC-1155 without token ids"
	case as == rule.BoundAccount && (std != "erc721" || ids == nil):
		return "tokens held by ERC-6551 accounts without token ids"
	case as == rule.Renter && (std != "erc721" || ids == nil):
		return "a rental (ERC-4907) without token ids"
	case len(h.Traits) > 0 && std == "erc20":
		return "traits of an ERC-20"
	case len(h.Traits) > 0 && as == rule.Delegate && ids == nil:
		return "traits of delegated tokens without token ids"
	}
	return ""
}

// holders returns the manners of holding that count for a hold leaf and can be read, and
// what of it cannot, or "".
func holders(r *rule.Rule, n *rule.Node) (read []rule.Holder, lack string) {
	registries := r.Subject().Delegation
	for _, as := range n.Hold.Holders(r.Subject()) {
		switch why := lacking(n.Hold, as); {
		case why != "":
			lack = why
		case as == rule.Delegate && len(registries) > 0 && !slices.Contains(registries, rule.DelegateXYZ):
			lack = "delegations through " + registries[0]
		default:
			read = append(read, as)
		}
	}
	for _, name := range registries {
		if name != rule.DelegateXYZ && slices.Contains(n.Hold.As, rule.Owner) {
			lack = "delegations through " + name
		}
	}
	return read, lack
}

// unreadable reports whether nothing of a hold leaf can be read, whatever the chain answers.
func (e *evaluation) unreadable(n *rule.Node) bool {
	read, _ := holders(e.r, n)
	return len(read) == 0 || len(n.Hold.Traits) > 0 && e.blindToTraits
}

// partly reports whether a hold leaf counts something that cannot be read, so that its no is not known.
func (e *evaluation) partly(n *rule.Node) bool {
	_, lack := holders(e.r, n)
	return lack != ""
}

// lackOf says what of a rule cannot be read, as the end of a sentence, or "".
func lackOf(r *rule.Rule) (lack string) {
	r.Root().Walk(func(n *rule.Node) {
		why := ""
		switch n.Kind {
		case rule.KindHold:
			_, why = holders(r, n)
		case rule.KindKey:
			why = lackingKey(n.Key)
		}
		if lack == "" {
			lack = why
		}
	})
	return lack
}

// follows reports whether transfers tell when the leaf may change. Calls, ERC-20 balances (rebasing
// tokens), keys, rentals, delegations and metadata change in silence: those last one head.
func follows(r *rule.Rule, n *rule.Node) bool {
	if n.Kind != rule.KindHold || n.Hold.Asset.Standard == "erc20" || len(n.Hold.Traits) > 0 {
		return false
	}
	read, _ := holders(r, n)
	return len(read) == 1 && read[0] == rule.Owner
}

// part is one reading of a hold leaf: how much of its tokens, or of one of them, an account has in one manner.
type part struct {
	q   Query
	uri *Query // where the token says what it is, for a leaf with traits
}

// partsOf lists the reads of a hold leaf for one account and manner, in a fixed order.
func partsOf(n *rule.Node, as rule.Holder, a caip.AccountID) []part {
	h := n.Hold
	ids, _ := h.Tokens()
	std := h.Asset.Standard
	q := Query{Contract: h.Asset.Reference, Account: a.Address}
	switch {
	case as == rule.Delegate:
		q.Op = map[string]Op{"erc721": OpDelegated721, "erc1155": OpDelegated1155, "erc20": OpDelegated20}[std]
	case as == rule.Renter:
		q.Op = OpRental
	case as == rule.BoundAccount:
		q.Op = OpBound721
	case std == "erc20":
		q.Op = OpBalance20
	case std == "erc1155":
		q.Op = OpBalance1155
	case ids == nil && len(h.Traits) > 0:
		q.Op = OpTokens721
	case ids == nil:
		q.Op = OpBalance721
	default:
		// The owner of a token is one answer for every account.
		q.Op, q.Account = OpOwner721, ""
	}
	if q.Op.Timed() {
		q.Held = heldFor(n)
	}
	if ids == nil {
		return []part{{q: q}}
	}
	parts := make([]part, len(ids))
	for i, id := range ids {
		parts[i].q = q
		parts[i].q.TokenID = id
		if len(h.Traits) > 0 {
			parts[i].uri = uriQuery(h, id)
		}
	}
	return parts
}

// held evaluates a hold leaf for one account: each manner of holding must pass by itself, as each wallet must.
func (e *evaluation) held(n *rule.Node, b *batch, a caip.AccountID, out *Node) (o Outcome, reason, observed string) {
	o, reason = No, "not_held"
	read, _ := holders(e.r, n)
	for _, as := range read {
		got, why, saw := e.heldAs(n, as, b, a, out)
		if got == Yes || why == "not_needed" {
			return got, why, saw
		}
		switch {
		case got == Unknown:
			o, reason = got, why
		case o == No && why == "held_too_short":
			reason, observed = why, saw
		}
		if observed == "" {
			observed = saw
		}
	}
	return o, reason, observed
}

// heldBy is the reason of a yes.
func heldBy(as rule.Holder) string {
	switch as {
	case rule.Delegate:
		return "delegated"
	case rule.Renter:
		return "rented"
	case rule.BoundAccount:
		return "bound"
	}
	return "held"
}

func (e *evaluation) heldAs(n *rule.Node, as rule.Holder, b *batch, a caip.AccountID, out *Node) (o Outcome, reason, observed string) {
	h, ask := n.Hold, heldFor(n)
	t, spans := tally{sum: new(big.Int)}, windows{}
	for _, p := range partsOf(n, as, a) {
		ans, ok := b.answer(p.q)
		if !ok {
			return Unknown, "not_needed", ""
		}
		if ans.Err != nil {
			t.unread = answerReason(ans.Err)
			continue
		}
		if ans.Note != "" {
			t.note = " (" + ans.Note + ")"
		}
		if p.q.Op == OpTokens721 {
			e.countTokens(h, ans.Value, &t)
			spans.unread = "unsupported" // since when each is held is not read
			continue
		}
		got, end, bad := e.amount(p.q, ans, a, b)
		if bad != "" {
			t.unread = bad
			continue
		}
		if p.uri != nil && got.Sign() > 0 && !e.passes(h, p, b, &t) {
			continue
		}
		t.add(got, end)
		if got.Sign() > 0 {
			spans.add(ans) // what is not there now was not held throughout
		}
	}
	switch {
	case t.sum.Cmp(h.Min) >= 0 && !ask.IsZero():
		o, reason = e.judge(n, &spans, b.reply.Block, out)
		if o == No && t.unread != "" {
			o, reason = Unknown, t.unread
		}
		return o, reason, t.sum.String() + t.note
	case t.sum.Cmp(h.Min) >= 0:
		e.until(t.end)
		return Yes, heldBy(as), t.sum.String() + t.note
	case t.unread != "":
		return Unknown, t.unread, ""
	}
	return No, "not_held", t.sum.String() + t.note
}

// tally is what was counted of a leaf so far.
type tally struct {
	sum    *big.Int
	unread string // why a part is not known
	note   string
	end    time.Time // when the first of what was counted runs out
}

func (t *tally) add(n *big.Int, end time.Time) {
	t.sum.Add(t.sum, n)
	if n.Sign() > 0 && !end.IsZero() && (t.end.IsZero() || end.Before(t.end)) {
		t.end = end
	}
}

// answer returns the answer to q, if it was asked.
func (b *batch) answer(q Query) (Answer, bool) {
	i, ok := b.index[keyOfRead(q)]
	if !ok {
		return Answer{}, false
	}
	return b.reply.Answers[i], true
}

// amount reads an answer as an amount, and when it runs out.
func (e *evaluation) amount(q Query, ans Answer, a caip.AccountID, b *batch) (n *big.Int, end time.Time, bad string) {
	if q.Op == OpOwner721 {
		if ans.Value != "" && ans.Value == a.Address {
			return big.NewInt(1), end, ""
		}
		return new(big.Int), end, ""
	}
	v, ok := integer(ans.Value)
	if !ok || v.Sign() < 0 {
		return nil, end, "bad_reply"
	}
	if q.Op == OpRental {
		if end = endOf(v); end.After(e.instant(b)) {
			return big.NewInt(1), end, ""
		}
		return new(big.Int), time.Time{}, ""
	}
	return v, end, ""
}

// instant is the time that decides whether something has run out: the later of the clock and the block's, so
// that neither a clock that is slow nor a chain that stands still prolongs anything.
func (e *evaluation) instant(b *batch) time.Time {
	if t := b.reply.Block.Time; t.After(e.now) {
		return t
	}
	return e.now
}

// until notes that what was decided lasts no longer than end.
func (e *evaluation) until(end time.Time) {
	if !end.IsZero() && (e.ends.IsZero() || end.Before(e.ends)) {
		e.ends = end
	}
}

// endOf reads seconds since 1970; what is beyond the year 9999 ends in it.
func endOf(v *big.Int) time.Time {
	const last = 253402300799
	if !v.IsInt64() || v.Int64() > last {
		return time.Unix(last, 0).UTC()
	}
	return time.Unix(v.Int64(), 0).UTC()
}
