// Package pass lets a creator issue what a gate asks for: deploy a contract of passes and mint them to wallets. Each of the
// two is an Order, a record that outlives the process: it is stored before anything is sent, says at every moment
// how far the chain has it, and ends as confirmed or failed. The HTTP surface calls Service; drivers implement
// Ledger for a chain each, and Store for a database.
//
// An order has one effect on the chain. The client's key makes a repeated request the same order; the number (nonce) that an
// order holds is its own until the chain has used it up; what is signed is stored before it is sent; and the
// contracts take each order once. The package signs nothing itself and knows no chain.
package pass

import (
	"encoding/json"
	"time"

	"github.com/streamgate/streamgate/caip"
)

// Kind is what a pass is on its chain.
type Kind string

// The kinds.
const (
	ERC721       Kind = "erc721"
	ERC1155      Kind = "erc1155"      // the token id is the tier
	Subscription Kind = "subscription" // an ERC-721 that expires (ERC-5643)
	Token2022    Kind = "token2022"    // a mint of Solana's Token-2022 program
)

// Act is what an order does.
type Act string

// The acts.
const (
	Deploy Act = "deploy"
	Mint   Act = "mint"
	// Fill uses a number up that nothing else uses, so that later ones can go on. Nobody but the Service orders it.
	Fill Act = "fill"
)

// State is how far an order has come.
type State string

// The states. Confirmed and Failed are final.
const (
	// Created: nothing is signed yet. An order that the creator's own wallet signs waits here for its hash.
	Created State = "created"
	// Signed: what will be sent is stored.
	Signed State = "signed"
	// Sent: a node has taken it. An order that a reorganisation took out of the chain is sent again.
	Sent State = "sent"
	// Mined: it is in a block that a reorganisation may still remove.
	Mined State = "mined"
	// Replaced: another transaction has its number, in a block that may still be removed.
	Replaced State = "replaced"
	// Confirmed: it is done.
	Confirmed State = "confirmed"
	// Failed: it is not done and will not be; Reason says why.
	Failed State = "failed"
)

// Final tells that nothing more will happen.
func (s State) Final() bool { return s == Confirmed || s == Failed }

// Spec is what to deploy.
type Spec struct {
	Chain  caip.ChainID `json:"chain"`
	Kind   Kind         `json:"kind"`
	Name   string       `json:"name"`
	Symbol string       `json:"symbol"`
	// BaseURI is where metadata is: a token's is this and its id. For Token2022 it is the mint's metadata itself.
	BaseURI string `json:"base_uri,omitempty"`
	// MaxSupply is the most that can be minted (of each id, for ERC1155); 0 is no limit.
	MaxSupply uint64 `json:"max_supply,omitempty"`
	// Soulbound passes cannot be given away.
	Soulbound bool `json:"soulbound,omitempty"`
	// Revocable passes can be taken back by the issuer (Token2022's permanent delegate). Rules warn of such.
	Revocable bool `json:"revocable,omitempty"`
	// Authority is the address that owns the contract.
	Authority string `json:"authority,omitempty"`
	// Minter is the address that may mint beside the authority, empty for none.
	Minter string `json:"minter,omitempty"`
}

// Grant is what to mint.
type Grant struct {
	// To is the canonical address that receives.
	To string `json:"to"`
	// TokenID is the tier of an ERC1155.
	TokenID string `json:"token_id,omitempty"`
	// Amount is how many, for ERC1155 and Token2022.
	Amount uint64 `json:"amount,omitempty"`
	// Duration is how long a Subscription runs, in seconds.
	Duration uint64 `json:"duration,omitempty"`
}

// Attempt is one signed transaction of an order. Those of one order differ in their fees alone, or in what
// dates them, and share a number, so that the chain takes one.
type Attempt struct {
	Hash string `json:"hash"`
	// Raw is what was signed; empty when the creator's wallet keeps it.
	Raw []byte `json:"raw,omitempty"`
	// TipCap and FeeCap are its fees, decimal, in the chain's smallest unit.
	TipCap string    `json:"tip_cap,omitempty"`
	FeeCap string    `json:"fee_cap,omitempty"`
	At     time.Time `json:"at"`
	// Expires is the height after which the chain takes it no more; 0 is never.
	Expires uint64 `json:"expires,omitempty"`
}

// Block is where an order was mined.
type Block struct {
	Number uint64 `json:"number"`
	Hash   string `json:"hash"`
}

// Order is a record. It is the caller's copy.
type Order struct {
	ID     string `json:"id"`
	Tenant string `json:"tenant"`
	// Owner is the user who ordered it; empty for a Fill.
	Owner string `json:"owner"`
	// Key is the client's name for it: one order for each key of an owner.
	Key string `json:"key"`
	Act Act    `json:"act"`
	// Pass is the ID of the Deploy that a Mint belongs to; a Deploy's own.
	Pass  string       `json:"pass"`
	Chain caip.ChainID `json:"chain"`
	// Sender is the canonical address that signs and pays.
	Sender string `json:"sender"`
	// Wallet tells that the creator's own wallet signs, not the platform's signer.
	Wallet bool   `json:"wallet,omitempty"`
	Spec   *Spec  `json:"spec,omitempty"`
	Grant  *Grant `json:"grant,omitempty"`

	State State `json:"state"`
	// Reason says, to its owner, why an order failed or what it waits for.
	Reason string `json:"reason,omitempty"`
	// Nonce is the number it holds among those of Sender, nil while it has none.
	Nonce *uint64 `json:"nonce,omitempty"`
	// Void tells that the number is used up by nothing, since the order turned out to be impossible.
	Void bool `json:"void,omitempty"`
	// Attempts are what was signed under Nonce, oldest first.
	Attempts []Attempt `json:"attempts,omitempty"`
	// Past are hashes that can never be mined.
	Past []string `json:"past,omitempty"`
	// Gas is the limit that all attempts have.
	Gas uint64 `json:"gas,omitempty"`
	// To and Data are what is called; an empty To creates a contract.
	To   string `json:"call_to,omitempty"`
	Data []byte `json:"call_data,omitempty"`

	// Contract is the address of the pass: known once an order is signed, there once it is mined.
	Contract string `json:"contract,omitempty"`
	// TokenID is what was minted, once it is mined.
	TokenID string `json:"token_id,omitempty"`
	// Hash and Block are the attempt that was mined, and where.
	Hash  string `json:"hash,omitempty"`
	Block *Block `json:"block,omitempty"`
	// Reorgs counts how often a reorganisation took it out of the chain.
	Reorgs    int       `json:"reorgs,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Working tells whether the Service has something to do for it. An order that waits for a wallet is the wallet's.
func (o *Order) Working() bool {
	return !o.State.Final() && (!o.Wallet || len(o.Attempts) > 0)
}

// Deployed tells whether the contract of a Deploy is on the chain, finally or not.
func (o *Order) Deployed() bool {
	return o.Act == Deploy && o.Contract != "" && (o.State == Mined && o.Reason == "" || o.State == Confirmed)
}

// Last returns the newest attempt, or nil.
func (o *Order) Last() *Attempt {
	if len(o.Attempts) == 0 {
		return nil
	}
	return &o.Attempts[len(o.Attempts)-1]
}

// Asset returns the CAIP-19 name of the passes of a Deploy, of the tier "1" for ERC1155. It is empty until Deployed.
func (o *Order) Asset() string {
	if !o.Deployed() {
		return ""
	}
	id := caip.AssetID{Chain: o.Chain, Standard: "erc721", Reference: o.Contract}
	switch o.Spec.Kind {
	case ERC1155:
		id.Standard, id.Token = "erc1155", "1"
	case Token2022:
		id.Standard = "token"
	}
	return id.String()
}

// Rule returns the GR/1 rule "holds this pass", ready to be a gate. It is nil until Deployed.
func (o *Order) Rule() json.RawMessage {
	asset := o.Asset()
	if asset == "" {
		return nil
	}
	leaf := map[string]string{"hold": asset}
	switch o.Spec.Kind {
	case Subscription:
		leaf = map[string]string{"key": asset, "check": "erc5643"}
	case Token2022:
		leaf = map[string]string{"sol": asset}
	}
	b, _ := json.Marshal(map[string]any{"gr": 1, "when": leaf}) // strings always marshal
	return b
}
