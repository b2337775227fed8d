package media_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/drivers/ffmpeg"
	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/storage/file"
)

const childEnv = "STREAMGATE_TEST_MEDIA_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child is a server that the test kills: everything that lasts is below dir.
func child(dir string) error {
	ctx := context.Background()
	db, err := sqldb.Open(ctx, filepath.Join(dir, "sg.db"))
	if err != nil {
		return err
	}
	objects, err := file.Open(filepath.Join(dir, "objects"), file.Options{})
	if err != nil {
		return err
	}
	ring, err := keys.OpenKeyring(filepath.Join(dir, "keys"), keys.Options{})
	if err != nil {
		return err
	}
	svc, err := media.New(media.Options{
		Store: db.Media(), Objects: objects, Keys: ring, Transcoder: ffmpeg.New(ffmpeg.Options{}), Queue: job.NewMemory(job.Options{}),
		Events: event.NewMemory(event.Options{}), WorkDir: filepath.Join(dir, "work"), Workers: 2,
	})
	if err != nil {
		return err
	}
	h, err := svc.UploadHandler("/v1/uploads/", principal)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/v1/uploads", h)
	mux.Handle("/v1/uploads/", h)
	mux.HandleFunc("POST /assets", func(w http.ResponseWriter, r *http.Request) {
		a, err := svc.Create(r.Context(), ann, media.CreateAsset{Title: "killed"})
		answer(w, a, err)
	})
	mux.HandleFunc("GET /assets/{id}", func(w http.ResponseWriter, r *http.Request) {
		a, err := svc.Get(r.Context(), "default", r.PathValue("id"))
		answer(w, a, err)
	})
	mux.HandleFunc("GET /frames/{id}", func(w http.ResponseWriter, r *http.Request) {
		v, err := svc.Version(r.Context(), "", r.PathValue("id"), 0)
		if err != nil {
			answer(w, nil, err)
			return
		}
		counts := map[string]int{}
		for _, t := range v.Tracks {
			counts[t.ID] = samples(t)
		}
		answer(w, counts, onGrid(v))
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(l.Addr())
	go http.Serve(l, mux)
	return svc.Run(ctx)
}

func answer(w http.ResponseWriter, v any, err error) {
	if err != nil {
		http.Error(w, err.Error(), 500)
		return
	}
	_ = json.NewEncoder(w).Encode(v)
}

// victim is a running child.
type victim struct {
	cmd *exec.Cmd
	url string
}

func start(t *testing.T, dir string) *victim {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("child did not start: %v", err)
	}
	return &victim{cmd, "http://" + strings.TrimSpace(line)}
}

func (v *victim) kill() {
	_ = v.cmd.Process.Kill()
	_ = v.cmd.Wait()
}

func (v *victim) get(path string, into any) bool {
	res, err := http.Get(v.url + path)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == 200 && json.NewDecoder(res.Body).Decode(into) == nil
}

// tus sends one request and returns the offset it was answered with, or -1.
func (v *victim) tus(ctx context.Context, method, path string, body []byte, headers ...string) (int, http.Header) {
	req, err := http.NewRequestWithContext(ctx, method, v.url+path, strings.NewReader(string(body)))
	if err != nil {
		return -1, nil
	}
	req.Header.Set("Tus-Resumable", "1.0.0")
	req.Header.Set("Authorization", "Bearer ann")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return -1, nil
	}
	res.Body.Close()
	if res.StatusCode >= 300 {
		return -1, res.Header
	}
	n, err := strconv.Atoi(res.Header.Get("Upload-Offset"))
	if err != nil {
		n = 0
	}
	return n, res.Header
}

// sending is the client's side of one upload: what it was told, and it remembers.
type sending struct {
	asset, path string
	acked       int
}

// step moves an upload on by one request; an answer is a promise.
func (s *sending) step(ctx context.Context, t *testing.T, v *victim, body []byte) {
	switch {
	case s.asset == "":
		var a media.Asset
		res, err := http.Post(v.url+"/assets", "", nil)
		if err != nil {
			return
		}
		defer res.Body.Close()
		if json.NewDecoder(res.Body).Decode(&a) == nil {
			s.asset = a.ID
		}
	case s.path == "":
		_, h := v.tus(ctx, "POST", "/v1/uploads", nil, "Upload-Length", fmt.Sprint(len(body)), "Upload-Metadata", metadata("asset_id", s.asset))
		if loc := h.Get("Location"); loc != "" {
			s.path = loc[strings.Index(loc, "/v1/"):]
		}
	default:
		at, _ := v.tus(ctx, "HEAD", s.path, nil)
		if at < 0 {
			return
		}
		if at < s.acked {
			t.Errorf("acknowledged bytes were lost: %d of %d", at, s.acked)
		}
		end := min(at+len(body)/5+1, len(body))
		if n, _ := v.tus(ctx, "PATCH", s.path, body[at:end], "Upload-Offset", fmt.Sprint(at), "Content-Type", "application/offset+octet-stream"); n > 0 {
			s.acked = n
		}
	}
}

// TestKill kills the server 50 times at random moments of uploads and transcodes.
// Nothing acknowledged is lost, and every asset ends ready with all its frames.
func TestKill(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute")
	}
	t.Parallel()
	const kills, assets = 50, 10
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	body := clip(t, "k.mp4", append(append(bars("320x180", "24000/1001", 9), tone(9)...), "-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-c:a", "aac")...)
	const frames = 216
	dir := t.TempDir()
	sends := make([]sending, assets)
	v := start(t, dir)
	defer func() { v.kill() }()
	for k := range kills {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(30+rnd.IntN(500))*time.Millisecond)
		timer := time.AfterFunc(time.Duration(20+rnd.IntN(500))*time.Millisecond, func() { _ = v.cmd.Process.Kill() })
		for ctx.Err() == nil {
			// Uploads start one after the other, so that kills meet both kinds of work.
			i := rnd.IntN(min(assets, k/4+1))
			if sends[i].acked < len(body) {
				sends[i].step(ctx, t, v, body)
				continue
			}
			var a media.Asset
			v.get("/assets/"+sends[i].asset, &a)
			select {
			case <-ctx.Done():
			case <-time.After(5 * time.Millisecond):
			}
		}
		timer.Stop()
		cancel()
		v.kill()
		v = start(t, dir)
	}
	deadline := time.Now().Add(90 * time.Second)
	for i := range sends {
		s := &sends[i]
		for s.acked < len(body) && time.Now().Before(deadline) {
			s.step(t.Context(), t, v, body)
		}
		var a media.Asset
		for time.Now().Before(deadline) && a.Status != media.Ready && a.Status != media.Failed {
			v.get("/assets/"+s.asset, &a)
			time.Sleep(20 * time.Millisecond)
		}
		var counts map[string]int
		if a.Status != media.Ready || !v.get("/frames/"+s.asset, &counts) || counts["v180"] != frames || counts["a128"] < 421 {
			t.Errorf("asset %d ended %q %q with frames %v", i, a.Status, a.Reason, counts)
		}
	}
	// Scratch of killed processes is gone; the one that lives keeps its own.
	if left, _ := filepath.Glob(filepath.Join(dir, "work", "*")); len(left) != 1 {
		t.Errorf("scratch left: %v", left)
	}
}
