package quorum

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// Watch follows every provider (but those marked NoWatch) and tells each thing once. One of them leads:
// its heads are told, and its view of which blocks are gone. Transfers are told whoever sees them first, so a provider that
// leaves one out hides nothing while another shows it. When the leader fails or falls behind another takes over, and a Gap is told
// only when no provider has been followed without interruption from before the trouble on.
//
// What a provider tells of blocks that cannot be is not passed on: otherwise it could keep an account waiting for a
// block that never comes.
//
// Watch also asks providers for their heads that were not heard of otherwise, so that one which was left out
// comes back. It returns nil when ctx ends, and fault.Unsupported when no provider can be watched.
func (v *Verifier) Watch(ctx context.Context, contracts func() []string, fn func(nft.Change)) error {
	inner, cancel := context.WithCancel(ctx)
	events := make(chan event, 64)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	list := &contractList{ask: contracts}
	m := &merger{v: v, fn: fn, list: list, streams: make([]*stream, 0, len(v.providers)), leader: -1}
	for _, p := range v.providers {
		if p.NoWatch {
			continue
		}
		i := len(m.streams)
		m.streams = append(m.streams, &stream{p: p})
		wg.Go(func() { v.follow(inner, p, i, list, events) })
	}
	if len(m.streams) == 0 {
		return fault.New(fault.Unsupported, "quorum.Watch", "no provider may be watched")
	}
	for _, p := range v.providers {
		wg.Go(func() { v.probe(inner, p) })
	}
	for {
		select {
		case e := <-events:
			if m.take(e) {
				return fault.New(fault.Unsupported, "quorum.Watch", "no provider can be watched")
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// event is what the watch of one provider told.
type event struct {
	stream  int
	change  nft.Change
	version int64 // of the contracts the provider looks for
	ended   bool  // the watch cannot be had from this provider at all
}

// follow keeps one provider's watch going.
func (v *Verifier) follow(ctx context.Context, p *provider, i int, list *contractList, events chan<- event) {
	send := func(e event) {
		e.stream = i
		select {
		case events <- e:
		case <-ctx.Done():
		}
	}
	const shortest, longest = 200 * time.Millisecond, 30 * time.Second
	wait := shortest
	for {
		var version atomic.Int64
		err := p.Verifier.Watch(ctx, func() []string {
			now, n := list.get()
			version.Store(n)
			return now
		}, func(ch nft.Change) {
			wait = shortest
			send(event{change: ch, version: version.Load()})
		})
		if ctx.Err() != nil {
			return
		}
		if errors.Is(err, fault.Unsupported) {
			send(event{ended: true})
			return
		}
		v.opt.Logger.InfoContext(ctx, "provider_watch_ended", "chain", v.chain.String(), "provider", p.Name, "error", err)
		send(event{change: nft.Change{Gap: true}})
		if !pause(ctx, wait) {
			return
		}
		wait = min(2*wait, longest)
	}
}

// probe asks a provider for its head now and then, unless it was heard of in between.
func (v *Verifier) probe(ctx context.Context, p *provider) {
	for pause(ctx, v.opt.ProbeEvery) {
		now := v.opt.Now()
		if m, ok := p.head(); ok && now.Sub(m.at) < v.opt.ProbeEvery || !p.take(now) {
			continue
		}
		_, _ = call(ctx, v, p, func(ctx context.Context, p *provider) (nft.Block, int, error) {
			b, err := p.Verifier.Head(ctx)
			if err == nil {
				err = v.judge(p, latest, b)
			}
			return b, 1, err
		})
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

// contractList asks for the contracts for all watches, one at a time, and counts how often the list has grown.
type contractList struct {
	ask func() []string

	mu      sync.Mutex
	known   map[string]bool
	version int64
}

func (l *contractList) get() ([]string, int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.ask()
	grown := slices.ContainsFunc(now, func(c string) bool { return !l.known[c] })
	l.known = make(map[string]bool, len(now))
	for _, c := range now {
		l.known[c] = true
	}
	if grown {
		l.version++
	}
	return now, l.version
}

func (l *contractList) current() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.version
}
