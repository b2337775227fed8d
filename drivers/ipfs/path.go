package ipfs

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/ipfs/boxo/ipld/merkledag"
	uio "github.com/ipfs/boxo/ipld/unixfs/io"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"

	"github.com/streamgate/streamgate/fault"
)

// maxSegments bounds the folders of a path.
const maxSegments = 16

// ReadPath returns the file at a path of a CID and names in folders, "bafy…/7.json", of at most max bytes; it is one
// for nft/metadata. Every block is verified, also those of folders, which may be sharded (HAMT). What
// is not here is fetched and kept until a GC. Errors are fault.Invalid for a path that is none, fault.NotFound for
// a name that the folder does not have, fault.TooLarge, else as Open's.
func (n *Node) ReadPath(ctx context.Context, path string, max int64) ([]byte, error) {
	const op = "ipfs.ReadPath"
	first, rest, _ := strings.Cut(path, "/")
	c, err := cid.Decode(first)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Invalid, Op: op, Msg: "the path does not begin with a CID", Err: err}
	}
	if err := checkCID(c); err != nil {
		return nil, fault.At(op, err)
	}
	var names []string
	if rest != "" {
		names = strings.Split(rest, "/")
	}
	if len(names) > maxSegments {
		return nil, fault.New(fault.TooLarge, op, "the path has too many folders")
	}
	for _, name := range names {
		if c, err = n.child(ctx, c, name); err != nil {
			return nil, fault.At(op, err)
		}
	}
	size, err := n.sizeOf(ctx, c)
	if err != nil {
		return nil, ioFault(op, err)
	}
	if size > max {
		return nil, fault.Newf(fault.TooLarge, op, "the file has %d bytes, %d are read", size, max)
	}
	r, err := n.Open(ctx, c, 0, size)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	return b, errors.Join(err, r.Close())
}

// child looks a name up in the folder under c.
func (n *Node) child(ctx context.Context, c cid.Cid, name string) (cid.Cid, error) {
	const op = "ipfs.child"
	nodes := folders{n: n}
	node, err := nodes.Get(ctx, c)
	if err != nil {
		return cid.Undef, err
	}
	dir, err := uio.NewDirectoryFromNode(nodes, node)
	if errors.Is(err, uio.ErrNotADir) {
		return cid.Undef, fault.New(fault.NotFound, op, "the path goes through a file")
	}
	if err != nil {
		return cid.Undef, fault.Wrap(fault.Corrupt, op, err)
	}
	found, err := dir.Find(ctx, name)
	var f *fault.Error
	switch {
	case err == nil:
		return found.Cid(), nil
	case errors.Is(err, os.ErrNotExist):
		return cid.Undef, fault.New(fault.NotFound, op, "the folder has no such file")
	case errors.As(err, &f):
		return cid.Undef, err
	}
	return cid.Undef, fault.Wrap(fault.Corrupt, op, err)
}

// folders gives boxo's directories the verified blocks of a node, to read.
type folders struct {
	ipld.DAGService // nothing is written through it
	n               *Node
}

func (f folders) Get(ctx context.Context, c cid.Cid) (ipld.Node, error) {
	if err := checkCID(c); err != nil {
		return nil, err
	}
	b, err := f.n.block(ctx, c)
	if err != nil {
		return nil, err
	}
	if c.Prefix().Codec == cid.Raw {
		return merkledag.NewRawNodeWPrefix(b, c.Prefix())
	}
	nd, err := merkledag.DecodeProtobuf(b)
	if err != nil {
		return nil, fault.Wrap(fault.Corrupt, "ipfs.folders", err)
	}
	return nd, nd.SetCidBuilder(c.Prefix())
}

func (f folders) GetMany(ctx context.Context, cs []cid.Cid) <-chan *ipld.NodeOption {
	out := make(chan *ipld.NodeOption, len(cs))
	for _, c := range cs {
		nd, err := f.Get(ctx, c)
		out <- &ipld.NodeOption{Node: nd, Err: err}
	}
	close(out)
	return out
}
