package soldev_test

import (
	"testing"
	"time"

	"github.com/streamgate/streamgate/cmd/refserver/soldev"
)

// The demo's node is the same Solana at each start, makes slots by itself and ends with Close.
func TestStart(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: needs npm packages")
	}
	ctx := t.Context()
	n, err := soldev.Start(ctx, soldev.Options{SlotTime: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if n.Genesis != soldev.Key("genesis").PublicKey().String() || n.ID != soldev.ChainID() {
		t.Errorf("genesis %s, chain %s", n.Genesis, n.ID)
	}
	key := soldev.Key("a mint")
	mint, err := n.NewMint(ctx, soldev.Mint{Key: key, Token2022: true})
	if err != nil || mint != key.PublicKey() {
		t.Fatalf("mint %s, %v", mint, err)
	}
	if err := n.MintTo(ctx, mint, soldev.Key("somebody").PublicKey(), 1); err != nil {
		t.Fatal(err)
	}
	first, err := n.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for late := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if b, err := n.Head(ctx); err == nil && b.Number > first.Number+1 {
			break
		} else if time.Now().After(late) {
			t.Fatalf("no slot within 30 s: %v %v", b, err)
		}
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
	if _, err := n.Head(ctx); err == nil {
		t.Error("the node answers after Close")
	}
}
