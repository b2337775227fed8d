package authtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
)

// Checks returns every promise of auth.Store as a function, so that the suite can
// itself be tested on stores that break them.
func Checks() []Check {
	return []Check{
		{"challenge is found under its tenant and nonce only", challengeFound},
		{"a nonce is stored once in a tenant", challengeOnce},
		{"failures are counted per challenge", failures},
		{"sign-in takes the challenge and opens the session", signIn},
		{"a refused sign-in changes nothing", signInRefused},
		{"one nonce signs in once under contention", signInOnce},
		{"an address is one user on every chain and another in every tenant", oneUser},
		{"two first sign-ins of one address agree on the user", userRace},
		{"link adds a wallet in order", link},
		{"link refuses another user's wallet and keeps the challenge", linkConflict},
		{"tokens are found by kind and tenant only", tokenKinds},
		{"rotation marks the old token and keeps the session", rotate},
		{"a refresh token rotates once under contention", rotateOnce},
		{"an ended session takes all its tokens along", endSession},
		{"ending a user's sessions leaves the others", endSessions},
		{"a session is found by its tenant and id until it ends", findSession},
		{"sessions of contract wallets are listed until they end", provenSessions},
		{"API keys are found by secret and listed in order", apiKeys},
		{"an API key is removed by its owner only", removeAPIKey},
		{"sweep removes exactly what has expired", sweep},
		{"sweep removes a session without tokens", sweepOrphan},
		{"times have millisecond resolution", resolution},
	}
}

// epoch is the instant the checks happen at.
var epoch = time.Date(2026, 3, 14, 15, 9, 26, 535e6, time.UTC)

func hash(s string) auth.Hash { return sha256.Sum256([]byte(s)) }

func want(what string, got, want any) error {
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%s: got %+v, want %+v", what, got, want)
	}
	return nil
}

func wantKind(what string, err error, k fault.Kind) error {
	if !errors.Is(err, k) {
		return fmt.Errorf("%s: got error %v, want kind %v", what, err, k)
	}
	return nil
}

// first returns the first error of a list.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func challenge(tenant, nonce string, a caip.AccountID) auth.ChallengeRecord {
	return auth.ChallengeRecord{
		Tenant: tenant, Nonce: nonce, Origin: "https://a.example", Message: "line\n\nü " + nonce, Account: a,
		ExpiresAt: epoch.Add(time.Minute),
	}
}

func session(tenant, name string, a caip.AccountID) (auth.SessionRecord, auth.TokenPair) {
	s := auth.SessionRecord{
		ID: "ses_" + name, Tenant: tenant, UserID: "usr_" + name, Account: a,
		CreatedAt: epoch, EndsAt: epoch.Add(24 * time.Hour), Proof: "c0ffee" + hex.EncodeToString([]byte(name)),
	}
	return s, pair(name)
}

func pair(name string) auth.TokenPair {
	return auth.TokenPair{
		Access: hash("access " + name), AccessExpiresAt: epoch.Add(time.Minute),
		Refresh: hash("refresh " + name), RefreshExpires: epoch.Add(time.Hour),
	}
}

// open signs the account in under name.
func open(ctx context.Context, st auth.Store, tenant, name string, a caip.AccountID) (auth.SessionRecord, error) {
	if err := st.AddChallenge(ctx, challenge(tenant, "nonce"+name, a)); err != nil {
		return auth.SessionRecord{}, err
	}
	s, p := session(tenant, name, a)
	return st.SignIn(ctx, "nonce"+name, s, p)
}

// race runs fn n times at once and returns how many times it succeeded, and an
// error if one failed otherwise than with kind lost.
func race(n int, lost fault.Kind, fn func(i int) error) (won int, err error) {
	var wins atomic.Int64
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			switch e := fn(i); {
			case e == nil:
				wins.Add(1)
			case !errors.Is(e, lost):
				errs[i] = e
			}
		})
	}
	close(start)
	wg.Wait()
	return int(wins.Load()), errors.Join(errs...)
}

func challengeFound(ctx context.Context, st auth.Store) error {
	c := challenge("t1", "nonce123", NewWallet(1).On("eip155:1"))
	c.Failures = 3
	if err := st.AddChallenge(ctx, c); err != nil {
		return err
	}
	got, err := st.Challenge(ctx, "t1", "nonce123")
	_, other := st.Challenge(ctx, "t2", "nonce123")
	_, absent := st.Challenge(ctx, "t1", "nonce124")
	return first(err, want("challenge", got, c),
		wantKind("foreign tenant", other, fault.NotFound), wantKind("other nonce", absent, fault.NotFound))
}

func challengeOnce(ctx context.Context, st auth.Store) error {
	a := NewWallet(1).On("eip155:1")
	err := st.AddChallenge(ctx, challenge("t1", "n", a))
	again := st.AddChallenge(ctx, challenge("t1", "n", NewWallet(2).On("eip155:1")))
	other := st.AddChallenge(ctx, challenge("t2", "n", a))
	got, gone := st.Challenge(ctx, "t1", "n")
	return first(err, wantKind("second", again, fault.Conflict), other, gone, want("account", got.Account, a))
}

func failures(ctx context.Context, st auth.Store) error {
	a := NewWallet(1).On("eip155:1")
	if err := first(st.AddChallenge(ctx, challenge("t1", "n", a)), st.AddChallenge(ctx, challenge("t2", "n", a))); err != nil {
		return err
	}
	if _, err := race(5, fault.Internal, func(int) error { return st.AddFailure(ctx, "t1", "n") }); err != nil {
		return err
	}
	gone := st.AddFailure(ctx, "t1", "absent")
	got, err := st.Challenge(ctx, "t1", "n")
	other, err2 := st.Challenge(ctx, "t2", "n")
	return first(gone, err, err2, want("failures", got.Failures, 5), want("other tenant", other.Failures, 0))
}

func signIn(ctx context.Context, st auth.Store) error {
	a := NewWallet(1).On("eip155:137")
	s, err := open(ctx, st, "t1", "a", a)
	wantS, p := session("t1", "a", a)
	if err := first(err, want("session", s, wantS)); err != nil {
		return err
	}
	_, gone := st.Challenge(ctx, "t1", "noncea")
	acc, err := st.Access(ctx, "t1", p.Access)
	ref, err2 := st.Refresh(ctx, "t1", p.Refresh)
	return first(wantKind("challenge", gone, fault.NotFound), err, err2,
		want("access", acc, auth.AccessRecord{Session: wantS, ExpiresAt: p.AccessExpiresAt, Wallets: []caip.AccountID{a}}),
		want("refresh", ref, auth.RefreshRecord{Session: wantS, ExpiresAt: p.RefreshExpires}))
}

func signInRefused(ctx context.Context, st auth.Store) error {
	a := NewWallet(1).On("eip155:1")
	if err := st.AddChallenge(ctx, challenge("t1", "n", a)); err != nil {
		return err
	}
	s, p := session("t2", "a", a)
	_, foreign := st.SignIn(ctx, "n", s, p)
	_, noToken := st.Access(ctx, "t2", p.Access)
	_, err := st.Challenge(ctx, "t1", "n")
	if err := first(wantKind("foreign tenant", foreign, fault.NotFound), wantKind("token", noToken, fault.NotFound), err); err != nil {
		return err
	}
	// The refused call made no user either.
	s2, err := open(ctx, st, "t2", "b", a)
	return first(err, want("user", s2.UserID, "usr_b"))
}

func signInOnce(ctx context.Context, st auth.Store) error {
	a := NewWallet(1).On("eip155:1")
	if err := st.AddChallenge(ctx, challenge("t1", "n", a)); err != nil {
		return err
	}
	const n = 100
	won, err := race(n, fault.NotFound, func(i int) error {
		s, p := session("t1", fmt.Sprint(i), a)
		_, err := st.SignIn(ctx, "n", s, p)
		return err
	})
	living := 0
	for i := range n {
		if _, err := st.Access(ctx, "t1", pair(fmt.Sprint(i)).Access); err == nil {
			living++
		}
	}
	return first(err, want("successes", won, 1), want("sessions", living, 1))
}

func oneUser(ctx context.Context, st auth.Store) error {
	w := NewWallet(1)
	s1, err1 := open(ctx, st, "t1", "a", w.On("eip155:1"))
	s2, err2 := open(ctx, st, "t1", "b", w.On("eip155:137"))
	s3, err3 := open(ctx, st, "t1", "c", NewWallet(2).On("eip155:1"))
	s4, err4 := open(ctx, st, "t2", "d", w.On("eip155:1"))
	if err := first(err1, err2, err3, err4); err != nil {
		return err
	}
	acc, err := st.Access(ctx, "t1", pair("a").Access)
	return first(err, want("other chain", s2.UserID, s1.UserID), want("other wallet", s3.UserID, "usr_c"), want("other tenant", s4.UserID, "usr_d"),
		want("session keeps the chain signed for", acc.Session.Account, w.On("eip155:1")),
		want("wallet has the last chain", acc.Wallets, []caip.AccountID{w.On("eip155:137")}))
}

func userRace(ctx context.Context, st auth.Store) error {
	a := NewWallet(1).On("eip155:1")
	const n = 8
	users := make([]string, n)
	_, err := race(n, fault.Internal, func(i int) error {
		s, err := open(ctx, st, "t1", fmt.Sprint(i), a)
		users[i] = s.UserID
		return err
	})
	for _, u := range users {
		err = first(err, want("user", u, users[0]))
	}
	return err
}

func link(ctx context.Context, st auth.Store) error {
	w1, w2 := NewWallet(1).On("eip155:1"), NewWallet(2).On("eip155:1")
	s, err := open(ctx, st, "t1", "a", w1)
	if err != nil {
		return err
	}
	for i, w := range []caip.AccountID{w2, NewWallet(2).On("eip155:10")} { // the second time only the chain changes
		nonce := fmt.Sprint("link", i)
		if err := first(st.AddChallenge(ctx, challenge("t1", nonce, w)), st.Link(ctx, "t1", nonce, s.UserID, w, epoch.Add(time.Second))); err != nil {
			return err
		}
		again := st.Link(ctx, "t1", nonce, s.UserID, w, epoch)
		if err := wantKind("used nonce", again, fault.NotFound); err != nil {
			return err
		}
	}
	acc, err := st.Access(ctx, "t1", pair("a").Access)
	s2, err2 := open(ctx, st, "t1", "b", w2)
	return first(err, err2, want("wallets", acc.Wallets, []caip.AccountID{w1, NewWallet(2).On("eip155:10")}), want("user of the linked wallet", s2.UserID, s.UserID))
}

func linkConflict(ctx context.Context, st auth.Store) error {
	w1, w2 := NewWallet(1).On("eip155:1"), NewWallet(2).On("eip155:1")
	s1, err1 := open(ctx, st, "t1", "a", w1)
	_, err2 := open(ctx, st, "t1", "b", w2)
	if err := first(err1, err2, st.AddChallenge(ctx, challenge("t1", "n", w2))); err != nil {
		return err
	}
	refused := st.Link(ctx, "t1", "n", s1.UserID, NewWallet(2).On("eip155:10"), epoch)
	_, kept := st.Challenge(ctx, "t1", "n")
	acc, err := st.Access(ctx, "t1", pair("b").Access)
	return first(wantKind("link", refused, fault.Conflict), kept, err, want("wallets of the owner", acc.Wallets, []caip.AccountID{w2}))
}

func tokenKinds(ctx context.Context, st auth.Store) error {
	if _, err := open(ctx, st, "t1", "a", NewWallet(1).On("eip155:1")); err != nil {
		return err
	}
	p := pair("a")
	_, e1 := st.Access(ctx, "t1", p.Refresh)
	_, e2 := st.Refresh(ctx, "t1", p.Access)
	_, e3 := st.Access(ctx, "t2", p.Access)
	_, e4 := st.Refresh(ctx, "t2", p.Refresh)
	_, e5 := st.APIKey(ctx, "t1", p.Access)
	e6 := st.Rotate(ctx, "t1", p.Access, pair("b"), epoch)
	e7 := st.Rotate(ctx, "t2", p.Refresh, pair("c"), epoch)
	return first(
		wantKind("refresh token as access token", e1, fault.NotFound), wantKind("access token as refresh token", e2, fault.NotFound),
		wantKind("access token elsewhere", e3, fault.NotFound), wantKind("refresh token elsewhere", e4, fault.NotFound),
		wantKind("access token as key", e5, fault.NotFound), wantKind("rotating an access token", e6, fault.Conflict),
		wantKind("rotating elsewhere", e7, fault.Conflict))
}

func rotate(ctx context.Context, st auth.Store) error {
	s, err := open(ctx, st, "t1", "a", NewWallet(1).On("eip155:1"))
	if err != nil {
		return err
	}
	used := epoch.Add(time.Second)
	p, next := pair("a"), pair("b")
	if err := st.Rotate(ctx, "t1", p.Refresh, next, used); err != nil {
		return err
	}
	again := st.Rotate(ctx, "t1", p.Refresh, pair("c"), used)
	old, e1 := st.Refresh(ctx, "t1", p.Refresh)
	now, e2 := st.Refresh(ctx, "t1", next.Refresh)
	oldAccess, e3 := st.Access(ctx, "t1", p.Access)
	newAccess, e4 := st.Access(ctx, "t1", next.Access)
	_, e5 := st.Access(ctx, "t1", pair("c").Access)
	return first(wantKind("second use", again, fault.Conflict), e1, e2, e3, e4, wantKind("tokens of the second use", e5, fault.NotFound),
		want("old", old, auth.RefreshRecord{Session: s, ExpiresAt: p.RefreshExpires, UsedAt: used}),
		want("new", now, auth.RefreshRecord{Session: s, ExpiresAt: next.RefreshExpires}),
		want("old access", oldAccess.Session, s), want("new access", newAccess.Session, s))
}

func rotateOnce(ctx context.Context, st auth.Store) error {
	if _, err := open(ctx, st, "t1", "a", NewWallet(1).On("eip155:1")); err != nil {
		return err
	}
	won, err := race(50, fault.Conflict, func(i int) error {
		return st.Rotate(ctx, "t1", pair("a").Refresh, pair(fmt.Sprint(i)), epoch)
	})
	return first(err, want("successes", won, 1))
}

func endSession(ctx context.Context, st auth.Store) error {
	a := NewWallet(1).On("eip155:1")
	s, err := open(ctx, st, "t1", "a", a)
	_, err2 := open(ctx, st, "t1", "b", a)
	if err := first(err, err2, st.Rotate(ctx, "t1", pair("a").Refresh, pair("a2"), epoch), st.EndSession(ctx, s.ID)); err != nil {
		return err
	}
	for _, p := range []auth.TokenPair{pair("a"), pair("a2")} {
		_, e1 := st.Access(ctx, "t1", p.Access)
		_, e2 := st.Refresh(ctx, "t1", p.Refresh)
		e3 := st.Rotate(ctx, "t1", p.Refresh, pair("z"), epoch)
		if err := first(wantKind("access", e1, fault.NotFound), wantKind("refresh", e2, fault.NotFound), wantKind("rotate", e3, fault.Conflict)); err != nil {
			return err
		}
	}
	_, other := st.Access(ctx, "t1", pair("b").Access)
	return first(other, st.EndSession(ctx, s.ID), st.EndSession(ctx, "absent"))
}

func findSession(ctx context.Context, st auth.Store) error {
	a := NewWallet(1).On("eip155:1")
	s, err := open(ctx, st, "t1", "a", a)
	other, err2 := open(ctx, st, "t1", "b", a)
	if err := first(err, err2); err != nil {
		return err
	}
	got, err := st.Session(ctx, "t1", s.ID)
	_, tenant := st.Session(ctx, "t2", s.ID)
	if err := first(err, want("session", got, s), wantKind("another tenant's", tenant, fault.NotFound), st.EndSession(ctx, s.ID)); err != nil {
		return err
	}
	_, ended := st.Session(ctx, "t1", s.ID)
	if err := first(wantKind("ended", ended, fault.NotFound), st.EndSessions(ctx, "t1", other.UserID)); err != nil {
		return err
	}
	_, ended = st.Session(ctx, "t1", other.ID)
	return wantKind("ended with the user's", ended, fault.NotFound)
}

func provenSessions(ctx context.Context, s auth.Store) error {
	var all []auth.SessionRecord
	for i, tenant := range []string{"t1", "t2", "t1", "t1"} {
		name := fmt.Sprintf("p%d", i)
		rec, p := session(tenant, name, NewWallet(uint32(1+i)).On("eip155:1"))
		if i == 2 {
			rec.Proof = "" // a key's
		}
		if err := s.AddChallenge(ctx, challenge(tenant, name, rec.Account)); err != nil {
			return err
		}
		rec, err := s.SignIn(ctx, name, rec, p)
		if err != nil {
			return err
		}
		if i != 2 {
			all = append(all, rec)
		}
	}
	list := func(what string, now time.Time, after string, limit int, expected []auth.SessionRecord) error {
		got, err := s.ProvenSessions(ctx, now, after, limit)
		if err != nil {
			return err
		}
		for i := range got {
			got[i].CreatedAt, got[i].EndsAt = got[i].CreatedAt.UTC(), got[i].EndsAt.UTC()
		}
		if len(got) == 0 && len(expected) == 0 {
			return nil
		}
		return want(what, got, expected)
	}
	err := first(
		list("all of every tenant, in order", epoch, "", 10, all),
		list("a page", epoch, "", 2, all[:2]),
		list("the page after", epoch, all[1].ID, 2, all[2:]),
		list("when they have ended", all[0].EndsAt, "", 10, nil),
	)
	if err != nil {
		return err
	}
	if err := s.EndSession(ctx, all[0].ID); err != nil {
		return err
	}
	return list("without one that was ended", epoch, "", 10, all[1:])
}

func endSessions(ctx context.Context, st auth.Store) error {
	w1, w2 := NewWallet(1).On("eip155:1"), NewWallet(2).On("eip155:1")
	s, e1 := open(ctx, st, "t1", "a", w1)
	_, e2 := open(ctx, st, "t1", "b", w1)
	_, e3 := open(ctx, st, "t1", "c", w2)
	_, e4 := open(ctx, st, "t2", "d", w1)
	e5 := st.EndSessions(ctx, "t2", s.UserID) // nobody there by that id
	_, e6 := st.Access(ctx, "t1", pair("a").Access)
	if err := first(e1, e2, e3, e4, e5, e6, st.EndSessions(ctx, "t1", s.UserID)); err != nil {
		return err
	}
	_, a := st.Access(ctx, "t1", pair("a").Access)
	_, b := st.Refresh(ctx, "t1", pair("b").Refresh)
	_, c := st.Access(ctx, "t1", pair("c").Access)
	_, d := st.Access(ctx, "t2", pair("d").Access)
	return first(wantKind("first session", a, fault.NotFound), wantKind("second session", b, fault.NotFound), c, d)
}
