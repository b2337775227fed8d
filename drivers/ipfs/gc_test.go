package ipfs_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/streamgate/streamgate/drivers/ipfs"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/storagetest"
)

func collect(t testing.TB, n *ipfs.Node) ipfs.GCResult {
	t.Helper()
	res, err := n.GC(t.Context())
	if err != nil {
		t.Fatalf("GC: %v", err)
	}
	return res
}

func TestGC(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := open(t, dir, small)
	s := n.Store()
	shared := storagetest.Body(1, 8000)
	put(t, s, "kept", shared)
	put(t, s, "gone", append(bytes.Clone(shared), storagetest.Body(2, 8000)...)) // has all blocks of kept's
	root := add(t, n, storagetest.Body(3, 9000))
	if res := collect(t, n); res.Removed != 0 || res.Kept != len(blockFiles(t, dir)) {
		t.Errorf("GC of nothing: %+v, there are %d blocks", res, len(blockFiles(t, dir)))
	}
	if err := s.Delete(t.Context(), "gone"); err != nil {
		t.Fatal(err)
	}
	// 8 leaves of its own, and the tree nodes above them and above both.
	if res := collect(t, n); res.Removed < 8 || res.Bytes < 8000 {
		t.Errorf("GC after Delete: %+v", res)
	}
	if got, err := read(t, s, "kept"); err != nil || !bytes.Equal(got, shared) {
		t.Errorf("the object that shares blocks: %d bytes, %v", len(got), err)
	}
	wantFile(t, n, root, storagetest.Body(3, 9000))
	if err := n.Unpin(t.Context(), root); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "kept"); err != nil {
		t.Fatal(err)
	}
	if res := collect(t, n); res.Kept != 0 || len(blockFiles(t, dir)) != 0 {
		t.Errorf("GC of everything: %+v, %d blocks are left", res, len(blockFiles(t, dir)))
	}
}

// A reader goes on through deletion and collection; when it is closed the blocks go.
func TestGCSparesReaders(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := open(t, dir, small)
	s := n.Store()
	data := storagetest.Body(1, 40_000)
	put(t, s, "k", data)
	r, err := s.Get(t.Context(), "k", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	head := make([]byte, 10)
	if _, err := io.ReadFull(r, head); err != nil {
		t.Fatal(err)
	}
	put(t, s, "k", []byte("new"))
	if err := s.Delete(t.Context(), "k"); err != nil {
		t.Fatal(err)
	}
	collect(t, n)
	rest, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(slices.Concat(head, rest), data) {
		t.Errorf("the reader got %d bytes, %v", len(rest), err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	collect(t, n)
	if left := len(blockFiles(t, dir)); left != 0 {
		t.Errorf("%d blocks are left when nobody has the file", left)
	}
}

// While a pinned tree node is broken nobody knows what it holds: nothing may be removed.
func TestGCOfBrokenTree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := open(t, dir, small)
	data := storagetest.Body(1, 20_000)
	put(t, n.Store(), "k", data)
	root, err := n.Store().Root(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	files := blockFiles(t, dir)
	refused := 0
	for _, name := range files {
		whole, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, damage := range []func() error{
			func() error { return os.WriteFile(name, []byte("broken"), 0o600) },
			func() error { return os.Remove(name) },
		} {
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			_, err := n.GC(t.Context())
			if errors.Is(err, fault.Corrupt) {
				refused++
			} else if err != nil || len(whole) > 1000 {
				t.Errorf("GC: %v", err)
			}
			if err := os.WriteFile(name, whole, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	if refused < 2 || len(blockFiles(t, dir)) != len(files) {
		t.Errorf("%d collections were refused; %d of %d blocks are left", refused, len(blockFiles(t, dir)), len(files))
	}
	wantFile(t, n, root, data)
}

// Collections run all the time while objects with common blocks come and go: what is stored is
// always whole, to readers too.
func TestGCBesideWork(t *testing.T) {
	t.Parallel()
	n := open(t, t.TempDir(), small)
	s := n.Store()
	common := storagetest.Body(7, 6000)
	stop := make(chan struct{})
	var collector, workers sync.WaitGroup
	runs := 0
	collector.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := n.GC(t.Context()); err != nil {
				t.Errorf("GC: %v", err)
				return
			}
			runs++
		}
	})
	for w := range 4 {
		workers.Go(func() {
			key := fmt.Sprint("k", w)
			for i := range 12 {
				data := append(bytes.Clone(common), storagetest.Body(uint64(w*100+i%2), 3000)...)
				if _, err := s.Put(t.Context(), key, bytes.NewReader(data), storage.PutOptions{}); err != nil {
					t.Errorf("Put: %v", err)
				}
				r, err := s.Get(t.Context(), key, 0, -1)
				if err != nil {
					t.Errorf("Get: %v", err)
					return
				}
				if err := s.Delete(t.Context(), key); err != nil {
					t.Errorf("Delete: %v", err)
				}
				got, err := io.ReadAll(r)
				if err != nil || !bytes.Equal(got, data) {
					t.Errorf("round %d: %d bytes, %v", i, len(got), err)
				}
				r.Close()
			}
		})
	}
	workers.Wait()
	close(stop)
	collector.Wait()
	if runs < 2 {
		t.Errorf("%d collections ran meanwhile", runs)
	}
}
