package index

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// blocksAtOnce is how many blocks are asked for in one go.
const blocksAtOnce = 64

// errMoved means that the chain was reorganised between two questions.
var errMoved = errors.New("the blocks are not of one chain")

func moved() error { return fault.Wrap(fault.Unavailable, "index.follow", errMoved) }

// follow leads the window to the chain's head and takes up contracts that are new.
func (x *Indexer) follow(ctx context.Context) error {
	x.following.Lock()
	defer x.following.Unlock()
	err := x.followLocked(ctx)
	if ctx.Err() == nil {
		x.mu.Lock()
		x.failed[0] = err
		x.mu.Unlock()
	}
	return err
}

func (x *Indexer) followLocked(ctx context.Context) error {
	contracts := x.followed()
	if len(contracts) == 0 {
		return nil
	}
	asked := x.opt.Now()
	tip, err := x.src.Tip(ctx, "latest")
	if err != nil {
		return err
	}
	x.mu.Lock()
	x.target = max(x.target, tip.Number)
	head, some := x.win.head()
	known, _ := x.win.at(tip.Number)
	x.mu.Unlock()
	switch {
	case some && head.Hash == tip.Hash:
	case some && known.Hash == tip.Hash:
		return nil // a provider that lags, or a chain that got shorter: nothing to rely on
	default:
		path, keep, err := x.path(ctx, tip, head, some)
		if err != nil {
			return err
		}
		if err := x.extend(ctx, path, keep, contracts); err != nil {
			return err
		}
		x.askTags(ctx)
	}
	if err := x.join(ctx, contracts); err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.confirmed = asked
	return nil
}

// followed returns the contracts whose transfers are read at the head.
func (x *Indexer) followed() []string {
	var out []string
	for _, c := range x.with(Wanted, Backfilling, Live) {
		if len(out) < x.opt.MaxContracts {
			out = append(out, c.Address)
		}
	}
	return out
}

// path returns the blocks that lead to tip, and how many blocks of the window stay beneath
// them; 0 begins anew.
func (x *Indexer) path(ctx context.Context, tip, head Header, some bool) (path []Header, keep int, err error) {
	size := uint64(2 * x.opt.Window)
	from := tip.Number + 1 - min(size, tip.Number+1)
	if !some || head.Number+size < tip.Number {
		path, err = x.linked(ctx, from, tip)
		return path, 0, err
	}
	for back := uint64(0); ; back = 4*back + 4 {
		at := min(head.Number+1, tip.Number)
		if at-min(at, back) <= from {
			path, err = x.linked(ctx, from, tip)
			return path, 0, err
		}
		if path, err = x.linked(ctx, at-back, tip); err != nil {
			return nil, 0, err
		}
		if keep = x.keeps(path[0]); keep > 0 {
			return path, keep, nil
		}
	}
}

// keeps returns how many blocks of the window lead to b, 0 when none does.
func (x *Indexer) keeps(b Header) int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for i, own := range slices.Backward(x.win.blocks) {
		if own.Hash == b.Parent && own.Number+1 == b.Number {
			return i + 1
		}
	}
	return 0
}

// linked returns the blocks from number from to tip, each the parent of the next.
func (x *Indexer) linked(ctx context.Context, from uint64, tip Header) ([]Header, error) {
	var path []Header
	for n := from; n < tip.Number; n += blocksAtOnce {
		some, err := x.src.Blocks(ctx, n, min(n+blocksAtOnce, tip.Number)-1)
		if err != nil {
			return nil, err
		}
		path = append(path, some...)
	}
	path = append(path, tip)
	for i, b := range path {
		if b.Number != from+uint64(i) || i > 0 && b.Parent != path[i-1].Hash {
			return nil, moved()
		}
	}
	return path, nil
}

// extend reads the transfers of a path and puts it on the window.
func (x *Indexer) extend(ctx context.Context, path []Header, keep int, contracts []string) error {
	if keep > 0 { // what is followed in the window is followed on, and no more
		x.mu.RLock()
		contracts = slices.DeleteFunc(slices.Clone(contracts), func(c string) bool { _, ok := x.win.since[c]; return !ok })
		x.mu.RUnlock()
	}
	transfers, err := x.read(ctx, path, contracts)
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if keep == 0 {
		x.win.clear()
		for _, c := range contracts {
			x.win.since[c] = path[0].Number
		}
	}
	for len(x.win.blocks) > keep && keep > 0 {
		x.win.pop()
	}
	for c := range x.win.since {
		if !slices.Contains(contracts, c) { // refused: nobody reads it any more
			x.win.forget(c)
		}
	}
	for i, b := range path {
		x.win.push(b, transfers[i])
		x.suspect(transfers[i])
	}
	return nil
}

// read returns the transfers of the blocks, complete.
func (x *Indexer) read(ctx context.Context, blocks []Header, contracts []string) ([][]Transfer, error) {
	out := make([][]Transfer, 0, len(blocks))
	if len(contracts) == 0 {
		return make([][]Transfer, len(blocks)), nil
	}
	for some := range slices.Chunk(blocks, blocksAtOnce) {
		one, err := x.src.TransfersIn(ctx, some, contracts)
		if err != nil {
			return nil, err
		}
		if len(one) != len(some) {
			return nil, fault.New(fault.Unavailable, "index.read", "the source answers for other blocks than asked")
		}
		out = append(out, one...)
	}
	return out, nil
}

// join reads what the window lacks of contracts that were not followed.
func (x *Indexer) join(ctx context.Context, contracts []string) error {
	x.mu.RLock()
	var blocks []Header
	missing := slices.DeleteFunc(slices.Clone(contracts), func(c string) bool { _, ok := x.win.since[c]; return ok })
	if len(missing) > 0 {
		for _, b := range x.win.blocks {
			blocks = append(blocks, b.Header)
		}
	}
	x.mu.RUnlock()
	if len(missing) == 0 {
		return nil
	}
	transfers, err := x.read(ctx, blocks, missing)
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.win.join(missing, transfers)
	for _, some := range transfers {
		x.suspect(some)
	}
	return nil
}

// suspect has contracts looked into whose transfers are not of one standard. The caller holds mu.
func (x *Indexer) suspect(transfers []Transfer) {
	for _, t := range transfers {
		if t.Kind == Odd || t.Kind != x.kind(t.Contract) {
			x.suspects[t.Contract] = reasonUnusual
		}
	}
}

// kind returns by which standard a contract writes, empty when nothing was seen yet. The caller holds mu.
func (x *Indexer) kind(contract string) Kind {
	if k := x.known[contract].Kind; k != "" {
		return k
	}
	return x.win.kinds[contract]
}

// askTags asks which blocks are settled. A chain without the notion has none.
func (x *Indexer) askTags(ctx context.Context) {
	tags := map[string]nft.Block{}
	for _, tag := range []string{"safe", "finalized"} {
		if h, err := x.src.Tip(ctx, tag); err == nil {
			tags[tag] = h.Block
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.tags = tags
}

// lag returns how far the window's head is behind the newest block heard of, and how old the
// knowledge is. The caller holds mu.
func (x *Indexer) lag() (blocks uint64, age time.Duration) {
	head, ok := x.win.head()
	if !ok {
		return x.target, 0
	}
	return x.target - min(x.target, head.Number), x.opt.Now().Sub(x.confirmed)
}
