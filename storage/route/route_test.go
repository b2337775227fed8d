package route_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/file"
	"github.com/streamgate/streamgate/storage/mem"
	"github.com/streamgate/streamgate/storage/route"
	"github.com/streamgate/streamgate/storage/storagetest"
)

func Example() {
	local, ipfs := mem.New(), mem.New() // drivers/ipfs in earnest
	s := route.New(local, ipfs, route.Prefixes("media/", "archive/"))
	ctx := context.Background()
	for _, key := range []string{"media/1/video.bin", "thumbnails/1.jpg"} {
		if _, err := s.Put(ctx, key, strings.NewReader("bytes"), storage.PutOptions{}); err != nil {
			log.Fatal(err)
		}
	}
	infos, err := ipfs.List(ctx, "", "", 0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(infos), infos[0].Key)
	// Output: 1 media/1/video.bin
}

// halves sends about half of the keys to either store.
func halves(key string) bool {
	h := fnv.New32a()
	io.WriteString(h, key)
	return h.Sum32()%2 == 1
}

func TestStore(t *testing.T) {
	t.Parallel()
	disk := func(t testing.TB) storage.Store {
		s, err := file.Open(t.TempDir(), file.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	for name, rule := range map[string]func(string) bool{
		"all to the default": func(string) bool { return false }, "all to the other": func(string) bool { return true }, "halves": halves, "a prefix": route.Prefixes("a/", "k"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storagetest.Run(t, func(t testing.TB) storage.Store { return route.New(mem.New(), disk(t), rule) })
		})
	}
	// The rule changes with every key that it is asked for: objects are found where they are all the same. What a
	// changing rule cannot promise is IfAbsent among writers at the same time, and whole objects while two replace one.
	t.Run("a rule that changes", func(t *testing.T) {
		t.Parallel()
		failing := storagetest.Failing(t, func(t testing.TB) storage.Store {
			var n atomic.Int64
			return route.New(mem.New(), mem.New(), func(string) bool { return n.Add(1)/3%2 == 0 })
		})
		for _, name := range failing {
			switch name {
			case "one of fifty wins if absent", "readers see whole objects while writers replace":
			default:
				t.Errorf("with a rule that changes: %s", name)
			}
		}
	})
}

func put(t testing.TB, s storage.Store, key, body string) {
	t.Helper()
	if _, err := s.Put(t.Context(), key, strings.NewReader(body), storage.PutOptions{}); err != nil {
		t.Fatal(err)
	}
}

func body(t testing.TB, s storage.Store, key string) string {
	t.Helper()
	r, err := s.Get(t.Context(), key, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// An object that was put under an earlier rule is read, listed once, replaced, refused and deleted like any other.
func TestMoved(t *testing.T) {
	t.Parallel()
	a, b := mem.New(), mem.New()
	s := route.New(a, b, route.Prefixes("x"))
	put(t, a, "x1", "old")
	if got := body(t, s, "x1"); got != "old" {
		t.Errorf("read %q where it was", got)
	}
	_, err := s.Put(t.Context(), "x1", strings.NewReader("new"), storage.PutOptions{IfAbsent: true})
	if !errors.Is(err, fault.Conflict) {
		t.Errorf("IfAbsent of a key in the other store: %v", err)
	}
	put(t, s, "x1", "new")
	if got := body(t, b, "x1"); got != "new" {
		t.Errorf("put %q where it belongs", got)
	}
	if _, err := a.Stat(t.Context(), "x1"); !errors.Is(err, fault.NotFound) {
		t.Errorf("the old object is left: %v", err)
	}
	put(t, a, "x1", "stale") // as after a crash between the two steps
	infos, err := s.List(t.Context(), "", "", 0)
	if err != nil || len(infos) != 1 || infos[0].Size != 3 || body(t, s, "x1") != "new" {
		t.Errorf("with a stale object: %+v, %v", infos, err)
	}
	if err := s.Delete(t.Context(), "x1"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stat(t.Context(), "x1"); !errors.Is(err, fault.NotFound) {
		t.Errorf("after Delete: %v", err)
	}
}

// While a key moves from store to store it is always there.
func TestReadWhileMoving(t *testing.T) {
	t.Parallel()
	a, b := mem.New(), mem.New()
	s := route.New(a, b, func(string) bool { return true })
	done := make(chan struct{})
	var wg sync.WaitGroup
	put(t, a, "k", "v")
	wg.Go(func() {
		for range 2000 {
			if _, err := s.Put(t.Context(), "k", strings.NewReader("v"), storage.PutOptions{}); err != nil {
				t.Error(err)
			}
			// Back to where it was under another rule, the same way round.
			if _, err := a.Put(t.Context(), "k", bytes.NewReader([]byte("v")), storage.PutOptions{}); err != nil {
				t.Error(err)
			}
			if err := b.Delete(t.Context(), "k"); err != nil {
				t.Error(err)
			}
		}
		close(done)
	})
	for {
		select {
		case <-done:
			wg.Wait()
			return
		default:
		}
		if _, err := s.Stat(t.Context(), "k"); err != nil && !moving(t, s) {
			t.Fatalf("Stat while the key moves: %v", err)
		}
	}
}

// moving tells a key that moved three times during one question from one that is gone.
func moving(t testing.TB, s storage.Store) bool {
	for range 20 {
		if _, err := s.Stat(t.Context(), "k"); err == nil {
			return true
		}
	}
	return false
}

// down is a store that cannot be reached.
type down struct{ storage.Store }

func (down) Stat(context.Context, string) (storage.Info, error) {
	return storage.Info{}, fault.New(fault.Unavailable, "test", "down")
}
func (down) Get(context.Context, string, int64, int64) (io.ReadCloser, error) {
	return nil, fault.New(fault.Unavailable, "test", "down")
}
func (down) List(context.Context, string, string, int) ([]storage.Info, error) {
	return nil, fault.New(fault.Unavailable, "test", "down")
}

// A store that is down takes only its own objects with it, and is never read as "not there".
func TestOneIsDown(t *testing.T) {
	t.Parallel()
	a := mem.New()
	s := route.New(a, down{mem.New()}, route.Prefixes("x"))
	put(t, s, "a", "here")
	if got := body(t, s, "a"); got != "here" {
		t.Errorf("read %q", got)
	}
	for what, ask := range map[string]func() error{
		"Stat in the store that is down": func() error { _, err := s.Stat(t.Context(), "x"); return err },
		"Get of what may be there":       func() error { _, err := s.Get(t.Context(), "b", 0, -1); return err },
		"List":                           func() error { _, err := s.List(t.Context(), "", "", 0); return err },
		"IfAbsent": func() error {
			_, err := s.Put(t.Context(), "b", strings.NewReader(""), storage.PutOptions{IfAbsent: true})
			return err
		},
	} {
		if err := ask(); !errors.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v, want kind unavailable", what, err)
		}
	}
}
