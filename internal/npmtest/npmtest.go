// Package npmtest runs what outside JavaScript says of this project's work in Go
// tests: players, parsers, wallets, uploaders, compilers. Packages are pinned by a
// committed lock file and installed into the user's cache folder, never into the
// working tree and never with install scripts. Nothing that ships imports it.
package npmtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// Install returns a folder that holds the files of dir (package.json, its lock,
// scripts) and the packages they name, installing at the first use on a machine. It skips
// the test with -short. Anything missing fails the test, since a silent skip proves nothing.
func Install(t testing.TB, dir string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.*"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: no files, %v", dir, err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(name)] = b
	}
	return install(t, files)
}

// Packages is Install for a package.json and its lock given as bytes.
func Packages(t testing.TB, packageJSON, lock []byte) string {
	t.Helper()
	return install(t, map[string][]byte{"package.json": packageJSON, "package-lock.json": lock})
}

func install(t testing.TB, files map[string][]byte) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: needs npm packages")
	}
	if _, err := exec.LookPath("npm"); err != nil {
		t.Fatalf("%v: install Node 20 or newer with npm, or run with -short", err)
	}
	sum := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		sum.Write([]byte(name + "\x00"))
		sum.Write(files[name])
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatalf("%v: set HOME or XDG_CACHE_HOME", err)
	}
	parent := filepath.Join(cache, "streamgate", "npm")
	final := filepath.Join(parent, hex.EncodeToString(sum.Sum(nil)[:8]))
	if _, err := os.Stat(final); err == nil {
		return final
	}
	if err := os.MkdirAll(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	// Installed aside and renamed, so that parallel tests and a kill leave no half.
	tmp, err := os.MkdirTemp(parent, "new-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(tmp)
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(tmp, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
	cmd.Dir = tmp
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	if err := os.Rename(tmp, final); err != nil {
		if _, there := os.Stat(final); there != nil { // else another test was faster
			t.Fatal(err)
		}
	}
	return final
}

// Run runs node on a script of an installed folder with input on its standard
// input, and returns its output. A script that fails fails the test.
func Run(t testing.TB, dir, script string, input []byte) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "node", filepath.Join(dir, script))
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node %s: %v\n%s", script, err, stderr.Bytes())
	}
	return out
}
