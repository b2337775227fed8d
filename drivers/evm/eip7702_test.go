package evm_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/auth/siwe"
	"github.com/streamgate/streamgate/cmd/refserver/devchain"
	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
)

// keySign is personal_sign by the key of one of the chain's accounts.
func keySign(t *testing.T, address, message string) string {
	t.Helper()
	for _, a := range devchain.Accounts() {
		if a.Address != address {
			continue
		}
		key, err := crypto.HexToECDSA(strings.TrimPrefix(a.PrivateKey, "0x"))
		if err != nil {
			t.Fatal(err)
		}
		hash := siwe.Hash([]byte(message))
		sig, err := crypto.Sign(hash[:], key)
		if err != nil {
			t.Fatal(err)
		}
		sig[64] += 27
		return "0x" + hex.EncodeToString(sig)
	}
	t.Fatalf("no key for %s", address)
	return ""
}

// An account of a key that runs the code of a contract (EIP-7702): its key goes on signing in, with no chain asked; what its code
// accepts signs in as a contract wallet does, until the code is taken away; and its tokens count throughout.
func TestAccountWithDelegatedCode(t *testing.T) {
	t.Parallel()
	for _, k := range chaintest.AllKinds(t) {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			delegatedAccount(t, k.Start(t, chaintest.Options{}))
		})
	}
}

func delegatedAccount(t *testing.T, c *chaintest.Chain) {
	const tenant, origin = "default", "https://video.example"
	ctx, acc, device := t.Context(), c.Accounts(), authtest.NewWallet(5)
	person := acc[1]
	p := chaintest.StartProxy(t, c)
	v := dial(t, evm.Options{RPCURL: p.RPCURL, Chain: c.ID, Timeout: 20 * time.Second})
	svc := auth.New(authtest.NewMemory(), auth.Options{Contracts: walletsOn(t, v), CacheTTL: -1})
	token, code := c.Deploy(t, contracts.TestToken()), c.Deploy(t, contracts.TestWallet(), acc[0])
	decider := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{v}, Timeout: 30 * time.Second})
	hold := rule.Hold(c.ID.String() + "/erc721:" + token).MustBuild()
	method(t, c, contracts.TestToken(), token, "mint", person, big.NewInt(1))

	account := on(t, c.ID, person)
	signIn := func(sign func(message string) string) (auth.Tokens, error) {
		t.Helper()
		ch, err := svc.Challenge(ctx, tenant, origin, account)
		if err != nil {
			t.Fatal(err)
		}
		return svc.Verify(ctx, tenant, origin, ch.Message, sign(ch.Message))
	}
	byKey := func(message string) string { return keySign(t, person, message) }
	mayWatch := func(what string, tokens auth.Tokens) {
		t.Helper()
		who, err := svc.Authenticate(ctx, tenant, tokens.AccessToken)
		if err != nil || len(who.Accounts) != 1 || who.Accounts[0] != account {
			t.Fatalf("%s: %+v, %v", what, who, err)
		}
		d, err := decider.DecideFresh(ctx, hold, nft.Subject{Tenant: tenant, Accounts: who.Accounts})
		if err != nil || d.Outcome != nft.Yes {
			t.Errorf("%s: %v %s, %v", what, d.Outcome, d.Reason, err)
		}
	}

	if _, err := signIn(device.Sign); !errors.Is(err, fault.Unauthenticated) {
		t.Errorf("another's signature before there is code: %v", err)
	}
	// The code is set and given an owner in one transaction, which somebody else pays for.
	give := chaintest.Method(t, acc[0], contracts.TestWallet(), person, "setOwner", device.Address)
	give.Authorize = []chaintest.Authorization{{Account: person, Code: code}}
	if _, err := c.Mine(ctx, give); err != nil {
		t.Fatal(err)
	}
	if b, err := c.CodeAt(ctx, person); err != nil || !bytes.HasPrefix(b, []byte{0xef, 0x01, 0x00}) {
		t.Fatalf("the account's code is %x, %v", b, err)
	}
	restore := p.Break()
	keys, err := signIn(byKey)
	restore()
	for range 20 { // a connection that the outage cut may still be found cut
		if _, err := v.Head(ctx); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatalf("the key, with the chain out of reach: %v", err)
	}
	mayWatch("the key", keys)
	devices, err := signIn(device.Sign)
	if err != nil {
		t.Fatalf("what the code accepts: %v", err)
	}
	mayWatch("what the code accepts", devices)
	if devices, err = svc.Refresh(ctx, tenant, devices.RefreshToken); err != nil {
		t.Fatalf("refresh: %v", err)
	}

	take := chaintest.Tx{From: acc[0], To: acc[0], Authorize: []chaintest.Authorization{{Account: person}}}
	if _, err := c.Mine(ctx, take); err != nil {
		t.Fatal(err)
	}
	if b, err := c.CodeAt(ctx, person); err != nil || len(b) != 0 {
		t.Fatalf("the account's code is %x, %v", b, err)
	}
	if _, err := svc.Refresh(ctx, tenant, devices.RefreshToken); !errors.Is(err, fault.Unauthenticated) {
		t.Errorf("the session by the code that is gone: %v", err)
	}
	if _, err := signIn(device.Sign); !errors.Is(err, fault.Unauthenticated) {
		t.Errorf("a sign-in by the code that is gone: %v", err)
	}
	if keys, err = svc.Refresh(ctx, tenant, keys.RefreshToken); err != nil {
		t.Fatalf("the key's session: %v", err)
	}
	mayWatch("the key without code", keys)
}
