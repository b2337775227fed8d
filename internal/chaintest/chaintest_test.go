package chaintest_test

import (
	"context"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/internal/chaintest"
)

func TestEveryKindMinesInOrderAndReorganises(t *testing.T) {
	t.Parallel()
	for _, k := range chaintest.Kinds(t) {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			c := k.Start(t, chaintest.Options{})
			acc := c.Accounts()
			token := c.Deploy(t, contracts.TestToken())
			mint := chaintest.Method(t, acc[0], contracts.TestToken(), token, "mint", acc[1], big.NewInt(7))
			move := chaintest.Method(t, acc[1], contracts.TestToken(), token, "transferFrom", acc[1], acc[2], big.NewInt(7))
			// Two senders in one block: in the other order it would revert.
			before, err := c.Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			b, err := c.Mine(t.Context(), mint, move)
			if err != nil {
				t.Fatal(err)
			}
			if b.Number != before.Number+1 {
				t.Errorf("mined block %d after %d", b.Number, before.Number)
			}
			if err := c.Reorg(t.Context(), 1, mint); err != nil {
				t.Fatal(err)
			}
			after, err := c.Head(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if after.Number != b.Number+1 {
				t.Errorf("a reorganisation of depth 1 leads from %d to %d", b.Number, after.Number)
			}
			e, err := ethclient.DialContext(t.Context(), c.WSURL)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			old, err := e.HeaderByNumber(t.Context(), new(big.Int).SetUint64(b.Number))
			if err != nil || old.Hash() == common.HexToHash(b.Hash) {
				t.Errorf("block %d is the same after the reorganisation: %v", b.Number, err)
			}
			// The holder after the reorganisation can move it: the first move is undone.
			if _, err := c.Mine(t.Context(), move); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestProxyBreaksAndHeals(t *testing.T) {
	t.Parallel()
	c := chaintest.StartSimulated(t, chaintest.Options{})
	p := chaintest.StartProxy(t, c)
	e, err := ethclient.DialContext(t.Context(), p.RPCURL)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	ask := func() error { _, err := e.ChainID(context.Background()); return err }
	if err := ask(); err != nil {
		t.Fatal(err)
	}
	restore := p.Break()
	if ask() == nil {
		t.Error("a broken proxy answers")
	}
	restore()
	if err := ask(); err != nil {
		t.Errorf("a restored proxy does not answer: %v", err)
	}
}
