package solana

import (
	"context"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// Watch tells every slot it sees, with a Gap when slots run backwards, when the provider was out of reach, and when
// a WebSocket connection was lost; at no other time. With a WSURL it is woken by slots and by changes of the accounts that
// rules in use rest on; it asks by itself as well, since a notice may be lost. Solana has no log of transfers by which contracts
// could be followed, so it never tells any: the Decider asks anew at each head, and is answered from what was read
// just before for all who are watching. It returns ctx's error when ctx ends.
func (v *Verifier) Watch(ctx context.Context, contracts func() []string, fn func(nft.Change)) error {
	w := &watcher{v: v, contracts: contracts, fn: fn}
	v.known.watch(1)
	defer v.known.watch(-1)
	ctx, cancel := context.WithCancel(ctx)
	f := v.feed(ctx)
	defer f.wait()
	defer cancel()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		// Notices come in swarms; this many steps are enough.
		if !pause(ctx, v.opt.PollInterval/4) {
			return fault.Wrap(fault.Canceled, "solana.Watch", ctx.Err())
		}
		w.lost = w.lost || f.broke()
		w.step(ctx)
		f.follow(v.known.subscriptions(v.opt.MaxSubscriptions))
		wait := v.opt.PollInterval
		if f.connected() {
			wait *= 5
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-f.news:
		case <-ctx.Done():
			return fault.Wrap(fault.Canceled, "solana.Watch", ctx.Err())
		}
	}
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// watcher is one Watch.
type watcher struct {
	v         *Verifier
	contracts func() []string
	fn        func(nft.Change)
	last      nft.Block
	lost      bool // changes may have been missed
}

// step brings what is known up to the newest slot, and then tells of it.
func (w *watcher) step(ctx context.Context) {
	v := w.v
	b, err := v.Head(ctx)
	fewer := false
	if err == nil { // only then, so that no answer is older than the head that is told
		fewer, err = v.sweep(ctx)
	}
	switch {
	case ctx.Err() != nil:
		return
	case err != nil:
		if !w.lost {
			v.log.InfoContext(ctx, "solana_watch_lost", "chain", v.chain.String(), "error", err.Error())
		}
		w.lost = true
		return
	case b.Number < w.last.Number || w.lost && w.last.Number > 0:
		v.log.InfoContext(ctx, "solana_watch_gap", "chain", v.chain.String(), "slot", b.Number)
		w.fn(nft.Change{Block: b, Gap: true})
		w.last = nft.Block{}
	}
	w.lost = false
	if b.Number != w.last.Number || fewer {
		w.contracts()
		w.fn(nft.Change{Block: b})
	}
	w.last = b
}
