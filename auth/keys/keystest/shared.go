package keystest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/suite"
)

// patience is how long a check waits for what another process must notice.
type patience time.Duration

// NewShared makes a place for keys that no suite has used, and returns how to open
// another manager on it: each stands for a process of its own. Their recheck time
// should be short, since the suite waits for it.
type NewShared = func(t testing.TB) (open func() keys.Manager)

// RunShared checks what several managers over the same keys promise each other, beside
// what Run checks of each.
func RunShared(t *testing.T, newShared NewShared) {
	suite.Run(t, patience(30*time.Second).checks(), newShared)
}

// FailingShared is to RunShared what Failing is to Run. It waits a second at most for what
// another process must notice.
func FailingShared(t *testing.T, newShared NewShared) []string {
	return suite.Failing(t, patience(time.Second).checks(), newShared)
}

func (p patience) checks() []suite.Check[NewShared] {
	return []suite.Check[NewShared]{
		{Name: "one unwraps what another wrapped", Run: crossUnwrap},
		{Name: "one scope created by many processes", Run: crossCreate},
		{Name: "shred is noticed by the others", Run: p.crossShred},
		{Name: "a scope shredded while it is created", Run: p.shredCreate},
		{Name: "one rotates for all", Run: crossRotate},
		{Name: "two rotate while others write", Run: crossRotateRace},
		{Name: "shred beside rotate is final", Run: p.shredRotate},
		{Name: "an interrupted rotate is finished by another", Run: rotateInterrupted},
	}
}

// handed is a data key that must stay readable.
type handed struct {
	scope          string
	plain, wrapped []byte
}

func hand(t testing.TB, m keys.Manager, scope string) handed {
	t.Helper()
	plain, wrapped := dataKey(t, m, scope)
	return handed{scope, plain, wrapped}
}

func (h handed) want(t testing.TB, m keys.Manager) {
	t.Helper()
	wantPlain(t, m, h.scope, h.wrapped, h.plain)
}

func crossUnwrap(t testing.TB, newShared NewShared) {
	open := newShared(t)
	a, b := open(), open()
	first := hand(t, a, scope)
	first.want(t, b)
	second := hand(t, b, scope)
	second.want(t, a)
	if _, err := b.Unwrap(t.Context(), "t/test/never", first.wrapped); !errors.Is(err, fault.NotFound) {
		t.Errorf("a scope that never was: %v, want kind not_found", err)
	}
}

func crossCreate(t testing.TB, newShared NewShared) {
	open := newShared(t)
	managers := make([]keys.Manager, 6)
	for i := range managers {
		managers[i] = open()
	}
	for round := range 5 {
		scope := fmt.Sprintf("t/test/%d", round)
		got := make([]handed, len(managers))
		errs := make([]error, len(managers))
		start := make(chan struct{})
		var wg sync.WaitGroup
		for i, m := range managers {
			wg.Go(func() {
				<-start
				got[i].scope = scope
				got[i].plain, got[i].wrapped, errs[i] = m.DataKey(t.Context(), scope)
			})
		}
		close(start)
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatalf("DataKey: %v", err)
		}
		reader := open()
		for i, h := range got {
			h.want(t, reader)
			h.want(t, managers[(i+1)%len(managers)])
		}
	}
}

// gone waits until m refuses scope and checks that it stays so.
func (p patience) gone(t testing.TB, m keys.Manager, scope string, wrapped []byte) {
	t.Helper()
	deadline := time.Now().Add(time.Duration(p))
	for {
		_, err := m.Unwrap(t.Context(), scope, wrapped)
		if errors.Is(err, fault.NotFound) {
			break
		}
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("Unwrap(%q) after another process's Shred: %v, want kind not_found in time", scope, err)
		}
		time.Sleep(time.Millisecond)
	}
	for range 3 {
		_, err := m.Unwrap(t.Context(), scope, wrapped)
		wantKind(t, "Unwrap of "+scope+" once the shred was noticed", err, fault.NotFound)
		_, _, err = m.DataKey(t.Context(), scope)
		wantKind(t, "DataKey of "+scope+" once the shred was noticed", err, fault.NotFound)
	}
}

func (p patience) crossShred(t testing.TB, newShared NewShared) {
	open := newShared(t)
	a, b := open(), open()
	h, other := hand(t, a, scope), hand(t, a, "t/test/b")
	h.want(t, b) // whatever caches it is warm
	shred(t, a, scope)
	p.gone(t, a, scope, h.wrapped)
	p.gone(t, open(), scope, h.wrapped)
	p.gone(t, b, scope, h.wrapped)
	other.want(t, b)
	shred(t, b, scope)
	shred(t, b, "t/test/unused")
	_, _, err := a.DataKey(t.Context(), "t/test/unused")
	wantKind(t, "DataKey of a scope another process shredded before its first use", err, fault.NotFound)
}

func (p patience) shredCreate(t testing.TB, newShared NewShared) {
	open := newShared(t)
	a, b := open(), open()
	for i := range 10 {
		scope := fmt.Sprintf("t/test/%d", i)
		var wrapped []byte
		var err error
		var wg sync.WaitGroup
		wg.Go(func() { _, wrapped, err = a.DataKey(t.Context(), scope) })
		shred(t, b, scope)
		wg.Wait()
		if err != nil && !errors.Is(err, fault.NotFound) {
			t.Errorf("DataKey beside Shred: %v", err)
		}
		p.gone(t, open(), scope, wrapped)
		p.gone(t, a, scope, wrapped)
	}
}

func rotate(t testing.TB, m keys.Manager) {
	t.Helper()
	if err := m.Rotate(t.Context()); err != nil {
		t.Fatalf("Rotate: %v", err)
	}
}

func crossRotate(t testing.TB, newShared NewShared) {
	open := newShared(t)
	a, b := open(), open()
	var all []handed
	for round := range 3 {
		for i := range 4 {
			// New scopes by one whose idea of the master key may be old, and old scopes.
			all = append(all, hand(t, b, fmt.Sprintf("t/test/%d/%d", round, i)), hand(t, a, fmt.Sprintf("t/test/0/%d", i)))
		}
		rotate(t, a)
		c := open()
		for _, h := range all {
			h.want(t, a)
			h.want(t, b)
			h.want(t, c)
		}
	}
	rotate(t, b)
	c := open()
	for _, h := range all {
		h.want(t, c)
	}
}

func crossRotateRace(t testing.TB, newShared NewShared) {
	open := newShared(t)
	const writers = 3
	var all [writers][]handed
	var errs [writers + 2]error
	done := make(chan struct{})
	var work, rotations sync.WaitGroup
	for w := range writers {
		m := open()
		work.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				h := handed{scope: fmt.Sprintf("t/test/%d", i%30+w)}
				h.plain, h.wrapped, errs[w] = m.DataKey(t.Context(), h.scope)
				if errs[w] != nil {
					return
				}
				if len(all[w]) < 100 {
					all[w] = append(all[w], h)
				}
				again := all[w][i%len(all[w])]
				if got, err := m.Unwrap(t.Context(), again.scope, again.wrapped); err != nil || !bytes.Equal(got, again.plain) {
					errs[w] = fmt.Errorf("unwrap of %s: another key, or %w", again.scope, err)
					return
				}
			}
		})
	}
	for r := range 2 {
		m := open()
		rotations.Go(func() {
			for range 3 {
				if err := m.Rotate(t.Context()); err != nil {
					errs[writers+r] = fmt.Errorf("rotate: %w", err)
					return
				}
			}
		})
	}
	rotations.Wait()
	close(done)
	work.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	reader := open()
	for _, list := range all {
		for _, h := range list {
			h.want(t, reader)
		}
	}
}

func (p patience) shredRotate(t testing.TB, newShared NewShared) {
	open := newShared(t)
	a, b := open(), open()
	var all []handed
	for i := range 20 {
		all = append(all, hand(t, a, fmt.Sprintf("t/test/%d", i)))
	}
	done := make(chan struct{})
	var err error
	var wg sync.WaitGroup
	wg.Go(func() {
		for err == nil {
			err = a.Rotate(t.Context())
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for _, h := range all {
		shred(t, b, h.scope)
	}
	close(done)
	wg.Wait()
	if err != nil {
		t.Fatalf("Rotate beside Shred: %v", err)
	}
	for range 2 {
		reader := open()
		for _, h := range all {
			p.gone(t, reader, h.scope, h.wrapped)
			p.gone(t, a, h.scope, h.wrapped)
		}
		rotate(t, b)
	}
}

func rotateInterrupted(t testing.TB, newShared NewShared) {
	open := newShared(t)
	a := open()
	var all []handed
	for i := range 20 {
		all = append(all, hand(t, a, fmt.Sprintf("t/test/%d", i)))
	}
	for i := range 8 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i*i)*100*time.Microsecond)
		err := open().Rotate(ctx)
		cancel()
		if err != nil && !errors.Is(err, fault.Canceled) {
			t.Errorf("an interrupted Rotate: %v, want kind canceled", err)
		}
		reader := open()
		for _, h := range all {
			h.want(t, reader)
		}
		all = append(all, hand(t, a, fmt.Sprintf("t/test/new/%d", i)))
	}
	rotate(t, open())
	reader := open()
	for _, h := range all {
		h.want(t, reader)
		h.want(t, a)
	}
}
