package nfttest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/streamgate/streamgate/nft"
)

// watched is a running Watch with everything it told.
type watched struct {
	mu        sync.Mutex
	contracts []string
	changes   []nft.Change
	more      chan struct{}
	stop      func() error
}

// watch starts a Watch and returns once it follows the chain: it mines empty
// blocks until one is told.
func (f Fixture) watch(ctx context.Context, contracts ...string) (*watched, error) {
	w := &watched{contracts: contracts, more: make(chan struct{}, 1)}
	wctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() {
		done <- f.Verifier.Watch(wctx, func() []string {
			w.mu.Lock()
			defer w.mu.Unlock()
			return slices.Clone(w.contracts)
		}, func(ch nft.Change) {
			w.mu.Lock()
			w.changes = append(w.changes, ch)
			w.mu.Unlock()
			select {
			case w.more <- struct{}{}:
			default:
			}
		})
	}()
	w.stop = func() error {
		cancel()
		select {
		case <-done:
			return nil
		case <-time.After(10 * time.Second):
			return fmt.Errorf("the watch does not end with its context")
		}
	}
	for {
		b, err := f.Mine(ctx)
		if err != nil {
			return nil, err
		}
		short, cancel := context.WithTimeout(ctx, 2*time.Second)
		err = w.until(short, "a head", func(ch nft.Change) bool { return bareHead(ch) && ch.Block.Number >= b.Number })
		cancel()
		if err == nil {
			return w, nil
		}
		if ctx.Err() != nil {
			return nil, err
		}
	}
}

func bareHead(ch nft.Change) bool { return ch.Contract == "" && !ch.Gap && !ch.Removed }

// until waits for a change that fits.
func (w *watched) until(ctx context.Context, what string, fits func(nft.Change) bool) error {
	for {
		w.mu.Lock()
		ok := slices.ContainsFunc(w.changes, fits)
		w.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-w.more:
		case <-ctx.Done():
			w.mu.Lock()
			defer w.mu.Unlock()
			return fmt.Errorf("the watch never told %s; it told %+v", what, w.changes)
		}
	}
}

func (w *watched) reset(contracts ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changes, w.contracts = nil, contracts
}

// patience bounds the wait for one event of a watch.
func patience(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, 10*time.Second)
}

func transferOf(contract string, accounts ...string) func(nft.Change) bool {
	return func(ch nft.Change) bool {
		for _, a := range accounts {
			if !slices.Contains(ch.Accounts, a) {
				return false
			}
		}
		return ch.Contract == contract && !ch.Removed && !ch.Gap && ch.Block.Hash != ""
	}
}

func watchTransfers(ctx context.Context, f Fixture) error {
	a, b := f.Accounts[0], f.Accounts[1]
	w, err := f.watch(ctx, f.NFT, f.Multi)
	if err != nil {
		return err
	}
	ctx, cancel := patience(ctx)
	defer cancel()
	steps := []struct {
		what string
		op   Op
		fits func(nft.Change) bool
	}{
		{"a mint", Op{Kind: Mint721, To: a, TokenID: "1"}, transferOf(f.NFT, a)},
		{"a transfer to both sides", Op{Kind: Transfer721, From: a, To: b, TokenID: "1"}, transferOf(f.NFT, a, b)},
		{"an ERC-1155 mint", Op{Kind: Mint1155, To: a, TokenID: "7", Amount: 3}, transferOf(f.Multi, a)},
		{"an ERC-1155 transfer to both sides", Op{Kind: Transfer1155, From: a, To: b, TokenID: "7", Amount: 1}, transferOf(f.Multi, a, b)},
	}
	for _, s := range steps {
		w.reset(f.NFT, f.Multi)
		block, err := f.Mine(ctx, s.op)
		if err != nil {
			return err
		}
		if err := w.until(ctx, s.what, s.fits); err != nil {
			return err
		}
		if err := w.until(ctx, "the head of "+s.what, func(ch nft.Change) bool {
			return bareHead(ch) && ch.Block.Number == block.Number && ch.Block.Hash == block.Hash
		}); err != nil {
			return err
		}
	}
	return w.stop()
}

// watchHeads needs no transfers: each block made is told, none before an older one.
func watchHeads(ctx context.Context, f Fixture) error {
	w, err := f.watch(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := patience(ctx)
	defer cancel()
	w.reset()
	for range 3 {
		b, err := f.Mine(ctx)
		if err != nil {
			return err
		}
		if err := w.until(ctx, "the head", func(ch nft.Change) bool {
			return bareHead(ch) && ch.Block.Number == b.Number && ch.Block.Hash == b.Hash && !ch.Block.Time.IsZero()
		}); err != nil {
			return err
		}
	}
	w.mu.Lock()
	heads := slices.DeleteFunc(slices.Clone(w.changes), func(ch nft.Change) bool { return !bareHead(ch) })
	w.mu.Unlock()
	if !slices.IsSortedFunc(heads, func(a, b nft.Change) int { return cmp.Compare(a.Block.Number, b.Block.Number) }) {
		return fmt.Errorf("heads are told out of order: %+v", heads)
	}
	return w.stop()
}

func watchGrows(ctx context.Context, f Fixture) error {
	a := f.Accounts[0]
	w, err := f.watch(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := patience(ctx)
	defer cancel()
	w.reset(f.NFT)
	for range 2 { // two heads later a contract is certainly followed
		if _, err := f.Mine(ctx); err != nil {
			return err
		}
	}
	last, err := f.Mine(ctx)
	if err != nil {
		return err
	}
	if err := w.until(ctx, "a head", func(ch nft.Change) bool { return bareHead(ch) && ch.Block.Number >= last.Number }); err != nil {
		return err
	}
	if _, err := f.Mine(ctx, Op{Kind: Mint721, To: a, TokenID: "1"}); err != nil {
		return err
	}
	if err := w.until(ctx, "a mint of a contract added later", transferOf(f.NFT, a)); err != nil {
		return err
	}
	return w.stop()
}

func watchReorg(ctx context.Context, f Fixture) error {
	a, b := f.Accounts[0], f.Accounts[1]
	w, err := f.watch(ctx, f.NFT)
	if err != nil {
		return err
	}
	ctx, cancel := patience(ctx)
	defer cancel()
	if _, err := f.Mine(ctx, Op{Kind: Mint721, To: a, TokenID: "1"}); err != nil {
		return err
	}
	gone, err := f.Mine(ctx, Op{Kind: Transfer721, From: a, To: b, TokenID: "1"})
	if err != nil {
		return err
	}
	if err := w.until(ctx, "a transfer", transferOf(f.NFT, a, b)); err != nil {
		return err
	}
	w.reset(f.NFT)
	if err := f.Reorg(ctx, 1); err != nil {
		return err
	}
	err = w.until(ctx, "that the transfer is void", func(ch nft.Change) bool {
		voids := ch.Contract == f.NFT && slices.Contains(ch.Accounts, a) && slices.Contains(ch.Accounts, b)
		return ch.Gap || ch.Removed && voids
	})
	if err != nil {
		return err
	}
	if err := w.until(ctx, "the new head", func(ch nft.Change) bool { return bareHead(ch) && ch.Block.Number > gone.Number }); err != nil {
		return err
	}
	return w.stop()
}

func checkReorg(ctx context.Context, f Fixture) error {
	a, b := f.Accounts[0], f.Accounts[1]
	if _, err := f.Mine(ctx, Op{Kind: Mint721, To: a, TokenID: "1"}); err != nil {
		return err
	}
	if _, err := f.Mine(ctx, Op{Kind: Transfer721, From: a, To: b, TokenID: "1"}); err != nil {
		return err
	}
	q := []nft.Query{f.owner("1"), f.balance(a), f.balance(b)}
	if err := f.ask(ctx, latest, q, b, "0", "1"); err != nil {
		return err
	}
	if err := f.Reorg(ctx, 1); err != nil {
		return err
	}
	if err := f.ask(ctx, latest, q, a, "1", "0"); err != nil {
		return fmt.Errorf("after the reorganisation: %w", err)
	}
	return nil
}
