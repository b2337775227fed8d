package evm

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// inquiry is a query under way: what is read next, and what to make of it. Several rounds of reads,
// all at one block, lead to the answer; an inquiry that reads nothing more is answered.
type inquiry struct {
	ask    []read
	then   func(got []nft.Answer) inquiry
	answer nft.Answer
}

// answered ends an inquiry.
func answered(a nft.Answer) inquiry { return inquiry{answer: a} }

func failed(kind fault.Kind, cause error) inquiry {
	return answered(nft.Answer{Err: fault.Wrap(kind, "evm.Check", cause)})
}

func number(n *big.Int) inquiry {
	return answered(nft.Answer{Value: n.String(), Int: n})
}

// ask makes the next reads of an inquiry. They are made of what the contracts answered, so one that cannot be
// written is the contract's fault and an error of this query alone.
func ask(then func(got []nft.Answer) inquiry, calls ...ready) inquiry {
	q := inquiry{then: then}
	for _, c := range calls {
		if c.err != nil {
			return failed(fault.Unsupported, c.err)
		}
		q.ask = append(q.ask, c.read)
	}
	return q
}

// ready is a read made ready, or why it is none.
type ready struct {
	read
	err error
}

// viewing makes a read of a view function.
func viewing(contract, fn string, args ...string) ready {
	r, err := compileOne(nft.Query{Op: nft.OpCall, Contract: contract, Call: &nft.Call{Fn: fn, Args: args}})
	return ready{r, err}
}

func ownerOf(contract, token string) ready {
	r, err := compileOne(nft.Query{Op: nft.OpOwner721, Contract: contract, TokenID: token})
	return ready{r, err}
}

// inquiries makes queries ready; its errors are fault.Invalid.
func (s *snapshot) inquiries(queries []nft.Query) ([]inquiry, error) {
	out := make([]inquiry, len(queries))
	for i, q := range queries {
		one, err := s.inquiryOf(q)
		if err != nil {
			return nil, fault.Wrap(fault.Invalid, "evm.Check", fmt.Errorf("query %d: %w", i, err))
		}
		out[i] = one
	}
	return out, nil
}

func (s *snapshot) inquiryOf(q nft.Query) (inquiry, error) {
	start := startOf(q.Op)
	if start == nil {
		r, err := compileOne(q)
		return inquiry{ask: []read{r}, then: func(got []nft.Answer) inquiry { return answered(got[0]) }}, err
	}
	if _, err := caip.ParseEVMAddress(q.Contract); err != nil {
		return inquiry{}, err
	}
	if _, err := caip.ParseEVMAddress(q.Account); err != nil {
		return inquiry{}, err
	}
	needsToken := q.Op == nft.OpRental || q.Op == nft.OpDelegated1155 || q.Op == nft.OpBound721
	if q.TokenID != "" && !caip.ValidTokenID(q.TokenID) || q.TokenID == "" && needsToken {
		return inquiry{}, fault.Newf(fault.Invalid, "evm.Check", "%q is not a token id", q.TokenID)
	}
	return start(s, q), nil
}

// startOf returns how an operation that takes several reads begins, or nil.
func startOf(op nft.Op) func(*snapshot, nft.Query) inquiry {
	switch op {
	case nft.OpUnlockKey:
		return unlockKey
	case nft.OpSubscription:
		return subscribed
	case nft.OpRental:
		return rental
	case nft.OpTokens721:
		return tokens721
	case nft.OpDelegated721:
		return delegated721
	case nft.OpBound721:
		return bound721
	case nft.OpDelegated1155, nft.OpDelegated20:
		return delegatedAmount
	}
	return nil
}

// maxRounds is more than any inquiry takes.
const maxRounds = 8

type readKey struct {
	op   nft.Op
	to   common.Address
	data string
	raw  bool
}

// answers leads all inquiries to their answers. What several ask is read once.
func (s *snapshot) answers(ctx context.Context, inquiries []inquiry) ([]nft.Answer, error) {
	open := append([]inquiry(nil), inquiries...)
	for range maxRounds {
		var reads []read
		index := map[readKey]int{}
		places := make([][]int, len(open))
		for i, q := range open {
			for _, r := range q.ask {
				k := readKey{r.op, r.to, string(r.data), r.raw}
				at, ok := index[k]
				if !ok {
					at = len(reads)
					index[k], reads = at, append(reads, r)
				}
				places[i] = append(places[i], at)
			}
		}
		if len(reads) == 0 {
			out := make([]nft.Answer, len(open))
			for i := range open {
				out[i] = open[i].answer
			}
			return out, nil
		}
		outs, err := s.fetch(ctx, reads)
		if err != nil {
			return nil, err
		}
		got, err := s.decodeAll(ctx, reads, outs)
		if err != nil {
			return nil, err
		}
		for i := range open {
			if len(places[i]) == 0 {
				continue
			}
			mine := make([]nft.Answer, len(places[i]))
			for k, at := range places[i] {
				mine[k] = got[at]
			}
			open[i] = open[i].then(mine)
		}
	}
	return nil, fault.Wrap(fault.Internal, "evm.Check", errors.New("an inquiry comes to no end"))
}

// fetch runs reads: the calls, and the codes asked for beside them.
func (s *snapshot) fetch(ctx context.Context, reads []read) ([]outcome, error) {
	var calls, codes []read
	for _, r := range reads {
		if r.op == opCode {
			codes = append(codes, r)
		} else {
			calls = append(calls, r)
		}
	}
	called, err := s.readAll(ctx, calls)
	if err != nil || len(codes) == 0 {
		return called, err
	}
	results, reqs := make([]hexutil.Bytes, len(codes)), make([]request, len(codes))
	for i, r := range codes {
		reqs[i] = request{Method: "eth_getCode", Args: []any{r.to, s.blockParam()}, Result: &results[i]}
	}
	if err := s.v.node.do(ctx, s.m, reqs); err != nil {
		return nil, err
	}
	outs := make([]outcome, 0, len(reads))
	for _, r := range reads {
		if r.op != opCode {
			outs, called = append(outs, called[0]), called[1:]
			continue
		}
		outs, results, reqs = append(outs, outcome{data: results[0], err: reqs[0].Error}), results[1:], reqs[1:]
	}
	return outs, nil
}

// firstErr returns the first answer that is an error, as the end of an inquiry.
func firstErr(got []nft.Answer) (inquiry, bool) {
	for _, a := range got {
		if a.Err != nil {
			return answered(nft.Answer{Err: a.Err}), true
		}
	}
	return inquiry{}, false
}

// missing reports whether an answer says that the contract does not have the function.
func missing(a nft.Answer) bool { return a.Err != nil && fault.KindOf(a.Err) == fault.Unsupported }
