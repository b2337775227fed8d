package ipfs

import (
	"context"
	"errors"
	"sort"
	"sync"
	"time"

	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	ipld "github.com/ipfs/go-ipld-format"

	"github.com/streamgate/streamgate/fault"
)

// source is somewhere blocks may be had from. What it returns is checked by the caller.
type source interface {
	block(ctx context.Context, c cid.Cid) ([]byte, error)
}

// tracked is a source and how it did lately. A source that failed is asked last for a while; it is
// never left out, as it may be the only one that has the block.
type tracked struct {
	source

	mu    sync.Mutex
	fails int
	until time.Time
}

// Failing makes a source wait for 1 s, 2 s, 4 s ... at most this long. One wrong block counts as many failures.
const (
	maxPenalty = time.Minute
	lieWeight  = 4
)

func (t *tracked) report(err error, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		t.fails, t.until = 0, time.Time{}
		return
	}
	wait := maxPenalty
	if t.fails < 6 {
		wait = min(wait, time.Second<<t.fails)
	}
	t.fails++
	if errors.Is(err, fault.Corrupt) {
		t.fails += lieWeight
		wait = maxPenalty
	}
	t.until = now.Add(wait)
}

func (t *tracked) waits(now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return max(0, t.until.Sub(now))
}

// fetcher gets blocks from the sources, hedged: it asks the first, and whenever HedgeDelay passes or a source
// fails, the next one too. The first right answer ends the others.
type fetcher struct {
	opt     Options
	sources []*tracked
	slots   chan struct{}
	quit    chan struct{}
	wg      sync.WaitGroup // attempts that outlive their get by a moment
	mu      sync.Mutex     // orders the last wg.Go before Wait
	closed  bool
}

func newFetcher(sources []source, opt Options) *fetcher {
	f := &fetcher{opt: opt, slots: make(chan struct{}, opt.MaxFetches), quit: make(chan struct{})}
	for _, s := range sources {
		f.sources = append(f.sources, &tracked{source: s})
	}
	return f
}

func (f *fetcher) close() {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	close(f.quit)
	f.wg.Wait()
	for _, s := range f.sources {
		if g, ok := s.source.(*gatewaySource); ok {
			g.close()
		}
	}
}

// order returns the sources, those in good health first.
func (f *fetcher) order() []*tracked {
	now := f.opt.Now()
	wait := make(map[*tracked]time.Duration, len(f.sources))
	for _, s := range f.sources {
		wait[s] = s.waits(now)
	}
	order := append([]*tracked(nil), f.sources...)
	sort.SliceStable(order, func(i, j int) bool { return wait[order[i]] < wait[order[j]] })
	return order
}

// get returns the verified block of c. No source having it in time is fault.Unavailable.
func (f *fetcher) get(ctx context.Context, c cid.Cid) ([]byte, error) {
	const op = "ipfs.fetch"
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return nil, fault.Wrap(fault.Canceled, op, ctx.Err())
	case <-f.quit:
		return nil, errClosed(op)
	}
	inner, cancel := context.WithTimeout(ctx, f.opt.BlockTimeout)
	defer cancel()
	data, err := f.race(inner, c)
	if err != nil && ctx.Err() != nil {
		return nil, fault.Wrap(fault.Canceled, op, ctx.Err())
	}
	return data, err
}

func errClosed(op string) error { return fault.New(fault.Unavailable, op, "the node is closed") }

type answer struct {
	data []byte
	err  error
}

func (f *fetcher) race(ctx context.Context, c cid.Cid) ([]byte, error) {
	const op = "ipfs.fetch"
	order := f.order()
	answers := make(chan answer, len(order)) // no attempt ever waits to be heard
	var failed []error
	asked := 0
	next := func() bool {
		if asked == len(order) || !f.ask(ctx, order[asked], c, answers) {
			return false
		}
		asked++
		return true
	}
	if !next() {
		return nil, errClosed(op)
	}
	hedge := hedgeTimer(f.opt.HedgeDelay)
	defer hedge.Stop()
	for {
		select {
		case a := <-answers:
			if a.err == nil {
				return a.data, nil
			}
			failed = append(failed, a.err)
			if !next() && len(failed) == asked {
				return nil, unavailable(op, c, failed)
			}
		case <-hedge.C:
			if next() {
				hedge.Reset(f.opt.HedgeDelay)
			}
		case <-ctx.Done():
			return nil, unavailable(op, c, append(failed, errors.New("time is up")))
		case <-f.quit:
			return nil, errClosed(op)
		}
	}
}

func hedgeTimer(d time.Duration) *time.Timer {
	t := time.NewTimer(max(d, 0))
	if d < 0 {
		t.Stop()
	}
	return t
}

// unavailable hides the kinds of the causes, so that a deadline of ours is not taken for the caller's.
func unavailable(op string, c cid.Cid, causes []error) error {
	return &fault.Error{Kind: fault.Unavailable, Op: op, Msg: "no source gave the block " + c.String(), Err: errors.Join(causes...)}
}

// ask starts one attempt, unless the fetcher is closed.
func (f *fetcher) ask(ctx context.Context, s *tracked, c cid.Cid, answers chan<- answer) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.wg.Go(func() {
		inner, cancel := context.WithTimeout(ctx, f.opt.SourceTimeout)
		defer cancel()
		data, err := s.block(inner, c)
		if err == nil {
			err = checkBlock(c, data)
		}
		// A source that was cut off because another was faster, or the viewer left, did nothing wrong.
		if err == nil || ctx.Err() == nil {
			s.report(err, f.opt.Now())
		}
		answers <- answer{data, err}
	})
	return true
}

// block returns the verified block of c: from the local disk, or else from the sources. What comes from
// afar is kept on disk, in place of a broken block too.
func (n *Node) block(ctx context.Context, c cid.Cid) ([]byte, error) {
	const op = "ipfs.block"
	b, err := n.blocks.Get(ctx, c)
	if err == nil {
		return b.RawData(), nil
	}
	broken := errors.Is(err, fault.Corrupt)
	if !broken && !ipld.IsNotFound(err) {
		return nil, ioFault(op, err)
	}
	var data []byte
	if n.fetch != nil {
		var away error
		if data, away = n.fetch.get(ctx, c); away != nil && (!broken || errors.Is(away, fault.Canceled)) {
			return nil, away
		}
	}
	switch {
	case data == nil && broken:
		return nil, fault.At(op, err)
	case data == nil:
		return nil, fault.Newf(fault.Unavailable, op, "the block %s is not on the local disk, and the node has no sources", c)
	}
	fetched, err := blocks.NewBlockWithCid(data, c)
	if err != nil {
		return nil, ioFault(op, err)
	}
	// The viewer does not wait in vain for a disk that is full: the bytes are right.
	_ = n.blocks.Put(ctx, fetched)
	return data, nil
}
