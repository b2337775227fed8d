package media_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestTusJSClient uploads with the client that browsers use.
func TestTusJSClient(t *testing.T) {
	if testing.Short() {
		t.Skip("installs an npm package")
	}
	t.Parallel()
	for _, p := range []string{"node", "npm"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("%s is not installed", p)
		}
	}
	dir := t.TempDir()
	for _, f := range []string{"package.json", "package-lock.json"} {
		b, err := os.ReadFile(filepath.Join("testdata", "tusclient", f))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, f), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	npm := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v %s", err, out)
	}
	h := newHouse(t, nil)
	body := noise(3<<20 + 17)
	path := filepath.Join(dir, "clip.mp4")
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(body)
	for _, mode := range []string{"plain", "resume", "parallel"} {
		a := h.create(mode)
		t.Run(mode, func(t *testing.T) {
			out, err := exec.CommandContext(t.Context(), "node", "testdata/tusclient/upload.cjs", filepath.Join(dir, "node_modules"), h.url, path, a.ID, mode).CombinedOutput()
			if err != nil {
				t.Fatalf("%v %s", err, out)
			}
			size, got, err := h.svc.Source(t.Context(), "default", a.ID)
			if err != nil || size != int64(len(body)) || got != hex.EncodeToString(sum[:]) {
				t.Fatalf("%d %s %v", size, got, err)
			}
		})
	}
}
