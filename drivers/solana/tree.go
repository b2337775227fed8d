package solana

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/gagliardetto/solana-go"
	"golang.org/x/crypto/sha3"
)

// The layout of a concurrent Merkle tree: the header in solana-program/account-compression,
// account-compression/programs/account-compression/src/state/concurrent_merkle_tree_header.rs (e6b61008), the tree in
// solana-labs/solana-program-library, libraries/concurrent-merkle-tree/src/{concurrent_merkle_tree,changelog}.rs (07564078,
// 177d32cd), the canopy in account-compression/programs/account-compression/src/canopy.rs (1d94f80a). Metaplex's own program, for
// leaves of version 2, has the same layout but for a flag in the padding.
const (
	treeHeader    = 56
	treeStart     = treeHeader + 24 // sequence number, active index, changes in the buffer
	maxTreeDepth  = 30
	maxTreeBuffer = 2048
	// maxTreeBytes is the longest tree without its canopy.
	maxTreeBytes = treeStart + (maxTreeBuffer+1)*(32+32*maxTreeDepth+8)
)

type hash = [32]byte

func keccak(parts ...[]byte) (h hash) {
	k := sha3.NewLegacyKeccak256()
	for _, p := range parts {
		k.Write(p)
	}
	k.Sum(h[:0])
	return h
}

// tree is the account of a Merkle tree at one slot.
type tree struct {
	depth, buffer uint64
	authority     solana.PublicKey
	version       byte   // of its leaves
	seq           uint64 // changes ever made
	active, size  uint64
	logs          []byte // nil when only the head was read
	canopy        []byte
	head          *hash // the root, when only the head was read
}

// treeState names a state of a tree, also across forks.
type treeState struct {
	seq, active, depth uint64
	root               hash
}

// at is where the account has the root of the state.
func (s treeState) at() int { return treeStart + int(s.active*(32+32*s.depth+8)) }

func (t *tree) state() treeState {
	s := treeState{seq: t.seq, active: t.active, depth: t.depth}
	if t.head != nil {
		s.root = *t.head
	} else {
		s.root, _, _ = t.change(t.active)
	}
	return s
}

// asProven reports whether the tree is in a state in which something was proven.
func (t *tree) asProven(at treeState) bool {
	return at.seq != 0 && (t.logs != nil || t.head != nil) && t.state() == at
}

// entry is the size of one change: the root, the path up to it, the leaf's index and padding.
func (t *tree) entry() uint64 { return 32 + 32*t.depth + 8 }

// parseTree reads an account, or its head.
func parseTree(a *account) (*tree, error) {
	if a == nil || a.owner != splCompression && a.owner != mplCompression || len(a.data) < treeStart {
		return nil, errLayout
	}
	r := reader{b: a.data}
	if r.u8() != 1 || r.u8() != 0 { // a tree, header version 1
		return nil, errLayout
	}
	t := &tree{version: 1}
	if a.owner == mplCompression {
		t.version = 2
	}
	t.buffer, t.depth = uint64(r.u32()), uint64(r.u32())
	t.authority = r.key()
	r.take(14) // creation slot, padding
	t.seq, t.active, t.size = r.u64(), r.u64(), r.u64()
	if t.depth == 0 || t.depth > maxTreeDepth || t.buffer == 0 || t.buffer > maxTreeBuffer || t.buffer&(t.buffer-1) != 0 ||
		t.active >= t.buffer || t.size == 0 || t.size > t.buffer {
		return nil, errLayout
	}
	logs := t.buffer * t.entry()
	rightmost := t.entry() // proof, leaf, index and padding: as long as a change
	if uint64(len(r.b)) >= logs+rightmost {
		t.logs, t.canopy = r.b[:logs], r.b[logs+rightmost:]
	} else if len(r.b) > 0 {
		return nil, errLayout
	}
	return t, nil
}

// change returns one change of the buffer: the root after it, its path from the leaf up, the leaf's index.
func (t *tree) change(i uint64) (root hash, path []byte, index uint32) {
	e := t.logs[i*t.entry() : (i+1)*t.entry()]
	return hash(e[:32]), e[32 : 32+32*t.depth], binary.LittleEndian.Uint32(e[32+32*t.depth:])
}

// verdict is what a tree says of a leaf.
type verdict byte

const (
	unproven verdict = iota
	proven
	overtaken // another leaf is there since
	vanished  // no leaf is there any more: burned, or redeemed
)

// prove reports whether leaf is the index-th leaf at the tree's present root. A proof of an earlier root is
// brought forward by the changes in the buffer, one that leaves out nodes of the canopy is completed from it. Whatever
// is done to the proof, only hashing up to the present root proves. The proof as of now is returned with proven.
func (t *tree) prove(leaf hash, index uint64, proof []hash) ([]hash, verdict) {
	if t.logs == nil || index>>t.depth != 0 || uint64(len(proof)) > t.depth {
		return nil, unproven
	}
	proof = t.complete(index, slices.Clone(proof))
	if uint64(len(proof)) != t.depth {
		return nil, unproven
	}
	root, _, _ := t.change(t.active)
	if climb(leaf, index, proof) == root {
		return proof, proven
	}
	now := leaf
	for i := t.size; i > 0; i-- { // from the oldest change to the newest
		_, path, at := t.change((t.active - (i - 1)) & (t.buffer - 1))
		if uint64(at) == index {
			now = hash(path[:32])
			continue
		}
		// The two paths part below this level: the sibling there is on the changed path.
		level := bits.Len32(at^uint32(index)) - 1
		if uint64(level) >= t.depth {
			return nil, unproven
		}
		proof[level] = hash(path[32*level : 32*level+32])
	}
	switch {
	case climb(leaf, index, proof) == root:
		return proof, proven
	case now == leaf || climb(now, index, proof) != root:
		return nil, unproven
	case now == hash{}:
		return nil, vanished
	}
	return nil, overtaken
}

// climb hashes a leaf up to its root.
func climb(leaf hash, index uint64, proof []hash) hash {
	for i, sibling := range proof {
		if index>>i&1 == 0 {
			leaf = keccak(leaf[:], sibling[:])
		} else {
			leaf = keccak(sibling[:], leaf[:])
		}
	}
	return leaf
}

// complete adds the upper nodes that a proof leaves out, from the canopy: all nodes of the upper levels but the root,
// level by level from the top.
func (t *tree) complete(index uint64, proof []hash) []hash {
	levels := uint64(bits.Len(uint(len(t.canopy)/32+2))) - 2
	if len(t.canopy)%32 != 0 || uint64(len(t.canopy)/32+2) != 1<<(levels+1) || levels > t.depth {
		return proof
	}
	for level := uint64(len(proof)); level < t.depth; level++ {
		if level < t.depth-levels {
			return proof
		}
		at := (1<<t.depth+index)>>level ^ 1
		node := hash(t.canopy[32*(at-2) : 32*(at-1)])
		if node == (hash{}) {
			node = emptyNode(level)
		}
		proof = append(proof, node)
	}
	return proof
}

// emptyNode is the root of an empty tree of that depth.
func emptyNode(level uint64) (h hash) {
	for range level {
		h = keccak(h[:], h[:])
	}
	return h
}
