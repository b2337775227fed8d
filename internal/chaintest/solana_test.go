package chaintest_test

import (
	"testing"

	"github.com/gagliardetto/solana-go"

	"github.com/streamgate/streamgate/internal/chaintest"
)

// The node runs the real programs: they refuse what they must.
func TestSolanaRunsTheTokenPrograms(t *testing.T) {
	t.Parallel()
	s := chaintest.StartSolana(t)
	ctx := t.Context()
	a, b := s.Wallet(t), s.Wallet(t)
	issuer := s.Payer.PublicKey()
	for name, m := range map[string]chaintest.SolanaMint{
		"spl":          {},
		"2022":         {Token2022: true},
		"soulbound":    {Token2022: true, NonTransferable: true},
		"revocable":    {Token2022: true, PermanentDelegate: &issuer},
		"both of 2022": {Token2022: true, NonTransferable: true, PermanentDelegate: &issuer},
	} {
		mint, err := s.NewMint(ctx, m)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if err := s.MintTo(ctx, mint, a.PublicKey(), 1); err != nil {
			t.Fatalf("%s: mint: %v", name, err)
		}
		err = s.Transfer(ctx, mint, b, a.PublicKey(), b.PublicKey(), 1)
		if err == nil {
			t.Errorf("%s: a stranger moves the token", name)
		}
		signer := a
		if m.PermanentDelegate != nil {
			signer = s.Payer
		}
		if err := s.Transfer(ctx, mint, signer, a.PublicKey(), b.PublicKey(), 1); (err != nil) != m.NonTransferable {
			t.Errorf("%s: transfer: %v", name, err)
		}
	}
	before, err := s.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	key := solana.NewWallet().PublicKey()
	if err := s.SetAccount(ctx, key, solana.TokenMetadataProgramID, []byte("any bytes")); err != nil {
		t.Fatal(err)
	}
	after, err := s.Head(ctx)
	if err != nil || after.Number != before.Number+1 || after.Hash == before.Hash {
		t.Errorf("from %+v to %+v, %v", before, after, err)
	}
}
