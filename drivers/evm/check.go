package evm

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// The JSON-RPC error codes that mean something here.
const (
	codeReverted      = 3      // geth and its kin: the contract reverted, data has why
	codeInvalidParams = -32602 // a node without EIP-1898 does not know {"blockHash":...}
)

// outcome is what one eth_call came to: data it returned, data it reverted with,
// or an error that says nothing about the contract.
type outcome struct {
	data     []byte
	reverted bool
	err      error
}

// Check answers all queries at one block of the wanted finality. A query the
// contract cannot answer has its error in its Answer: fault.Unsupported (with
// cause ErrNoContract where there is no code), or fault.Unavailable when the
// provider could not run it. Errors of Check itself are fault.Invalid for a
// malformed query or finality, fault.Canceled for ctx, else fault.Unavailable.
//
// ownerOf of a token that does not exist is the Value "" and no error: for a
// revert, that takes the standard's own error or a contract that says by ERC-165
// that it is an ERC-721.
//
// Operations of several reads are answered by several requests, all at the one block. A contract that does
// not list an account's tokens is fault.Unsupported with cause nft.ErrNotEnumerable, more than is read
// fault.TooLarge with nft.ErrTooMany, and a chain without the registry of delegations fault.Unsupported.
func (v *Verifier) Check(ctx context.Context, at nft.Finality, queries []nft.Query) (nft.Reply, error) {
	m := &meter{}
	for attempt := 0; ; attempt++ {
		reply, err := v.checkOnce(ctx, at, queries, m)
		reply.Calls = m.requests
		// The block may have been reorganised away between the requests, so
		// trouble is worth one new try at a new head.
		again := errors.Is(err, errMoved) || err == nil && unavailable(reply.Answers)
		if !again || attempt == 1 || ctx.Err() != nil {
			return reply, err
		}
	}
}

// errMoved means the block read at is not there any more.
var errMoved = errors.New("the block is not on the chain any more")

func unavailable(answers []nft.Answer) bool {
	for _, a := range answers {
		if a.Err != nil && fault.KindOf(a.Err) == fault.Unavailable {
			return true
		}
	}
	return false
}

// checkOnce reads everything at one block.
func (v *Verifier) checkOnce(ctx context.Context, at nft.Finality, queries []nft.Query, m *meter) (nft.Reply, error) {
	s := &snapshot{v: v, m: m, byNumber: v.byNumber.Load()}
	asked, err := s.inquiries(queries)
	if err != nil {
		return nft.Reply{}, err
	}
	if s.head, err = v.resolve(ctx, at, m); err != nil {
		return nft.Reply{}, err
	}
	answers, err := s.answers(ctx, asked)
	if err != nil {
		return nft.Reply{}, err
	}
	if err := s.settle(ctx); err != nil {
		return nft.Reply{}, err
	}
	return nft.Reply{Answers: answers, Block: s.head.block()}, nil
}

// snapshot reads state at one block.
type snapshot struct {
	v        *Verifier
	head     *header
	m        *meter
	byNumber bool
}

// blockParam names the block by hash (EIP-1898), so that no answer can come from
// another one.
func (s *snapshot) blockParam() any {
	if s.byNumber {
		return *s.head.Number
	}
	return map[string]any{"blockHash": *s.head.Hash, "requireCanonical": true}
}

// settle makes sure that what was read by number was read at the block meant: it
// must still be there.
func (s *snapshot) settle(ctx context.Context) error {
	if !s.byNumber {
		return nil
	}
	h, err := s.v.blockByNumber(ctx, s.head.number(), s.m)
	if err != nil {
		return err
	}
	if *h.Hash != *s.head.Hash {
		return fault.Wrap(fault.Unavailable, "evm.Check", errMoved)
	}
	return nil
}

// readAll runs every read, through Multicall3 where it is known to be there.
func (s *snapshot) readAll(ctx context.Context, reads []read) ([]outcome, error) {
	if len(reads) < 2 || s.v.opt.NoMulticall {
		return s.direct(ctx, reads, nil)
	}
	from := s.v.multicallFrom.Load()
	if from == 0 || s.head.number()+1 < from {
		// Asked along with the reads, for the next time.
		var code hexutil.Bytes
		probe := request{Method: "eth_getCode", Args: []any{multicallAddress, s.blockParam()}, Result: &code}
		outs, err := s.direct(ctx, reads, &probe)
		if err == nil && probe.Error == nil && len(code) > 0 {
			s.v.multicallFrom.Store(s.head.number() + 1)
		}
		return outs, err
	}
	outs, err := s.aggregate(ctx, reads)
	if err != nil {
		return nil, err
	}
	// A call that fails inside a batch may have failed for the gas the others
	// burnt: only a call of its own tells.
	return outs, s.again(ctx, reads, outs)
}

// again repeats, each by itself, the reads whose outcome in a batch is no proof.
func (s *snapshot) again(ctx context.Context, reads []read, outs []outcome) error {
	var which []int
	var retry []read
	for i, o := range outs {
		definite := o.err == nil && !o.reverted || o.reverted && reads[i].token != nil && saysNonexistent(o.data, reads[i].token)
		if !definite {
			which, retry = append(which, i), append(retry, reads[i])
		}
	}
	if len(retry) == 0 {
		return nil
	}
	redone, err := s.direct(ctx, retry, nil)
	if err != nil {
		return err
	}
	for k, i := range which {
		outs[i] = redone[k]
	}
	return nil
}

// aggregate runs reads through Multicall3.
func (s *snapshot) aggregate(ctx context.Context, reads []read) ([]outcome, error) {
	outs := make([]outcome, 0, len(reads))
	for len(reads) > 0 {
		k := min(len(reads), s.v.opt.BatchSize)
		data, err := s.v.codec.packAggregate(reads[:k])
		if err != nil {
			return nil, fault.Wrap(fault.Internal, "evm.Check", err)
		}
		one, err := s.direct(ctx, []read{{to: common.HexToAddress(multicallAddress), data: data}}, nil)
		if err != nil {
			return nil, err
		}
		var results []result3
		if err = one[0].err; err == nil {
			results, err = s.v.codec.unpackAggregate(one[0].data, k)
		}
		if err != nil || one[0].reverted {
			for range k { // the reads are repeated one by one
				outs = append(outs, outcome{err: fault.Wrap(fault.Unavailable, "evm.Check", fmt.Errorf("multicall: %w", err))})
			}
		}
		for _, r := range results {
			outs = append(outs, outcome{data: r.ReturnData, reverted: !r.Success})
		}
		reads = reads[k:]
	}
	return outs, nil
}

// direct runs each read as an eth_call of its own, and extra in the same batch.
func (s *snapshot) direct(ctx context.Context, reads []read, extra *request) ([]outcome, error) {
	results := make([]hexutil.Bytes, len(reads))
	reqs := make([]request, len(reads), len(reads)+1)
	for i, r := range reads {
		call := map[string]any{"to": r.to, "data": hexutil.Bytes(r.data)}
		reqs[i] = request{Method: "eth_call", Args: []any{call, s.blockParam()}, Result: &results[i]}
	}
	if extra != nil {
		reqs = append(reqs, *extra)
	}
	if len(reqs) == 0 {
		return nil, nil
	}
	if err := s.v.node.do(ctx, s.m, reqs); err != nil {
		return nil, err
	}
	if extra != nil {
		*extra = reqs[len(reads)]
	}
	outs := make([]outcome, len(reads))
	for i := range reads {
		outs[i] = s.judge(results[i], reqs[i].Error)
	}
	return outs, nil
}

// judge tells what the contract did from what the provider failed at.
func (s *snapshot) judge(data []byte, err error) outcome {
	var e *rpcError
	if !errors.As(err, &e) {
		return outcome{data: data, err: err}
	}
	if e.code == codeReverted || strings.HasPrefix(e.msg, "execution reverted") {
		text, _ := e.data.(string)
		revert, hexErr := hex.DecodeString(strings.TrimPrefix(text, "0x"))
		if hexErr != nil {
			revert = nil
		}
		return outcome{data: revert, reverted: true}
	}
	if e.code == codeInvalidParams && !s.byNumber {
		s.v.byNumber.Store(true)
	}
	return outcome{err: err}
}
