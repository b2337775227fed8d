// Package index keeps who holds what of the contracts that rules name, by following their
// transfers, so that decisions need not ask the chain for each. The server's wiring, the root
// package and hosts that embed StreamGate run an Indexer for a chain and put its Verifier before the chain's own.
//
// The newest blocks are kept in memory, linked by their hashes, with what moved in them; a
// reorganisation takes back what it removes. What is older is settled into a Store, in steps that
// are made as a whole. A state in the window is reckoned from the two. Contracts are filled from their first
// block on in ranges that adapt to the provider, and before one is answered for, the index is
// compared with the chain itself at one block.
//
// It never answers what it is not sure of: then the chain is asked. It decides nothing and knows no tenants.
package index

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/metric"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/storage/cache"
)

// Options configures an Indexer; the zero value is the documented default.
type Options struct {
	// Window is the deepest reorganisation that is followed (default 128 blocks). A
	// deeper one rebuilds the index. Twice as many blocks are kept in memory.
	Window int
	// MaxAge is how long ago the chain must have been asked for its head at most for an
	// answer to come from the index (default 1 s); a rule's maxAge may ask for less.
	MaxAge time.Duration
	// PollInterval is how often the head is asked for when no watch tells of it (default 500 ms).
	PollInterval time.Duration
	// MaxContracts bounds the contracts of the chain that are followed (default 1,000), and
	// MaxEvents the transfers of one (default 1,000,000): a contract with more is refused.
	MaxContracts int
	MaxEvents    uint64
	// Parallel is how many ranges of a backfill are asked for at once (default 4).
	Parallel int
	// FirstRange and MaxRange are the blocks of the first range of a backfill and of the
	// longest (defaults 2,000 and 100,000). A provider that gives less at once is asked for less.
	FirstRange, MaxRange uint64
	// Samples is how many values of a contract are compared with the chain before it is
	// answered for (default 24), and again every RecheckEvery (default 10 min).
	Samples      int
	RecheckEvery time.Duration
	// Claims lets one of several processes settle and fill; the others follow the head and
	// read what it settled. Nil means that this process is the only one. Two that both believe to be
	// the one do no harm but double work.
	Claims cache.Claimer
	// Meters gets the metrics; nil means the global provider.
	Meters metric.MeterProvider
	Now    func() time.Time
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		v   *int
		def int
	}{{&o.Window, 128}, {&o.MaxContracts, 1000}, {&o.Parallel, 4}, {&o.Samples, 24}} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	for _, d := range []struct {
		v   *uint64
		def uint64
	}{{&o.MaxEvents, 1_000_000}, {&o.FirstRange, 2000}, {&o.MaxRange, 100_000}} {
		if *d.v == 0 {
			*d.v = d.def
		}
	}
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{{&o.MaxAge, time.Second}, {&o.PollInterval, 500 * time.Millisecond}, {&o.RecheckEvery, 10 * time.Minute}} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Indexer is the index of one chain. All methods are safe for concurrent use.
type Indexer struct {
	v     nft.Verifier
	src   Source
	store Store
	opt   Options
	chain string
	owner string // for the claim
	meter *meters

	// following and settling each are done by one at a time; settling also guards
	// the state's revision and base. Whoever takes both takes settling first.
	following, settling sync.Mutex
	nudged              chan struct{}
	reload              atomic.Bool

	mu    sync.RWMutex
	win   *window
	state State
	wants []string // not yet told the store
	known map[string]Contract
	told  map[*watching]nft.Block
	// confirmed is when the head of the window was last known to be the chain's.
	confirmed time.Time
	tags      map[string]nft.Block
	leading   bool
	failed    [2]error          // of following and of working, nil while they go well
	sizes     map[string]uint64 // of the next range of a backfill
	checked   map[string]time.Time
	suspects  map[string]string // contracts not answered for until looked into, and why
	target    uint64            // the newest block that was heard of
	turn      int               // whose backfill is next
	loaded    time.Time
}

// watching is a watch that runs.
type watching struct{ _ byte }

// New returns the index of v's chain, which src follows and store keeps. It asks nothing yet: call
// Run, or Sync.
func New(v nft.Verifier, src Source, store Store, opt Options) (*Indexer, error) {
	opt = opt.withDefaults()
	x := &Indexer{
		v: v, src: src, store: store, opt: opt, chain: v.Chain().String(), owner: rand.Text(), nudged: make(chan struct{}, 1),
		win: newWindow(2 * opt.Window), known: map[string]Contract{}, told: map[*watching]nft.Block{}, tags: map[string]nft.Block{},
		sizes: map[string]uint64{}, checked: map[string]time.Time{}, suspects: map[string]string{},
	}
	x.reload.Store(true)
	var err error
	x.meter, err = newMeters(opt.Meters, x)
	return x, err
}

// Run follows the chain until ctx ends, and returns nil then. What fails is tried again.
func (x *Indexer) Run(ctx context.Context) error {
	stop, err := x.meter.observe()
	if err != nil {
		return err
	}
	defer stop()
	defer x.release()
	var wg sync.WaitGroup
	wg.Go(func() { x.repeat(ctx, x.nudged, x.follow) })
	wg.Go(func() { x.repeat(ctx, nil, x.work) })
	wg.Wait()
	return nil
}

// errMore means that there is more to do at once.
var errMore = errors.New("there is more to do")

// repeat calls step at each poll, and sooner when it says that there is more or a nudge comes.
func (x *Indexer) repeat(ctx context.Context, nudged <-chan struct{}, step func(context.Context) error) {
	const longest = 10 * time.Second
	wait := x.opt.PollInterval
	for ctx.Err() == nil {
		err := step(ctx)
		switch {
		case errors.Is(err, errMore):
			continue
		case err == nil:
			wait = x.opt.PollInterval
		case ctx.Err() == nil:
			x.opt.Logger.DebugContext(ctx, "index_step_failed", "chain", x.chain, "error", err)
			wait = min(2*wait, longest)
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-nudged:
		case <-ctx.Done():
		}
		t.Stop()
	}
}

// Sync brings the index up to the chain's head and returns when there is nothing left to do, or what
// kept it from that. Run does the same by and by; Sync is for tests and tools.
func (x *Indexer) Sync(ctx context.Context) error {
	x.reload.Store(true)
	x.settling.Lock()
	err := x.refresh(ctx)
	x.settling.Unlock()
	if err != nil {
		return err
	}
	for {
		if err := x.follow(ctx); err != nil {
			return err
		}
		switch err := x.work(ctx); {
		case err == nil:
			return x.follow(ctx)
		case !errors.Is(err, errMore):
			return err
		}
	}
}

// work settles, fills and compares, as far as this process is the one that does. It returns
// errMore until nothing is left.
func (x *Indexer) work(ctx context.Context) error {
	x.settling.Lock()
	defer x.settling.Unlock()
	err := x.workLocked(ctx)
	if errors.Is(err, fault.Conflict) {
		x.reload.Store(true) // another has worked meanwhile
		err = nil
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.failed[1] = err; errors.Is(err, errMore) || ctx.Err() != nil {
		x.failed[1] = nil
	}
	return err
}

// reloadEvery is how often the leader looks for what other processes want.
const reloadEvery = 2 * time.Second

func (x *Indexer) workLocked(ctx context.Context) error {
	if err := x.refresh(ctx); err != nil {
		return err
	}
	lead, err := x.lead(ctx)
	if err != nil || !lead {
		x.reload.Store(true)
		return err
	}
	for _, step := range []func(context.Context) error{x.settle, x.fill, x.recheck} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// claimTTL is how long a process that died keeps the others from its work.
const claimTTL = 10 * time.Second

// lead tells whether this process settles and fills.
func (x *Indexer) lead(ctx context.Context) (bool, error) {
	held := true
	if x.opt.Claims != nil {
		var err error
		if held, err = x.opt.Claims.Claim(ctx, "nft/index/"+x.chain, x.owner, claimTTL); err != nil {
			return false, err
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.leading = held
	return held, nil
}

func (x *Indexer) release() {
	if x.opt.Claims == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = x.opt.Claims.Release(ctx, "nft/index/"+x.chain, x.owner) // it ends by itself too
}

// Want has contracts followed and filled, as far as MaxContracts allows. Addresses are canonical.
func (x *Indexer) Want(contracts ...string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, c := range contracts {
		if _, known := x.known[c]; known || slices.Contains(x.wants, c) || len(x.known)+len(x.wants) >= x.opt.MaxContracts {
			continue
		}
		x.wants = append(x.wants, c)
		x.reload.Store(true)
	}
}

// refresh tells the store what is wanted and reads what it knows, when that may have changed.
// The caller holds settling.
func (x *Indexer) refresh(ctx context.Context) error {
	now := x.opt.Now()
	if !x.reload.Swap(false) && now.Sub(x.loaded) < reloadEvery {
		return nil
	}
	x.loaded = now
	state, err := x.exchange(ctx)
	if err != nil {
		x.reload.Store(true)
		return err
	}
	x.adopt(state)
	return nil
}

func (x *Indexer) exchange(ctx context.Context) (State, error) {
	x.mu.RLock()
	wants := slices.Clone(x.wants)
	x.mu.RUnlock()
	if len(wants) > 0 {
		if err := x.store.Want(ctx, x.chain, wants); err != nil {
			return State{}, err
		}
	}
	return x.store.Load(ctx, x.chain)
}

func (x *Indexer) adopt(s State) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.state, x.known = s, make(map[string]Contract, len(s.Contracts))
	for _, c := range s.Contracts {
		x.known[c.Address] = c
	}
	x.wants = slices.DeleteFunc(x.wants, func(c string) bool { _, known := x.known[c]; return known })
}

// apply makes a step and takes it over. The caller holds settling.
func (x *Indexer) apply(ctx context.Context, s Step) error {
	x.mu.RLock()
	state := x.state
	x.mu.RUnlock()
	s.Revision = state.Revision
	if err := x.store.Apply(ctx, x.chain, s); err != nil {
		x.reload.Store(true) // it may have happened all the same
		return err
	}
	state.Revision++
	if s.Base != nil {
		state.Base = *s.Base
	}
	if s.Withdraw {
		state.Generation++
	}
	state.Contracts = slices.Clone(state.Contracts)
	for _, c := range s.Contracts {
		if i := slices.IndexFunc(state.Contracts, func(o Contract) bool { return o.Address == c.Address }); i >= 0 {
			state.Contracts[i] = c
		}
	}
	x.adopt(state)
	return nil
}

// with returns the contracts of a status.
func (x *Indexer) with(statuses ...Status) []Contract {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var out []Contract
	for _, c := range x.state.Contracts {
		if slices.Contains(statuses, c.Status) {
			out = append(out, c)
		}
	}
	return out
}

// nudge has the head asked for at once.
func (x *Indexer) nudge() {
	select {
	case x.nudged <- struct{}{}:
	default:
	}
}
