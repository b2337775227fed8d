package evm_test

import (
	"crypto/ecdsa"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/streamgate/streamgate/auth/siwe"
	"github.com/streamgate/streamgate/cmd/refserver/devchain"
	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/internal/npmtest"
)

// safes is Safe 1.4.1 as its makers compiled it, on a chain.
type safes struct {
	t                        *testing.T
	c                        *chaintest.Chain
	safe, factory            contracts.Artefact
	singleton, at, proxyInit string // addresses, and the creation code of a proxy
	handler                  string
	keys                     [2]*ecdsa.PrivateKey
	owners                   [2]string
}

func newSafes(t *testing.T, c *chaintest.Chain) *safes {
	dir := filepath.Join(npmtest.Install(t, "testdata/safe"), "node_modules", "@safe-global", "safe-contracts", "build", "artifacts", "contracts")
	read := func(folder, name string) contracts.Artefact {
		b, err := os.ReadFile(filepath.Join(dir, folder, name+".sol", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var f struct {
			ABI      json.RawMessage
			Bytecode string
		}
		if err := json.Unmarshal(b, &f); err != nil {
			t.Fatal(err)
		}
		code, err := hex.DecodeString(strings.TrimPrefix(f.Bytecode, "0x"))
		if err != nil {
			t.Fatal(err)
		}
		return contracts.Artefact{Name: name, ABI: f.ABI, Bytecode: code}
	}
	s := &safes{t: t, c: c, safe: read(".", "Safe"), factory: read("proxies", "SafeProxyFactory")}
	s.singleton, s.at = c.Deploy(t, s.safe), c.Deploy(t, s.factory)
	s.handler = c.Deploy(t, read("handler", "CompatibilityFallbackHandler"))
	s.proxyInit = string(read("proxies", "SafeProxy").Bytecode)
	accounts := devchain.Accounts()
	for i := range s.keys {
		key, err := crypto.HexToECDSA(strings.TrimPrefix(accounts[i].PrivateKey, "0x"))
		if err != nil {
			t.Fatal(err)
		}
		s.keys[i], s.owners[i] = key, accounts[i].Address
	}
	return s
}

// plan returns the call that makes a Safe of the owners, all of whom must sign, and its address to be.
func (s *safes) plan(nonce int64, owners ...string) (create chaintest.Tx, address string) {
	list := make([]common.Address, len(owners))
	for i, o := range owners {
		list[i] = common.HexToAddress(o)
	}
	none := common.Address{}.Hex()
	setup := chaintest.Method(s.t, s.owners[0], s.safe, s.singleton, "setup",
		list, big.NewInt(int64(len(owners))), none, []byte{}, s.handler, none, new(big.Int), none)
	create = chaintest.Method(s.t, s.owners[0], s.factory, s.at, "createProxyWithNonce", s.singleton, setup.Data, big.NewInt(nonce))
	salt := crypto.Keccak256Hash(crypto.Keccak256(setup.Data), common.BigToHash(big.NewInt(nonce)).Bytes())
	init := append([]byte(s.proxyInit), common.LeftPadBytes(common.HexToAddress(s.singleton).Bytes(), 32)...)
	return create, strings.ToLower(crypto.CreateAddress2(common.HexToAddress(s.at), salt, crypto.Keccak256(init)).Hex())
}

// sign is what the owners' wallets sign for a Safe: an EIP-712 SafeMessage around the hash.
func (s *safes) sign(safe string, hash [32]byte, who ...int) []byte {
	word := func(text string) []byte { return crypto.Keccak256([]byte(text)) }
	chain, _ := new(big.Int).SetString(s.c.ID.Reference, 10)
	domain := crypto.Keccak256(word("EIP712Domain(uint256 chainId,address verifyingContract)"), common.BigToHash(chain).Bytes(),
		common.LeftPadBytes(common.HexToAddress(safe).Bytes(), 32))
	message := crypto.Keccak256(word("SafeMessage(bytes message)"), crypto.Keccak256(hash[:]))
	digest := crypto.Keccak256([]byte{0x19, 0x01}, domain, message)
	slices.SortFunc(who, func(a, b int) int { return strings.Compare(s.owners[a], s.owners[b]) })
	var out []byte
	for _, i := range who {
		sig, err := crypto.Sign(digest, s.keys[i])
		if err != nil {
			s.t.Fatal(err)
		}
		sig[64] += 27
		out = append(out, sig...)
	}
	return out
}

func TestSafe(t *testing.T) {
	t.Parallel()
	c := chaintest.StartSimulated(t, chaintest.Options{})
	s := newSafes(t, c)
	w := walletsOn(t, dial(t, evm.Options{RPCURL: c.RPCURL, Chain: c.ID}))
	hash := siwe.Hash([]byte(walletMessage))

	create, address := s.plan(1, s.owners[0], s.owners[1])
	account := on(t, c.ID, address)
	both := s.sign(address, hash, 0, 1)
	verdict(t, "both owners of a Safe to be", w, account, wrap(t, s.at, create.Data, both), true)
	verdict(t, "both owners without the wrapper", w, account, both, false)
	verdict(t, "one owner of a Safe to be", w, account, wrap(t, s.at, create.Data, s.sign(address, hash, 0)), false)
	if _, err := c.Mine(t.Context(), create); err != nil {
		t.Fatal(err)
	}
	verdict(t, "both owners", w, account, both, true)
	verdict(t, "both owners in the wrapper", w, account, wrap(t, s.at, create.Data, both), true)
	verdict(t, "one owner", w, account, s.sign(address, hash, 0), false)
	verdict(t, "one owner twice", w, account, s.sign(address, hash, 0, 0), false)
	verdict(t, "the owners for another Safe", w, account, s.sign(s.singleton, hash, 0, 1), false)
	verdict(t, "the owners of another message", w, account, s.sign(address, siwe.Hash([]byte("another")), 0, 1), false)

	// Its only owner hands a Safe over: what that owner signed holds no more.
	create, address = s.plan(2, s.owners[0])
	account = on(t, c.ID, address)
	if _, err := c.Mine(t.Context(), create); err != nil {
		t.Fatal(err)
	}
	before, after := s.sign(address, hash, 0), s.sign(address, hash, 1)
	verdict(t, "the owner", w, account, before, true)
	verdict(t, "no owner", w, account, after, false)
	if _, err := c.Mine(t.Context(), s.swap(address, 0, 1)); err != nil {
		t.Fatal(err)
	}
	verdict(t, "the owner of before", w, account, before, false)
	verdict(t, "the owner of now", w, account, after, true)
}
