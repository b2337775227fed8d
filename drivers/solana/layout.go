package solana

import (
	"encoding/binary"
	"errors"
	"math/big"

	"github.com/gagliardetto/solana-go"
)

// The programs whose accounts are read. Only the owning program says what bytes mean.
var (
	splToken  = solana.TokenProgramID
	token2022 = solana.Token2022ProgramID
	metadata  = solana.TokenMetadataProgramID
	core      = solana.MustPublicKeyFromBase58("CoREENxT6tW1HoK8ypY1SxRMZTcVPm7R94rH4PZNhX7d")
	clock     = solana.SysVarClockPubkey
	sysvars   = solana.MustPublicKeyFromBase58("Sysvar1111111111111111111111111111111111111")
)

var errLayout = errors.New("the account's bytes do not have the published layout")

// reader takes fields off account data, little endian as Borsh and the token programs
// write them. After a field that is not there, bad is set and all fields are zero.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.b) {
		r.bad = true
		return make([]byte, min(max(n, 0), 64))
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) u8() byte              { return r.take(1)[0] }
func (r *reader) flag() bool            { return r.u8() == 1 }
func (r *reader) u32() uint32           { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *reader) u64() uint64           { return binary.LittleEndian.Uint64(r.take(8)) }
func (r *reader) key() solana.PublicKey { return solana.PublicKeyFromBytes(r.take(32)) }

// text skips a Borsh string, which is untrusted and never looked at.
func (r *reader) text() {
	n := r.u32()
	if uint64(n) > uint64(len(r.b)) {
		r.bad = true
		return
	}
	r.take(int(n))
}

// isTokenProgram reports whether key is one of the two token programs.
func isTokenProgram(key solana.PublicKey) bool { return key == splToken || key == token2022 }

// tokenAccount is an account of either token program (165 bytes, then extensions).
type tokenAccount struct {
	mint, owner       solana.PublicKey
	amount            uint64
	delegated, frozen bool
}

const (
	tokenSize = 165 // an account, and what a mint with extensions is padded to
	tokenHead = 109 // up to its state
	mintSize  = 82
)

// parseToken reads the head of a token account; whether it is one must be known.
func parseToken(b []byte) (t tokenAccount, ok bool) {
	r := reader{b: b}
	t.mint, t.owner, t.amount = r.key(), r.key(), r.u64()
	t.delegated = r.u32() == 1
	r.key()
	state := r.u8()
	t.frozen = state == 2
	return t, !r.bad && (state == 1 || state == 2)
}

func isTokenAccount(a *account) bool {
	return a != nil && (isTokenProgram(a.owner) && len(a.data) == tokenSize ||
		a.owner == token2022 && len(a.data) > tokenSize && a.data[tokenSize] == 2)
}

// mintAccount is a mint of either token program.
type mintAccount struct {
	decimals                           byte
	permanentDelegate, nonTransferable bool
}

// The extensions of a Token-2022 mint that are told.
const (
	extNonTransferable   = 9
	extPermanentDelegate = 12
)

func parseMint(a *account) (m mintAccount, ok bool) {
	if a == nil || !isTokenProgram(a.owner) || len(a.data) < mintSize || a.data[45] != 1 {
		return m, false
	}
	m.decimals = a.data[44]
	if len(a.data) == mintSize {
		return m, true
	}
	if a.owner != token2022 || len(a.data) <= tokenSize || a.data[tokenSize] != 1 {
		return m, false
	}
	r := reader{b: a.data[tokenSize+1:]}
	for len(r.b) >= 4 {
		kind, n := binary.LittleEndian.Uint16(r.take(2)), binary.LittleEndian.Uint16(r.take(2))
		if kind == 0 {
			break
		}
		body := r.take(int(n))
		switch kind {
		case extNonTransferable:
			m.nonTransferable = true
		case extPermanentDelegate:
			m.permanentDelegate = len(body) == 32 && solana.PublicKeyFromBytes(body) != solana.PublicKey{}
		}
	}
	return m, !r.bad
}

// option reads the tag of a Borsh Option; another byte than 0 and 1 is none of Borsh's.
func (r *reader) option() bool {
	b := r.u8()
	r.bad = r.bad || b > 1
	return b == 1
}

// units turns an amount into whole tokens.
func units(amount *big.Int, decimals byte) *big.Int {
	ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(decimals)), nil)
	return new(big.Int).Quo(amount, ten)
}

// claim is that a token belongs to a collection or creator.
type claim struct {
	key      solana.PublicKey
	verified bool
}

// tokenMetadata is a Token Metadata account: struct Metadata of
// metaplex-foundation/mpl-token-metadata, programs/token-metadata/program/src/state/metadata.rs (0bfb4e70),
// its Key in state/mod.rs (0668870a): MetadataV1 is 4, TokenRecord 11.
type tokenMetadata struct {
	mint         solana.PublicKey
	creators     []claim
	collection   *claim
	programmable bool
}

const (
	keyMetadata    = 4
	keyTokenRecord = 11
)

// parseMetadata returns nil for an account that is no metadata (any more).
func parseMetadata(a *account) (*tokenMetadata, error) {
	if a == nil || a.owner != metadata || len(a.data) == 0 || a.data[0] != keyMetadata {
		return nil, nil
	}
	r := reader{b: a.data[1:]}
	r.key() // update authority
	m := &tokenMetadata{mint: r.key()}
	for range 3 {
		r.text() // name, symbol, URI
	}
	r.take(2) // seller fee
	if r.option() {
		n := r.u32()
		if n > 32 {
			return nil, errLayout
		}
		for range n {
			c := claim{key: r.key(), verified: r.flag()}
			r.u8() // share
			m.creators = append(m.creators, c)
		}
	}
	r.take(2) // primary sale happened, is mutable
	if r.bad {
		return nil, errLayout
	}
	m.tail(r)
	return m, nil
}

// tail reads what was added over time: an old account simply ends. Accounts whose list of creators once
// shrank have remains of it here, which may look like a collection by accident. As in the program's own
// meta_deser_unchecked (utils/metadata.rs, 29087abd) the fields up to uses count only when all can be read.
func (m *tokenMetadata) tail(r reader) {
	if r.option() {
		r.u8() // edition nonce
	}
	var standard byte
	if r.option() {
		standard = r.u8()
		r.bad = r.bad || standard > 5
	}
	var c *claim
	if r.option() {
		c = &claim{verified: r.option(), key: r.key()}
	}
	if len(r.b) > 0 && r.option() { // uses: its method, remaining, total
		r.bad = r.u8() > 2 || r.bad
		r.take(16)
	}
	if r.bad {
		return
	}
	m.collection, m.programmable = c, standard == 4 || standard == 5
}

// tokenRecord is the state of one account of a pNFT, whose token account is always
// frozen and delegated to the program: struct TokenRecord of state/programmable.rs (538f5b97).
type tokenRecord struct{ locked, delegated bool }

func parseRecord(a *account) (t tokenRecord, ok bool) {
	if a == nil || a.owner != metadata || len(a.data) < 3 || a.data[0] != keyTokenRecord {
		return t, false
	}
	r := reader{b: a.data[2:]} // behind the bump
	t.locked = r.u8() != 0     // locked or listed
	if r.option() {
		r.u64() // rule set revision
	}
	t.delegated = r.option()
	return t, !r.bad
}

func metadataKey(mint solana.PublicKey) (solana.PublicKey, error) {
	key, _, err := solana.FindProgramAddress([][]byte{[]byte("metadata"), metadata.Bytes(), mint.Bytes()}, metadata)
	return key, err
}

func recordKey(mint, token solana.PublicKey) (solana.PublicKey, error) {
	key, _, err := solana.FindProgramAddress([][]byte{[]byte("metadata"), metadata.Bytes(), mint.Bytes(), []byte("token_record"), token.Bytes()}, metadata)
	return key, err
}
