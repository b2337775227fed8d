package auth_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
)

// watched are contract wallets that tell when they change.
type watched struct {
	*wallets
	tell chan []caip.AccountID
	saw  chan []caip.AccountID // what accounts said at each word
	errs chan error
}

func (w watched) WatchContracts(ctx context.Context, accounts func() []caip.AccountID, fn func([]caip.AccountID)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-w.errs:
			return err
		case changed := <-w.tell:
			w.saw <- accounts()
			fn(changed)
		}
	}
}

// signature is what the n-th contract wallet signs with: nobody's key made it.
func signature(n int) string { return strings.Repeat("5a", 60) + fmt.Sprintf("%04x", n) }

func walletAt(t testing.TB, n int) caip.AccountID {
	t.Helper()
	a, err := caip.ParseAccountID(fmt.Sprintf("eip155:1:0x%040x", 0x5afe0000+n))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// rechecking runs a service with so many sessions of contract wallets in a time of its own, and returns the ends it tells.
func rechecking(t *testing.T, contracts func() auth.ContractVerifier, w *wallets, sessions int, test func(b *bench, ids []string, ends <-chan string)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		bus := event.NewMemory(event.Options{})
		ends := make(chan string, 4096)
		stop, err := bus.Subscribe(auth.SessionEnded, func(_ context.Context, e event.Event) error {
			ends <- string(e.Data)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		b := setupOn(t, authtest.NewMemory(), auth.Options{Contracts: contracts(), Events: bus})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- b.Run(ctx) }()
		synctest.Wait()
		var ids []string
		for n := range sessions {
			a := walletAt(t, n)
			w.set(a.Address, signature(n), nil)
			c := b.challengeFor(a)
			tokens, err := b.Verify(ctx, tenant, origin, c.Message, "0x"+signature(n))
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, b.who(tokens.AccessToken).SessionID)
		}
		test(b, ids, ends)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		stop()
		if err := bus.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

func ended(id string) string {
	return `{"session_id":"` + id + `","reason":"` + auth.SignerChanged + `"}`
}

func (b *bench) active(id string, want bool) {
	b.t.Helper()
	if got, err := b.SessionActive(b.t.Context(), tenant, id); got != want || err != nil {
		b.t.Errorf("session %s active: %v, %v, want %v", id, got, err, want)
	}
}

func TestASignerThatChangesEndsTheSessionInTurn(t *testing.T) {
	w := &wallets{accept: map[string]string{}}
	rechecking(t, func() auth.ContractVerifier { return w }, w, 3, func(b *bench, ids []string, ends <-chan string) {
		time.Sleep(10 * time.Minute)
		for _, id := range ids {
			b.active(id, true)
		}
		w.set(walletAt(b.t, 1).Address, "another", nil)
		start := time.Now()
		if got := <-ends; got != ended(ids[1]) || time.Since(start) > auth.DefaultRecheckEvery {
			b.t.Errorf("%s after %v", got, time.Since(start))
		}
		b.active(ids[1], false)
		b.active(ids[0], true)
		b.active(ids[2], true)
	})
}

func TestASignerThatTellsEndsTheSessionAtOnce(t *testing.T) {
	w := &wallets{accept: map[string]string{}}
	var c watched
	rechecking(t, func() auth.ContractVerifier { // in the test's own time
		c = watched{w, make(chan []caip.AccountID), make(chan []caip.AccountID, 1), make(chan error)}
		return c
	}, w, 3, func(b *bench, ids []string, ends <-chan string) {
		calls := w.called()
		w.set(walletAt(b.t, 1).Address, "another", nil)
		start := time.Now()
		c.tell <- []caip.AccountID{walletAt(b.t, 1)}
		if saw := <-c.saw; len(saw) != 3 {
			b.t.Errorf("%d accounts are followed, want 3", len(saw))
		}
		if got := <-ends; got != ended(ids[1]) || time.Since(start) != 0 {
			b.t.Errorf("%s after %v", got, time.Since(start))
		}
		if n := w.called() - calls; n != 1 {
			b.t.Errorf("%d questions for one wallet that changed", n)
		}
		// Anything may have changed: all are asked, but not at every such word.
		w.set(walletAt(b.t, 2).Address, "another", nil)
		for range 50 {
			c.tell <- nil
			<-c.saw
		}
		if got := <-ends; got != ended(ids[2]) || time.Since(start) > 6*time.Second {
			b.t.Errorf("%s after %v", got, time.Since(start))
		}
		if n := w.called() - calls; n > 4 {
			b.t.Errorf("%d questions", n)
		}
		// A watch that breaks is taken up again.
		c.errs <- fault.New(fault.Unavailable, "test", "cut")
		w.set(walletAt(b.t, 0).Address, "another", nil)
		c.tell <- []caip.AccountID{walletAt(b.t, 0)}
		<-c.saw
		if got := <-ends; got != ended(ids[0]) {
			b.t.Error(got)
		}
	})
}

func TestAChainThatCannotBeAskedEndsNoSession(t *testing.T) {
	w := &wallets{accept: map[string]string{}}
	rechecking(t, func() auth.ContractVerifier { return w }, w, 2, func(b *bench, ids []string, ends <-chan string) {
		w.set(walletAt(b.t, 0).Address, "another", fault.New(fault.Unavailable, "test", "down"))
		time.Sleep(10 * time.Minute)
		b.active(ids[0], true)
		w.set(walletAt(b.t, 0).Address, "another", nil)
		if got := <-ends; got != ended(ids[0]) {
			b.t.Error(got)
		}
	})
}

// However many there are, a turn asks about so many and all have their turn.
func TestTheCostOfAskingAgainIsBounded(t *testing.T) {
	w := &wallets{accept: map[string]string{}}
	const sessions = 1100
	rechecking(t, func() auth.ContractVerifier { return w }, w, sessions, func(b *bench, ids []string, ends <-chan string) {
		calls := w.called()
		time.Sleep(auth.DefaultRecheckEvery + time.Second)
		if n := w.called() - calls; n > 1000 {
			b.t.Errorf("%d questions in a turn", n)
		}
		for n := range sessions {
			w.set(walletAt(b.t, n).Address, hex.EncodeToString([]byte("another")), nil)
		}
		start := time.Now()
		for range sessions {
			<-ends
		}
		if d := time.Since(start); d > 3*auth.DefaultRecheckEvery {
			b.t.Errorf("the last ended after %v", d)
		}
	})
}
