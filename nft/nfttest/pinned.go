package nfttest

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

var _ nft.PinnedVerifier = (*Chain)(nil)

// BlockAt implements nft.PinnedVerifier.
func (c *Chain) BlockAt(ctx context.Context, at nft.Finality) (nft.Block, error) {
	r, err := c.Check(ctx, at, nil)
	return r.Block, err
}

// CheckAt implements nft.PinnedVerifier.
func (c *Chain) CheckAt(ctx context.Context, at nft.Block, queries []nft.Query) (nft.Reply, error) {
	const op = "nfttest.CheckAt"
	if _, err := c.Check(ctx, nft.Finality{Tag: "latest"}, nil); err != nil {
		return nft.Reply{}, err // the provider's trouble is the same
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.blocks, func(b *block) bool {
		return b.Number == at.Number && b.Hash == at.Hash && b.Time.Equal(at.Time)
	})
	if i < 0 {
		return nft.Reply{}, fault.New(fault.Unavailable, op, "the block is not on the chain")
	}
	reply := nft.Reply{Block: c.blocks[i].Block, Calls: 1}
	for _, q := range queries {
		reply.Answers = append(reply.Answers, c.blocks[i].answer(q))
	}
	return reply, nil
}

// pinned reads at a block named before, whatever happens after it.
func pinned(ctx context.Context, f Fixture) error {
	v, ok := nft.As[nft.PinnedVerifier](f.Verifier)
	if !ok {
		return errors.New("the verifier cannot read at a block")
	}
	a, b := f.Accounts[0], f.Accounts[1]
	minted, err := f.Mine(ctx, Op{Kind: Mint721, To: a, TokenID: "1"})
	if err != nil {
		return err
	}
	at, err := v.BlockAt(ctx, latest)
	if err != nil {
		return err
	}
	if at.Number != minted.Number || at.Hash != minted.Hash {
		return fmt.Errorf("the newest block is %+v, named %+v", minted, at)
	}
	moved, err := f.Mine(ctx, Op{Kind: Transfer721, From: a, To: b, TokenID: "1"})
	if err != nil {
		return err
	}
	qs := []nft.Query{f.balance(a), f.balance(b), f.owner("1")}
	r, err := v.CheckAt(ctx, at, qs)
	if err != nil {
		return err
	}
	if len(r.Answers) != 3 || r.Answers[0].Value != "1" || r.Answers[1].Value != "0" || r.Answers[2].Value != a || r.Block.Number != at.Number || r.Block.Hash != at.Hash {
		return fmt.Errorf("before the transfer: %+v", r)
	}
	for what, wrong := range map[string]nft.Block{
		"another number": {Number: moved.Number, Hash: at.Hash, Time: at.Time},
		"another time":   {Number: at.Number, Hash: at.Hash, Time: at.Time.Add(1e9)},
		"a hash nobody made": {Number: at.Number, Time: at.Time,
			Hash: "0x1111111111111111111111111111111111111111111111111111111111111111"},
		"no hash": {Number: at.Number, Hash: "", Time: at.Time},
	} {
		if r, err := v.CheckAt(ctx, wrong, qs); fault.KindOf(err) != fault.Unavailable || len(r.Answers) > 0 {
			return fmt.Errorf("%s: %+v, %w; want an error of kind unavailable", what, r, err)
		}
	}
	if f.Reorg == nil {
		return nil
	}
	if err := f.Reorg(ctx, 2); err != nil {
		return err
	}
	if r, err := v.CheckAt(ctx, at, qs); fault.KindOf(err) != fault.Unavailable || len(r.Answers) > 0 {
		return fmt.Errorf("a block that was reorganised away: %+v, %w; want an error of kind unavailable", r, err)
	}
	return nil
}
