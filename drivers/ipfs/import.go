package ipfs

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/ipfs/boxo/ipld/unixfs/importer/balanced"
	"github.com/ipfs/boxo/ipld/unixfs/importer/helpers"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"
	mh "github.com/multiformats/go-multihash"
	"golang.org/x/sync/errgroup"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
)

// Add imports r as a UnixFS file, pins it and returns its CID and size. The same bytes under
// the same Options have the same CID everywhere. When r fails or ctx ends nothing is pinned. More than
// MaxImport bytes are fault.TooLarge.
func (n *Node) Add(ctx context.Context, r io.Reader) (cid.Cid, int64, error) {
	const op = "ipfs.Add"
	s := n.keep.session(n.blocks)
	defer s.release()
	src := storage.NewSource(ctx, r, 0)
	root, err := n.importFile(ctx, s, src)
	if err != nil {
		return cid.Undef, 0, ioFault(op, err)
	}
	if err := n.pin(ctx, root); err != nil {
		return cid.Undef, 0, ioFault(op, err)
	}
	return root, src.N(), nil
}

// importFile writes the blocks of src, which s keeps, and returns the root.
func (n *Node) importFile(ctx context.Context, s *session, src *storage.Source) (cid.Cid, error) {
	if err := src.Err(); err != nil {
		return cid.Undef, err
	}
	dst := newSink(ctx, s)
	defer func() { _ = dst.wait() }() // a reader may panic
	params := helpers.DagBuilderParams{
		Maxlinks:   n.opt.MaxLinks,
		RawLeaves:  true,
		CidBuilder: cid.V1Builder{Codec: cid.DagProtobuf, MhType: mh.SHA2_256, MhLength: -1},
		Dagserv:    dst,
	}
	builder, err := params.New(&splitter{r: src, size: n.opt.ChunkSize, rest: n.opt.MaxImport})
	if err != nil {
		return cid.Undef, err
	}
	root, err := balanced.Layout(builder)
	if err != nil {
		return cid.Undef, err
	}
	if err := dst.wait(); err != nil {
		return cid.Undef, err
	}
	return root.Cid(), src.Err()
}

func errTooLarge() error {
	return fault.New(fault.TooLarge, "ipfs.import", "the file is larger than the node takes")
}

// splitter cuts a stream in chunks of one size. Boxo's own takes an io.ErrUnexpectedEOF of
// the source, as of an HTTP body cut short, for the end of the file.
type splitter struct {
	r    io.Reader
	size int
	rest int64
	err  error
}

// Reader implements chunk.Splitter.
func (s *splitter) Reader() io.Reader { return s.r }

// NextBytes implements chunk.Splitter.
func (s *splitter) NextBytes() ([]byte, error) {
	if s.err != nil {
		return nil, s.err
	}
	buf := make([]byte, s.size)
	n := 0
	for n < len(buf) && s.err == nil {
		var m int
		m, s.err = s.r.Read(buf[n:])
		n += m
	}
	if s.err != nil && s.err != io.EOF {
		return nil, s.err
	}
	s.rest -= int64(n)
	if s.rest < 0 {
		s.err = errTooLarge()
		return nil, s.err
	}
	if n == 0 {
		return nil, io.EOF
	}
	return buf[:n:n], nil
}

// sink takes the nodes that an importer makes. It can only add. It writes a few blocks at once, since
// each waits for the disk; the importer must wait for all of them.
type sink struct {
	ctx   context.Context // of the one import it lives in; the builder has none
	s     *session
	group *errgroup.Group
}

const writesAtOnce = 8

var (
	_           ipld.DAGService = sink{}
	errOnlyAdds                 = errors.New("an import only adds")
)

func newSink(ctx context.Context, s *session) sink {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(writesAtOnce)
	return sink{ctx, s, group}
}

func (d sink) wait() error { return d.group.Wait() }

func (d sink) Add(_ context.Context, nd ipld.Node) error {
	if d.ctx.Err() != nil {
		if err := d.wait(); err != nil { // the write that failed, which ended the others
			return err
		}
		return d.ctx.Err()
	}
	d.group.Go(func() error { return d.s.put(d.ctx, nd) })
	return nil
}

func (d sink) AddMany(ctx context.Context, nds []ipld.Node) error {
	for _, nd := range nds {
		if err := d.Add(ctx, nd); err != nil {
			return err
		}
	}
	return nil
}

func (d sink) Get(context.Context, cid.Cid) (ipld.Node, error) { return nil, errOnlyAdds }
func (d sink) GetMany(context.Context, []cid.Cid) <-chan *ipld.NodeOption {
	c := make(chan *ipld.NodeOption)
	close(c)
	return c
}
func (d sink) Remove(context.Context, cid.Cid) error       { return errOnlyAdds }
func (d sink) RemoveMany(context.Context, []cid.Cid) error { return errOnlyAdds }

// Pin keeps the file under root for good. It fetches the blocks that are not here, each
// verified, and returns when all of them are. Pinning what is pinned is no error.
func (n *Node) Pin(ctx context.Context, root cid.Cid) error {
	const op = "ipfs.Pin"
	s := n.keep.session(n.blocks)
	defer s.release()
	_, err := walk(ctx, root, func(ctx context.Context, c cid.Cid) ([]byte, error) {
		s.keep(c)
		return n.block(ctx, c)
	}, func(cid.Cid, []byte) error { return nil })
	if err != nil {
		return ioFault(op, err)
	}
	return ioFault(op, n.pin(ctx, root))
}

func (n *Node) pin(ctx context.Context, root cid.Cid) error {
	_, err := n.pins.Put(ctx, root.String(), strings.NewReader(""), storage.PutOptions{})
	return err
}

// Unpin lets the next GC remove the file under root, unless a key or another pin has it.
// Unpinning what is not pinned is no error.
func (n *Node) Unpin(ctx context.Context, root cid.Cid) error {
	return ioFault("ipfs.Unpin", n.pins.Delete(ctx, root.String()))
}

// Pins returns the pinned roots. The keys of Store hold theirs by themselves and are not among them.
func (n *Node) Pins(ctx context.Context) ([]cid.Cid, error) {
	const op = "ipfs.Pins"
	var roots []cid.Cid
	for after := ""; ; {
		page, err := n.pins.List(ctx, "", after, 0)
		if err != nil {
			return nil, ioFault(op, err)
		}
		for _, info := range page {
			c, err := cid.Decode(info.Key)
			if err != nil {
				return nil, fault.Newf(fault.Corrupt, op, "the name of the pin %q is no CID", info.Key)
			}
			roots = append(roots, c)
			after = info.Key
		}
		if len(page) < storage.DefaultListLimit {
			return roots, nil
		}
	}
}

// Pinned reports whether root itself is pinned.
func (n *Node) Pinned(ctx context.Context, root cid.Cid) (bool, error) {
	_, err := n.pins.Stat(ctx, root.String())
	if errors.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, ioFault("ipfs.Pinned", err)
}

// Open reads bytes [offset, offset+length) of the file under root, as storage.Store does of a key. What is
// not here is fetched block by block, and kept until a GC when root is not pinned.
func (n *Node) Open(ctx context.Context, root cid.Cid, offset, length int64) (io.ReadCloser, error) {
	const op = "ipfs.Open"
	release := n.keep.hold(root)
	size, err := n.sizeOf(ctx, root)
	if err == nil {
		length, err = storage.CutRange(size, offset, length)
	}
	if err != nil {
		release()
		return nil, ioFault(op, err)
	}
	return n.newReader(ctx, root, size, offset, offset+length, release), nil
}

func (n *Node) sizeOf(ctx context.Context, root cid.Cid) (int64, error) {
	block, err := n.block(ctx, root)
	if err != nil {
		return 0, err
	}
	b, err := parse(root, block, 0)
	return b.size, err
}

// Verify reads every block of the file under root from the local disk and returns its size:
// fault.Corrupt for a broken block, fault.NotFound for a missing one.
func (n *Node) Verify(ctx context.Context, root cid.Cid) (int64, error) {
	size, err := walk(ctx, root, n.local, func(cid.Cid, []byte) error { return nil })
	return size, ioFault("ipfs.Verify", err)
}

// local returns a verified block of the local disk.
func (n *Node) local(ctx context.Context, c cid.Cid) ([]byte, error) {
	b, err := n.blocks.Get(ctx, c)
	if ipld.IsNotFound(err) {
		return nil, fault.Newf(fault.NotFound, "ipfs.local", "the block %s is not here", c)
	}
	if err != nil {
		return nil, ioFault("ipfs.local", err)
	}
	return b.RawData(), nil
}
