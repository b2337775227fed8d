package nft

import (
	"context"
	"errors"
	"math/big"
	"strings"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/rule"
)

// evaluation is one reading of a rule for a subject, at one instant.
type evaluation struct {
	r        *rule.Rule
	accounts []caip.AccountID
	now      time.Time
	list     func(name string) (Outcome, string)
	role     func(name string) (Outcome, string)
	merkle   func(root string) (Outcome, string)
	plan     plan
	// leaves that no chain is asked about, asked once
	lists map[string]*Node
	// documents are the metadata read so far, missing what evaluating asked for beside them.
	documents map[docKey]document
	missing   []docKey
	// ends is when the first of what passed runs out, or zero.
	ends time.Time
	// blindToTraits says that nobody reads metadata here.
	blindToTraits bool

	// tooShort means a holding time has not passed, so that a new block alone may change
	// the outcome; heldAt is when the first of those told in seconds will.
	tooShort bool
	heldAt   time.Time
}

// not is Kleene's negation.
func not(o Outcome) Outcome {
	switch o {
	case Yes:
		return No
	case No:
		return Yes
	}
	return Unknown
}

// combine joins the settled and the head reading by Kleene's "and": granting
// waits for the rule's finality, revoking acts on the newest head.
func combine(s, h Outcome) Outcome {
	switch {
	case s == No || h == No:
		return No
	case s == Yes && h == Yes:
		return Yes
	}
	return Unknown
}

// waits reports whether a leaf of n reads the chain below its head.
func waits(n *rule.Node) bool {
	found := false
	n.Walk(func(n *rule.Node) {
		if _, _, ok := chainOf(n); ok && !n.Evidence.Finality.Latest() {
			found = true
		}
	})
	return found
}

// eval explains node n. With collect the chain leaves are Unknown, which shows
// what the local leaves decide alone.
func (e *evaluation) eval(n *rule.Node, ph phase, collect bool) *Node {
	out := &Node{Pointer: n.Pointer, ID: n.ID, Kind: string(n.Kind), Sentence: n.Sentence()}
	if n.Leaf() {
		e.leaf(n, out, ph, collect)
		return out
	}
	var yes, no int
	for _, c := range n.Children {
		x := e.eval(c, ph, collect)
		out.Children = append(out.Children, x)
		switch x.Outcome {
		case Yes:
			yes++
		case No:
			no++
		}
	}
	total := len(n.Children)
	need := map[rule.Kind]int{rule.KindAll: total, rule.KindAny: 1, rule.KindAtLeast: n.N, rule.KindNot: 1}[n.Kind]
	switch {
	case yes >= need:
		out.Outcome = Yes
	case total-no < need:
		out.Outcome = No
	}
	because := out.Outcome
	if n.Kind == rule.KindNot {
		out.Outcome = not(out.Outcome)
	}
	for _, c := range out.Children {
		if c.Outcome == because {
			out.Reason = c.Reason
			break
		}
	}
	if n.Kind == rule.KindNot && because == Yes {
		out.Reason = "excluded"
	}
	return out
}

// collectReads plans the reads of every leaf whose answer can still matter:
// local is the tree as the local leaves alone decide it.
func (e *evaluation) collectReads(n *rule.Node, local *Node) {
	if local.Outcome != Unknown {
		return
	}
	for i, c := range n.Children {
		e.collectReads(c, local.Children[i])
	}
	chain, _, ok := chainOf(n)
	if !ok {
		return
	}
	if n.Kind == rule.KindBlock {
		e.plan.at(keyOfBatch(n, chain, head))
		e.plan.at(keyOfBatch(n, chain, settled))
		return
	}
	for _, a := range accountsOn(chain, e.accounts) {
		for _, q := range queriesOf(e.r, n, a) {
			b, _ := e.plan.add(keyOfBatch(n, chain, head), q)
			b.holders[[2]string{q.Contract, a.Address}] = true
			e.plan.add(keyOfBatch(n, chain, settled), q)
		}
	}
}

func (e *evaluation) leaf(n *rule.Node, out *Node, ph phase, collect bool) {
	if reason := unsupported(n); reason != "" {
		out.Reason = reason
		return
	}
	say := func(pass bool, yes, no string) {
		if out.Outcome, out.Reason = No, no; pass {
			out.Outcome, out.Reason = Yes, yes
		}
	}
	switch n.Kind {
	case rule.KindIs:
		out.Wanted = n.Account.String()
		found := false
		for _, a := range accountsOn(n.Account.Chain, e.accounts) {
			found = found || a.Address == n.Account.Address
		}
		say(found, "account", "not_account")
	case rule.KindList:
		e.local(n, out, e.list)
	case rule.KindRole:
		e.local(n, out, e.role)
	case rule.KindMerkle:
		e.local(n, out, e.merkle)
	case rule.KindAfter:
		out.Wanted, out.Observed = n.Time.Format(time.RFC3339), e.now.UTC().Format(time.RFC3339)
		say(!e.now.Before(n.Time), "time_reached", "too_early")
	case rule.KindBefore:
		out.Wanted, out.Observed = n.Time.Format(time.RFC3339), e.now.UTC().Format(time.RFC3339)
		say(e.now.Before(n.Time), "in_time", "expired")
	case rule.KindBlock:
		if out.Reason = "not_needed"; !collect {
			e.blockLeaf(n, out, ph)
		}
	case rule.KindHold, rule.KindKey, rule.KindCall, rule.KindSol:
		if collect {
			out.Reason = "not_needed"
			e.blind(n, out)
			return
		}
		e.chainLeaf(n, out, ph)
	}
}

// blind settles the chain leaves that need no read at all.
func (e *evaluation) blind(n *rule.Node, out *Node) {
	chain, _, _ := chainOf(n)
	if n.Kind == rule.KindHold && e.unreadable(n) {
		out.Reason = "unsupported"
	} else if len(accountsOn(chain, e.accounts)) == 0 {
		out.Outcome, out.Reason = No, "no_account"
	}
}

// chainLeaf asks the replies: yes when one account passes, no when all fail.
func (e *evaluation) chainLeaf(n *rule.Node, out *Node, ph phase) {
	chain, _, _ := chainOf(n)
	at := finalityOf(n.Evidence.Finality, ph)
	out.Chain, out.Finality = chain.String(), at.String()
	b := e.plan.batches[keyOfBatch(n, chain, ph)]
	accounts := accountsOn(chain, e.accounts)
	out.Reason = "not_needed"
	e.blind(n, out)
	if b == nil || out.Reason != "not_needed" {
		return
	}
	out.Quorum = b.reply.Agreement
	if b.reason != "" {
		out.Reason = b.reason
		return
	}
	out.Outcome, out.Reason = No, "not_held"
	if n.Kind == rule.KindCall {
		out.Reason = "call_failed"
	}
	for _, a := range accounts {
		o, reason, observed := e.account(n, b, a, out)
		if reason == "not_needed" {
			out.Outcome, out.Reason = Unknown, reason
			return
		}
		if out.Observed == "" || o == Yes {
			out.Observed = observed
		}
		if o == Yes {
			out.Outcome, out.Reason = Yes, reason
			break
		}
		if o == No && reason == "held_too_short" && out.Outcome == No {
			out.Reason, out.Observed = reason, observed
		}
		if o == Unknown {
			out.Outcome, out.Reason = Unknown, reason
		} else if out.Outcome == No && reason == "key_expired" {
			out.Reason = reason
		}
	}
	block := b.reply.Block
	out.Block, out.Source = &block, "chain"
	if b.reply.Source != "" {
		out.Source = b.reply.Source
	}
	switch n.Kind {
	case rule.KindCall:
		out.Wanted = n.Call.Op + " " + n.Call.Value
	case rule.KindKey:
		out.Wanted = "after " + e.instant(b).Format(time.RFC3339)
	default:
		out.Wanted = least(n).String()
		if ask := heldFor(n); !ask.IsZero() {
			out.Wanted += " held for " + ask.String()
		}
	}
	e.qualify(n, out)
}

// least is the balance a hold or sol leaf asks for.
func least(n *rule.Node) *big.Int {
	if n.Kind == rule.KindSol {
		return n.Sol.Min
	}
	return n.Hold.Min
}

// qualify withdraws what owning now cannot show: a holding time of a key, a call
// or a Solana token keeps a yes from being known, another way of having the token keeps a no from being known.
func (e *evaluation) qualify(n *rule.Node, out *Node) {
	ev := n.Evidence
	switch out.Outcome {
	case Yes:
		if n.Kind != rule.KindHold && (ev.HeldBlocks > 0 || ev.HeldSeconds > 0) {
			out.Outcome, out.Reason = Unknown, "unsupported"
		}
	case No:
		if n.Kind == rule.KindHold && e.partly(n) {
			out.Outcome, out.Reason = Unknown, "unsupported"
		}
	}
}

// account evaluates a chain leaf for one account.
func (e *evaluation) account(n *rule.Node, b *batch, a caip.AccountID, out *Node) (o Outcome, reason, observed string) {
	switch n.Kind {
	case rule.KindHold:
		return e.held(n, b, a, out)
	case rule.KindKey:
		return e.key(n, b, a)
	}
	sum, unread, note := new(big.Int), "", ""
	for _, q := range queriesOf(e.r, n, a) {
		i, ok := b.index[keyOfRead(q)]
		if !ok {
			return Unknown, "not_needed", ""
		}
		ans := b.reply.Answers[i]
		if ans.Err != nil {
			unread = answerReason(ans.Err)
			continue
		}
		if ans.Note != "" {
			note = " (" + ans.Note + ")"
		}
		switch q.Op {
		case OpCall:
			return compare(n.Call, ans.Value)
		default:
			v, ok := integer(ans.Value)
			if !ok || v.Sign() < 0 {
				unread = "bad_reply"
				continue
			}
			sum.Add(sum, v)
		}
	}
	switch {
	case unread != "" && n.Kind == rule.KindCall:
		return Unknown, unread, ""
	case sum.Cmp(least(n)) >= 0:
		return Yes, "held", sum.String() + note
	case unread != "":
		return Unknown, unread, ""
	}
	return No, "not_held", sum.String() + note
}

func answerReason(err error) string {
	switch {
	case errors.Is(err, ErrNotEnumerable):
		return "not_enumerable"
	case errors.Is(err, ErrDisagreement):
		return "providers_disagree"
	}
	switch fault.KindOf(err) {
	case fault.TooLarge:
		return "too_many"
	case fault.Unsupported:
		if errors.Is(err, ErrCompressed) {
			return "unsupported"
		}
		return "not_a_contract"
	case fault.Conflict:
		return "not_proven"
	case fault.Unavailable, fault.Canceled, fault.Limited:
		return "chain_unavailable"
	}
	return "read_failed"
}

func integer(s string) (*big.Int, bool) {
	if s == "" || len(s) > 79 || s[0] == '+' || strings.Contains(s, "_") {
		return nil, false
	}
	return new(big.Int).SetString(s, 10)
}

// compare tests the result of a call; numbers compare as numbers.
func compare(c *rule.CallLeaf, got string) (Outcome, string, string) {
	_, returns, _ := strings.Cut(c.Fn, ")(")
	order := strings.Compare(got, c.Value)
	if strings.Contains(returns, "int") {
		g, ok := integer(got)
		w, _ := integer(c.Value)
		if !ok {
			return Unknown, "bad_reply", got
		}
		order = g.Cmp(w)
	}
	if ordered(c.Op, order) || c.Op == "contains" && strings.Contains(got, c.Value) {
		return Yes, "call_passed", got
	}
	return No, "call_failed", got
}

// boundary returns the next instant after now at which a time leaf changes, or
// the zero time.
func boundary(r *rule.Rule, now time.Time) time.Time {
	var next time.Time
	r.Root().Walk(func(n *rule.Node) {
		if (n.Kind == rule.KindAfter || n.Kind == rule.KindBefore) && n.Time.After(now) &&
			(next.IsZero() || n.Time.Before(next)) {
			next = n.Time
		}
	})
	return next
}

// maxAge returns the tightest bound the rule sets on cached answers, 0 for none,
// and the widest grace it allows.
func maxAge(r *rule.Rule) (age, grace time.Duration) {
	r.Root().Walk(func(n *rule.Node) {
		if !n.Leaf() {
			return
		}
		if a := n.Evidence.MaxAge; a > 0 && (age == 0 || a < age) {
			age = a
		}
		grace = max(grace, n.Evidence.Grace)
	})
	return age, grace
}

// listAnswer asks the tenant's list for any of the accounts.
func listAnswer(ctx context.Context, ask func(context.Context, string, string, string) (bool, error),
	tenant, name string, accounts []caip.AccountID) (Outcome, string) {
	if ask == nil {
		return Unknown, "unsupported"
	}
	outcome, reason := No, "not_listed"
	for _, a := range accounts {
		in, err := ask(ctx, tenant, name, a.String())
		if err != nil {
			outcome, reason = Unknown, "list_unavailable"
		} else if in {
			return Yes, "listed"
		}
	}
	return outcome, reason
}
