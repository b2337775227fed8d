// Package npmtest runs JavaScript judges in Go tests: players and parsers that did
// not come from this project say whether its output is good.
package npmtest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Install copies the files of dir (package.json, package-lock.json, scripts) to a
// folder of the user's cache named by their content, runs npm ci there once, and
// returns the folder. It skips the test where npm is not installed, unless CI is set.
func Install(t testing.TB, dir string) string {
	t.Helper()
	if _, err := exec.LookPath("npm"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("npm is needed: apt-get install -y nodejs npm")
		}
		t.Skip("npm is not installed: apt-get install -y nodejs npm")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no files, %v", dir, err)
	}
	content, sum := map[string][]byte{}, sha256.New()
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		content[filepath.Base(f)] = b
		sum.Write(append([]byte(filepath.Base(f)+"\x00"), b...))
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	parent := filepath.Join(cache, "streamgate", "npm")
	final := filepath.Join(parent, hex.EncodeToString(sum.Sum(nil)[:8]))
	if _, err := os.Stat(final); err == nil {
		return final
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	// Install beside and rename, so that parallel tests and a kill leave no half.
	tmp, err := os.MkdirTemp(parent, "new")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	for name, b := range content {
		if err := os.WriteFile(filepath.Join(tmp, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts")
	cmd.Dir = tmp
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	if err := os.Rename(tmp, final); err != nil {
		if _, there := os.Stat(final); there != nil {
			t.Fatal(err)
		}
	}
	return final
}

// Run runs node on a script of an installed folder with input on its standard
// input, and returns its output. A script that fails fails the test.
func Run(t testing.TB, dir, script string, input []byte) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join(dir, script))
	cmd.Stdin = bytes.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node %s: %v\n%s", script, err, stderr.Bytes())
	}
	return out
}
