package auth

import (
	"time"

	"github.com/streamgate/streamgate/auth/siwe"
	"github.com/streamgate/streamgate/auth/siws"
	"github.com/streamgate/streamgate/caip"
)

// The namespaces whose accounts can sign in; each has its form of message.
const (
	namespaceEVM    = "eip155"
	namespaceSolana = "solana"
)

// binding is what a sign-in message of either form binds the signature to.
type binding struct {
	namespace, domain, uri, nonce string
	expires                       time.Time
}

// compose writes the message of a challenge in the form of its account's namespace, and reads it
// back: a message that the parser refuses must never reach a wallet.
func compose(c ChallengeRecord, domain, statement string, now time.Time) (string, error) {
	issued, expires := siwe.At(now), siwe.At(c.ExpiresAt)
	if c.Account.Chain.Namespace == namespaceSolana {
		m := siws.Message{
			Domain: domain, Address: c.Account.Address, Statement: statement, URI: c.Origin + "/",
			ChainID: siws.ChainName(c.Account.Chain), Nonce: c.Nonce, IssuedAt: issued, ExpirationTime: expires,
		}
		_, err := siws.Parse([]byte(m.String()))
		return m.String(), err
	}
	m := siwe.Message{
		Domain: domain, Address: caip.ChecksumEVM(c.Account.Address), Statement: statement, URI: c.Origin + "/",
		ChainID: c.Account.Chain.Reference, Nonce: c.Nonce, IssuedAt: issued, ExpirationTime: expires,
	}
	_, err := siwe.Parse([]byte(m.String()))
	return m.String(), err
}

// parse reads a message of either form. That its address and chain are right is shown by the
// challenge, which it must equal byte for byte.
func parse(message string) (binding, error) {
	if siws.Is(message) {
		m, err := siws.Parse([]byte(message))
		if err != nil {
			return binding{}, err
		}
		return binding{namespaceSolana, m.Domain, m.URI, m.Nonce, m.ExpirationTime.Time()}, nil
	}
	m, err := siwe.Parse([]byte(message))
	if err != nil {
		return binding{}, err
	}
	b := binding{namespaceEVM, m.Domain, m.URI, m.Nonce, m.ExpirationTime.Time()}
	if m.Scheme != "" {
		b.domain = m.Scheme + "://" + m.Domain // which is the domain of no challenge
	}
	return b, nil
}
