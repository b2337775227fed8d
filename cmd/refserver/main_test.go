package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/cmd/refserver/devchain"
)

// screen is a terminal that tests read while the program writes.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
	news chan struct{}
}

func newScreen() *screen { return &screen{news: make(chan struct{}, 1)} }

func (s *screen) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case s.news <- struct{}{}:
	default:
	}
	return s.text.Write(b)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// program is a run of refserver.
type program struct {
	t        *testing.T
	out, err *screen
	stop     context.CancelFunc
	done     chan error
}

func start(t *testing.T, args ...string) *program {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	p := &program{t, newScreen(), newScreen(), stop, make(chan error, 1)}
	go func() { p.done <- run(ctx, args, nil, p.out, p.err) }()
	t.Cleanup(stop)
	return p
}

// says waits until the program prints something that matches, and returns the first group.
func (p *program) says(pattern string) string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	for late := time.After(2 * time.Minute); ; {
		if m := re.FindStringSubmatch(p.out.String()); m != nil {
			return m[len(m)-1]
		}
		select {
		case <-p.out.news:
		case err := <-p.done:
			p.t.Fatalf("ended before it said %s: %v\n%s\n%s", pattern, err, p.out, p.err)
		case <-late:
			p.t.Fatalf("never said %s\n%s\n%s", pattern, p.out, p.err)
		}
	}
}

// ready waits until the program serves.
func (p *program) ready(c *creator) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Minute)
	defer cancel()
	if err := c.waitReady(ctx); err != nil {
		p.t.Fatalf("not ready: %v\n%s", err, p.err)
	}
}

// end asks the program to stop and returns what run returned.
func (p *program) end() error {
	p.t.Helper()
	p.stop()
	select {
	case err := <-p.done:
		return err
	case <-time.After(time.Minute):
		p.t.Fatalf("does not end\n%s", p.err)
		return nil
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	c := &creator{http: http.DefaultClient}
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// signedIn is a client with a session of a wallet nobody knows.
func signedIn(t *testing.T, url string, w authtest.Wallet) *creator {
	t.Helper()
	c := &creator{base: url, http: http.DefaultClient}
	sign := func(_, message string) (string, error) { return w.Sign(message), nil }
	if err := c.signIn(t.Context(), "eip155:1337", devchain.Account{Address: w.Address}, sign); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestServe(t *testing.T) {
	t.Parallel()
	p := start(t, "serve", "--set", "listen=127.0.0.1:0", "--set", "data="+t.TempDir(),
		"--set", "chains.eip155:1337.rpc_url=http://127.0.0.1:1/v2/secretkey")
	url := p.says(`(?m)^StreamGate serves (http://127\.0\.0\.1:\d+)$`)
	c := signedIn(t, url, authtest.NewWallet(1))
	p.ready(c)

	// The chain is down: the server serves, and the answer is unknown.
	var d struct {
		Decision struct{ Outcome string }
		Outcome  string
	}
	rule := map[string]any{"gr": 1, "when": map[string]string{"hold": "eip155:1337/erc721:0x5fbdb2315678afecb367f032d93f642f64180aa3"}}
	if err := c.call(t.Context(), "POST", "/v1/gates/check", map[string]any{"rule": rule, "account": authtest.NewWallet(2).On("eip155:1337").String()}, &d); err != nil {
		t.Fatal(err)
	}
	if d.Outcome+d.Decision.Outcome != "unknown" {
		t.Errorf("a chain that is down answers %+v", d)
	}

	// A stream of events does not hold the end up.
	var a demoAsset
	if err := c.call(t.Context(), "POST", "/v1/assets", map[string]string{"title": "Film"}, &a); err != nil {
		t.Fatal(err)
	}
	res, err := c.do(t.Context(), "GET", "/v1/assets/"+a.ID+"/events", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	began := time.Now()
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("the stream held the end up for %s", took)
	}
	if b, err := io.ReadAll(res.Body); err != nil || !strings.Contains(string(b), "event: open") {
		t.Errorf("the stream was torn off: %q %v", b, err)
	}
	if strings.Contains(p.err.String()+p.out.String(), "secretkey") {
		t.Errorf("the log tells the credential of a chain:\n%s", p.err)
	}
}

func TestServeRefuses(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"port taken":      {[]string{"serve", "--set", "listen=" + ln.Addr().String(), "--set", "data=" + t.TempDir()}, "address already in use"},
		"unknown setting": {[]string{"serve", "--set", "lisen=x"}, "did you mean listen?"},
		"unknown flag":    {[]string{"serve", "--port", "1"}, "unknown flag --port"},
		"unknown command": {[]string{"server"}, "unexpected argument server"},
		"no command":      {nil, "expected one of"},
		"no such file":    {[]string{"-c", "/nonexistent.yaml", "serve"}, "nonexistent.yaml"},
		"demo for all":    {[]string{"demo", "--addr", "0.0.0.0:0", "--data", t.TempDir()}, "add --open"},
		"no such clip":    {[]string{"demo", "--clip", "/nonexistent.mp4"}, "nonexistent.mp4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := run(t.Context(), c.args, nil, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("want an error with %q, got %v", c.want, err)
			}
		})
	}
}

func TestServeWarnsOfNoPublicURL(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]bool{"127.0.0.1:1": false, "[::1]:1": false, "localhost:1": false, "0.0.0.0:1": true, ":1": true, "video.example:1": true} {
		if got := (&Config{Listen: listen}).publicURLMissing(); got != want {
			t.Errorf("%s: %v", listen, got)
		}
		if (&Config{Listen: listen, PublicURL: "https://video.example"}).publicURLMissing() {
			t.Errorf("%s: warned although it is set", listen)
		}
	}
}

func TestPrints(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ args, want string }{
		"version": {"version", "refserver "},
		"help":    {"--help", "serve"},
		"explain": {"config explain --set listen=127.0.0.1:9000", "127.0.0.1:9000"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := run(t.Context(), strings.Fields(c.args), []string{"STREAMGATE_LOG_LEVEL=warn"}, &out, io.Discard); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(out.String(), c.want) {
				t.Fatalf("%s", &out)
			}
		})
	}
}

func TestDoctor(t *testing.T) {
	t.Parallel()
	chain, err := devchain.Start(t.Context(), devchain.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { chain.Close() })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		set   []string
		lines []string // that the report has
		fails string   // the error, empty when all is well
	}{
		"all well":     {[]string{"chains.eip155:1337.rpc_url=" + chain.RPCURL(), "chains.eip155:1337.ws_url=" + chain.WSURL()}, []string{"ok   chain eip155:1337: head ", "ok   data folder", "ok   ffmpeg sandbox"}, ""},
		"no chains":    {nil, []string{"ok   chains: none configured"}, ""},
		"port taken":   {[]string{"listen=" + ln.Addr().String()}, []string{"FAIL listen", "fix: stop what listens there"}, "1 check failed"},
		"data":         {[]string{"data=" + filepath.Join(file, "x")}, []string{"FAIL data folder", "fix: create it for this user alone: mkdir -p -m 700", "FAIL database"}, "2 checks failed"},
		"chain down":   {[]string{"chains.eip155:1.rpc_url=http://127.0.0.1:1/v2/secretkey"}, []string{"FAIL chain eip155:1:", "fix: check chains.eip155:1.rpc_url"}, "1 check failed"},
		"wrong chain":  {[]string{"chains.eip155:1.rpc_url=" + chain.RPCURL()}, []string{"FAIL chain eip155:1:", "1337"}, "1 check failed"},
		"no address":   {[]string{"listen=0.0.0.0:0"}, []string{"FAIL public_url", "fix: set public_url to the origin viewers see"}, "1 check failed"},
		"with address": {[]string{"listen=0.0.0.0:0", "public_url=https://video.example"}, []string{"ok   listen 0.0.0.0:0"}, ""},
		"bad setting":  {[]string{"log.level=loud"}, []string{"FAIL configuration: --set: log.level", "fix: correct the settings"}, "1 check failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := []string{"doctor", "--set", "listen=127.0.0.1:0", "--set", "data=" + filepath.Join(t.TempDir(), "data")}
			for _, s := range c.set {
				args = append(args, "--set", s)
			}
			var out bytes.Buffer
			err := run(t.Context(), args, nil, &out, io.Discard)
			if c.fails == "" && err != nil || c.fails != "" && (err == nil || err.Error() != c.fails) {
				t.Errorf("want %q, got %v\n%s", c.fails, err, &out)
			}
			for _, l := range c.lines {
				if !strings.Contains(out.String(), l) {
					t.Errorf("no %q in\n%s", l, &out)
				}
			}
			if strings.Contains(out.String(), "secretkey") {
				t.Errorf("the report tells the credential of a chain:\n%s", &out)
			}
			for _, l := range strings.Split(strings.TrimSpace(out.String()), "\n") {
				if strings.HasPrefix(l, "FAIL") && strings.Count(out.String(), "FAIL") != strings.Count(out.String(), "fix: ") {
					t.Errorf("a red line without a fix:\n%s", &out)
				}
			}
		})
	}
}
