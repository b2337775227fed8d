package solana_test

import (
	"context"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/gagliardetto/solana-go"
	"golang.org/x/crypto/sha3"

	"github.com/streamgate/streamgate/internal/chaintest"
)

// Trees are written here to the published layout of account compression, and their leaves to that of Bubblegum, since
// neither program can be had for the test node. Nothing is shared with the driver.

var (
	bubblegum      = solana.MustPublicKeyFromBase58("BGUMAp9Gq7iTEuizy4pqaxsTyUCBK68MDfK752saRPUY")
	splCompression = solana.MustPublicKeyFromBase58("cmtDvXumGCrqC1Age74AVPhSRVXJMd8PJS91L8KbNCK")
	mplCompression = solana.MustPublicKeyFromBase58("mcmt6YrQEMKw8Mw43FmpRLmf7BqRnFMKmAcbxE3xkAW")
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

func le64(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }
func le32(n uint32) []byte { return binary.LittleEndian.AppendUint32(nil, n) }

// change is an entry of the buffer.
type change struct {
	root  hash
	path  []hash
	index uint32
}

// merkle is a concurrent Merkle tree, kept whole.
type merkle struct {
	key, program, authority solana.PublicKey
	depth, buffer, canopy   int
	leaves                  []hash
	log                     []change // all changes ever
}

func pdaOf(program solana.PublicKey, seeds ...[]byte) solana.PublicKey {
	key, _, err := solana.FindProgramAddress(seeds, program)
	if err != nil {
		panic(err) // a test's own seeds
	}
	return key
}

// newMerkle is a tree that Bubblegum made.
func newMerkle(program solana.PublicKey, depth, buffer, canopy int) *merkle {
	m := &merkle{key: solana.NewWallet().PublicKey(), program: program, depth: depth, buffer: buffer, canopy: canopy}
	m.authority = pdaOf(bubblegum, m.key.Bytes())
	m.record(0) // as initialized
	return m
}

// levels are all nodes, the leaves first.
func (m *merkle) levels() [][]hash {
	row := make([]hash, 1<<m.depth)
	copy(row, m.leaves)
	out := [][]hash{row}
	for len(row) > 1 {
		up := make([]hash, len(row)/2)
		for i := range up {
			up[i] = keccak(row[2*i][:], row[2*i+1][:])
		}
		row = up
		out = append(out, row)
	}
	return out
}

func (m *merkle) record(index uint32) {
	levels := m.levels()
	c := change{root: levels[m.depth][0], index: index}
	for l := range m.depth {
		c.path = append(c.path, levels[l][int(index)>>l])
	}
	m.log = append(m.log, c)
}

func (m *merkle) append(leaf hash) uint64 {
	m.leaves = append(m.leaves, leaf)
	m.record(uint32(len(m.leaves) - 1))
	return uint64(len(m.leaves) - 1)
}

func (m *merkle) set(index uint64, leaf hash) {
	m.leaves[index] = leaf
	m.record(uint32(index))
}

func (m *merkle) proof(index uint64) []hash {
	levels := m.levels()
	var out []hash
	for l := range m.depth {
		out = append(out, levels[l][int(index)>>l^1])
	}
	return out
}

// bytes is the account: header, counters, buffer, rightmost proof, canopy.
func (m *merkle) bytes() []byte {
	b := slices.Concat([]byte{1, 0}, le32(uint32(m.buffer)), le32(uint32(m.depth)), m.authority.Bytes(), le64(7), make([]byte, 6))
	seq := len(m.log) - 1
	b = slices.Concat(b, le64(uint64(seq)), le64(uint64(seq%m.buffer)), le64(uint64(min(len(m.log), m.buffer))))
	ring := make([]change, m.buffer)
	for i, c := range m.log {
		ring[i%m.buffer] = c
	}
	node := func(h hash) { b = append(b, h[:]...) }
	for _, c := range ring {
		node(c.root)
		for l := range m.depth {
			if c.path == nil {
				node(hash{})
			} else {
				node(c.path[l])
			}
		}
		b = slices.Concat(b, le32(c.index), le32(0))
	}
	last := uint64(max(len(m.leaves), 1) - 1)
	for _, h := range m.proof(last) {
		node(h)
	}
	node(append(m.leaves, hash{})[last])
	b = slices.Concat(b, le32(uint32(len(m.leaves))), le32(0))
	levels := m.levels()
	for l := m.depth - 1; l >= m.depth-m.canopy; l-- {
		for i, h := range levels[l] {
			if i<<l >= len(m.leaves) {
				h = hash{} // the canopy has zeros for what was never written
			}
			node(h)
		}
	}
	return b
}

func (m *merkle) publish(ctx context.Context, s *chaintest.Solana) error {
	return s.SetAccount(ctx, m.key, m.program, m.bytes())
}

// cnft is a compressed token.
type cnft struct {
	tree            *merkle
	nonce           uint64
	owner, delegate solana.PublicKey
	name            string
	creator         solana.PublicKey
	creatorVerified bool
	collection      solana.PublicKey // zero for none
	verified        bool
	standard        bool // that the token standard is said
	flags           byte // version 2
	burnt           bool
}

func (n *cnft) v2() bool { return n.tree.program == mplCompression }

func (n *cnft) id() solana.PublicKey {
	return pdaOf(bubblegum, []byte("asset"), n.tree.key.Bytes(), le64(n.nonce))
}

func (n *cnft) creators() []byte {
	return slices.Concat(n.creator.Bytes(), []byte{flag(n.creatorVerified), 100})
}

// data is the hash of the metadata: MetadataArgs, or MetadataArgsV2.
func (n *cnft) data() hash {
	fee := []byte{244, 1}
	b := slices.Concat(borsh(n.name), borsh("CNFT"), borsh("https://example.com/c.json"), fee, []byte{0, 1})
	standard := []byte{0}
	if n.standard {
		standard = []byte{1, 0}
	}
	creators := slices.Concat(le32(1), n.creators())
	switch {
	case n.v2():
		b = slices.Concat(b, standard, creators, []byte{1}, n.collection.Bytes())
	case n.collection.IsZero():
		b = slices.Concat(b, []byte{0}, standard, []byte{0, 0, 0}, creators)
	default:
		b = slices.Concat(b, []byte{0}, standard, []byte{1, flag(n.verified)}, n.collection.Bytes(), []byte{0, 0}, creators)
	}
	h := keccak(b)
	return keccak(h[:], fee)
}

func (n *cnft) leaf() hash {
	if n.burnt {
		return hash{}
	}
	data, creators, version := n.data(), keccak(n.creators()), byte(1)
	var more []byte
	if n.v2() {
		collection, none := keccak(n.collection.Bytes()), keccak()
		version, more = 2, slices.Concat(collection[:], none[:], []byte{n.flags})
	}
	return keccak([]byte{version}, n.id().Bytes(), n.owner.Bytes(), n.delegate.Bytes(), le64(n.nonce), data[:], creators[:], more)
}

// mintTo appends a token to a tree.
func (m *merkle) mintTo(n cnft) *cnft {
	n.tree, n.nonce = m, uint64(len(m.leaves))
	if n.delegate.IsZero() {
		n.delegate = n.owner
	}
	if n.name == "" {
		n.name = "Compressed"
	}
	m.append(n.leaf())
	return &n
}

// update writes a token's leaf anew.
func (n *cnft) update(change func(n *cnft)) {
	change(n)
	n.tree.set(n.nonce, n.leaf())
}

func (n *cnft) give(to solana.PublicKey) {
	n.update(func(n *cnft) { n.owner, n.delegate = to, to })
}

func b58(h hash) string { return solana.PublicKey(h).String() }

// asset is what an honest indexer says of it.
func (n *cnft) asset() map[string]any {
	creators := keccak(n.creators())
	out := map[string]any{
		"id": n.id().String(), "interface": "V1_NFT", "burnt": n.burnt, "mutable": true,
		"content":     map[string]any{"json_uri": "https://example.com/c.json", "metadata": map[string]any{"name": n.name, "symbol": "CNFT", "token_standard": "NonFungible"}},
		"compression": map[string]any{"eligible": false, "compressed": true, "tree": n.tree.key.String(), "leaf_id": n.nonce, "data_hash": b58(n.data()), "creator_hash": b58(creators), "asset_hash": b58(n.leaf()), "seq": len(n.tree.log) - 1, "flags": n.flags},
		"grouping":    []any{},
		"royalty":     map[string]any{"basis_points": 500, "primary_sale_happened": false},
		"creators":    []any{map[string]any{"address": n.creator.String(), "share": 100, "verified": n.creatorVerified}},
		"ownership":   map[string]any{"owner": n.owner.String(), "delegated": n.delegate != n.owner, "frozen": false},
		"supply":      map[string]any{"print_max_supply": 0, "print_current_supply": 0, "edition_nonce": nil},
		"uses":        nil,
	}
	if n.delegate != n.owner {
		out["ownership"].(map[string]any)["delegate"] = n.delegate.String()
	}
	if !n.collection.IsZero() {
		out["grouping"] = []any{map[string]any{"group_key": "collection", "group_value": n.collection.String()}}
	}
	return out
}

// proofAnswer is what an honest indexer proves it by.
func (n *cnft) proofAnswer() map[string]any {
	levels := n.tree.levels()
	var proof []string
	for _, h := range n.tree.proof(n.nonce) {
		proof = append(proof, b58(h))
	}
	return map[string]any{"root": b58(levels[n.tree.depth][0]), "proof": proof, "node_index": 1<<n.tree.depth + n.nonce,
		"leaf": b58(n.leaf()), "tree_id": n.tree.key.String()}
}

// The writer above is held against what is known of such trees.
func TestMerkleWriter(t *testing.T) {
	t.Parallel()
	m := newMerkle(splCompression, 5, 8, 2)
	if got, want := len(m.bytes()), 56+24+8*(32+5*32+8)+(5*32+32+8)+6*32; got != want {
		t.Errorf("an account of %d bytes, want %d", got, want)
	}
	// The hash of an empty pair, in every Ethereum textbook: keccak of 64 zero bytes.
	if got := solana.PublicKey(m.levels()[1][0]).Bytes(); got[0] != 0xad || got[1] != 0x32 || got[31] != 0xb5 {
		t.Errorf("an empty node of %x", got)
	}
	if h := keccak(); h[0] != 0xc5 || h[31] != 0x70 {
		t.Errorf("keccak of nothing is %x", h)
	}
}
