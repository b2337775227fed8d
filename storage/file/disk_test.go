package file_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/file"
	"github.com/streamgate/streamgate/storage/storagetest"
)

func put(t testing.TB, s storage.Store, key string, data []byte) {
	t.Helper()
	if _, err := s.Put(t.Context(), key, bytes.NewReader(data), storage.PutOptions{}); err != nil {
		t.Fatalf("Put(%q): %v", key, err)
	}
}

func TestObjectsOutliveTheStore(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "deep")
	first := open(t, dir, file.Options{})
	put(t, first, "a/b", []byte("x"))
	want, err := first.Stat(t.Context(), "a/b")
	if err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Stat(t.Context(), "a/b"); err == nil {
		t.Error("a closed store answers")
	}
	got, err := open(t, dir, file.Options{}).Stat(t.Context(), "a/b")
	if err != nil || got.ETag != want.ETag || got.Size != want.Size || !got.ModTime.Equal(want.ModTime) {
		t.Errorf("after opening again: %+v, %v, want %+v", got, err, want)
	}
}

func TestNothingIsForOtherUsers(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "store")
	put(t, open(t, dir, file.Options{}), "a/b", []byte("x"))
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if info, err := d.Info(); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v, %v", path, info.Mode(), err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSymbolicLinksDoNotLeadOut(t *testing.T) {
	t.Parallel()
	outside, dir := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret@"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, file.Options{})
	for name, target := range map[string]string{"link": outside, "file@": filepath.Join(outside, "secret@"), "up": "../" + filepath.Base(outside)} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"link/secret", "file", "up/secret"} {
		if r, err := s.Get(t.Context(), key, 0, -1); err == nil {
			r.Close()
			t.Errorf("Get(%q) leads out", key)
		}
		if _, err := s.Stat(t.Context(), key); err == nil {
			t.Errorf("Stat(%q) leads out", key)
		}
	}
	for _, key := range []string{"link/new", "up/new", "link/deep/new"} {
		if _, err := s.Put(t.Context(), key, strings.NewReader("x"), storage.PutOptions{}); err == nil {
			t.Errorf("Put(%q) leads out", key)
		}
	}
	if err := s.Delete(t.Context(), "link/secret"); err == nil {
		t.Error("Delete leads out")
	}
	// Put replaces a link itself and not what it points to.
	put(t, s, "file", []byte("mine"))
	if data, err := os.ReadFile(filepath.Join(outside, "secret@")); err != nil || string(data) != "secret" {
		t.Errorf("the file outside now holds %q, %v", data, err)
	}
	if entries, _ := os.ReadDir(outside); len(entries) != 1 {
		t.Errorf("there are %d files outside, want 1", len(entries))
	}
}

func TestOpenRemovesOnlyStaleWrites(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open(t, dir, file.Options{})
	tmp := filepath.Join(dir, "~tmp")
	for name, age := range map[string]time.Duration{"old": 25 * time.Hour, "young": 23 * time.Hour} {
		if err := os.WriteFile(filepath.Join(tmp, name), []byte("part"), 0o600); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(filepath.Join(tmp, name), then, then); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, dir, file.Options{})
	left, err := os.ReadDir(tmp)
	if err != nil || len(left) != 1 || left[0].Name() != "young" {
		t.Errorf("left after Open: %v, %v, want the young one", left, err)
	}
	if infos, err := s.List(t.Context(), "", "", 0); err != nil || len(infos) != 0 {
		t.Errorf("List shows unfinished writes: %v, %v", infos, err)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, file.Options{})
	put(t, s, "a/b/c", []byte("x"))
	s.Put(t.Context(), "a/b/c", strings.NewReader("x"), storage.PutOptions{IfAbsent: true})
	s.Put(t.Context(), "a/b/d", strings.NewReader("x"), storage.PutOptions{Size: 7})
	s.Put(t.Context(), "a/b/e", strings.NewReader("x"), storage.PutOptions{IfAbsent: true})
	for _, key := range []string{"a/b/c", "a/b/e"} {
		if err := s.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	filepath.WalkDir(dir, func(path string, _ os.DirEntry, _ error) error {
		names = append(names, strings.TrimPrefix(path, dir))
		return nil
	})
	if got := strings.Join(names, " "); got != " /~tmp" {
		t.Errorf("left in the directory: %q", got)
	}
}

// Two stores on one directory stand for two processes.
func TestTwoStoresShareADirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stores := []*file.Store{open(t, dir, file.Options{}), open(t, dir, file.Options{})}
	var wins atomic.Int64
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			s := stores[w%2]
			for i := range 10 {
				key := fmt.Sprintf("deep/%d/k", i)
				_, err := s.Put(t.Context(), key, strings.NewReader("x"), storage.PutOptions{IfAbsent: true})
				if err == nil {
					wins.Add(1)
				} else if !errors.Is(err, fault.Conflict) {
					t.Errorf("Put(%q): %v", key, err)
				}
				own := fmt.Sprintf("x/y/%d", w) // the directory comes and goes
				if _, err := s.Put(t.Context(), own, strings.NewReader("x"), storage.PutOptions{}); err != nil {
					t.Errorf("Put(%q): %v", own, err)
				}
				if err := s.Delete(t.Context(), own); err != nil {
					t.Errorf("Delete(%q): %v", own, err)
				}
			}
		})
	}
	wg.Wait()
	if n := wins.Load(); n != 10 {
		t.Errorf("%d writers won 10 keys", n)
	}
}

// readFromSpy notes what a reader hands to a destination that can take a file.
type readFromSpy struct {
	http.ResponseWriter
	file bool
}

func (s *readFromSpy) ReadFrom(r io.Reader) (int64, error) {
	if l, ok := r.(*io.LimitedReader); ok {
		_, s.file = l.R.(*os.File)
	}
	return io.Copy(s.ResponseWriter, r)
}

func TestCopyingReachesSendfile(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), file.Options{})
	data := storagetest.Body(1, 300_000)
	put(t, s, "k", data)
	var sawFile atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := s.Get(r.Context(), "k", 1000, 200_000)
		if err != nil {
			t.Error(err)
			return
		}
		defer body.Close()
		spy := &readFromSpy{ResponseWriter: w}
		if _, err := io.Copy(spy, body); err != nil {
			t.Error(err)
		}
		sawFile.Store(spy.file)
	}))
	defer server.Close()
	resp, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Equal(got, data[1000:201_000]) {
		t.Errorf("the client got %d bytes, %v", len(got), err)
	}
	if !sawFile.Load() {
		t.Error("io.Copy did not hand the file to the response")
	}
}

func TestAFileCutShortByHandIsCorrupt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir, file.Options{})
	put(t, s, "k", storagetest.Body(1, 100_000))
	for name, copyAll := range map[string]func(io.Reader) error{
		"Read":    func(r io.Reader) error { _, err := io.ReadAll(struct{ io.Reader }{r}); return err },
		"WriteTo": func(r io.Reader) error { _, err := io.Copy(io.Discard, r); return err },
	} {
		put(t, s, "k", storagetest.Body(1, 100_000))
		r, err := s.Get(t.Context(), "k", 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if err := os.Truncate(filepath.Join(dir, "k@"), 10); err != nil {
			t.Fatal(err)
		}
		if err := copyAll(r); !errors.Is(err, fault.Corrupt) {
			t.Errorf("%s: %v, want kind corrupt", name, err)
		}
	}
}

func TestOpenSaysWhyItCannot(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Open(name, file.Options{}); err == nil || !strings.Contains(err.Error(), name) {
		t.Errorf("opening a file as a store: %v", err)
	}
}

func BenchmarkPut(b *testing.B) {
	for _, size := range []int{14_000, 2_600_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := open(b, b.TempDir(), file.Options{})
			data := storagetest.Body(1, size)
			b.SetBytes(int64(size))
			for b.Loop() {
				put(b, s, "t/default/a/x/k", data)
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	for _, size := range []int{14_000, 500_000, 2_600_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := open(b, b.TempDir(), file.Options{})
			put(b, s, "t/default/a/x/v1/k", storagetest.Body(1, size))
			buf := make([]byte, 256<<10)
			b.SetBytes(int64(size))
			for b.Loop() {
				r, err := s.Get(b.Context(), "t/default/a/x/v1/k", 0, -1)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, buf); err != nil {
					b.Fatal(err)
				}
				r.Close()
			}
		})
	}
}
