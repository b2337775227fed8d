package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
)

// sizes cross the borders that implementations have: empty, one, a chunk of an
// envelope, a page, a part.
var sizes = []int{0, 1, 15, 16, 17, 4095, 4096, 65535, 65536, 65537, 131072, 300_001}

func putThenGet(t testing.TB, newStore NewStore) {
	s := newStore(t)
	for _, n := range sizes {
		key, data := fmt.Sprintf("size/%d", n), Body(1, n)
		// Readers may return less than asked, and data together with EOF.
		for name, r := range map[string]io.Reader{
			"plain": bytes.NewReader(data), "half": iotest.HalfReader(bytes.NewReader(data)), "data with EOF": iotest.DataErrReader(bytes.NewReader(data)),
		} {
			info, err := s.Put(t.Context(), key, r, storage.PutOptions{})
			if err != nil {
				t.Fatalf("Put of %d bytes, %s: %v", n, name, err)
			}
			if info.Size != int64(n) {
				t.Errorf("Put of %d bytes, %s: size %d", n, name, info.Size)
			}
			wantBody(t, fmt.Sprintf("%d bytes, %s", n, name), get(t, s, key, 0, -1), data)
		}
	}
}

func putDescribes(t testing.TB, newStore NewStore) {
	s := newStore(t)
	before := time.Now().Add(-time.Minute) // another machine's clock may be off
	info := put(t, s, "a/b", []byte("hello"))
	if info.Key != "a/b" || info.Size != 5 || info.ETag == "" {
		t.Errorf("Put returned %+v", info)
	}
	if info.ModTime.Before(before) || info.ModTime.After(time.Now().Add(time.Minute)) {
		t.Errorf("Put returned the modification time %v", info.ModTime)
	}
	stat, err := s.Stat(t.Context(), "a/b")
	if err != nil {
		t.Fatal(err)
	}
	wantInfo(t, "Stat after Put", stat, info)
}

func wantInfo(t testing.TB, what string, got, want storage.Info) {
	t.Helper()
	if got.Key != want.Key || got.Size != want.Size || got.ETag != want.ETag || !got.ModTime.Equal(want.ModTime) {
		t.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

func putReplaces(t testing.TB, newStore NewStore) {
	s := newStore(t)
	put(t, s, "k", Body(1, 100_000))
	put(t, s, "k", []byte("short"))
	wantBody(t, "after replacing", get(t, s, "k", 0, -1), []byte("short"))
	if n := len(list(t, s, "", "", 0)); n != 1 {
		t.Errorf("List shows %d objects, want 1", n)
	}
}

func etagChanges(t testing.TB, newStore NewStore) {
	s := newStore(t)
	seen := map[string]int{}
	for i := range 50 { // all of one size
		info := put(t, s, "k", fmt.Appendf(nil, "%04d", i))
		if j, ok := seen[info.ETag]; ok {
			t.Fatalf("contents %d and %d have the same ETag %q", j, i, info.ETag)
		}
		seen[info.ETag] = i
	}
}

func putIfAbsent(t testing.TB, newStore NewStore) {
	s := newStore(t)
	opt := storage.PutOptions{IfAbsent: true}
	if _, err := s.Put(t.Context(), "k", bytes.NewReader([]byte("first")), opt); err != nil {
		t.Fatalf("Put on an absent key: %v", err)
	}
	_, err := s.Put(t.Context(), "k", bytes.NewReader([]byte("second")), opt)
	wantKind(t, "Put on an existing key", err, fault.Conflict)
	wantBody(t, "after the refusal", get(t, s, "k", 0, -1), []byte("first"))
	if err := s.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Put(t.Context(), "k", bytes.NewReader([]byte("third")), opt); err != nil {
		t.Errorf("Put on a deleted key: %v", err)
	}
}

func ifAbsentRace(t testing.TB, newStore NewStore) {
	const writers = 50
	s := newStore(t)
	// No body yields anything before all were asked for, so that no writer is done
	// before another has begun; unless the store takes its writers one by one.
	var asked sync.WaitGroup
	asked.Add(writers)
	all := make(chan struct{})
	go func() { asked.Wait(); close(all) }()
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			body := &gated{r: bytes.NewReader(fmt.Appendf(nil, "writer %02d", i)), gate: sync.OnceFunc(func() {
				asked.Done()
				select {
				case <-all:
				case <-time.After(time.Second):
				}
			})}
			_, errs[i] = s.Put(t.Context(), "k", body, storage.PutOptions{IfAbsent: true})
		})
	}
	wg.Wait()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner >= 0:
			t.Fatalf("writers %d and %d both won", winner, i)
		case err == nil:
			winner = i
		case !errors.Is(err, fault.Conflict):
			t.Errorf("writer %d: %v, want kind conflict", i, err)
		}
	}
	if winner < 0 {
		t.Fatal("no writer won")
	}
	wantBody(t, "the winner's object", get(t, s, "k", 0, -1), fmt.Appendf(nil, "writer %02d", winner))
}

func sizeChecked(t testing.TB, newStore NewStore) {
	s := newStore(t)
	for _, n := range []int{1, 65536, 200_000} {
		data := Body(2, n)
		if _, err := s.Put(t.Context(), "right", bytes.NewReader(data), storage.PutOptions{Size: int64(n)}); err != nil {
			t.Errorf("Put of %d bytes announced as such: %v", n, err)
		}
		for _, off := range []int64{-1, 1, 100_000} {
			size := int64(n) + off
			if size <= 0 {
				continue
			}
			_, err := s.Put(t.Context(), "wrong", bytes.NewReader(data), storage.PutOptions{Size: size})
			wantKind(t, fmt.Sprintf("Put of %d bytes announced as %d", n, size), err, fault.Invalid)
		}
	}
	_, err := s.Put(t.Context(), "wrong", bytes.NewReader(nil), storage.PutOptions{Size: -1})
	wantKind(t, "Put with a negative size", err, fault.Invalid)
	// A body without end must not be read to its end.
	_, err = s.Put(t.Context(), "wrong", &endless{}, storage.PutOptions{Size: 10})
	wantKind(t, "Put of an endless body announced as 10 bytes", err, fault.Invalid)
	wantAbsent(t, s, "wrong")
}

func failingReader(t testing.TB, newStore NewStore) {
	s := newStore(t)
	put(t, s, "old", []byte("old"))
	broken := fault.New(fault.Limited, "test", "the source gave up")
	for _, key := range []string{"old", "new"} {
		for _, n := range []int{0, 10, 200_000} {
			body := io.MultiReader(bytes.NewReader(Body(3, n)), iotest.ErrReader(broken))
			_, err := s.Put(t.Context(), key, body, storage.PutOptions{})
			if !errors.Is(err, fault.Limited) || !errors.As(err, new(*fault.Error)) {
				t.Errorf("Put of a reader that fails after %d bytes: %v, want the reader's error", n, err)
			}
		}
	}
	wantBody(t, "the old object", get(t, s, "old", 0, -1), []byte("old"))
	wantAbsent(t, s, "new")
}

func panickingReader(t testing.TB, newStore NewStore) {
	s := newStore(t)
	func() {
		defer func() { recover() }() // a store may let it through or make it an error
		body := io.MultiReader(bytes.NewReader(Body(3, 1000)), &gated{gate: func() { panic("reader") }})
		if _, err := s.Put(t.Context(), "new", body, storage.PutOptions{}); err == nil {
			t.Error("Put of a reader that panics returned nil")
		}
	}()
	wantAbsent(t, s, "new")
	put(t, s, "new", []byte("the store still works"))
}

func endedContext(t testing.TB, newStore NewStore) {
	s := newStore(t)
	put(t, s, "k", []byte("old"))
	ctx := ended(t)
	_, err := s.Put(ctx, "k", bytes.NewReader([]byte("new")), storage.PutOptions{})
	wantKind(t, "Put", err, fault.Canceled)
	_, err = s.Get(ctx, "k", 0, -1)
	wantKind(t, "Get", err, fault.Canceled)
	_, err = s.Stat(ctx, "k")
	wantKind(t, "Stat", err, fault.Canceled)
	_, err = s.List(ctx, "", "", 0)
	wantKind(t, "List", err, fault.Canceled)
	wantKind(t, "Delete", s.Delete(ctx, "k"), fault.Canceled)
	wantBody(t, "afterwards", get(t, s, "k", 0, -1), []byte("old"))
}

func contextEndsDuringPut(t testing.TB, newStore NewStore) {
	s := newStore(t)
	put(t, s, "old", []byte("old"))
	for _, key := range []string{"old", "new"} {
		for name, rest := range map[string]io.Reader{"at the end": bytes.NewReader(nil), "before the end": &endless{}} {
			ctx, cancel := context.WithCancel(t.Context())
			body := io.MultiReader(bytes.NewReader(Body(4, 1000)), &gated{gate: cancel, r: rest})
			_, err := s.Put(ctx, key, body, storage.PutOptions{})
			wantKind(t, "Put whose context ends "+name, err, fault.Canceled)
		}
	}
	wantBody(t, "the old object", get(t, s, "old", 0, -1), []byte("old"))
	wantAbsent(t, s, "new")
}

// gated calls gate before each Read of r.
type gated struct {
	gate func()
	r    io.Reader
}

func (g *gated) Read(p []byte) (int, error) {
	g.gate()
	return g.r.Read(p)
}

// endless yields zeros, far more than any check wants read, and then breaks rather
// than fill the memory of a store that reads on.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	if e.n += len(p); e.n > 16<<20 {
		return 0, errors.New("storagetest: the store reads on and on")
	}
	return len(p), nil
}
