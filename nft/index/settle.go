package index

import (
	"context"
	"errors"
	"math/big"
	"slices"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// settle moves what has left the window of reorganisations into the store, block by block in
// order, and builds anew when the chain has replaced what was settled. The caller holds settling.
func (x *Indexer) settle(ctx context.Context) error {
	if len(x.with(Wanted, Backfilling, Live)) == 0 {
		return nil
	}
	x.mu.RLock()
	base := x.state.Base
	head, ok := x.win.head()
	target, inWindow := x.win.at(head.Number - min(uint64(x.opt.Window), head.Number))
	x.mu.RUnlock()
	if !ok || !inWindow {
		return nil // nothing is followed yet
	}
	if base.Hash == "" {
		return x.apply(ctx, Step{Base: &target.Block})
	}
	switch same, err := x.canonical(ctx, base, head); {
	case err != nil:
		return err
	case !same:
		return x.rebuild(ctx, target.Block)
	}
	if target.Number < base.Number+max(1, uint64(x.opt.Window)/8) {
		return nil
	}
	live := x.with(Live)
	step, ok := x.fold(live, base, target.Block)
	if !ok {
		return x.catchUp(ctx, live, base, target)
	}
	return x.commit(ctx, live, step)
}

// canonical reports whether the chain still has the block that everything is settled through.
func (x *Indexer) canonical(ctx context.Context, base nft.Block, head Header) (bool, error) {
	x.mu.RLock()
	first := x.win.blocks[0]
	own, known := x.win.at(base.Number)
	x.mu.RUnlock()
	switch {
	case known:
		return own.Hash == base.Hash, nil
	case base.Number > head.Number:
		return false, fault.New(fault.Unavailable, "index.settle", "the chain is shorter than what is settled of it")
	case base.Number+1 == first.Number:
		return first.Parent == base.Hash, nil
	}
	b, err := x.block(ctx, base.Number)
	return err == nil && b.Hash == base.Hash, err
}

// block asks for one block by its number.
func (x *Indexer) block(ctx context.Context, number uint64) (Header, error) {
	x.mu.RLock()
	b, ok := x.win.at(number)
	x.mu.RUnlock()
	if ok {
		return b, nil
	}
	some, err := x.src.Blocks(ctx, number, number)
	if err != nil {
		return Header{}, err
	}
	if len(some) != 1 || some[0].Number != number {
		return Header{}, moved()
	}
	return some[0], nil
}

// rebuild begins anew: the chain was reorganised deeper than the window.
func (x *Indexer) rebuild(ctx context.Context, base nft.Block) error {
	x.opt.Logger.WarnContext(ctx, "index_rebuilt", "chain", x.chain, "base", base.Number)
	step := Step{Base: &base, Withdraw: true}
	for _, c := range x.with(Wanted, Backfilling, Live, Refused) {
		step.Drop = append(step.Drop, c.Address)
		step.Contracts = append(step.Contracts, Contract{Address: c.Address, Status: Wanted})
	}
	if err := x.apply(ctx, step); err != nil {
		return err
	}
	return errMore
}

// fold makes a step of what the window has between base and target; ok is false when it
// lacks some of that.
func (x *Indexer) fold(live []Contract, base, target nft.Block) (step Step, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if !x.win.has(base.Number, base.Hash) {
		return Step{}, len(live) == 0
	}
	for _, c := range live {
		if !x.win.covers(c.Address, base.Number) {
			return Step{}, false
		}
	}
	var transfers []Transfer
	for _, b := range x.win.blocks {
		if b.Number > base.Number && b.Number <= target.Number {
			transfers = append(transfers, b.transfers...)
		}
	}
	return stepOf(&target, live, transfers), true
}

// stepOf settles transfers, of the contracts given alone.
func stepOf(base *nft.Block, contracts []Contract, transfers []Transfer) Step {
	s := Step{Base: base, Amounts: map[Key]*big.Int{}, Owners: map[Key]string{}}
	byAddress := map[string]*Contract{}
	changed := slices.Clone(contracts)
	for i := range changed {
		byAddress[changed[i].Address] = &changed[i]
	}
	for _, t := range transfers {
		c := byAddress[t.Contract]
		if c == nil {
			continue
		}
		if c.Kind == "" {
			c.Kind = t.Kind
		}
		c.Events++
		if t.Kind == Odd || t.Kind != c.Kind {
			c.Status, c.Reason = Refused, reasonUnusual
			continue
		}
		for k, m := range changes(t) {
			if m.by == nil {
				s.Owners[k] = m.to
				continue
			}
			if s.Amounts[k] == nil {
				s.Amounts[k] = new(big.Int)
			}
			s.Amounts[k].Add(s.Amounts[k], m.by)
		}
	}
	for i, was := range contracts {
		if changed[i] != was {
			s.Contracts = append(s.Contracts, changed[i])
		}
	}
	return s
}

// commit makes a step, or refuses the contracts that it found out.
func (x *Indexer) commit(ctx context.Context, contracts []Contract, s Step) error {
	for _, c := range s.Contracts {
		if c.Status != Refused && c.Events > x.opt.MaxEvents {
			c.Status, c.Reason = Refused, reasonTooLarge
		}
		if c.Status == Refused {
			if err := x.refuse(ctx, c.Address, c.Reason); err != nil {
				return err
			}
			return errMore
		}
	}
	var events uint64
	for _, c := range s.Contracts {
		i := slices.IndexFunc(contracts, func(o Contract) bool { return o.Address == c.Address })
		events += c.Events - contracts[i].Events
	}
	if err := x.apply(ctx, s); err != nil {
		return err
	}
	x.meter.settled(ctx, events)
	return nil
}

// catchUp settles by ranges what happened while nobody followed.
func (x *Indexer) catchUp(ctx context.Context, live []Contract, base nft.Block, target Header) error {
	to := min(target.Number, base.Number+x.size(""))
	var addresses []string
	for _, c := range live {
		addresses = append(addresses, c.Address)
	}
	transfers, least, err := x.fetch(ctx, base.Number+1, to, addresses)
	if err != nil {
		return err
	}
	x.resize("", least, to-base.Number, len(transfers))
	end, err := x.block(ctx, to)
	if err != nil {
		return err
	}
	if err := x.commit(ctx, live, stepOf(&end.Block, live, transfers)); err != nil {
		return err
	}
	return errMore
}

// fetch asks for a range, and for its halves when that is too much at once. least is the
// shortest range that it came to.
func (x *Indexer) fetch(ctx context.Context, from, to uint64, contracts []string) (out []Transfer, least uint64, err error) {
	out, err = x.src.Transfers(ctx, from, to, contracts)
	if err == nil || !errors.Is(err, fault.TooLarge) || from == to {
		return out, to - from + 1, err
	}
	middle := from + (to-from)/2
	a, least, err := x.fetch(ctx, from, middle, contracts)
	if err != nil {
		return nil, 0, err
	}
	b, other, err := x.fetch(ctx, middle+1, to, contracts)
	return append(a, b...), min(least, other), err
}

func (x *Indexer) size(contract string) uint64 {
	if n := x.sizes[contract]; n > 0 {
		return n
	}
	return x.opt.FirstRange
}

// plenty is how many transfers a range may hold and still grow.
const plenty = 2000

// resize adapts the length of the next ranges to what the last one, that was asked for as asked
// and came as least, held.
func (x *Indexer) resize(contract string, least, asked uint64, transfers int) {
	size := x.size(contract)
	switch {
	case least < asked:
		size = least
	case transfers < plenty && asked >= size:
		size = min(2*size, x.opt.MaxRange)
	}
	x.sizes[contract] = max(1, size)
}
