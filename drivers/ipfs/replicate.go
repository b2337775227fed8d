package ipfs

import (
	"context"
	"io"

	"github.com/ipfs/go-cid"

	"github.com/streamgate/streamgate/fault"
)

// Replicate copies the file under root to a Kubo node as a CAR and has a pinning service pin it under name; either may be nil. It returns
// when both say that root is pinned, and Kubo has given the root block back, verified. It looks
// before it sends, so it may be repeated until it succeeds, after a crash too: nothing is sent or asked twice that
// arrived. The pinning service is told the addresses of this node and of the Kubo node.
func (n *Node) Replicate(ctx context.Context, root cid.Cid, name string, kubo *Kubo, pins *PinService) error {
	const op = "ipfs.Replicate"
	origins := n.Addrs()
	if kubo != nil {
		if err := n.copyTo(ctx, root, kubo); err != nil {
			return fault.At(op, err)
		}
		if pins != nil {
			id, err := kubo.ID(ctx)
			if err != nil {
				return fault.At(op, err)
			}
			origins = append(origins, id.Addresses...)
		}
	}
	if pins == nil {
		return nil
	}
	_, err := pins.Ensure(ctx, root, name, origins[:min(len(origins), 20)])
	return fault.At(op, err)
}

func (n *Node) copyTo(ctx context.Context, root cid.Cid, kubo *Kubo) error {
	pinned, err := kubo.Pinned(ctx, root)
	if err != nil {
		return err
	}
	if !pinned {
		err := kubo.ImportCAR(ctx, root, func(w io.Writer) error { return n.ExportCAR(ctx, w, root) })
		if err != nil {
			return err
		}
		if pinned, err = kubo.Pinned(ctx, root); err != nil {
			return err
		}
		if !pinned {
			return fault.New(fault.Unavailable, "ipfs.Replicate", "the Kubo node took the file and did not pin it")
		}
	}
	_, err = kubo.Block(ctx, root)
	return err
}
