package auth_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/auth/siws"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
)

// signer is a wallet of either namespace.
type signer interface {
	On(chain string) caip.AccountID
	Sign(message string) string
}

// forms are the forms of sign-in: a chain, and wallets of it.
var forms = []struct {
	chain, other string
	wallet       func(n uint32) signer
}{
	{"eip155:1", "eip155:137", func(n uint32) signer { return authtest.NewWallet(n) }},
	{"solana:mainnet", "solana:devnet", func(n uint32) signer { return authtest.NewSolanaWallet(n) }},
}

func (b *bench) challengeFor(a caip.AccountID) auth.Challenge {
	b.t.Helper()
	c, err := b.Challenge(b.t.Context(), tenant, origin, a)
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

func TestSolanaChallengeMessage(t *testing.T) {
	t.Parallel()
	b := setup(t, auth.Options{})
	c := b.challengeFor(authtest.NewSolanaWallet(1).On("solana:mainnet"))
	want := `video.example wants you to sign in with your Solana account:
` + authtest.NewSolanaWallet(1).Address + `

Sign in with your wallet. This is free and sends no transaction.

URI: https://video.example/
Version: 1
Chain ID: mainnet
Nonce: ` + c.Nonce + `
Issued At: 2026-05-04T03:02:01.009Z
Expiration Time: 2026-05-04T03:07:01.009Z`
	if c.Message != want {
		t.Errorf("got %s", c.Message)
	}
}

func TestSolanaSignsIn(t *testing.T) {
	t.Parallel()
	b, w, ctx := setup(t, auth.Options{}), authtest.NewSolanaWallet(1), t.Context()
	account := w.On("solana:mainnet")
	c := b.challengeFor(account)
	_, err := b.Verify(ctx, tenant, origin, c.Message, authtest.NewSolanaWallet(2).Sign(c.Message))
	is(t, "another's signature", err, fault.Unauthenticated)
	_, err = b.Verify(ctx, tenant, origin, c.Message, authtest.NewWallet(1).Sign(c.Message))
	is(t, "an Ethereum signature", err, fault.Invalid)
	tokens, err := b.Verify(ctx, tenant, origin, c.Message, w.Sign(c.Message))
	if err != nil || tokens.Account != account {
		t.Fatal(tokens, err)
	}
	_, err = b.Verify(ctx, tenant, origin, c.Message, w.Sign(c.Message))
	is(t, "again", err, fault.Unauthenticated)
	p := b.who(tokens.AccessToken)
	if len(p.Accounts) != 1 || p.Accounts[0] != account {
		t.Errorf("%+v", p)
	}
	if tokens, err = b.Refresh(ctx, tenant, tokens.RefreshToken); err != nil {
		t.Fatal(err)
	}
	// The other namespace joins the user, and signs in as that user from then on.
	evm := authtest.NewWallet(7)
	c = b.challenge(evm, "eip155:1")
	if _, err := b.Link(ctx, b.who(tokens.AccessToken), origin, c.Message, evm.Sign(c.Message)); err != nil {
		t.Fatal(err)
	}
	if q := b.who(b.signIn(evm, "eip155:1").AccessToken); q.UserID != p.UserID || len(q.Accounts) != 2 || q.Accounts[1] != account {
		t.Errorf("%+v", q)
	}
}

// Each attempt is rightly signed; it is what was signed that is wrong.
func TestSolanaRefusesWhatWasNotIssued(t *testing.T) {
	t.Parallel()
	b, w, mallory := setup(t, auth.Options{}), authtest.NewSolanaWallet(1), authtest.NewSolanaWallet(2)
	c := b.challengeFor(w.On("solana:mainnet"))
	for name, tc := range map[string]struct {
		old, new string
		by       signer
		kind     fault.Kind
	}{
		"domain":        {"video.example wants", "evil.example wants", w, fault.Unauthenticated},
		"URI host":      {"URI: https://video.example/", "URI: https://evil.example/", w, fault.Unauthenticated},
		"statement":     {"This is free", "This is very free", w, fault.Unauthenticated},
		"chain":         {"Chain ID: mainnet", "Chain ID: devnet", w, fault.Unauthenticated},
		"chain's name":  {"Chain ID: mainnet", "Chain ID: solana:mainnet", w, fault.Unauthenticated},
		"address":       {w.Address, mallory.Address, mallory, fault.Unauthenticated},
		"nonce":         {c.Nonce, strings.Repeat("ab", 16), w, fault.Unauthenticated},
		"later expiry":  {"Expiration Time: 2026", "Expiration Time: 2027", w, fault.Unauthenticated},
		"no expiry":     {"\nExpiration Time: 2026-05-04T03:07:01.009Z", "", w, fault.Invalid},
		"no nonce":      {"Nonce: " + c.Nonce + "\n", "", w, fault.Invalid},
		"no chain":      {"Chain ID: mainnet\n", "", w, fault.Invalid},
		"an empty line": {"URI:", "\nURI:", w, fault.Invalid},
		"as Ethereum's": {"your Solana account", "your Ethereum account", w, fault.Invalid},
		"low order key": {w.Address, strings.Repeat("1", 32), w, fault.Unauthenticated},
		"the minimum":   {c.Message[strings.Index(c.Message, "\n\n"):], "", w, fault.Invalid},
	} {
		message := recompose(t, c.Message, tc.old, tc.new)
		tokens, err := b.Verify(t.Context(), tenant, origin, message, tc.by.Sign(message))
		is(t, name, err, tc.kind)
		if tokens != (auth.Tokens{}) {
			t.Error("tokens beside an error")
		}
	}
	_, err := b.Verify(t.Context(), "other", origin, c.Message, w.Sign(c.Message))
	is(t, "another tenant", err, fault.Unauthenticated)
	if _, err := b.Verify(t.Context(), tenant, origin, c.Message, w.Sign(c.Message)); err != nil {
		t.Errorf("the message that was issued: %v", err)
	}
}

// A key of low order asks for a message and forges its signature, which crypto/ed25519 takes.
func TestSolanaKeysThatNobodyOwns(t *testing.T) {
	t.Parallel()
	b := setup(t, auth.Options{})
	account, err := caip.ParseAccountID("solana:mainnet:" + strings.Repeat("1", 32))
	if err != nil {
		t.Fatal(err)
	}
	c := b.challengeFor(account)
	for _, sig := range []string{strings.Repeat("1", 64), "4" + strings.Repeat("1", 63)} {
		_, err := b.Verify(t.Context(), tenant, origin, c.Message, sig)
		is(t, "a forged signature", err, fault.Invalid)
	}
	_, err = siws.DecodeSignature(strings.Repeat("1", 65))
	is(t, "65 zeros", err, fault.Invalid)
}

// Bad signatures, as many as one likes, do not keep the owner of the key out.
func TestWrongSignaturesDoNotBurnTheNonce(t *testing.T) {
	t.Parallel()
	each := 2500
	if testing.Short() {
		each = 50
	}
	for _, f := range forms {
		b, w, other := setup(t, auth.Options{}), f.wallet(1), f.wallet(2)
		c := b.challengeFor(w.On(f.chain))
		bad := other.Sign(c.Message)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range each {
					if _, err := b.Verify(t.Context(), tenant, origin, c.Message, bad); !errors.Is(err, fault.Unauthenticated) {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		rec, err := b.store.Challenge(t.Context(), tenant, c.Nonce)
		if err != nil || rec.Failures < auth.MaxFailures || rec.Failures > auth.MaxFailures+4 {
			t.Errorf("%s: %d failures are written down, %v", f.chain, rec.Failures, err)
		}
		if _, err := b.Verify(t.Context(), tenant, origin, c.Message, w.Sign(c.Message)); err != nil {
			t.Errorf("%s: the owner after all the bad signatures: %v", f.chain, err)
		}
	}
}

func TestOneNonceOneSession(t *testing.T) {
	t.Parallel()
	for _, f := range forms {
		b, w := setup(t, auth.Options{}), f.wallet(1)
		c := b.challengeFor(w.On(f.chain))
		sig := w.Sign(c.Message)
		var mu sync.Mutex
		var got []auth.Tokens
		var wg sync.WaitGroup
		start := make(chan struct{})
		for range 100 {
			wg.Go(func() {
				<-start
				tokens, err := b.Verify(t.Context(), tenant, origin, c.Message, sig)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					got = append(got, tokens)
				} else if !errors.Is(err, fault.Unauthenticated) {
					t.Error(err)
				}
			})
		}
		close(start)
		wg.Wait()
		if len(got) != 1 {
			t.Fatalf("%s: %d sessions", f.chain, len(got))
		}
		b.who(got[0].AccessToken)
	}
}

func TestSolanaChallengesArePaced(t *testing.T) {
	t.Parallel()
	b, w := setup(t, auth.Options{}), authtest.NewSolanaWallet(1)
	for range 30 {
		b.challengeFor(w.On("solana:mainnet"))
	}
	_, err := b.Challenge(t.Context(), tenant, origin, w.On("solana:devnet"))
	is(t, "the 31st", err, fault.Limited)
	b.clock.Add(time.Second)
	b.challengeFor(w.On("solana:devnet"))
}
