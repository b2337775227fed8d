package index

import (
	"context"
	"errors"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// recheck looks into one contract: one that is suspected, one that was last compared
// long ago, or one that was not there and may be now. The caller holds settling.
func (x *Indexer) recheck(ctx context.Context) error {
	now := x.opt.Now()
	for _, c := range x.with(Live, Refused) {
		x.mu.Lock()
		why := x.suspects[c.Address]
		last, seen := x.checked[c.Address]
		if !seen {
			x.checked[c.Address] = now // it was compared when it went live, in whatever process
			last = now
		}
		due := now.Sub(last) >= x.opt.RecheckEvery
		if due {
			x.checked[c.Address] = now
		}
		x.mu.Unlock()
		switch {
		case c.Status == Refused && c.Reason == reasonNoContract && due:
			return x.more(x.apply(ctx, Step{Contracts: []Contract{{Address: c.Address, Status: Wanted}}}))
		case c.Status == Refused:
		case why == reasonUnusual:
			return x.more(x.refuse(ctx, c.Address, reasonUnusual))
		case why != "" || due:
			agrees, err := x.compare(ctx, c.Address)
			if err != nil {
				return err
			}
			if !agrees {
				return x.more(x.refuse(ctx, c.Address, reasonDisagrees))
			}
			x.mu.Lock()
			delete(x.suspects, c.Address)
			x.mu.Unlock()
		}
	}
	return nil
}

func (x *Indexer) more(err error) error {
	if err != nil {
		return err
	}
	return errMore
}

// compare asks the chain for some of what the index knows of a contract, at one block. What the
// chain cannot answer now is an error and no verdict.
func (x *Indexer) compare(ctx context.Context, address string) (agrees bool, err error) {
	const op, tries = "index.compare", 3
	for range tries {
		keys, err := x.sample(ctx, address)
		if err != nil || len(keys) == 0 {
			return err == nil, err
		}
		x.mu.RLock()
		kind := x.kind(address)
		x.mu.RUnlock()
		queries := make([]nft.Query, len(keys))
		for i, k := range keys {
			queries[i] = k.query(kind)
		}
		reply, err := x.v.Check(ctx, nft.Finality{Tag: "latest"}, queries)
		if err != nil {
			return false, err
		}
		if len(reply.Answers) != len(keys) {
			return false, fault.Newf(fault.Unavailable, op, "%d answers to %d queries", len(reply.Answers), len(keys))
		}
		if err := x.follow(ctx); err != nil {
			return false, err
		}
		own, err := x.values(ctx, reply.Block, keys)
		if errors.Is(err, errMoved) {
			continue
		}
		if err != nil {
			return false, err
		}
		return x.same(ctx, keys, own, reply)
	}
	return false, fault.Wrap(fault.Unavailable, op, errMoved)
}

func (x *Indexer) same(ctx context.Context, keys []Key, own []value, reply nft.Reply) (bool, error) {
	for i, a := range reply.Answers {
		if a.Err != nil && !errors.Is(a.Err, fault.Unsupported) {
			return false, a.Err
		}
		if a.Err == nil && a.Value == own[i].text() {
			continue
		}
		x.opt.Logger.InfoContext(ctx, "index_disagrees", "chain", x.chain, "contract", keys[i].Contract, "account", keys[i].Account,
			"token", keys[i].Token, "index", own[i].text(), "node", a.Value, "block", reply.Block.Number)
		return false, nil
	}
	return true, nil
}

// sample returns keys of a contract to compare: some of what is settled and some of the window.
func (x *Indexer) sample(ctx context.Context, address string) ([]Key, error) {
	keys, err := x.store.Sample(ctx, x.chain, address, x.opt.Samples)
	if err != nil {
		return nil, err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	n := 0
	for k := range x.win.moves { // in another order each time
		if k.Contract == address && n < x.opt.Samples {
			keys = append(keys, k)
			n++
		}
	}
	return keys, nil
}

// query is the question to the chain that a key answers.
func (k Key) query(kind Kind) nft.Query {
	q := nft.Query{Contract: k.Contract, Account: k.Account, TokenID: k.Token}
	switch {
	case kind == ERC721 && k.Account == "":
		q.Op = nft.OpOwner721
	case kind == ERC721:
		q.Op = nft.OpBalance721
	case kind == ERC1155:
		q.Op = nft.OpBalance1155
	default:
		q.Op = nft.OpBalance20
	}
	return q
}
