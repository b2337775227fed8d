package streamgate_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/storage/mem"
)

// host is a program that embeds the platform.
type host struct {
	t *testing.T
	p *streamgate.Platform
	h http.Handler
}

func open(t *testing.T, opts ...streamgate.Option) host {
	t.Helper()
	p, err := streamgate.New(t.Context(), append([]streamgate.Option{streamgate.WithDataDir(t.TempDir())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return host{t, p, p.Handler()}
}

// do sends a request and returns the answer; each change may alter the request.
func (h host) do(method, path, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), method, "http://127.0.0.1"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	h.h.ServeHTTP(w, r)
	return w
}

func header(key, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(key, value) }
}

// signIn opens a session without HTTP and returns what a request carries of it.
func (h host) signIn(w authtest.Wallet) func(*http.Request) {
	h.t.Helper()
	const origin = "https://video.example"
	ch, err := h.p.Auth.Challenge(h.t.Context(), "default", origin, w.On("eip155:1"))
	if err != nil {
		h.t.Fatal(err)
	}
	tokens, err := h.p.Auth.Verify(h.t.Context(), "default", origin, ch.Message, w.Sign(ch.Message))
	if err != nil {
		h.t.Fatal(err)
	}
	return header("Authorization", "Bearer "+tokens.AccessToken)
}

func TestNewFails(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := streamgate.New(t.Context(), streamgate.WithDataDir(filepath.Join(file, "data")))
	if p != nil || !errors.Is(err, fault.Unavailable) {
		t.Fatalf("a data folder below a file: %v, %v", p, err)
	}

	// What was opened before the failure is closed again: the folder is free.
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "objects"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if p, err := streamgate.New(t.Context(), streamgate.WithDataDir(dir)); p != nil || err == nil {
		t.Fatalf("objects are a file: %v, %v", p, err)
	}
	if err := os.Remove(filepath.Join(dir, "objects")); err != nil {
		t.Fatal(err)
	}
	p, err = streamgate.New(t.Context(), streamgate.WithDataDir(dir))
	if err != nil {
		t.Fatalf("after the cause is gone: %v", err)
	}
	p.Close()
}

func TestOneProcessAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := streamgate.New(t.Context(), streamgate.WithDataDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := streamgate.New(t.Context(), streamgate.WithDataDir(dir)); !errors.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "in use by process") {
		t.Fatalf("two platforms on one folder: %v", err)
	}
	if err := errors.Join(first.Close(), first.Close()); err != nil {
		t.Fatalf("closed twice: %v", err)
	}
	second, err := streamgate.New(t.Context(), streamgate.WithDataDir(dir))
	if err != nil {
		t.Fatalf("after the first is closed: %v", err)
	}
	second.Close()
}

func TestOptions(t *testing.T) {
	t.Parallel()
	const challenge = "/v1/auth/challenge"
	ask := `{"account":"` + authtest.NewWallet(1).On("eip155:1").String() + `"}`
	t.Run("storage and keys of the host leave no folder", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		open(t, streamgate.WithDataDir(dir), streamgate.WithStorage(mem.New()), streamgate.WithKeys(keys.NewMemory()))
		for _, name := range []string{"objects", "keys"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				t.Errorf("%s was made", name)
			}
		}
	})
	t.Run("verifier", func(t *testing.T) {
		t.Parallel()
		chain := nfttest.NewChain(caip.ChainID{Namespace: "eip155", Reference: "137"})
		if w := open(t, streamgate.WithVerifier(chain)).do("GET", "/v1/chains", ""); !strings.Contains(w.Body.String(), "eip155:137") {
			t.Error(w.Body)
		}
	})
	t.Run("creators", func(t *testing.T) {
		t.Parallel()
		h := open(t, streamgate.WithCreators(func(p auth.Principal) bool { return p.Accounts[0].Address == authtest.NewWallet(1).Address }))
		for n, want := range map[uint32]int{1: 201, 2: 403} {
			if w := h.do("POST", "/v1/assets", `{"title":"Film"}`, h.signIn(authtest.NewWallet(n))); w.Code != want {
				t.Errorf("wallet %d: %d %s", n, w.Code, w.Body)
			}
		}
	})
	t.Run("public URL", func(t *testing.T) {
		t.Parallel()
		h := open(t, streamgate.WithPublicURL("https://video.example"))
		if w := h.do("POST", challenge, ask); !strings.Contains(w.Body.String(), "video.example wants you to sign in") {
			t.Error(w.Body)
		}
	})
	t.Run("trusted proxies", func(t *testing.T) {
		t.Parallel()
		// httptest's requests come from 192.0.2.1
		forwarded := header("X-Forwarded-Proto", "https")
		trusting := open(t, streamgate.WithTrustedProxies(netip.MustParsePrefix("192.0.2.0/24")))
		if w := trusting.do("POST", challenge, ask, forwarded); !strings.Contains(w.Body.String(), "https://127.0.0.1/") {
			t.Errorf("trusted: %s", w.Body)
		}
		if w := open(t).do("POST", challenge, ask, forwarded); !strings.Contains(w.Body.String(), "http://127.0.0.1/") {
			t.Errorf("not trusted: %s", w.Body)
		}
	})
	t.Run("lists", func(t *testing.T) {
		t.Parallel()
		friend := authtest.NewWallet(1).On("eip155:1")
		h := open(t, streamgate.WithLists(func(_ context.Context, tenant, list, account string) (bool, error) {
			return tenant == "default" && list == "friends" && account == friend.String(), nil
		}))
		for n, want := range map[uint32]string{1: "yes", 2: "no"} {
			w := h.do("POST", "/v1/gates/check", `{"rule":{"gr":1,"when":{"list":"friends"}},"account":"`+authtest.NewWallet(n).On("eip155:1").String()+`"}`, h.signIn(authtest.NewWallet(n)))
			if !strings.Contains(w.Body.String(), `{"outcome":"`+want+`"`) {
				t.Errorf("wallet %d: %s", n, w.Body)
			}
		}
	})
	t.Run("origins", func(t *testing.T) {
		t.Parallel()
		h := open(t, streamgate.WithAllowedOrigins("https://app.example"))
		for origin, want := range map[string]string{"https://app.example": "https://app.example", "https://evil.example": ""} {
			if got := h.do("GET", "/v1/chains", "", header("Origin", origin)).Header().Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("%s: %q", origin, got)
			}
		}
	})
	t.Run("metrics", func(t *testing.T) {
		t.Parallel()
		h := open(t, streamgate.WithMetrics(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "mine") })))
		if w := h.do("GET", "/metrics", ""); w.Body.String() != "mine" {
			t.Error(w.Body)
		}
	})
	t.Run("web", func(t *testing.T) {
		t.Parallel()
		if w := open(t).do("GET", "/", ""); w.Code != 200 {
			t.Errorf("the app: %d", w.Code)
		}
		if w := open(t, streamgate.WithoutWeb()).do("GET", "/", ""); w.Code != 404 {
			t.Errorf("without: %d", w.Code)
		}
	})
	t.Run("upload limits", func(t *testing.T) {
		t.Parallel()
		h := open(t, streamgate.WithUploadLimits(1000, 0))
		tus := header("Tus-Resumable", "1.0.0")
		if got := h.do("OPTIONS", "/v1/uploads/", "", tus).Header().Get("Tus-Max-Size"); got != "1000" {
			t.Errorf("Tus-Max-Size: %q", got)
		}
	})
	t.Run("clock and logger", func(t *testing.T) {
		t.Parallel()
		var log bytes.Buffer
		now := time.Date(2031, 5, 6, 7, 8, 9, 0, time.UTC)
		h := open(t, streamgate.WithClock(func() time.Time { return now }), streamgate.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
		if w := h.do("POST", challenge, ask); !strings.Contains(w.Body.String(), "Issued At: 2031-05-06T07:08:09") {
			t.Error(w.Body)
		}
		if log.Len() == 0 {
			t.Error("nothing was logged")
		}
	})
}

func TestRunAndDrain(t *testing.T) {
	t.Parallel()
	h := open(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	done := make(chan error, 1)
	go func() { done <- h.p.Run(ctx) }()
	select {
	case <-h.p.Ready():
	case err := <-done:
		t.Fatal(err)
	}
	if w := h.do("GET", "/readyz", ""); w.Code != 200 {
		t.Fatalf("ready: %d %s", w.Code, w.Body)
	}

	srv := httptest.NewServer(h.h)
	defer srv.Close()
	me := h.signIn(authtest.NewWallet(1))
	loc := h.do("POST", "/v1/assets", `{"title":"Film"}`, me)
	_, id, _ := strings.Cut(loc.Body.String(), `"id":"`)
	id, _, _ = strings.Cut(id, `"`)
	req, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL+"/v1/assets/"+id+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	me(req)
	res, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	h.p.Drain()
	h.p.Drain()
	if b, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 200 {
		t.Fatalf("the stream does not end well: %d %q %v", res.StatusCode, b, err)
	}

	stop()
	if err := <-done; err != nil {
		t.Fatalf("run: %v", err)
	}
	if err := h.p.Run(t.Context()); !errors.Is(err, fault.Conflict) {
		t.Errorf("run twice: %v", err)
	}
}

// The README's program is the example's, so that it compiles and runs.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, snippet, _ := strings.Cut(string(readme), "```go\n")
	snippet, _, _ = strings.Cut(snippet, "```")
	calls := 0
	for line := range strings.Lines(snippet) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), " //")
		for _, call := range []string{"streamgate.New(ctx, streamgate.WithDataDir(", "defer p.Close()", "mux := http.NewServeMux()", `mux.Handle("/", p.Handler())`, "p.Run(ctx)"} {
			if strings.Contains(line, call) {
				calls++
				if !strings.Contains(string(example), call) {
					t.Errorf("ExampleNew does not have the README's %s", call)
				}
			}
		}
	}
	if calls != 5 {
		t.Errorf("the README's program has %d of the 5 steps of ExampleNew:\n%s", calls, snippet)
	}
}
