package ipfs_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/boxo/ipld/unixfs"
	"github.com/ipfs/boxo/ipld/unixfs/pb"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
	car "github.com/ipld/go-car/v2"
	carstorage "github.com/ipld/go-car/v2/storage"
	mh "github.com/multiformats/go-multihash"

	"github.com/streamgate/streamgate/drivers/ipfs"
	"github.com/streamgate/streamgate/fault"
)

// child is a link and the size its parent states.
type child struct {
	node ipld.Node
	size uint64
}

// parent makes a tree node of any kind, right or wrong.
func parent(t testing.TB, kind pb.Data_DataType, data []byte, kids ...child) ipld.Node {
	t.Helper()
	fs := unixfs.NewFSNode(kind)
	if data != nil {
		fs.SetData(data)
	}
	nd := new(merkledag.ProtoNode)
	for _, k := range kids {
		fs.AddBlockSize(k.size)
		if err := nd.AddNodeLink("", k.node); err != nil {
			t.Fatal(err)
		}
	}
	b, err := fs.GetBytes()
	if err != nil {
		t.Fatal(err)
	}
	nd.SetData(b)
	if err := nd.SetCidBuilder(cid.V1Builder{Codec: cid.DagProtobuf, MhType: mh.SHA2_256, MhLength: -1}); err != nil {
		t.Fatal(err)
	}
	return nd
}

func carOf(t testing.TB, nodes ...ipld.Node) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := carstorage.NewWritable(&b, []cid.Cid{nodes[0].Cid()}, car.WriteAsCarV1(true))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		if err := w.Put(t.Context(), n.Cid().KeyString(), n.RawData()); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// Trees whose hashes are right and whose content is a trap.
func TestHostileTrees(t *testing.T) {
	t.Parallel()
	file := pb.Data_File
	leaf := merkledag.NewRawNode([]byte("0123456789"))
	chain := func(depth int) []ipld.Node {
		nodes := []ipld.Node{leaf}
		for range depth {
			nodes = append([]ipld.Node{parent(t, file, nil, child{nodes[0], 10})}, nodes...)
		}
		return nodes
	}
	// Thirty levels of a thousand links each to one and the same child: a few blocks that say they are
	// larger than anything.
	bomb, size := []ipld.Node{leaf}, uint64(10)
	for range 4 {
		kids := make([]child, 1000)
		for i := range kids {
			kids[i] = child{bomb[0], size}
		}
		bomb, size = append([]ipld.Node{parent(t, file, nil, kids...)}, bomb...), size*1000
	}
	for name, c := range map[string]struct {
		nodes []ipld.Node
		kind  fault.Kind
	}{
		"too deep":                  {chain(ipfs.MaxDepth + 2), fault.TooLarge},
		"a bomb":                    {bomb, fault.TooLarge},
		"a child larger than said":  {[]ipld.Node{parent(t, file, nil, child{leaf, 9}), leaf}, fault.Corrupt},
		"a child smaller than said": {[]ipld.Node{parent(t, file, nil, child{leaf, 11}), leaf}, fault.Corrupt},
		"a child of no bytes":       {[]ipld.Node{parent(t, file, nil, child{merkledag.NewRawNode(nil), 0}), merkledag.NewRawNode(nil)}, fault.Corrupt},
		"a size that overflows":     {[]ipld.Node{parent(t, file, nil, child{leaf, 1<<63 - 1}, child{leaf, 10}), leaf}, fault.Corrupt},
		"a negative size":           {[]ipld.Node{parent(t, file, nil, child{leaf, 1 << 63}), leaf}, fault.Corrupt},
		"bytes beside children":     {[]ipld.Node{parent(t, file, []byte("x"), child{leaf, 10}), leaf}, fault.Corrupt},
		"a folder":                  {[]ipld.Node{parent(t, pb.Data_Directory, nil)}, fault.Unsupported},
		"a symbolic link":           {[]ipld.Node{parent(t, pb.Data_Symlink, []byte("/etc/passwd"))}, fault.Unsupported},
		"no UnixFS":                 {[]ipld.Node{merkledag.NodeWithData([]byte("\xff\xff"))}, fault.Corrupt},
		"a child that is missing":   {[]ipld.Node{parent(t, file, nil, child{leaf, 10})}, fault.Corrupt},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := open(t, t.TempDir(), ipfs.Options{MaxImport: 1 << 30})
			_, err := n.ImportCAR(t.Context(), bytes.NewReader(carOf(t, c.nodes...)))
			wantKind(t, "ImportCAR", err, c.kind)
			if pins, err := n.Pins(t.Context()); err != nil || len(pins) > 0 {
				t.Errorf("pinned %v, %v", pins, err)
			}
			// The blocks are here now. Reading them by their root is no better.
			r, err := n.Open(t.Context(), c.nodes[0].Cid(), 0, -1)
			if err == nil {
				defer r.Close()
				var read int64
				if read, err = io.Copy(io.Discard, io.LimitReader(r, 1000)); read > 10 && name != "a bomb" {
					t.Errorf("read %d bytes", read)
				}
			}
			if err == nil && name != "a bomb" {
				t.Error("reading it succeeded")
			}
			if _, err := n.Store().Link(t.Context(), "k", c.nodes[0].Cid()); name == "a bomb" && !errors.Is(err, fault.TooLarge) {
				t.Errorf("Link: %v", err)
			}
			if _, err := n.GC(t.Context()); err != nil {
				t.Errorf("GC: %v", err)
			}
		})
	}
	n := open(t, t.TempDir(), ipfs.Options{})
	good := chain(ipfs.MaxDepth - 1)
	if _, err := n.ImportCAR(t.Context(), bytes.NewReader(carOf(t, good...))); err != nil {
		t.Errorf("a deep tree within bounds: %v", err)
	}
	wantFile(t, n, good[0].Cid(), leaf.RawData())
	// Leaves of other importers are dag-pb nodes with bytes, under CIDv0 too.
	inline := merkledag.NodeWithData(unixfs.FilePBData([]byte("hello"), 5))
	if _, err := n.ImportCAR(t.Context(), bytes.NewReader(carOf(t, inline))); err != nil {
		t.Errorf("a dag-pb leaf under %v: %v", inline.Cid(), err)
	}
	wantFile(t, n, inline.Cid(), []byte("hello"))
}
