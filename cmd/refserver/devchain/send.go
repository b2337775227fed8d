package devchain

import (
	"bytes"
	"context"
	"math/big"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/params"

	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/fault"
)

// gasLimit is enough for everything the helpers send; a dev chain's gas is free.
const gasLimit = 8_000_000

// Deploy deploys a contract as from, with Go values as constructor arguments (see
// go-ethereum's abi package), and returns its canonical address once it is mined.
func (c *Chain) Deploy(ctx context.Context, from Account, a contracts.Artefact, args ...any) (string, error) {
	const op = "devchain.Deploy"
	spec, err := abi.JSON(bytes.NewReader(a.ABI))
	if err != nil {
		return "", fault.Wrap(fault.Invalid, op, err)
	}
	input, err := spec.Pack("", args...)
	if err != nil {
		return "", fault.Wrap(fault.Invalid, op, err)
	}
	r, err := c.send(ctx, op, from, nil, append(bytes.Clone(a.Bytecode), input...))
	if err != nil {
		return "", err
	}
	return lower(r.ContractAddress), nil
}

// Call sends a transaction that calls method of the contract at address as from,
// and returns its receipt once it is mined. A revert is fault.Conflict.
func (c *Chain) Call(ctx context.Context, from Account, a contracts.Artefact, address, method string, args ...any) (*types.Receipt, error) {
	const op = "devchain.Call"
	spec, err := abi.JSON(bytes.NewReader(a.ABI))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	input, err := spec.Pack(method, args...)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	to := common.HexToAddress(address)
	return c.send(ctx, op, from, &to, input)
}

// DeployPass deploys an AccessPass owned by Creator and returns its address.
func (c *Chain) DeployPass(ctx context.Context, name, symbol string) (string, error) {
	return c.Deploy(ctx, Creator(), contracts.AccessPass(), name, symbol)
}

// Mint mints a pass to an address and returns its token id, in decimal.
func (c *Chain) Mint(ctx context.Context, pass, to string) (string, error) {
	r, err := c.Call(ctx, Creator(), contracts.AccessPass(), pass, "mint", common.HexToAddress(to))
	if err != nil {
		return "", err
	}
	for _, l := range r.Logs {
		if len(l.Topics) == 4 { // Transfer(from, to, tokenId)
			return l.Topics[3].Big().String(), nil
		}
	}
	return "", fault.New(fault.Internal, "devchain.Mint", "the mint logged no transfer")
}

// Transfer sends a pass from one account to an address.
func (c *Chain) Transfer(ctx context.Context, pass string, from Account, to, tokenID string) error {
	id, ok := new(big.Int).SetString(tokenID, 10)
	if !ok {
		return fault.Newf(fault.Invalid, "devchain.Transfer", "%q is not a decimal token id", tokenID)
	}
	_, err := c.Call(ctx, from, contracts.AccessPass(), pass, "transferFrom", from.addr(), common.HexToAddress(to), id)
	return err
}

// send signs, sends and mines one transaction.
func (c *Chain) send(ctx context.Context, op string, from Account, to *common.Address, data []byte) (*types.Receipt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.open(op); err != nil {
		return nil, err
	}
	client := c.backend.Client()
	nonce, err := client.PendingNonceAt(ctx, from.addr())
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err)
	}
	head, err := client.HeaderByNumber(ctx, nil)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err)
	}
	tx, err := c.sign(from, &types.DynamicFeeTx{
		Nonce: nonce, To: to, Data: data, Gas: gasLimit,
		GasTipCap: big.NewInt(params.GWei),
		GasFeeCap: new(big.Int).Add(big.NewInt(params.GWei), new(big.Int).Lsh(head.BaseFee, 1)),
	})
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	if err := client.SendTransaction(ctx, tx); err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err)
	}
	c.backend.Commit()
	r, err := client.TransactionReceipt(ctx, tx.Hash())
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, op, err)
	}
	if r.Status != types.ReceiptStatusSuccessful {
		return nil, fault.New(fault.Conflict, op, "the contract reverted the transaction")
	}
	return r, nil
}

func (c *Chain) sign(from Account, tx *types.DynamicFeeTx) (*types.Transaction, error) {
	k, err := from.key()
	if err != nil {
		return nil, err
	}
	tx.ChainID = big.NewInt(ID)
	return types.SignNewTx(k, types.LatestSignerForChainID(big.NewInt(ID)), tx)
}

// replace overwrites a pending transaction of a known account by one that does
// nothing and pays more.
func (c *Chain) replace(ctx context.Context, old *types.Transaction) error {
	const op = "devchain.Reorg"
	sender, err := types.Sender(types.LatestSignerForChainID(big.NewInt(ID)), old)
	if err != nil {
		return fault.Wrap(fault.Internal, op, err)
	}
	for _, a := range Accounts() {
		if a.addr() != sender {
			continue
		}
		fee := new(big.Int).Mul(old.GasFeeCap(), big.NewInt(4))
		tip := new(big.Int).Mul(old.GasTipCap(), big.NewInt(4))
		tx, err := c.sign(a, &types.DynamicFeeTx{Nonce: old.Nonce(), To: &sender, Gas: 100_000, GasTipCap: tip, GasFeeCap: fee})
		if err == nil {
			err = c.backend.Client().SendTransaction(ctx, tx)
		}
		return fault.Wrap(fault.Internal, op, err)
	}
	return nil
}
