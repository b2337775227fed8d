package evm_test

import (
	"cmp"
	"context"
	"math/big"
	"strings"
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
	registry := c.Deploy(t, contracts.TestDelegateRegistry())
	accounts := c.Deploy(t, contracts.TestAccountRegistry())
	opt := evm.Options{RPCURL: p.RPCURL, WSURL: p.WSURL, Chain: c.ID, BatchSize: 40, DelegateRegistry: registry, AccountRegistry: accounts}
	set(&copt, &opt)
	v := dial(t, opt)
	f := nfttest.Fixture{
		Verifier: v,
		NFT:      c.Deploy(t, contracts.TestToken()),
		Multi:    c.Deploy(t, contracts.TestItems()),
		NoCode:   "0x00000000000000000000000000000000000c0de0",
		Rights: nfttest.Rights{
			Rental: c.Deploy(t, contracts.TestRental()), Subscription: c.Deploy(t, contracts.TestSubscription()),
			Lock: c.Deploy(t, contracts.TestLock()), Art: c.Deploy(t, contracts.TestArt()),
		},
		Accounts: c.Accounts(),
		Break:    p.Break,
	}
	f.Bind = func(ctx context.Context, contract, token string) (string, error) {
		id, _ := new(big.Int).SetString(token, 10)
		chain, _ := new(big.Int).SetString(c.ID.Reference, 10)
		_, err := c.Mine(ctx, chaintest.Method(t, f.Accounts[0], contracts.TestAccountRegistry(), accounts, "createAccount", contract, [32]byte{7}, chain, contract, id))
		if err != nil {
			return "", err
		}
		q := call(accounts, f.Accounts[0], "account(address,bytes32,uint256,address,uint256)(address)", contract, "0x07"+strings.Repeat("00", 31), c.ID.Reference, contract, token)
		r, err := v.Check(ctx, latest, []nft.Query{q})
		if err != nil {
			return "", err
		}
		return r.Answers[0].Value, r.Answers[0].Err
	}
	f.Mine = func(ctx context.Context, ops ...nfttest.Op) (nft.Block, error) {
		return c.Mine(ctx, txsOf(t, f, registry, ops)...)
	}
	f.Reorg = func(ctx context.Context, depth int, ops ...nfttest.Op) error {
		return c.Reorg(ctx, depth, txsOf(t, f, registry, ops)...)
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

func txsOf(t testing.TB, f nfttest.Fixture, registry string, ops []nfttest.Op) []chaintest.Tx {
	t.Helper()
	var txs []chaintest.Tx
	for _, o := range ops {
		id, _ := new(big.Int).SetString(o.TokenID, 10)
		amount := new(big.Int).SetUint64(o.Amount)
		send := func(from string, a contracts.Artefact, to, method string, args ...any) {
			txs = append(txs, chaintest.Method(t, from, a, to, method, args...))
		}
		first, token := f.Accounts[0], cmp.Or(o.Contract, f.NFT)
		switch o.Kind {
		case nfttest.Mint721:
			if token == f.Rights.Art {
				send(first, contracts.TestArt(), token, "mint", o.To, id, "")
			} else {
				send(first, contracts.TestToken(), token, "mint", o.To, id)
			}
		case nfttest.Transfer721:
			send(o.From, contracts.TestToken(), token, "transferFrom", o.From, o.To, id)
		case nfttest.Mint1155:
			send(first, contracts.TestItems(), f.Multi, "mint", o.To, id, amount)
		case nfttest.Transfer1155:
			send(o.From, contracts.TestItems(), f.Multi, "safeTransferFrom", o.From, o.To, id, amount, []byte{})
		case nfttest.Rent:
			send(o.From, contracts.TestRental(), f.Rights.Rental, "setUser", id, o.To, o.Until)
		case nfttest.Extend:
			send(first, contracts.TestSubscription(), f.Rights.Subscription, "setEnd", id, o.Until)
		case nfttest.GrantKey:
			send(first, contracts.TestLock(), f.Rights.Lock, "grantKey", o.To, new(big.Int).SetUint64(o.Until))
		case nfttest.SetURI:
			send(first, contracts.TestArt(), f.Rights.Art, "setURI", id, o.Text)
		case nfttest.Delegate, nfttest.Revoke:
			on := o.Kind == nfttest.Delegate
			switch {
			case o.Contract == "":
				send(o.From, contracts.TestDelegateRegistry(), registry, "delegateAll", o.To, [32]byte{}, on)
			case o.TokenID == "":
				send(o.From, contracts.TestDelegateRegistry(), registry, "delegateContract", o.To, o.Contract, [32]byte{}, on)
			default:
				send(o.From, contracts.TestDelegateRegistry(), registry, "delegateERC721", o.To, o.Contract, id, [32]byte{}, on)
			}
		default:
			t.Fatalf("operation %q", o.Kind)
		}
	}
	return txs
}
