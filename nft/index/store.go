package index

import (
	"context"
	"math/big"

	"github.com/streamgate/streamgate/nft"
)

// Status is what has become of a contract.
type Status string

// The statuses. Refused contracts are never answered for from the index.
const (
	Wanted      Status = "wanted"
	Backfilling Status = "backfilling"
	Live        Status = "live"
	Refused     Status = "refused"
)

// Contract is the record of one contract.
type Contract struct {
	Address string
	Kind    Kind // empty until a transfer was seen
	Status  Status
	// Reason says why it is refused: "unusual" (its logs fit no standard), "too_large",
	// "disagrees" (the chain tells other balances), "no_contract".
	Reason string
	// Next is the first block of which nothing is settled, while Backfilling.
	Next uint64
	// First is where its backfill begins.
	First uint64
	// Events counts its transfers that are settled.
	Events uint64
}

// Key names a value: the amount of Token that Account holds of Contract, in decimal. For ERC721 and
// ERC20 Token is empty. With an empty Account it is the owner of an ERC721 Token.
type Key struct{ Contract, Account, Token string }

// Mark says of which state values are: that at the end of block Number. A greater Generation
// means that something that was settled has been taken back since.
type Mark struct {
	Generation int64
	Number     uint64
	Hash       string
}

// State is what is known of a chain. Everything live is settled through Base.
type State struct {
	Revision   int64
	Generation int64
	Base       nft.Block // the zero block at first
	Contracts  []Contract
}

// Step is one change of what is settled, made as a whole or not at all.
type Step struct {
	// Revision is that of the state it was made from; if it is not the store's any more, the
	// step is a fault.Conflict and changes nothing. A step makes it one greater.
	Revision int64
	// Base moves the base; nil leaves it.
	Base *nft.Block
	// Withdraw makes the generation greater by one.
	Withdraw bool
	// Drop removes all values of these contracts, before anything is added.
	Drop []string
	// Contracts are put in the place of those with their addresses.
	Contracts []Contract
	// Amounts are added to the values, Owners replace them.
	Amounts map[Key]*big.Int
	Owners  map[Key]string
}

// Store keeps what is settled: chain data, the same for every tenant. All methods are safe for
// concurrent use, also by several processes. Errors are fault.Unavailable, fault.Canceled, and what the
// methods say. Implementations pass indextest.RunStore.
type Store interface {
	// Load returns the state of a chain, its contracts sorted by address; that of an
	// unknown chain is the zero State.
	Load(ctx context.Context, chain string) (State, error)
	// Want adds contracts as Wanted. Those that are known stay as they are. It changes no revision.
	Want(ctx context.Context, chain string, contracts []string) error
	// Apply makes a step. When it returns nil the step survives a crash.
	Apply(ctx context.Context, chain string, s Step) error
	// Values returns the values of keys, empty for what has none, all of the state of the mark. It
	// is fault.Conflict when too many keys were asked for while the state changed.
	Values(ctx context.Context, chain string, keys []Key) (Mark, []string, error)
	// Sample returns up to limit keys of a contract, owners among them, other ones each time.
	Sample(ctx context.Context, chain, contract string, limit int) ([]Key, error)
}
