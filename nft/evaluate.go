package nft

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/rule"
)

// evaluate decides r for s by asking lists and chains.
func (d *Decider) evaluate(ctx context.Context, r *rule.Rule, s Subject) (Decision, error) {
	ctx, span := d.tracer.Start(ctx, "nft.decide", trace.WithAttributes(
		attribute.String("tenant", s.Tenant), attribute.String("rule_id", r.ID())))
	defer span.End()
	accounts := counting(r, s)
	if cost := r.Cost() * max(1, len(accounts)); cost > d.opt.MaxReads {
		return Decision{}, fault.Newf(fault.TooLarge, "nft.evaluate",
			"the rule takes %d chain reads for %d accounts, the budget is %d", cost, len(accounts), d.opt.MaxReads)
	}
	ctx, cancel := context.WithTimeout(ctx, d.opt.Timeout)
	defer cancel()
	e := &evaluation{
		r: r, accounts: accounts, now: d.opt.Now(), lists: map[string]*Node{},
		plan: plan{batches: map[batchKey]*batch{}},
		list: func(name string) (Outcome, string) {
			return listAnswer(ctx, d.opt.Lists, s.Tenant, name, accounts)
		},
		role: func(name string) (Outcome, string) { return roleAnswer(ctx, d.opt.Roles, s, accounts, name) },
		merkle: func(root string) (Outcome, string) {
			return merkleAnswer(ctx, d.opt.Proofs, s.Tenant, root, accounts)
		},
		blindToTraits: d.opt.Metadata == nil,
	}
	local := e.eval(r.Root(), head, true)
	e.collectReads(r.Root(), local)
	d.ask(ctx, &e.plan)
	d.readDocuments(ctx, e)
	out := d.conclude(e)
	span.SetAttributes(attribute.String("outcome", out.Outcome.String()), attribute.String("reason", out.Reason))
	return out, nil
}

// conclude joins the two readings into a decision.
func (d *Decider) conclude(e *evaluation) Decision {
	root := e.r.Root()
	x := e.eval(root, head, false)
	outcome, reason, pending := x.Outcome, x.Reason, false
	if waits(root) {
		h, s := x, e.eval(root, settled, false)
		outcome, pending = combine(s.Outcome, h.Outcome), s.Outcome != h.Outcome
		switch {
		case s.Outcome == Yes && h.Outcome == No:
			reason = "revoked_at_head"
		case s.Outcome == No && h.Outcome == Yes:
			x, reason = s, "not_final"
		case h.Outcome != outcome || outcome == Yes:
			x, reason = s, s.Reason
		}
	}
	out := Decision{Outcome: outcome, Reason: reason, RuleID: e.r.ID(), At: e.now, Explain: x, pending: pending}
	ttl := d.opt.NoTTL
	switch outcome {
	case Yes:
		out.Reason, ttl = "allowed", d.opt.YesTTL
	case Unknown:
		ttl = min(time.Second, ttl)
	case No:
		if reason != "not_final" {
			out.HowTo = howTo(root, x)
		}
	}
	ttl -= time.Duration(rand.Int64N(int64(ttl)/10 + 1)) // so that entries made together do not lapse together
	if age, _ := maxAge(e.r); age > 0 {
		ttl = min(ttl, age)
	}
	out.ValidUntil = e.now.Add(ttl)
	if t := boundary(e.r, e.now); !t.IsZero() && t.Before(out.ValidUntil) {
		out.ValidUntil = t
	}
	if !e.ends.IsZero() && e.ends.Before(out.ValidUntil) {
		out.ValidUntil = e.ends
	}
	for _, b := range e.plan.order {
		if b.at.Tag == "latest" && b.reason == "" {
			if out.heads == nil {
				out.heads = map[string]string{}
			}
			out.heads[b.chain.String()] = b.reply.Block.Hash
		}
	}
	out.Message = message(out)
	if lack := lackOf(e.r); out.Reason == "unsupported" && lack != "" {
		out.Message = "This rule asks for something this server cannot check yet: " + lack + "."
	}
	return out
}

func message(d Decision) string {
	switch {
	case d.Outcome == Yes:
		return "Access is given: the viewer " + d.Explain.Sentence + "."
	case d.Outcome == Unknown && d.Reason == "unsupported":
		return "This rule asks for something this server cannot check yet."
	case d.Outcome == Unknown && unknownBecause(d.Reason) != "":
		return "We cannot tell whether you have access: " + unknownBecause(d.Reason) + "."
	case d.Outcome == Unknown:
		return "We cannot tell right now whether you have access, because the chain or a list did not answer. Please try again."
	case d.Reason == "revoked_at_head":
		return "Access has ended: the newest block shows that the token has moved."
	case d.Reason == "not_final":
		return "The transfer is seen but not final yet; access opens when the chain has settled it."
	case d.Reason == "key_expired":
		return strings.Join(append([]string{"Your key, subscription or rental has run out."}, d.HowTo...), " ")
	case d.Reason == "expired":
		return "The time for this video is over."
	case len(d.HowTo) > 0:
		return "There is no access with this wallet. " + strings.Join(d.HowTo, " Or: ")
	}
	return "There is no access with this wallet."
}

// ask sends the batches, each chain and finality at once.
func (d *Decider) ask(ctx context.Context, p *plan) {
	var wg sync.WaitGroup
	for _, b := range p.order {
		c := d.chains[b.chain]
		if c == nil {
			b.reason = "no_verifier"
			continue
		}
		wg.Go(func() { d.askOne(ctx, c, b) })
	}
	wg.Wait()
}

func (d *Decider) askOne(ctx context.Context, c *chain, b *batch) {
	ctx, span := d.tracer.Start(ctx, "nft.check", trace.WithAttributes(attribute.String("chain", c.id),
		attribute.String("finality", b.at.String()), attribute.Int("queries", len(b.queries))))
	defer span.End()
	// A provider behind a load balancer may answer from before a transfer that
	// was reported already: such an answer is asked for again, and never used.
	const tries = 3
	for try := 1; ; try++ {
		if !c.mayAsk(time.Now()) {
			b.reason = "chain_unavailable"
			return
		}
		behind := b.newestChange(c)
		reply, err := c.v.Check(ctx, b.at, b.queries)
		b.reply, b.reason = reply, ""
		if err == nil {
			d.answered(c)
		}
		switch {
		case err != nil:
			b.reason = checkReason(err)
		case len(reply.Answers) != len(b.queries):
			b.reason = "bad_reply"
			err = fmt.Errorf("%d answers to %d queries", len(reply.Answers), len(b.queries))
		case b.at.Tag == "latest" && reply.Block.Number < behind:
			b.reason = "chain_lagging"
			if try < tries && sleep(ctx, time.Duration(try)*100*time.Millisecond) {
				continue
			}
		}
		if err != nil {
			span.RecordError(err)
			span.SetStatus(codes.Error, b.reason)
			d.opt.Logger.DebugContext(ctx, "chain check failed", "chain", c.id, "reason", b.reason, "error", err)
		}
		return
	}
}

// newestChange returns the newest block in which something the batch reads changed.
func (b *batch) newestChange(c *chain) uint64 {
	var n uint64
	for h := range b.holders {
		n = max(n, c.holding(h[0], h[1]).block.Load())
	}
	return n
}

func checkReason(err error) string {
	switch fault.KindOf(err) {
	case fault.Unsupported:
		return "unsupported"
	case fault.Canceled:
		return "chain_timeout"
	}
	return "chain_unavailable"
}

// transient reports whether an unknown may resolve by itself.
func transient(reason string) bool {
	switch reason {
	case "chain_unavailable", "chain_timeout", "chain_lagging", "bad_reply", "list_unavailable", "read_failed", "metadata_unavailable":
		return true
	}
	return false
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
