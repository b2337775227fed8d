package siwe_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/auth/siwe"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
)

// full is a message with every field.
const full = `https://service.org:8443 wants you to sign in with your Ethereum account:
0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2

I accept the Terms: https://service.org/tos

URI: https://service.org/login
Version: 1
Chain ID: 137
Nonce: 32891757
Issued At: 2021-09-30T16:25:24.000Z
Expiration Time: 2021-09-30T16:30:24.000Z
Not Before: 2021-09-30T16:25:24Z
Request ID: some-id_1
Resources:
- ipfs://Qme7ss3ARVgxv6rXqVPiikMJ8u2NLgmgszg13pYrDKEoiu
- https://example.com/claim.json?a=%20b#c`

func TestParseFull(t *testing.T) {
	t.Parallel()
	m, err := siwe.Parse([]byte(full))
	if err != nil {
		t.Fatal(err)
	}
	if m.String() != full {
		t.Fatalf("round trip: %q", m)
	}
	if m.Scheme != "https" || m.Domain != "service.org:8443" || m.ChainID != "137" || *m.RequestID != "some-id_1" || len(m.Resources) != 2 {
		t.Errorf("got %+v", m)
	}
	at := time.Date(2021, 9, 30, 16, 25, 24, 0, time.UTC)
	if !m.IssuedAt.Time().Equal(at) || !m.NotBefore.Time().Equal(at) || !m.ExpirationTime.Time().Equal(at.Add(5*time.Minute)) {
		t.Errorf("times: %v %v %v", m.IssuedAt.Time(), m.NotBefore.Time(), m.ExpirationTime.Time())
	}
}

// swap is the full message with one piece replaced.
func swap(t *testing.T, old, new string) []byte {
	t.Helper()
	if strings.Count(full, old) != 1 {
		t.Fatalf("%q is not in the message once", old)
	}
	return []byte(strings.Replace(full, old, new, 1))
}

func TestParseAccepts(t *testing.T) {
	t.Parallel()
	for name, v := range map[string][2]string{
		"no scheme":                     {"https://service.org:8443", "service.org:8443"},
		"scheme with all it may have":   {"https://service.org:8443", "a1+-.://service.org:8443"},
		"userinfo":                      {"service.org:8443", "a:b%20@service.org:8443"},
		"empty port":                    {"service.org:8443", "service.org:"},
		"IPv6":                          {"service.org:8443", "[2001:db8::1]:443"},
		"IPv6 with IPv4":                {"service.org:8443", "[::ffff:192.0.2.1]"},
		"IPvFuture":                     {"service.org:8443", "[v1F.a:b]"},
		"statement of one space":        {"I accept the Terms: https://service.org/tos", " "},
		"statement like a field":        {"I accept the Terms: https://service.org/tos", "URI: https://evil.example"},
		"URN":                           {"https://service.org/login", "urn:isbn:0451450523"},
		"URI with an empty path":        {"https://service.org/login", "https://service.org"},
		"URI with an empty fragment":    {"https://service.org/login", "https://service.org/#"},
		"URI in upper case":             {"https://service.org/login", "HTTPS://SERVICE.ORG/"},
		"file URI":                      {"https://service.org/login", "file:///a/b"},
		"chain id beyond 64 bits":       {"Chain ID: 137", "Chain ID: 18446744073709551616"},
		"empty request id":              {"some-id_1", ""},
		"request id of path characters": {"some-id_1", "a:b@c!%2F"},
		"no resources in the list":      {"\n- ipfs://Qme7ss3ARVgxv6rXqVPiikMJ8u2NLgmgszg13pYrDKEoiu\n- https://example.com/claim.json?a=%20b#c", ""},
		"lower-case t and z":            {"2021-09-30T16:25:24.000Z", "2021-09-30t16:25:24.000z"},
		"nine decimals":                 {"2021-09-30T16:25:24.000Z", "2021-09-30T16:25:24.123456789Z"},
		"offset":                        {"2021-09-30T16:25:24.000Z", "2021-09-30T16:25:24+14:00"},
		"unknown local offset":          {"2021-09-30T16:25:24.000Z", "2021-09-30T16:25:24-00:00"},
		"leap day":                      {"2021-09-30T16:25:24.000Z", "2024-02-29T16:25:24Z"},
		"no expiration time":            {"\nExpiration Time: 2021-09-30T16:30:24.000Z", ""},
		"no not before":                 {"\nNot Before: 2021-09-30T16:25:24Z", ""},
		"no request id":                 {"\nRequest ID: some-id_1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := swap(t, v[0], v[1])
			m, err := siwe.Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			if m.String() != string(b) {
				t.Fatalf("round trip: got %q, want %q", m, b)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const stmt, uri, at = "I accept the Terms: https://service.org/tos", "https://service.org/login", "2021-09-30T16:25:24.000Z"
	for name, v := range map[string][2]string{
		"CRLF":                            {"account:\n", "account:\r\n"},
		"tab":                             {stmt, "a\tb"},
		"DEL":                             {stmt, "a\x7fb"},
		"NUL":                             {stmt, "a\x00b"},
		"bidi override in the statement":  {stmt, "a\u202eb"},
		"line separator in the statement": {stmt, "a\u2028Nonce: 12345678"},
		"NEL":                             {stmt, "a\u0085b"},
		"not UTF-8":                       {stmt, "a\xffb"},
		"Cyrillic domain":                 {"service.org:8443", "s\u0435rvice.org"},
		"quote in the statement":          {stmt, `say "yes"`},
		"percent in the statement":        {stmt, "100%"},
		"second statement line":           {stmt, stmt + "\nmore"},
		"field in a statement line":       {stmt, stmt + "\nNonce: 12345678"},
		"no empty line after the address": {"Cc2\n\n", "Cc2\n"},
		"one more empty line":             {"tos\n\n", "tos\n\n\n"},
		"other headline":                  {"Ethereum account:", "ethereum account:"},
		"other chain's headline":          {"Ethereum", "Solana"},
		"space before the domain":         {"https://service.org:8443", " service.org"},
		"two schemes":                     {"https://service.org:8443", "https://https://service.org"},
		"empty scheme":                    {"https://service.org:8443", "://service.org"},
		"scheme starts with a digit":      {"https://service.org:8443", "1a://service.org"},
		"domain with a path":              {"service.org:8443", "service.org/a"},
		"domain with only a port":         {"service.org:8443", ":8443"},
		"domain with only userinfo":       {"service.org:8443", "a@"},
		"domain with two ats":             {"service.org:8443", "a@b@c"},
		"domain with a bad escape":        {"service.org:8443", "a%2"},
		"port of letters":                 {"service.org:8443", "service.org:http"},
		"IPv6 without brackets":           {"service.org:8443", "2001:db8::1"},
		"IPv6 with a zone":                {"service.org:8443", "[fe80::1%25eth0]"},
		"IPv6 not closed":                 {"service.org:8443", "[::1"},
		"IPv6 of nine groups":             {"service.org:8443", "[1:2:3:4:5:6:7:8:9]"},
		"IPv4 in brackets":                {"service.org:8443", "[127.0.0.1]"},
		"text after the bracket":          {"service.org:8443", "[::1]a"},
		"IPvFuture without a version":     {"service.org:8443", "[v.a]"},
		"IPvFuture with a bad version":    {"service.org:8443", "[vg.a]"},
		"IPvFuture without an address":    {"service.org:8443", "[v1.]"},
		"IPvFuture with an escape":        {"service.org:8443", "[v1.%20]"},
		"address in lower case":           {"0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2"},
		"address in upper case":           {"0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", "0xC02AAA39B223FE8D0A0E5C4F27EAD9083C756CC2"},
		"address one digit short":         {"756Cc2", "756Cc"},
		"address with 0X":                 {"0xC02a", "0XC02a"},
		"relative URI":                    {uri, "/login"},
		"empty URI":                       {uri, ""},
		"URI with a space":                {uri, uri + " "},
		"URI with two fragments":          {uri, uri + "#a#b"},
		"URI with a bad authority":        {uri, "https://a[b/"},
		"URI with brackets in its path":   {uri, "https://service.org/[a]"},
		"URI with a bad query":            {uri, "https://service.org/?a=|"},
		"version 01":                      {"Version: 1", "Version: 01"},
		"chain id 0":                      {"Chain ID: 137", "Chain ID: 0"},
		"chain id with a leading zero":    {"Chain ID: 137", "Chain ID: 0137"},
		"negative chain id":               {"Chain ID: 137", "Chain ID: -1"},
		"chain id in hexadecimal":         {"Chain ID: 137", "Chain ID: 0x89"},
		"chain alias":                     {"Chain ID: 137", "Chain ID: mainnet"},
		"empty chain id":                  {"Chain ID: 137", "Chain ID: "},
		"nonce of seven":                  {"Nonce: 32891757", "Nonce: 3289175"},
		"nonce with a hyphen":             {"Nonce: 32891757", "Nonce: 3289-1757"},
		"two nonces":                      {"Nonce: 32891757", "Nonce: 32891757\nNonce: 32891758"},
		"two URIs":                        {"Version: 1", "URI: https://a.example\nVersion: 1"},
		"no space after the tag":          {"Nonce: 32891757", "Nonce:32891757"},
		"two spaces after the tag":        {"Nonce: 32891757", "Nonce:  32891757"},
		"tag in lower case":               {"Nonce: 32891757", "nonce: 32891757"},
		"two expiration times":            {"\nNot Before", "\nExpiration Time: " + at + "\nNot Before"},
		"not before before expiration":    {"\nExpiration Time", "\nNot Before: " + at + "\nExpiration Time"},
		"two request ids":                 {"\nResources", "\nRequest ID: b\nResources"},
		"request id with a slash":         {"some-id_1", "a/b"},
		"resources tag with text":         {"Resources:", "Resources: a"},
		"resource without a dash":         {"- ipfs", "ipfs"},
		"resource without a space":        {"- ipfs", "-ipfs"},
		"relative resource":               {"- ipfs://Qme7ss3ARVgxv6rXqVPiikMJ8u2NLgmgszg13pYrDKEoiu", "- /a"},
		"line after the resources":        {"#c", "#c\nstray"},
		"line feed at the end":            {"#c", "#c\n"},
		"resources twice":                 {"#c", "#c\nResources:"},
		"field after the resources":       {"#c", "#c\nRequest ID: b"},
		"time without a zone":             {at, "2021-09-30T16:25:24"},
		"time with a space":               {at, "2021-09-30 16:25:24Z"},
		"time with a comma":               {at, "2021-09-30T16:25:24,5Z"},
		"time with an empty fraction":     {at, "2021-09-30T16:25:24.Z"},
		"time with a one-digit hour":      {at, "2021-09-30T6:25:24Z"},
		"time of year 99999":              {at, "99999-09-30T16:25:24Z"},
		"30 February":                     {at, "2026-02-30T16:25:24Z"},
		"29 February of a common year":    {at, "2026-02-29T16:25:24Z"},
		"hour 24":                         {at, "2021-09-30T24:00:00Z"},
		"leap second":                     {at, "2016-12-31T23:59:60Z"},
		"offset of 24 hours":              {at, "2021-09-30T16:25:24+24:00"},
		"offset of 60 minutes":            {at, "2021-09-30T16:25:24+01:60"},
		"offset without a colon":          {at, "2021-09-30T16:25:24+0100"},
		"empty time":                      {at, ""},
		"time with text after it":         {at, at + " "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := siwe.Parse(swap(t, v[0], v[1]))
			if !errors.Is(err, fault.Invalid) {
				t.Fatalf("got %+v, %v, want invalid", m, err)
			}
			if msg, fields, _ := fault.Public(err); msg == "" || len(fields) != 1 || fields[0].Pointer != "/message" {
				t.Errorf("the error tells its reader nothing: %v", err)
			}
		})
	}
}

// Whatever its length, a beginning of a message is refused or round-trips.
func TestParsePrefixes(t *testing.T) {
	t.Parallel()
	for n := range len(full) {
		if m, err := siwe.Parse([]byte(full[:n])); err == nil && m.String() != full[:n] {
			t.Errorf("prefix of %d bytes: %q", n, m)
		}
	}
}

func TestParseBounds(t *testing.T) {
	t.Parallel()
	pad := strings.Repeat("a", siwe.MaxMessage-len(full))
	if _, err := siwe.Parse([]byte(full + pad)); err != nil {
		t.Errorf("%d bytes: %v", siwe.MaxMessage, err)
	}
	if _, err := siwe.Parse([]byte(full + pad + "a")); !errors.Is(err, fault.TooLarge) {
		t.Errorf("one more: %v", err)
	}
}

func TestParseNamesTheLine(t *testing.T) {
	t.Parallel()
	_, err := siwe.Parse(swap(t, "Nonce: 32891757", "Nonce: 1"))
	if msg, _, _ := fault.Public(err); msg != `line 9 of the message: want "Nonce: " and 8 or more letters and digits` {
		t.Fatal(msg)
	}
}

func TestAtIsWhatJavaScriptWrites(t *testing.T) {
	t.Parallel()
	ts := siwe.At(time.Date(2026, 1, 2, 4, 4, 5, 6789e3, time.FixedZone("", 3600)))
	if ts.String() != "2026-01-02T03:04:05.006Z" || !ts.Time().Equal(time.Date(2026, 1, 2, 3, 4, 5, 6e6, time.UTC)) {
		t.Fatal(ts, ts.Time())
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte(""))
	f.Add([]byte("a.example wants you to sign in with your Ethereum account:\n0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2\n\n\nURI: a:\nVersion: 1\nChain ID: 1\nNonce: 12345678\nIssued At: 2021-09-30T16:25:24-02:00\nRequest ID: \nResources:"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := siwe.Parse(b)
		if err != nil {
			if k := fault.KindOf(err); k != fault.Invalid && k != fault.TooLarge {
				t.Fatalf("kind %v: %v", k, err)
			}
			return
		}
		if m.String() != string(b) {
			t.Fatalf("round trip: got %q, want %q", m, b)
		}
		if m.Domain == "" || m.Nonce == "" || m.URI == "" || m.IssuedAt.IsZero() || m.IssuedAt.Time().Year() > 9999 {
			t.Fatalf("a mandatory field is missing: %+v", m)
		}
	})
}

func ExampleParse() {
	w := authtest.NewWallet(1)
	m := siwe.Message{
		Domain: "video.example", Address: caip.ChecksumEVM(w.Address), URI: "https://video.example/", ChainID: "1",
		Nonce: "k3Jd82nsLq", IssuedAt: siwe.At(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)),
	}
	parsed, err := siwe.Parse([]byte(m.String()))
	fmt.Println(parsed.Domain, parsed.IssuedAt, err)
	// Output: video.example 2026-05-01T12:00:00.000Z <nil>
}
