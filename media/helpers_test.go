package media_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/drivers/ffmpeg"
	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/cmaf"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/mem"
)

var ann = auth.Principal{Tenant: "default", UserID: "ann"}

// house is a Service with all that it stands on.
type house struct {
	t       testing.TB
	svc     *media.Service
	store   *sqldb.Media
	objects storage.Store
	url     string
	opt     media.Options
	work    string
}

func newHouse(t testing.TB, change func(*media.Options)) *house {
	t.Helper()
	dir := t.TempDir()
	db, err := sqldb.Open(t.Context(), filepath.Join(dir, "sg.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	h := &house{t: t, store: db.Media(), objects: mem.New(), work: filepath.Join(dir, "work")}
	h.opt = media.Options{
		Store: h.store, Objects: h.objects, Keys: keys.NewMemory(), Transcoder: ffmpeg.New(ffmpeg.Options{}),
		Queue: job.NewMemory(job.Options{}), Events: event.NewMemory(event.Options{}), WorkDir: h.work,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if change != nil {
		change(&h.opt)
	}
	if h.svc, err = media.New(h.opt); err != nil {
		t.Fatal(err)
	}
	h.relay(db)
	handler, err := h.svc.UploadHandler("/v1/uploads/", principal)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/v1/uploads", handler)
	mux.Handle("/v1/uploads/", handler)
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	h.url = srv.URL + "/v1/uploads"
	return h
}

// relay publishes the events that a process was too late to publish itself, as on every platform: on a busy
// machine a second is soon over, and who watches would wait for ever.
func (h *house) relay(db *sqldb.DB) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Relay(h.opt.Events, sqldb.RelayOptions{Every: 100 * time.Millisecond}).Run(ctx) }()
	h.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Errorf("relay: %v", err)
		}
	})
}

func principal(r *http.Request) (auth.Principal, error) {
	u, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return auth.Principal{}, fault.New(fault.Unauthenticated, "test", "sign in")
	}
	return auth.Principal{Tenant: "default", UserID: u}, nil
}

// run starts the workers until the test ends.
func (h *house) run() {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.svc.Run(ctx) }()
	h.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Errorf("run: %v", err)
		}
	})
}

func (h *house) create(title string) media.Asset {
	h.t.Helper()
	a, err := h.svc.Create(h.t.Context(), ann, media.CreateAsset{Title: title})
	if err != nil {
		h.t.Fatal(err)
	}
	return a
}

func metadata(kv ...string) string {
	var s []string
	for i := 0; i+1 < len(kv); i += 2 {
		s = append(s, kv[i]+" "+base64.StdEncoding.EncodeToString([]byte(kv[i+1])))
	}
	return strings.Join(s, ",")
}

// request sends one tus request; headers are name, value pairs.
func (h *house) request(method, url string, body []byte, headers ...string) (*http.Response, []byte) {
	h.t.Helper()
	var rd io.Reader
	if body != nil {
		rd = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, url, rd)
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Tus-Resumable", "1.0.0")
	req.Header.Set("Authorization", "Bearer ann")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return res, b
}

func (h *house) begin(asset string, size int) string {
	h.t.Helper()
	res, b := h.request("POST", h.url, nil, "Upload-Length", fmt.Sprint(size), "Upload-Metadata", metadata("asset_id", asset, "filename", "x.mp4"))
	if res.StatusCode != http.StatusCreated {
		h.t.Fatalf("create upload: %d %s", res.StatusCode, b)
	}
	return res.Header.Get("Location")
}

func (h *house) patch(url string, offset int, body []byte, headers ...string) (*http.Response, []byte) {
	h.t.Helper()
	return h.request("PATCH", url, body, append([]string{"Upload-Offset", fmt.Sprint(offset), "Content-Type", "application/offset+octet-stream"}, headers...)...)
}

func (h *house) upload(asset string, body []byte) {
	h.t.Helper()
	if res, b := h.patch(h.begin(asset, len(body)), 0, body); res.StatusCode != http.StatusNoContent {
		h.t.Fatalf("patch: %d %s", res.StatusCode, b)
	}
}

// await watches the asset until it has one of the statuses.
func (h *house) await(id string, want ...media.Status) media.Asset {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 5*time.Minute)
	defer cancel()
	ch, err := h.svc.Watch(ctx, "default", id)
	if err != nil {
		h.t.Fatal(err)
	}
	var last media.Asset
	for a := range ch {
		last = a
		for _, w := range want {
			if a.Status == w {
				return a
			}
		}
	}
	b, _ := json.Marshal(last)
	h.t.Fatalf("asset never became %v: %s", want, b)
	return last
}

func wantProblem(t *testing.T, res *http.Response, body []byte, status int, code fault.Kind) {
	t.Helper()
	var p struct {
		Status int
		Code   string
		Detail string
	}
	if err := json.Unmarshal(body, &p); err != nil || res.StatusCode != status || p.Status != status || p.Code != code.String() || p.Detail == "" ||
		res.Header.Get("Content-Type") != "application/problem+json" {
		t.Fatalf("want %d %s, got %d %s %q", status, code, res.StatusCode, body, res.Header.Get("Content-Type"))
	}
}

// clip makes a video with ffmpeg; args come before the output.
func clip(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	out, err := exec.Command("ffmpeg", append(append([]string{"-nostdin", "-v", "error", "-y"}, args...), path)...).CombinedOutput()
	if err != nil {
		t.Fatalf("ffmpeg: %v %s", err, out)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func bars(size, rate string, seconds float64) []string {
	return []string{"-f", "lavfi", "-i", fmt.Sprintf("testsrc2=s=%s:r=%s:d=%g", size, rate, seconds)}
}

func tone(seconds float64) []string {
	return []string{"-f", "lavfi", "-i", fmt.Sprintf("sine=f=440:r=44100:d=%g", seconds)}
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fixture reads a clip of the mp4ff module.
func fixture(t testing.TB, name string) []byte {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/Eyevinn/mp4ff").Output()
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "mp4", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// stored returns a track as one file.
func (h *house) stored(tr cmaf.Track) []byte {
	h.t.Helper()
	out := bytes.Clone(tr.Init)
	for _, s := range tr.Segments {
		rc, err := h.objects.Get(h.t.Context(), s.Object, s.Offset, s.Length)
		if err != nil {
			h.t.Fatal(err)
		}
		b, err := io.ReadAll(rc)
		rc.Close()
		if err != nil || int64(len(b)) != s.Length {
			h.t.Fatalf("segment: %d of %d bytes, %v", len(b), s.Length, err)
		}
		out = append(out, b...)
	}
	return out
}

// decoded counts the frames that ffprobe decodes without complaint.
func decoded(path, kind string) (n int, err error) {
	cmd := exec.Command("ffprobe", "-v", "error", "-select_streams", kind[:1], "-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0", path)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		return 0, fmt.Errorf("ffprobe: %w %s", err, stderr.String())
	}
	_, err = fmt.Sscan(string(out), &n)
	return n, err
}

// tidy waits until nothing is left in storage: an asset's failure is told a moment
// before the last of it is gone.
func (h *house) tidy() {
	for range 200 {
		if infos, err := h.objects.List(h.t.Context(), "", "", 1); err == nil && len(infos) == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func contains(s, part string) bool { return strings.Contains(s, part) }

func glob(t testing.TB, elems ...string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(elems...))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func hexSum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
