package ipfs

import (
	"context"
	"sync"

	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
)

// keeper knows what the garbage collection must not touch beside what is pinned on disk: the
// blocks of imports that go on, and the roots that readers have open.
type keeper struct {
	mu    sync.Mutex
	held  map[string]int  // by multihash: in how many imports
	roots map[cid.Cid]int // open readers

	// While a collection runs, what imports release stays in spared until it ends: their
	// roots may have been pinned after the collection looked.
	running bool
	spared  map[string]struct{}

	// opening is held shared while a reader goes from a record to its hold on the root.
	opening sync.RWMutex
}

func newKeeper() *keeper {
	return &keeper{held: map[string]int{}, roots: map[cid.Cid]int{}}
}

// hold keeps the tree beneath root until the returned function is called.
func (k *keeper) hold(root cid.Cid) (release func()) {
	k.mu.Lock()
	k.roots[root]++
	k.mu.Unlock()
	return sync.OnceFunc(func() {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.roots[root]--; k.roots[root] == 0 {
			delete(k.roots, root)
		}
	})
}

// session is one import: it keeps the blocks it has put, from before they are there.
type session struct {
	k      *keeper
	blocks *vault

	mu  sync.Mutex
	has map[string]struct{}
}

func (k *keeper) session(v *vault) *session {
	return &session{k: k, blocks: v, has: map[string]struct{}{}}
}

// keep must come before the block is looked for or written.
func (s *session) keep(c cid.Cid) {
	h := string(c.Hash())
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.has[h]; ok {
		return
	}
	s.has[h] = struct{}{}
	s.k.mu.Lock()
	defer s.k.mu.Unlock()
	s.k.held[h]++
}

func (s *session) put(ctx context.Context, b blocks.Block) error {
	s.keep(b.Cid())
	return s.blocks.Put(ctx, b)
}

// release ends the hold. What was imported must be pinned by then, or be given up.
func (s *session) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.k.mu.Lock()
	defer s.k.mu.Unlock()
	for h := range s.has {
		if s.k.held[h]--; s.k.held[h] == 0 {
			delete(s.k.held, h)
		}
		if s.k.running {
			s.k.spared[h] = struct{}{}
		}
	}
	s.has = map[string]struct{}{}
}

// begin starts a collection, end ends it.
func (k *keeper) begin() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.running, k.spared = true, map[string]struct{}{}
}

func (k *keeper) end() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.running, k.spared = false, nil
}

// open returns the roots of the readers, once none is between its record and its hold.
func (k *keeper) open() []cid.Cid {
	k.opening.Lock()
	defer k.opening.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	roots := make([]cid.Cid, 0, len(k.roots))
	for c := range k.roots {
		roots = append(roots, c)
	}
	return roots
}

// sweep calls remove unless an import has or had the block; no import gets it meanwhile.
func (k *keeper) sweep(c cid.Cid, remove func() error) (removed bool, err error) {
	h := c.Hash()
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, ok := k.spared[string(h)]; ok || k.held[string(h)] > 0 {
		return false, nil
	}
	return true, remove()
}
