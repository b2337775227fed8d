package evm

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/pass"
)

// feeBlocks is how many blocks the tip is learned from.
const feeBlocks = 10

// voidGas is enough for a transfer of nothing, also to an account with code of its own (EIP-7702).
const voidGas = 60_000

// feeHistory is the answer to eth_feeHistory.
type feeHistory struct {
	BaseFee []*hexutil.Big   `json:"baseFeePerGas"`
	Reward  [][]*hexutil.Big `json:"reward"`
}

// callArg is a transaction object of eth_call and eth_estimateGas.
type callArg struct {
	From  common.Address  `json:"from"`
	To    *common.Address `json:"to,omitempty"`
	Gas   hexutil.Uint64  `json:"gas,omitempty"`
	Input hexutil.Bytes   `json:"input,omitempty"`
}

func callOf(o pass.Order, d pass.Draft) callArg {
	c := callArg{From: common.HexToAddress(o.Sender), Input: d.Data}
	if d.To != "" {
		to := common.HexToAddress(d.To)
		c.To = &to
	}
	return c
}

// Draft implements pass.Ledger.
func (i *Issuer) Draft(ctx context.Context, o pass.Order, p *pass.Order) (pass.Draft, error) {
	const op = "evm.Draft"
	d := pass.Draft{From: o.Sender, Value: "0", To: o.To, Data: o.Data, Gas: o.Gas}
	fresh := false
	switch {
	case len(o.Attempts) > 0:
	case o.Void || o.Act == pass.Fill:
		d.To, d.Data, d.Gas = o.Sender, nil, voidGas
	default:
		var err error
		if d.To, d.Data, err = i.book.call(o, p); err != nil {
			return d, fault.At(op, err)
		}
		fresh = true
	}
	m, err := i.market(ctx, o, d, fresh)
	if err != nil {
		return d, err
	}
	if d.Base = m.next; fresh {
		if m.gas > i.opt.MaxGas {
			return d, fault.Newf(fault.Conflict, op, "The transaction needs %d gas, more than the limit of %d.", m.gas, i.opt.MaxGas)
		}
		d.Gas = min(m.gas+m.gas/4, i.opt.MaxGas)
	}
	tip, feeCap, err := i.fees(m.history, o.Last())
	if err != nil {
		return d, err
	}
	d.TipCap, d.FeeCap = tip.String(), feeCap.String()
	return d, i.affordable(o, d.Gas, feeCap, m.balance)
}

// market is what a draft needs to know of the chain.
type market struct {
	history   feeHistory
	balance   *big.Int
	next, gas uint64
}

// market asks for it. A fresh draft is tried out: what the chain would refuse is fault.Conflict.
func (i *Issuer) market(ctx context.Context, o pass.Order, d pass.Draft, fresh bool) (market, error) {
	const op = "evm.market"
	var (
		m       market
		balance hexutil.Big
		count   hexutil.Uint64
		gas     hexutil.Uint64
		code    hexutil.Bytes
	)
	reqs := []request{
		{Method: "eth_feeHistory", Args: []any{hexutil.Uint64(feeBlocks), "latest", []float64{50}}, Result: &m.history},
		{Method: "eth_getBalance", Args: []any{o.Sender, "latest"}, Result: &balance},
		{Method: "eth_getTransactionCount", Args: []any{o.Sender, "pending"}, Result: &count},
	}
	certain := len(reqs)
	if fresh && d.To != "" {
		reqs = append(reqs, request{Method: "eth_getCode", Args: []any{d.To, "latest"}, Result: &code})
		certain++
	}
	if fresh {
		reqs = append(reqs, request{Method: "eth_estimateGas", Args: []any{callOf(o, d)}, Result: &gas})
	}
	err := i.askEach(ctx, reqs)
	if err == nil {
		err = first(reqs[:certain])
	}
	if err != nil {
		return m, fault.At(op, err)
	}
	// A call of an address without code succeeds, costs little and does nothing: a reorganisation took the contract back.
	if fresh && d.To != "" && len(code) == 0 {
		return m, fault.New(fault.Unavailable, op, "Waits for the pass to be on the chain again.")
	}
	if fresh {
		err = i.refused(reqs[certain].Error)
	}
	m.balance, m.next, m.gas = balance.ToInt(), uint64(count), uint64(gas)
	return m, err
}

// fees chooses the tip that the middle transaction of the last blocks paid, and a cap that the base fee may double below. Those that
// replace a transaction are an eighth higher, which every node takes for enough.
func (i *Issuer) fees(h feeHistory, last *pass.Attempt) (tip, feeCap *big.Int, err error) {
	const op = "evm.fees"
	if len(h.BaseFee) == 0 || h.BaseFee[len(h.BaseFee)-1] == nil {
		return nil, nil, fault.New(fault.Unavailable, op, "the provider tells no base fee")
	}
	base := h.BaseFee[len(h.BaseFee)-1].ToInt()
	var tips []*big.Int
	for _, r := range h.Reward {
		if len(r) == 1 && r[0] != nil && r[0].ToInt().Sign() > 0 {
			tips = append(tips, r[0].ToInt())
		}
	}
	tip = i.opt.MinTip
	if len(tips) > 0 {
		slices.SortFunc(tips, (*big.Int).Cmp)
		tip = larger(tip, tips[len(tips)/2])
	}
	if least := new(big.Int).Add(base, i.opt.MinTip); least.Cmp(i.opt.MaxFee) > 0 {
		return nil, nil, fault.Newf(fault.Unavailable, op, "The chain asks %s gwei for a unit of gas now, more than the limit of %s gwei.", gwei(least), gwei(i.opt.MaxFee))
	}
	feeCap = smaller(new(big.Int).Add(new(big.Int).Lsh(base, 1), tip), i.opt.MaxFee)
	if last != nil {
		oldTip, ok := new(big.Int).SetString(last.TipCap, 10)
		oldCap, ok2 := new(big.Int).SetString(last.FeeCap, 10)
		if !ok || !ok2 {
			return nil, nil, fault.New(fault.Internal, op, "the last attempt has no fees")
		}
		tip, feeCap = larger(tip, eighthMore(oldTip)), larger(feeCap, eighthMore(oldCap))
		if feeCap.Cmp(i.opt.MaxFee) > 0 {
			return nil, nil, fault.Newf(fault.Unavailable, op, "Waits: higher fees would be above the limit of %s gwei.", gwei(i.opt.MaxFee))
		}
	}
	return smaller(tip, feeCap), feeCap, nil
}

// eighthMore is x and at least 12.5 % of it.
func eighthMore(x *big.Int) *big.Int {
	more := new(big.Int).Add(x, big.NewInt(7))
	return more.Add(x, more.Rsh(more, 3))
}

func larger(a, b *big.Int) *big.Int {
	if a.Cmp(b) > 0 {
		return a
	}
	return b
}

func smaller(a, b *big.Int) *big.Int {
	if a.Cmp(b) < 0 {
		return a
	}
	return b
}

// affordable refuses what the sender could not pay.
func (i *Issuer) affordable(o pass.Order, gas uint64, feeCap, balance *big.Int) error {
	cost := new(big.Int).Mul(feeCap, new(big.Int).SetUint64(gas))
	if balance.Cmp(cost) >= 0 {
		return nil
	}
	who := "The platform's signer"
	if o.Wallet {
		who = "The wallet"
	}
	return fault.Newf(fault.Unavailable, "evm.affordable", "%s %s has %s of the chain's coin; the transaction may cost up to %s.", who, o.Sender, coin(balance), coin(cost))
}

// refused tells apart a transaction that the chain would revert and a node that did not answer.
func (i *Issuer) refused(err error) error {
	const op = "evm.estimate"
	if err == nil {
		return nil
	}
	var answered *rpcError
	if !errors.As(err, &answered) {
		return fault.At(op, err)
	}
	text := strings.ToLower(answered.msg)
	if reason, ok := i.book.reason(answered.data); ok {
		return &fault.Error{Kind: fault.Conflict, Op: op, Err: err, Msg: "The contract refuses: " + reason}
	}
	if strings.Contains(text, "revert") || answered.code == 3 {
		return &fault.Error{Kind: fault.Conflict, Op: op, Err: err, Msg: "The contract refuses the transaction and does not say why."}
	}
	if strings.Contains(text, "insufficient funds") || strings.Contains(text, "exceeds allowance") {
		return &fault.Error{Kind: fault.Unavailable, Op: op, Err: err, Msg: "The sender cannot pay for the transaction."}
	}
	return fault.At(op, err)
}

func gwei(wei *big.Int) string { return decimals(wei, 9) }
func coin(wei *big.Int) string { return decimals(wei, 18) }

// decimals writes n with its last digits behind a point, at most four of them that say something.
func decimals(n *big.Int, digits int) string {
	s := n.String()
	if len(s) <= digits {
		s = strings.Repeat("0", digits-len(s)+1) + s
	}
	whole, part := s[:len(s)-digits], s[len(s)-digits:]
	lead := len(part) - len(strings.TrimLeft(part, "0"))
	if whole != "0" {
		lead = 0
	}
	part = strings.TrimRight(part[:min(len(part), lead+4)], "0")
	if part == "" {
		return whole
	}
	return fmt.Sprintf("%s.%s", whole, part)
}
