package authtest

import (
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"golang.org/x/crypto/sha3"

	"github.com/streamgate/streamgate/caip"
)

// Wallet is a key that signs as browser wallets do. It is for tests only: its
// keys are made from small numbers that everybody knows.
type Wallet struct {
	key *secp256k1.PrivateKey
	// Address is canonical (lower case).
	Address string
}

// NewWallet returns the n-th wallet; the same n always gives the same one.
func NewWallet(n uint32) Wallet {
	key := secp256k1.NewPrivateKey(new(secp256k1.ModNScalar).SetInt(n + 1))
	h := sha3.NewLegacyKeccak256()
	h.Write(key.PubKey().SerializeUncompressed()[1:])
	return Wallet{key, "0x" + hex.EncodeToString(h.Sum(nil)[12:])}
}

// On returns the wallet's account on a chain, such as "eip155:1". It panics if
// that is no eip155 chain.
func (w Wallet) On(chain string) caip.AccountID {
	a, err := caip.ParseAccountID(chain + ":" + w.Address)
	if err != nil || !strings.HasPrefix(chain, "eip155:") {
		panic("authtest: " + chain + " is not an eip155 chain")
	}
	return a
}

// Sign returns the EIP-191 personal_sign signature of message in hexadecimal.
func (w Wallet) Sign(message string) string {
	h := sha3.NewLegacyKeccak256()
	h.Write([]byte("\x19Ethereum Signed Message:\n" + strconv.Itoa(len(message)) + message))
	compact := ecdsa.SignCompact(w.key, h.Sum(nil), false) // v+27, r, s
	return "0x" + hex.EncodeToString(append(compact[1:], compact[0]))
}
