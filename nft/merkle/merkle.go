// Package merkle makes and checks proofs that an EVM address is in a list of which only the root is known: the
// "merkle" leaf of rules. Trees are those of OpenZeppelin's merkle-tree library (StandardMerkleTree of
// one "address" column). It keeps no lists and talks to nobody; package nft and hosts call it.
package merkle

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"

	"golang.org/x/crypto/sha3"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
)

// Hash is a node of a tree.
type Hash [32]byte

// String returns 0x and 64 digits in lower case, as rules write roots.
func (h Hash) String() string { return "0x" + hex.EncodeToString(h[:]) }

// ParseHash reads what String writes, in either case. Errors are fault.Invalid.
func ParseHash(s string) (Hash, error) {
	var h Hash
	b, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if err != nil || len(b) != len(h) || !strings.HasPrefix(s, "0x") {
		return h, fault.New(fault.Invalid, "merkle.ParseHash", "write 0x and 64 hexadecimal digits")
	}
	return Hash(b), nil
}

// Proof is the way from a leaf to the root: the siblings, lowest first.
type Proof []Hash

// maxProof is more than a tree of every address has levels.
const maxProof = 256

// MaxAddresses is how many addresses a tree made here has at most.
const MaxAddresses = 1 << 20

func keccak(parts ...[]byte) (h Hash) {
	k := sha3.NewLegacyKeccak256()
	for _, p := range parts {
		k.Write(p)
	}
	k.Sum(h[:0])
	return h
}

// Leaf returns the leaf of an address: the hash of the hash of the address as a word. The second hash
// keeps an inner node, which is a hash of two, from being shown as a leaf. Errors are fault.Invalid.
func Leaf(address string) (Hash, error) {
	canonical, err := caip.ParseEVMAddress(address)
	if err != nil {
		return Hash{}, fault.At("merkle.Leaf", err)
	}
	word := make([]byte, 32)
	if _, err := hex.Decode(word[12:], []byte(canonical[2:])); err != nil {
		return Hash{}, fault.Wrap(fault.Invalid, "merkle.Leaf", err)
	}
	inner := keccak(word)
	return keccak(inner[:]), nil
}

func parent(a, b Hash) Hash {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return keccak(a[:], b[:])
}

// Verify reports whether p proves that address is under root.
func Verify(root Hash, address string, p Proof) bool {
	h, err := Leaf(address)
	if err != nil || len(p) > maxProof {
		return false
	}
	for _, sibling := range p {
		h = parent(h, sibling)
	}
	return h == root
}

// Tree is a list of addresses with its root. It is immutable and may be used by many goroutines.
type Tree struct {
	nodes []Hash         // the root first, the children of i at 2i+1 and 2i+2
	place map[string]int // of an address's leaf
}

// New returns the tree of addresses, whose order does not matter; doubles count once. None, one that is
// no EVM address, or more than MaxAddresses are fault.Invalid or fault.TooLarge.
func New(addresses []string) (*Tree, error) {
	const op = "merkle.New"
	if len(addresses) > MaxAddresses {
		return nil, fault.Newf(fault.TooLarge, op, "a tree has at most %d addresses", MaxAddresses)
	}
	byLeaf := map[Hash]string{}
	var leaves []Hash
	for _, a := range addresses {
		leaf, err := Leaf(a)
		if err != nil {
			return nil, err
		}
		if byLeaf[leaf] == "" {
			leaves = append(leaves, leaf)
		}
		byLeaf[leaf] = strings.ToLower(a)
	}
	if len(leaves) == 0 {
		return nil, fault.New(fault.Invalid, op, "a tree needs an address")
	}
	slices.SortFunc(leaves, func(a, b Hash) int { return bytes.Compare(a[:], b[:]) })
	t := &Tree{nodes: make([]Hash, 2*len(leaves)-1), place: make(map[string]int, len(leaves))}
	for i, leaf := range leaves {
		at := len(t.nodes) - 1 - i
		t.nodes[at], t.place[byLeaf[leaf]] = leaf, at
	}
	for i := len(t.nodes) - 1 - len(leaves); i >= 0; i-- {
		t.nodes[i] = parent(t.nodes[2*i+1], t.nodes[2*i+2])
	}
	return t, nil
}

// Root returns the root, for the rule.
func (t *Tree) Root() Hash { return t.nodes[0] }

// Proof returns the proof of an address, or fault.NotFound.
func (t *Tree) Proof(address string) (Proof, error) {
	i, ok := t.place[strings.ToLower(address)]
	if !ok {
		return nil, fault.New(fault.NotFound, "merkle.Proof", "the address is not in the list")
	}
	var p Proof
	for ; i > 0; i = (i - 1) / 2 {
		p = append(p, t.nodes[(i-1)^1+1]) // 1 and 2 are siblings, 3 and 4 ...
	}
	return p, nil
}
