package devchain

import (
	"crypto/ecdsa"
	"strings"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/streamgate/streamgate/caip"
)

// Account is a funded wallet of the dev chain. Its key is derived from its name
// and known to everyone.
type Account struct {
	// Name is "creator", "holder" or "newcomer".
	Name string
	// Address is canonical: 0x and lower case.
	Address string
	// PrivateKey is 0x and 64 hex digits.
	PrivateKey string
}

// Accounts returns the wallets of every dev chain, always the same: creator, who
// owns what is deployed, holder, who is given a pass, and newcomer.
func Accounts() []Account {
	return []Account{account("creator"), account("holder"), account("newcomer")}
}

// Creator is the account that deploys and mints.
func Creator() Account { return account("creator") }

// Holder is the account that is given a pass.
func Holder() Account { return account("holder") }

// Minter is one more funded account, which is not among Accounts: the key by which a platform signs.
func Minter() Account { return account("minter") }

// Newcomer is the account that has none.
func Newcomer() Account { return account("newcomer") }

func account(name string) Account {
	k := deriveKey(name)
	return Account{
		Name:       name,
		Address:    lower(crypto.PubkeyToAddress(k.PublicKey)),
		PrivateKey: "0x" + common.Bytes2Hex(crypto.FromECDSA(k)),
	}
}

func deriveKey(name string) *ecdsa.PrivateKey {
	// The hash of these three names is in range; a test derives them all.
	k, err := crypto.ToECDSA(crypto.Keccak256([]byte("streamgate dev chain: " + name)))
	if err != nil {
		panic("devchain: no key for " + name)
	}
	return k
}

func (a Account) key() (*ecdsa.PrivateKey, error) {
	return crypto.HexToECDSA(strings.TrimPrefix(a.PrivateKey, "0x"))
}

func (a Account) addr() common.Address { return common.HexToAddress(a.Address) }

// CAIP is the account as CAIP-10 on chain.
func (a Account) CAIP(chain caip.ChainID) caip.AccountID {
	return caip.AccountID{Chain: chain, Address: a.Address}
}

func lower(a common.Address) string { return strings.ToLower(a.Hex()) }
