// Package nft answers one question: may this wallet pass this rule, now? It
// holds the rule evaluation (three-valued), the Decider with its cache, and
// Verifier, the interface by which a chain is asked. The rule language itself
// is nft/rule. It never talks to a network: drivers/evm and drivers/solana do.
package nft

import (
	"context"
	"errors"
	"math/big"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
)

// Outcome is a three-valued answer (Kleene). A gate opens on Yes alone.
type Outcome int8

// The outcomes. The zero value is Unknown, so that a forgotten answer is not an answer.
const (
	Unknown Outcome = 0
	No      Outcome = 1
	Yes     Outcome = 2
)

// String returns "yes", "no" or "unknown".
func (o Outcome) String() string { return [...]string{"unknown", "no", "yes"}[o] }

// MarshalText returns String.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (o *Outcome) UnmarshalText(b []byte) error {
	for _, known := range []Outcome{Unknown, No, Yes} {
		if known.String() == string(b) {
			*o = known
			return nil
		}
	}
	return fault.Newf(fault.Invalid, "nft.Outcome", "%q is not yes, no or unknown", b)
}

// Block identifies the state an answer was read at.
type Block struct {
	Number uint64 `json:"number"`
	// Hash is 0x hex in lower case on eip155. On solana Number is the slot and Hash its
	// blockhash, or "slot:" and the number when the provider moved on before saying it.
	Hash string    `json:"hash"`
	Time time.Time `json:"time"`
}

// Finality says how settled a block must be.
type Finality struct {
	// Tag is "latest", "safe" or "finalized"; empty with Confirmations > 0
	// means that many blocks below the head (1 is the head itself).
	Tag           string
	Confirmations uint64
}

// Op names what a Query reads.
type Op string

// The operations of this version.
const (
	OpBalance721  Op = "erc721.balanceOf"  // value: decimal count held by Account
	OpOwner721    Op = "erc721.ownerOf"    // value: lower-case owner address, "" when the token does not exist
	OpBalance1155 Op = "erc1155.balanceOf" // value: decimal count of TokenID held by Account
	OpBalance20   Op = "erc20.balanceOf"   // value: decimal units held by Account
	OpCall        Op = "call"              // value: see Call

	// The three below count on Solana. Value is decimal: base units of the mint
	// Contract (1 for a Metaplex Core asset), or tokens of the collection or creator
	// Contract, that Account holds in a state Query.Sol allows.
	OpSolMint       Op = "sol.mint"
	OpSolCollection Op = "sol.collection"
	OpSolCreator    Op = "sol.creator"
)

// Query is one read of one chain. Addresses are canonical (caip).
type Query struct {
	Op       Op
	Contract string
	Account  string
	TokenID  string // decimal
	Call     *Call  // for OpCall
	Sol      SolQuery
}

// SolQuery says what counts in the Solana operations. The zero value is the strictest.
type SolQuery struct {
	// Unverified also counts tokens that merely claim the collection or creator.
	Unverified bool
	// Frozen and Delegated also count tokens in accounts of that state.
	Frozen, Delegated bool
	// Compressed also counts compressed tokens (Bubblegum). A verifier that cannot prove whether there are any
	// answers with an error: fault.Unsupported with ErrCompressed when it reads none, fault.Conflict when it is told of
	// some that the chain does not prove. Enough tokens of other kinds are an answer all the same.
	Compressed bool
	// Enough, when not 0, lets the verifier stop counting there: a larger amount is answered as Enough.
	Enough uint64
}

// ErrCompressed is the cause of a verifier's error that it reads no compressed tokens.
var ErrCompressed = errors.New("compressed tokens are not read here")

// Call is a read-only contract call.
type Call struct {
	// Fn is the Solidity signature with return type, "tierOf(address)(uint8)".
	Fn string
	// Args are literals in Solidity notation, or ":account" for Query.Account.
	Args []string
}

// Answer is the reply to a Query. Exactly one of Value and Err says something.
type Answer struct {
	// Value is a decimal integer, a lower-case address, "true"/"false", a
	// string, or 0x hex bytes, by the type read.
	Value string
	// Int is Value as an integer where it is one.
	Int *big.Int
	// Note is what a reader of the value should know, such as "permanent delegate";
	// it decides nothing.
	Note string
	// Err is why this one query has no answer (a revert, a bad reply). Its kind
	// is fault.Unsupported when the contract does not have the function.
	Err error
}

// Reply is what Check returns: the answers in order, all read at Block.
type Reply struct {
	Answers []Answer
	Block   Block
	// Calls is the number of requests made to the provider.
	Calls int
}

// Change is one thing a Watch saw.
type Change struct {
	Block Block
	// Contract is the token contract, and Accounts those whose holding may have
	// changed. Both are empty for a bare new head.
	Contract string
	Accounts []string
	// Removed means the block was reorganised away: earlier answers about
	// Accounts are void.
	Removed bool
	// Gap means changes may have been missed (a lost connection, a deep
	// reorganisation): every cached answer of this chain is void.
	Gap bool
}

// Verifier answers questions about one chain. All methods are safe for
// concurrent use. Failure to learn an answer is an error of kind
// fault.Unavailable, never a false Value. Implementations pass nfttest.Run.
type Verifier interface {
	// Chain is the chain asked. The implementation has checked that its
	// provider really serves it.
	Chain() caip.ChainID
	// Check answers all queries at one block of the wanted finality. A chain whose
	// nodes keep no past states (Solana) knows the three tags alone, and more than one
	// confirmation is fault.Unsupported there.
	Check(ctx context.Context, at Finality, queries []Query) (Reply, error)
	// Watch calls fn, from one goroutine and in order, for every new head and
	// every transfer of the contracts, until ctx ends. contracts is called
	// again at each head, so the set may grow. It reconnects by itself and
	// reports a Gap when it may have missed something. A verifier whose chain has no
	// log of transfers (Solana) tells heads alone; the Decider asks anew at each.
	Watch(ctx context.Context, contracts func() []string, fn func(Change)) error
	// Head returns the newest block.
	Head(ctx context.Context) (Block, error)
}

// Subject is who is asked about.
type Subject struct {
	Tenant string
	// Accounts are the wallets that count, the signing one first.
	Accounts []caip.AccountID
	// Roles are the tenant roles of the user, for the "role" leaf.
	Roles []string
}

// Decision is an answer with its evidence.
type Decision struct {
	Outcome Outcome `json:"outcome"`
	// Reason is a stable code. Yes: "allowed". No: "not_held", "no_account" (no
	// wallet of that kind of chain), "not_account", "not_listed", "too_early",
	// "expired", "key_expired", "no_role", "block_failed", "call_failed", "excluded" (a "not"
	// was hit), "revoked_at_head", "not_final". Unknown: "unsupported", "no_verifier",
	// "chain_unavailable", "chain_timeout", "chain_lagging", "bad_reply", "not_a_contract",
	// "not_enumerable", "too_many", "metadata_unavailable", "bad_proof", "not_proven" (told, but the chain does not prove it), "read_failed",
	// "list_unavailable", "no_rule", "over_budget".
	Reason string `json:"reason"`
	// Message says the same as one English sentence for the viewer.
	Message string `json:"message"`
	RuleID  string `json:"rule_id"`
	// At is when it was made, ValidUntil when it must be asked again.
	At         time.Time `json:"at"`
	ValidUntil time.Time `json:"valid_until"`
	// Explain mirrors the rule's tree; nil for a rule-less asset.
	Explain *Node `json:"explain,omitempty"`
	// HowTo lists the smallest changes that would turn No into Yes; each is one
	// sentence, and any one of them is enough. Empty when nothing helps.
	HowTo []string `json:"how_to,omitempty"`
	// Cached tells that the answer came from the cache.
	Cached bool `json:"cached"`

	// pending means the settled state and the head disagree, so that a new head
	// alone may change the outcome.
	pending bool
	// heads is the hash of the newest block of each chain that was read.
	heads map[string]string
}

// Node explains one node of a rule. The reason "not_needed" marks a leaf that was
// not read since others had decided.
type Node struct {
	// Pointer is the JSON pointer of the node in the rule.
	Pointer  string  `json:"pointer"`
	ID       string  `json:"id,omitempty"`
	Kind     string  `json:"kind"` // all, any, atLeast, not, hold, is, ...
	Outcome  Outcome `json:"outcome"`
	Reason   string  `json:"reason"`
	Sentence string  `json:"sentence"`
	// Observed is the value read, Wanted what the rule asks for.
	Observed string  `json:"observed,omitempty"`
	Wanted   string  `json:"wanted,omitempty"`
	Chain    string  `json:"chain,omitempty"`
	Block    *Block  `json:"block,omitempty"`
	Finality string  `json:"finality,omitempty"`
	Children []*Node `json:"children,omitempty"`
}
