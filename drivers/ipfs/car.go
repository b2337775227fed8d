package ipfs

import (
	"bufio"
	"context"
	"errors"
	"io"

	"github.com/ipfs/go-cid"
	car "github.com/ipld/go-car/v2"
	carstorage "github.com/ipld/go-car/v2/storage"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
)

// ExportCAR writes the file under root to w as a CARv1 with one root, each block once,
// parents first: the same bytes whenever it is asked. Blocks that are not here are fetched.
func (n *Node) ExportCAR(ctx context.Context, w io.Writer, root cid.Cid) error {
	const op = "ipfs.ExportCAR"
	if err := checkCID(root); err != nil {
		return fault.At(op, err)
	}
	defer n.keep.hold(root)()
	out, err := carstorage.NewWritable(w, []cid.Cid{root}, car.WriteAsCarV1(true))
	if err != nil {
		return ioFault(op, err)
	}
	_, err = walk(ctx, root, n.block, func(c cid.Cid, block []byte) error {
		return out.Put(ctx, c.KeyString(), block)
	})
	return ioFault(op, err)
}

// The most of a CAR's head: room for a hundred roots.
const maxCARHeader = 8 << 10

// ImportCAR takes the files of a CAR, verifies every block against its CID and every root's tree for
// being whole, and only then pins the roots, which it returns. Blocks that belong to no root
// are left to GC. A CAR that is damaged or not whole is fault.Corrupt, one larger
// than MaxImport fault.TooLarge; neither leaves a pin.
func (n *Node) ImportCAR(ctx context.Context, r io.Reader) ([]cid.Cid, error) {
	const op = "ipfs.ImportCAR"
	s := n.keep.session(n.blocks)
	defer s.release()
	src := &limited{r: storage.NewSource(ctx, r, 0), rest: n.opt.MaxImport}
	in, err := car.NewBlockReader(bufio.NewReaderSize(src, 64<<10), car.MaxAllowedHeaderSize(maxCARHeader), car.MaxAllowedSectionSize(MaxBlockSize+128), car.WithTrustedCAR(true))
	if err != nil {
		return nil, carFault(op, err)
	}
	if len(in.Roots) == 0 {
		return nil, fault.New(fault.Invalid, op, "the CAR has no root")
	}
	for {
		b, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, carFault(op, err)
		}
		if err := s.put(ctx, b); err != nil { // which verifies
			return nil, ioFault(op, err)
		}
	}
	for _, root := range in.Roots {
		_, err := walk(ctx, root, func(ctx context.Context, c cid.Cid) ([]byte, error) {
			s.keep(c)
			return n.local(ctx, c)
		}, func(cid.Cid, []byte) error { return nil })
		if errors.Is(err, fault.NotFound) {
			return nil, &fault.Error{Kind: fault.Corrupt, Op: op, Msg: "the CAR lacks blocks of its root", Err: err}
		}
		if err != nil {
			return nil, ioFault(op, err)
		}
	}
	for _, root := range in.Roots {
		if err := n.pin(ctx, root); err != nil {
			return nil, ioFault(op, err)
		}
	}
	return in.Roots, nil
}

// limited fails with fault.TooLarge after rest bytes.
type limited struct {
	r    io.Reader
	rest int64
}

// Read implements io.Reader.
func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.rest -= int64(n); l.rest < 0 {
		return 0, fault.New(fault.TooLarge, "ipfs.ImportCAR", "the CAR is larger than the node takes")
	}
	return n, err
}

// carFault keeps the fault of the source; what the parser finds is damage.
func carFault(op string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return fault.At(op, err)
	}
	return &fault.Error{Kind: fault.Corrupt, Op: op, Msg: "the CAR is damaged", Err: err}
}
