package quorum_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/nft/quorum"
)

// heard is what a watch told.
type heard struct {
	mu   sync.Mutex
	list []nft.Change
}

func (h *heard) all() []nft.Change {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.list)
}

func (h *heard) count(fits func(nft.Change) bool) (n int) {
	for _, c := range h.all() {
		if fits(c) {
			n++
		}
	}
	return n
}

func isGap(c nft.Change) bool { return c.Gap }
func isHead(b nft.Block) func(nft.Change) bool {
	return func(c nft.Change) bool {
		return c.Contract == "" && !c.Gap && !c.Removed && c.Block.Hash == b.Hash
	}
}
func isTransfer(b nft.Block) func(nft.Change) bool {
	return func(c nft.Change) bool { return c.Contract != "" && !c.Removed && c.Block.Hash == b.Hash }
}

// watching runs f in a bubble with a watch of all three providers; settle waits until all is told.
func watching(t *testing.T, opt quorum.Options, f func(w *world, h *heard, settle func())) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, opt, nil)
		h := &heard{}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			done <- w.v.Watch(ctx, func() []string { return []string{w.token} }, func(c nft.Change) {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.list = append(h.list, c)
			})
		}()
		synctest.Wait()
		for range 3 {
			w.Mine()
			synctest.Wait()
		}
		f(w, h, synctest.Wait)
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the watch ends with %v", err)
		}
	})
}

func TestEachThingIsToldOnce(t *testing.T) {
	watching(t, quorum.Options{}, func(w *world, h *heard, settle func()) {
		b := w.mint("1")
		settle()
		if n, m := h.count(isTransfer(b)), h.count(isHead(b)); n != 1 || m != 1 || h.count(isGap) > 0 {
			t.Errorf("the transfer is told %d times, the head %d: %+v", n, m, h.all())
		}
	})
}

func TestATransferOneLeavesOutIsToldByAnother(t *testing.T) {
	for leader := range 3 {
		t.Run("", func(t *testing.T) {
			watching(t, quorum.Options{}, func(w *world, h *heard, settle func()) {
				for i, n := range w.nodes {
					n.set(trouble{mute: i != leader}) // two of three, the leader or not
				}
				b := w.mint("1")
				settle()
				if n := h.count(isTransfer(b)); n != 1 {
					t.Errorf("told %d times: %+v", n, h.all())
				}
			})
		})
	}
}

func TestALostProviderLeavesNoGapWhileAnotherWatches(t *testing.T) {
	watching(t, quorum.Options{}, func(w *world, h *heard, settle func()) {
		for i := range 2 { // whoever leads among them
			w.nodes[i].set(trouble{dead: true})
			w.nodes[i].gap <- struct{}{}
			settle()
		}
		b := w.mint("1")
		settle()
		if h.count(isGap) > 0 || h.count(isTransfer(b)) != 1 || h.count(isHead(b)) != 1 {
			t.Errorf("%+v", h.all())
		}
		w.nodes[2].gap <- struct{}{}
		settle()
		if h.count(isGap) != 1 {
			t.Errorf("nobody watches and there are %d gaps", h.count(isGap))
		}
		// The first to come back leads.
		w.nodes[1].set(trouble{})
		b = w.Mine()
		settle()
		if h.count(isHead(b)) != 1 || h.count(isGap) != 1 {
			t.Errorf("%+v", h.all())
		}
	})
}

// Two that were lost one after the other cover for each other only if one of them saw everything.
func TestOverlappingGapsAreTold(t *testing.T) {
	watching(t, quorum.Options{}, func(w *world, h *heard, settle func()) {
		w.nodes[2].set(trouble{dead: true})
		w.nodes[2].gap <- struct{}{}
		settle()
		w.nodes[0].gap <- struct{}{} // beta saw it all
		settle()
		if h.count(isGap) != 0 {
			t.Fatalf("%+v", h.all())
		}
		w.nodes[1].gap <- struct{}{} // alpha has told no block since its own gap
		settle()
		if h.count(isGap) != 1 {
			t.Errorf("%d gaps", h.count(isGap))
		}
	})
}

func TestALeaderThatFallsAsleepIsReplaced(t *testing.T) {
	watching(t, quorum.Options{}, func(w *world, h *heard, settle func()) {
		for i := range w.nodes { // each in turn, so that the leader is among them
			w.nodes[i].set(trouble{dead: true})
			var last nft.Block
			for range 8 {
				last = w.Mine()
				settle()
			}
			if h.count(isHead(last)) != 1 || h.count(isGap) > 0 {
				t.Errorf("asleep %d: %+v", i, h.all())
			}
			w.nodes[i].set(trouble{})
		}
	})
}

func TestReorganisationsAreTold(t *testing.T) {
	watching(t, quorum.Options{}, func(w *world, h *heard, settle func()) {
		gone := w.mint("1")
		settle()
		w.Reorg(1, nfttest.Op{Kind: nfttest.Mint721, To: bob, TokenID: "1"})
		settle()
		void := func(c nft.Change) bool {
			return c.Removed && c.Contract == w.token && c.Block.Hash == gone.Hash
		}
		mine := func(c nft.Change) bool { return !c.Removed && slices.Contains(c.Accounts, bob) }
		if h.count(void) != 1 || h.count(mine) != 1 {
			t.Errorf("%+v", h.all())
		}
		head, _ := w.Head(t.Context())
		if h.count(isHead(head)) != 1 {
			t.Errorf("the new head %+v is not told: %+v", head, h.all())
		}
	})
}

// A false block is not passed on: the Decider would wait for it.
func TestBlocksThatCannotBeAreNotTold(t *testing.T) {
	watching(t, quorum.Options{}, func(w *world, h *heard, settle func()) {
		for i := range w.nodes[:2] {
			w.nodes[i].set(trouble{head: func(b nft.Block) nft.Block {
				b.Number, b.Hash, b.Time = b.Number+1000, "0xff", b.Time.AddDate(50, 0, 0)
				return b
			}})
		}
		b := w.mint("1")
		for range 5 {
			settle()
			w.Mine()
		}
		settle()
		if h.count(func(c nft.Change) bool { return c.Block.Hash == "0xff" }) > 0 || h.count(isTransfer(b)) != 1 {
			t.Errorf("%+v", h.all())
		}
	})
}

// Providers nobody asks are asked for their heads, so that one that was left out comes back.
func TestProbesBringAProviderBack(t *testing.T) {
	watching(t, quorum.Options{ProbeEvery: time.Second}, func(w *world, _ *heard, settle func()) {
		w.nodes[0].set(trouble{err: errDown, dead: true})
		time.Sleep(10 * time.Second)
		settle()
		if s := state(w.v, "alpha"); s.State != "failing" {
			t.Errorf("%+v", s)
		}
		w.nodes[0].set(trouble{})
		time.Sleep(2 * time.Minute)
		settle()
		if s := state(w.v, "alpha"); s.State != "ok" || s.Head == nil {
			t.Errorf("%+v", s)
		}
	})
}

func TestNobodyToWatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t, quorum.Options{}, func(ps []quorum.Provider) {
		for i := range ps {
			ps[i].NoWatch = true
		}
	})
	if err := w.v.Watch(t.Context(), func() []string { return nil }, func(nft.Change) {}); err == nil {
		t.Error("nobody may be watched, and the watch says nothing")
	}
}
