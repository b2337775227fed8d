package sgtest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/nft/rule"
	"github.com/streamgate/streamgate/sgtest"
)

var errDown = errors.New("down")

func TestHoldersPlay(t *testing.T) {
	t.Parallel()
	kit := sgtest.New(t)
	pass := kit.Collection()
	film := kit.Film(rule.Hold(pass.Asset()))
	fan, other := kit.Wallet(1), kit.Wallet(2)
	him, her := kit.SignIn(fan), kit.SignIn(other)
	if v := him.Play(film); v.Status != 403 || v.Reason != "not_held" || v.Watch() == nil {
		t.Errorf("without a token: %+v", v)
	}
	token := kit.Give(fan, pass)
	v := him.Play(film)
	if v.Status != 200 {
		t.Errorf("with a token: %+v", v)
	}
	if err := v.Watch(); err != nil {
		t.Errorf("with a token: %v", err)
	}
	kit.Move(token, fan, other)
	if v := him.Play(film); v.Status != 403 {
		t.Errorf("after the sale: %+v", v)
	}
	if v := her.Play(film); v.Status != 200 || v.Watch() != nil {
		t.Errorf("the buyer: %+v", v)
	}
}

func TestAnOutageIsNoAnswer(t *testing.T) {
	t.Parallel()
	kit := sgtest.New(t)
	film := kit.Film(rule.Hold(kit.Collection().Asset()))
	s := kit.SignIn(kit.Wallet(1))
	kit.Chain.Fail(nfttest.Faults{Err: errDown})
	if v := s.Play(film); v.Status != 503 || v.Code != "unavailable" {
		t.Errorf("while the chain is down: %+v", v)
	}
	kit.Chain.Fail(nfttest.Faults{})
	if v := s.Play(film); v.Status != 403 {
		t.Errorf("when it is back: %+v", v)
	}
}

func TestTheClockMoves(t *testing.T) {
	t.Parallel()
	kit := sgtest.New(t)
	s := kit.SignIn(kit.Wallet(1))
	if status, body := s.Do("GET", "/v1/auth/session", nil); status != 200 {
		t.Fatalf("a new session: %d %s", status, body)
	}
	kit.Advance(365 * 24 * time.Hour)
	if status, body := s.Do("GET", "/v1/auth/session", nil); status != 401 {
		t.Errorf("a year later: %d %s", status, body)
	}
}
