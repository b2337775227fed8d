package solana

import (
	"encoding/binary"
	"slices"

	"github.com/gagliardetto/solana-go"
)

// The leaves of Bubblegum's trees, of metaplex-foundation/mpl-bubblegum: version 1 in
// programs/bubblegum/program/src/state/leaf_schema.rs (14329d80), version 2 as Metaplex's documentation of Bubblegum V2 has
// it ("Hashing NFT data"), the hashes of metadata, creators and collection in clients/rust/src/hash.rs (177ceb2d), the
// metadata itself in state/metaplex_adapter.rs (177ceb2d).
var (
	bubblegum      = solana.MustPublicKeyFromBase58("BGUMAp9Gq7iTEuizy4pqaxsTyUCBK68MDfK752saRPUY")
	splCompression = solana.MustPublicKeyFromBase58("cmtDvXumGCrqC1Age74AVPhSRVXJMd8PJS91L8KbNCK")
	mplCompression = solana.MustPublicKeyFromBase58("mcmt6YrQEMKw8Mw43FmpRLmf7BqRnFMKmAcbxE3xkAW")
)

// The flags of a leaf of version 2 that are read: frozen for the owner, and by the collection's authority. The
// sources disagree on which bit says that a token cannot be transferred, so it is not told.
const (
	leafFrozen           = 1 << 0
	leafPermanentlyFroze = 1 << 1
)

// leaf is a compressed token. That it is one is for its tree to prove.
type leaf struct {
	id, tree, owner, delegate             solana.PublicKey
	nonce                                 uint64
	data, creators, collection, assetData hash
	flags                                 byte
	version                               byte
	proof                                 []hash
	short                                 bool      // the proof lacks nodes that the tree's canopy has
	provenAt                              treeState // the zero value for not yet
}

func (l *leaf) hash() hash {
	nonce := binary.LittleEndian.AppendUint64(nil, l.nonce)
	parts := [][]byte{{l.version}, l.id[:], l.owner[:], l.delegate[:], nonce, l.data[:], l.creators[:]}
	if l.version == 2 {
		parts = append(parts, l.collection[:], l.assetData[:], []byte{l.flags})
	}
	return keccak(parts...)
}

func (l *leaf) frozen() bool {
	return l.version == 2 && l.flags&(leafFrozen|leafPermanentlyFroze) != 0
}

func (l *leaf) delegated() bool { return l.delegate != l.owner && !l.delegate.IsZero() }

// assetKey is the id of a tree's nonce-th token.
func assetKey(tree solana.PublicKey, nonce uint64) (solana.PublicKey, error) {
	key, _, err := solana.FindProgramAddress([][]byte{[]byte("asset"), tree.Bytes(), binary.LittleEndian.AppendUint64(nil, nonce)}, bubblegum)
	return key, err
}

// treeAuthority is who alone writes to a tree of Bubblegum's. Anyone may make a tree of his own and put into it
// what leaves he likes; then its authority is another.
func treeAuthority(tree solana.PublicKey) (solana.PublicKey, error) {
	key, _, err := solana.FindProgramAddress([][]byte{tree.Bytes()}, bubblegum)
	return key, err
}

// creator is an entry of a token's list of creators.
type creator struct {
	claim
	share byte
}

func hashCreators(cs []creator) hash {
	var b []byte
	for _, c := range cs {
		b = slices.Concat(b, c.key[:], []byte{bit(c.verified), c.share})
	}
	return keccak(b)
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}

// metadataArgs is what the data hash of a leaf of version 1 covers.
type metadataArgs struct {
	name, symbol, uri      string
	fee                    uint16
	primarySale, isMutable bool
	editionNonce           *byte
	standard               bool // that the token standard (NonFungible) is said
	collection             *claim
	uses                   []byte // as Borsh writes them, nil for none
	creators               []creator
}

func (m *metadataArgs) hash() hash {
	text := func(s string) []byte { return append(binary.LittleEndian.AppendUint32(nil, uint32(len(s))), s...) }
	fee := binary.LittleEndian.AppendUint16(nil, m.fee)
	b := slices.Concat(text(m.name), text(m.symbol), text(m.uri), fee, []byte{bit(m.primarySale), bit(m.isMutable)})
	if m.editionNonce != nil {
		b = append(b, 1, *m.editionNonce)
	} else {
		b = append(b, 0)
	}
	if m.standard {
		b = append(b, 1, 0)
	} else {
		b = append(b, 0)
	}
	if m.collection != nil {
		b = slices.Concat(b, []byte{1, bit(m.collection.verified)}, m.collection.key[:])
	} else {
		b = append(b, 0)
	}
	if m.uses != nil {
		b = slices.Concat(b, []byte{1}, m.uses)
	} else {
		b = append(b, 0)
	}
	b = append(b, 0) // the token program: the original
	b = binary.LittleEndian.AppendUint32(b, uint32(len(m.creators)))
	for _, c := range m.creators {
		b = slices.Concat(b, c.key[:], []byte{bit(c.verified), c.share})
	}
	inner := keccak(b)
	return keccak(inner[:], fee)
}
