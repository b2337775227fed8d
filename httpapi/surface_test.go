package httpapi_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/httpapi"
)

// Every route, asked by nobody, by someone else and by the owner.
func TestWhoMayDoWhat(t *testing.T) {
	t.Parallel()
	p := start(t, false, func(o *httpapi.Options) {
		o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) })
	})
	owner, foreign := p.signIn(1), p.signIn(2)
	rule := `{"gr":1,"when":{"is":"` + authtest.NewWallet(9).On(chainID).String() + `"}}`
	account := authtest.NewWallet(9).On(chainID).String()
	draft, ready := p.create(owner, "draft"), p.create(owner, "ready")
	p.want(200, call{method: "PUT", path: "/v1/assets/" + ready + "/gate", token: owner, body: rule})
	p.finish(ready)

	type row struct {
		method, path               string
		body                       any
		anonymous, foreign, owners int
	}
	rows := []row{
		{"POST", "/v1/auth/challenge", map[string]string{"account": account}, 200, 200, 200},
		{"POST", "/v1/auth/verify", map[string]string{"message": "x", "signature": "0x00"}, 400, 400, 400},
		{"POST", "/v1/auth/link", map[string]string{"message": "x", "signature": "0x00"}, 401, 400, 400},
		{"POST", "/v1/auth/refresh", map[string]string{"refresh_token": "x"}, 401, 401, 401},
		{"GET", "/v1/auth/session", nil, 401, 200, 200},
		{"POST", "/v1/auth/keys", map[string]string{"name": "k"}, 401, 201, 201},
		{"GET", "/v1/auth/keys", nil, 401, 200, 200},
		{"DELETE", "/v1/auth/keys/none", nil, 401, 404, 404},
		{"POST", "/v1/assets", map[string]string{"title": "x"}, 401, 201, 201},
		{"GET", "/v1/assets", nil, 200, 200, 200},
		{"GET", "/v1/assets?owner=me", nil, 401, 200, 200},
		{"GET", "/v1/assets/" + draft, nil, 404, 404, 200},
		{"GET", "/v1/assets/" + ready, nil, 200, 200, 200},
		{"PATCH", "/v1/assets/" + draft, map[string]string{"title": "x"}, 401, 404, 200},
		{"PATCH", "/v1/assets/" + ready, map[string]string{"title": "x"}, 401, 403, 200},
		{"GET", "/v1/assets/" + ready + "/gate", nil, 200, 200, 200},
		{"GET", "/v1/assets/" + draft + "/gate", nil, 404, 404, 404},
		{"GET", "/v1/assets/" + draft + "/events", nil, 404, 404, 0},
		{"PUT", "/v1/assets/" + ready + "/gate", rule, 401, 403, 200},
		{"PUT", "/v1/assets/" + draft + "/gate", rule, 401, 404, 200},
		{"DELETE", "/v1/assets/" + draft + "/gate", nil, 401, 404, 204},
		{"POST", "/v1/assets/" + ready + "/playback", "{}", 401, 403, 503}, // the owner may, but there is no media
		{"POST", "/v1/assets/" + draft + "/playback", "{}", 404, 404, 503},
		{"POST", "/v1/gates/lint", rule, 200, 200, 200},
		{"POST", "/v1/gates/import", map[string]any{"format": "unlock", "document": map[string]any{"locks": map[string]any{"0x3110c39b428221012934a7f617913b095bc1078c": map[string]int{"network": 1}}}}, 200, 200, 200},
		{"POST", "/v1/gates/check", map[string]string{"asset_id": ready, "account": account}, 401, 403, 200},
		{"POST", "/v1/gates/check", map[string]string{"asset_id": draft, "account": account}, 401, 404, 400},
		{"GET", "/v1/play/none/hls/master.m3u8", nil, 403, 403, 403},
		{"GET", "/v1/play/none/dash/manifest.mpd", nil, 403, 403, 403},
		{"GET", "/v1/play/none/key/00000000000000000000000000000000", nil, 403, 403, 403},
		{"POST", "/v1/play/none/license", `{"kids":["AAAAAAAAAAAAAAAAAAAAAA"],"type":"temporary"}`, 403, 403, 403},
		{"GET", "/v1/play/none/events", nil, 403, 403, 403},
		{"POST", "/v1/play/none/renew", "{}", 403, 403, 403},
		{"GET", "/v1/media/" + ready + "/1/v360/0.m4s", nil, 404, 404, 404},
		{"GET", "/v1/media/" + ready + "/one/v360/0.m4s", nil, 404, 404, 404},
		{"POST", "/v1/passes", map[string]string{"chain": "eip155:5"}, 401, 404, 404}, // a server that issues none
		{"GET", "/v1/passes", nil, 401, 404, 404},
		{"GET", "/v1/passes/none", nil, 401, 404, 404},
		{"POST", "/v1/passes/none/sent", map[string]string{"hash": "x"}, 401, 404, 404},
		{"POST", "/v1/passes/none/mints", map[string]string{"to": "x"}, 401, 404, 404},
		{"GET", "/v1/passes/none/mints", nil, 401, 404, 404},
		{"GET", "/v1/passes/none/mints/none", nil, 401, 404, 404},
		{"POST", "/v1/passes/none/mints/none/sent", map[string]string{"hash": "x"}, 401, 404, 404},
		{"GET", "/v1/chains", nil, 200, 200, 200},
		{"GET", "/v1/system", nil, 401, 200, 200},
		{"GET", "/v1/openapi.yaml", nil, 200, 200, 200},
		{"GET", "/livez", nil, 200, 200, 200},
		{"GET", "/readyz", nil, 200, 200, 200},
		{"GET", "/metrics", nil, 200, 200, 200},
		{"GET", "/v1/nothing", nil, 404, 404, 404},
		{"PUT", "/v1/assets", nil, 405, 405, 405},
		{"OPTIONS", "/v1/assets", nil, 204, 204, 204},
		{"DELETE", "/v1/assets/" + ready, nil, 401, 403, 204},
		{"POST", "/v1/auth/logout", nil, 401, 204, 204},
	}
	for _, c := range rows {
		for _, who := range []struct {
			name, token string
			want        int
		}{{"anonymous", "", c.anonymous}, {"foreign", foreign, c.foreign}, {"owner", owner, c.owners}} {
			if who.want == 0 {
				continue
			}
			r := p.do(call{method: c.method, path: c.path, token: who.token, body: c.body})
			if r.status != who.want {
				t.Errorf("%s %s as %s: %d %.200s, want %d", c.method, c.path, who.name, r.status, r.body, who.want)
			}
			if bad := p.do(call{method: c.method, path: c.path, token: "nonsense", body: c.body}); c.anonymous == 401 && bad.status != 401 {
				t.Errorf("%s %s with a bad token: %d", c.method, c.path, bad.status)
			}
		}
	}
}

func TestABadTokenIsNeverAnonymous(t *testing.T) {
	t.Parallel()
	p := start(t, false, nil)
	for _, h := range []string{"Bearer nonsense", "Basic abc", "Bearer", "Bearer " + strings.Repeat("x", 5000)} {
		r := p.want(401, call{method: "GET", path: "/v1/assets", header: map[string]string{"Authorization": h}})
		if r.header.Get("WWW-Authenticate") == "" {
			t.Error("401 without WWW-Authenticate")
		}
	}
}

func TestAPIKeys(t *testing.T) {
	t.Parallel()
	p := start(t, false, nil)
	owner := p.signIn(1)
	key := p.want(201, call{method: "POST", path: "/v1/auth/keys", token: owner, body: map[string]string{"name": "ci"}}).json(t)
	secret := key["secret"].(string)
	id := p.create(secret, "by key")
	if got := p.want(200, call{method: "GET", path: "/v1/assets/" + id, token: owner}).json(t); got["mine"] != true {
		t.Error("the key does not act as its user")
	}
	p.want(403, call{method: "POST", path: "/v1/auth/keys", token: secret, body: map[string]string{"name": "more"}})
	list := p.want(200, call{method: "GET", path: "/v1/auth/keys", token: owner})
	if bytes.Contains(list.body, []byte(secret)) || !bytes.Contains(list.body, []byte(`"ci"`)) {
		t.Errorf("the list: %s", list.body)
	}
	p.want(404, call{method: "DELETE", path: "/v1/auth/keys/" + key["id"].(string), token: p.signIn(2)})
	p.want(204, call{method: "DELETE", path: "/v1/auth/keys/" + key["id"].(string), token: owner})
	p.want(401, call{method: "GET", path: "/v1/auth/session", token: secret})
}

func TestSessionLife(t *testing.T) {
	t.Parallel()
	p := start(t, false, nil)
	s := p.session(1)
	token := s["access_token"].(string)
	who := p.want(200, call{method: "GET", path: "/v1/auth/session", token: token}).json(t)
	if who["accounts"].([]any)[0] != s["account"] {
		t.Errorf("signed in as %v, am %v", s["account"], who)
	}
	next := p.want(200, call{method: "POST", path: "/v1/auth/refresh", body: map[string]any{"refresh_token": s["refresh_token"]}}).json(t)
	p.want(204, call{method: "POST", path: "/v1/auth/logout", token: next["access_token"].(string)})
	p.want(401, call{method: "GET", path: "/v1/auth/session", token: next["access_token"].(string)})
}

func TestSignInNeedsAKnownOrigin(t *testing.T) {
	t.Parallel()
	ask := call{method: "POST", path: "/v1/auth/challenge", body: map[string]string{"account": authtest.NewWallet(1).On(chainID).String()}}
	message := func(p *platform, host string, header map[string]string, status int) string {
		req := p.request(ask)
		req.Host = host
		for k, v := range header {
			req.Header.Set(k, v)
		}
		res, err := p.srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if res.StatusCode != status {
			t.Fatalf("host %s: %d, want %d", host, res.StatusCode, status)
		}
		var m struct{ Message string }
		_ = json.NewDecoder(res.Body).Decode(&m) // a problem has no message
		return m.Message
	}
	p := start(t, false, nil)
	for _, host := range []string{"localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080"} {
		if m := message(p, host, nil, 200); !strings.Contains(m, "http://"+host) {
			t.Errorf("%s: %s", host, m)
		}
	}
	for _, host := range []string{"evil.example", "localhost.evil.example", "localhost:x@evil", "10.0.0.1"} {
		message(p, host, map[string]string{"X-Forwarded-Host": "localhost"}, 503)
	}
	p = start(t, false, func(o *httpapi.Options) { o.PublicURL = "https://video.example" })
	if m := message(p, "evil.example", nil, 200); !strings.HasPrefix(m, "video.example ") {
		t.Errorf("message %q", m)
	}
	p = start(t, false, func(o *httpapi.Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")} })
	if m := message(p, "inner", map[string]string{"X-Forwarded-Host": "localhost:9", "X-Forwarded-Proto": "https"}, 200); !strings.Contains(m, "https://localhost:9") {
		t.Errorf("message %q", m)
	}
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	p := start(t, false, func(o *httpapi.Options) {
		o.Limits.AuthPerMinute = 3
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	ask := func(ip string) reply {
		return p.do(call{method: "POST", path: "/v1/auth/refresh", body: map[string]string{"refresh_token": "x"}, header: map[string]string{"X-Forwarded-For": ip}})
	}
	for range 3 {
		if r := ask("1.2.3.4"); r.status != 401 {
			t.Fatalf("got %d", r.status)
		}
	}
	r := ask("9.9.9.9, 1.2.3.4") // what the client itself puts in front does not count
	if r.status != 429 || r.header.Get("Retry-After") == "" {
		t.Fatalf("got %d", r.status)
	}
	if r := ask("1.2.3.5"); r.status != 401 {
		t.Errorf("another client is held back: %d", r.status)
	}
	for i, ip := range []string{"2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4"} {
		if r := ask(ip); (r.status == 429) != (i == 3) {
			t.Errorf("%s: %d: a /64 is one client", ip, r.status)
		}
	}
	if r := p.do(call{method: "GET", path: "/v1/chains"}); r.status != 200 {
		t.Errorf("an unmetered route is metered: %d", r.status)
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	p := start(t, false, func(o *httpapi.Options) { o.Limits.Body = 1000 })
	token := p.signIn(1)
	make := func(body string) call { return call{method: "POST", path: "/v1/assets", token: token, body: body} }
	p.want(413, make(`{"title":"`+strings.Repeat("x", 2000)+`"}`))
	r := p.want(400, make(`{"title":"a","colour":"red"}`)).json(t)
	if e := r["errors"].([]any)[0].(map[string]any); e["pointer"] != "/colour" || r["request_id"] == "" {
		t.Errorf("got %v", r)
	}
	c := make(`{"title":"a"}`)
	c.header = map[string]string{"Content-Type": "text/plain"}
	p.want(415, c)
	p.want(400, call{method: "GET", path: "/v1/assets?limit=0"})
	p.want(400, call{method: "GET", path: "/v1/assets?colour=red"})
	p.want(400, call{method: "GET", path: "/v1/assets?q=" + strings.Repeat("x", 300)})
	both := p.want(400, call{method: "POST", path: "/v1/gates/check", token: token, body: `{"account":"eip155:1:0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb"}`}).json(t)
	if len(both["errors"].([]any)) != 2 {
		t.Errorf("got %v", both)
	}
	p.want(400, call{method: "POST", path: "/v1/gates/check", token: token, body: `{"asset_id":"x","account":"nobody"}`})
	deep := p.want(400, call{method: "POST", path: "/v1/gates/check", token: token, body: `{"account":"eip155:1:0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb","rule":{"gr":1,"when":{"nonsense":1}}}`}).json(t)
	if ptr := deep["errors"].([]any)[0].(map[string]any)["pointer"].(string); !strings.HasPrefix(ptr, "/rule/when") {
		t.Errorf("pointer %q is not into the body that was sent", ptr)
	}
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	p := start(t, false, nil)
	alice, bob := p.signIn(1), p.signIn(2)
	ask := func(token, key, title string) reply {
		return p.do(call{method: "POST", path: "/v1/assets", token: token, body: map[string]string{"title": title}, header: map[string]string{"Idempotency-Key": key}})
	}
	id := func(r reply) any { return r.json(t)["id"] }
	first, again := ask(alice, "k", "a"), ask(alice, "k", "a")
	if first.status != 201 || again.status != 201 || id(first) != id(again) || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("first %d %s, again %d %s", first.status, first.body, again.status, again.body)
	}
	if r := ask(alice, "k", "b"); r.status != 400 {
		t.Errorf("the same key for something else: %d", r.status)
	}
	if r := ask(bob, "k", "a"); r.status != 201 || id(r) == id(first) {
		t.Error("one caller's key answers another's request")
	}
	if r := ask(alice, "bad", ""); r.status != 400 {
		t.Errorf("got %d", r.status)
	}
	if r := ask(alice, "bad", "now good"); r.status != 400 && r.status != 201 {
		t.Errorf("got %d", r.status)
	}
	if r := ask(alice, strings.Repeat("k", 300), "a"); r.status != 400 {
		t.Errorf("a key of 300 bytes: %d", r.status)
	}
	var wg sync.WaitGroup
	ids := make(chan any, 8)
	for range 8 {
		wg.Go(func() {
			if r := ask(alice, "race", "a"); r.status == 201 {
				ids <- id(r)
			} else if r.status != 409 {
				t.Errorf("got %d", r.status)
			}
		})
	}
	wg.Wait()
	close(ids)
	one := <-ids
	for other := range ids {
		if other != one {
			t.Error("one key made two assets")
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	p := start(t, false, func(o *httpapi.Options) { o.AllowedOrigins = []string{"https://app.example"} })
	get := func(path string, header map[string]string) http.Header {
		return p.do(call{method: "GET", path: path, header: header}).header
	}
	h := get("/v1/chains", map[string]string{"X-Request-Id": "abc-1"})
	if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("X-Request-Id") != "abc-1" || h.Get("Cache-Control") != "no-store" {
		t.Errorf("got %v", h)
	}
	if id := get("/v1/chains", map[string]string{"X-Request-Id": "a b\"<"}).Get("X-Request-Id"); len(id) < 20 {
		t.Errorf("a bad request id became %q", id)
	}
	if h := get("/v1/chains", map[string]string{"Origin": "https://app.example"}); h.Get("Access-Control-Allow-Origin") != "https://app.example" || h.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("an allowed origin: %v", h)
	}
	if h := get("/v1/chains", map[string]string{"Origin": "https://evil.example"}); h.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another origin: %v", h)
	}
	pre := map[string]string{"Origin": "https://app.example", "Access-Control-Request-Method": "PATCH"}
	if r := p.want(204, call{method: "OPTIONS", path: "/v1/uploads/x", header: pre}); !strings.Contains(r.header.Get("Access-Control-Allow-Headers"), "Upload-Offset") {
		t.Errorf("preflight of an upload: %v", r.header)
	}
	pre["Origin"] = "https://evil.example"
	if r := p.do(call{method: "OPTIONS", path: "/v1/media/a/1/v/n", header: pre}); r.status != 204 || r.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("preflight of a segment: %d %v", r.status, r.header)
	}
	if allow := p.want(405, call{method: "PUT", path: "/v1/assets"}).header.Get("Allow"); allow != "GET, HEAD, POST" {
		t.Errorf("Allow: %s", allow)
	}
	page := p.want(200, call{method: "GET", path: "/watch/abc"})
	csp := page.header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "script-src 'self'") || strings.Contains(csp, "unsafe") || !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
		t.Errorf("the page: %v", page.header)
	}
	p.want(405, call{method: "POST", path: "/watch/abc"})
}

func TestHealth(t *testing.T) {
	t.Parallel()
	p := start(t, false, func(o *httpapi.Options) {
		o.NoWeb = true
		o.Health = func(context.Context) map[string]error {
			return map[string]error{"database": nil, "chain": fault.New(fault.Unavailable, "x", "the node does not answer"), "media": fault.Wrap(fault.Internal, "x", context.DeadlineExceeded)}
		}
	})
	p.want(200, call{method: "GET", path: "/livez"})
	r := p.want(503, call{method: "GET", path: "/readyz"})
	if d := r.json(t)["detail"]; d != "Not ready: chain, media." {
		t.Errorf("detail %q", d)
	}
	s := p.want(200, call{method: "GET", path: "/v1/system", token: p.signIn(1)}).json(t)
	if s["ok"] != false || len(s["components"].([]any)) != 3 {
		t.Errorf("got %v", s)
	}
	p.want(404, call{method: "GET", path: "/"})
	p.want(404, call{method: "GET", path: "/metrics"}) // no handler was given
}

// Nothing that lets one watch or act may be read in the log.
func TestLogHidesTokens(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var b strings.Builder
	p := start(t, false, func(o *httpapi.Options) {
		o.Logger = slog.New(slog.NewJSONHandler(locked{&mu, &b}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	token := p.signIn(1)
	p.do(call{method: "GET", path: "/v1/play/secretpathtoken/hls/master.m3u8", token: token})
	p.do(call{method: "DELETE", path: "/v1/play/secretpathtoken"})
	p.do(call{method: "GET", path: "/v1/play/secretpathtoken"})
	mu.Lock()
	defer mu.Unlock()
	if log := b.String(); strings.Contains(log, "secretpathtoken") || strings.Contains(log, token) || !strings.Contains(log, "/v1/play/REDACTED/hls/master.m3u8") {
		t.Errorf("the log: %s", log)
	}
}

type locked struct {
	mu *sync.Mutex
	b  *strings.Builder
}

func (l locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// A handler may set a read deadline in the past to stop a request, as tusd does. Once the body was read to its end, that
// ends the context of every later request on the connection.
func TestConnectionsSurviveReadDeadlines(t *testing.T) {
	t.Parallel()
	p := start(t, false, nil)
	h := p.srv.Config.Handler
	reused := false
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/stop" {
			reused = reused || r.Context().Err() != nil
			h.ServeHTTP(w, r)
			return
		}
		_, _ = io.Copy(io.Discard, r.Body) // its end is what matters
		if err := http.NewResponseController(w).SetReadDeadline(time.Now()); err != nil {
			t.Error(err)
		}
		<-r.Context().Done()
	}))
	defer srv.Close()
	token := p.signIn(1)
	for n := range 3 {
		path := "/stop"
		if n > 0 {
			path = "/v1/assets"
		}
		req, err := http.NewRequest(http.MethodPost, srv.URL+path, strings.NewReader(`{"title":"one"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		req.Header.Set("Content-Type", "application/json")
		res, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body) // so that the connection is used again
		_ = res.Body.Close()
		if n > 0 && res.StatusCode != http.StatusCreated {
			t.Errorf("request %d on the connection gets %d", n, res.StatusCode)
		}
	}
	if !reused {
		t.Error("no request arrived on the connection whose context had ended: the test shows nothing")
	}
}

func TestPanicsAreAnswered(t *testing.T) {
	t.Parallel()
	p := start(t, false, func(o *httpapi.Options) {
		o.Tenant = func(r *http.Request) (string, error) {
			if r.Header.Get("X-Break") != "" {
				panic("a defect with a secret")
			}
			return "default", nil
		}
	})
	r := p.want(500, call{method: "GET", path: "/v1/chains", header: map[string]string{"X-Break": "1"}})
	if bytes.Contains(r.body, []byte("secret")) {
		t.Errorf("shown: %s", r.body)
	}
	p.want(200, call{method: "GET", path: "/v1/chains"})
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	if _, err := httpapi.New(httpapi.Options{}); err == nil {
		t.Error("no services, no error")
	}
	p := start(t, false, nil)
	for _, u := range []string{"video.example", "ftp://a", "https://a/b", "https://u@a", "://"} {
		o := p.opt
		o.PublicURL = u
		if _, err := httpapi.New(o); err == nil {
			t.Errorf("PublicURL %q is taken", u)
		}
	}
}

// events opens a stream and returns a function that reads the next event.
func (p *platform) events(c call) (next func() (event, data string), end func()) {
	p.t.Helper()
	res, err := p.srv.Client().Do(p.request(c))
	if err != nil {
		p.t.Fatal(err)
	}
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		p.t.Fatalf("%s: %d %s", c.path, res.StatusCode, res.Header.Get("Content-Type"))
	}
	sc := bufio.NewScanner(res.Body)
	return func() (event, data string) {
		for sc.Scan() {
			switch line := sc.Text(); {
			case strings.HasPrefix(line, "event: "):
				event = line[7:]
			case strings.HasPrefix(line, "data: "):
				data = line[6:]
			case line == "" && event != "":
				return event, data
			}
		}
		return "", ""
	}, func() { res.Body.Close() }
}

func TestAssetEvents(t *testing.T) {
	t.Parallel()
	stopping := make(chan struct{})
	p := start(t, false, func(o *httpapi.Options) { o.Stopping = stopping })
	token := p.signIn(1)
	id := p.create(token, "first")
	next, end := p.events(call{method: "GET", path: "/v1/assets/" + id + "/events", token: token})
	defer end()
	if e, _ := next(); e != "open" {
		t.Fatalf("first comes %q", e)
	}
	if e, d := next(); e != "asset" || !strings.Contains(d, `"first"`) || !strings.Contains(d, `"mine":true`) {
		t.Fatalf("then %q %s", e, d)
	}
	p.want(200, call{method: "PATCH", path: "/v1/assets/" + id, token: token, body: map[string]string{"title": "second"}})
	if e, d := next(); e != "asset" || !strings.Contains(d, `"second"`) {
		t.Fatalf("then %q %s", e, d)
	}
	close(stopping)
	if e, _ := next(); e != "" {
		t.Errorf("the stream outlives the server: %q", e)
	}
}
