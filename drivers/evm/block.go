package evm

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// header is what is read of a block. Chains differ in the rest, so the hash is
// not recomputed; it only ever serves to ask the same provider again.
type header struct {
	Number       *hexutil.Uint64 `json:"number"`
	Hash         *common.Hash    `json:"hash"`
	ParentHash   *common.Hash    `json:"parentHash"`
	Timestamp    *hexutil.Uint64 `json:"timestamp"`
	Bloom        *types.Bloom    `json:"logsBloom"`
	ReceiptsRoot *common.Hash    `json:"receiptsRoot"`
}

func (h *header) number() uint64 { return uint64(*h.Number) }

func (h *header) block() nft.Block {
	return nft.Block{
		Number: h.number(),
		Hash:   strings.ToLower(h.Hash.Hex()),
		Time:   time.Unix(int64(*h.Timestamp), 0).UTC(),
	}
}

// check reports a header that lacks what every chain has.
func (h *header) check() error {
	switch {
	case h == nil:
		return fault.New(fault.Unavailable, "evm.header", "the provider does not have the block")
	case h.Number == nil || h.Hash == nil || h.ParentHash == nil || h.Timestamp == nil,
		*h.Hash == common.Hash{}, *h.ParentHash == common.Hash{} && *h.Number != 0,
		uint64(*h.Timestamp) > 1<<62, *h.Hash == *h.ParentHash:
		return fault.New(fault.Unavailable, "evm.header", "the provider's block lacks or falsifies a field")
	}
	return nil
}

// head asks for the block of a tag and, in the same request, for the chain id.
func (v *Verifier) head(ctx context.Context, tag string, m *meter) (*header, error) {
	var (
		id hexutil.Big
		h  *header
	)
	reqs := []request{
		{Method: "eth_chainId", Result: &id},
		{Method: "eth_getBlockByNumber", Args: []any{tag, false}, Result: &h},
	}
	if err := v.node.do(ctx, m, reqs); err != nil {
		return nil, err
	}
	if err := first(reqs); err != nil {
		return nil, err
	}
	if err := v.sameChain(&id); err != nil {
		return nil, err
	}
	return h, h.check()
}

func (v *Verifier) sameChain(id *hexutil.Big) error {
	if id.ToInt().Cmp(v.chainID) != 0 {
		return fault.Wrap(fault.Unavailable, "evm.chain", fmt.Errorf("%w: %s, not %s", nft.ErrOtherChain, id.ToInt(), v.chainID))
	}
	return nil
}

// resolve returns the newest block of the wanted finality.
func (v *Verifier) resolve(ctx context.Context, at nft.Finality, m *meter) (*header, error) {
	depth := v.opt.Profile.depth(at)
	switch {
	case at.Tag == "" && at.Confirmations > 0:
		depth = at.Confirmations
	case depth > 0 && at.Confirmations == 0:
	case (at.Tag == "latest" || at.Tag == "safe" || at.Tag == "finalized") && at.Confirmations == 0:
		return v.head(ctx, at.Tag, m)
	default:
		return nil, fault.Newf(fault.Invalid, "evm.Check", "finality %q with %d confirmations", at.Tag, at.Confirmations)
	}
	head, err := v.head(ctx, "latest", m)
	if err != nil || depth == 1 {
		return head, err
	}
	if at.Tag != "" {
		depth = min(depth, head.number()+1)
	}
	if depth-1 > head.number() {
		return nil, fault.Newf(fault.Unavailable, "evm.Check", "the chain has no block with %d confirmations yet", at.Confirmations)
	}
	number := head.number() - (depth - 1)
	h, err := v.blockByNumber(ctx, number, m)
	if err != nil {
		return nil, err
	}
	return h, nil
}

func (v *Verifier) blockByNumber(ctx context.Context, number uint64, m *meter) (*header, error) {
	h, err := v.getBlock(ctx, "eth_getBlockByNumber", hexutil.Uint64(number), m)
	if err == nil && h.number() != number {
		return nil, fault.New(fault.Unavailable, "evm.header", "the provider answers with another block than asked for")
	}
	return h, err
}

func (v *Verifier) blockByHash(ctx context.Context, hash common.Hash, m *meter) (*header, error) {
	h, err := v.getBlock(ctx, "eth_getBlockByHash", hash, m)
	if err == nil && *h.Hash != hash {
		return nil, fault.New(fault.Unavailable, "evm.header", "the provider answers with another block than asked for")
	}
	return h, err
}

func (v *Verifier) getBlock(ctx context.Context, method string, which any, m *meter) (*header, error) {
	var h *header
	reqs := []request{{Method: method, Args: []any{which, false}, Result: &h}}
	if err := v.node.do(ctx, m, reqs); err != nil {
		return nil, err
	}
	if err := first(reqs); err != nil {
		return nil, err
	}
	return h, h.check()
}

// first returns the first error among the requests.
func first(reqs []request) error {
	for i := range reqs {
		if reqs[i].Error != nil {
			return reqs[i].Error
		}
	}
	return nil
}
