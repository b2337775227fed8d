package evm_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/accounts/abi"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/auth/siwe"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/chaintest"
)

const walletMessage = "a message that a wallet is shown"

// signed is the owner's answer to personal_sign, and the hash of what was signed.
func signed(w authtest.Wallet) (hash [32]byte, sig []byte) {
	sig, err := hex.DecodeString(w.Sign(walletMessage)[2:])
	if err != nil {
		panic(err)
	}
	return siwe.Hash([]byte(walletMessage)), sig
}

func walletsOn(t testing.TB, vs ...*evm.Verifier) *evm.Wallets {
	t.Helper()
	w, err := evm.NewWallets(vs...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func on(t testing.TB, chain caip.ChainID, address string) caip.AccountID {
	t.Helper()
	a, err := caip.ParseAccountID(chain.String() + ":" + strings.ToLower(address))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// verdict asks and fails the test unless the answer is want.
func verdict(t testing.TB, what string, w *evm.Wallets, a caip.AccountID, sig []byte, want bool) {
	t.Helper()
	got, err := w.ValidSignature(t.Context(), a, siwe.Hash([]byte(walletMessage)), sig)
	if err != nil || got != want {
		t.Errorf("%s: %v, %v, want %v", what, got, err, want)
	}
}

func method(t testing.TB, c *chaintest.Chain, a contracts.Artefact, to, name string, args ...any) {
	t.Helper()
	if _, err := c.Mine(t.Context(), chaintest.Method(t, c.Accounts()[0], a, to, name, args...)); err != nil {
		t.Fatal(err)
	}
}

// pack encodes values of elementary types.
func pack(t testing.TB, types []string, values ...any) []byte {
	t.Helper()
	var args abi.Arguments
	for _, name := range types {
		typ, err := abi.NewType(name, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, abi.Argument{Type: typ})
	}
	b, err := args.Pack(values...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// wrap makes the ERC-6492 form of a signature.
func wrap(t testing.TB, factory string, call, sig []byte) []byte {
	t.Helper()
	return append(pack(t, []string{"address", "bytes", "bytes"}, common.HexToAddress(factory), call, sig), bytes.Repeat([]byte{0x64, 0x92}, 16)...)
}

func TestContractWallets(t *testing.T) {
	t.Parallel()
	for _, k := range chaintest.Kinds(t) {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			c := k.Start(t, chaintest.Options{})
			w := walletsOn(t, dial(t, evm.Options{RPCURL: c.RPCURL, Chain: c.ID}))
			t.Run("deployed", func(t *testing.T) { deployedWallet(t, c, w) })
			t.Run("counterfactual", func(t *testing.T) { counterfactualWallet(t, c, w) })
		})
	}
}

func deployedWallet(t *testing.T, c *chaintest.Chain, w *evm.Wallets) {
	owner, heir := authtest.NewWallet(1), authtest.NewWallet(2)
	address := c.Deploy(t, contracts.TestWallet(), owner.Address)
	account := on(t, c.ID, address)
	_, sig := signed(owner)
	_, heirs := signed(heir)
	verdict(t, "the owner's", w, account, sig, true)
	verdict(t, "another's", w, account, heirs, false)
	verdict(t, "nothing", w, account, nil, false)
	verdict(t, "too much", w, account, make([]byte, 8<<10+1), false)
	verdict(t, "as much as may be", w, account, make([]byte, 8<<10), false)
	verdict(t, "an account without code", w, on(t, c.ID, owner.Address), sig, false)
	verdict(t, "a contract that is no wallet", w, on(t, c.ID, c.Deploy(t, contracts.TestCoin())), sig, false)
	for mood, what := range []string{1: "reverts", "burns all gas", "answers 4 bytes", "answers with dirt", "answers true", "answers a megabyte", "writes"} {
		method(t, c, contracts.TestWallet(), address, "setMood", uint8(mood))
		verdict(t, "a wallet that "+what, w, account, sig, mood == 0)
	}
	method(t, c, contracts.TestWallet(), address, "setMood", uint8(0))
	verdict(t, "in its right mood again", w, account, sig, true)

	method(t, c, contracts.TestWallet(), address, "setOwner", heir.Address)
	verdict(t, "the owner's of before", w, account, sig, false)
	verdict(t, "the heir's", w, account, heirs, true)
	if err := c.Reorg(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	verdict(t, "the owner's after the change was reorganised away", w, account, sig, true)
}

func counterfactualWallet(t *testing.T, c *chaintest.Chain, w *evm.Wallets) {
	owner, other := authtest.NewWallet(1), authtest.NewWallet(2)
	factory := c.Deploy(t, contracts.TestWalletFactory())
	salt := [32]byte{1}
	init := append(bytes.Clone(contracts.TestWallet().Bytecode), pack(t, []string{"address"}, common.HexToAddress(owner.Address))...)
	account := on(t, c.ID, crypto.CreateAddress2(common.HexToAddress(factory), salt, crypto.Keccak256(init)).Hex())
	deploy := chaintest.Method(t, c.Accounts()[0], contracts.TestWalletFactory(), factory, "deploy", owner.Address, salt)
	_, sig := signed(owner)
	_, others := signed(other)
	wrapped := wrap(t, factory, deploy.Data, sig)
	verdict(t, "the owner's", w, account, wrapped, true)
	verdict(t, "the owner's without its wrapper", w, account, sig, false) // so nothing was left deployed
	verdict(t, "another's", w, account, wrap(t, factory, deploy.Data, others), false)
	verdict(t, "a factory that is none", w, account, wrap(t, other.Address, deploy.Data, sig), false)
	verdict(t, "no factory", w, account, wrap(t, common.Address{}.Hex(), nil, sig), false)
	verdict(t, "a call the factory does not know", w, account, wrap(t, factory, []byte{1, 2, 3, 4}, sig), false)
	verdict(t, "another salt", w, account, wrap(t, factory, append(bytes.Clone(deploy.Data[:len(deploy.Data)-1]), 9), sig), false)
	verdict(t, "the magic alone", w, account, bytes.Repeat([]byte{0x64, 0x92}, 16), false)
	verdict(t, "a wrapper cut short", w, account, wrapped[64:], false)
	verdict(t, "a wrapper in a wrapper", w, account, wrap(t, factory, deploy.Data, wrapped), false)
	verdict(t, "a key's account", w, on(t, c.ID, owner.Address), wrap(t, factory, deploy.Data, sig), false)

	if _, err := c.Mine(t.Context(), deploy); err != nil {
		t.Fatal(err)
	}
	verdict(t, "the owner's once deployed", w, account, sig, true)
	verdict(t, "the owner's in its wrapper once deployed", w, account, wrapped, true)
	// The factory's call is not made for a wallet that is there: it may not bend what the wallet judges by.
	give := chaintest.Method(t, c.Accounts()[0], contracts.TestWallet(), account.Address, "setOwner", other.Address)
	verdict(t, "a call that makes the wallet another's", w, account, wrap(t, account.Address, give.Data, others), false)
}

// The same address is one owner's wallet here and another's there.
func TestContractWalletsOfOneAddress(t *testing.T) {
	t.Parallel()
	elsewhere := caip.ChainID{Namespace: "eip155", Reference: "137"}
	owner, thief := authtest.NewWallet(1), authtest.NewWallet(2)
	_, sig := signed(owner)
	_, thiefs := signed(thief)
	home, away := chaintest.StartSimulated(t, chaintest.Options{}), chaintest.StartSimulated(t, chaintest.Options{})
	renamed := liar(t, away, func(method, _ string, m message) {
		if method == "eth_chainId" {
			m.result(`"0x89"`)
		}
	})
	w := walletsOn(t, dial(t, evm.Options{RPCURL: home.RPCURL, Chain: home.ID}), dial(t, evm.Options{RPCURL: renamed, Chain: elsewhere}))
	address := home.Deploy(t, contracts.TestWallet(), owner.Address)
	verdict(t, "before there is another", w, on(t, home.ID, address), sig, true)
	if got := away.Deploy(t, contracts.TestWallet(), thief.Address); got != address {
		t.Fatalf("the other chain's wallet is at %s", got)
	}
	verdict(t, "the thief's where he has the address", w, on(t, elsewhere, address), thiefs, false)
	verdict(t, "the owner's, whose address is another's elsewhere", w, on(t, home.ID, address), sig, false)
	method(t, away, contracts.TestWallet(), address, "setOwner", owner.Address)
	verdict(t, "the owner's on one chain", w, on(t, home.ID, address), sig, true)
	verdict(t, "the owner's on the other", w, on(t, elsewhere, address), sig, true)

	_, err := w.ValidSignature(t.Context(), on(t, caip.ChainID{Namespace: "eip155", Reference: "10"}, address), siwe.Hash(nil), sig)
	if !errors.Is(err, fault.Unsupported) {
		t.Errorf("a chain nobody asks: %v", err)
	}
	v := dial(t, evm.Options{RPCURL: home.RPCURL, Chain: home.ID})
	if _, err := evm.NewWallets(v, v); !errors.Is(err, fault.Invalid) {
		t.Errorf("a chain twice: %v", err)
	}
}

// Whatever the provider does instead of answering is no verdict on the signature.
func TestContractWalletsProviderTrouble(t *testing.T) {
	t.Parallel()
	c := chaintest.StartSimulated(t, chaintest.Options{})
	owner := authtest.NewWallet(1)
	account := on(t, c.ID, c.Deploy(t, contracts.TestWallet(), owner.Address))
	hash, sig := signed(owner)
	for name, lie := range map[string]func(method, params string, m message){
		"nothing":           func(method, _ string, m message) { answerCall(method, m, `"0x"`) },
		"a word none knows": func(method, _ string, m message) { answerCall(method, m, `"0x`+strings.Repeat("0", 63)+`3"`) },
		"a huge word":       func(method, _ string, m message) { answerCall(method, m, `"0x`+strings.Repeat("f", 64)+`"`) },
		"two words":         func(method, _ string, m message) { answerCall(method, m, `"0x`+strings.Repeat("0", 127)+`1"`) },
		"one byte":          func(method, _ string, m message) { answerCall(method, m, `"0x01"`) },
		"null":              func(method, _ string, m message) { answerCall(method, m, `null`) },
		"a revert": func(method, _ string, m message) {
			failCall(method, m, `{"code":3,"message":"execution reverted","data":"0x"}`)
		},
		"out of gas":        func(method, _ string, m message) { failCall(method, m, `{"code":-32000,"message":"out of gas"}`) },
		"too many requests": func(method, _ string, m message) { failCall(method, m, `{"code":-32005,"message":"slow down"}`) },
		"another chain": func(method, _ string, m message) {
			if method == "eth_chainId" {
				m.result(`"0x1"`)
			}
		},
		"a head that is gone": func(method, _ string, m message) { failCall(method, m, `{"code":-32000,"message":"header not found"}`) },
	} {
		w := walletsOn(t, dialLiar(t, c, lie))
		if ok, err := w.ValidSignature(t.Context(), account, hash, sig); ok || !errors.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v, %v, want fault.Unavailable", name, ok, err)
		}
	}
	p := chaintest.StartProxy(t, c)
	w := walletsOn(t, dial(t, evm.Options{RPCURL: p.RPCURL, Chain: c.ID}))
	restore := p.Break()
	if ok, err := w.ValidSignature(t.Context(), account, hash, sig); ok || !errors.Is(err, fault.Unavailable) {
		t.Errorf("out of reach: %v, %v", ok, err)
	}
	restore()
	verdict(t, "back again", w, account, sig, true)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if ok, err := w.ValidSignature(ctx, account, hash, sig); ok || !errors.Is(err, fault.Canceled) {
		t.Errorf("an ended context: %v, %v", ok, err)
	}
}

func answerCall(method string, m message, result string) {
	if method == "eth_call" {
		m.result(result)
	}
}

func failCall(method string, m message, reason string) {
	if method == "eth_call" {
		m.fail(reason)
	}
}

func dialLiar(t testing.TB, c *chaintest.Chain, lie func(method, params string, m message)) *evm.Verifier {
	t.Helper()
	v, err := evm.New(evm.Options{RPCURL: liar(t, c, lie), Chain: c.ID, Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}

// From the challenge to the end of the session, on a chain.
func TestContractWalletSession(t *testing.T) {
	t.Parallel()
	const tenant, origin = "default", "https://video.example"
	c := chaintest.StartSimulated(t, chaintest.Options{})
	p := chaintest.StartProxy(t, c)
	ctx, owner := t.Context(), authtest.NewWallet(1)
	address := c.Deploy(t, contracts.TestWallet(), owner.Address)
	svc := auth.New(authtest.NewMemory(), auth.Options{
		Contracts: walletsOn(t, dial(t, evm.Options{RPCURL: p.RPCURL, Chain: c.ID})), CacheTTL: -1,
	})
	ch, err := svc.Challenge(ctx, tenant, origin, on(t, c.ID, address))
	if err != nil {
		t.Fatal(err)
	}
	restore := p.Break()
	if _, err := svc.Verify(ctx, tenant, origin, ch.Message, owner.Sign(ch.Message)); !errors.Is(err, fault.Unavailable) {
		t.Errorf("with the chain out of reach: %v", err)
	}
	key, err := svc.Challenge(ctx, tenant, origin, owner.On(c.ID.String()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := svc.Verify(ctx, tenant, origin, key.Message, owner.Sign(key.Message)); err != nil {
		t.Errorf("a key with the chain out of reach: %v", err)
	}
	restore()
	tokens, err := svc.Verify(ctx, tenant, origin, ch.Message, owner.Sign(ch.Message))
	if err != nil {
		t.Fatal(err)
	}
	if tokens, err = svc.Refresh(ctx, tenant, tokens.RefreshToken); err != nil {
		t.Fatal(err)
	}
	method(t, c, contracts.TestWallet(), address, "setOwner", authtest.NewWallet(2).Address)
	if _, err := svc.Refresh(ctx, tenant, tokens.RefreshToken); !errors.Is(err, fault.Unauthenticated) {
		t.Errorf("refresh after the owner changed: %v", err)
	}
	if _, err := svc.Authenticate(ctx, tenant, tokens.AccessToken); !errors.Is(err, fault.Unauthenticated) {
		t.Errorf("the session after the owner changed: %v", err)
	}
}
