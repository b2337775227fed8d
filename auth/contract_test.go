package auth_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/auth/siwe"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
)

// wallets stands for the chain: a contract wallet accepts one signature, which can change.
type wallets struct {
	mu     sync.Mutex
	accept map[string]string // signature in hexadecimal by address
	fail   error
	calls  int
	hashes [][32]byte
	block  chan struct{} // when not nil, an answer waits for it
}

func (w *wallets) ValidSignature(ctx context.Context, account caip.AccountID, hash [32]byte, sig []byte) (bool, error) {
	w.mu.Lock()
	w.calls++
	w.hashes = append(w.hashes, hash)
	ok, fail, block := w.accept[account.Address] == hex.EncodeToString(sig), w.fail, w.block
	w.mu.Unlock()
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	return ok && fail == nil, fail
}

func (w *wallets) set(address, sig string, fail error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.accept[address], w.fail = sig, fail
}

func (w *wallets) called() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls
}

const safe = "0x00000000000000000000000000000000005afe00"

func safeOn(t testing.TB, chain string) caip.AccountID {
	t.Helper()
	a, err := caip.ParseAccountID(chain + ":" + safe)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// A key signs in without a word to the chain, which could not answer either.
func TestKeysNeedNoChain(t *testing.T) {
	t.Parallel()
	w := &wallets{accept: map[string]string{}, fail: fault.New(fault.Unavailable, "test", "down")}
	b := setup(t, auth.Options{Contracts: w})
	tokens := b.signIn(authtest.NewWallet(1), "eip155:1")
	if _, err := b.Refresh(t.Context(), tenant, tokens.RefreshToken); err != nil {
		t.Error(err)
	}
	c := b.challengeFor(authtest.NewSolanaWallet(1).On("solana:mainnet"))
	if _, err := b.Verify(t.Context(), tenant, origin, c.Message, authtest.NewSolanaWallet(1).Sign(c.Message)); err != nil {
		t.Error(err)
	}
	if n := w.called(); n != 0 {
		t.Errorf("the chain was asked %d times", n)
	}
}

func TestContractWalletSignsIn(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	w := &wallets{accept: map[string]string{safe: "c0ffee"}}
	b := setup(t, auth.Options{Contracts: w})
	c := b.challengeFor(safeOn(t, "eip155:1"))
	_, err := b.Verify(ctx, tenant, origin, c.Message, "0xc0ffef")
	is(t, "a signature it does not accept", err, fault.Unauthenticated)
	tokens, err := b.Verify(ctx, tenant, origin, c.Message, "0xc0ffee")
	if err != nil || tokens.Account != safeOn(t, "eip155:1") {
		t.Fatal(tokens, err)
	}
	if w.hashes[0] != siwe.Hash([]byte(c.Message)) {
		t.Error("asked about another hash than that of the message")
	}
	_, err = b.Verify(ctx, tenant, origin, c.Message, "0xc0ffee")
	is(t, "again", err, fault.Unauthenticated)

	// It is asked again at each refresh; no answer costs nothing, a no ends the session.
	w.set(safe, "c0ffee", errors.New("connection refused"))
	_, err = b.Refresh(ctx, tenant, tokens.RefreshToken)
	is(t, "refresh without a chain", err, fault.Unavailable)
	w.set(safe, "c0ffee", nil)
	next, err := b.Refresh(ctx, tenant, tokens.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	_, err = setupOn(t, b.store, auth.Options{}).Refresh(ctx, tenant, next.RefreshToken)
	is(t, "where contracts cannot be asked", err, fault.Unavailable)
	w.set(safe, "0b5e55ed", nil) // its signers changed
	b.who(next.AccessToken)
	_, err = b.Refresh(ctx, tenant, next.RefreshToken)
	is(t, "after the signers changed", err, fault.Unauthenticated)
	is(t, "the session", b.authErr(next.AccessToken), fault.Unauthenticated)
	w.set(safe, "c0ffee", nil)
	_, err = b.Refresh(ctx, tenant, next.RefreshToken)
	is(t, "an ended session", err, fault.Unauthenticated)
}

// No answer is no verdict: the challenge is as good as before.
func TestContractWalletChainOutOfReach(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]error{
		"down":         fault.New(fault.Unavailable, "test", "down"),
		"a plain one":  errors.New("broken"),
		"of a kind":    fault.New(fault.Invalid, "test", "the provider dislikes the request"),
		"its deadline": context.DeadlineExceeded,
	} {
		w := &wallets{accept: map[string]string{safe: "c0ffee"}, fail: fail}
		b := setup(t, auth.Options{Contracts: w})
		c := b.challengeFor(safeOn(t, "eip155:1"))
		for range 2 * auth.MaxFailures {
			_, err := b.Verify(t.Context(), tenant, origin, c.Message, "0xc0ffee")
			is(t, name, err, fault.Unavailable)
		}
		w.set(safe, "c0ffee", nil)
		if _, err := b.Verify(t.Context(), tenant, origin, c.Message, "0xc0ffee"); err != nil {
			t.Errorf("%s: afterwards: %v", name, err)
		}
	}
}

func TestContractWalletBounds(t *testing.T) {
	t.Parallel()
	w := &wallets{accept: map[string]string{safe: "c0ffee"}}
	b, ctx := setup(t, auth.Options{Contracts: w}), t.Context()
	c := b.challengeFor(safeOn(t, "eip155:1"))
	for name, tc := range map[string]struct {
		sig  string
		kind fault.Kind
	}{
		"nothing": {"", fault.Invalid}, "0x": {"0x", fault.Invalid}, "no 0x": {"c0ffee", fault.Invalid}, "half a byte": {"0xc0ffe", fault.Invalid},
		"no digits": {"0xc0ffeg", fault.Invalid}, "too much": {"0x" + strings.Repeat("00", siwe.MaxContractSignature+1), fault.TooLarge},
	} {
		_, err := b.Verify(ctx, tenant, origin, c.Message, tc.sig)
		is(t, name, err, tc.kind)
	}
	if w.called() != 0 {
		t.Error("the chain was asked")
	}
	for range auth.MaxFailures + 90 {
		_, err := b.Verify(ctx, tenant, origin, c.Message, "0xbad0")
		is(t, "wrong", err, fault.Unauthenticated)
	}
	if n := w.called(); n != auth.MaxFailures {
		t.Errorf("the chain was asked %d times about one message", n)
	}
	// The account's own key goes on to work: TestKeysNeedNoChain, TestWrongSignaturesDoNotBurnTheNonce.
	_, err := b.Verify(ctx, tenant, origin, c.Message, "0xc0ffee")
	is(t, "too late", err, fault.Unauthenticated)
	b.clock.Add(auth.DefaultChallengeTTL)

	// Many at once are told to wait.
	w.mu.Lock()
	w.block = make(chan struct{})
	w.mu.Unlock()
	var wg sync.WaitGroup
	results := make(chan error, 40)
	for i := range 40 {
		a := safeOn(t, "eip155:1")
		a.Address = a.Address[:40] + hex.EncodeToString([]byte{byte(i + 1)})
		c := b.challengeFor(a)
		wg.Go(func() {
			_, err := b.Verify(ctx, tenant, origin, c.Message, "0xc0ffee")
			results <- err
		})
	}
	for range 8 {
		is(t, "beyond the bound", <-results, fault.Limited)
	}
	close(w.block)
	wg.Wait()
	for range 32 {
		is(t, "within the bound", <-results, fault.Unauthenticated)
	}
}

// A wrapped signature is the contract's to judge even if a key of the address made it, and one of 65
// bytes by another key may be an owner's.
func TestContractWalletOrder(t *testing.T) {
	t.Parallel()
	owner := authtest.NewWallet(1)
	w := &wallets{accept: map[string]string{}}
	b := setup(t, auth.Options{Contracts: w})
	c := b.challengeFor(safeOn(t, "eip155:1"))
	sig := owner.Sign(c.Message)
	w.set(safe, sig[2:], nil)
	if _, err := b.Verify(t.Context(), tenant, origin, c.Message, sig); err != nil || w.called() != 1 {
		t.Errorf("an owner's signature: %v after %d calls", err, w.called())
	}
	c = b.challenge(owner, "eip155:1")
	wrapped := owner.Sign(c.Message) + hex.EncodeToString(bytes.Repeat([]byte{0x64, 0x92}, 16))
	_, err := b.Verify(t.Context(), tenant, origin, c.Message, wrapped)
	is(t, "a key's signature in a wrapper", err, fault.Unauthenticated)
	if w.called() != 2 {
		t.Error("the wrapper was not put to the contract")
	}
}

// Who controls a contract wallet changes, so it neither joins a person's wallets nor has any join it.
func TestContractWalletStandsAlone(t *testing.T) {
	t.Parallel()
	ctx, key := t.Context(), authtest.NewWallet(1)
	w := &wallets{accept: map[string]string{safe: "c0ffee"}}
	b := setup(t, auth.Options{Contracts: w})
	p := b.who(b.signIn(key, "eip155:1").AccessToken)
	c := b.challengeFor(safeOn(t, "eip155:1"))
	_, err := b.Link(ctx, p, origin, c.Message, "0xc0ffee")
	is(t, "linking a contract wallet", err, fault.Invalid)
	tokens, err := b.Verify(ctx, tenant, origin, c.Message, "0xc0ffee")
	if err != nil {
		t.Fatal(err)
	}
	q := b.who(tokens.AccessToken)
	other := authtest.NewWallet(2)
	c = b.challenge(other, "eip155:1")
	_, err = b.Link(ctx, q, origin, c.Message, other.Sign(c.Message))
	is(t, "linking to a contract wallet", err, fault.Forbidden)
	if err := b.Logout(ctx, p.SessionID); err != nil {
		t.Fatal(err)
	}
	_, err = b.Link(ctx, p, origin, c.Message, other.Sign(c.Message))
	is(t, "linking from a session that ended", err, fault.Unauthenticated)

	// An account with a key and a delegate (EIP-7702): what the delegate signs shows that wallet alone.
	p = b.who(b.signIn(key, "eip155:1").AccessToken)
	if _, err := b.Link(ctx, p, origin, c.Message, other.Sign(c.Message)); err != nil {
		t.Fatal(err)
	}
	w.set(key.Address, "de1e", nil)
	c = b.challenge(key, "eip155:1")
	if tokens, err = b.Verify(ctx, tenant, origin, c.Message, "0xde1e"); err != nil {
		t.Fatal(err)
	}
	if q := b.who(tokens.AccessToken); len(q.Accounts) != 1 || q.Accounts[0] != key.On("eip155:1") || q.UserID != p.UserID {
		t.Errorf("%+v", q)
	}
}
