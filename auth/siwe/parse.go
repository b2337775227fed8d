package siwe

import (
	"strconv"
	"strings"

	"github.com/streamgate/streamgate/auth/internal/abnf"
	"github.com/streamgate/streamgate/caip"
)

// Parse reads one message by the ABNF of ERC-4361. Lines end in LF alone,
// bytes outside printable ASCII are refused, and so is every line, field order or
// spelling the grammar does not name. Beyond the grammar, the address must be in
// EIP-55 spelling, the domain must not be empty and the chain id has no leading
// zero. Errors are fault.Invalid and name the line and what belongs there; more than
// MaxMessage bytes are fault.TooLarge.
func Parse(b []byte) (*Message, error) {
	return abnf.Read("siwe.Parse", "send an ERC-4361 message, unchanged", b, parseLines)
}

func parseLines(p *abnf.Lines) *Message {
	m := &Message{}
	domain, ok := strings.CutSuffix(p.Next(), headline)
	if scheme, rest, has := strings.Cut(domain, "://"); has {
		m.Scheme, domain = scheme, rest
		ok = ok && abnf.IsScheme(scheme)
	}
	if m.Domain = domain; !ok || !abnf.IsAuthority(domain) || abnf.HostOf(domain) == "" {
		p.Fail("a domain and " + strconv.Quote(headline))
	}
	if m.Address = p.Next(); !isChecksummed(m.Address) {
		p.Fail("an address in EIP-55 spelling")
	}
	p.Empty()
	if m.Statement = p.Next(); m.Statement != "" {
		if !abnf.IsStatement(m.Statement) {
			p.Fail("an empty line or a statement of URI characters and spaces")
		}
		p.Empty()
	}
	m.URI = p.Field(abnf.TagURI, "an absolute URI", abnf.IsURI)
	p.Field(abnf.TagVersion, "1", func(s string) bool { return s == "1" })
	m.ChainID = p.Field(abnf.TagChainID, "a decimal chain id", isChainID)
	m.Nonce = p.Field(abnf.TagNonce, "8 or more letters and digits", abnf.IsNonce)
	m.IssuedAt = p.Timestamp(abnf.TagIssuedAt)
	if p.Has(abnf.TagExpires) {
		m.ExpirationTime = p.Timestamp(abnf.TagExpires)
	}
	if p.Has(abnf.TagNotBefore) {
		m.NotBefore = p.Timestamp(abnf.TagNotBefore)
	}
	m.RequestID, m.Resources = p.Tail()
	return m
}

func isChecksummed(s string) bool {
	low, err := caip.ParseEVMAddress(s)
	return err == nil && caip.ChecksumEVM(low) == s
}

func isChainID(s string) bool {
	_, err := caip.ParseChainID("eip155:" + s)
	return err == nil && s[0] >= '0' && s[0] <= '9'
}
