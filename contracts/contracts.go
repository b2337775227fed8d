// Package contracts holds StreamGate's Solidity contracts as compiled artefacts:
// the access pass a creator deploys, the contracts the tests need, and Multicall3
// for chains that lack it. The development chain, the EVM driver's tests and
// deployment tools call it. It holds bytes and JSON only: it talks to no chain
// and pulls no Ethereum library into the caller's build.
//
// The sources are in src, the compiled artefacts in artefacts. Both are
// committed; a test compiles anew and compares the bytes.
package contracts

import (
	"embed"
	"encoding/hex"
	"encoding/json"
	"strings"
)

//go:generate npm --prefix build ci --ignore-scripts --no-audit --no-fund --silent
//go:generate node build/compile.mjs

//go:embed artefacts/*.json
var artefacts embed.FS

// Multicall3Address is where Multicall3 lives on the chains that have it.
const Multicall3Address = "0xca11bde05977b3631167028862be2a173976ca11"

// Artefact is one compiled contract. It belongs to the caller.
type Artefact struct {
	// Name is the contract's Solidity name.
	Name string
	// ABI is the interface as Solidity's ABI JSON.
	ABI json.RawMessage
	// Bytecode is the creation code; the encoded constructor arguments follow it
	// in a deploying transaction.
	Bytecode []byte
	// Runtime is the deployed code, for a genesis allocation or an override. It
	// is complete, since none of the contracts here has immutables.
	Runtime []byte
}

// AccessPass is the ERC-721 pass with owner mint and expiry (ERC-5643). Its
// constructor takes (string name, string symbol).
func AccessPass() Artefact { return load("AccessPass") }

// NFTPass is the ERC-721 pass that creators deploy: a limit of supply, soulbound tokens (ERC-5192), minters beside
// the owner, and each order minted once. Its constructor takes one tuple (string name, string symbol,
// string baseURI, uint256 maxSupply, bool soulbound, address owner, address minter).
func NFTPass() Artefact { return load("NFTPass") }

// SubscriptionPass is an NFTPass whose tokens expire (ERC-5643), with the same constructor.
func SubscriptionPass() Artefact { return load("SubscriptionPass") }

// ItemPass is the ERC-1155 pass that creators deploy, with the same constructor.
func ItemPass() Artefact { return load("ItemPass") }

// TestToken is an ERC-721 of which anyone may mint any id; for tests.
func TestToken() Artefact { return load("TestToken") }

// TestItems is an ERC-1155 that anyone may mint; for tests.
func TestItems() Artefact { return load("TestItems") }

// TestCoin is an ERC-20 that anyone may mint; for tests.
func TestCoin() Artefact { return load("TestCoin") }

// TestOddities answers as no honest token does; for tests.
func TestOddities() Artefact { return load("TestOddities") }

// TierRegistry gives each account a tier, for the "call" leaf; for tests and examples.
func TierRegistry() Artefact { return load("TierRegistry") }

// SignatureProbe is creation code to run in an eth_call, never to deploy: it answers whether a contract
// wallet accepts a signature. Its constructor takes (address wallet, bytes32 hash, bytes signature,
// address factory, bytes factoryCall).
func SignatureProbe() Artefact { return load("SignatureProbe") }

// TestWallet is a contract wallet with one owner (ERC-1271). Its constructor takes (address owner); for tests.
func TestWallet() Artefact { return load("TestWallet") }

// TestWalletFactory deploys a TestWallet at an address known before; for tests.
func TestWalletFactory() Artefact { return load("TestWalletFactory") }

// Multicall3 is the batching contract at Multicall3Address. Its ABI lists the
// functions viem knows, not all it has.
func Multicall3() Artefact { return load("Multicall3") }

// load panics on a broken artefact: it is embedded, so the build is broken, and
// the package's tests load every one.
func load(name string) Artefact {
	b, err := artefacts.ReadFile("artefacts/" + name + ".json")
	if err != nil {
		panic("contracts: no artefact " + name)
	}
	var f struct {
		Name              string
		ABI               json.RawMessage
		Bytecode, Runtime string
	}
	if err := json.Unmarshal(b, &f); err != nil {
		panic("contracts: artefact " + name + ": " + err.Error())
	}
	return Artefact{Name: f.Name, ABI: f.ABI, Bytecode: unhex(name, f.Bytecode), Runtime: unhex(name, f.Runtime)}
}

func unhex(name, s string) []byte {
	b, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if err != nil {
		panic("contracts: artefact " + name + ": " + err.Error())
	}
	return b
}
