package nft

import (
	"cmp"
	"context"
	"fmt"
	"math/big"
	"slices"
	"sort"
	"time"

	"github.com/streamgate/streamgate/nft/rule"
)

// HeldFor asks how long a holding has lasted; the zero value does not ask. At most one
// of the two is set. The window ends at the block of the reply and begins Blocks below it, or with
// the newest block that is at least Seconds older by the chain's own clock.
type HeldFor struct{ Blocks, Seconds uint64 }

// IsZero reports whether nothing is asked.
func (h HeldFor) IsZero() bool { return h == HeldFor{} }

func (h HeldFor) String() string {
	if h.Seconds > 0 {
		return fmt.Sprintf("%d seconds", h.Seconds)
	}
	return fmt.Sprintf("%d blocks", h.Blocks)
}

// Timed reports whether transfers tell for how long what the operation counts has been held: Query.Held
// is for these operations alone.
func (op Op) Timed() bool {
	switch op {
	case OpBalance721, OpOwner721, OpBalance1155, OpBalance20:
		return true
	}
	return false
}

// Holding tells how a balance was through a window of blocks. Every transfer counts by
// itself: a token lent and returned within one block was away. What an account sends itself stayed.
type Holding struct {
	// Steps are in the order of their blocks, the first at the window's beginning. Their Least
	// grows, and that of the last is the balance at the end.
	Steps []HeldStep
}

// HeldStep says that from the end of block Since to the end of the window the balance was never
// below Least. For OpOwner721 that is 1 or 0 of the token, for its owner at the end.
type HeldStep struct {
	// Since is a block, of which the Time is set when seconds were asked for. The zero
	// block stands for the time before the chain was.
	Since Block
	Least *big.Int
}

// maxHeldSteps bounds the steps of a Holding. Leaving out one that is not the first tells
// less, never something wrong.
const maxHeldSteps = 64

// NewHolding makes a Holding of the balance at the beginning of the window and after each change
// in it, in order, the Least of a point being the balance itself. It wants at least one point.
func NewHolding(points []HeldStep) *Holding {
	var steps []HeldStep // newest first
	least := points[len(points)-1].Least
	for i := len(points) - 1; i >= 0; i-- {
		p := points[i]
		if p.Least.Cmp(least) < 0 {
			least = p.Least
		}
		n := len(steps)
		switch {
		case n > 0 && steps[n-1].Least.Cmp(least) == 0:
			steps[n-1].Since = p.Since // the same for longer
		case n > 0 && steps[n-1].Since.Number == p.Since.Number:
			// Within one block only its end counts for what comes after, but
			// the beginning of the window is no change and stays.
			if i == 0 {
				steps[n-1].Least = least
			}
		default:
			steps = append(steps, HeldStep{p.Since, least})
		}
	}
	slices.Reverse(steps)
	if extra := len(steps) - maxHeldSteps; extra > 0 {
		steps = append(steps[:1], steps[1+extra:]...)
	}
	return &Holding{steps}
}

// from returns the least balance from the end of block number on, nil before the window.
func (h *Holding) from(number uint64) *big.Int {
	var least *big.Int
	for _, s := range h.Steps {
		if s.Since.Number <= number {
			least = s.Least
		}
	}
	return least
}

// heldFor is the holding time that a leaf asks for.
func heldFor(n *rule.Node) HeldFor {
	if n.Kind != rule.KindHold {
		return HeldFor{}
	}
	return HeldFor{n.Evidence.HeldBlocks, n.Evidence.HeldSeconds}
}

// windows gathers what the reads of one leaf for one account say of its holding time.
type windows struct {
	holdings []*Holding
	unread   string
}

func (t *windows) add(a Answer) {
	switch {
	case a.Held != nil && len(a.Held.Steps) > 0:
		t.holdings = append(t.holdings, a.Held)
	case a.HeldErr != nil:
		t.unread = heldReason(a.HeldErr)
	default:
		t.unread = "unsupported" // the verifier did not look
	}
}

// atLeast is the sum of the least balances from the end of block number on.
func (t *windows) atLeast(number uint64) *big.Int {
	sum := new(big.Int)
	for _, h := range t.holdings {
		if l := h.from(number); l != nil {
			sum.Add(sum, l)
		}
	}
	return sum
}

// since returns the oldest block from whose end on at least want was held; ok is false when there is none.
func (t *windows) since(want *big.Int) (since Block, ok bool) {
	var blocks []Block
	for _, h := range t.holdings {
		for _, s := range h.Steps {
			blocks = append(blocks, s.Since)
		}
	}
	slices.SortFunc(blocks, func(a, b Block) int { return cmp.Compare(a.Number, b.Number) })
	// The later it begins the more was held throughout.
	i := sort.Search(len(blocks), func(i int) bool { return t.atLeast(blocks[i].Number).Cmp(want) >= 0 })
	if i == len(blocks) {
		return Block{}, false
	}
	return blocks[i], true
}

// judge decides a leaf whose balance passes now.
func (e *evaluation) judge(n *rule.Node, t *windows, at Block, out *Node) (Outcome, string) {
	want, ask := least(n), heldFor(n)
	start := new(big.Int)
	for _, h := range t.holdings {
		start.Add(start, h.Steps[0].Least)
	}
	if start.Cmp(want) >= 0 {
		return Yes, "held"
	}
	if t.unread != "" {
		return Unknown, t.unread
	}
	since, ok := t.since(want)
	if !ok {
		return Unknown, "bad_reply"
	}
	e.tooShort = true
	if ask.Seconds > 0 {
		passes := since.Time.Add(time.Duration(min(ask.Seconds, 1<<32)) * time.Second)
		if e.heldAt.IsZero() || passes.Before(e.heldAt) {
			e.heldAt = passes
		}
		out.until = "until " + passes.UTC().Format("2 January 2006 15:04:05 UTC")
		return No, "held_too_short"
	}
	out.until = fmt.Sprintf("until block %d of %s, which is now at %d", since.Number+ask.Blocks, n.Hold.Asset.Chain, at.Number)
	return No, "held_too_short"
}

// heldReason says why a window could not be looked through.
func heldReason(err error) string {
	if r := answerReason(err); r != "not_a_contract" && r != "read_failed" {
		return r
	}
	return "holding_unknown"
}

type maxAgeKey struct{}

func withMaxAge(ctx context.Context, r *rule.Rule) context.Context {
	if age, _ := maxAge(r); age > 0 {
		return WithMaxAge(ctx, age)
	}
	return ctx
}

// WithMaxAge returns a context whose MaxAge is age: for what carries a Check to another process.
func WithMaxAge(ctx context.Context, age time.Duration) context.Context {
	return context.WithValue(ctx, maxAgeKey{}, age)
}

// MaxAge returns how old the state may be that a Check under ctx answers from, when the rule that it
// is for says so. A verifier that asks the chain itself need not mind.
func MaxAge(ctx context.Context) (age time.Duration, ok bool) {
	age, ok = ctx.Value(maxAgeKey{}).(time.Duration)
	return age, ok
}
