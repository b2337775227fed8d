// Package caip holds the chain-agnostic identifiers StreamGate names everything
// by: chains (CAIP-2), accounts (CAIP-10) and assets (CAIP-19).
//
// There is one canonical spelling of each. Parsing accepts what people paste
// (EIP-55 mixed case, chain aliases) and yields the canonical form, so that two
// equal identifiers are equal strings: eip155 addresses are lower case, a
// mixed-case address must carry a right EIP-55 checksum, token ids are decimal.
package caip

import (
	"encoding/hex"
	"math/big"
	"regexp"
	"strings"

	"golang.org/x/crypto/sha3"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/base58"
)

// ChainID is a CAIP-2 chain identifier such as eip155:1.
type ChainID struct {
	Namespace string // eip155, solana
	Reference string // 1, 5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp
}

// AccountID is a CAIP-10 account: an address on a chain.
type AccountID struct {
	Chain   ChainID
	Address string
}

// AssetID is a CAIP-19 asset type, or one asset when Token is set.
type AssetID struct {
	Chain     ChainID
	Standard  string // erc721, erc1155, erc20, token
	Reference string // contract or mint address, canonical
	Token     string // decimal token id; empty means the whole collection
}

// String returns the canonical CAIP-2 spelling.
func (c ChainID) String() string { return c.Namespace + ":" + c.Reference }

// IsZero reports whether c names no chain.
func (c ChainID) IsZero() bool { return c == ChainID{} }

// String returns the canonical CAIP-10 spelling.
func (a AccountID) String() string { return a.Chain.String() + ":" + a.Address }

// IsZero reports whether a names no account.
func (a AccountID) IsZero() bool { return a == AccountID{} }

// String returns the canonical CAIP-19 spelling.
func (a AssetID) String() string {
	s := a.Chain.String() + "/" + a.Standard + ":" + a.Reference
	if a.Token != "" {
		s += "/" + a.Token
	}
	return s
}

// MarshalText returns the canonical spelling; it never fails.
func (c ChainID) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText parses like ParseChainID.
func (c *ChainID) UnmarshalText(b []byte) (err error) {
	*c, err = ParseChainID(string(b))
	return err
}

// MarshalText returns the canonical spelling, or nothing for the zero account.
func (a AccountID) MarshalText() ([]byte, error) {
	if a.IsZero() {
		return nil, nil
	}
	return []byte(a.String()), nil
}

// UnmarshalText parses like ParseAccountID; empty text is the zero account.
func (a *AccountID) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*a = AccountID{}
		return nil
	}
	*a, err = ParseAccountID(string(b))
	return err
}

// MarshalText returns the canonical spelling, or nothing for the zero asset.
func (a AssetID) MarshalText() ([]byte, error) {
	if a == (AssetID{}) {
		return nil, nil
	}
	return []byte(a.String()), nil
}

// UnmarshalText parses like ParseAssetID; empty text is the zero asset.
func (a *AssetID) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*a = AssetID{}
		return nil
	}
	*a, err = ParseAssetID(string(b))
	return err
}

var (
	namespaceRE = regexp.MustCompile(`^[-a-z0-9]{3,8}$`)
	referenceRE = regexp.MustCompile(`^[-_a-zA-Z0-9]{1,32}$`)
	evmChainRE  = regexp.MustCompile(`^[1-9][0-9]{0,31}$`)
	standardRE  = regexp.MustCompile(`^[-a-z0-9]{3,8}$`)
	assetRefRE  = regexp.MustCompile(`^[-.%a-zA-Z0-9]{1,128}$`)
	decimalRE   = regexp.MustCompile(`^(0|[1-9][0-9]{0,77})$`)
)

// solanaGenesis maps the names people use to the CAIP-2 references, which are
// the first 32 characters of the genesis hash.
func solanaGenesis(ref string) string {
	switch ref {
	case "mainnet", "mainnet-beta", "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d":
		return "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"
	case "devnet", "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG":
		return "EtWTRABZaYq6iMfeYKouRu166VU2xqa1"
	case "testnet", "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3zQawwpjk2NsNY":
		return "4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z"
	}
	return ref
}

func bad(what, s, fix string) error {
	if len(s) > 80 {
		s = s[:80] + "..."
	}
	return fault.Newf(fault.Invalid, "caip.Parse", "%q is not a valid %s: %s", s, what, fix)
}

// ParseChainID parses a CAIP-2 chain identifier. Errors are fault.Invalid.
func ParseChainID(s string) (ChainID, error) {
	ns, ref, ok := strings.Cut(s, ":")
	if !ok || !namespaceRE.MatchString(ns) || ref == "" || strings.Contains(ref, ":") {
		return ChainID{}, bad("CAIP-2 chain", s, "write namespace:reference, such as eip155:1")
	}
	switch ns {
	case "eip155":
		if ref == "mainnet" {
			ref = "1"
		}
		if !evmChainRE.MatchString(ref) {
			return ChainID{}, bad("CAIP-2 chain", s, "the eip155 reference is a decimal chain id without leading zeros")
		}
	case "solana":
		ref = solanaGenesis(ref)
	}
	if !referenceRE.MatchString(ref) {
		return ChainID{}, bad("CAIP-2 chain", s, "the reference has 1 to 32 of the characters -_a-zA-Z0-9")
	}
	return ChainID{ns, ref}, nil
}

// ParseAccountID parses a CAIP-10 account. Errors are fault.Invalid.
func ParseAccountID(s string) (AccountID, error) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return AccountID{}, bad("CAIP-10 account", s, "write chain:address, such as eip155:1:0xab16...")
	}
	chain, err := ParseChainID(s[:i])
	if err != nil {
		return AccountID{}, err
	}
	addr, err := canonicalAddress(chain, s[i+1:])
	if err != nil {
		return AccountID{}, err
	}
	return AccountID{chain, addr}, nil
}

// ParseAssetID parses a CAIP-19 asset type or asset. Errors are fault.Invalid.
func ParseAssetID(s string) (AssetID, error) {
	const what = "CAIP-19 asset"
	parts := strings.Split(s, "/")
	if len(parts) < 2 || len(parts) > 3 {
		return AssetID{}, bad(what, s, "write chain/standard:contract[/token], such as eip155:1/erc721:0xbc4c.../7")
	}
	chain, err := ParseChainID(parts[0])
	if err != nil {
		return AssetID{}, err
	}
	std, ref, ok := strings.Cut(parts[1], ":")
	if !ok || !standardRE.MatchString(std) || !assetRefRE.MatchString(ref) {
		return AssetID{}, bad(what, s, "the middle part is standard:contract")
	}
	if ref, err = canonicalAddress(chain, ref); err != nil {
		return AssetID{}, err
	}
	id := AssetID{Chain: chain, Standard: std, Reference: ref}
	if len(parts) == 3 {
		if id.Token = parts[2]; !ValidTokenID(id.Token) && chain.Namespace == "eip155" {
			return AssetID{}, bad(what, s, "the token id is a decimal number without leading zeros, below 2^256")
		}
		if !assetRefRE.MatchString(id.Token) {
			return AssetID{}, bad(what, s, "the token id has 1 to 128 of the characters -.%a-zA-Z0-9")
		}
	}
	return id, nil
}

// ValidTokenID reports whether s is a canonical decimal uint256.
func ValidTokenID(s string) bool {
	if !decimalRE.MatchString(s) {
		return false
	}
	n, ok := new(big.Int).SetString(s, 10)
	return ok && n.BitLen() <= 256
}

func canonicalAddress(c ChainID, addr string) (string, error) {
	switch c.Namespace {
	case "eip155":
		return ParseEVMAddress(addr)
	case "solana":
		if _, ok := base58.Decode(addr, 32); !ok {
			return "", bad("Solana address", addr, "write the base58 spelling of 32 bytes, 32 to 44 characters")
		}
	default:
		if !assetRefRE.MatchString(addr) {
			return "", bad("address", addr, "use 1 to 128 of the characters -.%a-zA-Z0-9")
		}
	}
	return addr, nil
}

// ParseEVMAddress returns the canonical lower-case form of a 0x address. All
// lower or all upper case hex is taken as it is; mixed case must match EIP-55.
func ParseEVMAddress(s string) (string, error) {
	const what = "EVM address"
	if len(s) != 42 || s[:2] != "0x" {
		return "", bad(what, s, "write 0x and 40 hexadecimal digits")
	}
	if _, err := hex.DecodeString(s[2:]); err != nil {
		return "", bad(what, s, "write 0x and 40 hexadecimal digits")
	}
	low := strings.ToLower(s[2:])
	if s[2:] != low && s[2:] != strings.ToUpper(s[2:]) && ChecksumEVM("0x"+low) != s {
		return "", bad(what, s, "its EIP-55 checksum is wrong, so a character is mistyped")
	}
	return "0x" + low, nil
}

// ChecksumEVM returns the EIP-55 mixed-case spelling of a canonical address.
func ChecksumEVM(lower string) string {
	h := sha3.NewLegacyKeccak256()
	h.Write([]byte(lower[2:]))
	sum := h.Sum(nil)
	out := []byte(lower)
	for i := 2; i < len(out); i++ {
		nibble := sum[(i-2)/2] >> 4
		if i%2 == 1 {
			nibble = sum[(i-2)/2] & 0xf
		}
		if out[i] >= 'a' && out[i] <= 'f' && nibble >= 8 {
			out[i] -= 'a' - 'A'
		}
	}
	return string(out)
}
