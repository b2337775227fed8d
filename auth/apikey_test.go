package auth_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/fault"
)

func TestAPIKeys(t *testing.T) {
	t.Parallel()
	b, ctx := setup(t, auth.Options{CacheTTL: time.Hour}), t.Context()
	user := b.who(b.signIn(authtest.NewWallet(1), "eip155:1").AccessToken).UserID
	id1, secret1, err := b.CreateAPIKey(ctx, tenant, user, "first")
	if err != nil {
		t.Fatal(err)
	}
	b.clock.Add(time.Second)
	id2, secret2, err := b.CreateAPIKey(ctx, tenant, user, "second")
	if err != nil {
		t.Fatal(err)
	}
	p := b.who(secret1)
	if p.UserID != user || p.Tenant != tenant || p.APIKey != id1 || p.SessionID != "" || len(p.Accounts) != 0 || !p.ExpiresAt.IsZero() {
		t.Errorf("got %+v", p)
	}
	b.clock.Add(1000 * 24 * time.Hour)
	b.who(secret1) // a key has no end
	list, err := b.ListAPIKeys(ctx, tenant, user)
	if err != nil || len(list) != 2 || list[0].ID != id1 || list[0].Name != "first" || list[1].ID != id2 || !list[1].CreatedAt.Equal(list[0].CreatedAt.Add(time.Second)) {
		t.Errorf("got %+v, %v", list, err)
	}
	if other, err := b.ListAPIKeys(ctx, "other", user); err != nil || len(other) != 0 {
		t.Errorf("in another tenant: %v, %v", other, err)
	}
	_, err = b.Authenticate(ctx, "other", secret1)
	is(t, "in another tenant", err, fault.Unauthenticated)

	is(t, "revoked by another user", b.RevokeAPIKey(ctx, tenant, "usr_other", id1), fault.NotFound)
	is(t, "revoked in another tenant", b.RevokeAPIKey(ctx, "other", user, id1), fault.NotFound)
	b.who(secret1)
	if err := b.RevokeAPIKey(ctx, tenant, user, id1); err != nil {
		t.Fatal(err)
	}
	is(t, "revoked", b.authErr(secret1), fault.Unauthenticated)
	is(t, "revoked again", b.RevokeAPIKey(ctx, tenant, user, id1), fault.NotFound)
	b.who(secret2)
	if err := b.LogoutAll(ctx, tenant, user); err != nil {
		t.Fatal(err)
	}
	b.who(secret2) // a key is no session
}

func TestAPIKeyNames(t *testing.T) {
	t.Parallel()
	b := setup(t, auth.Options{})
	for _, name := range []string{"", strings.Repeat("a", 101), "a\nb", "a\x00", "\x7f", "\xff"} {
		id, secret, err := b.CreateAPIKey(t.Context(), tenant, "u", name)
		is(t, fmt.Sprintf("name %q", name), err, fault.Invalid)
		if id != "" || secret != "" {
			t.Error("a key beside an error")
		}
	}
	for _, name := range []string{"a", strings.Repeat("\u00fc", 100), "CI / nightly"} {
		if _, _, err := b.CreateAPIKey(t.Context(), tenant, "u", name); err != nil {
			t.Errorf("name %q: %v", name, err)
		}
	}
}

func TestAPIKeysAreBounded(t *testing.T) {
	t.Parallel()
	b := setup(t, auth.Options{})
	for range auth.MaxAPIKeys {
		if _, _, err := b.CreateAPIKey(t.Context(), tenant, "u", "k"); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err := b.CreateAPIKey(t.Context(), tenant, "u", "k")
	is(t, "one too many", err, fault.Limited)
	if _, _, err := b.CreateAPIKey(t.Context(), tenant, "v", "k"); err != nil {
		t.Errorf("another user: %v", err)
	}
}
