package authtest

import (
	"crypto/ed25519"
	"encoding/binary"
	"strings"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/internal/base58"
)

// SolanaWallet is a key that signs as Solana wallets do. It is for tests only: its keys are made
// from small numbers that everybody knows.
type SolanaWallet struct {
	key ed25519.PrivateKey
	// Address is the public key in base58.
	Address string
}

// NewSolanaWallet returns the n-th wallet; the same n always gives the same one.
func NewSolanaWallet(n uint32) SolanaWallet {
	seed := make([]byte, ed25519.SeedSize)
	binary.BigEndian.PutUint32(seed, n+1)
	key := ed25519.NewKeyFromSeed(seed)
	return SolanaWallet{key, base58.Encode(key[32:])}
}

// On returns the wallet's account on a chain, such as "solana:mainnet". It panics if
// that is no solana chain.
func (w SolanaWallet) On(chain string) caip.AccountID {
	a, err := caip.ParseAccountID(chain + ":" + w.Address)
	if err != nil || !strings.HasPrefix(chain, "solana:") {
		panic("authtest: " + chain + " is not a solana chain")
	}
	return a
}

// Sign returns the signature of message in base58.
func (w SolanaWallet) Sign(message string) string {
	return base58.Encode(ed25519.Sign(w.key, []byte(message)))
}
