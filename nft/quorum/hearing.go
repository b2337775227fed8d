package quorum

import (
	"context"
	"slices"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// claim is one operator's word on which block is the newest.
type claim struct {
	seat  []*provider
	by    *provider
	block nft.Block
	err   error
}

// hearing is what the operators of a round have said so far of the newest block.
type hearing struct {
	r       *round
	heard   chan claim
	started time.Time // for waiting
	began   time.Time // by the clock of the options
	claims  []claim
	pending [][]*provider // those that have not answered yet
	last    error
}

// resolve starts to ask every operator for its block.
func (r *round) resolve(ctx context.Context, panel [][]*provider) *hearing {
	h := &hearing{r: r, heard: make(chan claim, len(panel)), started: time.Now(), began: r.v.opt.Now(), pending: slices.Clone(panel)}
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
			h.heard <- c
		})
	}
	return h
}

// enough waits for all operators, except that when as many as are wanted have answered a dawdler is not waited for long, and one
// whose newest block is known anyway not at all.
func (h *hearing) enough(ctx context.Context) error {
	var patience <-chan time.Time
	for len(h.pending) > 0 {
		if len(h.claims) >= h.r.q.N {
			if h.known() {
				return nil
			}
			if patience == nil {
				patience = time.After(min(500*time.Millisecond, max(100*time.Millisecond, 2*time.Since(h.started))))
			}
		}
		select {
		case c := <-h.heard:
			h.take(c)
		case <-patience:
			return nil
		case <-ctx.Done():
			return fault.Wrap(fault.Canceled, "quorum.resolve", ctx.Err())
		}
	}
	if len(h.claims) < h.r.q.N {
		return fault.Wrap(fault.Unavailable, "quorum.resolve", h.last)
	}
	return nil
}

// more waits for one more operator's word, and reports whether there was one.
func (h *hearing) more(ctx context.Context) bool {
	before := len(h.claims)
	for len(h.pending) > 0 && len(h.claims) == before {
		select {
		case c := <-h.heard:
			h.take(c)
		case <-ctx.Done():
			return false
		}
	}
	return len(h.claims) > before
}

func (h *hearing) take(c claim) {
	h.pending = slices.DeleteFunc(h.pending, func(seat []*provider) bool { return seat[0] == c.seat[0] })
	h.r.asked(c.by, 1)
	if c.err != nil {
		h.last = c.err
		return
	}
	h.claims = append(h.claims, c)
}

// forked reports whether the operators name different blocks.
func (h *hearing) forked() bool {
	return slices.ContainsFunc(h.claims, func(c claim) bool { return !sameBlock(c.block, h.claims[0].block) })
}

// known reports whether those still pending need no waiting for: the newest block of each was heard of lately, before this round, and
// makes no newer one to be read.
func (h *hearing) known() bool {
	r := h.r
	numbers := claimedNumbers(h.claims)
	all := slices.Clone(numbers)
	for _, seat := range h.pending {
		var newest *mark
		for _, p := range seat {
			p.mu.Lock()
			m, ok := p.marks[r.level]
			p.mu.Unlock()
			if ok && m.at.Before(h.began) && h.began.Sub(m.at) < r.v.opt.ProbeEvery && (newest == nil || m.block.Number > newest.block.Number) {
				newest = &m
			}
		}
		if newest == nil {
			return false
		}
		all = append(all, newest.block.Number)
	}
	return reached(all, r.q.N) == reached(numbers, r.q.N)
}

func claimedNumbers(claims []claim) []uint64 {
	out := make([]uint64, len(claims))
	for i, c := range claims {
		out[i] = c.block.Number
	}
	return out
}

// reached is the newest number that n of the operators have reached.
func reached(numbers []uint64, n int) uint64 {
	sorted := slices.Sorted(slices.Values(numbers))
	return sorted[len(sorted)-n]
}

// seatsAt returns the operators that can have a block: those that named it or a later one, and those that have not said
// anything yet. The others' not having it would look like a failure of theirs.
func (h *hearing) seatsAt(target nft.Block) [][]*provider {
	out := slices.Clone(h.pending)
	for _, c := range h.claims {
		if c.block.Number > target.Number || sameBlock(c.block, target) {
			// Who named the block reads it; the operator's others stand in.
			others := slices.DeleteFunc(slices.Clone(c.seat), func(p *provider) bool { return p == c.by })
			out = append(out, append([]*provider{c.by}, others...))
		}
	}
	return out
}
