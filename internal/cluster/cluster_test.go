package cluster_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/internal/cluster"
)

// start builds the reference server and starts it as nine services.
func start(t *testing.T, replicas map[string]int) *cluster.Cluster {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: needs nine processes and five servers")
	}
	// PostgreSQL runs as another user, who must be able to pass.
	dir, err := os.MkdirTemp("", "sg-cluster-*") //nolint:usetesting // t.TempDir is for one user alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "refserver")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../cmd/refserver")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	log, err := os.Create(filepath.Join(dir, "processes.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		log.Close()
		if t.Failed() {
			b, _ := os.ReadFile(log.Name())
			t.Logf("the end of the log:\n%s", b[max(0, len(b)-8000):])
		}
	})
	c, err := cluster.Start(t.Context(), cluster.Options{Dir: dir, Binary: binary, Replicas: replicas, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// client speaks to the gateway as one user.
type client struct {
	t     *testing.T
	base  string
	token string
}

func (c *client) call(ctx context.Context, method, path string, body any, header ...string) (int, []byte, http.Header, error) {
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		r = bytes.NewReader(b)
	default:
		j, err := json.Marshal(b)
		if err != nil {
			return 0, nil, nil, err
		}
		r = bytes.NewReader(j)
	}
	if !strings.HasPrefix(path, "http") {
		path = c.base + path
	}
	req, err := http.NewRequestWithContext(ctx, method, path, r)
	if err != nil {
		return 0, nil, nil, err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, b, res.Header, err
}

// must calls and decodes, and wants the status.
func (c *client) must(method, path string, body any, status int, out any, header ...string) http.Header {
	c.t.Helper()
	got, b, h, err := c.call(c.t.Context(), method, path, body, header...)
	if err != nil || got != status {
		c.t.Fatalf("%s %s: %d %s %v", method, path, got, b, err)
	}
	if out != nil {
		if err := json.Unmarshal(b, out); err != nil {
			c.t.Fatal(err)
		}
	}
	return h
}

func (c *client) signIn(w authtest.Wallet) {
	c.t.Helper()
	var ch struct{ Message string }
	c.must("POST", "/v1/auth/challenge", map[string]string{"account": w.On("eip155:1337").String()}, 200, &ch)
	var tokens struct {
		AccessToken string `json:"access_token"`
	}
	c.must("POST", "/v1/auth/verify", map[string]string{"message": ch.Message, "signature": w.Sign(ch.Message)}, 200, &tokens)
	c.token = tokens.AccessToken
}

// film uploads a clip that anyone may watch and waits until it is ready.
func (c *client) film() string {
	c.t.Helper()
	clip := filepath.Join(c.t.TempDir(), "clip.mp4")
	out, err := exec.CommandContext(c.t.Context(), "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x240:r=24:d=16", "-f", "lavfi", "-i", "sine=d=16",
		"-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", "-shortest", clip).CombinedOutput()
	if err != nil {
		c.t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(clip)
	if err != nil {
		c.t.Fatal(err)
	}
	var a struct{ ID, Status, Reason string }
	c.must("POST", "/v1/assets", map[string]any{"title": "Film", "policy": map[string]any{"public": true}}, 201, &a)
	h := c.must("POST", "/v1/uploads/", nil, 201, nil, "Tus-Resumable", "1.0.0", "Upload-Length", fmt.Sprint(len(b)),
		"Upload-Metadata", "asset_id "+base64.StdEncoding.EncodeToString([]byte(a.ID)))
	half := len(b) / 2
	for _, part := range [][2]int{{0, half}, {half, len(b)}} {
		c.must("PATCH", h.Get("Location"), b[part[0]:part[1]], 204, nil, "Tus-Resumable", "1.0.0", "Upload-Offset", fmt.Sprint(part[0]), "Content-Type", "application/offset+octet-stream")
	}
	for late := time.Now().Add(2 * time.Minute); a.Status != "ready"; time.Sleep(100 * time.Millisecond) {
		c.must("GET", "/v1/assets/"+a.ID, nil, 200, &a)
		if a.Status == "failed" || time.Now().After(late) {
			c.t.Fatalf("%+v", a)
		}
	}
	return a.ID
}

var (
	keyURI  = regexp.MustCompile(`URI="([^"]*/key/[^"]*)"`)
	segment = regexp.MustCompile(`(?m)^[^#\n]*\.m4s$`)
)

// watch opens a viewing and takes its master, one rendition, the keys of its first epochs and segments, once.
func (c *client) watch(ctx context.Context, asset string) error {
	// Each viewing comes from an address of its own: what one may ask is limited.
	from := []string{"X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", rand.N(256), rand.N(256), rand.N(256))}
	get := func(method, path string) ([]byte, error) {
		status, b, _, err := c.call(ctx, method, path, nil, from...)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("%s %s: %d %.300s", method, path, status, b)
		}
		return b, err
	}
	b, err := get("POST", "/v1/assets/"+asset+"/playback")
	if err != nil {
		return err
	}
	var v struct {
		HLS   string `json:"hls_url"`
		Close string `json:"close_url"`
		Renew string `json:"renew_url"`
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	folder := v.HLS[:strings.LastIndexByte(v.HLS, '/')+1]
	if _, err = get("GET", v.HLS); err != nil {
		return err
	}
	list, err := get("GET", folder+"a128.m3u8")
	if err != nil {
		return err
	}
	if key := keyURI.FindSubmatch(list); key != nil {
		if k, err := get("GET", folder+string(key[1])); err != nil || len(k) != 16 {
			return fmt.Errorf("a key of %d bytes: %w", len(k), err)
		}
	}
	for _, s := range segment.FindAllString(string(list), 2) {
		if _, err := get("GET", folder+s); err != nil {
			return err
		}
	}
	if _, err := get("POST", v.Renew); err != nil {
		return err
	}
	if status, b, _, err := c.call(ctx, "DELETE", v.Close, nil, from...); err != nil || status != http.StatusNoContent {
		return fmt.Errorf("close: %d %s %w", status, b, err)
	}
	return nil
}

// TestDrainFailsNoRequest stops one process of each role that viewers meet, in the middle of playback, one
// after the other, and starts it again.
func TestDrainFailsNoRequest(t *testing.T) {
	t.Parallel()
	c := start(t, map[string]int{"streaming": 2, "auth": 2, "metadata": 2})
	owner := &client{t: t, base: c.URL}
	owner.signIn(authtest.NewWallet(1))
	asset := owner.film()

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var viewers sync.WaitGroup
	var watched atomic.Int64
	failed := make(chan error, 1)
	for range 6 {
		viewers.Go(func() {
			for ctx.Err() == nil {
				err := owner.watch(ctx, asset)
				if err != nil && ctx.Err() == nil {
					select {
					case failed <- err:
					default:
					}
					return
				}
				watched.Add(1)
			}
		})
	}
	more := func(n int64) { // lets n viewings more go well
		t.Helper()
		for was, late := watched.Load(), time.Now().Add(time.Minute); watched.Load() < was+n; {
			select {
			case err := <-failed:
				stop()
				t.Fatal(err)
			case <-time.After(10 * time.Millisecond):
			}
			if time.Now().After(late) {
				t.Fatal("nobody watches any more")
			}
		}
	}
	more(20)
	for _, name := range []string{"streaming-1", "metadata-1", "auth-1", "streaming-2"} {
		if err := c.Role(name).Process.Stop(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		more(20)
		if err := c.Role(name).Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		// The other may only go once this one is found again.
		awaitHealthy(t, owner, name)
		more(20)
	}
	stop()
	viewers.Wait()
	select {
	case err := <-failed:
		t.Error(err)
	default:
	}
	t.Logf("%d viewings through four stops", watched.Load())
}

// awaitHealthy waits until the monitor sees the process.
func awaitHealthy(t *testing.T, c *client, name string) {
	t.Helper()
	for late := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		var s struct {
			Roles map[string][]struct {
				ID    string
				Ready bool
			}
		}
		c.must("GET", "/v1/system", nil, 200, &s)
		role, _, _ := strings.Cut(name, "-")
		for _, i := range s.Roles[role] {
			if i.ID == name+"-"+role && i.Ready {
				return
			}
		}
		if time.Now().After(late) {
			t.Fatalf("%s does not come back: %+v", name, s)
		}
	}
}
