package keys_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/auth/keys/keystest"
	"github.com/streamgate/streamgate/fault"
)

func TestFileMaster(t *testing.T) {
	t.Parallel()
	keystest.RunMaster(t, func(t testing.TB) keys.Master {
		return fileMaster(t, filepath.Join(t.TempDir(), "m"), keys.FileOptions{})
	})
}

func TestFileMasterReadOnly(t *testing.T) {
	t.Parallel()
	keystest.RunMaster(t, func(t testing.TB) keys.Master {
		return fileMaster(t, secret(t, 1, 2, 3, 10), keys.FileOptions{ReadOnly: true})
	})
}

func line(number int) string {
	key := bytes.Repeat([]byte{byte(number)}, 32)
	return fmt.Sprintf("%d %s\n", number, base64.StdEncoding.EncodeToString(key))
}

// secret is a file with keys of these numbers.
func secret(t testing.TB, numbers ...int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "master")
	write(t, path, numbers...)
	return path
}

func write(t testing.TB, path string, numbers ...int) {
	t.Helper()
	text := "# the master keys\n\n"
	for _, n := range numbers {
		text += line(n)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The way of a Kubernetes secret: the operator adds a key, rotates, removes the old one.
func TestRotatingASecret(t *testing.T) {
	t.Parallel()
	path, store := secret(t, 1), keys.NewMemoryScopes()
	opt := keys.FileOptions{ReadOnly: true}
	a := shared(t, fileMaster(t, path, opt), store, keys.SharedOptions{})
	b := shared(t, fileMaster(t, path, opt), store, keys.SharedOptions{Recheck: 1})
	plain, wrapped, err := a.DataKey(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	err = a.Rotate(t.Context())
	if msg, _, _ := fault.Public(err); !errors.Is(err, fault.Invalid) || !strings.Contains(msg, "add a line") {
		t.Fatalf("Rotate without a new key: %v, want kind invalid and what to do", err)
	}
	write(t, path, 1, 2)
	if err := a.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	write(t, path, 2)
	for _, k := range []keys.Manager{b, shared(t, fileMaster(t, path, opt), store, keys.SharedOptions{})} {
		if got, err := k.Unwrap(t.Context(), "s", wrapped); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("after the old key was removed: %v", err)
		}
	}
	// A process whose secret is behind waits; it does not take the key for damaged.
	behind := shared(t, fileMaster(t, secret(t, 1), opt), store, keys.SharedOptions{})
	if _, err := behind.Unwrap(t.Context(), "s", wrapped); !errors.Is(err, fault.Unavailable) {
		t.Errorf("a process with the old secret: %v, want kind unavailable", err)
	}
	if _, _, err := behind.DataKey(t.Context(), "s2"); !errors.Is(err, fault.Unavailable) {
		t.Errorf("a new scope with the old secret: %v, want kind unavailable", err)
	}
}

func TestAnotherKeyUnderTheSameNumberIsNotTaken(t *testing.T) {
	t.Parallel()
	store := keys.NewMemoryScopes()
	first := shared(t, fileMaster(t, filepath.Join(t.TempDir(), "m"), keys.FileOptions{}), store, keys.SharedOptions{})
	_, wrapped, err := first.DataKey(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"another file": secret(t, 1), "no file": filepath.Join(t.TempDir(), "m")} {
		k := shared(t, fileMaster(t, path, keys.FileOptions{}), store, keys.SharedOptions{})
		if _, err := k.Unwrap(t.Context(), "s", wrapped); !errors.Is(err, fault.Unavailable) {
			t.Errorf("%s: Unwrap: %v, want kind unavailable", name, err)
		}
		if _, _, err := k.DataKey(t.Context(), "new/"+strings.ReplaceAll(name, " ", "")); !errors.Is(err, fault.Unavailable) {
			t.Errorf("%s: DataKey of a new scope: %v, want kind unavailable", name, err)
		}
	}
	lost := shared(t, fileMaster(t, filepath.Join(t.TempDir(), "m"), keys.FileOptions{}), store, keys.SharedOptions{})
	if err := lost.Rotate(t.Context()); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Rotate without the file: %v, want kind unavailable, never a new start", err)
	}
}

func TestFileMasterModesAndDamage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mode  fs.FileMode
		opt   keys.FileOptions
		fails bool
	}{
		{0o600, keys.FileOptions{}, false},
		{0o400, keys.FileOptions{ReadOnly: true}, false},
		{0o440, keys.FileOptions{ReadOnly: true}, true},
		{0o644, keys.FileOptions{}, true},
		{0o440, keys.FileOptions{ReadOnly: true, GroupMayRead: true}, false},
		{0o444, keys.FileOptions{GroupMayRead: true}, true},
		{0o660, keys.FileOptions{GroupMayRead: true}, true},
	} {
		path := secret(t, 1)
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := keys.OpenFileMaster(path, c.opt)
		if c.fails != errors.Is(err, fault.Invalid) || !c.fails && err != nil {
			t.Errorf("mode %04o with %+v: %v", c.mode, c.opt, err)
		}
	}
	good := strings.TrimSpace(line(1))
	for _, text := range []string{"", "# nothing\n", "1\n", "1 AAAA\n", good + "\n" + good + "\n", "0 " + good[2:], "-1 " + good[2:], "x " + good[2:], good + "A", good[2:], strings.Repeat("1", 70_000)} {
		path := secret(t)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := keys.OpenFileMaster(path, keys.FileOptions{})
		if !errors.Is(err, fault.Corrupt) {
			t.Errorf("%.60q: %v, want kind corrupt", text, err)
		} else if len(text) > 40 && strings.Contains(err.Error(), good[10:30]) {
			t.Errorf("the error shows the key: %v", err)
		}
	}
	if _, err := keys.OpenFileMaster(filepath.Join(t.TempDir(), "none"), keys.FileOptions{ReadOnly: true}); !errors.Is(err, fault.NotFound) {
		t.Errorf("a missing secret: %v, want kind not_found", err)
	}
	if _, err := keys.OpenFileMaster(t.TempDir(), keys.FileOptions{}); !errors.Is(err, fault.Invalid) {
		t.Errorf("a folder: %v, want kind invalid", err)
	}
}

func TestFileMasterIsMadeOnceAndPrivate(t *testing.T) {
	t.Parallel()
	path, store := filepath.Join(t.TempDir(), "m"), keys.NewMemoryScopes()
	var wg sync.WaitGroup
	for i := range 8 {
		k := shared(t, fileMaster(t, path, keys.FileOptions{}), store, keys.SharedOptions{Recheck: time.Hour})
		wg.Go(func() {
			if _, _, err := k.DataKey(t.Context(), fmt.Sprint("s/", i)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	data, err := os.ReadFile(path)
	if err != nil || bytes.Count(data, []byte("\n")) != 1 {
		t.Errorf("the file has %d lines, %v, want one", bytes.Count(data, []byte("\n")), err)
	}
	list, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(list) != 2 {
		t.Errorf("left beside the file: %v, %v", list, err)
	}
	for _, e := range list {
		if info, err := e.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", e.Name(), info.Mode(), err)
		}
	}
}
