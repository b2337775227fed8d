package web_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/httpapi/web"
	"github.com/streamgate/streamgate/internal/npmtest"
)

func get(t *testing.T, h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func ExampleHandler() {
	h, err := web.Handler()
	if err != nil {
		fmt.Println(err)
		return
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/watch/some-video", nil))
	fmt.Println(w.Code, w.Header().Get("Content-Type"))
	// Output: 200 text/html; charset=utf-8
}

func TestHandler(t *testing.T) {
	t.Parallel()
	h, err := web.Handler()
	if err != nil {
		t.Fatal(err)
	}
	page := get(t, h, "/")
	if page.Header().Get("Content-Security-Policy") != web.CSP || page.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("the page: %v", page.Header())
	}
	if w := get(t, h, "/", "If-None-Match", page.Header().Get("ETag")); w.Code != http.StatusNotModified {
		t.Errorf("the same page again: %d", w.Code)
	}
	if w := get(t, h, "/app/gone-XXXX.js"); w.Code != http.StatusNotFound {
		t.Errorf("a script that is gone: %d", w.Code)
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="(/app/[^"]+)"`).FindAllStringSubmatch(page.Body.String(), -1) {
		plain, packed := get(t, h, m[1]), get(t, h, m[1], "Accept-Encoding", "br, gzip")
		if plain.Code != 200 || !strings.Contains(plain.Header().Get("Cache-Control"), "immutable") || plain.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s: %d %v", m[1], plain.Code, plain.Header())
		}
		z, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(z)
		if err != nil || !bytes.Equal(b, plain.Body.Bytes()) || packed.Header().Get("ETag") == plain.Header().Get("ETag") {
			t.Errorf("%s packed is not the same: %v", m[1], err)
		}
		if w := get(t, h, m[1], "Accept-Encoding", "gzip;q=0"); w.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s packed for a client that refuses it", m[1])
		}
	}
	if strings.Contains(page.Body.String(), "<style") || regexp.MustCompile(`<script(?: [^>]*)?>[^<]`).MatchString(page.Body.String()) {
		t.Error("the page has inline code, which its policy blocks")
	}
}

// tools installs the exact packages of package-lock.json in a cache folder
// outside the tree and returns a copy of the sources beside them.
func tools(t *testing.T) string {
	t.Helper()
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join("src", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	dir := npmtest.Packages(t, read("package.json"), read("package-lock.json"))
	src := filepath.Join(t.TempDir(), "src")
	err := os.CopyFS(src, sources{os.DirFS("src")})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "node_modules"), filepath.Join(src, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return src
}

// sources hides a developer's own node_modules.
type sources struct{ fs.FS }

func (s sources) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := fs.ReadDir(s.FS, name)
	kept := list[:0]
	for _, e := range list {
		if e.Name() != "node_modules" {
			kept = append(kept, e)
		}
	}
	return kept, err
}

func run(t *testing.T, dir, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CSP="+web.CSP)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, args, err, out, stderr.String())
	}
	return out
}

// What is committed in dist is what the sources build to, byte for byte.
func TestDistIsTheBuild(t *testing.T) {
	t.Parallel()
	src := tools(t)
	out := t.TempDir()
	run(t, src, "node", "build.mjs", "--out", out)
	files, err := web.Files()
	if err != nil {
		t.Fatal(err)
	}
	list := func(f fs.FS) map[string]string {
		m := map[string]string{}
		err := fs.WalkDir(f, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := fs.ReadFile(f, name)
			m[name] = string(b)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	built, committed := list(os.DirFS(out)), list(files)
	for name, b := range built {
		if committed[name] != b {
			t.Errorf("dist/%s is not what the sources build to: run npm run build in httpapi/web/src", name)
		}
		delete(committed, name)
	}
	for name := range committed {
		t.Errorf("dist/%s is left over", name)
	}
}

// Every screen, dark, light and on a phone: no finding of axe-core, nothing
// blocked by the policy, no sideways scrolling.
func TestScreens(t *testing.T) {
	t.Parallel()
	src := tools(t)
	if _, err := os.Stat("/usr/bin/chromium"); err != nil {
		t.Fatal("chromium is not installed: apt-get install -y chromium, or run with -short")
	}
	dist, err := filepath.Abs("dist")
	if err != nil {
		t.Fatal(err)
	}
	var result struct {
		Shown    int
		Findings []struct{ Where, What string }
	}
	if err := json.Unmarshal(run(t, src, "node", "test/pages.mjs", dist, t.TempDir()), &result); err != nil {
		t.Fatal(err)
	}
	for _, f := range result.Findings {
		t.Errorf("%s: %s", f.Where, f.What)
	}
	if result.Shown < 60 {
		t.Errorf("only %d screens were shown", result.Shown)
	}
}
