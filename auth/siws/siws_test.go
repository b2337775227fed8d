package siws_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/auth/siws"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
)

const full = `service.org:8443 wants you to sign in with your Solana account:
CFo12keT61J8VNbS4TRtGXRJd98PNbdHAPZuN7d8ssRH

I accept the Terms: https://service.org/tos

URI: https://service.org/login?a=b
Version: 1
Chain ID: mainnet
Nonce: 32891757abc
Issued At: 2021-09-30T16:25:24.000Z
Expiration Time: 2021-09-30T16:30:24.000Z
Not Before: 2021-09-30T16:25:00Z
Request ID: some-id
Resources:
- ipfs://Qme7ss3ARVgxv6rXqVPiikMJ8u2NLgmgszg13pYrDKEoiu
- https://example.com/my-web2-claim.json`

func bare() string {
	return strings.Join(strings.Split(strings.Replace(full, "I accept the Terms: https://service.org/tos\n\n", "", 1), "\n")[:9], "\n")
}

func TestParse(t *testing.T) {
	t.Parallel()
	m, err := siws.Parse([]byte(full))
	if err != nil || m.String() != full {
		t.Fatalf("%q, %v", m, err)
	}
	if m.Domain != "service.org:8443" || m.Statement != "I accept the Terms: https://service.org/tos" || m.ChainID != "mainnet" ||
		m.Nonce != "32891757abc" || *m.RequestID != "some-id" || len(m.Resources) != 2 || m.NotBefore.IsZero() || !siws.Is(full) {
		t.Errorf("%+v", m)
	}
	m, err = siws.Parse([]byte(bare()))
	if err != nil || m.String() != bare() || m.Statement != "" {
		t.Fatalf("%q: %+v, %v", bare(), m, err)
	}
	for _, chain := range []string{"testnet", "devnet", "localnet", "solana:mainnet", "solana:testnet", "solana:devnet"} {
		if _, err := siws.Parse([]byte(strings.Replace(full, "Chain ID: mainnet", "Chain ID: "+chain, 1))); err != nil {
			t.Errorf("%s: %v", chain, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const id = "CFo12keT61J8VNbS4TRtGXRJd98PNbdHAPZuN7d8ssRH"
	for name, tc := range map[string][2]string{
		"an Ethereum message":           {"Solana", "Ethereum"},
		"a scheme before the domain":    {"service.org:8443 ", "https://service.org:8443 "},
		"no domain":                     {"service.org:8443 ", " "},
		"a domain that is a port":       {"service.org:8443 ", ":8443 "},
		"a Cyrillic domain":             {"service.org:8443", "s\u0435rvice.org:8443"},
		"no address":                    {id, ""},
		"an address of 31 bytes":        {id, strings.Repeat("1", 31)},
		"an address above 2^256":        {id, strings.Repeat("z", 44)},
		"an address of Ethereum":        {id, "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"},
		"a space after the address":     {id, id + " "},
		"a statement of two lines":      {"tos\n", "tos\nNonce: 00000000\n"},
		"a statement that is a field":   {"I accept the Terms: https://service.org/tos", "URI: https://evil.example/"},
		"a tab in the statement":        {"I accept", "I\taccept"},
		"a right-to-left statement":     {"I accept", "\u202eI accept"},
		"a line separator":              {"I accept", "I\u2028accept"},
		"one empty line too many":       {"tos\n\n", "tos\n\n\n"},
		"one empty line too few":        {"tos\n\n", "tos\n"},
		"no URI":                        {"URI: https://service.org/login?a=b\n", ""},
		"a relative URI":                {"https://service.org/login", "/login"},
		"no version":                    {"Version: 1\n", ""},
		"version 2":                     {"Version: 1", "Version: 2"},
		"no chain":                      {"Chain ID: mainnet\n", ""},
		"a chain nobody knows":          {"Chain ID: mainnet", "Chain ID: evilnet"},
		"the chain by its genesis hash": {"Chain ID: mainnet", "Chain ID: 5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"},
		"a local chain with a prefix":   {"Chain ID: mainnet", "Chain ID: solana:localnet"},
		"a chain twice prefixed":        {"Chain ID: mainnet", "Chain ID: solana:solana:mainnet"},
		"no nonce":                      {"Nonce: 32891757abc\n", ""},
		"an empty nonce":                {"Nonce: 32891757abc", "Nonce: "},
		"a nonce of 7":                  {"Nonce: 32891757abc", "Nonce: 3289175"},
		"a nonce with a dash":           {"Nonce: 32891757abc", "Nonce: 32891757-abc"},
		"no issue time":                 {"Issued At: 2021-09-30T16:25:24.000Z\n", ""},
		"the 31st of September":         {"Issued At: 2021-09-30", "Issued At: 2021-09-31"},
		"no end":                        {"Expiration Time: 2021-09-30T16:30:24.000Z\n", ""},
		"a time without a zone":         {"16:30:24.000Z", "16:30:24.000"},
		"two nonces":                    {"Nonce: 32891757abc", "Nonce: 32891757abc\nNonce: 42891757abc"},
		"fields in another order":       {"Version: 1\nChain ID: mainnet", "Chain ID: mainnet\nVersion: 1"},
		"a field in lower case":         {"Nonce:", "nonce:"},
		"a space before a field":        {"Nonce:", " Nonce:"},
		"CRLF":                          {"Version: 1\n", "Version: 1\r\n"},
		"a line feed at the end":        {"claim.json", "claim.json\n"},
		"a stray line at the end":       {"claim.json", "claim.json\nTransfer: all"},
		"a resource that is no URI":     {"- ipfs://", "- "},
		"a request id with a space":     {"some-id", "some id"},
	} {
		text := strings.Replace(full, tc[0], tc[1], 1)
		if text == full {
			t.Fatalf("%s: nothing was changed", name)
		}
		if m, err := siws.Parse([]byte(text)); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %+v, %v, want fault.Invalid", name, m, err)
		}
	}
	if _, err := siws.Parse([]byte(strings.Repeat("a", siws.MaxMessage+1))); !errors.Is(err, fault.TooLarge) {
		t.Error(err)
	}
}

func TestChainName(t *testing.T) {
	t.Parallel()
	for chain, want := range map[string]string{"solana:mainnet": "mainnet", "solana:devnet": "devnet", "solana:testnet": "testnet", "solana:8E9rvCKLFQia2Y35HXjjpWzj8weVo44K": "localnet"} {
		c, err := caip.ParseChainID(chain)
		if err != nil || siws.ChainName(c) != want {
			t.Errorf("%s: %q, %v", chain, siws.ChainName(c), err)
		}
	}
}

// What Parse takes is written back byte for byte, has every binding, and says nothing in a byte that
// a wallet would not show.
func FuzzParse(f *testing.F) {
	f.Add(full)
	f.Add(bare())
	f.Add(strings.Replace(full, "tos\n", "tos\nURI: https://evil.example/\n", 1))
	f.Fuzz(func(t *testing.T, text string) {
		m, err := siws.Parse([]byte(text))
		if err != nil {
			if !errors.Is(err, fault.Invalid) && !errors.Is(err, fault.TooLarge) {
				t.Error(err)
			}
			return
		}
		if m.String() != text || m.Domain == "" || m.Address == "" || m.URI == "" || m.ChainID == "" || len(m.Nonce) < 8 ||
			m.IssuedAt.Time().IsZero() || m.ExpirationTime.Time().IsZero() {
			t.Errorf("%q is read as %+v", text, m)
		}
		// An independent scan: each binding is on exactly one line of its own.
		for _, line := range []string{"URI: " + m.URI, "Version: 1", "Chain ID: " + m.ChainID, "Nonce: " + m.Nonce} {
			tag, _, _ := strings.Cut(line, ":")
			fields := text[strings.LastIndex(text, "\n\n")+2:]
			if n := strings.Count("\n"+fields, "\n"+tag+": "); n != 1 || !strings.Contains("\n"+fields+"\n", "\n"+line+"\n") {
				t.Errorf("%q: %d lines %s", text, n, tag)
			}
		}
	})
}

func FuzzDecodeSignature(f *testing.F) {
	f.Add(authtest.NewSolanaWallet(1).Sign("a"), "a")
	f.Fuzz(func(t *testing.T, signature, message string) {
		sig, err := siws.DecodeSignature(signature)
		if err != nil {
			return
		}
		w := authtest.NewSolanaWallet(1)
		if err := siws.Verify(w.Address, []byte(message), sig); (err == nil) != (signature == w.Sign(message)) {
			t.Errorf("%q of %q: %v", signature, message, err)
		}
	})
}
