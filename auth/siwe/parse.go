package siwe

import (
	"bytes"
	"strconv"
	"strings"
	"time"

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
	if i := bytes.IndexFunc(b, func(r rune) bool { return r != '\n' && (r < ' ' || r > '~') }); i >= 0 {
		return nil, fault.Newf(fault.Invalid, op, "byte %d of the message is not printable ASCII or a line feed", i).
			With("/message", "send the bytes the wallet signed, unchanged")
	}
	p := &parser{lines: strings.Split(string(b), "\n")}
	m := p.message()
	if p.bad != "" {
		return nil, fault.Newf(fault.Invalid, op, "line %d of the message: want %s", p.badLine, p.bad).
			With("/message", "send an ERC-4361 message, unchanged")
	}
	return m, nil
}

// parser walks the lines and remembers the first thing that was wrong.
type parser struct {
	lines   []string
	at      int
	bad     string
	badLine int
}

func (p *parser) fail(want string) {
	if p.bad == "" {
		p.bad, p.badLine = want, p.at
	}
}

// next consumes a line; past the end it yields what no rule accepts.
func (p *parser) next() string {
	p.at++
	if p.at > len(p.lines) {
		return "\n"
	}
	return p.lines[p.at-1]
}

// field consumes a line that must be tag and a value valid approves of.
func (p *parser) field(tag, what string, valid func(string) bool) string {
	v, ok := strings.CutPrefix(p.next(), tag)
	if !ok || !valid(v) {
		p.fail(strconv.Quote(tag) + " and " + what)
	}
	return v
}

// has reports whether the next line starts with tag.
func (p *parser) has(tag string) bool {
	return p.at < len(p.lines) && strings.HasPrefix(p.lines[p.at], tag)
}

func (p *parser) empty() {
	if p.next() != "" {
		p.fail("an empty line")
	}
}

func (p *parser) message() *Message {
	m := &Message{}
	domain, ok := strings.CutSuffix(p.next(), headline)
	if scheme, rest, has := strings.Cut(domain, "://"); has {
		m.Scheme, domain = scheme, rest
		ok = ok && isScheme(scheme)
	}
	if m.Domain = domain; !ok || !isAuthority(domain) || hostOf(domain) == "" {
		p.fail("a domain and " + strconv.Quote(headline))
	}
	if m.Address = p.next(); !isChecksummed(m.Address) {
		p.fail("an address in EIP-55 spelling")
	}
	p.empty()
	if m.Statement = p.next(); m.Statement != "" {
		if !isStatement(m.Statement) {
			p.fail("an empty line or a statement of URI characters and spaces")
		}
		p.empty()
	}
	m.URI = p.field(tagURI, "an absolute URI", isURI)
	p.field(tagVersion, "1", func(s string) bool { return s == "1" })
	m.ChainID = p.field(tagChainID, "a decimal chain id", isChainID)
	m.Nonce = p.field(tagNonce, "8 or more letters and digits", isNonce)
	m.IssuedAt = p.timestamp(tagIssuedAt)
	if p.has(tagExpires) {
		m.ExpirationTime = p.timestamp(tagExpires)
	}
	if p.has(tagNotBefore) {
		m.NotBefore = p.timestamp(tagNotBefore)
	}
	if p.has(tagRequestID) {
		id := p.field(tagRequestID, "RFC 3986 path characters", func(s string) bool { return only(s, isPchar) })
		m.RequestID = &id
	}
	if p.has(tagResources) {
		p.resources(m)
	}
	if p.at < len(p.lines) {
		p.at++
		p.fail("the end of the message, or the next optional field in the order Expiration Time, Not Before, Request ID, Resources")
	}
	return m
}

func (p *parser) resources(m *Message) {
	m.Resources = []string{}
	p.field(tagResources, "nothing more on this line", func(s string) bool { return s == "" })
	for p.has(tagResource) {
		m.Resources = append(m.Resources, p.field(tagResource, "an absolute URI", isURI))
	}
}

func (p *parser) timestamp(tag string) (ts Timestamp) {
	ts.text = p.field(tag, "an RFC 3339 time", func(s string) (ok bool) {
		ts.time, ok = parseTime(s)
		return ok
	})
	return ts
}

// parseTime reads an RFC 3339 date-time. time.Parse alone also takes a comma,
// one-digit hours and absurd offsets, so the shape is checked first. A leap second
// is refused: no instant of the Go clock is one.
func parseTime(s string) (time.Time, bool) {
	const shape = "dddd-dd-ddTdd:dd:dd"
	s = strings.ToUpper(s) // RFC 3339 5.6: "t" and "z" are allowed
	if len(s) <= len(shape) || !fits(s[:len(shape)], shape) {
		return time.Time{}, false
	}
	rest := s[len(shape):]
	if rest[0] == '.' {
		digits := len(rest) - 1 - len(strings.TrimLeft(rest[1:], "0123456789"))
		if digits == 0 {
			return time.Time{}, false
		}
		rest = rest[1+digits:]
	}
	if rest != "Z" && !(fits(rest, "+dd:dd") || fits(rest, "-dd:dd")) {
		return time.Time{}, false
	}
	if rest != "Z" && (rest[1:3] > "23" || rest[4:] > "59") {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339, s)
	return t, err == nil
}

// fits reports whether s has the shape, in which d is a digit.
func fits(s, shape string) bool {
	if len(s) != len(shape) {
		return false
	}
	for i := range len(s) {
		if shape[i] == 'd' && !isDigit(s[i]) || shape[i] != 'd' && shape[i] != s[i] {
			return false
		}
	}
	return true
}

func isChecksummed(s string) bool {
	low, err := caip.ParseEVMAddress(s)
	return err == nil && caip.ChecksumEVM(low) == s
}

func isChainID(s string) bool {
	_, err := caip.ParseChainID("eip155:" + s)
	return err == nil && isDigit(s[0])
}

func isNonce(s string) bool {
	for i := range len(s) {
		if !isAlpha(s[i]) && !isDigit(s[i]) {
			return false
		}
	}
	return len(s) >= 8
}

func isStatement(s string) bool {
	for i := range len(s) {
		if s[i] != ' ' && !isUnreserved(s[i]) && !isSubDelim(s[i]) && !isGenDelim(s[i]) {
			return false
		}
	}
	return true
}
