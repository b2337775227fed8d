// Package chaintest starts real EVM chains for tests: anvil, as a process, and
// go-ethereum's simulated chain inside the test. Both have the same face, so that
// one test table runs on both. Blocks are made only when a test asks, and
// reorganisations are true ones. Tests of drivers call it; nothing that ships does.
package chaintest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/cmd/refserver/devchain"
	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/nft"
)

// Options says what a chain has.
type Options struct {
	// NoMulticall leaves Multicall3 away.
	NoMulticall bool
}

// Chain is a running chain with three funded accounts. Its methods may be called
// from one goroutine at a time.
type Chain struct {
	// RPCURL and WSURL are its addresses, both on loopback.
	RPCURL, WSURL string
	// ID is its CAIP-2 identifier.
	ID caip.ChainID

	client *ethclient.Client
	signer types.Signer
	id     *big.Int
	seal   func(ctx context.Context) error
	reorg  func(ctx context.Context, depth int, fill func(context.Context) error) error
}

// Kind is a way to have a chain.
type Kind struct {
	Name  string
	Start func(t testing.TB, opt Options) *Chain
}

// Kinds returns every kind there is, for tests that run on all. Under -short
// there is no anvil.
func Kinds(t testing.TB) []Kind {
	kinds := []Kind{{"simulated", StartSimulated}}
	if !testing.Short() {
		kinds = append(kinds, Kind{"anvil", StartAnvil})
	}
	return kinds
}

// StartSimulated starts a simulated chain that ends with the test.
func StartSimulated(t testing.TB, opt Options) *Chain {
	t.Helper()
	d, err := devchain.Start(context.Background(), devchain.Options{BlockTime: -1, NoMulticall: opt.NoMulticall})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	c := &Chain{RPCURL: d.RPCURL(), WSURL: d.WSURL(), ID: d.ChainID(), reorg: d.Reorg}
	c.seal = func(ctx context.Context) error { _, err := d.Mine(ctx, 1); return err }
	c.connect(t)
	return c
}

func (c *Chain) connect(t testing.TB) {
	t.Helper()
	client, err := ethclient.Dial(c.RPCURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	c.client = client
	c.id, _ = new(big.Int).SetString(c.ID.Reference, 10)
	c.signer = types.LatestSignerForChainID(c.id)
}

// Accounts returns the canonical addresses of the accounts that can send.
func (c *Chain) Accounts() [3]string {
	var out [3]string
	for i, a := range devchain.Accounts() {
		out[i] = a.Address
	}
	return out
}

// Tx is a transaction to be: From is one of Accounts, To is empty to deploy.
type Tx struct {
	From, To string
	Data     []byte
	Gas      uint64 // 0 means 4,000,000
	// Authorize makes it an EIP-7702 transaction.
	Authorize []Authorization
}

// Authorization lets one of Accounts run the code of a contract, or none when Code is empty (EIP-7702).
type Authorization struct{ Account, Code string }

// CanReorg reports whether the chain can be reorganised.
func (c *Chain) CanReorg() bool { return c.reorg != nil }

// CodeAt returns the code at an address in the newest block.
func (c *Chain) CodeAt(ctx context.Context, address string) ([]byte, error) {
	return c.client.CodeAt(ctx, common.HexToAddress(address), nil)
}

// Method returns a transaction that calls a method of a contract with Go values
// as go-ethereum's abi package takes them; canonical addresses may be strings.
func Method(t testing.TB, from string, a contracts.Artefact, to, method string, args ...any) Tx {
	t.Helper()
	data, err := pack(a, method, args)
	if err != nil {
		t.Fatal(err)
	}
	return Tx{From: from, To: to, Data: data}
}

func pack(a contracts.Artefact, method string, args []any) ([]byte, error) {
	spec, err := abi.JSON(bytes.NewReader(a.ABI))
	if err != nil {
		return nil, err
	}
	for i, v := range args {
		if s, ok := v.(string); ok && len(s) == 42 && strings.HasPrefix(s, "0x") {
			args[i] = common.HexToAddress(s)
		}
	}
	return spec.Pack(method, args...)
}

// Deploy deploys a contract in a block of its own and returns its canonical address.
func (c *Chain) Deploy(t testing.TB, a contracts.Artefact, args ...any) string {
	t.Helper()
	input, err := pack(a, "", args)
	if err != nil {
		t.Fatal(err)
	}
	hashes, err := c.send(context.Background(), []Tx{{From: c.Accounts()[0], Data: append(bytes.Clone(a.Bytecode), input...), Gas: 8_000_000}})
	if err == nil {
		err = c.seal(context.Background())
	}
	if err != nil {
		t.Fatalf("deploy %s: %v", a.Name, err)
	}
	r, err := c.client.TransactionReceipt(context.Background(), hashes[0])
	if err != nil || r.Status != types.ReceiptStatusSuccessful {
		t.Fatalf("deploy %s: %v", a.Name, err)
	}
	return strings.ToLower(r.ContractAddress.Hex())
}

// Mine makes one block of the transactions, in their order, and returns it. One
// that reverts is an error.
func (c *Chain) Mine(ctx context.Context, txs ...Tx) (nft.Block, error) {
	hashes, err := c.send(ctx, txs)
	if err != nil {
		return nft.Block{}, err
	}
	if err := c.seal(ctx); err != nil {
		return nft.Block{}, err
	}
	if err := c.succeeded(ctx, hashes); err != nil {
		return nft.Block{}, err
	}
	return c.Head(ctx)
}

// Reorg removes the newest depth blocks with their transactions and makes
// depth+1 others, of which the first holds txs.
func (c *Chain) Reorg(ctx context.Context, depth int, txs ...Tx) error {
	var hashes []common.Hash
	err := c.reorg(ctx, depth, func(ctx context.Context) (err error) {
		hashes, err = c.send(ctx, txs)
		return err
	})
	if err != nil {
		return err
	}
	return c.succeeded(ctx, hashes)
}

// Head returns the newest block.
func (c *Chain) Head(ctx context.Context) (nft.Block, error) {
	h, err := c.client.HeaderByNumber(ctx, nil)
	if err != nil {
		return nft.Block{}, err
	}
	return nft.Block{Number: h.Number.Uint64(), Hash: strings.ToLower(h.Hash().Hex()), Time: time.Unix(int64(h.Time), 0).UTC()}, nil
}

func (c *Chain) succeeded(ctx context.Context, hashes []common.Hash) error {
	for i, h := range hashes {
		r, err := c.client.TransactionReceipt(ctx, h)
		if err != nil {
			return fmt.Errorf("transaction %d: %w", i, err)
		}
		if r.Status != types.ReceiptStatusSuccessful {
			return fmt.Errorf("transaction %d reverted", i)
		}
	}
	return nil
}

// send puts transactions into the pool, each paying less than the one before so
// that they are mined in order.
func (c *Chain) send(ctx context.Context, txs []Tx) ([]common.Hash, error) {
	hashes := make([]common.Hash, len(txs))
	for i, tx := range txs {
		key, err := keyOf(tx.From)
		if err != nil {
			return nil, err
		}
		nonce, err := c.client.PendingNonceAt(ctx, common.HexToAddress(tx.From))
		if err != nil {
			return nil, err
		}
		tip := new(big.Int).Mul(big.NewInt(int64(len(txs)-i)), big.NewInt(params.GWei))
		d := &types.DynamicFeeTx{
			ChainID: c.id, Nonce: nonce, Data: tx.Data, Gas: cmp.Or(tx.Gas, 4_000_000),
			GasTipCap: tip, GasFeeCap: new(big.Int).Add(tip, big.NewInt(20*params.GWei)),
		}
		if tx.To != "" {
			to := common.HexToAddress(tx.To)
			d.To = &to
		}
		signed, err := c.sign(ctx, key, d, tx)
		if err != nil {
			return nil, err
		}
		if err := c.client.SendTransaction(ctx, signed); err != nil {
			return nil, fmt.Errorf("transaction %d: %w", i, err)
		}
		hashes[i] = signed.Hash()
	}
	return hashes, nil
}

// sign signs a transaction, of EIP-7702 where it authorizes.
func (c *Chain) sign(ctx context.Context, key *ecdsa.PrivateKey, d *types.DynamicFeeTx, tx Tx) (*types.Transaction, error) {
	if len(tx.Authorize) == 0 {
		return types.SignNewTx(key, c.signer, d)
	}
	s := &types.SetCodeTx{
		ChainID: uint256.MustFromBig(c.id), Nonce: d.Nonce, Data: d.Data, Gas: d.Gas, To: common.HexToAddress(cmp.Or(tx.To, tx.From)),
		GasTipCap: uint256.MustFromBig(d.GasTipCap), GasFeeCap: uint256.MustFromBig(d.GasFeeCap),
	}
	for _, a := range tx.Authorize {
		owner, err := keyOf(a.Account)
		if err != nil {
			return nil, err
		}
		nonce := d.Nonce + 1 // the transaction itself comes before its authorizations
		if a.Account != tx.From {
			if nonce, err = c.client.PendingNonceAt(ctx, common.HexToAddress(a.Account)); err != nil {
				return nil, err
			}
		}
		auth, err := types.SignSetCode(owner, types.SetCodeAuthorization{ChainID: *s.ChainID, Address: common.HexToAddress(a.Code), Nonce: nonce})
		if err != nil {
			return nil, err
		}
		s.AuthList = append(s.AuthList, auth)
	}
	return types.SignNewTx(key, c.signer, s)
}

func keyOf(address string) (*ecdsa.PrivateKey, error) {
	for _, a := range devchain.Accounts() {
		if a.Address == address {
			return crypto.HexToECDSA(strings.TrimPrefix(a.PrivateKey, "0x"))
		}
	}
	return nil, fmt.Errorf("no key for %s", address)
}
