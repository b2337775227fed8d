package devchain_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/streamgate/streamgate/cmd/refserver/devchain"
	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/fault"
)

func Example() {
	ctx := context.Background()
	chain, err := devchain.Start(ctx, devchain.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer chain.Close()
	pass, err := chain.DeployPass(ctx, "Demo Pass", "PASS")
	if err != nil {
		fmt.Println(err)
		return
	}
	id, err := chain.Mint(ctx, pass, devchain.Holder().Address)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = chain.Transfer(ctx, pass, devchain.Holder(), devchain.Newcomer().Address, id)
	fmt.Println(chain.ChainID(), "pass", id, err)
	// Output: eip155:1337 pass 1 <nil>
}

func start(t *testing.T, opt devchain.Options) *devchain.Chain {
	t.Helper()
	c, err := devchain.Start(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func dial(t *testing.T, url string) *ethclient.Client {
	t.Helper()
	c, err := ethclient.DialContext(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestAccountsAreTheSameOnEveryStart(t *testing.T) {
	t.Parallel()
	var names []string
	for _, a := range devchain.Accounts() {
		names = append(names, a.Name)
		k, err := crypto.HexToECDSA(strings.TrimPrefix(a.PrivateKey, "0x"))
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.ToLower(crypto.PubkeyToAddress(k.PublicKey).Hex()); got != a.Address {
			t.Errorf("%s: key of %s, address %s", a.Name, got, a.Address)
		}
	}
	if got := strings.Join(names, " "); got != "creator holder newcomer" {
		t.Errorf("accounts %q", got)
	}
	if got, want := devchain.Holder().Address, "0x7ac5025f1d3ecd16c80490f794fb258750a451b5"; got != want {
		t.Errorf("holder is %s, was %s in every release", got, want)
	}
}

func TestServesHTTPAndWebSocketOnOnePort(t *testing.T) {
	t.Parallel()
	c := start(t, devchain.Options{})
	for _, url := range []string{c.RPCURL(), c.WSURL()} {
		e := dial(t, url)
		if id, err := e.ChainID(t.Context()); err != nil || id.Int64() != devchain.ID {
			t.Errorf("%s: chain id %v, %v", url, id, err)
		}
		code, err := e.CodeAt(t.Context(), common.HexToAddress(contracts.Multicall3Address), nil)
		if err != nil || string(code) != string(contracts.Multicall3().Runtime) {
			t.Errorf("%s: Multicall3 has %d bytes, %v", url, len(code), err)
		}
	}
}

func TestPortIsTheOneAskedForAndATakenOneIsAnError(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if _, err := devchain.Start(t.Context(), devchain.Options{Port: port}); !errors.Is(err, fault.Unavailable) {
		t.Errorf("a taken port: %v", err)
	}
	_ = l.Close()
	c := start(t, devchain.Options{Port: port})
	if want := "http://127.0.0.1:" + strconv.Itoa(port); c.RPCURL() != want {
		t.Errorf("serves %s, want %s", c.RPCURL(), want)
	}
}

// A wallet in a browser sends over RPC and mines nothing itself.
func TestATransactionSentFromOutsideIsMinedAtOnce(t *testing.T) {
	t.Parallel()
	c := start(t, devchain.Options{BlockTime: time.Hour})
	e := dial(t, c.WSURL())
	heads := make(chan *types.Header, 8)
	sub, err := e.SubscribeNewHead(t.Context(), heads)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Unsubscribe()
	k, err := crypto.HexToECDSA(strings.TrimPrefix(devchain.Holder().PrivateKey, "0x"))
	if err != nil {
		t.Fatal(err)
	}
	to := common.HexToAddress(devchain.Newcomer().Address)
	tx, err := types.SignNewTx(k, types.LatestSignerForChainID(big.NewInt(devchain.ID)), &types.DynamicFeeTx{
		ChainID: big.NewInt(devchain.ID), To: &to, Gas: 30_000, Value: big.NewInt(1),
		GasTipCap: big.NewInt(1e9), GasFeeCap: big.NewInt(1e10),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.SendTransaction(t.Context(), tx); err != nil {
		t.Fatal(err)
	}
	for {
		select {
		case <-heads:
		case err := <-sub.Err():
			t.Fatal(err)
		case <-time.After(20 * time.Second):
			t.Fatal("no block within 20 s")
		}
		if r, err := e.TransactionReceipt(t.Context(), tx.Hash()); err == nil && r.Status == 1 {
			return
		}
	}
}

func TestTheChainMovesOnWithoutTransactions(t *testing.T) {
	t.Parallel()
	c := start(t, devchain.Options{BlockTime: 50 * time.Millisecond})
	heads := make(chan *types.Header, 8)
	sub, err := dial(t, c.WSURL()).SubscribeNewHead(t.Context(), heads)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Unsubscribe()
	for range 2 {
		select {
		case h := <-heads:
			if ahead := time.Until(time.Unix(int64(h.Time), 0)); ahead > time.Second {
				t.Errorf("an empty block lies %v in the future", ahead)
			}
		case <-time.After(20 * time.Second):
			t.Fatal("no block within 20 s")
		}
	}
}

func TestPassGoesWhereItIsSent(t *testing.T) {
	t.Parallel()
	c := start(t, devchain.Options{BlockTime: -1})
	pass, err := c.DeployPass(t.Context(), "Pass", "P")
	if err != nil {
		t.Fatal(err)
	}
	for want := 1; want <= 2; want++ {
		id, err := c.Mint(t.Context(), pass, devchain.Holder().Address)
		if err != nil || id != strconv.Itoa(want) {
			t.Fatalf("minted %q, %v", id, err)
		}
	}
	if err := c.Transfer(t.Context(), pass, devchain.Newcomer(), devchain.Creator().Address, "1"); !errors.Is(err, fault.Conflict) {
		t.Errorf("who does not hold it transferred it: %v", err)
	}
	if err := c.Transfer(t.Context(), pass, devchain.Holder(), devchain.Newcomer().Address, "1"); err != nil {
		t.Error(err)
	}
	if err := c.Transfer(t.Context(), pass, devchain.Newcomer(), devchain.Creator().Address, "1"); err != nil {
		t.Errorf("the new holder cannot transfer: %v", err)
	}
	if err := c.Transfer(t.Context(), pass, devchain.Holder(), devchain.Creator().Address, "one"); !errors.Is(err, fault.Invalid) {
		t.Errorf("token id one: %v", err)
	}
}

func TestReorgUndoesATransfer(t *testing.T) {
	t.Parallel()
	c := start(t, devchain.Options{BlockTime: -1})
	pass, err := c.DeployPass(t.Context(), "Pass", "P")
	if err != nil {
		t.Fatal(err)
	}
	id, err := c.Mint(t.Context(), pass, devchain.Holder().Address)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Transfer(t.Context(), pass, devchain.Holder(), devchain.Newcomer().Address, id); err != nil {
		t.Fatal(err)
	}
	if err := c.Reorg(t.Context(), 1, nil); err != nil {
		t.Fatal(err)
	}
	// Only the holder can transfer, so this tells that the transfer is undone.
	if err := c.Transfer(t.Context(), pass, devchain.Holder(), devchain.Creator().Address, id); err != nil {
		t.Errorf("after the reorganisation the holder does not hold it: %v", err)
	}
	if err := c.Reorg(t.Context(), 1000, nil); !errors.Is(err, fault.Invalid) {
		t.Errorf("a reorganisation below genesis: %v", err)
	}
}

func TestClosedChainRefuses(t *testing.T) {
	t.Parallel()
	c, err := devchain.Start(t.Context(), devchain.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if _, err := c.DeployPass(t.Context(), "Pass", "P"); !errors.Is(err, fault.Unavailable) {
		t.Errorf("deploy after close: %v", err)
	}
	if _, err := net.DialTimeout("tcp", strings.TrimPrefix(c.RPCURL(), "http://"), time.Second); err == nil {
		t.Error("the port still answers")
	}
}
