package ipfs

import (
	"context"
	"errors"

	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"

	"github.com/streamgate/streamgate/fault"
)

// GCResult is what a collection did.
type GCResult struct {
	Kept, Removed int
	// Bytes is the size of the removed blocks.
	Bytes int64
}

// GC removes the blocks that belong to no key of Store, to no pin, to no open reader and to no
// import that goes on. Reads and writes go on meanwhile. It holds about 100 bytes of memory for each
// block kept. When a tree node that is pinned cannot be read, what hangs beneath it is unknown: GC
// removes nothing then, and returns the error (fault.Corrupt).
func (n *Node) GC(ctx context.Context) (GCResult, error) {
	const op = "ipfs.GC"
	n.gc.Lock()
	defer n.gc.Unlock()
	n.keep.begin()
	defer n.keep.end()
	live, err := n.mark(ctx)
	if err != nil {
		return GCResult{}, ioFault(op, err)
	}
	res, err := n.sweep(ctx, live)
	return res, ioFault(op, err)
}

// mark returns the multihashes of all blocks in use. The order matters: first what is on
// disk, then the readers, so that a key deleted in between is still held by its reader.
func (n *Node) mark(ctx context.Context) (map[string]struct{}, error) {
	live := map[string]struct{}{}
	var parts []cid.Cid // trees that may be here in part; after the whole ones, which must be complete
	err := n.eachRecord(ctx, func(r record) error {
		if r.Linked {
			parts = append(parts, r.root)
			return nil
		}
		return n.markTree(ctx, live, r.root, false, 0)
	})
	if err != nil {
		return nil, err
	}
	pins, err := n.Pins(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range pins {
		if err := n.markTree(ctx, live, c, false, 0); err != nil {
			return nil, err
		}
	}
	for _, c := range append(parts, n.keep.open()...) {
		if err := n.markTree(ctx, live, c, true, 0); err != nil {
			return nil, err
		}
	}
	return live, nil
}

// markTree adds the blocks beneath c. With partial set a node that is not here ends its branch.
func (n *Node) markTree(ctx context.Context, live map[string]struct{}, c cid.Cid, partial bool, depth int) error {
	if _, ok := live[string(c.Hash())]; ok {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.Prefix().Codec == cid.Raw {
		live[string(c.Hash())] = struct{}{}
		return nil
	}
	b, err := n.blocks.Get(ctx, c)
	switch {
	case partial && err != nil && (ipld.IsNotFound(err) || errors.Is(err, fault.Corrupt)):
		return nil
	case ipld.IsNotFound(err):
		return fault.Newf(fault.Corrupt, "ipfs.GC", "the pinned tree node %s is missing", c)
	case err != nil:
		return err
	}
	live[string(c.Hash())] = struct{}{}
	links, err := childrenOf(c, b.RawData(), depth)
	if err != nil {
		return err
	}
	for _, l := range links {
		if err := n.markTree(ctx, live, l, partial, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (n *Node) sweep(ctx context.Context, live map[string]struct{}) (GCResult, error) {
	var res GCResult
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the listing
	lister, ok := n.blocks.under.(blockstore.AllKeysChanWithErrer)
	if !ok {
		return res, fault.New(fault.Internal, "ipfs.GC", "the block store cannot list")
	}
	keys, listErr, err := lister.AllKeysChanWithErr(ctx)
	if err != nil {
		return res, err
	}
	for c := range keys {
		if _, ok := live[string(c.Hash())]; ok {
			res.Kept++
			continue
		}
		size, err := n.blocks.GetSize(ctx, c)
		if err != nil {
			continue // gone meanwhile, or unreadable: the next collection sees
		}
		removed, err := n.keep.sweep(c, func() error { return n.blocks.DeleteBlock(ctx, c) })
		if err != nil {
			return res, err
		}
		if removed {
			res.Removed++
			res.Bytes += int64(size)
		} else {
			res.Kept++
		}
	}
	return res, listErr()
}
