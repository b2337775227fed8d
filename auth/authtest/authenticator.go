package authtest

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/suite"
)

// SignedIn is what a fixture of RunAuthenticator has made: a user of a tenant with a session and
// an API key.
type SignedIn struct {
	Tenant       string
	Access       string // token of the session
	APIKey       string // secret of the key
	WantAccess   auth.Principal
	WantAPIKey   auth.Principal
	RefreshToken string // good for something else
}

// AuthenticatorFixture is an auth.Authenticator under test.
type AuthenticatorFixture struct {
	Authenticator auth.Authenticator
	SignedIn
	// Logout ends the session.
	Logout func(ctx context.Context) error
	// Break has the records out of reach from now on.
	Break func(ctx context.Context) error
}

// NewAuthenticator returns a fixture of its own for one check, which ends with t.Cleanup.
type NewAuthenticator = func(t testing.TB) AuthenticatorFixture

// RunAuthenticator checks that what newAuthenticator makes keeps the promises of auth.Authenticator.
func RunAuthenticator(t *testing.T, newAuthenticator NewAuthenticator) {
	suite.Run(t, authenticatorChecks(), newAuthenticator)
}

// FailingAuthenticator returns the names of the checks that do not pass, without failing t.
func FailingAuthenticator(t *testing.T, newAuthenticator NewAuthenticator) []string {
	return suite.Failing(t, authenticatorChecks(), newAuthenticator)
}

func authenticatorChecks() []suite.Check[NewAuthenticator] {
	return []suite.Check[NewAuthenticator]{
		{Name: "a token names its holder", Run: namesHolder},
		{Name: "what is no token is refused", Run: refusesOthers},
		{Name: "a session that ended is refused", Run: refusesEnded},
		{Name: "records out of reach are no answer", Run: recordsAway},
		{Name: "callers own the result", Run: callersOwn},
		{Name: "an ended context", Run: endedContext},
		{Name: "callers together do not mix", Run: callersTogether},
	}
}

func namesHolder(t testing.TB, newAuthenticator NewAuthenticator) {
	f := newAuthenticator(t)
	for token, want := range map[string]auth.Principal{f.Access: f.WantAccess, f.APIKey: f.WantAPIKey} {
		p, err := f.Authenticator.Authenticate(t.Context(), f.Tenant, token)
		if err != nil || !reflect.DeepEqual(p, want) {
			t.Errorf("the token is said to be of %+v, %v, want %+v", p, err, want)
		}
	}
}

func refusesOthers(t testing.TB, newAuthenticator NewAuthenticator) {
	f := newAuthenticator(t)
	for what, token := range map[string]string{
		"nothing": "", "noise": "noise", "no text": "sgat_\xff\xfe", "a long token": "sgat_" + strings.Repeat("x", 1<<20), "a refresh token": f.RefreshToken,
		"a guess": "sgat_" + strings.Repeat("A", 43), "another case": strings.ToUpper(f.Access), "a token cut short": f.Access[:len(f.Access)-1], "a token and more": f.Access + "A",
	} {
		if p, err := f.Authenticator.Authenticate(t.Context(), f.Tenant, token); !errors.Is(err, fault.Unauthenticated) || p.UserID != "" {
			t.Errorf("%s: %+v, %v, want fault.Unauthenticated", what, p, err)
		}
	}
	for _, tenant := range []string{"", "other"} {
		if _, err := f.Authenticator.Authenticate(t.Context(), tenant, f.Access); !errors.Is(err, fault.Unauthenticated) {
			t.Errorf("the token in tenant %q: %v, want fault.Unauthenticated", tenant, err)
		}
	}
}

func refusesEnded(t testing.TB, newAuthenticator NewAuthenticator) {
	f := newAuthenticator(t)
	if _, err := f.Authenticator.Authenticate(t.Context(), f.Tenant, f.Access); err != nil {
		t.Fatal(err)
	}
	if err := f.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Authenticator.Authenticate(t.Context(), f.Tenant, f.Access); !errors.Is(err, fault.Unauthenticated) {
		t.Errorf("after the logout: %v, want fault.Unauthenticated", err)
	}
	if _, err := f.Authenticator.Authenticate(t.Context(), f.Tenant, f.APIKey); err != nil {
		t.Errorf("the API key after the logout: %v", err)
	}
}

func recordsAway(t testing.TB, newAuthenticator NewAuthenticator) {
	f := newAuthenticator(t)
	if err := f.Break(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p, err := f.Authenticator.Authenticate(t.Context(), f.Tenant, f.Access); !errors.Is(err, fault.Unavailable) || p.UserID != "" {
		t.Errorf("with the records away: %+v, %v, want fault.Unavailable", p, err)
	}
}

func callersOwn(t testing.TB, newAuthenticator NewAuthenticator) {
	f := newAuthenticator(t)
	for range 2 {
		p, err := f.Authenticator.Authenticate(t.Context(), f.Tenant, f.Access)
		if err != nil || !reflect.DeepEqual(p, f.WantAccess) {
			t.Fatalf("%+v, %v, want %+v", p, err, f.WantAccess)
		}
		clear(p.Accounts)
	}
}

func endedContext(t testing.TB, newAuthenticator NewAuthenticator) {
	f := newAuthenticator(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if p, err := f.Authenticator.Authenticate(ctx, f.Tenant, f.Access); !errors.Is(err, fault.Canceled) || p.UserID != "" {
		t.Errorf("%+v, %v, want fault.Canceled", p, err)
	}
}

func callersTogether(t testing.TB, newAuthenticator NewAuthenticator) {
	f := newAuthenticator(t)
	var wg sync.WaitGroup
	for i := range 8 {
		token, want := f.Access, f.WantAccess
		if i%2 == 1 {
			token, want = f.APIKey, f.WantAPIKey
		}
		wg.Go(func() {
			for range 20 {
				if p, err := f.Authenticator.Authenticate(t.Context(), f.Tenant, token); err != nil || !reflect.DeepEqual(p, want) {
					t.Errorf("%+v, %v, want %+v", p, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

// Home is a real auth.Service over records in memory that Break puts out of reach, with
// somebody signed in.
type Home struct {
	*auth.Service
	SignedIn
	records *away
}

// NewHome signs a wallet in, in the tenant "test".
func NewHome(ctx context.Context) (*Home, error) {
	const tenant, origin = "test", "https://test.example"
	h := &Home{records: &away{Store: NewMemory()}}
	h.Service = auth.New(h.records, auth.Options{CacheTTL: -1})
	w := NewWallet(7)
	c, err := h.Challenge(ctx, tenant, origin, w.On("eip155:1"))
	if err != nil {
		return nil, err
	}
	tokens, err := h.Verify(ctx, tenant, origin, c.Message, w.Sign(c.Message))
	if err != nil {
		return nil, err
	}
	h.SignedIn = SignedIn{Tenant: tenant, Access: tokens.AccessToken, RefreshToken: tokens.RefreshToken}
	if h.WantAccess, err = h.Authenticate(ctx, tenant, h.Access); err != nil {
		return nil, err
	}
	id, secret, err := h.CreateAPIKey(ctx, tenant, h.WantAccess.UserID, "key")
	if err != nil {
		return nil, err
	}
	h.APIKey, h.WantAPIKey = secret, auth.Principal{Tenant: tenant, UserID: h.WantAccess.UserID, APIKey: id}
	return h, nil
}

// End logs the session out.
func (h *Home) End(ctx context.Context) error { return h.Logout(ctx, h.WantAccess.SessionID) }

// Break puts the records out of reach.
func (h *Home) Break(context.Context) error {
	h.records.mu.Lock()
	defer h.records.mu.Unlock()
	h.records.gone = true
	return nil
}

// away is a store whose reads of tokens can be broken.
type away struct {
	auth.Store
	mu   sync.Mutex
	gone bool
}

// Access implements auth.Store.
func (a *away) Access(ctx context.Context, tenant string, h auth.Hash) (auth.AccessRecord, error) {
	a.mu.Lock()
	gone := a.gone
	a.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return auth.AccessRecord{}, fault.Wrap(fault.Canceled, "authtest.Access", err)
	}
	if gone {
		return auth.AccessRecord{}, fault.New(fault.Unavailable, "authtest.Access", "the records are out of reach").After(time.Second)
	}
	return a.Store.Access(ctx, tenant, h)
}
