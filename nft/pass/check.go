package pass

import (
	"fmt"
	"math/big"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
)

// The bounds of what a creator writes.
const (
	maxName     = 64
	maxURI      = 512
	maxSupply   = 1 << 53 // what JSON numbers hold
	maxAmount   = 1_000_000
	minDuration = 60
	maxDuration = 10 * 366 * 24 * 3600
)

var symbolRE = regexp.MustCompile(`^[A-Za-z0-9$._-]{1,16}$`)

// check bounds what the creator wrote and makes addresses canonical. Errors are fault.Invalid with a field each.
func (s *Spec) check(f Facts) error {
	bad := fault.New(fault.Invalid, "pass.Create", "The pass has members that must be changed.")
	if !slices.Contains(f.Kinds, s.Kind) {
		bad.With("/kind", "this chain has "+kindsOf(f.Kinds))
	}
	s.Name = strings.TrimSpace(s.Name)
	if n := utf8.RuneCountInString(s.Name); n == 0 || n > maxName || !printable(s.Name) {
		bad.With("/name", fmt.Sprintf("1 to %d characters on one line", maxName))
	}
	if !symbolRE.MatchString(s.Symbol) {
		bad.With("/symbol", "1 to 16 letters, digits or $._-")
	}
	if !goodURI(s.BaseURI) {
		bad.With("/base_uri", fmt.Sprintf("an https, ipfs or ar address of at most %d bytes, or nothing", maxURI))
	}
	if s.MaxSupply > maxSupply {
		bad.With("/max_supply", "a number up to 2^53, or 0 for no limit")
	}
	if s.Revocable && s.Kind != Token2022 {
		bad.With("/revocable", "for token2022 only")
	}
	for name, p := range map[string]*string{"/owner": &s.Authority, "/minter": &s.Minter} {
		if *p == "" {
			continue
		}
		id, err := caip.ParseAccountID(f.Chain.String() + ":" + *p)
		if err != nil || zero(id.Address) {
			bad.With(name, "an address of "+f.Chain.String())
			continue
		}
		*p = id.Address
	}
	if len(bad.Fields) > 0 {
		slices.SortFunc(bad.Fields, func(a, b fault.Field) int { return strings.Compare(a.Pointer, b.Pointer) })
		return bad
	}
	return nil
}

// check bounds a mint of the pass s and fills in what is left out.
func (g *Grant) check(s *Spec, chain caip.ChainID) error {
	bad := fault.New(fault.Invalid, "pass.Mint", "The mint has members that must be changed.")
	id, err := caip.ParseAccountID(chain.String() + ":" + g.To)
	if err != nil || zero(id.Address) {
		bad.With("/to", "an address of "+chain.String())
	}
	g.To = id.Address
	if s.Kind == ERC1155 {
		if g.TokenID == "" {
			g.TokenID = "1"
		}
		if n, ok := new(big.Int).SetString(g.TokenID, 10); !ok || n.Sign() < 0 || n.BitLen() > 256 || n.String() != g.TokenID {
			bad.With("/token_id", "a decimal number without leading zeros")
		}
	} else if g.TokenID != "" {
		bad.With("/token_id", "for erc1155 only: other passes number their tokens themselves")
	}
	switch s.Kind {
	case ERC1155, Token2022:
		if g.Amount == 0 {
			g.Amount = 1
		}
		if g.Amount > maxAmount {
			bad.With("/amount", fmt.Sprintf("1 to %d", maxAmount))
		}
	default:
		if g.Amount > 1 {
			bad.With("/amount", "this kind of pass is minted one at a time")
		}
		g.Amount = 0
	}
	switch {
	case s.Kind == Subscription && (g.Duration < minDuration || g.Duration > maxDuration):
		bad.With("/duration", fmt.Sprintf("%d to %d seconds", minDuration, maxDuration))
	case s.Kind != Subscription && g.Duration != 0:
		bad.With("/duration", "for subscription only")
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

func kindsOf(kinds []Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}

func printable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

func goodURI(s string) bool {
	if s == "" {
		return true
	}
	u, err := url.Parse(s)
	if err != nil || len(s) > maxURI || !printable(s) || u.Host == "" || u.User != nil {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "ipfs" || u.Scheme == "ar"
}

// zero tells whether an address is the one that nobody has.
func zero(address string) bool {
	return strings.Trim(address, "0x") == "" || strings.Trim(address, "1") == ""
}
