package evm

import (
	"context"
	"strings"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

var _ nft.PinnedVerifier = (*Verifier)(nil)

// BlockAt returns the block of a finality, having checked that the provider serves the chain.
// Errors are those of Check.
func (v *Verifier) BlockAt(ctx context.Context, at nft.Finality) (nft.Block, error) {
	h, err := v.resolve(ctx, at, &meter{})
	if err != nil {
		return nft.Block{}, fault.At("evm.BlockAt", err)
	}
	return h.block(), nil
}

// CheckAt answers all queries at block b, which another provider may have named: the
// provider asked must have it with the same number and time, on its chain. It is read by its hash, and its header is asked for at the
// same time, so that it takes one round trip. Errors are those of Check.
func (v *Verifier) CheckAt(ctx context.Context, b nft.Block, queries []nft.Query) (nft.Reply, error) {
	const op = "evm.CheckAt"
	s := &snapshot{v: v, m: &meter{}, byNumber: v.byNumber.Load()}
	asked, err := s.inquiries(queries)
	if err != nil {
		return nft.Reply{}, err
	}
	if len(b.Hash) != 66 || !strings.HasPrefix(b.Hash, "0x") {
		return nft.Reply{}, fault.New(fault.Unavailable, op, "the block has no hash to be read by")
	}
	h, own := headerOf(b), &meter{}
	s.head = h
	var (
		wg    sync.WaitGroup
		known error
	)
	wg.Go(func() { known = v.knows(ctx, h, own) })
	answers, err := s.read(ctx, queries, asked)
	wg.Wait()
	reply := nft.Reply{Calls: s.m.requests + own.requests}
	if known != nil {
		return reply, fault.At(op, known)
	}
	if err != nil {
		return reply, fault.At(op, err)
	}
	reply.Answers, reply.Block = answers, h.block()
	return reply, nil
}

func headerOf(b nft.Block) *header {
	number, hash, stamp := hexutil.Uint64(b.Number), common.HexToHash(b.Hash), hexutil.Uint64(max(0, b.Time.Unix()))
	return &header{Number: &number, Hash: &hash, Timestamp: &stamp}
}

// knows makes an error when the provider does not have the block as it was named, by its hash and on its
// chain, or serves another chain.
func (v *Verifier) knows(ctx context.Context, want *header, m *meter) error {
	var (
		id             hexutil.Big
		byHash, onPath *header
	)
	reqs := []request{
		{Method: "eth_chainId", Result: &id},
		{Method: "eth_getBlockByHash", Args: []any{*want.Hash, false}, Result: &byHash},
		{Method: "eth_getBlockByNumber", Args: []any{*want.Number, false}, Result: &onPath},
	}
	if err := v.node.do(ctx, m, reqs); err != nil {
		return err
	}
	if err := first(reqs); err != nil {
		return err
	}
	if err := v.sameChain(&id); err != nil {
		return err
	}
	for _, h := range []*header{byHash, onPath} {
		if err := h.check(); err != nil {
			return err
		}
		if *h.Hash != *want.Hash || h.number() != want.number() || *h.Timestamp != *want.Timestamp {
			return fault.New(fault.Unavailable, "evm.header", "the provider does not have the block as it was named")
		}
	}
	return nil
}
