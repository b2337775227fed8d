package evm

import (
	"bytes"
	"context"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// maxWalletGas is what a question to a contract wallet may burn, its deployment included. A Safe of
// ten owners takes 100,000, a passkey without a precompile 400,000.
const maxWalletGas = 10_000_000

// maxWalletSignature is the most bytes of a signature with its ERC-6492 wrapper.
const maxWalletSignature = 8 << 10

// Wallets asks contract wallets whether signatures are theirs, by ERC-1271 and ERC-6492. Its methods
// are safe for concurrent use.
//
// An address may be one contract on one chain and another's on the next: whoever may replay the
// deployment of a wallet on a chain where its owner never was gets its address there. So a signature must be
// accepted on the account's chain, and by every other of the chains where the address has code. An account for
// which ValidSignature says yes may therefore count on all of these chains.
type Wallets struct {
	chains []*Verifier
	codec  walletCodec
}

var _ auth.ContractVerifier = (*Wallets)(nil)

// NewWallets returns a Wallets that asks through the verifiers, one a chain. Two of one chain
// are fault.Invalid. It does not close them.
func NewWallets(chains ...*Verifier) (*Wallets, error) {
	const op = "evm.NewWallets"
	seen := map[caip.ChainID]bool{}
	for _, v := range chains {
		if seen[v.chain] {
			return nil, fault.Newf(fault.Invalid, op, "chain %s is there twice", v.chain)
		}
		seen[v.chain] = true
	}
	c, err := newWalletCodec()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	return &Wallets{chains: chains, codec: c}, nil
}

// The words SignatureProbe answers with.
const (
	walletRefuses = 0
	walletAccepts = 1
	walletNoCode  = 2
)

// ValidSignature implements auth.ContractVerifier. Each chain is asked once, about its newest
// block, whose hash the question names. A chain that is not among the chains is fault.Unsupported, a malformed
// ERC-6492 wrapper a no, and whatever keeps a provider from answering fault.Unavailable.
func (w *Wallets) ValidSignature(ctx context.Context, account caip.AccountID, hash [32]byte, signature []byte) (bool, error) {
	const op = "evm.ValidSignature"
	address, err := caip.ParseEVMAddress(account.Address)
	if err != nil {
		return false, fault.At(op, err)
	}
	home := w.chain(account.Chain)
	if home == nil {
		return false, fault.Newf(fault.Unsupported, op, "contract wallets on chain %s cannot be asked here", account.Chain)
	}
	if len(signature) > maxWalletSignature {
		return false, nil
	}
	q := question{wallet: common.HexToAddress(address), hash: hash, signature: signature}
	if bytes.HasSuffix(signature, []byte(magic6492)) {
		if q, err = w.codec.unwrap(q); err != nil {
			return false, nil //nolint:nilerr // what cannot be read is nobody's signature
		}
	}
	verdict, err := w.ask(ctx, home, q)
	if err != nil || verdict != walletAccepts {
		return false, fault.At(op, err)
	}
	q.factory, q.factoryCall = common.Address{}, nil // elsewhere only what is there is asked
	for _, v := range w.chains {
		if v == home {
			continue
		}
		if verdict, err := w.ask(ctx, v, q); err != nil || verdict == walletRefuses {
			return false, fault.At(op, err)
		}
	}
	return true, nil
}

func (w *Wallets) chain(id caip.ChainID) *Verifier {
	for _, v := range w.chains {
		if v.chain == id {
			return v
		}
	}
	return nil
}

// ask puts the question to one chain, at one block. Trouble is worth one new try at a new head, for
// the block may have been reorganised away.
func (w *Wallets) ask(ctx context.Context, v *Verifier, q question) (verdict uint64, err error) {
	data, err := w.codec.pack(q)
	if err != nil {
		return 0, fault.Wrap(fault.Internal, "evm.wallet", err)
	}
	m := &meter{}
	for range 2 {
		if verdict, err = v.probe(ctx, data, m); err == nil || ctx.Err() != nil {
			break
		}
	}
	return verdict, err
}

// probe runs creation code at the newest block and returns the word it answers.
func (v *Verifier) probe(ctx context.Context, code []byte, m *meter) (uint64, error) {
	head, err := v.resolve(ctx, nft.Finality{Tag: "latest"}, m)
	if err != nil {
		return 0, err
	}
	s := &snapshot{v: v, head: head, m: m, byNumber: v.byNumber.Load()}
	var out hexutil.Bytes
	call := map[string]any{"data": hexutil.Bytes(code), "gas": hexutil.Uint64(maxWalletGas)}
	reqs := []request{{Method: "eth_call", Args: []any{call, s.blockParam()}, Result: &out}}
	if err := v.node.do(ctx, m, reqs); err != nil {
		return 0, err
	}
	o := s.judge(out, reqs[0].Error)
	if o.err != nil {
		return 0, o.err
	}
	word := new(big.Int).SetBytes(o.data)
	// The probe itself neither reverts nor answers anything else, whatever the wallet does.
	if o.reverted || len(o.data) != 32 || word.Cmp(big.NewInt(walletNoCode)) > 0 {
		return 0, fault.Wrap(fault.Unavailable, "evm.wallet", fmt.Errorf("the provider's answer is none of the probe's: %d bytes", len(o.data)))
	}
	return word.Uint64(), s.settle(ctx)
}

// magic6492 ends a signature with an ERC-6492 wrapper.
const magic6492 = "\x64\x92\x64\x92\x64\x92\x64\x92\x64\x92\x64\x92\x64\x92\x64\x92" +
	"\x64\x92\x64\x92\x64\x92\x64\x92\x64\x92\x64\x92\x64\x92\x64\x92"

// question is what SignatureProbe is asked.
type question struct {
	wallet      common.Address
	hash        [32]byte
	signature   []byte
	factory     common.Address
	factoryCall []byte
}

// walletCodec writes questions and reads wrappers.
type walletCodec struct {
	code    []byte
	ask     abi.Arguments
	wrapper abi.Arguments
}

func newWalletCodec() (walletCodec, error) {
	c := walletCodec{code: contracts.SignatureProbe().Bytecode}
	for _, a := range []struct {
		to    *abi.Arguments
		types []string
	}{
		{&c.ask, []string{"address", "bytes32", "bytes", "address", "bytes"}},
		{&c.wrapper, []string{"address", "bytes", "bytes"}},
	} {
		for _, name := range a.types {
			t, err := abi.NewType(name, "", nil)
			if err != nil {
				return c, err
			}
			*a.to = append(*a.to, abi.Argument{Type: t})
		}
	}
	return c, nil
}

func (c walletCodec) pack(q question) ([]byte, error) {
	args, err := c.ask.Pack(q.wallet, q.hash, q.signature, q.factory, q.factoryCall)
	return append(bytes.Clone(c.code), args...), err
}

// unwrap reads abi.encode(factory, factoryCall, signature) before the magic. A wrapper within the wrapper is
// refused: it would be the wallet's to unwrap, and none does.
func (c walletCodec) unwrap(q question) (question, error) {
	values, err := c.wrapper.Unpack(q.signature[:len(q.signature)-len(magic6492)])
	if err != nil {
		return q, err
	}
	factory, ok1 := values[0].(common.Address)
	call, ok2 := values[1].([]byte)
	inner, ok3 := values[2].([]byte)
	if !ok1 || !ok2 || !ok3 || bytes.HasSuffix(inner, []byte(magic6492)) {
		return q, fmt.Errorf("not an ERC-6492 wrapper")
	}
	q.factory, q.factoryCall, q.signature = factory, call, inner
	return q, nil
}
