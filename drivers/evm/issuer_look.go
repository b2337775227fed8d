package evm

import (
	"bytes"
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/pass"
)

// lookBack is how many blocks are searched for the transaction that took an order's number: what nodes keep the state of.
const lookBack = 120

// Look implements pass.Ledger. An order is followed by the hashes of its attempts and by its number: a transaction that was replaced
// is noticed when the number is used up and none of the hashes is in a block.
func (i *Issuer) Look(ctx context.Context, o pass.Order) (pass.Sighting, error) {
	const op = "evm.Look"
	if len(o.Attempts) == 0 {
		return pass.Sighting{}, fault.New(fault.Invalid, op, "the order has no attempts")
	}
	var (
		head  *header
		count hexutil.Uint64
		tx    *chainTx
	)
	receipts := make([]*receipt, len(o.Attempts))
	reqs := []request{
		{Method: "eth_getBlockByNumber", Args: []any{"latest", false}, Result: &head},
		{Method: "eth_getTransactionCount", Args: []any{o.Sender, "latest"}, Result: &count},
		{Method: "eth_getTransactionByHash", Args: []any{o.Last().Hash}, Result: &tx},
	}
	for n, a := range o.Attempts {
		reqs = append(reqs, request{Method: "eth_getTransactionReceipt", Args: []any{a.Hash}, Result: &receipts[n]})
	}
	if err := i.ask(ctx, reqs...); err != nil {
		return pass.Sighting{}, fault.At(op, err)
	}
	if err := head.check(); err != nil {
		return pass.Sighting{}, fault.At(op, err)
	}
	got := pass.Sighting{Fate: pass.Unseen, Next: uint64(count), Nonce: o.Nonce}
	if tx != nil {
		if tx.Hash != common.HexToHash(o.Last().Hash) {
			return pass.Sighting{}, fault.New(fault.Unavailable, op, "the provider answers with another transaction than asked for")
		}
		nonce := uint64(tx.Nonce)
		got.Fate, got.Nonce = pass.Pending, &nonce
		if o.Wallet && !sameCall(o, tx) {
			return pass.Sighting{Fate: pass.Foreign}, nil
		}
	}
	for n, r := range receipts {
		if r == nil {
			continue
		}
		if r.Hash != common.HexToHash(o.Attempts[n].Hash) || r.Number == nil || r.Status == nil {
			return pass.Sighting{}, fault.New(fault.Unavailable, op, "the provider's receipt lacks or falsifies a field")
		}
		if o.Wallet && tx == nil {
			return pass.Sighting{}, fault.New(fault.Unavailable, op, "the provider has a receipt and not its transaction")
		}
		s, err := i.landed(ctx, o, got, r, head)
		return s, fault.At(op, err)
	}
	if got.Nonce != nil && uint64(count) > *got.Nonce {
		s, err := i.displaced(ctx, o, got, head)
		return s, fault.At(op, err)
	}
	return got, nil
}

// landed reads what a transaction in a block has done.
func (i *Issuer) landed(ctx context.Context, o pass.Order, got pass.Sighting, r *receipt, head *header) (pass.Sighting, error) {
	const op = "evm.landed"
	number := uint64(*r.Number)
	at := hexutil.Uint64(number)
	var (
		block *header
		code  hexutil.Bytes
	)
	reqs := []request{{Method: "eth_getBlockByNumber", Args: []any{at, false}, Result: &block}}
	deploy := o.Act == pass.Deploy && !o.Void
	if deploy && r.Contract != nil {
		reqs = append(reqs, request{Method: "eth_getCode", Args: []any{*r.Contract, at}, Result: &code})
	}
	if err := i.ask(ctx, reqs...); err != nil {
		return got, err
	}
	if err := block.check(); err != nil {
		return got, err
	}
	if *block.Hash != r.Block || number > head.number() {
		return got, fault.New(fault.Unavailable, op, "the provider's receipt is of a block that it does not have")
	}
	got.Fate, got.OK, got.Hash = pass.Landed, r.ok(), lowerHex(r.Hash)
	got.Block = pass.Block{Number: number, Hash: lowerHex(r.Block)}
	got.Final = head.number()-number+1 >= i.opt.Confirmations
	switch {
	case o.Void || o.Act == pass.Fill:
		got.OK = true
	case !got.OK:
		got.Reason = i.whyReverted(ctx, o, number)
	case deploy:
		got.Contract, got.Reason = i.deployed(o, got, r, code)
		got.OK = got.Reason == ""
	default:
		if got.TokenID, got.OK = i.book.minted(o, r.Logs); !got.OK {
			got.Reason = "The transaction went through and minted nothing."
		}
	}
	return got, nil
}

// deployed checks that the contract is where it must be and is what was ordered.
func (i *Issuer) deployed(o pass.Order, got pass.Sighting, r *receipt, code []byte) (contract, problem string) {
	if r.Contract == nil {
		return "", "The transaction went through and made no contract."
	}
	contract = lowerAddress(*r.Contract)
	if got.Nonce != nil && contract != madeBy(o, *got.Nonce) {
		return "", "The contract is not at the address that follows from sender and number."
	}
	if !bytes.Equal(code, i.book.artefacts[o.Spec.Kind].Runtime) {
		return "", "The code at the contract's address is not that of the pass."
	}
	return contract, ""
}

// whyReverted runs the call again on the block before; what it says is a help, not an answer.
func (i *Issuer) whyReverted(ctx context.Context, o pass.Order, number uint64) string {
	const unknown = "The contract refused the transaction."
	if number == 0 {
		return unknown
	}
	call := callOf(o, pass.Draft{To: o.To, Data: o.Data})
	call.Gas = hexutil.Uint64(o.Gas)
	for _, at := range []uint64{number, number - 1} {
		reqs := []request{{Method: "eth_call", Args: []any{call, hexutil.Uint64(at)}, Result: new(hexutil.Bytes)}}
		if i.askEach(ctx, reqs) != nil {
			break
		}
		if msg, _, _ := fault.Public(i.refused(reqs[0].Error)); msg != "" {
			return msg
		}
	}
	return unknown
}

// displaced finds out which transaction has the order's number. A wallet may have replaced its own by one that does the same,
// which then is the order's.
func (i *Issuer) displaced(ctx context.Context, o pass.Order, got pass.Sighting, head *header) (pass.Sighting, error) {
	number, found, err := i.usedAt(ctx, o.Sender, *got.Nonce, head.number())
	if err != nil {
		return got, err
	}
	got.Fate, got.Final = pass.Displaced, false
	if !found {
		// Longer ago than can be searched: final, if the chain says so that far back.
		got.Final, err = i.usedBy(ctx, o.Sender, *got.Nonce, head.number()-min(head.number(), i.opt.Confirmations-1))
		return got, err
	}
	var block *struct {
		Hash         common.Hash `json:"hash"`
		Transactions []chainTx   `json:"transactions"`
	}
	if err := i.ask(ctx, request{Method: "eth_getBlockByNumber", Args: []any{hexutil.Uint64(number), true}, Result: &block}); err != nil {
		return got, err
	}
	if block == nil {
		return got, fault.New(fault.Unavailable, "evm.displaced", "the provider does not have the block")
	}
	for _, tx := range block.Transactions {
		if lowerAddress(tx.From) != o.Sender || uint64(tx.Nonce) != *got.Nonce || !sameCall(o, &tx) || o.Void {
			continue
		}
		var r *receipt
		if err := i.ask(ctx, request{Method: "eth_getTransactionReceipt", Args: []any{tx.Hash}, Result: &r}); err != nil {
			return got, err
		}
		if r == nil || r.Hash != tx.Hash || r.Number == nil || r.Status == nil {
			return got, fault.New(fault.Unavailable, "evm.displaced", "the provider does not have the receipt")
		}
		return i.landed(ctx, o, got, r, head)
	}
	got.Final = head.number()-number+1 >= i.opt.Confirmations
	return got, nil
}

// usedAt is the block in which a sender's number was used, if it is among the last ones.
func (i *Issuer) usedAt(ctx context.Context, sender string, nonce, head uint64) (number uint64, found bool, err error) {
	low := head - min(head, lookBack)
	used, err := i.usedBy(ctx, sender, nonce, low)
	if err != nil || used {
		return 0, false, err
	}
	for high := head; ; {
		if high-low <= 1 {
			return high, true, nil
		}
		middle := low + (high-low)/2
		if used, err = i.usedBy(ctx, sender, nonce, middle); err != nil {
			return 0, false, err
		}
		if used {
			high = middle
		} else {
			low = middle
		}
	}
}

// usedBy tells whether a sender's number was used up at a block. A block whose state the node has no more is an error.
func (i *Issuer) usedBy(ctx context.Context, sender string, nonce, number uint64) (bool, error) {
	var count hexutil.Uint64
	err := i.ask(ctx, request{Method: "eth_getTransactionCount", Args: []any{sender, hexutil.Uint64(number)}, Result: &count})
	if err != nil {
		return false, fault.At(fmt.Sprintf("evm.usedBy(%d)", number), err)
	}
	return uint64(count) > nonce, nil
}
