package media_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/streamgate/streamgate/internal/npmtest"
)

// TestTusJSClient uploads with the client that browsers use.
func TestTusJSClient(t *testing.T) {
	t.Parallel()
	packages := npmtest.Install(t, "testdata/tusclient")
	dir := t.TempDir()
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
			out, err := exec.CommandContext(t.Context(), "node", filepath.Join(packages, "upload.cjs"), filepath.Join(packages, "node_modules"), h.url, path, a.ID, mode).CombinedOutput()
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
