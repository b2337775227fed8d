package ipfs_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ipfs/go-cid"

	"github.com/streamgate/streamgate/drivers/ipfs"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/storagetest"
)

func open(t testing.TB, dir string, opt ipfs.Options) *ipfs.Node {
	t.Helper()
	n, err := ipfs.Open(t.Context(), dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return n
}

// small makes trees of many levels out of small files.
var small = ipfs.Options{ChunkSize: 1000, MaxLinks: 4}

func add(t testing.TB, n *ipfs.Node, data []byte) cid.Cid {
	t.Helper()
	root, size, err := n.Add(t.Context(), bytes.NewReader(data))
	if err != nil || size != int64(len(data)) {
		t.Fatalf("Add of %d bytes: %d, %v", len(data), size, err)
	}
	return root
}

func put(t testing.TB, s storage.Store, key string, data []byte) {
	t.Helper()
	if _, err := s.Put(t.Context(), key, bytes.NewReader(data), storage.PutOptions{}); err != nil {
		t.Fatalf("Put(%q): %v", key, err)
	}
}

func readAll(ctx context.Context, n *ipfs.Node, root cid.Cid) ([]byte, error) {
	r, err := n.Open(ctx, root, 0, -1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func wantFile(t testing.TB, n *ipfs.Node, root cid.Cid, want []byte) {
	t.Helper()
	got, err := readAll(t.Context(), n, root)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes, %v, want %d bytes", root, len(got), err, len(want))
	}
}

func wantKind(t testing.TB, what string, err error, kind fault.Kind) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s: error %v, want kind %v", what, err, kind)
	}
}

// blockFiles returns the files of the blocks that a node has on disk.
func blockFiles(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "blocks", "*", "*.data"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestStore(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]ipfs.Options{"defaults": {}, "deep trees": {ChunkSize: 20_000, MaxLinks: 3}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storagetest.Run(t, func(t testing.TB) storage.Store { return open(t, t.TempDir(), opt).Store() })
		})
	}
}

func TestReopen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := open(t, dir, small)
	data := storagetest.Body(1, 50_000)
	put(t, n.Store(), "a/b", data)
	root := add(t, n, data[1:])
	if _, err := ipfs.Open(t.Context(), dir, small); !errors.Is(err, fault.Conflict) {
		t.Errorf("a second Open of the directory: %v, want kind conflict", err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := n.Store().Get(t.Context(), "a/b", 0, -1)
	wantKind(t, "Get after Close", err, fault.Unavailable)
	n = open(t, dir, small)
	wantFile(t, n, root, data[1:])
	c, err := n.Store().Root(t.Context(), "a/b")
	if err != nil {
		t.Fatal(err)
	}
	wantFile(t, n, c, data)
	if pins, err := n.Pins(t.Context()); err != nil || len(pins) != 1 || pins[0] != root {
		t.Errorf("Pins: %v, %v, want %v", pins, err, root)
	}
}

// A block that changed on disk is an error, never bytes, to every kind of reader, and putting the
// file again mends it.
func TestCorruptBlock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := open(t, dir, small)
	s := n.Store()
	data := storagetest.Body(2, 20_000)
	put(t, s, "k", data)
	root, err := s.Root(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	gateway, err := n.Gateway()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range blockFiles(t, dir) {
		whole, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for what, broken := range map[string][]byte{
			"a bit flipped": append(append([]byte(nil), whole[:len(whole)-1]...), whole[len(whole)-1]^1),
			"cut short":     whole[:len(whole)/2], "grown": append(append([]byte(nil), whole...), 0), "emptied": {},
		} {
			if err := os.WriteFile(name, broken, 0o600); err != nil {
				t.Fatal(err)
			}
			got, err := read(t, s, "k")
			if !errors.Is(err, fault.Corrupt) || !bytes.HasPrefix(data, got) {
				t.Errorf("%s: %d bytes and %v, want kind corrupt", what, len(got), err)
			}
			if body := serve(gateway, "/ipfs/"+root.String(), nil).Body.Bytes(); bytes.Equal(body, data) {
				t.Errorf("%s: the gateway served the whole file", what)
			}
			_, err = n.Verify(t.Context(), root)
			wantKind(t, "Verify", err, fault.Corrupt)
			put(t, s, "k", data)
			if got, err := read(t, s, "k"); err != nil || !bytes.Equal(got, data) {
				t.Fatalf("%s: after putting it again: %v", what, err)
			}
		}
	}
}

func read(t testing.TB, s storage.Store, key string) ([]byte, error) {
	r, err := s.Get(t.Context(), key, 0, -1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(struct{ io.Reader }{r})
}

func TestDamagedRecord(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := open(t, dir, small)
	put(t, n.Store(), "k", []byte("x"))
	for _, broken := range []string{"", "{", `{"cid":"x","size":1}`, `{"cid":"","size":1}`, strings.Repeat(" ", 5000)} {
		if err := os.WriteFile(filepath.Join(dir, "index", "k@"), []byte(broken), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := n.Store().Stat(t.Context(), "k")
		wantKind(t, "Stat", err, fault.Corrupt)
		_, err = n.Store().List(t.Context(), "", "", 0)
		wantKind(t, "List", err, fault.Corrupt)
		_, err = n.GC(t.Context())
		wantKind(t, "GC, which must not take the key for deleted", err, fault.Corrupt)
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	n := open(t, t.TempDir(), ipfs.Options{ChunkSize: 1000, MaxLinks: 2, MaxImport: 100_000})
	add(t, n, storagetest.Body(1, 100_000))
	_, _, err := n.Add(t.Context(), bytes.NewReader(storagetest.Body(1, 100_001)))
	wantKind(t, "Add of more than MaxImport", err, fault.TooLarge)
	_, err = n.Store().Put(t.Context(), "k", bytes.NewReader(storagetest.Body(1, 100_001)), storage.PutOptions{})
	wantKind(t, "Put of more than MaxImport", err, fault.TooLarge)
	// An HTTP body that was cut short must not become a shorter file.
	_, _, err = n.Add(t.Context(), io.MultiReader(strings.NewReader("head"), broken{io.ErrUnexpectedEOF}))
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("Add of a body cut short: %v", err)
	}
	for name, opt := range map[string]ipfs.Options{
		"chunk size": {ChunkSize: ipfs.MaxChunkSize + 1}, "negative chunk size": {ChunkSize: -1}, "one link": {MaxLinks: 1}, "links": {MaxLinks: ipfs.MaxLinks + 1},
		"negative": {MaxImport: -1}, "peer": {Peers: []string{"/ip4/127.0.0.1/tcp/1"}}, "gateway": {Gateways: []string{"ftp://x"}},
		"gateway with a secret": {Gateways: []string{"https://user:secret@x"}},
	} {
		_, err := ipfs.Open(t.Context(), t.TempDir(), opt)
		wantKind(t, name, err, fault.Invalid)
		if err != nil && strings.Contains(err.Error(), "secret@") {
			t.Errorf("%s: the error tells the secret: %v", name, err)
		}
	}
}

type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func TestOpenURL(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := ipfs.OpenURL(t.Context(), "ipfs://"+dir+"?chunk_size=1000&max_links=4&listen=/ip4/127.0.0.1/tcp/0&gateways=http://127.0.0.1:1,http://127.0.0.1:2&hedge_delay=50ms&max_import=5000")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	data := storagetest.Body(1, 5000)
	put(t, s, "k", data)
	if root, err := s.Root(t.Context(), "k"); err != nil || root != add(t, open(t, t.TempDir(), small), data) {
		t.Errorf("the URL's chunk_size and max_links are not those of the node: %v, %v", root, err)
	}
	_, err = s.Put(t.Context(), "k", bytes.NewReader(storagetest.Body(1, 5001)), storage.PutOptions{})
	wantKind(t, "more than max_import", err, fault.TooLarge)
	if len(s.Node().Addrs()) == 0 {
		t.Error("the node does not listen")
	}
	for _, raw := range []string{
		"", "ipfs:", "ipfs://host/dir", "file:///x", "ipfs:///x#y", "ipfs://u:p@/x", "ipfs:///x?unknown=1", "ipfs:///x?chunk_size=a", "ipfs:///x?chunk_size=1&chunk_size=2",
		"ipfs:///x?hedge_delay=5", "ipfs:///x?a=%zz",
	} {
		_, err := ipfs.OpenURL(t.Context(), raw)
		wantKind(t, raw, err, fault.Invalid)
	}
	_, err = ipfs.OpenURL(t.Context(), "ipfs:///x?typo=1")
	if err == nil || !strings.Contains(err.Error(), "typo") {
		t.Errorf("the error does not name the parameter: %v", err)
	}
}
