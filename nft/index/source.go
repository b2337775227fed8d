package index

import (
	"context"
	"errors"
	"math/big"

	"github.com/streamgate/streamgate/nft"
)

// Header is a block as a Source tells it.
type Header struct {
	nft.Block
	// Parent is the hash of the block before it.
	Parent string
	// Extra is the source's own, which it may need to prove the block's logs.
	Extra any
}

// Kind is the standard by which a contract's transfers are written.
type Kind string

// The kinds. Odd is a log by which something moved in a shape that none of the standards has.
const (
	ERC721  Kind = "erc721"
	ERC1155 Kind = "erc1155"
	ERC20   Kind = "erc20"
	Odd     Kind = "odd"
)

// Transfer is one movement of one token. A batch is as many as it names tokens.
type Transfer struct {
	// Block and Hash are of the block it happened in.
	Block    uint64
	Hash     string
	Contract string
	Kind     Kind
	// From and To are canonical addresses, empty when the token was made or ceased.
	From, To string
	// Token is decimal, empty for ERC20.
	Token string
	// Amount is 1 for ERC721; nobody changes it.
	Amount *big.Int
}

// ErrDoubt is the cause of an error of TransfersIn when a block announces transfers that the
// provider neither shows nor disproves.
var ErrDoubt = errors.New("the block announces transfers that the provider does not show")

// Source gives a chain's blocks and the transfers in them. All methods are safe for concurrent
// use. Failure is fault.Unavailable, and fault.Canceled when ctx ends. Contracts and accounts are
// canonical addresses. Implementations pass indextest.RunSource.
type Source interface {
	// Tip returns the newest block that is "latest", "safe" or "finalized".
	Tip(ctx context.Context, tag string) (Header, error)
	// Blocks returns the blocks from number from to number to. They may be of two
	// chains when one replaces the other meanwhile: the caller checks that they are linked.
	Blocks(ctx context.Context, from, to uint64) ([]Header, error)
	// Transfers returns what the contracts logged in the blocks from to to, inclusive,
	// in order. When that is more than the provider gives at once, the error is
	// fault.TooLarge, and half of the range may be had.
	Transfers(ctx context.Context, from, to uint64, contracts []string) ([]Transfer, error)
	// TransfersIn returns the same for each of these very blocks, complete: a block that is not
	// there any more, or whose logs cannot be shown to be all, is an error.
	TransfersIn(ctx context.Context, blocks []Header, contracts []string) ([][]Transfer, error)
	// Born returns a block that is not after the first in which the contract was there, the
	// nearest that can be told. No contract at the newest block is fault.NotFound.
	Born(ctx context.Context, contract string) (uint64, error)
}

// SourceOf returns the source of v, or of what it wraps.
func SourceOf(v nft.Verifier) (Source, bool) {
	s, ok := nft.As[Sourced](v)
	if !ok {
		return nil, false
	}
	src := s.IndexSource()
	return src, src != nil
}

// WithSource gives a verifier that has no source of its own, such as one over several providers, the one
// that an index of its chain follows. The rest of v is found through Unwrap.
func WithSource(v nft.Verifier, src Source) Sourced { return &withSource{v, src} }

type withSource struct {
	nft.Verifier
	src Source
}

func (w *withSource) IndexSource() Source  { return w.src }
func (w *withSource) Unwrap() nft.Verifier { return w.Verifier }

// Sourced is a verifier of a chain whose transfers can be followed.
type Sourced interface {
	nft.Verifier
	// IndexSource returns the source, or nil when it has none after all.
	IndexSource() Source
}
