package nfttest

import (
	"context"
	"math/big"
	"slices"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/index"
)

// LogFaults is what is wrong with the transfers that the chain's source of an index gives; the zero
// value is nothing.
type LogFaults struct {
	// Err fails every question for transfers.
	Err error
	// Most is how many transfers a range may hold before it is too large; 0 is no bound.
	Most int
	// Doubt has a block with transfers show none of them, and nothing to prove that there are some.
	Doubt bool
	// Hide leaves the transfers of that many of the newest blocks out of ranges, as a node does that lags.
	Hide uint64
}

// FailLogs sets what is wrong with the source of an index from now on.
func (c *Chain) FailLogs(f LogFaults) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.logFault = f
}

// logOf is how an op shows in the logs.
func (b *block) logOf(op Op, contract string, amount *big.Int) index.Transfer {
	t := index.Transfer{
		Block: b.Number, Hash: b.Hash, Contract: contract, Kind: index.Kind(b.standard[contract]),
		From: op.From, To: op.To, Token: op.TokenID, Amount: amount,
	}
	switch op.Kind {
	case Mint721, Transfer721:
		t.Amount = big.NewInt(1)
	case Mint20, Transfer20:
		t.Token = ""
	}
	return t
}

// heldAt tells how an answer was through the window that q asks for and that ends at the block at index i.
func (c *Chain) heldAt(i uint64, q nft.Query, now nft.Answer) (*nft.Holding, error) {
	end := c.blocks[i].Block
	begin := -1
	for j := int(i); j >= 0 && begin < 0; j-- {
		b := c.blocks[j].Block
		if q.Held.Seconds > 0 && !b.Time.After(end.Time.Add(-time.Duration(q.Held.Seconds)*time.Second)) ||
			q.Held.Seconds == 0 && b.Number+q.Held.Blocks == end.Number {
			begin = j
		}
	}
	first := nft.HeldStep{Least: new(big.Int)} // before the chain was nobody held anything
	state := &block{standard: c.blocks[i].standard}
	if begin >= 0 {
		first.Since, state = c.blocks[begin].Block, c.blocks[begin]
	}
	if q.Op == nft.OpOwner721 {
		if state.answer(q).Value == now.Value && begin >= 0 {
			first.Least = big.NewInt(1)
		}
	} else if begin >= 0 {
		first.Least = state.answer(q).Int
	}
	points := []nft.HeldStep{first}
	for _, b := range c.blocks[begin+1 : i+1] {
		for _, t := range b.transfers {
			if t.Contract == q.Contract && t.From != t.To {
				points = after(points, b.Block, q, t)
			}
		}
	}
	return nft.NewHolding(points), nil
}

// after adds what a transfer changes.
func after(points []nft.HeldStep, b nft.Block, q nft.Query, t index.Transfer) []nft.HeldStep {
	sum := new(big.Int).Set(points[len(points)-1].Least)
	switch {
	case q.Op == nft.OpOwner721 && t.Token != q.TokenID, q.Op == nft.OpBalance1155 && t.Token != q.TokenID:
		return points
	case q.Op == nft.OpOwner721:
		// Whoever has it now did not before the newest transfer.
		points[0].Least = new(big.Int)
		points, sum = points[:1], big.NewInt(1)
	case t.From == q.Account:
		sum.Sub(sum, t.Amount)
	case t.To == q.Account:
		sum.Add(sum, t.Amount)
	default:
		return points
	}
	return append(points, nft.HeldStep{Since: b, Least: sum})
}

// IndexSource implements index.Sourced.
func (c *Chain) IndexSource() index.Source { return source{c} }

// source gives an index the blocks and transfers of a Chain.
type source struct{ c *Chain }

func (s source) fail(ctx context.Context, op string, logs bool) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, op, err)
	}
	err := s.c.fault.Err
	if err == nil && logs {
		err = s.c.logFault.Err
	}
	return fault.Wrap(fault.Unavailable, op, err)
}

func (c *Chain) header(i uint64) index.Header {
	h := index.Header{Block: c.blocks[i].Block}
	if i > 0 {
		h.Parent = c.blocks[i-1].Hash
	}
	return h
}

// Tip implements index.Source.
func (s source) Tip(ctx context.Context, tag string) (index.Header, error) {
	const op = "nfttest.Tip"
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	below, ok := map[string]uint64{"latest": 0, "safe": s.c.safe, "finalized": s.c.final}[tag]
	if !ok {
		return index.Header{}, fault.Newf(fault.Invalid, op, "unknown tag %q", tag)
	}
	n := s.c.tip().Number
	below = min(n, below+uint64(s.c.fault.Lag))
	return s.c.header(n - below), s.fail(ctx, op, false)
}

// Blocks implements index.Source.
func (s source) Blocks(ctx context.Context, from, to uint64) (out []index.Header, err error) {
	const op = "nfttest.Blocks"
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if err := s.fail(ctx, op, false); err != nil {
		return nil, err
	}
	for n := from; n <= to; n++ {
		if n > s.c.tip().Number {
			return nil, fault.New(fault.Unavailable, op, "there is no such block")
		}
		out = append(out, s.c.header(n))
	}
	return out, nil
}

// Transfers implements index.Source.
func (s source) Transfers(ctx context.Context, from, to uint64, contracts []string) (out []index.Transfer, err error) {
	const op = "nfttest.Transfers"
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if err := s.fail(ctx, op, true); err != nil {
		return nil, err
	}
	if last := s.c.tip().Number; s.c.logFault.Hide > 0 {
		to = min(to, last-min(last, s.c.logFault.Hide))
	}
	for n := from; n <= to && n <= s.c.tip().Number; n++ {
		out = append(out, of(s.c.blocks[n], contracts)...)
	}
	if most := s.c.logFault.Most; most > 0 && len(out) > most {
		return nil, fault.New(fault.TooLarge, op, "the query returns too many results")
	}
	return out, nil
}

// TransfersIn implements index.Source.
func (s source) TransfersIn(ctx context.Context, blocks []index.Header, contracts []string) (out [][]index.Transfer, err error) {
	const op = "nfttest.TransfersIn"
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if err := s.fail(ctx, op, true); err != nil {
		return nil, err
	}
	for _, h := range blocks {
		if h.Number > s.c.tip().Number || s.c.blocks[h.Number].Hash != h.Hash {
			return nil, fault.New(fault.Unavailable, op, "the block is not there any more")
		}
		logs := of(s.c.blocks[h.Number], contracts)
		if s.c.logFault.Doubt && len(logs) > 0 {
			return nil, fault.Wrap(fault.Unavailable, op, index.ErrDoubt)
		}
		out = append(out, logs)
	}
	return out, nil
}

func of(b *block, contracts []string) (out []index.Transfer) {
	for _, t := range b.transfers {
		if slices.Contains(contracts, t.Contract) {
			out = append(out, t)
		}
	}
	return out
}

// Born implements index.Source.
func (s source) Born(ctx context.Context, contract string) (uint64, error) {
	const op = "nfttest.Born"
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	if err := s.fail(ctx, op, false); err != nil {
		return 0, err
	}
	if s.c.tip().standard[contract] == "" {
		return 0, fault.New(fault.NotFound, op, "there is no contract at the address")
	}
	return 0, nil
}
