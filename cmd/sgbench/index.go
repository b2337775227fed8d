package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/cmd/refserver/devchain"
	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/index"
)

// perBlock is how many transfers a block of the index part's history holds.
const (
	perBlock   = 100
	maxHistory = 1_000_000
)

type historyOrders struct {
	Events int `json:"events"`
}

// serveHistory is a node with so many transfers of one token behind it, in a process of its own.
func serveHistory(ctx context.Context, o historyOrders, out io.Writer) error {
	chain, err := devchain.Start(ctx, devchain.Options{BlockTime: -1})
	if err != nil {
		return err
	}
	token, err := makeHistory(ctx, chain, o.Events)
	if err == nil {
		err = json.NewEncoder(out).Encode(chainGreeting{chain.ChainID().String(), chain.RPCURL(), chain.WSURL(), token})
	}
	if err == nil {
		<-ctx.Done()
	}
	return errors.Join(err, chain.Close())
}

// makeHistory mints tokens 0 to events-1 to a thousand accounts, and moves every fourth on.
func makeHistory(ctx context.Context, chain *devchain.Chain, events int) (token string, err error) {
	client, err := rpc.DialContext(ctx, chain.RPCURL())
	if err != nil {
		return "", err
	}
	defer client.Close()
	from := devchain.Creator()
	key, err := crypto.HexToECDSA(strings.TrimPrefix(from.PrivateKey, "0x"))
	if err != nil {
		return "", err
	}
	artefact := contracts.TestToken()
	spec, err := abi.JSON(bytes.NewReader(artefact.ABI))
	if err != nil {
		return "", err
	}
	signer, nonce := types.LatestSignerForChainID(big.NewInt(devchain.ID)), uint64(0)
	send := func(to *common.Address, data []byte, gas uint64) (rpc.BatchElem, error) {
		tx, err := types.SignNewTx(key, signer, &types.DynamicFeeTx{
			ChainID: big.NewInt(devchain.ID), Nonce: nonce, To: to, Data: data, Gas: gas,
			GasTipCap: big.NewInt(params.GWei), GasFeeCap: big.NewInt(100 * params.GWei),
		})
		if err != nil {
			return rpc.BatchElem{}, err
		}
		raw, err := tx.MarshalBinary()
		nonce++
		return rpc.BatchElem{Method: "eth_sendRawTransaction", Args: []any{hexutil.Bytes(raw)}, Result: new(common.Hash)}, err
	}
	address := crypto.CreateAddress(common.HexToAddress(from.Address), 0)
	deploy, err := send(nil, artefact.Bytecode, 8_000_000)
	if err != nil {
		return "", err
	}
	if err := seal(ctx, chain, client, []rpc.BatchElem{deploy}); err != nil {
		return "", err
	}
	holder := func(i int) common.Address { return common.BigToAddress(big.NewInt(int64(0xa0000 + i%1000))) }
	minted := 0
	for done := 0; done < events; {
		var batch []rpc.BatchElem
		for ; len(batch) < perBlock && done < events; done++ {
			method, args := "mint", []any{holder(minted), big.NewInt(int64(minted))}
			if done%4 == 2 { // what the creator has it can move
				args[0] = common.HexToAddress(from.Address)
			}
			if done%4 == 3 {
				method, args = "transferFrom", []any{common.HexToAddress(from.Address), holder(minted), big.NewInt(int64(minted - 1))}
			} else {
				minted++
			}
			data, err := spec.Pack(method, args...)
			if err != nil {
				return "", err
			}
			one, err := send(&address, data, 500_000)
			if err != nil {
				return "", err
			}
			batch = append(batch, one)
		}
		if err := seal(ctx, chain, client, batch); err != nil {
			return "", err
		}
	}
	_, err = chain.Mine(ctx, 150) // so that all of it is deeper than the window
	return strings.ToLower(address.Hex()), err
}

func seal(ctx context.Context, chain *devchain.Chain, client *rpc.Client, batch []rpc.BatchElem) error {
	if err := client.BatchCallContext(ctx, batch); err != nil {
		return err
	}
	for _, b := range batch {
		if b.Error != nil {
			return b.Error
		}
	}
	_, err := chain.Mine(ctx, 1)
	return err
}

// measureIndex fills the index of a contract from a node on loopback: blocks and logs by RPC, decoding, settling in the
// database with its checkpoints, and the comparison with the chain at the end.
func measureIndex(ctx context.Context, c config, dir string, out io.Writer) (err error) {
	if c.events < 1 || c.events > maxHistory {
		return fmt.Errorf("-events is 1 to %d", maxHistory)
	}
	var said chainGreeting
	node, err := start(ctx, "history", historyOrders{c.events}, &said)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, node.stop()) }()
	fmt.Fprintf(out, "Backfill of an ERC-721 with %d transfers, %d a block, from a node (go-ethereum, simulated) on loopback.\n\n", c.events, perBlock)
	fmt.Fprintln(out, "| index kept in | rounds | median took | events/s | goal |\n|---|---|---|---|---|")
	for _, place := range []string{"SQLite", "memory"} {
		var took []time.Duration
		for round := range c.rounds {
			store, done, err := openIndexStore(ctx, place, filepath.Join(dir, fmt.Sprintf("index%d.db", round)))
			if err != nil {
				return err
			}
			one, err := fillIndex(ctx, said, c.events, store)
			if err = errors.Join(err, done()); err != nil {
				return fmt.Errorf("%s: %w", place, err)
			}
			took = append(took, one)
		}
		slices.Sort(took)
		median := took[len(took)/2]
		fmt.Fprintf(out, "| %s | %d | %v | %.0f | >= 2,000 |\n", place, c.rounds, median.Round(time.Millisecond), float64(c.events)/median.Seconds())
	}
	fmt.Fprintln(out)
	return nil
}

func openIndexStore(ctx context.Context, place, path string) (index.Store, func() error, error) {
	if place == "memory" {
		return index.NewMemory(), func() error { return nil }, nil
	}
	db, err := sqldb.Open(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	return db.Index(), db.Close, nil
}

func fillIndex(ctx context.Context, node chainGreeting, events int, store index.Store) (time.Duration, error) {
	id, err := caip.ParseChainID(node.ID)
	if err != nil {
		return 0, err
	}
	v, err := evm.Dial(ctx, evm.Options{RPCURL: node.RPCURL, Chain: id, Timeout: time.Minute})
	if err != nil {
		return 0, err
	}
	defer v.Close()
	x, err := index.New(v, v.IndexSource(), store, index.Options{})
	if err != nil {
		return 0, err
	}
	begin := time.Now()
	x.Want(node.Pass)
	if err := x.Sync(ctx); err != nil {
		return 0, err
	}
	took := time.Since(begin)
	for _, c := range x.Status().Contracts {
		if c.Status != "live" || c.Events != uint64(events) {
			return 0, fmt.Errorf("the index ends with %+v", c)
		}
	}
	r, err := index.NewVerifier(v, x).Check(ctx, nft.Finality{Tag: "latest"}, []nft.Query{{Op: nft.OpOwner721, Contract: node.Pass, TokenID: "0"}})
	if err != nil || r.Source != "index" {
		return 0, fmt.Errorf("the index does not answer: %+v, %w", r, err)
	}
	return took, nil
}
