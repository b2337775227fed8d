// Package npmtool installs npm packages that tests need as outside judges or
// tools: pinned by a committed lock file, into the user's cache folder and never
// into the working tree. Tests call it; nothing that ships does.
package npmtool

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Install returns a folder in which packageJSON and its lock are installed,
// without running any install script, installing at the first use on a machine.
// Later calls, from any process, reuse it. A failure fails the test; npm missing
// is a failure, too, since a silent skip proves nothing.
func Install(t testing.TB, name string, packageJSON, lock []byte) string {
	t.Helper()
	dir, err := install(name, packageJSON, lock)
	if err != nil {
		t.Fatalf("npmtool: %s: %v", name, err)
	}
	return dir
}

func install(name string, packageJSON, lock []byte) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append(append([]byte{}, packageJSON...), lock...))
	root := filepath.Join(cache, "streamgate", "tools")
	dir := filepath.Join(root, name+"-"+hex.EncodeToString(sum[:6]))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", err
	}
	// Installed aside and renamed, so that a folder of the final name is whole
	// and two processes at once need no lock.
	tmp, err := os.MkdirTemp(root, name+"-*.partial")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	for file, b := range map[string][]byte{"package.json": packageJSON, "package-lock.json": lock} {
		if err := os.WriteFile(filepath.Join(tmp, file), b, 0o644); err != nil {
			return "", err
		}
	}
	cmd := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = tmp
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	if err := os.Chmod(tmp, 0o755); err != nil {
		return "", err
	}
	if err := os.Rename(tmp, dir); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	return dir, nil
}
