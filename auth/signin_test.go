package auth_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/auth/siwe"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
)

func TestChallengeMessage(t *testing.T) {
	t.Parallel()
	b := setup(t, auth.Options{})
	c := b.challenge(authtest.NewWallet(1), "eip155:137")
	want := `video.example wants you to sign in with your Ethereum account:
0x2B5AD5c4795c026514f8317c7a215E218DcCD6cF

Sign in with your wallet. This is free and sends no transaction.

URI: https://video.example/
Version: 1
Chain ID: 137
Nonce: ` + c.Nonce + `
Issued At: 2026-05-04T03:02:01.009Z
Expiration Time: 2026-05-04T03:07:01.009Z`
	if c.Message != want {
		t.Errorf("got %s", c.Message)
	}
	if !c.ExpiresAt.Equal(time.Date(2026, 5, 4, 3, 7, 1, 9e6, time.UTC)) {
		t.Error(c.ExpiresAt)
	}
	other := b.challenge(authtest.NewWallet(1), "eip155:137")
	if raw, err := hex.DecodeString(c.Nonce); err != nil || len(raw) < 12 || c.Nonce == other.Nonce {
		t.Errorf("nonces %q and %q", c.Nonce, other.Nonce)
	}
}

func TestChallengeOrigins(t *testing.T) {
	t.Parallel()
	b := setup(t, auth.Options{})
	for in, domain := range map[string]string{
		"https://video.example": "video.example", "https://video.example:443": "video.example", "http://video.example:80": "video.example",
		"https://video.example:80": "video.example:80", "http://localhost:8080": "localhost:8080", "HTTP://LocalHost:8080": "localhost:8080",
		"http://127.0.0.1:1": "127.0.0.1:1", "https://[::1]:8443": "[::1]:8443", "https://xn--bcher-kva.example": "xn--bcher-kva.example",
	} {
		c, err := b.Challenge(t.Context(), tenant, in, authtest.NewWallet(1).On("eip155:1"))
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		m, err := siwe.Parse([]byte(c.Message))
		if err != nil || m.Domain != domain || !strings.HasSuffix(m.URI, "://"+domain+"/") {
			t.Errorf("%s: %+v, %v", in, m, err)
		}
	}
	for _, in := range []string{
		"", "video.example", "//video.example", "ftp://video.example", "https://", "https://:443", "https://video.example/", "https://video.example/a",
		"https://video.example?a", "https://video.example?", "https://video.example#", "https://me@video.example", "https://video.example:http",
		"https://b\u00fccher.example", "https://a b", "https://a%20b", "javascript:alert(1)", "null", "https://a\nb", "https://a$b", "https://[::1%25eth0]",
	} {
		_, err := b.Challenge(t.Context(), tenant, in, authtest.NewWallet(1).On("eip155:1"))
		is(t, "challenge for "+in, err, fault.Invalid)
		_, err = b.Verify(t.Context(), tenant, in, "", "")
		is(t, "verify for "+in, err, fault.Invalid)
	}
}

func TestChallengeAccounts(t *testing.T) {
	t.Parallel()
	b := setup(t, auth.Options{Chains: []caip.ChainID{{Namespace: "eip155", Reference: "1"}, {Namespace: "eip155", Reference: "137"}}})
	w := authtest.NewWallet(1)
	b.challenge(w, "eip155:137")
	solana, err := caip.ParseAccountID("solana:mainnet:7S3P4HxJpyyigGzodYwHtCxZyUQe9JiBMHyRWXArAaKv")
	if err != nil {
		t.Fatal(err)
	}
	eip155 := caip.ChainID{Namespace: "eip155", Reference: "1"}
	for name, tc := range map[string]struct {
		account caip.AccountID
		kind    fault.Kind
	}{
		"chain that is not accepted": {w.On("eip155:10"), fault.Invalid},
		"Solana":                     {solana, fault.Invalid},
		"Bitcoin":                    {caip.AccountID{Chain: caip.ChainID{Namespace: "bip122", Reference: "000000000019d6689c085ae165831e93"}, Address: "a"}, fault.Unsupported},
		"a Solana key of 31 bytes":   {caip.AccountID{Chain: solana.Chain, Address: strings.Repeat("1", 31)}, fault.Invalid},
		"nothing":                    {caip.AccountID{}, fault.Unsupported},
		"not canonical":              {caip.AccountID{Chain: eip155, Address: caip.ChecksumEVM(w.Address)}, fault.Invalid},
		"no address":                 {caip.AccountID{Chain: eip155, Address: "0x"}, fault.Invalid},
		"bad reference":              {caip.AccountID{Chain: caip.ChainID{Namespace: "eip155", Reference: "01"}, Address: w.Address}, fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := b.Challenge(t.Context(), tenant, origin, tc.account)
			is(t, name, err, tc.kind)
			if _, fields, _ := fault.Public(err); len(fields) != 1 || fields[0].Pointer != "/account" {
				t.Errorf("fields %v", fields)
			}
		})
	}
}

func TestChallengeStatement(t *testing.T) {
	t.Parallel()
	c := setup(t, auth.Options{Statement: "Hello."}).challenge(authtest.NewWallet(1), "eip155:1")
	if !strings.Contains(c.Message, "\n\nHello.\n\n") {
		t.Error(c.Message)
	}
	_, err := setup(t, auth.Options{Statement: "Gr\u00fc\u00dfe"}).Challenge(t.Context(), tenant, origin, authtest.NewWallet(1).On("eip155:1"))
	is(t, "a statement the standard forbids", err, fault.Internal)
}

func TestChallengePace(t *testing.T) {
	t.Parallel()
	b := setup(t, auth.Options{})
	ask := func(tenant string, w authtest.Wallet, chain string) error {
		_, err := b.Challenge(t.Context(), tenant, origin, w.On(chain))
		return err
	}
	w := authtest.NewWallet(1)
	for i := range 30 {
		if err := ask(tenant, w, fmt.Sprintf("eip155:%d", i+1)); err != nil { // one address, whatever the chain
			t.Fatal(i, err)
		}
	}
	err := ask(tenant, w, "eip155:1")
	is(t, "the 31st", err, fault.Limited)
	if _, _, retry := fault.Public(err); retry != time.Second {
		t.Errorf("retry after %v", retry)
	}
	if err := errors.Join(ask(tenant, authtest.NewWallet(2), "eip155:1"), ask("other", w, "eip155:1")); err != nil {
		t.Errorf("another account, another tenant: %v", err)
	}
	b.clock.Add(time.Second)
	if err := ask(tenant, w, "eip155:1"); err != nil {
		t.Error(err)
	}
	is(t, "the next", ask(tenant, w, "eip155:1"), fault.Limited)

	// The memory is bounded: a flood of accounts makes room instead of growing it.
	// Those that have been idle go first; when none has, all go.
	for _, idle := range []time.Duration{2 * time.Second, 0} {
		for i := range 17000 {
			a := caip.AccountID{Chain: w.On("eip155:1").Chain, Address: fmt.Sprintf("0x%040x", i)}
			if _, err := b.Challenge(t.Context(), tenant, origin, a); err != nil {
				t.Fatal(err)
			}
			if i == 8000 {
				b.clock.Add(idle)
			}
		}
		if idle > 0 {
			if err := errors.Join(ask(tenant, w, "eip155:1"), ask(tenant, w, "eip155:1")); err != nil {
				t.Errorf("after %v: %v", idle, err)
			}
			is(t, "the bucket of a busy account survives the flood", ask(tenant, w, "eip155:1"), fault.Limited)
		}
	}
	if err := ask(tenant, w, "eip155:1"); err != nil {
		t.Errorf("after a flood without idle accounts: %v", err)
	}
}

// recompose returns the issued message with one piece replaced.
func recompose(t *testing.T, message, old, new string) string {
	t.Helper()
	if strings.Count(message, old) != 1 {
		t.Fatalf("%q is not in the message once", old)
	}
	return strings.Replace(message, old, new, 1)
}

// Each attempt is rightly signed; it is what was signed that is wrong.
func TestVerifyRefusesWhatWasNotIssued(t *testing.T) {
	t.Parallel()
	w := authtest.NewWallet(1)
	for name, tc := range map[string]struct {
		old, new string
		kind     fault.Kind
	}{
		"domain":          {"video.example wants", "evil.example wants", fault.Unauthenticated},
		"domain's case":   {"video.example wants", "Video.example wants", fault.Unauthenticated},
		"port":            {"video.example wants", "video.example:443 wants", fault.Unauthenticated},
		"userinfo":        {"video.example wants", "me@video.example wants", fault.Unauthenticated},
		"scheme":          {"video.example wants", "https://video.example wants", fault.Unauthenticated},
		"URI host":        {"URI: https://video.example/", "URI: https://evil.example/", fault.Unauthenticated},
		"URI scheme":      {"URI: https://video.example/", "URI: http://video.example/", fault.Unauthenticated},
		"URI path":        {"URI: https://video.example/", "URI: https://video.example/a", fault.Unauthenticated},
		"statement":       {"This is free", "This is very free", fault.Unauthenticated},
		"no statement":    {"Sign in with your wallet. This is free and sends no transaction.\n", "", fault.Unauthenticated},
		"chain":           {"Chain ID: 1", "Chain ID: 137", fault.Unauthenticated},
		"issued at":       {"Issued At: 2026-05-04T03:02:01.009Z", "Issued At: 2026-05-04T03:02:01.010Z", fault.Unauthenticated},
		"time's spelling": {"Issued At: 2026-05-04T03:02:01.009Z", "Issued At: 2026-05-04T03:02:01.009+00:00", fault.Unauthenticated},
		"later expiry":    {"Expiration Time: 2026-05-04T03:07", "Expiration Time: 2027-05-04T03:07", fault.Unauthenticated},
		"no expiry":       {"\nExpiration Time: 2026-05-04T03:07:01.009Z", "", fault.Unauthenticated},
		"past expiry":     {"Expiration Time: 2026", "Expiration Time: 2025", fault.Unauthenticated},
		"not before":      {"03:07:01.009Z", "03:07:01.009Z\nNot Before: 2026-05-04T03:02:01Z", fault.Unauthenticated},
		"resources":       {"03:07:01.009Z", "03:07:01.009Z\nResources:", fault.Unauthenticated},
		"line feed":       {"03:07:01.009Z", "03:07:01.009Z\n", fault.Invalid},
		"stray line":      {"Version: 1", "Version: 1\nAdmin: yes", fault.Invalid},
		"CRLF":            {"Version: 1\n", "Version: 1\r\n", fault.Invalid},
		"not ASCII":       {"This is free", "This is fr\u00e9e", fault.Invalid},
		"too long":        {"This is free", strings.Repeat("a", siwe.MaxMessage), fault.TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, auth.Options{})
			c := b.challenge(w, "eip155:1")
			message := recompose(t, c.Message, tc.old, tc.new)
			tokens, err := b.Verify(t.Context(), tenant, origin, message, w.Sign(message))
			is(t, name, err, tc.kind)
			if tokens != (auth.Tokens{}) {
				t.Error("tokens beside an error")
			}
			// The attempt cost the issued message nothing.
			if _, err := b.Verify(t.Context(), tenant, origin, c.Message, w.Sign(c.Message)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestVerifyRefusesForeignNonces(t *testing.T) {
	t.Parallel()
	b := setup(t, auth.Options{})
	w, ctx := authtest.NewWallet(1), t.Context()
	c := b.challenge(w, "eip155:1")
	sig := w.Sign(c.Message)

	made := recompose(t, c.Message, c.Nonce, strings.Repeat("ab", 16))
	_, err := b.Verify(ctx, tenant, origin, made, w.Sign(made))
	is(t, "nonce of the client's own", err, fault.Unauthenticated)
	_, err = b.Verify(ctx, "other", origin, c.Message, sig)
	is(t, "foreign tenant", err, fault.Unauthenticated)
	_, err = b.Verify(ctx, tenant, "https://evil.example", c.Message, sig)
	is(t, "foreign origin", err, fault.Unauthenticated)
	_, err = b.Verify(ctx, tenant, "http://video.example", c.Message, sig)
	is(t, "same host, other scheme", err, fault.Unauthenticated)

	mallory := authtest.NewWallet(2)
	_, err = b.Verify(ctx, tenant, origin, c.Message, mallory.Sign(c.Message))
	is(t, "another's message", err, fault.Unauthenticated)
	swapped := recompose(t, c.Message, caip.ChecksumEVM(w.Address), caip.ChecksumEVM(mallory.Address))
	_, err = b.Verify(ctx, tenant, origin, swapped, mallory.Sign(swapped))
	is(t, "another's nonce", err, fault.Unauthenticated)

	if _, err := b.Verify(ctx, tenant, origin, c.Message, sig); err != nil {
		t.Fatal(err)
	}
	_, err = b.Verify(ctx, tenant, origin, c.Message, sig)
	is(t, "reused", err, fault.Unauthenticated)
}

func TestVerifyExpiry(t *testing.T) {
	t.Parallel()
	w := authtest.NewWallet(1)
	for after, ok := range map[time.Duration]bool{auth.DefaultChallengeTTL - time.Millisecond: true, auth.DefaultChallengeTTL: false} {
		b := setup(t, auth.Options{})
		c := b.challenge(w, "eip155:1")
		b.clock.Add(after)
		_, err := b.Verify(t.Context(), tenant, origin, c.Message, w.Sign(c.Message))
		if ok && err != nil {
			t.Errorf("after %v: %v", after, err)
		}
		if !ok {
			is(t, "expired", err, fault.Unauthenticated)
		}
	}
}

// The stored expiry counts too, even when the message claims more.
func TestVerifyStoredExpiry(t *testing.T) {
	t.Parallel()
	b := setup(t, auth.Options{})
	w := authtest.NewWallet(1)
	c := b.challenge(w, "eip155:1")
	rec, err := b.store.Challenge(t.Context(), tenant, c.Nonce)
	if err != nil {
		t.Fatal(err)
	}
	rec.Nonce, rec.ExpiresAt = strings.Repeat("cd", 16), b.clock.Now().Truncate(time.Millisecond)
	rec.Message = recompose(t, rec.Message, c.Nonce, rec.Nonce)
	if err := b.store.AddChallenge(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	_, err = b.Verify(t.Context(), tenant, origin, rec.Message, w.Sign(rec.Message))
	is(t, "expired in the store", err, fault.Unauthenticated)
}

func TestVerifyChainNoLongerAccepted(t *testing.T) {
	t.Parallel()
	b, w := setup(t, auth.Options{}), authtest.NewWallet(1)
	c := b.challenge(w, "eip155:10")
	after := setupOn(t, b.store, auth.Options{Chains: []caip.ChainID{{Namespace: "eip155", Reference: "1"}}})
	_, err := after.Verify(t.Context(), tenant, origin, c.Message, w.Sign(c.Message))
	is(t, "after the change", err, fault.Unauthenticated)
}

// Whatever is sent as a signature, the answer has the right kind and the nonce
// outlives it.
func TestVerifyBadSignatures(t *testing.T) {
	t.Parallel()
	b, w := setup(t, auth.Options{}), authtest.NewWallet(1)
	c := b.challenge(w, "eip155:1")
	good, err := siwe.DecodeSignature(w.Sign(c.Message))
	if err != nil {
		t.Fatal(err)
	}
	long := hex.EncodeToString(bytes.Repeat(good, 4))
	for n := range 201 {
		for _, s := range []string{"0x" + long[:2*n], long[:2*n], strings.Repeat("\xff", n)} {
			if n != siwe.SignatureSize || s[:2] != "0x" {
				_, err := b.Verify(t.Context(), tenant, origin, c.Message, s)
				is(t, fmt.Sprintf("%d bytes", n), err, fault.Invalid)
			}
		}
	}
	var s secp256k1.ModNScalar
	s.SetByteSlice(good[32:64])
	neg := s.Negate().Bytes()
	twin := append(append(bytes.Clone(good[:32]), neg[:]...), 55-good[64])
	_, err = b.Verify(t.Context(), tenant, origin, c.Message, "0x"+hex.EncodeToString(twin))
	is(t, "high-s twin", err, fault.Invalid)
	for v := range 256 {
		if v != 0 && v != 1 && v != 27 && v != 28 {
			bad := append(bytes.Clone(good[:64]), byte(v))
			_, err := b.Verify(t.Context(), tenant, origin, c.Message, "0x"+hex.EncodeToString(bad))
			is(t, fmt.Sprint("v ", v), err, fault.Invalid)
		}
	}
	if _, err := b.Verify(t.Context(), tenant, origin, c.Message, "0x"+hex.EncodeToString(good)); err != nil {
		t.Fatal(err)
	}
}

// One changed byte anywhere, in the signature or the message, signs nobody in.
func TestVerifyEveryByte(t *testing.T) {
	t.Parallel()
	b, w := setup(t, auth.Options{}), authtest.NewWallet(1)
	var c auth.Challenge
	var good []byte
	fresh := func() {
		b.clock.Add(time.Second)
		c = b.challenge(w, "eip155:1")
		good, _ = siwe.DecodeSignature(w.Sign(c.Message))
	}
	for i := range siwe.SignatureSize {
		fresh() // so that MaxFailures is not what refuses
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if _, err := b.Verify(t.Context(), tenant, origin, c.Message, "0x"+hex.EncodeToString(bad)); !errors.Is(err, fault.Unauthenticated) && !errors.Is(err, fault.Invalid) {
			t.Errorf("byte %d of the signature: %v", i, err)
		}
	}
	fresh()
	for i := range len(c.Message) {
		bad := []byte(c.Message)
		bad[i] ^= 1
		if _, err := b.Verify(t.Context(), tenant, origin, string(bad), "0x"+hex.EncodeToString(good)); !errors.Is(err, fault.Unauthenticated) && !errors.Is(err, fault.Invalid) {
			t.Errorf("byte %d of the message: %v", i, err)
		}
	}
	if _, err := b.Verify(t.Context(), tenant, origin, c.Message, "0x"+hex.EncodeToString(good)); err != nil {
		t.Fatal(err)
	}
}

func TestUsers(t *testing.T) {
	t.Parallel()
	b, w := setup(t, auth.Options{}), authtest.NewWallet(1)
	p1 := b.who(b.signIn(w, "eip155:1").AccessToken)
	p2 := b.who(b.signIn(w, "eip155:137").AccessToken)
	p3 := b.who(b.signIn(authtest.NewWallet(2), "eip155:1").AccessToken)
	if p1.UserID == "" || p1.UserID != p2.UserID || p1.UserID == p3.UserID || p1.SessionID == p2.SessionID {
		t.Errorf("users %q %q %q, sessions %q %q", p1.UserID, p2.UserID, p3.UserID, p1.SessionID, p2.SessionID)
	}
	if len(p1.Accounts) != 1 || p1.Accounts[0] != w.On("eip155:1") || len(p2.Accounts) != 1 || p2.Accounts[0] != w.On("eip155:137") {
		t.Errorf("accounts %v %v", p1.Accounts, p2.Accounts)
	}
	if want := b.clock.Now().UTC().Truncate(time.Millisecond).Add(auth.DefaultAccessTTL); !p1.ExpiresAt.Equal(want) || p1.Tenant != tenant || p1.APIKey != "" {
		t.Errorf("got %+v", p1)
	}
	c, err := b.Challenge(t.Context(), "other", origin, w.On("eip155:1"))
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := b.Verify(t.Context(), "other", origin, c.Message, w.Sign(c.Message))
	if err != nil {
		t.Fatal(err)
	}
	p4, err := b.Authenticate(t.Context(), "other", tokens.AccessToken)
	if err != nil || p4.UserID == p1.UserID || p4.Tenant != "other" {
		t.Errorf("in another tenant: %+v, %v", p4, err)
	}
}

func TestLink(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, auth.Options{}), t.Context()
	w1, w2, w3 := authtest.NewWallet(1), authtest.NewWallet(2), authtest.NewWallet(3)
	token := b.signIn(w1, "eip155:1").AccessToken
	p := b.who(token)
	c := b.challenge(w2, "eip155:137")
	_, err := b.Link(ctx, p, origin, c.Message, w1.Sign(c.Message))
	is(t, "signed by the wrong wallet", err, fault.Unauthenticated)
	got, err := b.Link(ctx, p, origin, c.Message, w2.Sign(c.Message))
	if err != nil || got != w2.On("eip155:137") {
		t.Fatal(got, err)
	}
	if p := b.who(token); len(p.Accounts) != 2 || p.Accounts[0] != w1.On("eip155:1") || p.Accounts[1] != got {
		t.Errorf("the cached principal is old: %v", p.Accounts)
	}
	if q := b.who(b.signIn(w2, "eip155:1").AccessToken); q.UserID != p.UserID || q.Accounts[0] != w2.On("eip155:1") || len(q.Accounts) != 2 {
		t.Errorf("signed in by the linked wallet: %+v", q)
	}
	_, err = b.Link(ctx, p, origin, c.Message, w2.Sign(c.Message))
	is(t, "reused nonce", err, fault.Unauthenticated)

	b.signIn(w3, "eip155:1")
	c = b.challenge(w3, "eip155:1")
	_, err = b.Link(ctx, p, origin, c.Message, w3.Sign(c.Message))
	is(t, "another user's wallet", err, fault.Conflict)
	_, secret, err := b.CreateAPIKey(ctx, tenant, p.UserID, "k")
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Link(ctx, b.who(secret), origin, c.Message, w3.Sign(c.Message))
	is(t, "by an API key", err, fault.Forbidden)
}
