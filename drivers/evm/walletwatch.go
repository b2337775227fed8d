package evm

import (
	"context"
	"slices"
	"sync"

	"github.com/ethereum/go-ethereum/common"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

var _ auth.ContractWatcher = (*Wallets)(nil)

// WatchContracts implements auth.ContractWatcher: a wallet has changed when its address emitted an
// event, of whatever kind, on any of the chains. That is one eth_getLogs for 256 wallets at each block, and none while
// there are no accounts. A wallet that changes without an event is not told of. Blocks that went, were missed or
// cannot be read for events make a call of fn with no accounts.
func (w *Wallets) WatchContracts(ctx context.Context, accounts func() []caip.AccountID, fn func([]caip.AccountID)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		mu       sync.Mutex
		watching sync.WaitGroup
		first    error
	)
	for _, v := range w.chains {
		watching.Go(func() {
			began := false
			err := v.Watch(ctx, func() []string { return nil }, func(c nft.Change) {
				if !began { // what came before nobody saw
					began, c.Gap = true, true
				}
				changed, all := v.touchedBy(ctx, c, accounts)
				if len(changed) == 0 && !all || ctx.Err() != nil {
					return
				}
				if all {
					changed = nil
				}
				mu.Lock()
				defer mu.Unlock()
				fn(changed)
			})
			mu.Lock()
			defer mu.Unlock()
			if err != nil && first == nil {
				first = err
				cancel() // who called watches all chains or tries again
			}
		})
	}
	watching.Wait()
	return fault.At("evm.WatchContracts", first)
}

// touchedBy returns those of the accounts whose contracts emitted an event in the block that c tells of, and whether any
// may have changed unseen.
func (v *Verifier) touchedBy(ctx context.Context, c nft.Change, accounts func() []caip.AccountID) (changed []caip.AccountID, all bool) {
	of := map[common.Address][]caip.AccountID{}
	var set []common.Address
	for _, a := range accounts() {
		if a.Chain.Namespace != "eip155" || !common.IsHexAddress(a.Address) {
			continue
		}
		address := common.HexToAddress(a.Address)
		if of[address] == nil {
			set = append(set, address)
		}
		of[address] = append(of[address], a)
	}
	switch {
	case len(set) == 0:
		return nil, false
	case c.Gap || c.Removed:
		return nil, true
	case c.Contract != "":
		return nil, false
	}
	touched, err := v.emitters(ctx, common.HexToHash(c.Block.Hash), set)
	if err != nil {
		v.log.DebugContext(ctx, "evm_wallet_events_unread", "chain", v.chain.String(), "error", err)
		return nil, true
	}
	for _, address := range touched {
		changed = append(changed, of[address]...)
	}
	return changed, false
}

// emitters returns those of set that emitted an event in the block.
func (v *Verifier) emitters(ctx context.Context, block common.Hash, set []common.Address) ([]common.Address, error) {
	chunks := slices.Collect(slices.Chunk(set, addressesAtOnce))
	results := make([][]logEntry, len(chunks))
	reqs := make([]request, len(chunks))
	for i, chunk := range chunks {
		filter := map[string]any{"blockHash": block, "address": chunk}
		reqs[i] = request{Method: "eth_getLogs", Args: []any{filter}, Result: &results[i]}
	}
	if err := v.node.do(ctx, &meter{}, reqs); err != nil {
		return nil, err
	}
	if err := first(reqs); err != nil {
		return nil, err
	}
	var out []common.Address
	for _, l := range slices.Concat(results...) {
		if l.BlockHash != block || !slices.Contains(set, l.Address) {
			return nil, fault.New(fault.Unavailable, "evm.emitters", "the provider answers with logs that were not asked for")
		}
		if !slices.Contains(out, l.Address) {
			out = append(out, l.Address)
		}
	}
	return out, nil
}
