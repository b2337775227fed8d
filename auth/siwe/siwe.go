// Package siwe reads, writes and verifies Sign-In with Ethereum messages
// (ERC-4361) signed by EIP-191 personal_sign.
//
// It is strict: a message is the bytes the wallet showed and signed, and only
// those that follow the ABNF of the standard exactly are accepted. Package auth
// calls it; it knows no nonce store, no clock and no tenant, and it never
// decides whether a message is the one that was asked for.
package siwe

import (
	"strings"
	"time"

	"github.com/streamgate/streamgate/auth/internal/abnf"
	"github.com/streamgate/streamgate/fault"
)

// MaxMessage is the most bytes Parse reads. The standard leaves the bound to
// implementers; 8 KiB holds some hundred resources.
const MaxMessage = abnf.MaxMessage

const headline = " wants you to sign in with your Ethereum account:"

// Message is an ERC-4361 message. The version is always 1 and has no field.
type Message struct {
	// Scheme is the optional scheme before the domain, without "://".
	Scheme string
	// Domain is the RFC 3986 authority asking for the sign-in.
	Domain string
	// Address is the account, in EIP-55 spelling.
	Address string
	// Statement is the human sentence; empty means none.
	Statement string
	// URI is the resource that is the subject of the signing, an absolute URI.
	URI string
	// ChainID is a decimal without leading zeros. It is text because EIP-155
	// bounds it by nothing a machine integer holds.
	ChainID string
	Nonce   string
	// IssuedAt is mandatory; the other times are optional and then zero.
	IssuedAt, ExpirationTime, NotBefore Timestamp
	// RequestID is nil when absent; the standard lets it be present and empty.
	RequestID *string
	// Resources is nil when absent; the standard lets the list be present and empty.
	Resources []string
}

// Timestamp is an RFC 3339 time that remembers how it was spelled, so that a
// parsed message is written back byte for byte. The zero value means absent.
type Timestamp = abnf.Timestamp

// At returns t in UTC with milliseconds, the spelling JavaScript clients produce.
func At(t time.Time) Timestamp { return abnf.At(t) }

// String writes the message as the wallet must sign it. For a message that
// Parse returned it is exactly the bytes parsed. For one built by hand it is only
// as well formed as its fields: Parse tells.
func (m *Message) String() string {
	var b strings.Builder
	line := func(parts ...string) {
		b.WriteByte('\n')
		for _, p := range parts {
			b.WriteString(p)
		}
	}
	if m.Scheme != "" {
		b.WriteString(m.Scheme + "://")
	}
	b.WriteString(m.Domain + headline)
	line(m.Address)
	line()
	if m.Statement != "" {
		line(m.Statement)
	}
	line()
	line(abnf.TagURI, m.URI)
	line(abnf.TagVersion, "1")
	line(abnf.TagChainID, m.ChainID)
	line(abnf.TagNonce, m.Nonce)
	line(abnf.TagIssuedAt, m.IssuedAt.String())
	if !m.ExpirationTime.IsZero() {
		line(abnf.TagExpires, m.ExpirationTime.String())
	}
	if !m.NotBefore.IsZero() {
		line(abnf.TagNotBefore, m.NotBefore.String())
	}
	if m.RequestID != nil {
		line(abnf.TagRequestID, *m.RequestID)
	}
	if m.Resources != nil {
		line(abnf.TagResources)
		for _, r := range m.Resources {
			line(abnf.TagResource, r)
		}
	}
	return b.String()
}

// Verify parses message and checks that sig is a personal_sign signature of
// exactly these bytes by the address the message names. A malformed message or
// signature is fault.Invalid, another signer fault.Unauthenticated.
func Verify(message, sig []byte) (*Message, error) {
	m, err := Parse(message)
	if err != nil {
		return nil, err
	}
	signer, err := Recover(message, sig)
	if err != nil {
		return nil, err
	}
	if signer != strings.ToLower(m.Address) {
		return nil, fault.New(fault.Unauthenticated, "siwe.Verify", "the signature is not by the account that the message names")
	}
	return m, nil
}
