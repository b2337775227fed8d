package evm

import (
	"context"
	"errors"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

const (
	watchdog   = 5 * time.Second // how often the head is asked for beside a subscription
	maxBackoff = 10 * time.Second
	minBackoff = 50 * time.Millisecond
)

// Watch calls fn for each new block: first once for each contract whose tokens
// moved in it, with the accounts between which they moved, then once for the head
// itself. It returns nil when ctx ends.
//
// Blocks are linked by their parent hashes. When the chain reorganises, the
// blocks that went are told newest first with Removed set, with the accounts they
// had touched, and then the new ones in order. A Gap is told
//
//   - when the way from the last block told to the new head is longer than
//     Options.Window or cannot be asked for;
//   - as soon as the provider fails twice in a row, since until it is back nobody
//     would hear of a transfer; afterwards the blocks missed are told, if they can be;
//   - when a block goes that was read before a contract was watched;
//   - when the block's bloom announces a transfer that the provider neither shows
//     nor disproves.
//
// With Options.WSURL heads arrive by subscription, and are polled while it is
// down; without, they are polled. A contract that contracts newly returns is
// watched from the next block on, so add it before reading from it.
func (v *Verifier) Watch(ctx context.Context, contracts func() []string, fn func(nft.Change)) error {
	w := &watcher{v: v, view: view{v: v, contracts: contracts, fn: fn}}
	return w.run(ctx)
}

// watcher hears of heads and hands them to its view of the chain.
type watcher struct {
	v        *Verifier
	view     view
	sub      *subscription
	failures int // in a row
	refused  int // subscriptions in a row
}

func (w *watcher) run(ctx context.Context) error {
	poll := time.NewTimer(0)
	defer poll.Stop()
	redial := time.NewTimer(0)
	defer redial.Stop()
	if w.v.opt.WSURL == "" {
		redial.Stop()
	}
	dialled := make(chan *subscription, 1)
	dialling := false
	defer func() {
		if dialling {
			w.sub = <-dialled
		}
		w.sub.close()
	}()
	for {
		heads, lost := w.sub.channels()
		select {
		case <-ctx.Done():
			return nil
		case h := <-heads:
			if w.note(ctx, w.view.advance(ctx, h)) != nil {
				poll.Reset(w.pause())
			}
		case err := <-lost:
			w.v.log.InfoContext(ctx, "evm_subscription_lost", "chain", w.v.chain.String(), "error", w.v.node.lossOf(err))
			w.sub.close()
			w.sub = nil
			redial.Reset(0)
			poll.Reset(0)
		case <-redial.C:
			dialling = true
			go func() { dialled <- w.v.subscribe(ctx) }()
		case w.sub = <-dialled:
			dialling = false
			if w.sub == nil {
				w.refused++
				redial.Reset(backoff(w.refused))
				continue
			}
			w.refused = 0
			poll.Reset(0) // for what came before the subscription
		case <-poll.C:
			w.poll(ctx)
			poll.Reset(w.pause())
		}
	}
}

func (w *watcher) poll(ctx context.Context) {
	h, err := w.v.head(ctx, "latest", &meter{})
	if err == nil {
		err = w.view.advance(ctx, h)
	}
	_ = w.note(ctx, err)
}

// note counts failures and tells the Gap of an outage, once.
func (w *watcher) note(ctx context.Context, err error) error {
	if err == nil || ctx.Err() != nil {
		w.failures = 0
		return nil //nolint:nilerr // ctx ended: that is no failure of the chain
	}
	if w.failures++; w.failures == 2 {
		w.v.log.InfoContext(ctx, "evm_watch_blind", "chain", w.v.chain.String(), "error", err)
		w.view.gap()
	}
	return err
}

func (w *watcher) pause() time.Duration {
	switch {
	case w.failures > 0:
		return backoff(w.failures)
	case w.sub != nil:
		return max(watchdog, w.v.opt.PollInterval)
	}
	return w.v.opt.PollInterval
}

func backoff(failures int) time.Duration {
	return min(maxBackoff, minBackoff<<min(failures-1, 16))
}

// subscription is a WebSocket connection that delivers heads.
type subscription struct {
	client *rpc.Client
	heads  chan *header
	sub    *rpc.ClientSubscription
}

// subscribe returns nil when the provider cannot be subscribed to, or serves
// another chain.
func (v *Verifier) subscribe(ctx context.Context) *subscription {
	call, cancel := context.WithTimeout(ctx, v.opt.Timeout)
	defer cancel()
	client, err := rpc.DialOptions(call, v.opt.WSURL, rpc.WithWebsocketMessageSizeLimit(v.opt.MaxReply))
	if err != nil {
		v.log.DebugContext(ctx, "evm_subscribe_failed", "chain", v.chain.String(), "error", v.node.scrub(err).Error())
		return nil
	}
	s := &subscription{client: client, heads: make(chan *header, 64)}
	var id hexutil.Big
	if err = client.CallContext(call, &id, "eth_chainId"); err == nil {
		err = v.sameChain(&id)
	}
	if err == nil {
		s.sub, err = client.EthSubscribe(call, s.heads, "newHeads")
	}
	if err != nil {
		v.log.DebugContext(ctx, "evm_subscribe_failed", "chain", v.chain.String(), "error", v.node.scrub(err).Error())
		client.Close()
		return nil
	}
	return s
}

// channels returns nil channels, which never deliver, for no subscription.
func (s *subscription) channels() (<-chan *header, <-chan error) {
	if s == nil {
		return nil, nil
	}
	return s.heads, s.sub.Err()
}

func (s *subscription) close() {
	if s != nil {
		s.client.Close()
	}
}

func (n *node) lossOf(err error) string {
	if err == nil {
		return "closed by the provider"
	}
	return n.scrub(err).Error()
}

// view is the chain as it has been told so far.
type view struct {
	v         *Verifier
	contracts func() []string
	fn        func(nft.Change)

	known []told // linked by parent hashes, oldest first
	gated map[common.Address]struct{}
	grown int // how often gated has grown
	stuck int // advances in a row that failed on the way to the head
}

// told is a block that fn has heard of.
type told struct {
	hash    common.Hash
	block   nft.Block
	changes []nft.Change
	grown   int // of the view when its logs were read
}

func (w *view) gap() {
	var at nft.Block
	if n := len(w.known); n > 0 {
		at = w.known[n-1].block
	}
	w.fn(nft.Change{Block: at, Gap: true})
}

// advance leads from the last block told to h. After an error it has told a
// prefix of that way, and the next call goes on from there.
func (w *view) advance(ctx context.Context, h *header) error {
	if err := h.check(); err != nil {
		return err
	}
	set := w.refresh()
	path, err := w.path(ctx, h)
	if errors.Is(err, errTooDeep) || err != nil && w.stuck >= 3 {
		w.v.log.InfoContext(ctx, "evm_watch_gap", "chain", w.v.chain.String(), "block", h.number())
		w.known = nil
		w.fn(nft.Change{Block: h.block(), Gap: true})
		path, err = []*header{h}, nil
	}
	if err != nil {
		w.stuck++
		return err
	}
	for i := len(path) - 1; i >= 0; i-- {
		if err := w.tell(ctx, path[i], set); err != nil {
			return err
		}
	}
	w.stuck = 0
	return nil
}

// errTooDeep means the way back to a known block is longer than the window.
var errTooDeep = errors.New("the chain has moved on further than is remembered")

// path returns the blocks from h back to the newest one known that is its
// ancestor, without that one, and takes back the known blocks above it.
func (w *view) path(ctx context.Context, h *header) ([]*header, error) {
	if len(w.known) == 0 {
		return []*header{h}, nil
	}
	if i := w.find(*h.Hash); i >= 0 {
		w.takeBack(ctx, i+1)
		return nil, nil
	}
	path := []*header{h}
	for {
		oldest := path[len(path)-1]
		if i := w.find(*oldest.ParentHash); i >= 0 {
			w.takeBack(ctx, i+1)
			return path, nil
		}
		if len(path) >= w.v.opt.Window || oldest.number() == 0 || oldest.number() < w.known[0].block.Number {
			return nil, errTooDeep
		}
		parent, err := w.v.blockByHash(ctx, *oldest.ParentHash, &meter{})
		if err != nil {
			return nil, err
		}
		if parent.number()+1 != oldest.number() {
			return nil, fault.New(fault.Unavailable, "evm.Watch", "the provider's blocks are not numbered in order")
		}
		path = append(path, parent)
	}
}

func (w *view) find(hash common.Hash) int {
	for i := len(w.known) - 1; i >= 0; i-- {
		if w.known[i].hash == hash {
			return i
		}
	}
	return -1
}

// takeBack tells that the known blocks from index on are gone, newest first.
func (w *view) takeBack(ctx context.Context, from int) {
	if from == len(w.known) {
		return
	}
	w.v.log.InfoContext(ctx, "evm_reorganised", "chain", w.v.chain.String(), "depth", len(w.known)-from)
	blindSpot := false
	for i := len(w.known) - 1; i >= from; i-- {
		k := w.known[i]
		for _, c := range k.changes {
			c.Removed = true
			w.fn(c)
		}
		w.fn(nft.Change{Block: k.block, Removed: true})
		blindSpot = blindSpot || k.grown != w.grown
	}
	w.known = w.known[:from]
	if blindSpot {
		w.gap()
	}
}

// tell reads the logs of a block and tells it.
func (w *view) tell(ctx context.Context, h *header, set []common.Address) error {
	changes, err := w.v.transfers(ctx, h, set, &meter{})
	doubt := errors.Is(err, errDoubt)
	if err != nil && !doubt {
		return err
	}
	w.known = append(w.known, told{hash: *h.Hash, block: h.block(), changes: changes, grown: w.grown})
	if extra := len(w.known) - w.v.opt.Window; extra > 0 {
		w.known = append(w.known[:0], w.known[extra:]...)
	}
	for _, c := range changes {
		w.fn(c)
	}
	if doubt {
		w.fn(nft.Change{Block: h.block(), Gap: true})
	}
	w.fn(nft.Change{Block: h.block()})
	return nil
}

// refresh asks which contracts to watch. Addresses that are none are left out.
func (w *view) refresh() []common.Address {
	gated := map[common.Address]struct{}{}
	var set []common.Address
	grew := false
	for _, s := range w.contracts() {
		if !common.IsHexAddress(s) {
			continue
		}
		a := common.HexToAddress(s)
		if _, twice := gated[a]; twice {
			continue
		}
		_, known := w.gated[a]
		grew = grew || !known
		gated[a] = struct{}{}
		set = append(set, a)
	}
	if grew {
		w.grown++
	}
	w.gated = gated
	return set
}
