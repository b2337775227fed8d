package httpapi_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/httpapi"
	"github.com/streamgate/streamgate/kernel/registry"
)

// turns is a balancer that takes the instances of a role in turn.
type turns struct {
	mu    sync.Mutex
	all   map[string][]registry.Instance
	next  map[string]int
	fails map[string]int
}

func (b *turns) Pick(service string) (registry.Instance, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.all[service]
	if len(list) == 0 {
		return registry.Instance{}, fault.Newf(fault.Unavailable, "test", "no instance of %s", service)
	}
	b.next[service]++
	return list[(b.next[service]-1)%len(list)], nil
}

func (b *turns) Report(id string, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.fails[id]++
	}
}

// gateway starts a gateway before handlers by role; several of a role are several instances.
func gateway(t *testing.T, change func(*httpapi.GatewayOptions), roles map[string][]http.Handler) (string, *turns) {
	t.Helper()
	b := &turns{all: map[string][]registry.Instance{}, next: map[string]int{}, fails: map[string]int{}}
	for role, handlers := range roles {
		for i, h := range handlers {
			id := fmt.Sprintf("%s-%d", role, i)
			addr := "127.0.0.1:1" // nobody listens there
			if h != nil {
				srv := httptest.NewServer(h)
				t.Cleanup(srv.Close)
				addr = srv.Listener.Addr().String()
			}
			b.all[role] = append(b.all[role], registry.Instance{ID: id, Service: role, HTTP: addr})
		}
	}
	own, err := httpapi.New(httpapi.Options{Roles: []string{httpapi.RoleNone}})
	if err != nil {
		t.Fatal(err)
	}
	opt := httpapi.GatewayOptions{Balancer: b, Own: own, HeaderTimeout: 2 * time.Second}
	if change != nil {
		change(&opt)
	}
	h, err := httpapi.NewGateway(opt)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL, b
}

func says(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %s %d", name, r.Method, r.URL.Path, len(b))
	})
}

func through(t *testing.T, method, url string, body io.Reader) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
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

func TestGatewaySendsEachRouteToItsRole(t *testing.T) {
	t.Parallel()
	roles := map[string][]http.Handler{}
	for _, r := range []string{"auth", "metadata", "upload", "streaming", "monitor"} {
		roles[r] = []http.Handler{says(r)}
	}
	url, _ := gateway(t, nil, roles)
	for _, r := range httpapi.Routes() {
		path := strings.NewReplacer("{$}", "", "{id}", "x", "{token}", "x", "{name}", "x", "{kid}", "x", "{asset}", "x", "{version}", "1", "{track}", "x").Replace(r.Pattern)
		if r.Pattern == "/metrics" || r.Method == "HEAD" {
			continue
		}
		status, body := through(t, r.Method, url+path, nil)
		if r.Role == "" {
			if strings.HasPrefix(body, "auth ") || status == http.StatusServiceUnavailable {
				t.Errorf("%s %s left the gateway: %d %s", r.Method, path, status, body)
			}
			continue
		}
		if !strings.HasPrefix(body, r.Role+" "+r.Method) {
			t.Errorf("%s %s: %d %q, want it at %s", r.Method, path, status, body, r.Role)
		}
	}
	if status, body := through(t, "GET", url+"/", nil); status != 200 || !strings.Contains(body, "<html") {
		t.Errorf("the web app: %d %.60s", status, body)
	}
	if status, _ := through(t, "GET", url+"/v1/nothing", nil); status != 404 {
		t.Errorf("an unknown address: %d", status)
	}
}

func TestGatewayTriesAnother(t *testing.T) {
	t.Parallel()
	var broken atomic.Int32
	breaks := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		broken.Add(1)
		panic(http.ErrAbortHandler)
	})
	for _, c := range []struct {
		name, method, path string
		body               []byte
		first              http.Handler // nil: nobody listens
		repeats            bool
	}{
		{"a read from an absent instance", "GET", "/v1/play/x/key/00", nil, nil, true},
		{"a read that breaks off", "GET", "/v1/play/x/key/00", nil, breaks, true},
		{"a licence that breaks off", "POST", "/v1/play/x/license", []byte("{}"), breaks, true},
		{"a creation that found nobody", "POST", "/v1/assets", []byte("{}"), nil, true},
		{"a creation that breaks off", "POST", "/v1/assets", []byte("{}"), breaks, false},
		{"an upload that found nobody", "PATCH", "/v1/uploads/x", bytes.Repeat([]byte("x"), 1<<20), nil, true},
		{"an upload that breaks off", "PATCH", "/v1/uploads/x", bytes.Repeat([]byte("x"), 1<<20), breaks, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			roles := map[string][]http.Handler{}
			for _, r := range []string{"metadata", "upload", "streaming"} {
				roles[r] = []http.Handler{c.first, says(r)}
			}
			url, b := gateway(t, nil, roles)
			var body io.Reader
			if c.body != nil {
				body = bytes.NewReader(c.body)
			}
			status, got := through(t, c.method, url+c.path, body)
			if c.repeats && (status != 200 || !strings.HasSuffix(got, fmt.Sprint(" ", len(c.body)))) {
				t.Errorf("%d %s", status, got)
			}
			if !c.repeats && status != 503 {
				t.Errorf("done twice, perhaps: %d %s", status, got)
			}
			if len(b.fails) != 1 {
				t.Errorf("reported %v", b.fails)
			}
		})
	}
	if broken.Load() != 4 {
		t.Errorf("%d requests broke off", broken.Load())
	}
}

func TestGatewayWithoutInstances(t *testing.T) {
	t.Parallel()
	url, _ := gateway(t, nil, nil)
	res, err := http.Get(url + "/v1/assets")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" || !strings.Contains(string(b), "metadata") || res.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %v %s", res.StatusCode, res.Header, b)
	}
}

func TestGatewayDoesNotWaitForAHungInstance(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	hung := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang })
	url, _ := gateway(t, func(o *httpapi.GatewayOptions) { o.HeaderTimeout = 100 * time.Millisecond },
		map[string][]http.Handler{"streaming": {hung, says("streaming")}})
	t.Cleanup(func() { close(hang) }) // before the servers wait for their handlers
	if status, body := through(t, "GET", url+"/v1/play/x/key/00", nil); status != 200 {
		t.Errorf("%d %s", status, body)
	}
}

func TestGatewayStreamsEvents(t *testing.T) {
	t.Parallel()
	goOn := make(chan struct{})
	url, _ := gateway(t, nil, map[string][]http.Handler{"streaming": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "event: one\n\n")
		_ = http.NewResponseController(w).Flush()
		<-goOn
		_, _ = io.WriteString(w, "event: two\n\n")
	})}})
	res, err := http.Get(url + "/v1/play/x/events")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	if !lines.Scan() || lines.Text() != "event: one" {
		t.Fatalf("%q %v", lines.Text(), lines.Err())
	}
	close(goOn) // the first arrived although the stream has not ended
	rest, _ := io.ReadAll(res.Body)
	_ = rest
}

func TestGatewayTellsWhoAsks(t *testing.T) {
	t.Parallel()
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s|%s|%s|%s", r.Host, r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Proto"), r.Header.Get("X-Forwarded-Host"))
	})
	ask := func(trusted ...netip.Prefix) string {
		url, _ := gateway(t, func(o *httpapi.GatewayOptions) { o.TrustedProxies = trusted }, map[string][]http.Handler{"auth": {echo}})
		req, _ := http.NewRequestWithContext(t.Context(), "GET", url+"/v1/auth/session", nil)
		req.Host = "video.example"
		req.Header.Set("X-Forwarded-For", "203.0.113.9")
		req.Header.Set("X-Forwarded-Proto", "https")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return string(b)
	}
	if got := ask(); got != "video.example|127.0.0.1|http|video.example" {
		t.Errorf("a stranger's word was passed on: %s", got)
	}
	if got := ask(netip.MustParsePrefix("127.0.0.0/8")); got != "video.example|203.0.113.9, 127.0.0.1|https|video.example" {
		t.Errorf("a trusted proxy's word was lost: %s", got)
	}
}

func TestGatewayBodiesStream(t *testing.T) {
	t.Parallel()
	first := make(chan struct{})
	url, _ := gateway(t, nil, map[string][]http.Handler{"upload": {http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 5)
		if _, err := io.ReadFull(r.Body, b); err == nil {
			close(first)
		}
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n, errors.Is(err, net.ErrClosed))
	})}})
	r, w := io.Pipe()
	go func() {
		_, _ = io.WriteString(w, "begin")
		<-first // it is there although the body has not ended
		_, _ = io.WriteString(w, "end")
		w.Close()
	}()
	if status, body := through(t, "PATCH", url+"/v1/uploads/x", r); status != 200 || body != "3 false" {
		t.Errorf("%d %s", status, body)
	}
}
