package main

import (
	"cmp"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"

	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/cmd/refserver/devchain"
)

// spans is an OpenTelemetry collector that notes the names of what it gets.
type spans struct {
	collector.UnimplementedTraceServiceServer
	mu    sync.Mutex
	names map[string]int
	text  strings.Builder
}

func (s *spans) Export(_ context.Context, req *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range req.GetResourceSpans() {
		for _, scope := range r.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				s.names[span.GetName()]++
			}
		}
	}
	s.text.WriteString(req.String())
	return &collector.ExportTraceServiceResponse{}, nil
}

func startCollector(t *testing.T) (*spans, string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &spans{names: map[string]int{}}
	srv := grpc.NewServer()
	collector.RegisterTraceServiceServer(srv, s)
	go func() { _ = srv.Serve(ln) }()
	t.Cleanup(srv.Stop)
	return s, ln.Addr().String()
}

func makeClip(t *testing.T) string {
	t.Helper()
	clip := filepath.Join(t.TempDir(), "tiny.mp4")
	out, err := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=24:duration=8",
		"-f", "lavfi", "-i", "sine=duration=8", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", clip).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return clip
}

// demo is a running demo and what it wrote about itself.
type demo struct {
	*program
	demoInfo
}

func startDemo(t *testing.T, data string, args ...string) demo {
	t.Helper()
	d := demo{program: start(t, append([]string{"demo", "--addr", "127.0.0.1:0", "--data", data}, args...)...)}
	d.says(`(?m)^Open (http://\S+) `)
	b, err := os.ReadFile(filepath.Join(data, "demo.json"))
	if err == nil {
		err = json.Unmarshal(b, &d.demoInfo)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d demo) signIn(name string) *creator {
	d.t.Helper()
	c := &creator{base: d.URL, http: http.DefaultClient}
	for _, w := range d.Wallets {
		if w.Name == name {
			err := c.signIn(d.t.Context(), cmp.Or(w.Chain, d.Chain), devchain.Account{Address: w.Address}, func(address, message string) (string, error) {
				var out struct{ Signature string }
				err := c.call(d.t.Context(), "POST", "/v1/demo/sign", map[string]string{"address": address, "message": message}, &out)
				return out.Signature, err
			})
			if err != nil {
				d.t.Fatal(err)
			}
			return c
		}
	}
	d.t.Fatalf("no wallet %s", name)
	return nil
}

// watch opens a viewing and takes the first key, as a player does.
func (d demo) watch(c *creator) (token string, err error) {
	ctx := d.t.Context()
	var v struct {
		Token  string `json:"token"`
		HLSURL string `json:"hls_url"`
	}
	if err := c.call(ctx, "POST", "/v1/assets/"+d.AssetID+"/playback", nil, &v); err != nil {
		return "", err
	}
	_, master := get(d.t, d.URL+v.HLSURL)
	playlist := regexp.MustCompile(`(?m)^[^#\s]\S*\.m3u8`).FindString(master)
	_, media := get(d.t, d.URL+"/v1/play/"+v.Token+"/hls/"+playlist)
	key := regexp.MustCompile(`/key/[^"]+`).FindString(strings.ReplaceAll(media, "../", "/"))
	if status, k := get(d.t, d.URL+"/v1/play/"+v.Token+key); status != 200 || len(k) != 16 {
		d.t.Errorf("key %s of %s: %d %q\n%s", key, playlist, status, k, media)
	}
	return v.Token, nil
}

// Not parallel: the OpenTelemetry SDK is the process's.
func TestDemo(t *testing.T) {
	traces, endpoint := startCollector(t)
	data, clip := t.TempDir(), makeClip(t)
	d := startDemo(t, data, "--clip", clip, "--set", "log.level=debug", "--set", "telemetry.otlp_endpoint="+endpoint)

	if d.Chain != "eip155:1337" || !strings.HasPrefix(d.RPCURL, "http://127.0.0.1:") || !strings.HasPrefix(d.WSURL, "ws://127.0.0.1:") || len(d.PassContract) != 42 || d.AssetID == "" {
		t.Errorf("demo.json: %+v", d.demoInfo)
	}
	if len(d.Wallets) != 3 || d.Wallets[0].Name != "creator" || d.Wallets[1].Name != "holder" || !d.Wallets[1].Holds || d.Wallets[2].Holds || len(d.Wallets[2].PrivateKey) != 66 {
		t.Errorf("wallets: %+v", d.Wallets)
	}
	if st, err := os.Stat(filepath.Join(data, "demo.json")); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("demo.json: %v %v", st.Mode(), err)
	}
	holder, newcomer := d.signIn("holder"), d.signIn("newcomer")
	token, err := d.watch(holder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.watch(newcomer); err == nil || !strings.Contains(err.Error(), "403") || !strings.Contains(err.Error(), "not_held") {
		t.Errorf("the newcomer: %v", err)
	}
	t.Run("routes", func(t *testing.T) { demoRoutes(t, d) })

	// The pass moves on, and with it the right.
	c := &creator{base: d.URL, http: http.DefaultClient}
	if err := c.call(t.Context(), "POST", "/v1/demo/transfer", map[string]string{"from": d.Wallets[1].Address, "to": d.Wallets[2].Address}, nil); err != nil {
		t.Fatal(err)
	}
	for late := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if _, err := d.watch(newcomer); err == nil {
			break
		} else if time.Now().After(late) {
			t.Fatal(err)
		}
	}
	if _, err := d.watch(holder); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("the one who held it: %v", err)
	}

	_, metrics := get(t, d.URL+"/metrics")
	for _, want := range []string{"http_server_request_duration_seconds_bucket", `http_route="/v1/assets/{id}/playback"`, "streamgate_play_decisions_total", "go_goroutines", "process_resident_memory_bytes"} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
	if err := d.end(); err != nil {
		t.Fatal(err)
	}

	// Traces of each step of the way arrived.
	traces.mu.Lock()
	defer traces.mu.Unlock()
	for _, want := range []string{"PATCH /v1/uploads/{id}", "media.upload", "media.probe", "media.transcode", "POST /v1/assets/{id}/playback", "GET /v1/play/{token}/key/{kid}", "nft.decide", "nft.check", "playback.Open", "playback.Key"} {
		if traces.names[want] == 0 {
			t.Errorf("no span %q in %v", want, traces.names)
		}
	}
	secrets := map[string]string{"an access token": holder.token, "another": newcomer.token, "a viewing's token": token}
	for _, w := range d.Wallets {
		secrets["the key of "+w.Name] = strings.TrimPrefix(w.PrivateKey, "0x")
	}
	log := d.err.String()
	if !strings.Contains(log, "level=DEBUG") {
		t.Error("nothing was logged at debug level, so that this proves nothing")
	}
	for what, secret := range secrets {
		for where, text := range map[string]string{"log": log, "output": d.out.String(), "metrics": metrics, "traces": traces.text.String()} {
			if secret == "" || strings.Contains(text, secret) {
				t.Errorf("the %s: %s", where, what)
			}
		}
	}

	// A second run: a new chain, the same folder, the same video.
	again := startDemo(t, data, "--clip", clip)
	if again.AssetID != d.AssetID || !strings.Contains(again.out.String(), "still there") {
		t.Errorf("the second run made %s of the clip although there is %s", again.AssetID, d.AssetID)
	}
	if _, err := again.watch(again.signIn("holder")); err != nil {
		t.Errorf("the holder of the second run: %v", err)
	}
	if _, err := again.watch(again.signIn("newcomer")); err == nil {
		t.Error("the newcomer of the second run may watch")
	}
	if err := again.end(); err != nil {
		t.Fatal(err)
	}
}

func demoRoutes(t *testing.T, d demo) {
	t.Helper()
	_, page := get(t, d.URL+"/v1/demo")
	if strings.Contains(page, "private_key") || !strings.Contains(page, d.AssetID) || !strings.Contains(page, `"name":"newcomer"`) {
		t.Errorf("/v1/demo: %s", page)
	}
	stranger, holder, newcomer := authtest.NewWallet(1).Address, d.Wallets[1].Address, d.Wallets[2].Address
	for name, c := range map[string]struct {
		path, contentType, body string
		status                  int
		detail                  string
	}{
		"sign by a stranger":      {"sign", "application/json", `{"address":"` + stranger + `","message":"x"}`, 400, "not a demo wallet"},
		"transfer by a non-owner": {"transfer", "application/json", `{"from":"` + newcomer + `","to":"` + holder + `"}`, 400, "does not hold"},
		"transfer to a stranger":  {"transfer", "application/json", `{"from":"` + holder + `","to":"` + stranger + `"}`, 400, "not a demo wallet"},
		"a form":                  {"sign", "text/plain", `{"address":"` + holder + `","message":"x"}`, 415, "send application/json"},
		"not JSON":                {"transfer", "application/json", `from=me`, 400, "JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), "POST", d.URL+"/v1/demo/"+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", c.contentType)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			var p struct{ Detail string }
			if err := json.NewDecoder(res.Body).Decode(&p); err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != c.status || res.Header.Get("Content-Type") != "application/problem+json" || !strings.Contains(p.Detail, c.detail) {
				t.Errorf("%d %q", res.StatusCode, p.Detail)
			}
		})
	}
}

// Ctrl-C while the demo prepares is no failure.
func TestDemoStoppedEarly(t *testing.T) {
	p := start(t, "demo", "--addr", "127.0.0.1:0", "--data", t.TempDir(), "--clip", makeClip(t))
	p.says("uploading ")
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
}

// With --solana the pass of either chain opens the video, and each side's people sign in as their wallets do.
func TestDemoSolana(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: needs npm packages")
	}
	data, clip := t.TempDir(), makeClip(t)
	d := startDemo(t, data, "--clip", clip, "--solana")
	if d.Solana == nil || !strings.HasPrefix(d.Solana.Chain, "solana:") || !strings.HasPrefix(d.Solana.RPCURL, "http://127.0.0.1:") || len(d.Wallets) != 5 || !d.Wallets[3].Holds || d.Wallets[4].Holds {
		t.Fatalf("demo.json: %+v", d.demoInfo)
	}
	if !strings.Contains(d.out.String(), "not a validator") || !strings.Contains(d.out.String(), d.Solana.Pass) {
		t.Errorf("what it says: %s", d.out.String())
	}
	wait := func(name string, want bool) {
		t.Helper()
		c := d.signIn(name)
		for late := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			_, err := d.watch(c)
			if (err == nil) == want {
				return
			}
			if time.Now().After(late) {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	wait("holder", true)
	wait("sol holder", true)
	wait("newcomer", false)
	if _, err := d.watch(d.signIn("sol newcomer")); err == nil || !strings.Contains(err.Error(), "not_held") || !strings.Contains(err.Error(), "Get 1 ") {
		t.Errorf("the Solana newcomer: %v", err)
	}
	c := &creator{base: d.URL, http: http.DefaultClient}
	for _, x := range []struct {
		from, to int
		detail   string
	}{{4, 3, "does not hold"}, {3, 2, "not a demo wallet"}, {3, 4, ""}} {
		err := c.call(t.Context(), "POST", "/v1/demo/transfer", map[string]string{"from": d.Wallets[x.from].Address, "to": d.Wallets[x.to].Address}, nil)
		if (err == nil) != (x.detail == "") || err != nil && !strings.Contains(err.Error(), x.detail) {
			t.Errorf("transfer from %s to %s: %v", d.Wallets[x.from].Name, d.Wallets[x.to].Name, err)
		}
	}
	wait("sol newcomer", true)
	wait("sol holder", false)
	if err := d.end(); err != nil {
		t.Fatal(err)
	}
	// Without it the same folder's video is gated by the one pass alone.
	d = startDemo(t, data, "--clip", clip)
	if _, err := d.watch(d.signIn("newcomer")); d.Solana != nil || err == nil || !strings.Contains(err.Error(), "not_held") {
		t.Errorf("the newcomer of a run without Solana: %v", err)
	}
	if err := d.end(); err != nil {
		t.Fatal(err)
	}
}
