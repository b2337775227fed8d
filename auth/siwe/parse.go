package siwe

import (
	"strconv"
	"strings"

	"github.com/streamgate/streamgate/auth/internal/abnf"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
)

// Parse reads one message by the ABNF of ERC-4361. Lines end in LF alone,
// bytes outside printable ASCII are refused, and so is every line, field order or
// spelling the grammar does not name. Beyond the grammar, the address must be in
// EIP-55 spelling, the domain must not be empty and the chain id has no leading
// zero. Errors are fault.Invalid and name the line and what belongs there; more than
// MaxMessage bytes are fault.TooLarge.
func Parse(b []byte) (*Message, error) {
	const op = "siwe.Parse"
	if len(b) > MaxMessage {
		return nil, fault.Newf(fault.TooLarge, op, "a sign-in message has at most %d bytes", MaxMessage).With("/message", "too long")
	}
	if i := abnf.Unprintable(b); i >= 0 {
		return nil, fault.Newf(fault.Invalid, op, "byte %d of the message is not printable ASCII or a line feed", i).
			With("/message", "send the bytes the wallet signed, unchanged")
	}
	p := abnf.NewLines(string(b))
	m := parseLines(p)
	if want, line := p.Bad(); want != "" {
		return nil, fault.Newf(fault.Invalid, op, "line %d of the message: want %s", line, want).
			With("/message", "send an ERC-4361 message, unchanged")
	}
	if m.String() != string(b) {
		// The reader and the writer disagree about what these bytes say, so neither is believed.
		return nil, fault.New(fault.Invalid, op, "the message has a second reading").With("/message", "send an ERC-4361 message, unchanged")
	}
	return m, nil
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
	m.URI = p.Field(tagURI, "an absolute URI", abnf.IsURI)
	p.Field(tagVersion, "1", func(s string) bool { return s == "1" })
	m.ChainID = p.Field(tagChainID, "a decimal chain id", isChainID)
	m.Nonce = p.Field(tagNonce, "8 or more letters and digits", abnf.IsNonce)
	m.IssuedAt = p.Timestamp(tagIssuedAt)
	if p.Has(tagExpires) {
		m.ExpirationTime = p.Timestamp(tagExpires)
	}
	if p.Has(tagNotBefore) {
		m.NotBefore = p.Timestamp(tagNotBefore)
	}
	m.RequestID, m.Resources = p.Tail(tagRequestID, tagResources, tagResource)
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
