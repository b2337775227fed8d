package evm

import (
	"context"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// decodeAll turns outcomes into answers. Two outcomes are ambiguous and make it
// ask on: no data at all, which is also what an address without code returns, and
// an ownerOf that reverts for an unnamed reason.
func (s *snapshot) decodeAll(ctx context.Context, reads []read, outs []outcome) ([]nft.Answer, error) {
	codes, is721, err := s.probe(ctx, reads, outs)
	if err != nil {
		return nil, err
	}
	answers := make([]nft.Answer, len(reads))
	for i, o := range outs {
		r := &reads[i]
		switch {
		case o.err != nil:
			answers[i] = nft.Answer{Err: fault.At("evm.Check", o.err)}
		case r.op == opCode:
			answers[i] = nft.Answer{Value: string(o.data)}
		case o.reverted && r.op == nft.OpOwner721 && saysNonexistent(o.data, r.token):
			answers[i] = nft.Answer{}
		case o.reverted && r.op == nft.OpOwner721:
			answers[i] = is721[r.to].ownerless()
		case o.reverted:
			answers[i] = unsupported("the contract refuses the call")
		case len(o.data) == 0:
			answers[i] = codes[r.to].mute()
		default:
			answers[i] = r.decode(o.data)
		}
	}
	return answers, nil
}

// probed is the outcome of a probe of one contract.
type probed struct {
	yes bool
	err error
}

// ownerless is the answer to an ownerOf that reverted; yes means an ERC-721.
func (p probed) ownerless() nft.Answer {
	switch {
	case p.err != nil:
		return nft.Answer{Err: p.err}
	case p.yes:
		return nft.Answer{}
	}
	return unsupported("the contract refuses ownerOf and does not say that it is an ERC-721")
}

// mute is the answer to a call that returned nothing; yes means there is code.
func (p probed) mute() nft.Answer {
	switch {
	case p.err != nil:
		return nft.Answer{Err: p.err}
	case p.yes:
		return unsupported("the contract does not have the function")
	}
	return noContract()
}

// probe asks, in one batch, for the code of contracts that answered nothing and
// for the ERC-165 word of those whose ownerOf reverted.
func (s *snapshot) probe(ctx context.Context, reads []read, outs []outcome) (codes, is721 map[common.Address]probed, err error) {
	codes, is721 = map[common.Address]probed{}, map[common.Address]probed{}
	question, err := s.v.codec.supports721()
	if err != nil {
		return nil, nil, fault.Wrap(fault.Internal, "evm.Check", err)
	}
	var (
		reqs  []request
		notes []func(request)
	)
	for i, o := range outs {
		to, reply := reads[i].to, new(hexutil.Bytes)
		switch {
		case reads[i].op == opCode:
		case o.err == nil && !o.reverted && len(o.data) == 0:
			if _, asked := codes[to]; asked {
				continue
			}
			codes[to] = probed{}
			reqs = append(reqs, request{Method: "eth_getCode", Args: []any{to, s.blockParam()}, Result: reply})
			notes = append(notes, func(r request) { codes[to] = probed{yes: len(*reply) > 0, err: r.Error} })
		case o.reverted && reads[i].op == nft.OpOwner721 && !saysNonexistent(o.data, reads[i].token):
			if _, asked := is721[to]; asked {
				continue
			}
			is721[to] = probed{}
			call := map[string]any{"to": to, "data": hexutil.Bytes(question)}
			reqs = append(reqs, request{Method: "eth_call", Args: []any{call, s.blockParam()}, Result: reply})
			notes = append(notes, func(r request) {
				out := s.judge(*reply, r.Error)
				is721[to] = probed{yes: !out.reverted && saysTrue(out.data), err: out.err}
			})
		}
	}
	if len(reqs) == 0 {
		return codes, is721, nil
	}
	if err := s.v.node.do(ctx, s.m, reqs); err != nil {
		return nil, nil, err
	}
	for i, note := range notes {
		note(reqs[i])
	}
	return codes, is721, nil
}
