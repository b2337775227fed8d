package authtest_test

import (
	"context"
	"slices"
	"testing"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
)

func home(t testing.TB) authtest.AuthenticatorFixture {
	h, err := authtest.NewHome(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return authtest.AuthenticatorFixture{Authenticator: h, SignedIn: h.SignedIn, Logout: h.End, Break: h.Break}
}

func TestServiceIsAnAuthenticator(t *testing.T) {
	t.Parallel()
	authtest.RunAuthenticator(t, home)
}

type authenticate func(ctx context.Context, tenant, token string) (auth.Principal, error)

func (a authenticate) Authenticate(ctx context.Context, tenant, token string) (auth.Principal, error) {
	return a(ctx, tenant, token)
}

func TestTheAuthenticatorSuiteNotices(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		broken func(f authtest.AuthenticatorFixture) authenticate
		want   string
	}{
		"remembers for ever": {func(f authtest.AuthenticatorFixture) authenticate {
			return func(ctx context.Context, tenant, token string) (auth.Principal, error) {
				if token == f.Access && ctx.Err() == nil {
					return f.WantAccess, nil
				}
				return f.Authenticator.Authenticate(ctx, tenant, token)
			}
		}, "a session that ended is refused"},
		"knows one tenant": {func(f authtest.AuthenticatorFixture) authenticate {
			return func(ctx context.Context, _, token string) (auth.Principal, error) {
				return f.Authenticator.Authenticate(ctx, f.Tenant, token)
			}
		}, "what is no token is refused"},
		"loses the wallets": {func(f authtest.AuthenticatorFixture) authenticate {
			return func(ctx context.Context, tenant, token string) (auth.Principal, error) {
				p, err := f.Authenticator.Authenticate(ctx, tenant, token)
				p.Accounts = nil
				return p, err
			}
		}, "a token names its holder"},
		"goes on without a caller": {func(f authtest.AuthenticatorFixture) authenticate {
			return func(ctx context.Context, tenant, token string) (auth.Principal, error) {
				return f.Authenticator.Authenticate(context.WithoutCancel(ctx), tenant, token)
			}
		}, "an ended context"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failing := authtest.FailingAuthenticator(t, func(t testing.TB) authtest.AuthenticatorFixture {
				f := home(t)
				f.Authenticator = c.broken(f)
				return f
			})
			if !slices.Contains(failing, c.want) {
				t.Errorf("failing are %q, want %q among them", failing, c.want)
			}
		})
	}
}
