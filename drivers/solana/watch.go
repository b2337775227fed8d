package solana

import (
	"context"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// Watch polls for the slot and tells every one it sees, with a Gap when slots run
// backwards, when the provider was out of reach, and at no other time. Solana has no
// log of transfers by which contracts could be followed, so it never tells any: the
// Decider asks anew at each head. It returns ctx's error when ctx ends.
func (v *Verifier) Watch(ctx context.Context, contracts func() []string, fn func(nft.Change)) error {
	tick := time.NewTicker(v.opt.PollInterval)
	defer tick.Stop()
	var (
		last nft.Block
		lost bool
	)
	for {
		b, err := v.Head(ctx)
		switch {
		case ctx.Err() != nil:
			return fault.Wrap(fault.Canceled, "solana.Watch", ctx.Err())
		case err != nil:
			if !lost {
				v.log.InfoContext(ctx, "solana_watch_lost", "chain", v.chain.String(), "error", err.Error())
			}
			lost = true
		case b.Number < last.Number || lost && last.Number > 0:
			v.log.InfoContext(ctx, "solana_watch_gap", "chain", v.chain.String(), "slot", b.Number)
			fn(nft.Change{Block: b, Gap: true})
			last.Number, last.Hash = 0, ""
			fallthrough
		default:
			lost = false
			if b.Number != last.Number {
				contracts()
				fn(nft.Change{Block: b})
			}
			last = b
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fault.Wrap(fault.Canceled, "solana.Watch", ctx.Err())
		}
	}
}
