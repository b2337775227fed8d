package pass

import (
	"context"
	"time"

	"github.com/streamgate/streamgate/caip"
)

// Facts are what a Ledger says of itself. They do not change.
type Facts struct {
	Chain caip.ChainID
	// Kinds are what can be deployed.
	Kinds []Kind
	// Signer is the canonical address of the platform's signer; empty when there is none and the creator's
	// wallet alone can sign.
	Signer string
	// Wallet tells that a creator's own wallet can sign (Draft makes sense for it).
	Wallet bool
	// Numbered tells that a sender's transactions are numbered, each number for one, without gaps.
	Numbered bool
	// Patience is how long an attempt may wait before one with higher fees replaces it; 0 replaces none.
	Patience time.Duration
}

// Draft is a transaction before it is signed.
type Draft struct {
	From  string `json:"from"`
	To    string `json:"to,omitempty"`
	Data  []byte `json:"-"`
	Value string `json:"value"` // decimal
	Gas   uint64 `json:"gas"`
	// TipCap and FeeCap are decimal, in the chain's smallest unit.
	TipCap string `json:"tip_cap"`
	FeeCap string `json:"fee_cap"`
	// Base is the lowest number that the sender's next transaction can have.
	Base uint64 `json:"-"`
}

// Fate is what has become of an order on the chain.
type Fate string

// The fates.
const (
	// Unseen: the node knows none of the attempts.
	Unseen Fate = "unseen"
	// Pending: the node has one in its pool.
	Pending Fate = "pending"
	// Landed: one is in a block.
	Landed Fate = "landed"
	// Displaced: no attempt can be mined any more, since another transaction used the number or time ran out.
	Displaced Fate = "displaced"
	// Foreign: the hash that was given names another transaction than the order's.
	Foreign Fate = "foreign"
)

// Sighting is the answer to Look.
type Sighting struct {
	Fate Fate
	// Final tells that Landed or Displaced will not change any more.
	Final bool
	// Hash and Block are the transaction that landed: one of the attempts, or one that a wallet made in its place
	// and that does the same.
	Hash  string
	Block Block
	// OK tells that it did what it should; Reason says why not.
	OK     bool
	Reason string
	// Contract is the address of what a Deploy put on the chain, TokenID what a Mint minted.
	Contract, TokenID string
	// Nonce is the number of the attempt, when the node told it.
	Nonce *uint64
	// Next is the number that the chain expects next of the sender.
	Next uint64
}

// Ledger is one chain to issue on. All methods are safe for concurrent use. A node that does not answer is
// fault.Unavailable, an ended context fault.Canceled.
type Ledger interface {
	Facts() Facts
	// Draft returns the transaction of o, whose pass is p (nil for a Deploy and a Fill). The fees of an order with attempts are
	// enough to replace the last one; To, Data and Gas of such an order stay. A Void order and a Fill use their number up and
	// do nothing. A transaction that the chain would refuse is fault.Conflict with the reason as its public message; fees
	// above the limit, and a sender that cannot pay, are fault.Unavailable with a public message.
	Draft(ctx context.Context, o Order, p *Order) (Draft, error)
	// Sign signs d as the platform's signer under o.Nonce, and sends nothing. The second result is the contract that
	// a Deploy will make, as far as it is known.
	Sign(ctx context.Context, o Order, d Draft) (Attempt, string, error)
	// Send gives a signed transaction to the node. One that the node has already is no error.
	Send(ctx context.Context, raw []byte) error
	// Look tells what has become of an order that has attempts.
	Look(ctx context.Context, o Order) (Sighting, error)
}
