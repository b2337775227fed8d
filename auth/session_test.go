package auth_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/fault"
)

func TestTokenShape(t *testing.T) {
	t.Parallel()
	b := setup(t, auth.Options{})
	tokens := b.signIn(authtest.NewWallet(1), "eip155:1")
	p := b.who(tokens.AccessToken)
	_, key, err := b.CreateAPIKey(t.Context(), tenant, p.UserID, "k")
	if err != nil {
		t.Fatal(err)
	}
	for prefix, token := range map[string]string{"sgat_": tokens.AccessToken, "sgrt_": tokens.RefreshToken, "sgk_": key} {
		raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(token, prefix))
		if !strings.HasPrefix(token, prefix) || err != nil || len(raw) != 32 {
			t.Errorf("%q: %d bytes, %v", token, len(raw), err)
		}
	}
}

func TestRefreshRotates(t *testing.T) {
	t.Parallel()
	b := setup(t, auth.Options{})
	t0 := b.signIn(authtest.NewWallet(1), "eip155:137")
	b.clock.Add(time.Minute)
	t1, err := b.Refresh(t.Context(), tenant, t0.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if t1.AccessToken == t0.AccessToken || t1.RefreshToken == t0.RefreshToken || t1.Account != t0.Account || !t1.ExpiresAt.Equal(t0.ExpiresAt.Add(time.Minute)) {
		t.Errorf("%+v then %+v", t0, t1)
	}
	p0, p1 := b.who(t0.AccessToken), b.who(t1.AccessToken)
	if p0.SessionID != p1.SessionID || p0.UserID != p1.UserID || !p0.ExpiresAt.Equal(t0.ExpiresAt) || !p1.ExpiresAt.Equal(t1.ExpiresAt) {
		t.Errorf("%+v then %+v", p0, p1)
	}
}

func TestRefreshReuseEndsTheFamily(t *testing.T) {
	t.Parallel()
	b := setup(t, auth.Options{})
	w := authtest.NewWallet(1)
	other := b.signIn(w, "eip155:1")
	t0 := b.signIn(w, "eip155:1")
	t1, err := b.Refresh(t.Context(), tenant, t0.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	t2, err := b.Refresh(t.Context(), tenant, t1.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	b.who(t2.AccessToken) // warms the cache
	_, err = b.Refresh(t.Context(), tenant, t0.RefreshToken)
	is(t, "the oldest, again", err, fault.Unauthenticated)
	for _, tokens := range []auth.Tokens{t0, t1, t2} {
		is(t, "access token of the family", b.authErr(tokens.AccessToken), fault.Unauthenticated)
		_, err := b.Refresh(t.Context(), tenant, tokens.RefreshToken)
		is(t, "refresh token of the family", err, fault.Unauthenticated)
	}
	b.who(other.AccessToken) // another session of the same user
}

func TestRefreshRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t, auth.Options{})
	tokens := b.signIn(authtest.NewWallet(1), "eip155:1")
	for name, token := range map[string]string{
		"nothing": "", "access token": tokens.AccessToken, "access token renamed": "sgrt_" + tokens.AccessToken[5:],
		"unknown": "sgrt_" + strings.Repeat("A", 43), "short": tokens.RefreshToken[:47], "long": tokens.RefreshToken + "A", "huge": strings.Repeat("A", 1<<20),
	} {
		_, err := b.Refresh(t.Context(), tenant, token)
		is(t, name, err, fault.Unauthenticated)
	}
	_, err := b.Refresh(t.Context(), "other", tokens.RefreshToken)
	is(t, "foreign tenant", err, fault.Unauthenticated)
	if _, err := b.Refresh(t.Context(), tenant, tokens.RefreshToken); err != nil {
		t.Fatal(err)
	}
}

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	b := setup(t, auth.Options{AccessTTL: time.Minute, RefreshTTL: time.Hour, SessionTTL: 90 * time.Minute})
	t0 := b.signIn(authtest.NewWallet(1), "eip155:1")
	b.who(t0.AccessToken)
	b.clock.Add(time.Minute - time.Second)
	b.who(t0.AccessToken)
	b.clock.Add(time.Second) // within the cache's two seconds
	is(t, "access token at its end", b.authErr(t0.AccessToken), fault.Unauthenticated)
	b.clock.Add(59*time.Minute - time.Second)
	t1, err := b.Refresh(t.Context(), tenant, t0.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	// The refreshed token would live another hour, but the session does not.
	b.clock.Add(30 * time.Minute)
	t2, err := b.Refresh(t.Context(), tenant, t1.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	if left := t2.ExpiresAt.Sub(b.clock.Now()); left > time.Second {
		t.Errorf("the last access token outlives the session by %v", left)
	}
	b.clock.Add(time.Second)
	is(t, "access token after the session", b.authErr(t2.AccessToken), fault.Unauthenticated)
	_, err = b.Refresh(t.Context(), tenant, t2.RefreshToken)
	is(t, "refresh token after the session", err, fault.Unauthenticated)
}

func TestRefreshTokenExpires(t *testing.T) {
	t.Parallel()
	b := setup(t, auth.Options{})
	tokens := b.signIn(authtest.NewWallet(1), "eip155:1")
	b.clock.Add(auth.DefaultRefreshTTL)
	_, err := b.Refresh(t.Context(), tenant, tokens.RefreshToken)
	is(t, "at its end", err, fault.Unauthenticated)
}

// refreshAtOnce presents one token n times at once and sorts the answers.
func refreshAtOnce(b *bench, token string, n int) (won []auth.Tokens, lost map[fault.Kind]int) {
	lost = map[fault.Kind]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	start := make(chan struct{})
	for range n {
		wg.Go(func() {
			<-start
			tokens, err := b.Refresh(b.t.Context(), tenant, token)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won = append(won, tokens)
			} else {
				lost[fault.KindOf(err)]++
			}
		})
	}
	close(start)
	wg.Wait()
	return won, lost
}

func TestParallelRefresh(t *testing.T) {
	t.Parallel()
	t.Run("strict", func(t *testing.T) {
		t.Parallel()
		b := setup(t, auth.Options{})
		t0 := b.signIn(authtest.NewWallet(1), "eip155:1")
		won, lost := refreshAtOnce(b, t0.RefreshToken, 50)
		if len(won) != 1 || lost[fault.Unauthenticated] != 49 {
			t.Fatalf("%d won, lost %v", len(won), lost)
		}
		is(t, "the family", b.authErr(won[0].AccessToken), fault.Unauthenticated)
	})
	t.Run("grace", func(t *testing.T) {
		t.Parallel()
		b := setup(t, auth.Options{RefreshGrace: 10 * time.Second})
		t0 := b.signIn(authtest.NewWallet(1), "eip155:1")
		won, lost := refreshAtOnce(b, t0.RefreshToken, 50)
		if len(won) != 1 || lost[fault.Conflict] != 49 {
			t.Fatalf("%d won, lost %v", len(won), lost)
		}
		b.who(won[0].AccessToken)
		b.clock.Add(10 * time.Second)
		_, err := b.Refresh(t.Context(), tenant, t0.RefreshToken)
		is(t, "at the end of the grace", err, fault.Conflict)
		b.clock.Add(time.Millisecond)
		_, err = b.Refresh(t.Context(), tenant, t0.RefreshToken)
		is(t, "after the grace", err, fault.Unauthenticated)
		is(t, "the family", b.authErr(won[0].AccessToken), fault.Unauthenticated)
	})
}

// hooked runs a function inside some of a store's calls, and counts reads.
type hooked struct {
	auth.Store
	beforeRotate, afterAccess, afterRefresh func()
	accesses                                atomic.Int64
}

func (h *hooked) Refresh(ctx context.Context, tenant string, token auth.Hash) (auth.RefreshRecord, error) {
	r, err := h.Store.Refresh(ctx, tenant, token)
	if h.afterRefresh != nil {
		h.afterRefresh()
	}
	return r, err
}

func (h *hooked) EndSession(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Unavailable, "hooked", err)
	}
	return h.Store.EndSession(ctx, id)
}

func (h *hooked) Rotate(ctx context.Context, tenant string, old auth.Hash, next auth.TokenPair, now time.Time) error {
	if h.beforeRotate != nil {
		h.beforeRotate()
	}
	return h.Store.Rotate(ctx, tenant, old, next, now)
}

func (h *hooked) Access(ctx context.Context, tenant string, token auth.Hash) (auth.AccessRecord, error) {
	h.accesses.Add(1)
	r, err := h.Store.Access(ctx, tenant, token)
	if h.afterAccess != nil {
		h.afterAccess()
	}
	return r, err
}

func TestRefreshWhileTheSessionEnds(t *testing.T) {
	t.Parallel()
	h := &hooked{Store: authtest.NewMemory()}
	b := setupOn(t, h, auth.Options{})
	tokens := b.signIn(authtest.NewWallet(1), "eip155:1")
	p := b.who(tokens.AccessToken)
	h.beforeRotate = func() { _ = b.Logout(context.Background(), p.SessionID) }
	_, err := b.Refresh(t.Context(), tenant, tokens.RefreshToken)
	is(t, "refresh", err, fault.Unauthenticated)
}

// A thief who hangs up after presenting a used token does not keep the session.
func TestReuseEndsTheFamilyOfWhoHangsUp(t *testing.T) {
	t.Parallel()
	h := &hooked{Store: authtest.NewMemory()}
	b := setupOn(t, h, auth.Options{})
	t0 := b.signIn(authtest.NewWallet(1), "eip155:1")
	t1, err := b.Refresh(t.Context(), tenant, t0.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	h.afterRefresh = cancel
	_, err = b.Refresh(ctx, tenant, t0.RefreshToken)
	is(t, "reuse", err, fault.Unauthenticated)
	is(t, "the family", b.authErr(t1.AccessToken), fault.Unauthenticated)
}

func TestLogoutIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, auth.Options{CacheTTL: time.Hour})
	w := authtest.NewWallet(1)
	gone, kept, foreign := b.signIn(w, "eip155:1"), b.signIn(w, "eip155:1"), b.signIn(authtest.NewWallet(2), "eip155:1")
	p := b.who(gone.AccessToken)
	b.who(kept.AccessToken)
	if err := b.Logout(t.Context(), p.SessionID); err != nil {
		t.Fatal(err)
	}
	is(t, "access token", b.authErr(gone.AccessToken), fault.Unauthenticated)
	_, err := b.Refresh(t.Context(), tenant, gone.RefreshToken)
	is(t, "refresh token", err, fault.Unauthenticated)
	b.who(kept.AccessToken)
	if err := b.Logout(t.Context(), p.SessionID); err != nil {
		t.Errorf("again: %v", err)
	}
	b.who(foreign.AccessToken)
	if err := b.LogoutAll(t.Context(), tenant, p.UserID); err != nil {
		t.Fatal(err)
	}
	is(t, "after LogoutAll", b.authErr(kept.AccessToken), fault.Unauthenticated)
	b.who(foreign.AccessToken)
}

// An answer read before a logout must not be remembered after it.
func TestLogoutDuringAuthenticate(t *testing.T) {
	t.Parallel()
	h := &hooked{Store: authtest.NewMemory()}
	b := setupOn(t, h, auth.Options{CacheTTL: time.Hour})
	token := b.signIn(authtest.NewWallet(1), "eip155:1").AccessToken
	rec, err := h.Store.Access(t.Context(), tenant, sha256.Sum256([]byte(token)))
	if err != nil {
		t.Fatal(err)
	}
	h.afterAccess = func() { _ = b.Logout(context.Background(), rec.Session.ID) }
	b.who(token) // was true when it was read
	is(t, "after the logout", b.authErr(token), fault.Unauthenticated)
}

func TestAuthenticateCache(t *testing.T) {
	t.Parallel()
	for ttl, reads := range map[time.Duration]int64{0: 2, -1: 4, time.Hour: 1} {
		h := &hooked{Store: authtest.NewMemory()}
		b := setupOn(t, h, auth.Options{CacheTTL: ttl})
		token := b.signIn(authtest.NewWallet(1), "eip155:1").AccessToken
		for range 2 {
			p := b.who(token)
			b.who(token)
			p.Accounts[0].Address = "spoilt by its owner"
			b.clock.Add(auth.DefaultCacheTTL)
		}
		if got := h.accesses.Load(); got != reads {
			t.Errorf("ttl %v: %d reads, want %d", ttl, got, reads)
		}
		if p := b.who(token); p.Accounts[0] != authtest.NewWallet(1).On("eip155:1") {
			t.Errorf("a caller changed the cache: %v", p.Accounts)
		}
		_, err := b.Authenticate(t.Context(), "other", token)
		is(t, "cached for one tenant, asked by another", err, fault.Unauthenticated)
	}
}

// More tokens than the cache holds are served all the same, and make room.
func TestAuthenticateCacheIsBounded(t *testing.T) {
	t.Parallel()
	h := &hooked{Store: authtest.NewMemory()}
	b := setupOn(t, h, auth.Options{CacheTTL: time.Hour})
	const n = 16384 + 10
	a := authtest.NewWallet(1).On("eip155:1")
	tokens := make([]string, n)
	for i := range tokens {
		var raw [32]byte
		binary.BigEndian.PutUint32(raw[:], uint32(i))
		tokens[i] = "sgat_" + base64.RawURLEncoding.EncodeToString(raw[:])
		nonce := tokens[i]
		now := b.clock.Now()
		err := h.AddChallenge(t.Context(), auth.ChallengeRecord{Tenant: tenant, Nonce: nonce, Account: a, ExpiresAt: now})
		if err != nil {
			t.Fatal(err)
		}
		s := auth.SessionRecord{ID: nonce, Tenant: tenant, UserID: "u", Account: a, EndsAt: now.Add(9 * time.Hour)}
		p := auth.TokenPair{Access: sha256.Sum256([]byte(tokens[i])), AccessExpiresAt: s.EndsAt}
		if _, err := h.SignIn(t.Context(), nonce, s, p); err != nil {
			t.Fatal(err)
		}
	}
	for _, token := range tokens {
		b.who(token)
	}
	b.who(tokens[n-1])
	b.who(tokens[0]) // had to go
	if got := h.accesses.Load(); got != n+1 {
		t.Errorf("%d reads, want %d", got, n+1)
	}
	b.clock.Add(2 * time.Hour) // all stale: the next ones take their place
	for _, token := range tokens {
		b.who(token)
	}
	b.who(tokens[n-1])
	if got := h.accesses.Load(); got != 2*n+1 {
		t.Errorf("%d reads, want %d", got, 2*n+1)
	}
}

func TestAuthenticateRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t, auth.Options{})
	tokens := b.signIn(authtest.NewWallet(1), "eip155:1")
	for name, token := range map[string]string{
		"nothing": "", "refresh token": tokens.RefreshToken, "refresh token renamed": "sgat_" + tokens.RefreshToken[5:], "as a key": "sgk_" + tokens.AccessToken[5:],
		"unknown": "sgat_" + strings.Repeat("A", 43), "no prefix": tokens.AccessToken[5:], "short": tokens.AccessToken[:47], "long": tokens.AccessToken + "A",
		"another case": strings.ToUpper(tokens.AccessToken), "huge": strings.Repeat("A", 1<<20), "NUL": "sgat_\x00",
	} {
		is(t, name, b.authErr(token), fault.Unauthenticated)
	}
}

// down is a store that does not answer.
type down struct{ auth.Store }

func (down) Access(context.Context, string, auth.Hash) (auth.AccessRecord, error) {
	return auth.AccessRecord{}, fault.Wrap(fault.Unavailable, "down", errors.New("no route"))
}

func TestOutageIsNotAnAnswer(t *testing.T) {
	t.Parallel()
	b := setupOn(t, down{authtest.NewMemory()}, auth.Options{})
	is(t, "authenticate", b.authErr(b.signIn(authtest.NewWallet(1), "eip155:1").AccessToken), fault.Unavailable)
}
