package grpc

import (
	"context"
	"slices"
	"sync"
	"time"

	gogrpc "google.golang.org/grpc"

	"github.com/streamgate/streamgate/drivers/grpc/pb"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// maxContracts bounds the contracts of one watch, with room above what a Decider watches.
const maxContracts = 50_000

// WatchChain implements pb.VerifierServiceServer.
func (s *verifierServer) WatchChain(stream gogrpc.BidiStreamingServer[pb.WatchChainRequest, pb.WatchChainResponse]) error {
	const op = "grpc.WatchChain"
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	v, err := s.of(first.GetChain(), op)
	if err != nil {
		return answer(stream.Context(), err)
	}
	ctx, cancel := context.WithCancel(stream.Context())
	defer cancel()
	t := &teller{stream: stream, answers: make(chan *pb.WatchChainRequest), stop: cancel}
	// The first sign of life: from here on the far side knows that it is served.
	if err := t.send(&pb.WatchChainResponse{}); err != nil {
		return err
	}
	var helpers sync.WaitGroup
	defer helpers.Wait()
	helpers.Go(func() { t.beat(ctx) })
	// Recv ends with the stream, and so with this handler: it is not waited for.
	go t.collect(ctx)
	err = v.Watch(ctx, func() []string { return t.contracts(ctx) }, t.tell)
	cancel()
	if err != nil {
		return answer(stream.Context(), err)
	}
	return errEnding
}

// teller is the far watcher as the verifier here sees it.
type teller struct {
	stream  gogrpc.BidiStreamingServer[pb.WatchChainRequest, pb.WatchChainResponse]
	answers chan *pb.WatchChainRequest
	stop    context.CancelFunc
	out     sync.Mutex
	have    []string // of Watch's goroutine alone
}

func (t *teller) send(m *pb.WatchChainResponse) error {
	t.out.Lock()
	defer t.out.Unlock()
	err := t.stream.Send(m)
	if err != nil {
		t.stop()
	}
	return err
}

func (t *teller) beat(ctx context.Context) {
	for pause(ctx, beatEvery) && t.send(&pb.WatchChainResponse{}) == nil {
	}
}

func (t *teller) collect(ctx context.Context) {
	defer t.stop()
	for {
		m, err := t.stream.Recv()
		if err != nil || !tell(ctx, t.answers, m) {
			return
		}
	}
}

// contracts asks the far side, and waits: what it begins to watch at this head must be
// watched from the next one on.
func (t *teller) contracts(ctx context.Context) []string {
	if t.send(&pb.WatchChainResponse{AskContracts: true}) != nil {
		return t.have
	}
	select {
	case m := <-t.answers:
		if !m.GetSame() {
			t.have = m.GetContracts()[:min(len(m.GetContracts()), maxContracts)]
		}
	case <-ctx.Done():
	}
	return t.have
}

func (t *teller) tell(ch nft.Change) {
	_ = t.send(&pb.WatchChainResponse{Change: &pb.Change{
		Block: toBlock(ch.Block), Contract: ch.Contract, Accounts: ch.Accounts, Removed: ch.Removed, Gap: ch.Gap,
	}})
}

// Watch implements nft.Verifier and returns nil when ctx ends. A stream that breaks is
// set up again. A Gap is told as soon as it broke, since nobody hears of transfers from
// then on, and again when the next one stands. A far side that does not serve the chain is
// fault.Unsupported.
func (v *Verifier) Watch(ctx context.Context, contracts func() []string, fn func(nft.Change)) error {
	w := &chainWatch{v: v, contracts: contracts, fn: fn}
	for failures := 0; ; failures++ {
		err := w.stream(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the promise: a watch that was ended has not failed
		}
		if fault.KindOf(err) == fault.Unsupported {
			return err
		}
		if w.live {
			failures, w.live = 0, false
			fn(nft.Change{Gap: true})
		}
		w.broke = true
		if !pause(ctx, redial(failures)) {
			return nil
		}
	}
}

type chainWatch struct {
	v         *Verifier
	contracts func() []string
	fn        func(nft.Change)
	live      bool // the present stream has said something
	broke     bool // a stream did not last
}

// stream follows one stream to its end, in one goroutine: that is the order fn was promised.
func (w *chainWatch) stream(ctx context.Context) error {
	const op = "grpc.WatchChain"
	sctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silence := time.AfterFunc(3*beatEvery, cancel)
	defer silence.Stop()
	s, err := w.v.c.WatchChain(sctx)
	if err != nil {
		return failure(ctx, op, err)
	}
	if err := s.Send(&pb.WatchChainRequest{Chain: w.v.chain.String()}); err != nil {
		_, err = s.Recv() // says why
		return failure(ctx, op, err)
	}
	var sent []string
	asked := false
	for {
		m, err := s.Recv()
		if err != nil {
			return failure(ctx, op, err)
		}
		silence.Reset(3 * beatEvery)
		if !w.live {
			w.live = true
			if w.broke {
				w.fn(nft.Change{Gap: true})
			}
		}
		if c := m.GetChange(); c != nil {
			w.fn(nft.Change{Block: fromBlock(c.GetBlock()), Contract: c.GetContract(), Accounts: c.GetAccounts(), Removed: c.GetRemoved(), Gap: c.GetGap()})
		}
		if m.GetAskContracts() {
			now := w.contracts()
			req := &pb.WatchChainRequest{Same: asked && slices.Equal(now, sent)}
			if !req.Same {
				sent, req.Contracts = slices.Clone(now), now
			}
			asked = true
			_ = s.Send(req) // a broken stream shows in Recv
		}
	}
}
