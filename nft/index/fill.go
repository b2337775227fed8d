package index

import (
	"context"
	"errors"
	"sync"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// The reasons of a refusal.
const (
	reasonUnusual    = "unusual"
	reasonTooLarge   = "too_large"
	reasonDisagrees  = "disagrees"
	reasonNoContract = "no_contract"
)

// fill does one piece of one contract's backfill. The caller holds settling.
func (x *Indexer) fill(ctx context.Context) error {
	x.mu.RLock()
	base := x.state.Base
	x.mu.RUnlock()
	if base.Hash == "" {
		return nil
	}
	if fresh := x.with(Wanted); len(fresh) > 0 {
		if err := x.begin(ctx, fresh[0]); err != nil {
			return err
		}
		return errMore
	}
	open := x.with(Backfilling)
	if len(open) == 0 {
		return nil
	}
	x.turn++ // in turn, so that a small one need not wait for a large one
	c := open[x.turn%len(open)]
	if c.Next > base.Number {
		return x.finish(ctx, c)
	}
	if err := x.wave(ctx, c, base); err != nil {
		return err
	}
	return errMore
}

// begin finds out where a contract's history begins.
func (x *Indexer) begin(ctx context.Context, c Contract) error {
	born, err := x.src.Born(ctx, c.Address)
	if errors.Is(err, fault.NotFound) {
		return x.refuse(ctx, c.Address, reasonNoContract)
	}
	if err != nil {
		return err
	}
	return x.apply(ctx, Step{Contracts: []Contract{{Address: c.Address, Status: Backfilling, First: born, Next: born}}})
}

// wave asks for several ranges at once and settles them, in order and together with how far it is.
func (x *Indexer) wave(ctx context.Context, c Contract, base nft.Block) error {
	type piece struct {
		from, to, least uint64
		transfers       []Transfer
		err             error
	}
	var pieces []*piece
	size := x.size(c.Address)
	for from := c.Next; from <= base.Number && len(pieces) < x.opt.Parallel; from += size {
		pieces = append(pieces, &piece{from: from, to: min(from+size-1, base.Number)})
	}
	var wg sync.WaitGroup
	for _, p := range pieces {
		wg.Go(func() { p.transfers, p.least, p.err = x.fetch(ctx, p.from, p.to, []string{c.Address}) })
	}
	wg.Wait()
	done, next := c, c.Next
	var transfers []Transfer
	var err error
	for _, p := range pieces {
		if err = p.err; err != nil {
			break // what came before it is kept
		}
		x.resize(c.Address, p.least, p.to-p.from+1, len(p.transfers))
		transfers, next = append(transfers, p.transfers...), p.to+1
	}
	if next == c.Next {
		return err
	}
	done.Next = next
	s := stepOf(nil, []Contract{done}, transfers)
	if len(s.Contracts) == 0 {
		s.Contracts = []Contract{done} // no transfers, but it is further
	}
	if e := x.commit(ctx, []Contract{c}, s); e != nil {
		return e
	}
	return err
}

// finish compares a filled contract with the chain and has it answered for.
func (x *Indexer) finish(ctx context.Context, c Contract) error {
	covered := func() bool {
		x.mu.RLock()
		defer x.mu.RUnlock()
		return x.win.covers(c.Address, x.state.Base.Number)
	}
	if !covered() {
		if err := x.follow(ctx); err != nil || !covered() {
			return err
		}
	}
	x.mu.RLock()
	why := x.suspects[c.Address]
	x.mu.RUnlock()
	if why == reasonUnusual {
		return x.more(x.refuse(ctx, c.Address, reasonUnusual))
	}
	agrees, err := x.compare(ctx, c.Address)
	if err != nil {
		return err
	}
	if !agrees {
		if err := x.refuse(ctx, c.Address, reasonDisagrees); err != nil {
			return err
		}
		return errMore
	}
	x.opt.Logger.InfoContext(ctx, "index_contract_live", "chain", x.chain, "contract", c.Address, "events", c.Events)
	c.Status, c.Reason = Live, ""
	if err := x.apply(ctx, Step{Contracts: []Contract{c}}); err != nil {
		return err
	}
	return errMore
}

// refuse has a contract answered for by the chain alone from now on.
func (x *Indexer) refuse(ctx context.Context, address, reason string) error {
	x.opt.Logger.InfoContext(ctx, "index_contract_refused", "chain", x.chain, "contract", address, "reason", reason)
	err := x.apply(ctx, Step{Withdraw: true, Drop: []string{address}, Contracts: []Contract{{Address: address, Status: Refused, Reason: reason}}})
	if err == nil {
		x.mu.Lock()
		delete(x.suspects, address)
		x.checked[address] = x.opt.Now()
		x.mu.Unlock()
	}
	return err
}
