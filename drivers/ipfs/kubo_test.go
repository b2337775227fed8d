package ipfs_test

import (
	"bytes"
	"io"
	"os"
	"testing"

	"github.com/streamgate/streamgate/drivers/ipfs"
	"github.com/streamgate/streamgate/internal/servers"
	"github.com/streamgate/streamgate/storage/storagetest"
)

// TestKubo runs the clients and the node against a real Kubo. It is slow, since Kubo has to be
// built first (scripts/test-tools.sh kubo), and runs with STREAMGATE_SLOW=1 only.
func TestKubo(t *testing.T) {
	if os.Getenv("STREAMGATE_SLOW") != "1" {
		t.Skip("set STREAMGATE_SLOW=1: builds Kubo at the first use, some minutes")
	}
	t.Parallel()
	real := servers.KuboFor(t)
	kubo := kuboAt(t, real.API, ipfs.RemoteOptions{})
	loopback := []string{"/ip4/127.0.0.1/tcp/0"}

	t.Run("the same CIDs", func(t *testing.T) {
		for _, f := range borders() {
			if f.Size > 4<<20 {
				continue
			}
			n := open(t, t.TempDir(), ipfs.Options{ChunkSize: f.ChunkSize, MaxLinks: f.MaxLinks})
			data := f.body()
			got, err := kubo.Add(t.Context(), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }, f.ChunkSize, f.MaxLinks)
			if want := add(t, n, data); err != nil || got != want {
				t.Errorf("%v: Kubo says %v, %v, we say %v", f, got, err, want)
			}
			n.Close()
		}
	})

	t.Run("copy, pin, verify, unpin", func(t *testing.T) {
		n := open(t, t.TempDir(), small)
		root := add(t, n, storagetest.Body(1, 100_000))
		if pinned, err := kubo.Pinned(t.Context(), root); err != nil || pinned {
			t.Errorf("Pinned before: %v, %v", pinned, err)
		}
		for range 2 {
			if err := n.Replicate(t.Context(), root, "", kubo, nil); err != nil {
				t.Fatal(err)
			}
		}
		if pinned, err := kubo.Pinned(t.Context(), root); err != nil || !pinned {
			t.Errorf("Pinned: %v, %v", pinned, err)
		}
		for range 2 {
			if err := kubo.Unpin(t.Context(), root); err != nil {
				t.Errorf("Unpin: %v", err)
			}
		}
		if pinned, err := kubo.Pinned(t.Context(), root); err != nil || pinned {
			t.Errorf("Pinned after Unpin: %v, %v", pinned, err)
		}
	})

	t.Run("bitswap both ways", func(t *testing.T) {
		n := open(t, t.TempDir(), ipfs.Options{ChunkSize: 1000, MaxLinks: 4, Listen: loopback})
		if err := n.Connect(t.Context(), real.Addr); err != nil {
			t.Fatal(err)
		}
		ours := storagetest.Body(2, 50_000)
		if err := kubo.Pin(t.Context(), add(t, n, ours)); err != nil {
			t.Errorf("Kubo pins our file: %v", err)
		}
		theirs := storagetest.Body(3, 3_000_000)
		root, err := kubo.Add(t.Context(), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(theirs)), nil }, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		wantFile(t, n, root, theirs)
	})
	if id, err := kubo.ID(t.Context()); err != nil || id.ID == "" || len(id.Addresses) == 0 {
		t.Errorf("ID: %+v, %v", id, err)
	} else {
		t.Logf("against %s", id.AgentVersion)
	}
}
