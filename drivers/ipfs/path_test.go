package ipfs_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"sync"
	"testing"

	"github.com/ipfs/boxo/ipld/merkledag"
	mdtest "github.com/ipfs/boxo/ipld/merkledag/test"
	"github.com/ipfs/boxo/ipld/unixfs"
	"github.com/ipfs/boxo/ipld/unixfs/hamt"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"

	"github.com/streamgate/streamgate/drivers/ipfs"
	"github.com/streamgate/streamgate/fault"
)

// Files are found in folders, flat and sharded, through folders in folders.
func TestReadPath(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	served := map[string][]byte{}
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		b, ok := served[path.Base(r.URL.Path)]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(b)
	}))
	t.Cleanup(gateway.Close)
	n := open(t, t.TempDir(), ipfs.Options{Gateways: []string{gateway.URL}})
	v1, err := merkledag.PrefixForCidVersion(1)
	if err != nil {
		t.Fatal(err)
	}
	blocks := mdtest.Mock()
	file := func(text string) ipld.Node {
		root := add(t, n, []byte(text))
		nd, err := merkledag.NewRawNodeWPrefix([]byte(text), root.Prefix())
		if err != nil || nd.Cid() != root {
			t.Fatalf("%v: %s, %s", err, nd.Cid(), root)
		}
		return nd
	}
	keep := func(nd ipld.Node) {
		mu.Lock()
		defer mu.Unlock()
		served[nd.Cid().String()] = nd.RawData()
	}
	flat := unixfs.EmptyDirNode()
	_ = flat.SetCidBuilder(v1)
	for i := range 3 {
		if err := flat.AddNodeLink(fmt.Sprintf("%d.json", i), file(fmt.Sprintf("flat %d", i))); err != nil {
			t.Fatal(err)
		}
	}
	keep(flat)
	shard, err := hamt.NewShard(blocks, 16)
	if err != nil {
		t.Fatal(err)
	}
	shard.SetCidBuilder(v1)
	for i := range 300 {
		if err := shard.Set(t.Context(), fmt.Sprint(i), file(fmt.Sprintf("sharded %d", i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := shard.Set(t.Context(), "flat", flat); err != nil {
		t.Fatal(err)
	}
	root, err := shard.Node()
	if err != nil {
		t.Fatal(err)
	}
	var walk func(c cid.Cid)
	walk = func(c cid.Cid) { // the inner nodes of the shard
		nd, err := blocks.Get(t.Context(), c)
		if err != nil {
			return // a file, which is there
		}
		keep(nd)
		for _, l := range nd.Links() {
			walk(l.Cid)
		}
	}
	if err := blocks.Add(t.Context(), root); err != nil {
		t.Fatal(err)
	}
	walk(root.Cid())
	for p, want := range map[string]string{
		flat.Cid().String() + "/1.json":      "flat 1",
		root.Cid().String() + "/0":           "sharded 0",
		root.Cid().String() + "/299":         "sharded 299",
		root.Cid().String() + "/flat/2.json": "flat 2",
		file("alone").Cid().String():         "alone",
	} {
		if b, err := n.ReadPath(t.Context(), p, 100); err != nil || string(b) != want {
			t.Errorf("%s: %q, %v, want %q", p, b, err, want)
		}
	}
	for p, kind := range map[string]fault.Kind{
		root.Cid().String() + "/300":      fault.NotFound,
		flat.Cid().String() + "/9.json":   fault.NotFound,
		flat.Cid().String() + "/1.json/x": fault.NotFound,
		flat.Cid().String():               fault.Unsupported, // a folder is no file
		"no/cid":                          fault.Invalid,
		root.Cid().String() + "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q": fault.TooLarge,
	} {
		_, err := n.ReadPath(t.Context(), p, 100)
		wantKind(t, p, err, kind)
	}
	_, err = n.ReadPath(t.Context(), flat.Cid().String()+"/1.json", 3)
	wantKind(t, "a file that is too long", err, fault.TooLarge)
}
