package quorum

import (
	"context"
	"fmt"
	"slices"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// vote is one provider's reply.
type vote struct {
	by    *provider
	reply nft.Reply
	err   error
}

// verdict is what the votes on one block come to.
type verdict struct {
	reply  nft.Reply
	open   int // queries that no quorum answers
	voices int // operators that answered
	failed int // and that did not
	agreed []string
	asked  []*provider
	calls  int
}

// confirm has every operator answer the queries, at target or, where that is nil, at a block of its own, and returns as soon as
// every query has its quorum. The rest is heard out in the background, for the evidence.
func (r *round) confirm(ctx context.Context, seats [][]*provider, target *nft.Block) (verdict, error) {
	votes := make(chan vote, len(seats))
	for _, seat := range seats {
		r.v.asking.Go(func() {
			var w vote
			w.by, w.reply, w.err = ofSeat(ctx, r.v, seat, func(ctx context.Context, p *provider) (nft.Reply, int, error) {
				return r.read(ctx, p, target)
			})
			votes <- w
		})
	}
	decided := make(chan verdict, 1)
	r.v.asking.Go(func() {
		var all []vote
		told := false
		for range seats {
			all = append(all, <-votes)
			if told {
				continue
			}
			// Where two quorums could contradict each other (2 of 4) all are heard first.
			early := 2*r.q.N > len(seats)
			if got := r.count(all, target); early && got.open == 0 && got.voices >= r.q.N || len(all) == len(seats) {
				told = true
				decided <- got
			}
		}
		r.compare(all, target)
	})
	select {
	case got := <-decided:
		for _, p := range got.asked {
			r.asked(p, 0)
		}
		r.calls += got.calls
		return got, nil
	case <-ctx.Done():
		return verdict{}, fault.Wrap(fault.Canceled, "quorum.confirm", ctx.Err())
	}
}

// read is one provider's reply, which must be of the target.
func (r *round) read(ctx context.Context, p *provider, target *nft.Block) (nft.Reply, int, error) {
	if target == nil {
		reply, err := p.Verifier.Check(ctx, r.at, r.queries)
		if err == nil {
			err = r.v.vet(p, r.at, reply, r.queries)
		}
		return reply, max(1, reply.Calls), err
	}
	reply, err := p.reader.CheckAt(ctx, *target, r.queries)
	switch {
	case err != nil:
	case len(reply.Answers) != len(r.queries):
		err = fault.New(fault.Unavailable, "quorum.read", "the provider gives another number of answers")
	case !sameBlock(reply.Block, *target):
		err = fault.New(fault.Unavailable, "quorum.read", "the provider answers at another block than asked for")
	}
	return reply, max(1, reply.Calls), err
}

// said is what an answer says of the chain, ok=false when it says nothing.
func said(a nft.Answer) (text string, ok bool) {
	switch {
	case a.Err == nil:
		held, ok := heldSaid(a)
		return "=" + a.Value + held, ok
	case fault.KindOf(a.Err) == fault.Unsupported:
		return "unsupported", true
	}
	return "", false
}

// heldSaid is the same of for how long it was held.
func heldSaid(a nft.Answer) (text string, ok bool) {
	switch {
	case a.HeldErr != nil:
		return " held: unsupported", fault.KindOf(a.HeldErr) == fault.Unsupported
	case a.Held != nil:
		for _, s := range a.Held.Steps {
			text += fmt.Sprintf(" %s since %d at %d", s.Least, s.Since.Number, s.Since.Time.Unix())
		}
	}
	return text, true
}

// count takes the votes so far. Each query is counted by itself: the block being one, a provider that fails at
// one of them is still a voice in the others.
func (r *round) count(votes []vote, target *nft.Block) verdict {
	out := verdict{reply: nft.Reply{Answers: make([]nft.Answer, len(r.queries))}}
	with := map[*provider]int{}
	var oldest *nft.Block
	for _, w := range votes {
		if w.by != nil {
			out.asked = append(out.asked, w.by)
		}
		out.calls += max(1, w.reply.Calls)
		if w.err != nil {
			out.failed++
			continue
		}
		out.voices++
		if b := w.reply.Block; len(r.queries) == 0 && (oldest == nil || b.Number < oldest.Number) {
			oldest = &b // nothing but the block is asked for
		}
	}
	for i := range r.queries {
		winners, conflict := r.winners(votes, i)
		if winners == nil {
			out.open++
			out.reply.Answers[i] = openAnswer(votes, i, conflict)
			continue
		}
		out.reply.Answers[i] = winners[0].reply.Answers[i]
		for _, w := range winners {
			with[w.by]++
			if b := w.reply.Block; oldest == nil || b.Number < oldest.Number {
				oldest = &b
			}
		}
	}
	switch {
	case target != nil:
		out.reply.Block = *target
	case oldest != nil:
		out.reply.Block = *oldest
	}
	for _, w := range votes {
		if w.err == nil && with[w.by] == len(r.queries) {
			out.agreed = append(out.agreed, w.by.Name)
		}
	}
	return out
}

// winners returns the votes that say what enough say of query i, nil when there is no such answer. conflict tells that
// different things were said.
func (r *round) winners(votes []vote, i int) (most []vote, conflict bool) {
	by := map[string][]vote{}
	for _, w := range votes {
		if w.err != nil {
			continue
		}
		if text, ok := said(w.reply.Answers[i]); ok {
			by[text] = append(by[text], w)
		}
	}
	for _, group := range by {
		if len(group) >= r.q.N && len(group) > len(most) {
			most = group
		}
	}
	for _, group := range by {
		if most != nil && len(group) == len(most) && group[0].by != most[0].by {
			return nil, true // two answers with a quorum each (2 of 4) are none
		}
	}
	return most, len(by) > 1
}

// openAnswer says why a query has no answer.
func openAnswer(votes []vote, i int, conflict bool) nft.Answer {
	if conflict {
		return nft.Answer{Err: fault.Wrap(fault.Unavailable, "quorum.count", nft.ErrDisagreement)}
	}
	for _, w := range votes {
		if w.err == nil && w.reply.Answers[i].Err != nil {
			return w.reply.Answers[i]
		}
	}
	return nft.Answer{Err: fault.New(fault.Unavailable, "quorum.count", "too few providers answer")}
}

// compare keeps what differs among all votes as evidence, and counts who was outvoted.
func (r *round) compare(votes []vote, target *nft.Block) {
	lost := map[*provider]bool{}
	for i, q := range r.queries {
		d := nft.Disagreement{Chain: r.v.chain.String(), At: r.v.opt.Now(), Query: queryText(q)}
		if target != nil {
			d.Block = *target
		}
		winners, conflict := r.winners(votes, i)
		if !conflict || target == nil && winners == nil {
			continue // without one block for all, values that differ may just be of different times
		}
		for _, w := range votes {
			if w.err != nil {
				continue
			}
			if target == nil {
				d.Block = w.reply.Block
			}
			a := w.reply.Answers[i]
			answer := nft.ProviderAnswer{Provider: w.by.Name, Operator: w.by.Operator, Value: clip(a.Value)}
			if a.Err != nil {
				answer.Error = clip(a.Err.Error())
			}
			d.Answers = append(d.Answers, answer)
			if _, ok := said(a); ok && winners != nil && !slices.ContainsFunc(winners, func(o vote) bool { return o.by == w.by }) {
				lost[w.by] = true
			}
		}
		r.v.disagreed(d)
	}
	for p := range lost {
		p.outvote()
	}
}

// floating is the quorum of a chain that cannot be read at a past block. The chain may move between two
// providers' answers, so what differs is asked once more.
func (r *round) floating(ctx context.Context, panel [][]*provider) (nft.Reply, error) {
	var got verdict
	for range 2 {
		var err error
		if got, err = r.confirm(ctx, panel, nil); err != nil {
			return nft.Reply{}, err
		}
		if got.open == 0 && got.voices >= r.q.N {
			break
		}
	}
	return r.conclude(got, false)
}
