package quorum

import (
	"cmp"
	"context"
	"slices"
	"time"

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
	claims, silent, err := r.resolve(ctx, panel)
	if err != nil {
		return nft.Reply{}, err
	}
	var best verdict
	for i, target := range r.targets(claims) {
		if i == maxTargets {
			break
		}
		if err := r.bounded(target, claims); err != nil {
			if i == 0 {
				return nft.Reply{}, err
			}
			break // those after it are older still
		}
		got, err := r.confirm(ctx, append(seatsOf(claims), silent...), &target)
		if err != nil {
			return nft.Reply{}, err
		}
		if i == 0 || got.open < best.open {
			best = got
		}
		if best.open == 0 || got.failed == 0 {
			break // everybody has spoken of this block
		}
	}
	forked := slices.ContainsFunc(claims, func(c claim) bool { return !sameBlock(c.block, claims[0].block) })
	return r.conclude(best, forked)
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

// claim is one operator's word on which block is the newest.
type claim struct {
	seat  []*provider
	by    *provider
	block nft.Block
	err   error
}

// resolve asks every operator for its block. It waits for all, except that when enough have answered a
// dawdler is not waited for long, and one whose newest block is known anyway not at all: those are silent, and may
// still have a voice on the block that the others name.
func (r *round) resolve(ctx context.Context, panel [][]*provider) (claims []claim, silent [][]*provider, err error) {
	heard := make(chan claim, len(panel))
	for _, seat := range panel {
		r.v.asking.Go(func() {
			c := claim{seat: seat}
			c.by, c.block, c.err = ofSeat(ctx, r.v, seat, func(ctx context.Context, p *provider) (nft.Block, int, error) {
				b, err := p.reader.BlockAt(ctx, r.at)
				if err == nil {
					err = r.v.plausible(p, r.level, b)
				}
				return b, 1, err
			})
			if c.err == nil {
				_ = r.v.judge(c.by, r.level, c.block) // to be remembered; whether it is too old is the round's to say
			}
			heard <- c
		})
	}
	var last error
	pending := slices.Clone(panel)
	start := time.Now()
	var patience <-chan time.Time
	for len(pending) > 0 {
		select {
		case c := <-heard:
			pending = slices.DeleteFunc(pending, func(seat []*provider) bool { return seat[0] == c.seat[0] })
			r.asked(c.by, 1)
			if c.err != nil {
				last = c.err
				break
			}
			claims = append(claims, c)
		case <-patience:
			return claims, pending, nil
		case <-ctx.Done():
			return nil, nil, fault.Wrap(fault.Canceled, "quorum.resolve", ctx.Err())
		}
		if len(claims) >= r.q.N && r.known(pending) {
			return claims, pending, nil
		}
		if len(claims) >= r.q.N && patience == nil {
			patience = time.After(min(500*time.Millisecond, max(25*time.Millisecond, 2*time.Since(start))))
		}
	}
	if len(claims) < r.q.N {
		return nil, nil, fault.Wrap(fault.Unavailable, "quorum.resolve", last)
	}
	return claims, nil, nil
}

// known reports whether the newest block of every operator still pending was heard of lately.
func (r *round) known(pending [][]*provider) bool {
	now := r.v.opt.Now()
	for _, seat := range pending {
		recent := false
		for _, p := range seat {
			p.mu.Lock()
			m, ok := p.marks[r.level]
			recent = recent || ok && now.Sub(m.at) < r.v.opt.ProbeEvery
			p.mu.Unlock()
		}
		if !recent {
			return false
		}
	}
	return true
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
	numbers := make([]uint64, len(claims))
	for i, c := range claims {
		numbers[i] = c.block.Number
	}
	slices.SortFunc(numbers, func(a, b uint64) int { return cmp.Compare(b, a) })
	reached := numbers[r.q.N-1]
	votes := map[string]int{}
	var out []nft.Block
	for _, c := range claims {
		if c.block.Number > reached {
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
	d := nft.Disagreement{Chain: r.v.chain.String(), At: now, Block: target, Query: "block"}
	for _, c := range claims {
		d.Answers = append(d.Answers, nft.ProviderAnswer{Provider: c.by.Name, Operator: c.by.Operator, Value: blockText(c.block)})
	}
	r.v.disagreed(d)
	return fault.Wrap(fault.Unavailable, "quorum.bounded", nft.ErrDisagreement)
}

func seatsOf(claims []claim) [][]*provider {
	out := make([][]*provider, len(claims))
	for i, c := range claims {
		// Who named the block reads it; the operator's others stand in.
		out[i] = append([]*provider{c.by}, slices.DeleteFunc(slices.Clone(c.seat), func(p *provider) bool { return p == c.by })...)
	}
	return out
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
