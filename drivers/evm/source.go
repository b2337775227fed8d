package evm

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/index"
)

var _ index.Sourced = (*Verifier)(nil)

// IndexSource returns the chain's blocks and transfers, for an index of them.
func (v *Verifier) IndexSource() index.Source { return source{v} }

// source gives an index what it follows.
type source struct{ v *Verifier }

var _ index.Source = source{}

func hashText(h common.Hash) string { return strings.ToLower(h.Hex()) }

func (h *header) forIndex() index.Header {
	return index.Header{Block: h.block(), Parent: hashText(*h.ParentHash), Extra: h}
}

// Tip implements index.Source.
func (s source) Tip(ctx context.Context, tag string) (index.Header, error) {
	if tag != "latest" && tag != "safe" && tag != "finalized" {
		return index.Header{}, fault.Newf(fault.Invalid, "evm.Tip", "unknown tag %q", tag)
	}
	h, err := s.v.resolve(ctx, nft.Finality{Tag: tag}, &meter{})
	if err != nil {
		return index.Header{}, fault.At("evm.Tip", err)
	}
	return h.forIndex(), nil
}

// Blocks implements index.Source.
func (s source) Blocks(ctx context.Context, from, to uint64) ([]index.Header, error) {
	hs, err := s.v.blocksByNumber(ctx, from, to, &meter{})
	if err != nil {
		return nil, fault.At("evm.Blocks", err)
	}
	out := make([]index.Header, len(hs))
	for i, h := range hs {
		out[i] = h.forIndex()
	}
	return out, nil
}

// blocksByNumber returns the blocks from from to to.
func (v *Verifier) blocksByNumber(ctx context.Context, from, to uint64, m *meter) ([]*header, error) {
	if to < from || to-from >= 10_000 {
		return nil, fault.Newf(fault.Invalid, "evm.blocks", "blocks %d to %d are asked for at once", from, to)
	}
	hs := make([]*header, to-from+1)
	reqs := make([]request, len(hs))
	for i := range hs {
		reqs[i] = request{Method: "eth_getBlockByNumber", Args: []any{hexutil.Uint64(from + uint64(i)), false}, Result: &hs[i]}
	}
	if err := v.node.do(ctx, m, reqs); err != nil {
		return nil, err
	}
	if err := first(reqs); err != nil {
		return nil, err
	}
	for i, h := range hs {
		if err := h.check(); err != nil {
			return nil, err
		}
		if h.number() != from+uint64(i) {
			return nil, fault.New(fault.Unavailable, "evm.header", "the provider answers with another block than asked for")
		}
	}
	return hs, nil
}

// TransfersIn implements index.Source.
func (s source) TransfersIn(ctx context.Context, blocks []index.Header, contracts []string) ([][]index.Transfer, error) {
	const op = "evm.TransfersIn"
	set := addresses(contracts)
	hs := make([]*header, len(blocks))
	for i, b := range blocks {
		h, ok := b.Extra.(*header)
		if !ok {
			return nil, fault.New(fault.Invalid, op, "the header is not of this source")
		}
		hs[i] = h
	}
	out := make([][]index.Transfer, len(blocks))
	logs, err := s.v.logsOf(ctx, hs, set, &meter{})
	if errors.Is(err, errDoubt) {
		err = fault.Wrap(fault.Unavailable, op, index.ErrDoubt)
	}
	if err != nil {
		return nil, err
	}
	for i, some := range logs {
		for _, l := range some {
			l.BlockNumber, l.BlockHash = hs[i].Number, *hs[i].Hash
			out[i] = append(out[i], s.v.topics.movements(l)...)
		}
	}
	return out, nil
}

// addresses leaves out what is none.
func addresses(contracts []string) []common.Address {
	var set []common.Address
	for _, c := range contracts {
		if common.IsHexAddress(c) {
			set = append(set, common.HexToAddress(c))
		}
	}
	return set
}

// Transfers implements index.Source.
func (s source) Transfers(ctx context.Context, from, to uint64, contracts []string) (out []index.Transfer, err error) {
	for chunk := range slices.Chunk(addresses(contracts), addressesAtOnce) {
		filter := map[string]any{"address": chunk, "topics": [][]common.Hash{s.v.topics.all()}}
		logs, err := s.v.logsBetween(ctx, from, to, filter, &meter{})
		if err != nil {
			return nil, fault.At("evm.Transfers", err)
		}
		for _, l := range logs {
			out = append(out, s.v.topics.movements(l)...)
		}
	}
	if len(contracts) > addressesAtOnce {
		slices.SortStableFunc(out, func(a, b index.Transfer) int { return int(int64(a.Block) - int64(b.Block)) })
	}
	return out, nil
}

// logsBetween returns the logs of a range of blocks, in order. The error is fault.TooLarge when
// the provider refuses the range for what it would come to.
func (v *Verifier) logsBetween(ctx context.Context, from, to uint64, filter map[string]any, m *meter) ([]logEntry, error) {
	const op = "evm.logs"
	filter["fromBlock"], filter["toBlock"] = hexutil.Uint64(from), hexutil.Uint64(to)
	var logs []logEntry
	reqs := []request{{Method: "eth_getLogs", Args: []any{filter}, Result: &logs}}
	err := v.node.do(ctx, m, reqs)
	if err == nil {
		err = first(reqs)
	}
	if err != nil {
		if from < to && tooMuch(err) {
			return nil, &fault.Error{Kind: fault.TooLarge, Op: op, Err: err}
		}
		return nil, err
	}
	wanted, _ := filter["address"].([]common.Address)
	last := from
	hashes := map[uint64]common.Hash{}
	for _, l := range logs {
		if l.BlockNumber == nil || l.Removed || len(l.Topics) == 0 || !slices.Contains(wanted, l.Address) {
			return nil, fault.New(fault.Unavailable, op, "the provider answers with logs that were not asked for")
		}
		n := uint64(*l.BlockNumber)
		if h, seen := hashes[n]; n < last || n > to || seen && h != l.BlockHash {
			return nil, fault.New(fault.Unavailable, op, "the provider's logs are out of order or of two chains")
		}
		last, hashes[n] = n, l.BlockHash
	}
	return logs, nil
}

// tooMuch reports whether a range was refused for its size. Providers say so in many ways: what is
// not about how often they are asked is taken for it, since a single block in the end tells.
func tooMuch(err error) bool {
	if errors.Is(err, fault.Canceled) {
		return false
	}
	if errors.Is(err, errTooLarge) || errors.Is(err, errSlow) {
		return true
	}
	var e *rpcError
	if !errors.As(err, &e) {
		return strings.Contains(err.Error(), "HTTP status 413")
	}
	text := strings.ToLower(e.msg)
	for _, rate := range []string{"rate limit", "too many requests", "per second", "request count", "quota", "capacity", "credits", "unauthorized", "not found", "not supported"} {
		if strings.Contains(text, rate) {
			return false
		}
	}
	return e.code != -32601 // no such method
}

// Born implements index.Source. It looks for the first block with code by halves; a node that
// keeps no states that old cannot tell, and then it is block 0.
func (s source) Born(ctx context.Context, contract string) (uint64, error) {
	const op = "evm.Born"
	head, err := s.v.head(ctx, "latest", &meter{})
	if err != nil {
		return 0, fault.At(op, err)
	}
	there, err := s.hasCode(ctx, contract, head.number())
	if err != nil {
		return 0, fault.At(op, err)
	}
	if !there {
		return 0, fault.Wrap(fault.NotFound, op, ErrNoContract)
	}
	low, high := uint64(0), head.number() // code is at high
	for low < high {
		middle := low + (high-low)/2
		there, err := s.hasCode(ctx, contract, middle)
		var refused *rpcError
		switch {
		case errors.As(err, &refused):
			return 0, nil
		case err != nil:
			return 0, fault.At(op, err)
		case there:
			high = middle
		default:
			low = middle + 1
		}
	}
	return high, nil
}

func (s source) hasCode(ctx context.Context, contract string, block uint64) (bool, error) {
	var code hexutil.Bytes
	reqs := []request{{Method: "eth_getCode", Args: []any{common.HexToAddress(contract), hexutil.Uint64(block)}, Result: &code}}
	if err := s.v.node.do(ctx, &meter{}, reqs); err != nil {
		return false, err
	}
	return len(code) > 0, first(reqs)
}
