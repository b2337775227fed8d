package evm_test

import (
	"math/big"
	"strconv"
	"testing"

	"github.com/ethereum/go-ethereum/accounts/abi/bind/v2"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/drivers/evm/passabi"
	"github.com/streamgate/streamgate/internal/chaintest"
)

// kit is the pass contracts on a simulated chain: owner, who deployed them, holder and stranger.
type kit struct {
	t                       *testing.T
	chain                   *chaintest.Chain
	client                  *ethclient.Client
	owner, holder, stranger string
}

func newKit(t *testing.T) *kit {
	t.Helper()
	k := &kit{t: t, chain: chaintest.StartSimulated(t, chaintest.Options{})}
	a := k.chain.Accounts()
	k.owner, k.holder, k.stranger = a[0], a[1], a[2]
	var err error
	if k.client, err = ethclient.Dial(k.chain.RPCURL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.client.Close)
	return k
}

// tries runs a method and tells whether it went through.
func (k *kit) tries(from string, a contracts.Artefact, at, method string, args ...any) bool {
	k.t.Helper()
	_, err := k.chain.Mine(k.t.Context(), chaintest.Method(k.t, from, a, at, method, args...))
	return err == nil
}

func (k *kit) may(want bool, from string, a contracts.Artefact, at, method string, args ...any) {
	k.t.Helper()
	if got := k.tries(from, a, at, method, args...); got != want {
		k.t.Errorf("%s by %s: went through is %t, want %t", method, from, got, want)
	}
}

// read calls a view.
func (k *kit) read(at string, data []byte) []byte {
	k.t.Helper()
	b := passabi.NewNFTPass().Instance(k.client, common.HexToAddress(at))
	out, err := b.CallRaw(&bind.CallOpts{Context: k.t.Context()}, data)
	if err != nil {
		k.t.Fatal(err)
	}
	return out
}

func word(b []byte) uint64 { return new(big.Int).SetBytes(b).Uint64() }

func order(n int) [32]byte { return common.BytesToHash([]byte("order " + strconv.Itoa(n))) }

func nftTerms(k *kit, supply int64, bound bool) passabi.NFTPassTerms {
	return passabi.NFTPassTerms{Name: "n", Symbol: "s", BaseURI: "ipfs://x/", MaxSupply: big.NewInt(supply), Soulbound: bound, Owner: common.HexToAddress(k.owner), Minter: common.HexToAddress(k.stranger)}
}

func TestNFTPass(t *testing.T) {
	t.Parallel()
	k, a := newKit(t), contracts.NFTPass()
	abi := passabi.NewNFTPass()
	open := k.chain.Deploy(t, a, nftTerms(k, 3, false))
	k.may(true, k.owner, a, open, "mint", k.holder, order(1))
	k.may(false, k.holder, a, open, "mint", k.holder, order(2)) // no minter
	k.may(true, k.stranger, a, open, "mint", k.holder, order(2))
	k.may(false, k.owner, a, open, "mint", k.holder, order(1)) // this order again
	k.may(false, k.holder, a, open, "setMinter", k.holder, true)
	k.may(true, k.owner, a, open, "setMinter", k.stranger, false)
	k.may(false, k.stranger, a, open, "mint", k.holder, order(3))
	k.may(true, k.holder, a, open, "transferFrom", k.holder, k.stranger, big.NewInt(1))
	k.may(false, k.holder, a, open, "burn", big.NewInt(1)) // it is another's now
	k.may(true, k.stranger, a, open, "burn", big.NewInt(1))
	k.may(true, k.owner, a, open, "mint", k.holder, [32]byte{})  // by hand, without an order
	k.may(false, k.owner, a, open, "mint", k.holder, [32]byte{}) // sold out: what was burned counts
	if word(k.read(open, abi.PackIsMinted(order(2)))) != 1 || word(k.read(open, abi.PackTokenOf(order(2)))) != 2 || word(k.read(open, abi.PackIsMinted(order(3)))) != 0 {
		t.Error("which orders were minted is not told")
	}
	k.may(false, k.holder, a, open, "setBaseURI", "ipfs://y/")
	k.may(true, k.owner, a, open, "setBaseURI", "ipfs://y/")
	if uri, err := abi.UnpackTokenURI(k.read(open, abi.PackTokenURI(big.NewInt(2)))); err != nil || uri != "ipfs://y/2" {
		t.Errorf("metadata at %q, %v", uri, err)
	}

	bound := k.chain.Deploy(t, a, nftTerms(k, 0, true))
	k.may(true, k.owner, a, bound, "mint", k.holder, order(1))
	k.may(false, k.holder, a, bound, "transferFrom", k.holder, k.stranger, big.NewInt(1))
	if word(k.read(bound, abi.PackLocked(big.NewInt(1)))) != 1 || word(k.read(open, abi.PackLocked(big.NewInt(2)))) != 0 {
		t.Error("locked is not what it is")
	}
	k.may(true, k.holder, a, bound, "burn", big.NewInt(1))
	for id, want := range map[[4]byte]uint64{{0xb4, 0x5a, 0x3c, 0x0e}: 1, {0x80, 0xac, 0x58, 0xcd}: 1, {0x49, 0x06, 0x49, 0x06}: 1, {0x8c, 0x65, 0xf8, 0x4d}: 0} {
		if got := word(k.read(bound, abi.PackSupportsInterface(id))); got != want {
			t.Errorf("interface %x: %d", id, got)
		}
	}
}

func TestSubscriptionPass(t *testing.T) {
	t.Parallel()
	k, a := newKit(t), contracts.SubscriptionPass()
	abi := passabi.NewSubscriptionPass()
	at := k.chain.Deploy(t, a, nftTerms(k, 0, false))
	one := big.NewInt(1)
	k.may(false, k.owner, a, at, "subscribe", k.holder, uint64(0), order(0))
	k.may(false, k.owner, a, at, "subscribe", k.holder, uint64(1<<64-1), order(0))
	k.may(true, k.stranger, a, at, "subscribe", k.holder, uint64(3600), order(1))
	k.may(false, k.owner, a, at, "subscribe", k.holder, uint64(3600), order(1)) // this order again
	ends := word(k.read(at, abi.PackExpiresAt(one)))
	head, err := k.chain.Head(t.Context())
	if left := int64(ends) - head.Time.Unix(); err != nil || left < 3500 || left > 3600 {
		t.Errorf("%d s are left, %v", left, err)
	}
	k.may(false, k.holder, a, at, "renewSubscription", one, uint64(60)) // not by the holder
	k.may(true, k.owner, a, at, "renewSubscription", one, uint64(60))
	if got := word(k.read(at, abi.PackExpiresAt(one))); got != ends+60 {
		t.Errorf("renewed from %d to %d", ends, got)
	}
	k.may(true, k.holder, a, at, "transferFrom", k.holder, k.owner, one)
	k.may(false, k.holder, a, at, "cancelSubscription", one)
	k.may(true, k.stranger, a, at, "cancelSubscription", one) // a minter
	head, err = k.chain.Head(t.Context())
	if got := int64(word(k.read(at, abi.PackExpiresAt(one)))); err != nil || got > head.Time.Unix() {
		t.Errorf("cancelled, and it runs until %d at %d, %v", got, head.Time.Unix(), err)
	}
	if word(k.read(at, abi.PackSupportsInterface([4]byte{0x8c, 0x65, 0xf8, 0x4d}))) != 1 || word(k.read(at, abi.PackIsRenewable(one))) != 1 {
		t.Error("it is no ERC-5643")
	}
}

func TestItemPass(t *testing.T) {
	t.Parallel()
	k, a := newKit(t), contracts.ItemPass()
	abi := passabi.NewItemPass()
	terms := passabi.ItemPassTerms{Name: "n", Symbol: "s", BaseURI: "ipfs://x/", MaxSupply: big.NewInt(5), Owner: common.HexToAddress(k.owner), Minter: common.HexToAddress(k.stranger)}
	at := k.chain.Deploy(t, a, terms)
	gold, silver := big.NewInt(7), big.NewInt(8)
	k.may(true, k.stranger, a, at, "mint", k.holder, gold, big.NewInt(5), order(1))
	k.may(false, k.owner, a, at, "mint", k.holder, gold, big.NewInt(1), order(2)) // sold out
	k.may(true, k.owner, a, at, "mint", k.holder, silver, big.NewInt(1), order(2))
	k.may(false, k.owner, a, at, "mint", k.holder, silver, big.NewInt(1), order(2)) // this order again
	k.may(false, k.holder, a, at, "mint", k.holder, silver, big.NewInt(1), order(3))
	k.may(false, k.stranger, a, at, "burn", k.holder, gold, big.NewInt(1))
	k.may(true, k.holder, a, at, "burn", k.holder, gold, big.NewInt(2))
	k.may(true, k.holder, a, at, "safeTransferFrom", k.holder, k.stranger, gold, big.NewInt(1), []byte{})
	if got := word(k.read(at, abi.PackBalanceOf(common.HexToAddress(k.holder), gold))); got != 2 {
		t.Errorf("%d are left", got)
	}
	if uri, err := abi.UnpackUri(k.read(at, abi.PackUri(gold))); err != nil || uri != "ipfs://x/7" {
		t.Errorf("metadata at %q, %v", uri, err)
	}
	terms.Soulbound = true
	bound := k.chain.Deploy(t, a, terms)
	k.may(true, k.owner, a, bound, "mint", k.holder, gold, big.NewInt(2), order(1))
	k.may(false, k.holder, a, bound, "safeTransferFrom", k.holder, k.stranger, gold, big.NewInt(1), []byte{})
	k.may(true, k.holder, a, bound, "burn", k.holder, gold, big.NewInt(1))
}
