package quorum

import (
	"cmp"
	"context"
	"slices"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// CheckQuorum implements nft.QuorumVerifier. The q.Of healthiest operators are asked which block they
// are at. The newest block that q.N of them have reached is then read, by its hash, at all of them, and an
// answer counts when q.N say it. A block that is further behind the newest one anybody shows than the options
// allow is no evidence of anything, however many know it. An operator that fails is not replaced by one beyond
// q.Of, since every one more to be asked is one more to be bribed; another provider of the same operator may stand in.
//
// On a chain whose nodes keep no past states (Solana) the answers of q.N operators must be the same though they
// may be from slots close to each other; the Reply's block is the oldest of them.
//
// Answers that come too late to count are still compared: what differs is kept as a Disagreement.
func (v *Verifier) CheckQuorum(ctx context.Context, at nft.Finality, q nft.Quorum, queries []nft.Query) (nft.Reply, error) {
	const op = "quorum.CheckQuorum"
	if !q.Wanted() {
		return v.Check(ctx, at, queries)
	}
	r := &round{v: v, at: at, level: levelOf(at), q: q, queries: queries, agreement: nft.Agreement{N: q.N, Of: q.Of}}
	if q.Of < q.N {
		return nft.Reply{}, fault.Newf(fault.Invalid, op, "a quorum of %d among %d", q.N, q.Of)
	}
	if len(v.operators) < q.Of {
		err := &fault.Error{Kind: fault.Unsupported, Op: op, Err: nft.ErrTooFewOperators}
		return nft.Reply{Agreement: &r.agreement}, err
	}
	if err := ctx.Err(); err != nil {
		return nft.Reply{}, fault.Wrap(fault.Canceled, op, err)
	}
	reply, err := r.run(ctx)
	reply.Agreement, reply.Calls = &r.agreement, r.calls
	return reply, fault.At(op, err)
}

// round is one quorum being asked for.
type round struct {
	v       *Verifier
	at      nft.Finality
	level   string
	q       nft.Quorum
	queries []nft.Query

	agreement nft.Agreement
	calls     int
}

// maxTargets bounds the blocks tried, one after the other.
const maxTargets = 3

func (r *round) run(ctx context.Context) (nft.Reply, error) {
	panel := r.v.panel(r.q.Of)
	if len(panel) < r.q.N {
		return nft.Reply{}, r.v.nobody("quorum.panel", r.v.opt.Now())
	}
	if !r.v.pinned {
		return r.floating(ctx, panel)
	}
	h := r.resolve(ctx, panel)
	for {
		if err := h.enough(ctx); err != nil {
			return nft.Reply{}, err
		}
		best, err := r.decide(ctx, h)
		// Who was not waited for may make the difference after all.
		if err == nil && best.open == 0 && best.voices >= r.q.N || ctx.Err() != nil || !h.more(ctx) {
			if err != nil {
				return nft.Reply{}, err
			}
			r.rivals(best, h.claims)
			return r.conclude(best, h.forked())
		}
	}
}

// decide reads at the blocks that the hearing names, until one has its quorum for every query.
func (r *round) decide(ctx context.Context, h *hearing) (best verdict, err error) {
	for i, target := range r.targets(h.claims) {
		if i == maxTargets {
			break
		}
		if err := r.bounded(target, h.claims); err != nil {
			if i == 0 {
				return verdict{}, err
			}
			break // those after it are older still
		}
		seats := h.seatsAt(target)
		if len(seats) < r.q.N {
			continue
		}
		got, err := r.confirm(ctx, seats, &target)
		if err != nil {
			return verdict{}, err
		}
		if best.voices < r.q.N || got.voices >= r.q.N && got.open < best.open {
			best = got
		}
		if best.voices >= r.q.N && (best.open == 0 || best.voices == len(h.claims)+len(h.pending)) {
			break // there is an answer, or everybody has spoken
		}
	}
	return best, nil
}

// rivals keeps as evidence that a provider had another block at the height of the one that was agreed on. That may be a fork of the chain
// as well as a lie.
func (r *round) rivals(best verdict, claims []claim) {
	target := best.reply.Block
	rival := func(c claim) bool { return c.block.Number == target.Number && !sameBlock(c.block, target) }
	if best.voices >= r.q.N && slices.ContainsFunc(claims, rival) {
		r.keepClaims(target, claims)
	}
}

// keepClaims keeps as evidence which blocks the providers named.
func (r *round) keepClaims(target nft.Block, claims []claim) {
	d := nft.Disagreement{Chain: r.v.chain.String(), At: r.v.opt.Now(), Block: target, Query: "block"}
	for _, c := range claims {
		d.Answers = append(d.Answers, nft.ProviderAnswer{Provider: c.by.Name, Operator: c.by.Operator, Value: blockText(c.block)})
	}
	r.v.disagreed(d)
}

// conclude turns the best verdict into a reply, or into an error when no block had enough voices:
// forked tells that the providers had named different ones.
func (r *round) conclude(best verdict, forked bool) (nft.Reply, error) {
	r.agreement.Agreed = best.agreed
	if best.voices >= r.q.N {
		return best.reply, nil
	}
	if forked {
		return nft.Reply{}, fault.Wrap(fault.Unavailable, "quorum.agree", nft.ErrDisagreement)
	}
	return nft.Reply{}, fault.Newf(fault.Unavailable, "quorum.agree", "%d of the providers answer, %d are wanted", best.voices, r.q.N)
}

// panel returns the operators to ask, each as its providers in the order to try them. The healthiest
// operators come first; one with no provider that may be asked is passed over.
func (v *Verifier) panel(of int) [][]*provider {
	now := v.opt.Now()
	var seats [][]*provider
	for _, operator := range v.operators {
		if list := v.ranked(operator, now); len(list) > 0 {
			seats = append(seats, list)
		}
	}
	rank := map[*provider]int{}
	for i, p := range v.ranked(v.providers, now) {
		rank[p] = i
	}
	slices.SortStableFunc(seats, func(a, b []*provider) int { return cmp.Compare(rank[a[0]], rank[b[0]]) })
	return seats[:min(of, len(seats))]
}

func (r *round) asked(p *provider, calls int) {
	r.calls += calls
	if p != nil && !slices.Contains(r.agreement.Asked, p.Name) {
		r.agreement.Asked = append(r.agreement.Asked, p.Name)
	}
}

// targets returns the blocks that may be read, the best first: the newest that enough operators have
// reached, then older ones. Of two at one height the one more operators name comes first.
func (r *round) targets(claims []claim) []nft.Block {
	newest := reached(claimedNumbers(claims), r.q.N)
	votes := map[string]int{}
	var out []nft.Block
	for _, c := range claims {
		if c.block.Number > newest {
			continue
		}
		if !slices.ContainsFunc(out, func(b nft.Block) bool { return sameBlock(b, c.block) }) {
			out = append(out, c.block)
		}
		votes[c.block.Hash]++
	}
	slices.SortStableFunc(out, func(a, b nft.Block) int {
		return cmp.Or(cmp.Compare(b.Number, a.Number), cmp.Compare(votes[b.Hash], votes[a.Hash]))
	})
	return out
}

func sameBlock(a, b nft.Block) bool {
	return a.Number == b.Number && a.Hash == b.Hash && a.Time.Equal(b.Time)
}

// bounded makes an error of a block that is too far behind the newest one that any provider shows.
func (r *round) bounded(target nft.Block, claims []claim) error {
	now := r.v.opt.Now()
	newest := r.v.newest(r.level, now)
	for _, c := range claims {
		newest = max(newest, c.block.Number)
	}
	if !r.v.behind(r.level, target, newest, now) {
		return nil
	}
	r.keepClaims(target, claims)
	return fault.Wrap(fault.Unavailable, "quorum.bounded", nft.ErrDisagreement)
}

// ofSeat asks an operator: its providers in turn, until one answers. The calls go on when the caller
// has hung up, so that their answers are compared; Options.Timeout bounds each.
func ofSeat[T any](ctx context.Context, v *Verifier, seat []*provider, do func(context.Context, *provider) (T, int, error)) (by *provider, out T, err error) {
	const most = 2
	err = fault.New(fault.Unavailable, "quorum.seat", "no provider of the operator can be asked now")
	tried := 0
	for _, p := range seat {
		if tried == most || tried > 0 && ctx.Err() != nil || !p.take(v.opt.Now()) {
			continue
		}
		tried++
		by = p
		if out, err = call(context.WithoutCancel(ctx), v, p, do); err == nil {
			break
		}
	}
	return by, out, err
}
