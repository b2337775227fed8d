package keys_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/auth/keys/keystest"
	"github.com/streamgate/streamgate/fault"
)

func open(t testing.TB, dir string, opt keys.Options) *keys.Keyring {
	t.Helper()
	k, err := keys.OpenKeyring(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.Close() })
	return k
}

func TestManagers(t *testing.T) {
	t.Parallel()
	for name, newManager := range map[string]keystest.NewManager{
		"memory":  func(testing.TB) keys.Manager { return keys.NewMemory() },
		"keyring": func(t testing.TB) keys.Manager { return open(t, filepath.Join(t.TempDir(), "k"), keys.Options{}) },
		"keyring with a small cache": func(t testing.TB) keys.Manager {
			return open(t, filepath.Join(t.TempDir(), "k"), keys.Options{CachedScopes: 1})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keystest.Run(t, newManager)
		})
	}
}

// ring is a key ring with one data key, closed.
func ring(t testing.TB) (dir string, plain, wrapped []byte) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "k")
	k := open(t, dir, keys.Options{})
	plain, wrapped, err := k.DataKey(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, plain, wrapped
}

func TestKeyringOutlivesTheProcess(t *testing.T) {
	t.Parallel()
	dir, plain, wrapped := ring(t)
	k := open(t, dir, keys.Options{})
	if got, err := k.Unwrap(t.Context(), "s", wrapped); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("after opening again: %v", err)
	}
	if err := k.Shred(t.Context(), "s"); err != nil {
		t.Fatal(err)
	}
	k.Close()
	k = open(t, dir, keys.Options{})
	if _, err := k.Unwrap(t.Context(), "s", wrapped); !errors.Is(err, fault.NotFound) {
		t.Errorf("Unwrap after Shred and opening again: %v, want kind not_found", err)
	}
	if _, _, err := k.DataKey(t.Context(), "s"); !errors.Is(err, fault.NotFound) {
		t.Errorf("DataKey after Shred and opening again: %v, want kind not_found", err)
	}
}

func TestSecondOpenerIsRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "k")
	first := open(t, dir, keys.Options{})
	_, err := keys.OpenKeyring(dir, keys.Options{})
	if msg, _, _ := fault.Public(err); !errors.Is(err, fault.Conflict) || !strings.Contains(msg, fmt.Sprint(os.Getpid())) {
		t.Errorf("a second opener: %v, want kind conflict and the process", err)
	}
	first.Close()
	open(t, dir, keys.Options{})
	if _, _, err := first.DataKey(t.Context(), "s"); !errors.Is(err, fault.Unavailable) {
		t.Errorf("a closed key ring: %v, want kind unavailable", err)
	}
	if err := first.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}

// walk returns the files of a key ring, without those whose content is of no interest.
func walk(t testing.TB, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestModesAreTightAndChecked(t *testing.T) {
	t.Parallel()
	dir, _, wrapped := ring(t)
	for _, path := range walk(t, dir) {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		want := fs.FileMode(0o600)
		if info.IsDir() {
			want = 0o700
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, want %v", path, info.Mode().Perm(), want)
		}
	}
	for name, fix := range map[string]string{"": "chmod 700 ", "master": "chmod 600 ", "scopes": "chmod 700 ", "tmp": "chmod 700 "} {
		path := filepath.Join(dir, name)
		for _, loose := range []fs.FileMode{0o040, 0o004, 0o010} {
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, info.Mode()|loose); err != nil {
				t.Fatal(err)
			}
			_, err = keys.OpenKeyring(dir, keys.Options{})
			if msg, _, _ := fault.Public(err); !errors.Is(err, fault.Invalid) || !strings.Contains(msg, fix+path) {
				t.Errorf("%s with mode %v: %v, want kind invalid and %q", path, info.Mode()|loose, err, fix+path)
			}
			if err := os.Chmod(path, info.Mode()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.Chmod(scopeFile(t, dir), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, dir, keys.Options{}).Unwrap(t.Context(), "s", wrapped); !errors.Is(err, fault.Invalid) {
		t.Errorf("a loose scope file: %v, want kind invalid", err)
	}
}

func scopeFile(t testing.TB, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "scopes", "*", "*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("scope files %v, %v, want one", found, err)
	}
	return found[0]
}

func TestDamageIsCorrupt(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"", "{", `{"format":1}`, `{"format":1,"current":1,"keys":{"1":"AAAA"}}`, `{"format":1,"current":2,"keys":{"1":"` + strings.Repeat("A", 43) + `="}}`} {
		dir, _, _ := ring(t)
		if err := os.WriteFile(filepath.Join(dir, "master"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := keys.OpenKeyring(dir, keys.Options{}); !errors.Is(err, fault.Corrupt) {
			t.Errorf("master %q: %v, want kind corrupt", content, err)
		}
	}
	dir, _, wrapped := ring(t)
	if err := os.WriteFile(filepath.Join(dir, "master"), []byte(`{"format":9}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.OpenKeyring(dir, keys.Options{}); !errors.Is(err, fault.Unsupported) {
		t.Errorf("a later format: %v, want kind unsupported", err)
	}
	if err := os.Remove(filepath.Join(dir, "master")); err != nil {
		t.Fatal(err)
	}
	if _, err := keys.OpenKeyring(dir, keys.Options{}); !errors.Is(err, fault.Corrupt) {
		t.Errorf("no master beside scopes: %v, want kind corrupt, never a new master", err)
	}
	// The scope file of one key ring under the master of another.
	other, _, _ := ring(t)
	data, err := os.ReadFile(scopeFile(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"foreign": data, "empty": nil, "changed": bytes.Replace(data, []byte(`"master":1`), []byte(`"master":7`), 1)} {
		if err := os.WriteFile(scopeFile(t, other), content, 0o600); err != nil {
			t.Fatal(err)
		}
		k := open(t, other, keys.Options{})
		if _, err := k.Unwrap(t.Context(), "s", wrapped); !errors.Is(err, fault.Corrupt) {
			t.Errorf("%s scope file: Unwrap: %v, want kind corrupt", name, err)
		}
		if _, _, err := k.DataKey(t.Context(), "s"); !errors.Is(err, fault.Corrupt) {
			t.Errorf("%s scope file: DataKey: %v, want kind corrupt, never a new key", name, err)
		}
		k.Close()
	}
	// What cannot be read can still be destroyed.
	k := open(t, other, keys.Options{})
	if err := k.Shred(t.Context(), "s"); err != nil {
		t.Errorf("Shred of a damaged scope: %v", err)
	}
}

func TestRotateReplacesTheMasterKey(t *testing.T) {
	t.Parallel()
	dir, plain, wrapped := ring(t)
	before, err := os.ReadFile(filepath.Join(dir, "master"))
	if err != nil {
		t.Fatal(err)
	}
	oldScope, err := os.ReadFile(scopeFile(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	k := open(t, dir, keys.Options{})
	if err := k.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	k.Close()
	var master struct {
		Current int
		Keys    map[string]string
	}
	after, err := os.ReadFile(filepath.Join(dir, "master"))
	if err != nil || json.Unmarshal(after, &master) != nil {
		t.Fatal(err)
	}
	if len(master.Keys) != 1 || master.Current != 2 || bytes.Contains(before, []byte(master.Keys["2"])) {
		t.Error("the old master key is still there, or was taken again")
	}
	newScope, err := os.ReadFile(scopeFile(t, dir))
	if err != nil || bytes.Equal(oldScope, newScope) {
		t.Errorf("the scope key was not wrapped anew: %v", err)
	}
	if got, err := open(t, dir, keys.Options{}).Unwrap(t.Context(), "s", wrapped); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("after opening again: %v", err)
	}
}

// endsAfter is a context that ends once it has been asked n times.
type endsAfter struct {
	context.Context
	n int
}

func (e *endsAfter) Err() error {
	if e.n--; e.n < 0 {
		return context.Canceled
	}
	return nil
}

func TestInterruptedRotateIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "k")
	k := open(t, dir, keys.Options{CachedScopes: 1})
	const scopes = 40
	var plains, wrappeds [scopes][]byte
	for i := range scopes {
		var err error
		if plains[i], wrappeds[i], err = k.DataKey(t.Context(), fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	check := func(when string) {
		t.Helper()
		for i := range scopes {
			if got, err := k.Unwrap(t.Context(), fmt.Sprint(i), wrappeds[i]); err != nil || !bytes.Equal(got, plains[i]) {
				t.Fatalf("scope %d %s: %v", i, when, err)
			}
		}
	}
	for _, after := range []int{1, 10, 39} {
		if err := k.Rotate(&endsAfter{t.Context(), after}); !errors.Is(err, fault.Canceled) {
			t.Fatalf("Rotate whose context ends: %v", err)
		}
		check("after an interrupted Rotate")
		k.Close()
		k = open(t, dir, keys.Options{CachedScopes: 1})
		check("after opening again")
	}
	if err := k.Rotate(t.Context()); err != nil {
		t.Fatal(err)
	}
	check("after Rotate")
	var master struct{ Keys map[string]string }
	data, err := os.ReadFile(filepath.Join(dir, "master"))
	if err != nil || json.Unmarshal(data, &master) != nil || len(master.Keys) != 1 {
		t.Errorf("after a whole Rotate there are %d master keys, %v, want 1", len(master.Keys), err)
	}
}

func TestShredLeavesNoKeyInTheDirectory(t *testing.T) {
	t.Parallel()
	dir, _, _ := ring(t)
	path := scopeFile(t, dir)
	// A second name for the file shows whether its bytes were overwritten.
	kept := filepath.Join(t.TempDir(), "kept")
	if err := os.Link(path, kept); err != nil {
		t.Skip(err)
	}
	k := open(t, dir, keys.Options{})
	if err := k.Shred(t.Context(), "s"); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(kept)
	if err != nil || len(bytes.Trim(data, "\x00")) > 0 {
		t.Errorf("the replaced file holds %q, %v", data, err)
	}
	if data, err := os.ReadFile(path); err != nil || bytes.Contains(data, []byte(`"key"`)) {
		t.Errorf("the tombstone holds %q, %v", data, err)
	}
}

func TestOpenCleansUp(t *testing.T) {
	t.Parallel()
	dir, _, _ := ring(t)
	if err := os.WriteFile(filepath.Join(dir, "tmp", "left"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, dir, keys.Options{})
	if left, _ := os.ReadDir(filepath.Join(dir, "tmp")); len(left) != 0 {
		t.Errorf("left in tmp: %v", left)
	}
}

func TestSecretShowsNothing(t *testing.T) {
	t.Parallel()
	raw := []byte("hunter2-hunter2!")
	s := keys.NewSecret(slices.Clone(raw))
	type inner struct{ secret keys.Secret }
	deep := struct {
		Open   keys.Secret
		closed keys.Secret
		in     *inner
		list   []keys.Secret
		m      map[string]inner
	}{s, s, &inner{s}, []keys.Secret{s}, map[string]inner{"k": {s}}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%U", "%b", "% x", "%T", "%p"} {
		fmt.Fprintf(&out, verb+"\n", s)
		fmt.Fprintf(&out, verb+"\n", &s)
		fmt.Fprintf(&out, verb+"\n", deep)
	}
	fmt.Fprint(&out, s, s.String(), s.GoString())
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("message", "secret", s, "deep", deep)
	}
	for _, v := range []any{s, &s, deep} {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(data)
	}
	if text, err := s.MarshalText(); err != nil || string(text) != "REDACTED" {
		t.Errorf("MarshalText: %q, %v", text, err)
	}
	shown := out.String()
	for _, form := range []string{string(raw), hex.EncodeToString(raw), strings.ToUpper(hex.EncodeToString(raw)), "104 117 110", "0x68, 0x75", "68 75 6e"} {
		if strings.Contains(shown, form) {
			t.Errorf("%q is shown", form)
		}
	}
	if !strings.Contains(shown, "REDACTED") || !s.Equal(raw) || s.Equal(raw[1:]) || (keys.Secret{}).Bytes() != nil {
		t.Error("the secret is not itself")
	}
	twin := s
	s.Clear()
	if twin.Equal(raw) {
		t.Error("Clear leaves the bytes in a copy")
	}
}

func BenchmarkKeyringUnwrap(b *testing.B) {
	k := open(b, filepath.Join(b.TempDir(), "k"), keys.Options{})
	_, wrapped, err := k.DataKey(b.Context(), "s")
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := k.Unwrap(b.Context(), "s", wrapped); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKeyringNewScope(b *testing.B) {
	k := open(b, filepath.Join(b.TempDir(), "k"), keys.Options{})
	n := 0
	for b.Loop() {
		n++
		if _, _, err := k.DataKey(b.Context(), fmt.Sprint(n)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkKeyringRotate reports the time for 1000 scopes.
func BenchmarkKeyringRotate(b *testing.B) {
	k := open(b, filepath.Join(b.TempDir(), "k"), keys.Options{})
	for n := range 1000 {
		if _, _, err := k.DataKey(b.Context(), fmt.Sprint(n)); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if err := k.Rotate(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
