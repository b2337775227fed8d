// Package siws reads, writes and verifies Sign-In With Solana messages, the text that the
// signIn feature of the Wallet Standard has a wallet show and sign.
//
// The published format leaves every field but domain and address out at will, which makes a
// message a credential for ever and everywhere. Here URI, version, chain, nonce and both times are
// due. It is strict otherwise, too: only bytes that follow the ABNF and are written back the same are
// accepted, and a signature is held to more than crypto/ed25519 asks (see Verify).
//
// Package auth calls it; it knows no nonce store, no clock and no tenant, and it never decides whether
// a message is the one that was asked for. Off-chain messages with the header that Ledger devices
// add are not read.
package siws

import (
	"strings"

	"github.com/streamgate/streamgate/auth/internal/abnf"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/internal/base58"
)

// MaxMessage is the most bytes Parse reads.
const MaxMessage = abnf.MaxMessage

const headline = " wants you to sign in with your Solana account:"

// Message is a Sign-In With Solana message. The version is always 1 and has no field.
type Message struct {
	// Domain is the RFC 3986 authority asking for the sign-in.
	Domain string
	// Address is the account, a public key in base58.
	Address string
	// Statement is the human sentence; empty means none.
	Statement string
	// URI is the resource that is the subject of the signing, an absolute URI.
	URI string
	// ChainID is one of the names the format knows; see ChainName.
	ChainID string
	Nonce   string
	// IssuedAt and ExpirationTime are due; NotBefore is optional and then zero.
	IssuedAt, ExpirationTime, NotBefore abnf.Timestamp
	// RequestID is nil when absent.
	RequestID *string
	// Resources is nil when absent.
	Resources []string
}

// ChainName returns what a message calls a chain of the solana namespace. The format has no name
// for chains other than the three public ones but "localnet": what tells two of those apart is the
// challenge, which keeps the account with its chain.
func ChainName(c caip.ChainID) string {
	for _, name := range []string{"mainnet", "testnet", "devnet"} {
		if public, err := caip.ParseChainID("solana:" + name); err == nil && c == public {
			return name
		}
	}
	return "localnet"
}

// isChainID is the rule message-chain-id.
func isChainID(s string) bool {
	switch strings.TrimPrefix(s, "solana:") {
	case "mainnet", "testnet", "devnet":
		return true
	}
	return s == "localnet"
}

// Is reports whether a message is for this package to parse: its first line asks for a Solana
// account. It says nothing of the rest.
func Is(message string) bool {
	first, _, _ := strings.Cut(message, "\n")
	return strings.HasSuffix(first, headline)
}

// String writes the message as the wallet must sign it. For a message that Parse returned it is
// exactly the bytes parsed. For one built by hand it is only as well formed as its fields: Parse tells.
func (m *Message) String() string {
	var b strings.Builder
	b.WriteString(m.Domain + headline + "\n" + m.Address + "\n\n")
	if m.Statement != "" {
		b.WriteString(m.Statement + "\n\n")
	}
	b.WriteString(abnf.TagURI + m.URI)
	line := func(tag, value string) { b.WriteString("\n" + tag + value) }
	line(abnf.TagVersion, "1")
	line(abnf.TagChainID, m.ChainID)
	line(abnf.TagNonce, m.Nonce)
	line(abnf.TagIssuedAt, m.IssuedAt.String())
	line(abnf.TagExpires, m.ExpirationTime.String())
	if !m.NotBefore.IsZero() {
		line(abnf.TagNotBefore, m.NotBefore.String())
	}
	if m.RequestID != nil {
		line(abnf.TagRequestID, *m.RequestID)
	}
	if m.Resources != nil {
		line(abnf.TagResources, "")
		for _, r := range m.Resources {
			line(abnf.TagResource, r)
		}
	}
	return b.String()
}

// Parse reads one message. Lines end in LF alone; bytes outside printable ASCII and every line, field
// order or spelling that the grammar does not name are refused, and so is a message without one of the
// fields that bind it. Errors are fault.Invalid and name the line and what belongs there; more than
// MaxMessage bytes are fault.TooLarge.
func Parse(b []byte) (*Message, error) {
	return abnf.Read("siws.Parse", "send a Sign-In With Solana message with all its fields, unchanged", b, parseLines)
}

func parseLines(p *abnf.Lines) *Message {
	m := &Message{}
	domain, ok := strings.CutSuffix(p.Next(), headline)
	if m.Domain = domain; !ok || !abnf.IsAuthority(domain) || abnf.HostOf(domain) == "" {
		p.Fail("a domain and \"" + headline + "\"")
	}
	m.Address = p.Next()
	if _, ok := base58.Decode(m.Address, KeySize); !ok {
		p.Fail("a public key in base58")
	}
	p.Empty()
	if !p.Has(abnf.TagURI) {
		if m.Statement = p.Next(); m.Statement == "" || !abnf.IsStatement(m.Statement) {
			p.Fail("\"URI: \" or a statement of URI characters and spaces")
		}
		p.Empty()
	}
	m.URI = p.Field(abnf.TagURI, "an absolute URI", abnf.IsURI)
	p.Field(abnf.TagVersion, "1", func(s string) bool { return s == "1" })
	m.ChainID = p.Field(abnf.TagChainID, "mainnet, testnet, devnet or localnet", isChainID)
	m.Nonce = p.Field(abnf.TagNonce, "8 or more letters and digits", abnf.IsNonce)
	m.IssuedAt = p.Timestamp(abnf.TagIssuedAt)
	m.ExpirationTime = p.Timestamp(abnf.TagExpires)
	if p.Has(abnf.TagNotBefore) {
		m.NotBefore = p.Timestamp(abnf.TagNotBefore)
	}
	m.RequestID, m.Resources = p.Tail()
	return m
}
