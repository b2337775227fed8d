package nft

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// ChainStatus is the health of one chain, for GET /v1/chains.
type ChainStatus struct {
	Chain   string    `json:"chain"`
	Head    *Block    `json:"head,omitempty"`
	Healthy bool      `json:"healthy"`
	Error   string    `json:"error,omitempty"`
	Seen    time.Time `json:"seen"`
	// Index is set where the chain's transfers are indexed.
	Index *IndexStatus `json:"index,omitempty"`
	// Providers and Disagreements are of verifiers that have several providers (ProviderReporter).
	// They are for the operator of the server and not for its viewers.
	Providers     []ProviderStatus `json:"providers,omitempty"`
	Disagreements []Disagreement   `json:"disagreements,omitempty"`
}

// Run follows the chains of all verifiers until ctx ends, dropping cached answers that
// a transfer may have changed and telling watchers. It returns nil when ctx ends;
// a chain that fails is tried again. Without Run answers live as long as their
// TTL. Run is called once at a time.
func (d *Decider) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, c := range d.order {
		wg.Go(func() { d.follow(ctx, c) })
		wg.Go(func() { d.health(ctx, c) })
	}
	wg.Wait()
	<-ctx.Done() // a chain that cannot be watched, or none at all, is no reason to end
	return nil
}

func (d *Decider) follow(ctx context.Context, c *chain) {
	const longest = 30 * time.Second
	for wait := time.Second; ; wait = min(2*wait, longest) {
		// What happened before the watch is unknown.
		d.change(c, Change{Gap: true})
		c.follow(true)
		err := c.v.Watch(ctx, func() []string { return c.live(d.opt.Now()) }, func(ch Change) {
			wait = time.Second
			d.change(c, ch)
		})
		c.follow(false)
		d.watches.kickChain(c, true)
		if ctx.Err() != nil {
			return
		}
		d.opt.Logger.InfoContext(ctx, "chain watch ended", "chain", c.id, "error", err)
		if errors.Is(err, fault.Unsupported) || !sleep(ctx, wait) {
			return
		}
	}
}

// change takes in what a watch saw: first the counters, then the watchers.
func (d *Decider) change(c *chain, ch Change) {
	c.apply(ch)
	head := ch.Contract == "" && !ch.Removed && !ch.Gap
	if head {
		block := ch.Block
		c.seen(d.opt.Now(), &block, nil)
	}
	if ch.Gap || ch.Contract != "" && len(ch.Accounts) == 0 {
		d.watches.kickChain(c, true)
		return
	}
	for _, a := range ch.Accounts {
		d.watches.kickHolding(c.holding(ch.Contract, a))
	}
	if head {
		d.watches.kickChain(c, false)
	}
}

// answered notes that a chain answered a Check.
func (d *Decider) answered(c *chain) {
	if c.seen(d.opt.Now(), nil, nil) {
		d.watches.kickChain(c, true)
	}
}

// health asks for the head, since a quiet chain and a dead one look the same to
// a watch. While the chain is down it asks every second.
func (d *Decider) health(ctx context.Context, c *chain) {
	for {
		err := d.askHead(ctx, c)
		wait := d.opt.HealthEvery
		if err != nil {
			wait = min(wait, time.Second)
		}
		if !sleep(ctx, wait) {
			return
		}
	}
}

func (d *Decider) askHead(ctx context.Context, c *chain) error {
	hctx, cancel := context.WithTimeout(ctx, d.opt.Timeout)
	defer cancel()
	b, err := c.v.Head(hctx)
	if ctx.Err() != nil {
		return ctx.Err() // the asker hung up, which says nothing of the chain
	}
	if c.seen(d.opt.Now(), &b, err) {
		d.opt.Logger.InfoContext(ctx, "chain health changed", "chain", c.id, "healthy", err == nil)
		d.watches.kickChain(c, true)
	}
	return err
}

// Chains returns the status of every verifier in the order they were given.
// Chains that were not heard of lately are asked, each within the timeout.
func (d *Decider) Chains(ctx context.Context) []ChainStatus {
	out := make([]ChainStatus, len(d.order))
	var wg sync.WaitGroup
	for i, c := range d.order {
		wg.Go(func() {
			if _, following, good := c.state(); !following || d.opt.Now().Sub(good) > 2*d.opt.HealthEvery {
				_ = d.askHead(ctx, c)
			}
			c.mu.Lock()
			out[i] = c.status
			c.mu.Unlock()
			out[i].Index = indexOf(c.v)
			if r, ok := As[ProviderReporter](c.v); ok {
				out[i].Providers, out[i].Disagreements = r.Providers(), r.Disagreements()
			}
		})
	}
	wg.Wait()
	return out
}
