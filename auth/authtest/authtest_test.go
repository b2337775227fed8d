package authtest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	authtest.Run(t, func(*testing.T) auth.Store { return authtest.NewMemory() })
}

// Each broken store breaks one promise the way a real one might, and the suite
// must notice.
type (
	tenantBlind     struct{ auth.Store } // looks everything up in one tenant
	keepsChallenge  struct{ auth.Store } // checks the nonce, then signs in, in two steps
	reusesRefresh   struct{ auth.Store } // rotates whatever was used already
	forgetsProof    struct{ auth.Store } // a contract wallet's session looks like a key's
	forgetsUse      struct{ auth.Store } // does not say that a token was used
	keepsSessions   struct{ auth.Store } // logout is a no-op
	findsForeign    struct{ auth.Store } // a session is found by its id alone
	listsEnded      struct{ auth.Store } // contract wallets' sessions that are over
	listsOneTenant  struct{ auth.Store } // or those of one tenant alone
	perChainUsers   struct{ auth.Store } // a user is an account, not an address
	newUserEachTime struct{ auth.Store } // never finds the wallet's owner
	stealsWallets   struct{ auth.Store } // link takes the wallet of another
	mixesKinds      struct{ auth.Store } // a refresh token works as an access token
	uncounted       struct{ auth.Store } // failures are lost
	overwrites      struct{ auth.Store } // a taken nonce is replaced
	anyoneRevokes   struct{ auth.Store } // keys are removed by id alone
	unordered       struct{ auth.Store } // keys come newest first
	seconds         struct{ auth.Store } // times lose their milliseconds
	sweepsNothing   struct{ auth.Store }
	sweepsAll       struct{ auth.Store }
	wrongKind       struct{ auth.Store } // what is missing is an internal error
)

func (s tenantBlind) Challenge(ctx context.Context, _, nonce string) (auth.ChallengeRecord, error) {
	return s.Store.Challenge(ctx, "t1", nonce)
}

func (s keepsChallenge) SignIn(ctx context.Context, nonce string, r auth.SessionRecord, p auth.TokenPair) (auth.SessionRecord, error) {
	c, err := s.Store.Challenge(ctx, r.Tenant, nonce)
	if err != nil {
		return r, err
	}
	out, err := s.Store.SignIn(ctx, nonce, r, p)
	_ = s.Store.AddChallenge(ctx, c) // too late, and it comes back
	return out, err
}

func (s reusesRefresh) Rotate(ctx context.Context, tenant string, old auth.Hash, next auth.TokenPair, now time.Time) error {
	if err := s.Store.Rotate(ctx, tenant, old, next, now); !errors.Is(err, fault.Conflict) {
		return err
	}
	return nil
}

func (s forgetsProof) Refresh(ctx context.Context, tenant string, h auth.Hash) (auth.RefreshRecord, error) {
	r, err := s.Store.Refresh(ctx, tenant, h)
	r.Session.Proof = ""
	return r, err
}

func (s forgetsUse) Refresh(ctx context.Context, tenant string, h auth.Hash) (auth.RefreshRecord, error) {
	r, err := s.Store.Refresh(ctx, tenant, h)
	r.UsedAt = time.Time{}
	return r, err
}

func (keepsSessions) EndSession(context.Context, string) error          { return nil }
func (keepsSessions) EndSessions(context.Context, string, string) error { return nil }

func (s findsForeign) Session(ctx context.Context, _, id string) (auth.SessionRecord, error) {
	return s.Store.Session(ctx, "t1", id)
}

func (s listsEnded) ProvenSessions(ctx context.Context, _ time.Time, after string, limit int) ([]auth.SessionRecord, error) {
	return s.Store.ProvenSessions(ctx, time.Time{}, after, limit)
}

func (s listsOneTenant) ProvenSessions(ctx context.Context, now time.Time, after string, limit int) ([]auth.SessionRecord, error) {
	recs, err := s.Store.ProvenSessions(ctx, now, after, limit)
	return slices.DeleteFunc(recs, func(r auth.SessionRecord) bool { return r.Tenant != "t1" }), err
}

func (s perChainUsers) SignIn(ctx context.Context, nonce string, r auth.SessionRecord, p auth.TokenPair) (auth.SessionRecord, error) {
	out, err := s.Store.SignIn(ctx, nonce, r, p)
	if out.UserID != "" && r.Account.Chain.Reference != "1" {
		out.UserID += r.Account.Chain.Reference
	}
	return out, err
}

func (s newUserEachTime) SignIn(ctx context.Context, nonce string, r auth.SessionRecord, p auth.TokenPair) (auth.SessionRecord, error) {
	out, err := s.Store.SignIn(ctx, nonce, r, p)
	out.UserID = r.UserID
	return out, err
}

func (s stealsWallets) Link(ctx context.Context, tenant, nonce, user string, w caip.AccountID, now time.Time) error {
	if err := s.Store.Link(ctx, tenant, nonce, user, w, now); !errors.Is(err, fault.Conflict) {
		return err
	}
	return nil
}

func (s mixesKinds) Access(ctx context.Context, tenant string, h auth.Hash) (auth.AccessRecord, error) {
	r, err := s.Store.Access(ctx, tenant, h)
	if err != nil {
		if f, err := s.Store.Refresh(ctx, tenant, h); err == nil {
			return auth.AccessRecord{Session: f.Session, ExpiresAt: f.ExpiresAt}, nil
		}
	}
	return r, err
}

func (uncounted) AddFailure(context.Context, string, string) error { return nil }

func (s overwrites) AddChallenge(ctx context.Context, c auth.ChallengeRecord) error {
	if err := s.Store.AddChallenge(ctx, c); !errors.Is(err, fault.Conflict) {
		return err
	}
	return nil
}

func (s anyoneRevokes) RemoveAPIKey(ctx context.Context, tenant, _, id string) error {
	for _, user := range []string{"u1", "u2"} {
		if s.Store.RemoveAPIKey(ctx, tenant, user, id) == nil {
			return nil
		}
	}
	return fault.NotFound
}

func (s unordered) APIKeys(ctx context.Context, tenant, user string) ([]auth.APIKeyRecord, error) {
	ks, err := s.Store.APIKeys(ctx, tenant, user)
	slices.Reverse(ks)
	return ks, err
}

func (s seconds) AddChallenge(ctx context.Context, c auth.ChallengeRecord) error {
	c.ExpiresAt = c.ExpiresAt.Truncate(time.Second)
	return s.Store.AddChallenge(ctx, c)
}

func (sweepsNothing) Sweep(context.Context, time.Time) (int64, error) { return 0, nil }

func (s sweepsAll) Sweep(ctx context.Context, now time.Time) (int64, error) {
	return s.Store.Sweep(ctx, now.Add(1000*time.Hour))
}

func (s wrongKind) Refresh(ctx context.Context, tenant string, h auth.Hash) (auth.RefreshRecord, error) {
	r, err := s.Store.Refresh(ctx, tenant, h)
	return r, fault.Wrap(fault.Internal, "broken", err)
}

// racy loses the atomicity of SignIn and Rotate: it looks first and acts later.
type racy struct {
	auth.Store
	mu   *sync.Mutex
	seen map[string]int
}

func (s racy) SignIn(ctx context.Context, nonce string, r auth.SessionRecord, p auth.TokenPair) (auth.SessionRecord, error) {
	out, err := s.Store.SignIn(ctx, nonce, r, p)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen[nonce]++; s.seen[nonce] == 2 && errors.Is(err, fault.NotFound) {
		return r, nil // the second of two that both saw the challenge
	}
	return out, err
}

func TestSuiteFailsBrokenStores(t *testing.T) {
	t.Parallel()
	for _, broken := range []func(auth.Store) auth.Store{
		func(s auth.Store) auth.Store { return tenantBlind{s} },
		func(s auth.Store) auth.Store { return keepsChallenge{s} },
		func(s auth.Store) auth.Store { return reusesRefresh{s} },
		func(s auth.Store) auth.Store { return forgetsProof{s} },
		func(s auth.Store) auth.Store { return forgetsUse{s} },
		func(s auth.Store) auth.Store { return keepsSessions{s} },
		func(s auth.Store) auth.Store { return findsForeign{s} },
		func(s auth.Store) auth.Store { return listsEnded{s} },
		func(s auth.Store) auth.Store { return listsOneTenant{s} },
		func(s auth.Store) auth.Store { return perChainUsers{s} },
		func(s auth.Store) auth.Store { return newUserEachTime{s} },
		func(s auth.Store) auth.Store { return stealsWallets{s} },
		func(s auth.Store) auth.Store { return mixesKinds{s} },
		func(s auth.Store) auth.Store { return uncounted{s} },
		func(s auth.Store) auth.Store { return overwrites{s} },
		func(s auth.Store) auth.Store { return anyoneRevokes{s} },
		func(s auth.Store) auth.Store { return unordered{s} },
		func(s auth.Store) auth.Store { return seconds{s} },
		func(s auth.Store) auth.Store { return sweepsNothing{s} },
		func(s auth.Store) auth.Store { return sweepsAll{s} },
		func(s auth.Store) auth.Store { return wrongKind{s} },
		func(s auth.Store) auth.Store { return racy{s, new(sync.Mutex), map[string]int{}} },
	} {
		t.Run(fmt.Sprintf("%T", broken(nil)), func(t *testing.T) {
			t.Parallel()
			for _, c := range authtest.Checks() {
				if err := c.Run(t.Context(), broken(authtest.NewMemory())); err != nil {
					return
				}
			}
			t.Fatal("the suite passed")
		})
	}
}

func TestWalletOnRefusesOtherChains(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Fatal("no panic")
		}
	}()
	authtest.NewWallet(1).On("solana:mainnet")
}

func ExampleNewMemory() {
	svc, ctx := auth.New(authtest.NewMemory(), auth.Options{}), context.Background()
	w := authtest.NewWallet(1)
	c, _ := svc.Challenge(ctx, "default", "https://video.example", w.On("eip155:1"))
	tokens, err := svc.Verify(ctx, "default", "https://video.example", c.Message, w.Sign(c.Message))
	fmt.Println(tokens.Account, err)
	// Output: eip155:1:0x2b5ad5c4795c026514f8317c7a215e218dccd6cf <nil>
}
