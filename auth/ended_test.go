package auth_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
)

func TestSessionActive(t *testing.T) {
	t.Parallel()
	b := setup(t, auth.Options{})
	active := func(tenant, id string, want bool) {
		t.Helper()
		if got, err := b.SessionActive(t.Context(), tenant, id); got != want || err != nil {
			t.Errorf("SessionActive(%s, %s): %v, %v, want %v", tenant, id, got, err, want)
		}
	}
	first := b.who(b.signIn(authtest.NewWallet(1), "eip155:1").AccessToken)
	second := b.who(b.signIn(authtest.NewWallet(1), "eip155:1").AccessToken)
	active(tenant, first.SessionID, true)
	active("other", first.SessionID, false)
	active(tenant, "absent", false)
	if err := b.Logout(t.Context(), first.SessionID); err != nil {
		t.Fatal(err)
	}
	active(tenant, first.SessionID, false)
	active(tenant, second.SessionID, true)
	b.clock.Add(auth.DefaultSessionTTL + time.Second)
	active(tenant, second.SessionID, false)
}

type noSession struct{ auth.Store }

func (noSession) Session(context.Context, string, string) (auth.SessionRecord, error) {
	return auth.SessionRecord{}, fault.New(fault.Unavailable, "test", "down")
}

func TestSessionActiveOfAnOutageIsNoAnswer(t *testing.T) {
	t.Parallel()
	b := setupOn(t, noSession{authtest.NewMemory()}, auth.Options{})
	if active, err := b.SessionActive(t.Context(), tenant, "x"); active || !errors.Is(err, fault.Unavailable) {
		t.Errorf("SessionActive: %v, %v, want kind unavailable", active, err)
	}
}

func TestEndsAreToldToTheBus(t *testing.T) {
	t.Parallel()
	bus := event.NewMemory(event.Options{})
	events := make(chan event.Event, 8)
	cancel, err := bus.Subscribe(auth.SessionEnded, func(_ context.Context, e event.Event) error {
		events <- e
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	b := setup(t, auth.Options{Events: bus})
	told := func(what, wantTenant, want string) {
		t.Helper()
		if e := <-events; string(e.Data) != want || e.Tenant != wantTenant {
			t.Errorf("%s tells %s of tenant %q, want %s of %q", what, e.Data, e.Tenant, want, wantTenant)
		}
	}
	tokens := b.signIn(authtest.NewWallet(1), "eip155:1")
	p := b.who(tokens.AccessToken)
	if err := b.Logout(t.Context(), p.SessionID); err != nil {
		t.Fatal(err)
	}
	told("Logout", "", `{"session_id":"`+p.SessionID+`"}`)
	if err := b.LogoutAll(t.Context(), tenant, p.UserID); err != nil {
		t.Fatal(err)
	}
	told("LogoutAll", tenant, `{"user_id":"`+p.UserID+`"}`)
	// A refresh token that was used twice.
	tokens = b.signIn(authtest.NewWallet(1), "eip155:1")
	p = b.who(tokens.AccessToken)
	for range 2 {
		_, err = b.Refresh(t.Context(), tenant, tokens.RefreshToken)
	}
	if err == nil {
		t.Error("a refresh token was traded in twice")
	}
	told("a reuse", "", `{"session_id":"`+p.SessionID+`"}`)
	// A bus that is closed ends no logout.
	if err := bus.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.Logout(t.Context(), "absent"); err != nil {
		t.Errorf("Logout with a closed bus: %v", err)
	}
}
