package ipfs

import (
	"testing"

	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/boxo/ipld/unixfs"
	"github.com/ipfs/go-cid"
	mh "github.com/multiformats/go-multihash"

	"github.com/streamgate/streamgate/fault"
)

// Whatever a block holds, parse says something sane of it or refuses it as the block's fault.
func FuzzParse(f *testing.F) {
	f.Add(unixfs.FilePBData([]byte("hello"), 5))
	f.Add(merkledag.NodeWithData(unixfs.FilePBData([]byte("hello"), 5)).RawData())
	f.Add(merkledag.NodeWithData(unixfs.FolderPBData()).RawData())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, block []byte) {
		c, err := cid.V1Builder{Codec: cid.DagProtobuf, MhType: mh.SHA2_256}.Sum(block)
		if err != nil {
			t.Fatal(err)
		}
		b, err := parse(c, block, 0)
		if err != nil {
			if k := fault.KindOf(err); k != fault.Corrupt && k != fault.Unsupported {
				t.Fatalf("kind %v: %v", k, err)
			}
			return
		}
		var sum int64
		for _, s := range b.sizes {
			if s <= 0 {
				t.Fatalf("a child of %d bytes", s)
			}
			sum += s
		}
		if len(b.kids) != len(b.sizes) || len(b.kids) > 0 && sum != b.size || len(b.kids) == 0 && int64(len(b.data)) != b.size {
			t.Fatalf("%d children of %d bytes in a node of %d with %d bytes", len(b.kids), sum, b.size, len(b.data))
		}
	})
}
