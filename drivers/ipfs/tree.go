package ipfs

import (
	"context"
	"math"

	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/boxo/ipld/unixfs"
	"github.com/ipfs/boxo/ipld/unixfs/pb"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"

	"github.com/streamgate/streamgate/fault"
)

// branch is one block of a file: bytes, or children with their sizes. Trees come from
// outside too, so that everything in them is checked.
type branch struct {
	size  int64
	data  []byte // of a leaf
	kids  []cid.Cid
	sizes []int64
}

// parse reads the verified block of c, which is depth steps below the root.
func parse(c cid.Cid, block []byte, depth int) (branch, error) {
	const op = "ipfs.parse"
	if c.Prefix().Codec == cid.Raw {
		return branch{size: int64(len(block)), data: block}, nil
	}
	if depth > MaxDepth {
		return branch{}, fault.Newf(fault.TooLarge, op, "the tree is deeper than %d", MaxDepth)
	}
	node, err := merkledag.DecodeProtobuf(block)
	if err != nil {
		return branch{}, fault.Wrap(fault.Corrupt, op, err)
	}
	fs, err := unixfs.FSNodeFromBytes(node.Data())
	if err != nil {
		return branch{}, fault.Wrap(fault.Corrupt, op, err)
	}
	if t := fs.Type(); t != pb.Data_File && t != pb.Data_Raw {
		return branch{}, fault.Newf(fault.Unsupported, op, "%s is no UnixFS file", c)
	}
	links := node.Links()
	if len(links) == 0 {
		if uint64(len(fs.Data())) != fs.FileSize() {
			return branch{}, fault.Newf(fault.Corrupt, op, "the leaf %s states another size than it has", c)
		}
		return branch{size: int64(len(fs.Data())), data: fs.Data()}, nil
	}
	return interior(c, fs, links)
}

func interior(c cid.Cid, fs *unixfs.FSNode, links []*ipld.Link) (branch, error) {
	const op = "ipfs.parse"
	sizes := fs.BlockSizes()
	if len(fs.Data()) > 0 || len(sizes) != len(links) {
		return branch{}, fault.Newf(fault.Corrupt, op, "the tree node %s has %d children, %d sizes and %d bytes", c, len(links), len(sizes), len(fs.Data()))
	}
	b := branch{kids: make([]cid.Cid, len(links)), sizes: make([]int64, len(links))}
	for i, l := range links {
		// A child of no bytes would let a tree grow without end and say nothing.
		if sizes[i] == 0 || sizes[i] > math.MaxInt64 || b.size > math.MaxInt64-int64(sizes[i]) {
			return branch{}, fault.Newf(fault.Corrupt, op, "the tree node %s has a child of %d bytes", c, sizes[i])
		}
		if err := checkCID(l.Cid); err != nil {
			return branch{}, err
		}
		b.kids[i], b.sizes[i] = l.Cid, int64(sizes[i])
		b.size += b.sizes[i]
	}
	if uint64(b.size) != fs.FileSize() {
		return branch{}, fault.Newf(fault.Corrupt, op, "the tree node %s states %d bytes, its children have %d", c, fs.FileSize(), b.size)
	}
	return b, nil
}

// childrenOf returns the children of the verified block of c.
func childrenOf(c cid.Cid, block []byte, depth int) ([]cid.Cid, error) {
	b, err := parse(c, block, depth)
	return b.kids, err
}

// get is how a walk has a block.
type get func(ctx context.Context, c cid.Cid) ([]byte, error)

// walk visits the blocks of the file beneath root once each, parents first, and checks that
// every block has the size its parent states. It returns the size of the file.
func walk(ctx context.Context, root cid.Cid, get get, visit func(c cid.Cid, block []byte) error) (int64, error) {
	w := walker{get: get, visit: visit, seen: map[string]int64{}}
	return w.walk(ctx, root, -1, 0)
}

type walker struct {
	get   get
	visit func(c cid.Cid, block []byte) error
	seen  map[string]int64 // sizes; a tree may have one block many times
}

func (w *walker) walk(ctx context.Context, c cid.Cid, want int64, depth int) (int64, error) {
	if size, ok := w.seen[c.KeyString()]; ok {
		return size, sizeAsStated(c, size, want)
	}
	if err := ctx.Err(); err != nil {
		return 0, fault.Wrap(fault.Canceled, "ipfs.walk", err)
	}
	block, err := w.get(ctx, c)
	if err != nil {
		return 0, err
	}
	b, err := parse(c, block, depth)
	if err != nil {
		return 0, err
	}
	if err := sizeAsStated(c, b.size, want); err != nil {
		return 0, err
	}
	if err := w.visit(c, block); err != nil {
		return 0, err
	}
	for i, kid := range b.kids {
		if _, err := w.walk(ctx, kid, b.sizes[i], depth+1); err != nil {
			return 0, err
		}
	}
	w.seen[c.KeyString()] = b.size
	return b.size, nil
}

func sizeAsStated(c cid.Cid, size, want int64) error {
	if want >= 0 && size != want {
		return fault.Newf(fault.Corrupt, "ipfs.walk", "the block %s stands for %d bytes, its parent says %d", c, size, want)
	}
	return nil
}
