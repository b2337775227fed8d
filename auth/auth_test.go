package auth_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/fault"
)

const (
	tenant = "default"
	origin = "https://video.example"
)

// clock is a hand-moved clock.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// bench is a Service with its surroundings.
type bench struct {
	*auth.Service
	t     testing.TB
	store auth.Store
	clock *clock
}

func setup(t testing.TB, opt auth.Options) *bench {
	return setupOn(t, authtest.NewMemory(), opt)
}

func setupOn(t testing.TB, store auth.Store, opt auth.Options) *bench {
	b := &bench{t: t, store: store, clock: &clock{now: time.Date(2026, 5, 4, 3, 2, 1, 9876543, time.UTC)}}
	opt.Now = b.clock.Now
	b.Service = auth.New(store, opt)
	return b
}

func (b *bench) challenge(w authtest.Wallet, chain string) auth.Challenge {
	b.t.Helper()
	c, err := b.Challenge(b.t.Context(), tenant, origin, w.On(chain))
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

func (b *bench) signIn(w authtest.Wallet, chain string) auth.Tokens {
	b.t.Helper()
	c := b.challenge(w, chain)
	tokens, err := b.Verify(b.t.Context(), tenant, origin, c.Message, w.Sign(c.Message))
	if err != nil {
		b.t.Fatal(err)
	}
	return tokens
}

func (b *bench) who(token string) auth.Principal {
	b.t.Helper()
	p, err := b.Authenticate(b.t.Context(), tenant, token)
	if err != nil {
		b.t.Fatal(err)
	}
	return p
}

func (b *bench) authErr(token string) error {
	_, err := b.Authenticate(b.t.Context(), tenant, token)
	return err
}

// is fails the test unless err has the kind and, unless nil, something to show.
func is(t testing.TB, what string, err error, kind fault.Kind) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("%s: got %v, want %v", what, err, kind)
	}
	if msg, _, _ := fault.Public(err); msg == "" && kind != fault.Internal && kind != fault.Unavailable && kind != fault.NotFound {
		t.Fatalf("%s: no public message in %v", what, err)
	}
}

func TestTokensStayOutOfLogs(t *testing.T) {
	t.Parallel()
	b := setup(t, auth.Options{})
	tokens := b.signIn(authtest.NewWallet(1), "eip155:1")
	var buf bytes.Buffer
	slog.New(slog.NewTextHandler(&buf, nil)).Info("signed in", "tokens", tokens)
	if strings.Contains(buf.String(), "sgat_") || strings.Contains(buf.String(), "sgrt_") || !strings.Contains(buf.String(), "eip155:1:0x") {
		t.Fatal(buf.String())
	}
}

func TestSweepRemovesExpired(t *testing.T) {
	t.Parallel()
	b := setup(t, auth.Options{})
	w := authtest.NewWallet(1)
	b.challenge(w, "eip155:1")
	tokens := b.signIn(w, "eip155:1")
	if n, err := b.Sweep(t.Context()); n != 0 || err != nil {
		t.Fatal(n, err)
	}
	b.clock.Add(auth.DefaultAccessTTL)
	if n, err := b.Sweep(t.Context()); n != 2 || err != nil { // the open challenge and the access token
		t.Fatal(n, err)
	}
	if _, err := b.Refresh(t.Context(), tenant, tokens.RefreshToken); err != nil {
		t.Fatal(err)
	}
	b.clock.Add(auth.DefaultSessionTTL)
	if n, err := b.Sweep(t.Context()); n != 4 || err != nil { // two refresh tokens, one access token, the session
		t.Fatal(n, err)
	}
}

// sweeps counts and can fail.
type sweeps struct {
	auth.Store
	n    atomic.Int64
	fail error
}

func (s *sweeps) Sweep(context.Context, time.Time) (int64, error) { s.n.Add(1); return 0, s.fail }

func TestRunSweepsUntilItsContextEnds(t *testing.T) {
	t.Parallel()
	for _, fail := range []error{nil, errors.New("disk on fire")} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			store := &sweeps{fail: fail}
			svc := auth.New(store, auth.Options{SweepInterval: time.Minute, Logger: slog.New(slog.NewTextHandler(&log, nil))})
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error)
			go func() { done <- svc.Run(ctx) }()
			time.Sleep(3*time.Minute + time.Second) // the bubble's clock
			cancel()
			if err := <-done; err != nil || store.n.Load() != 3 {
				t.Fatalf("%v after %d sweeps", err, store.n.Load())
			}
			if got := strings.Count(log.String(), "disk on fire"); (fail == nil) != (got == 0) {
				t.Fatal(log.String())
			}
		})
	}
}

func BenchmarkAuthenticateWarm(b *testing.B) {
	s := setup(b, auth.Options{})
	token := s.signIn(authtest.NewWallet(1), "eip155:1").AccessToken
	ctx := b.Context()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := s.Authenticate(ctx, tenant, token); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkSignIn(b *testing.B) {
	s, w := setup(b, auth.Options{}), authtest.NewWallet(1)
	for b.Loop() {
		b.StopTimer()
		s.clock.Add(time.Second)
		c := s.challenge(w, "eip155:1")
		sig := w.Sign(c.Message)
		b.StartTimer()
		if _, err := s.Verify(b.Context(), tenant, origin, c.Message, sig); err != nil {
			b.Fatal(err)
		}
	}
}

func ExampleNew() {
	svc, ctx := auth.New(authtest.NewMemory(), auth.Options{}), context.Background()
	w := authtest.NewWallet(1) // stands for the user's wallet
	c, err := svc.Challenge(ctx, "default", "https://video.example", w.On("eip155:1"))
	if err != nil {
		fmt.Println(err)
		return
	}
	tokens, err := svc.Verify(ctx, "default", "https://video.example", c.Message, w.Sign(c.Message))
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := svc.Authenticate(ctx, "default", tokens.AccessToken)
	fmt.Println(p.Accounts[0], err)
	// Output: eip155:1:0x2b5ad5c4795c026514f8317c7a215e218dccd6cf <nil>
}
