package nft

import (
	"encoding/json"
	"errors"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/rule"
)

// These operations take several reads of a chain. A verifier makes them all at the
// block of the Check, so that no answer mixes two states. Values are decimal.
const (
	// OpUnlockKey asks a lock of the Unlock Protocol: the second since 1970 at which the last
	// of Account's keys runs out (or ran out), 0 when it has none. The lock's own getHasValidKey
	// decides: where it says no, the value is not in the future of the block; where
	// it says yes for a reason that has no time, the value is NoEnd. With TokenID that key alone counts.
	OpUnlockKey Op = "unlock.key"
	// OpSubscription asks an ERC-5643 contract: the second at which TokenID runs out, 0 when Account does
	// not own it. Without TokenID it is the last one of Account's tokens, by ERC-721 Enumerable.
	OpSubscription Op = "erc5643.expiresAt"
	// OpRental asks an ERC-4907 contract: the second at which TokenID's rental runs out, 0 when Account is not its user.
	OpRental Op = "erc4907.userExpires"
	// OpTokens721 lists Account's tokens of an ERC-721 Enumerable with their URIs: what ParseTokens reads.
	OpTokens721 Op = "erc721.tokens"
	// The three below count what others have let Account act for, through the registry delegate.xyz v2,
	// and hold themselves: tokens of Contract (1 or 0 for TokenID), units of TokenID, units. A
	// delegation for one purpose only ("rights") does not count, nor one of a delegate.
	OpDelegated721  Op = "delegate.xyz/v2:erc721.balanceOf"
	OpDelegated1155 Op = "delegate.xyz/v2:erc1155.balanceOf"
	OpDelegated20   Op = "delegate.xyz/v2:erc20.balanceOf"
	// OpBound721 is 1 when TokenID of Contract is owned by the account (ERC-6551) of a token that Account owns, else 0.
	OpBound721 Op = "erc6551:erc721.ownerOf"
)

// NoEnd is the value of OpUnlockKey for a key without an end: 2^256 - 1.
const NoEnd = "115792089237316195423570985008687907853269984665640564039457584007913129639935"

// ErrNotEnumerable is the cause of an Answer.Err, of kind fault.Unsupported, where a contract does not tell
// which tokens an account has, so that only a rule that names tokens can be answered.
var ErrNotEnumerable = errors.New("the contract does not list an account's tokens (ERC-721 Enumerable)")

// ErrTooMany is the cause of an Answer.Err, of kind fault.TooLarge, where an account has more tokens, keys
// or delegations than are read.
var ErrTooMany = errors.New("there is more than is read")

// Token is one entry of OpTokens721.
type Token struct {
	ID  string `json:"id"`
	URI string `json:"uri"`
}

// FormatTokens returns the value of OpTokens721.
func FormatTokens(tokens []Token) string {
	if tokens == nil {
		tokens = []Token{}
	}
	b, _ := json.Marshal(tokens) // strings alone
	return string(b)
}

// ParseTokens reads the value of OpTokens721. Errors are fault.Corrupt.
func ParseTokens(value string) ([]Token, error) {
	var tokens []Token
	err := json.Unmarshal([]byte(value), &tokens)
	if err == nil && len(tokens) > rule.MaxIDs {
		err = ErrTooMany
	}
	return tokens, fault.Wrap(fault.Corrupt, "nft.ParseTokens", err)
}
