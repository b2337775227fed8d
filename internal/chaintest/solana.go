package chaintest

import (
	"context"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/gagliardetto/solana-go"

	"github.com/streamgate/streamgate/cmd/refserver/soldev"
	"github.com/streamgate/streamgate/internal/npmtest"
)

// Solana is a running Solana test node (soldev): it is no validator. Its methods may be called from one
// goroutine at a time.
type Solana struct{ *soldev.Node }

// SolanaFault is what is wrong with the node; the zero value is nothing.
type SolanaFault = soldev.Fault

// SolanaMint says what kind of mint NewMint makes.
type SolanaMint = soldev.Mint

// StartSolana starts a test node that ends with the test, installing LiteSVM at the
// first use on a machine. It skips the test with -short.
func StartSolana(t testing.TB) *Solana {
	t.Helper()
	dir := npmtest.Packages(t, soldev.File("package.json"), soldev.File("package-lock.json"))
	genesis := solana.NewWallet().PublicKey().String()
	// The script goes through -e, from the folder that has its packages, so that a
	// changed script needs no new installation.
	cmd := exec.Command("node", "--input-type=module", "-e", string(soldev.File("node.mjs")), genesis)
	cmd.Dir = filepath.Clean(dir)
	n, err := soldev.Attach(context.Background(), startListening(t, cmd, "the Solana test node"), genesis, solana.NewWallet().PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return &Solana{n}
}

// Wallet returns a new wallet with some SOL.
func (s *Solana) Wallet(t testing.TB) solana.PrivateKey {
	t.Helper()
	w := solana.NewWallet().PrivateKey
	if err := s.Airdrop(t.Context(), w.PublicKey(), 10_000_000_000); err != nil {
		t.Fatal(err)
	}
	return w
}
