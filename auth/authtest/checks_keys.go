package authtest

import (
	"context"
	"errors"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/fault"
)

func apiKey(tenant, user, id string, at time.Time) auth.APIKeyRecord {
	return auth.APIKeyRecord{ID: id, Tenant: tenant, UserID: user, Name: "name of " + id, Secret: hash("key " + tenant + id), CreatedAt: at}
}

func apiKeys(ctx context.Context, st auth.Store) error {
	none, err := st.APIKeys(ctx, "t1", "u1")
	if err := first(err, want("before", len(none), 0)); err != nil {
		return err
	}
	late, a, b := apiKey("t1", "u1", "k0", epoch.Add(time.Second)), apiKey("t1", "u1", "k1", epoch), apiKey("t1", "u1", "k2", epoch)
	other, foreign := apiKey("t1", "u2", "k3", epoch), apiKey("t2", "u1", "k1", epoch)
	for _, k := range []auth.APIKeyRecord{late, b, a, other, foreign} {
		if err := st.AddAPIKey(ctx, k); err != nil {
			return err
		}
	}
	again := st.AddAPIKey(ctx, apiKey("t1", "u9", "k1", epoch))
	got, err := st.APIKey(ctx, "t1", a.Secret)
	_, elsewhere := st.APIKey(ctx, "t2", a.Secret)
	list, err2 := st.APIKeys(ctx, "t1", "u1")
	return first(wantKind("same id", again, fault.Conflict), err, want("key", got, a), wantKind("foreign tenant", elsewhere, fault.NotFound),
		err2, want("list", list, []auth.APIKeyRecord{a, b, late}))
}

func removeAPIKey(ctx context.Context, st auth.Store) error {
	k, other := apiKey("t1", "u1", "k1", epoch), apiKey("t1", "u1", "k2", epoch)
	if err := first(st.AddAPIKey(ctx, k), st.AddAPIKey(ctx, other)); err != nil {
		return err
	}
	notOwner, notTenant := st.RemoveAPIKey(ctx, "t1", "u2", "k1"), st.RemoveAPIKey(ctx, "t2", "u1", "k1")
	_, kept := st.APIKey(ctx, "t1", k.Secret)
	if err := first(wantKind("another user", notOwner, fault.NotFound), wantKind("another tenant", notTenant, fault.NotFound), kept,
		st.RemoveAPIKey(ctx, "t1", "u1", "k1")); err != nil {
		return err
	}
	_, gone := st.APIKey(ctx, "t1", k.Secret)
	list, err := st.APIKeys(ctx, "t1", "u1")
	return first(wantKind("removed", gone, fault.NotFound), wantKind("again", st.RemoveAPIKey(ctx, "t1", "u1", "k1"), fault.NotFound),
		err, want("the others", list, []auth.APIKeyRecord{other}))
}

func sweep(ctx context.Context, st auth.Store) error {
	w := NewWallet(1).On("eip155:1")
	if _, err := open(ctx, st, "t1", "a", w); err != nil {
		return err
	}
	long := challenge("t2", "long", w)
	long.ExpiresAt = epoch.Add(time.Minute + time.Millisecond)
	err := first(st.AddChallenge(ctx, challenge("t1", "short", w)), st.AddChallenge(ctx, long),
		st.Rotate(ctx, "t1", pair("a").Refresh, pair("b"), epoch), st.AddAPIKey(ctx, apiKey("t1", "u", "k", epoch)))
	early, err2 := st.Sweep(ctx, epoch.Add(time.Minute-time.Millisecond))
	// Now the short challenge and both access tokens expire.
	n, err3 := st.Sweep(ctx, epoch.Add(time.Minute))
	if err := first(err, err2, want("nothing yet", early, int64(0)), err3, want("removed", n, int64(3))); err != nil {
		return err
	}
	_, short := st.Challenge(ctx, "t1", "short")
	_, e1 := st.Challenge(ctx, "t2", "long")
	_, access := st.Access(ctx, "t1", pair("b").Access)
	used, e2 := st.Refresh(ctx, "t1", pair("a").Refresh)
	_, e3 := st.Refresh(ctx, "t1", pair("b").Refresh)
	_, e4 := st.APIKey(ctx, "t1", hash("key t1k"))
	var forgot error
	if used.UsedAt.IsZero() {
		forgot = errors.New("sweep forgot that a refresh token was used")
	}
	return first(wantKind("expired challenge", short, fault.NotFound), e1, wantKind("expired token", access, fault.NotFound), e2, e3, e4, forgot)
}

func sweepOrphan(ctx context.Context, st auth.Store) error {
	w := NewWallet(1).On("eip155:1")
	s, err := open(ctx, st, "t1", "a", w)
	if err != nil {
		return err
	}
	n, err := st.Sweep(ctx, epoch.Add(time.Hour)) // both tokens and with them the session
	if err := first(err, want("removed", n, int64(3))); err != nil {
		return err
	}
	// A session past its end goes whatever its tokens say.
	if _, err := open(ctx, st, "t1", "b", w); err != nil {
		return err
	}
	far := pair("far")
	far.AccessExpiresAt, far.RefreshExpires = s.EndsAt.Add(time.Hour), s.EndsAt.Add(time.Hour)
	if err := st.Rotate(ctx, "t1", pair("b").Refresh, far, epoch); err != nil {
		return err
	}
	if _, err := st.Sweep(ctx, s.EndsAt); err != nil {
		return err
	}
	_, e1 := st.Access(ctx, "t1", far.Access)
	_, e2 := st.Refresh(ctx, "t1", far.Refresh)
	return first(wantKind("access", e1, fault.NotFound), wantKind("refresh", e2, fault.NotFound))
}

func resolution(ctx context.Context, st auth.Store) error {
	c := challenge("t1", "n", NewWallet(1).On("eip155:1"))
	c.ExpiresAt = epoch.Add(time.Millisecond)
	if err := st.AddChallenge(ctx, c); err != nil {
		return err
	}
	got, err := st.Challenge(ctx, "t1", "n")
	return first(err, want("expiry", got.ExpiresAt.Equal(c.ExpiresAt), true))
}
