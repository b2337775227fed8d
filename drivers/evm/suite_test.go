package evm_test

import (
	"context"
	"math/big"
	"testing"
	"time"

	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/nfttest"
)

// The suite of nft.Verifier, on every chain, by subscription and by polling,
// with Multicall3 and without it, in batches and one by one.
func TestVerifier(t *testing.T) {
	t.Parallel()
	for _, k := range chaintest.Kinds(t) {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			for name, set := range map[string]func(*chaintest.Options, *evm.Options){
				"subscription and multicall": func(*chaintest.Options, *evm.Options) {},
				"polling and batches": func(c *chaintest.Options, e *evm.Options) {
					c.NoMulticall, e.WSURL, e.PollInterval = true, "", 20*time.Millisecond
				},
			} {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					nfttest.Run(t, func(t *testing.T) nfttest.Fixture { return fixture(t, k, set) })
				})
			}
		})
	}
}

func fixture(t *testing.T, k chaintest.Kind, set func(*chaintest.Options, *evm.Options)) nfttest.Fixture {
	t.Helper()
	var copt chaintest.Options
	set(&copt, &evm.Options{})
	c := k.Start(t, copt)
	p := chaintest.StartProxy(t, c)
	opt := evm.Options{RPCURL: p.RPCURL, WSURL: p.WSURL, Chain: c.ID, BatchSize: 40}
	set(&copt, &opt)
	v := dial(t, opt)
	f := nfttest.Fixture{
		Verifier: v,
		NFT:      c.Deploy(t, contracts.TestToken()),
		Multi:    c.Deploy(t, contracts.TestItems()),
		NoCode:   "0x00000000000000000000000000000000000c0de0",
		Accounts: c.Accounts(),
		Holds:    true,
		Break:    p.Break,
	}
	f.Mine = func(ctx context.Context, ops ...nfttest.Op) (nft.Block, error) {
		return c.Mine(ctx, txsOf(t, f, ops)...)
	}
	f.Reorg = func(ctx context.Context, depth int, ops ...nfttest.Op) error {
		return c.Reorg(ctx, depth, txsOf(t, f, ops)...)
	}
	return f
}

func dial(t testing.TB, opt evm.Options) *evm.Verifier {
	t.Helper()
	v, err := evm.Dial(context.Background(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

func txsOf(t testing.TB, f nfttest.Fixture, ops []nfttest.Op) []chaintest.Tx {
	t.Helper()
	var txs []chaintest.Tx
	for _, o := range ops {
		id, _ := new(big.Int).SetString(o.TokenID, 10)
		amount := new(big.Int).SetUint64(o.Amount)
		switch o.Kind {
		case nfttest.Mint721:
			txs = append(txs, chaintest.Method(t, f.Accounts[0], contracts.TestToken(), f.NFT, "mint", o.To, id))
		case nfttest.Transfer721:
			txs = append(txs, chaintest.Method(t, o.From, contracts.TestToken(), f.NFT, "transferFrom", o.From, o.To, id))
		case nfttest.Mint1155:
			txs = append(txs, chaintest.Method(t, f.Accounts[0], contracts.TestItems(), f.Multi, "mint", o.To, id, amount))
		case nfttest.Transfer1155:
			txs = append(txs, chaintest.Method(t, o.From, contracts.TestItems(), f.Multi, "safeTransferFrom", o.From, o.To, id, amount, []byte{}))
		default:
			t.Fatalf("operation %q", o.Kind)
		}
	}
	return txs
}
