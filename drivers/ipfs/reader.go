package ipfs

import (
	"context"
	"io"
	"sync"

	"github.com/ipfs/go-cid"

	"github.com/streamgate/streamgate/fault"
)

// reader reads one range of a file, block by block, each verified. It also implements io.Seeker
// and io.WriterTo. Its methods are for one goroutine.
type reader struct {
	n       *Node
	ctx     context.Context // ends with Close, or with the context of the call that opened it
	cancel  context.CancelFunc
	release func()
	wg      sync.WaitGroup

	root            cid.Cid
	size            int64 // of the whole file, -1 when it is not known yet
	start, end, pos int64

	path  []place // from the root down to the leaf last read
	ahead map[int64]*pending
	run   int // leaves read one after the other
}

// place is a block of the tree and where in the file its bytes begin.
type place struct {
	branch
	base int64
}

func (p place) covers(pos int64) bool { return pos >= p.base && pos < p.base+p.size }

// pending is a leaf that is being fetched ahead.
type pending struct {
	done chan struct{}
	data []byte
	err  error
}

// newReader reads [start, end) of the file of size bytes under root, and calls release when closed.
func (n *Node) newReader(ctx context.Context, root cid.Cid, size, start, end int64, release func()) *reader {
	ctx, cancel := context.WithCancel(ctx)
	return &reader{n: n, ctx: ctx, cancel: cancel, release: release, root: root, size: size, start: start, end: end, pos: start, ahead: map[int64]*pending{}}
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := r.leaf()
	if err != nil {
		return 0, err
	}
	n := copy(p, b)
	r.pos += int64(n)
	return n, nil
}

// WriteTo implements io.WriterTo: it writes blocks as they are, without a buffer between.
func (r *reader) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for {
		b, err := r.leaf()
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
		n, err := w.Write(b)
		r.pos += int64(n)
		total += int64(n)
		if err != nil {
			return total, err
		}
		if n < len(b) {
			return total, io.ErrShortWrite
		}
	}
}

// Seek implements io.Seeker.
func (r *reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
		offset += r.start
	case io.SeekCurrent:
		offset += r.pos
	case io.SeekEnd:
		offset += r.end
	}
	if offset < r.start || offset > r.end {
		return 0, fault.New(fault.Invalid, "ipfs.Seek", "the offset is outside the opened range")
	}
	if offset != r.pos {
		r.run = 0
		clear(r.ahead) // Close waits for them all the same
	}
	r.pos = offset
	return offset - r.start, nil
}

// Close ends what is being fetched ahead and waits for it.
func (r *reader) Close() error {
	r.cancel()
	r.wg.Wait()
	r.release()
	return nil
}

// leaf returns the bytes from the present place to the end of their block or of the range.
func (r *reader) leaf() ([]byte, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, "ipfs.Read", err)
	}
	if r.pos >= r.end {
		return nil, io.EOF
	}
	if err := r.descend(); err != nil {
		return nil, ioFault("ipfs.Read", err)
	}
	l := r.path[len(r.path)-1]
	return l.data[r.pos-l.base : min(l.size, r.end-l.base)], nil
}

// descend makes the last of path the leaf that covers pos.
func (r *reader) descend() error {
	for len(r.path) > 0 && !r.path[len(r.path)-1].covers(r.pos) {
		r.path = r.path[:len(r.path)-1]
	}
	if len(r.path) == 0 {
		if err := r.enter(r.root, 0, r.size); err != nil {
			return err
		}
	}
	for {
		at := r.path[len(r.path)-1]
		if at.kids == nil {
			return nil
		}
		i, base := at.child(r.pos)
		r.fetchAhead(at, i, base)
		if err := r.enter(at.kids[i], base, at.sizes[i]); err != nil {
			return err
		}
	}
}

// child returns the child that covers pos and where it begins. One covers it.
func (p place) child(pos int64) (i int, base int64) {
	base = p.base
	for i = range p.sizes {
		if pos < base+p.sizes[i] {
			break
		}
		base += p.sizes[i]
	}
	return i, base
}

// enter appends the block of c, which begins at base and must stand for size bytes.
func (r *reader) enter(c cid.Cid, base, size int64) error {
	block, err := r.block(c, base)
	if err != nil {
		return err
	}
	b, err := parse(c, block, len(r.path))
	if err != nil {
		return err
	}
	if err := sizeAsStated(c, b.size, size); err != nil {
		return err
	}
	r.path = append(r.path, place{b, base})
	return nil
}

func (r *reader) block(c cid.Cid, base int64) ([]byte, error) {
	p, ok := r.ahead[base]
	if !ok || c.Prefix().Codec != cid.Raw {
		return r.n.block(r.ctx, c)
	}
	delete(r.ahead, base)
	<-p.done
	return p.data, p.err
}

// fetchAhead starts to fetch the leaves after child i, once the reader reads on and on and
// the blocks may have to come from afar.
func (r *reader) fetchAhead(at place, i int, base int64) {
	if r.n.fetch == nil || at.kids[i].Prefix().Codec != cid.Raw {
		return
	}
	if r.run++; r.run < 2 {
		return
	}
	for b := range r.ahead { // what a seek left behind
		if b < base {
			delete(r.ahead, b)
		}
	}
	base += at.sizes[i]
	for i++; i < len(at.kids) && base < r.end && len(r.ahead) < r.n.opt.ReadAhead; i++ {
		if _, ok := r.ahead[base]; !ok {
			r.ahead[base] = r.prefetch(at.kids[i])
		}
		base += at.sizes[i]
	}
}

func (r *reader) prefetch(c cid.Cid) *pending {
	p := &pending{done: make(chan struct{})}
	r.wg.Go(func() {
		defer close(p.done)
		p.data, p.err = r.n.block(r.ctx, c)
	})
	return p
}
