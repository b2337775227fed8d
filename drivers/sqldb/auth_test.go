package sqldb

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/fault"
)

func TestAuthStore(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, open func(testing.TB) *DB) {
		authtest.Run(t, func(t *testing.T) auth.Store { return open(t).Auth() })
	})
}

func TestAuthSignsIn(t *testing.T) {
	t.Parallel()
	onEach(t, authSignsIn)
}

func authSignsIn(t *testing.T, open func(testing.TB) *DB) {
	ctx := t.Context()
	svc := auth.New(open(t).Auth(), auth.Options{})
	w := authtest.NewWallet(7)
	c, err := svc.Challenge(ctx, "default", "https://a.example", w.On("eip155:1"))
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := svc.Verify(ctx, "default", "https://a.example", c.Message, w.Sign(c.Message))
	if err != nil {
		t.Fatal(err)
	}
	p, err := svc.Authenticate(ctx, "default", tokens.AccessToken)
	if err != nil || p.Accounts[0] != w.On("eip155:1") {
		t.Fatalf("got %+v, %v", p, err)
	}
	next, err := svc.Refresh(ctx, "default", tokens.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := svc.Refresh(ctx, "default", tokens.RefreshToken); !errors.Is(err, fault.Unauthenticated) {
		t.Fatalf("reuse: got %v", err)
	}
	if _, err := svc.Authenticate(ctx, "default", next.AccessToken); !errors.Is(err, fault.Unauthenticated) {
		t.Fatalf("after reuse: got %v", err)
	}
}

// Challenge, verify and their two durable writes, on a file.
func BenchmarkAuthSignIn(b *testing.B) { benchEach(b, signIn) }

func signIn(b *testing.B, db *DB) {
	now := time.Now()
	svc := auth.New(db.Auth(), auth.Options{Now: func() time.Time { return now }})
	w := authtest.NewWallet(1)
	for b.Loop() {
		now = now.Add(time.Second) // the pace for one account
		c, err := svc.Challenge(b.Context(), "default", "https://a.example", w.On("eip155:1"))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := svc.Verify(b.Context(), "default", "https://a.example", c.Message, w.Sign(c.Message)); err != nil {
			b.Fatal(err)
		}
	}
}

// A token that is not in the cache costs two reads.
func BenchmarkAuthenticateCold(b *testing.B) { benchEach(b, authenticateCold) }

func authenticateCold(b *testing.B, db *DB) {
	svc, w := auth.New(db.Auth(), auth.Options{CacheTTL: -1}), authtest.NewWallet(1)
	c, err := svc.Challenge(b.Context(), "default", "https://a.example", w.On("eip155:1"))
	if err != nil {
		b.Fatal(err)
	}
	tokens, err := svc.Verify(b.Context(), "default", "https://a.example", c.Message, w.Sign(c.Message))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := svc.Authenticate(b.Context(), "default", tokens.AccessToken); err != nil {
			b.Fatal(err)
		}
	}
}

// A database that is gone must never look like an answer about a token.
func TestAuthUnavailable(t *testing.T) {
	t.Parallel()
	onEach(t, authUnavailable)
}

func authUnavailable(t *testing.T, open func(testing.TB) *DB) {
	db := open(t)
	svc, w := auth.New(db.Auth(), auth.Options{}), authtest.NewWallet(1)
	c, err := svc.Challenge(t.Context(), "default", "https://a.example", w.On("eip155:1"))
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := svc.Verify(t.Context(), "default", "https://a.example", c.Message, w.Sign(c.Message))
	if err != nil {
		t.Fatal(err)
	}
	db.Close()
	ctx := context.Background()
	id, secret, keyErr := svc.CreateAPIKey(ctx, "default", "u", "n")
	_, challenge := svc.Challenge(ctx, "default", "https://a.example", w.On("eip155:1"))
	_, verify := svc.Verify(ctx, "default", "https://a.example", c.Message, w.Sign(c.Message))
	_, refresh := svc.Refresh(ctx, "default", tokens.RefreshToken)
	_, authenticate := svc.Authenticate(ctx, "default", tokens.AccessToken)
	_, sweep := svc.Sweep(ctx)
	for name, err := range map[string]error{
		"create key": keyErr, "challenge": challenge, "verify": verify, "refresh": refresh, "authenticate": authenticate,
		"logout": svc.Logout(ctx, "s"), "logout all": svc.LogoutAll(ctx, "default", "u"), "revoke": svc.RevokeAPIKey(ctx, "default", "u", "k"), "sweep": sweep,
	} {
		if !errors.Is(err, fault.Unavailable) {
			t.Errorf("%s: got %v, want unavailable", name, err)
		}
	}
	if id != "" || secret != "" {
		t.Error("a key was handed out that is not stored")
	}
}
