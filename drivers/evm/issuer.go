package evm

import (
	"cmp"
	"context"
	"log/slog"
	"math/big"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/pass"
)

// IssuerOptions configures an Issuer. RPCURL and Chain are due, the rest may be zero.
type IssuerOptions struct {
	// Options is the provider; of it RPCURL, Chain, Timeout, MaxReply, Client and Logger count.
	Options
	// Signer signs and pays; nil leaves signing to creators' own wallets.
	Signer Signer
	// MaxFee is the most that is paid for a unit of gas, tip included, in wei (default 200 gwei). MinTip is the least tip (default 0.01 gwei).
	MaxFee, MinTip *big.Int
	// MaxGas bounds what one transaction may use (default 6,000,000).
	MaxGas uint64
	// Confirmations is how many blocks, the transaction's own among them, make an order final (default 12).
	Confirmations uint64
	// Patience is how long a transaction waits before it is replaced by one with higher fees (default 1 min).
	Patience time.Duration
}

// Issuer deploys and mints passes on one chain. It implements pass.Ledger; all methods are safe for concurrent use. The chain id is
// asked before anything is drafted or believed, and what the node says is checked as far as it can be: a receipt must be of a block
// that the node has at that height, a contract must be at the address computed from sender and number and have the very code of the
// artefact, and a mint must have logged the token.
type Issuer struct {
	opt     IssuerOptions
	node    *node
	chainID *big.Int
	signer  types.Signer
	book    *book
	log     *slog.Logger
}

var _ pass.Ledger = (*Issuer)(nil)

// NewIssuer returns an Issuer without asking the provider anything. Errors are fault.Invalid.
func NewIssuer(opt IssuerOptions) (*Issuer, error) {
	const op = "evm.NewIssuer"
	id, ok := new(big.Int).SetString(opt.Chain.Reference, 10)
	if opt.Chain.Namespace != "eip155" || !ok {
		return nil, fault.Newf(fault.Invalid, op, "%q is not an eip155 chain", opt.Chain.String())
	}
	if !urlHas(opt.RPCURL, "http", "https") {
		return nil, fault.New(fault.Invalid, op, "the RPC URL is not an http or https address")
	}
	opt.Options = opt.Options.withDefaults()
	if opt.MaxFee == nil {
		opt.MaxFee = new(big.Int).Mul(big.NewInt(200), big.NewInt(params.GWei))
	}
	if opt.MinTip == nil {
		opt.MinTip = big.NewInt(params.GWei / 100)
	}
	if opt.MaxFee.Sign() <= 0 || opt.MinTip.Sign() < 0 || opt.MinTip.Cmp(opt.MaxFee) > 0 {
		return nil, fault.New(fault.Invalid, op, "the fee limit must be above zero and above the least tip")
	}
	opt.MaxGas = cmp.Or(opt.MaxGas, 6_000_000)
	opt.Confirmations = cmp.Or(opt.Confirmations, 12)
	opt.Patience = cmp.Or(max(opt.Patience, 0), time.Minute)
	b, err := newBook()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	n, err := newNode(opt.Options)
	if err != nil {
		return nil, err
	}
	return &Issuer{opt: opt, node: n, chainID: id, signer: types.LatestSignerForChainID(id), book: b, log: opt.Logger}, nil
}

// Close frees idle connections.
func (i *Issuer) Close() { i.node.close() }

// Facts implements pass.Ledger.
func (i *Issuer) Facts() pass.Facts {
	f := pass.Facts{
		Chain: i.opt.Chain, Kinds: []pass.Kind{pass.ERC721, pass.ERC1155, pass.Subscription}, Wallet: true, Numbered: true, Patience: i.opt.Patience,
	}
	if i.opt.Signer != nil {
		f.Signer = i.opt.Signer.Address()
	}
	return f
}

// Sign implements pass.Ledger.
func (i *Issuer) Sign(ctx context.Context, o pass.Order, d pass.Draft) (pass.Attempt, string, error) {
	const op = "evm.Sign"
	if i.opt.Signer == nil || i.opt.Signer.Address() != o.Sender {
		return pass.Attempt{}, "", fault.Newf(fault.Unavailable, op, "The platform has no key for %s now.", o.Sender)
	}
	tip, ok := new(big.Int).SetString(d.TipCap, 10)
	feeCap, ok2 := new(big.Int).SetString(d.FeeCap, 10)
	if !ok || !ok2 || o.Nonce == nil {
		return pass.Attempt{}, "", fault.New(fault.Internal, op, "the draft has no fees or the order no number")
	}
	inner := &types.DynamicFeeTx{ChainID: i.chainID, Nonce: *o.Nonce, GasTipCap: tip, GasFeeCap: feeCap, Gas: d.Gas, Data: d.Data, Value: new(big.Int)}
	if d.To != "" {
		to := common.HexToAddress(d.To)
		inner.To = &to
	}
	tx := types.NewTx(inner)
	sig, err := i.opt.Signer.Sign(ctx, i.signer.Hash(tx))
	if err != nil {
		return pass.Attempt{}, "", fault.At(op, err)
	}
	tx, err = tx.WithSignature(i.signer, sig[:])
	if err != nil {
		return pass.Attempt{}, "", fault.Wrap(fault.Corrupt, op, err)
	}
	from := common.HexToAddress(o.Sender)
	// A signature by another key would be paid by nobody and would leave the number unused.
	if got, err := types.Sender(i.signer, tx); err != nil || got != from {
		return pass.Attempt{}, "", fault.New(fault.Corrupt, op, "the signer's signature is not of its address")
	}
	raw, err := tx.MarshalBinary()
	if err != nil {
		return pass.Attempt{}, "", fault.Wrap(fault.Internal, op, err)
	}
	return pass.Attempt{Hash: lowerHex(tx.Hash()), Raw: raw, TipCap: d.TipCap, FeeCap: d.FeeCap}, madeBy(o, *o.Nonce), nil
}

// madeBy is the address of the contract that a Deploy with that number makes.
func madeBy(o pass.Order, nonce uint64) string {
	if o.Act != pass.Deploy || o.Void {
		return ""
	}
	return lowerAddress(createAddress(common.HexToAddress(o.Sender), nonce))
}

// Send implements pass.Ledger.
func (i *Issuer) Send(ctx context.Context, raw []byte) error {
	const op = "evm.Send"
	reqs := []request{{Method: "eth_sendRawTransaction", Args: []any{hexutil.Bytes(raw)}, Result: new(string)}}
	if err := i.node.do(ctx, &meter{}, reqs); err != nil {
		return fault.At(op, err)
	}
	err := reqs[0].Error
	if err == nil {
		return nil
	}
	text := strings.ToLower(err.Error())
	for _, known := range []string{"already known", "known transaction", "already imported", "already in mempool", "already exists", "nonce too low", "nonce is too low"} {
		// A number that is used up shows when we look what has become of the order.
		if strings.Contains(text, known) {
			return nil
		}
	}
	e := &fault.Error{Kind: fault.Unavailable, Op: op, Err: err, Msg: "The chain's node did not take the transaction yet."}
	if strings.Contains(text, "insufficient funds") {
		e.Msg = "The sender cannot pay for the transaction now."
	}
	if strings.Contains(text, "underpriced") || strings.Contains(text, "fee too low") || strings.Contains(text, "less than block base fee") {
		e.Msg = "The chain asks for higher fees now."
	}
	return e
}

// ask sends requests of which each must succeed, with the chain's id before them.
func (i *Issuer) ask(ctx context.Context, reqs ...request) error {
	if err := i.askEach(ctx, reqs); err != nil {
		return err
	}
	return first(reqs)
}

// askEach is ask for requests that may fail one by one.
func (i *Issuer) askEach(ctx context.Context, reqs []request) error {
	var id hexutil.Big
	all := append([]request{{Method: "eth_chainId", Result: &id}}, reqs...)
	if err := i.node.do(ctx, &meter{}, all); err != nil {
		return err
	}
	if all[0].Error != nil {
		return all[0].Error
	}
	if id.ToInt().Cmp(i.chainID) != 0 {
		return fault.Newf(fault.Unavailable, "evm.chain", "the provider serves chain %s, not %s", id.ToInt(), i.chainID)
	}
	for n := range reqs {
		reqs[n].Error = all[n+1].Error
	}
	return nil
}
