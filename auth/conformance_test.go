package auth_test

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/auth/siwe"
	"github.com/streamgate/streamgate/auth/siws"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/internal/base58"
	"github.com/streamgate/streamgate/internal/npmtest"
)

var update = flag.Bool("update", false, "write docs/signin-conformance.md anew")

// outside is one case as the other verifiers see it.
type outside struct {
	Kind      string `json:"kind"`
	Message   string `json:"message"`
	Signature string `json:"signature,omitempty"`
	PublicKey string `json:"publicKey,omitempty"`
	Domain    string `json:"domain,omitempty"`
	Nonce     string `json:"nonce,omitempty"`
	Address   string `json:"address,omitempty"`
	Time      string `json:"time,omitempty"`
	Input     any    `json:"input,omitempty"`
}

// said is what they say of it.
type said struct{ Siwe, Viem, Bound, Echoed bool }

// row is one case with every verdict. Form is what StreamGate's parser and signature check say of the
// message by itself, SignIn what auth.Service says of it.
type row struct {
	section, name string
	honest        bool
	form, signIn  bool
	std           bool // crypto/ed25519
	ask           outside
	said          said
}

// The document is made by this test, and what it says of StreamGate is asserted: no wrong acceptance, no
// panic, no honest message refused.
func TestSignInConformance(t *testing.T) {
	t.Parallel()
	dir := npmtest.Install(t, "testdata/signin")
	var rows []*row
	rows = append(rows, vectorRows(t)...)
	rows = append(rows, evmRows(t)...)
	rows = append(rows, solanaRows(t)...)
	rows = append(rows, ed25519Rows(t)...)
	asks := make([]outside, len(rows))
	for i, r := range rows {
		asks[i] = r.ask
	}
	in, err := json.Marshal(asks)
	if err != nil {
		t.Fatal(err)
	}
	var answers []said
	if err := json.Unmarshal(npmtest.Run(t, dir, "verifiers.mjs", in), &answers); err != nil || len(answers) != len(rows) {
		t.Fatalf("%d answers, %v", len(answers), err)
	}
	for i, r := range rows {
		r.said = answers[i]
		if r.signIn != r.honest {
			t.Errorf("%s: %s: StreamGate accepts: %v", r.section, r.name, r.signIn)
		}
	}
	const file = "../docs/signin-conformance.md"
	text := document(rows)
	if *update {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if was, err := os.ReadFile(file); err != nil || !bytes.Equal(was, text) {
		t.Errorf("%s is not what this test says (%v): run go test ./auth -run TestSignInConformance -update", file, err)
	}
}

// message returns the challenge a service with the test's clock issues for a, and a way to judge
// answers to it, each against a challenge of its own.
type trial struct {
	t      testing.TB
	b      *bench
	issued auth.Challenge
	a      caip.AccountID
}

const trialTime = "2026-05-04T03:02:02.000Z"

func newTrial(t testing.TB, a caip.AccountID) *trial {
	b := setup(t, auth.Options{})
	return &trial{t, b, b.challengeFor(a), a}
}

// signIn reports whether message and signature open a session. A panic fails the test by itself.
func (tr *trial) signIn(message, signature string) bool {
	tokens, err := tr.b.Verify(tr.t.Context(), tenant, origin, message, signature)
	if err == nil {
		tr.issued = tr.b.challengeFor(tr.a) // the nonce is spent
	}
	return err == nil && tokens.AccessToken != ""
}

func evmForm(message, signature string) bool {
	sig, err := siwe.DecodeSignature(signature)
	if err != nil {
		return false
	}
	_, err = siwe.Verify([]byte(message), sig)
	return err == nil
}

// vectorRows are the parsing and verification vectors of spruceid/siwe.
func vectorRows(t testing.TB) []*row {
	var rows []*row
	load := func(name string, v any) {
		b, err := os.ReadFile(filepath.Join("siwe", "testdata", "vectors", name))
		if err == nil {
			err = json.Unmarshal(b, v)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	parse := func(section, name, text string, honest bool) {
		m, err := siwe.Parse([]byte(text))
		ok := err == nil && m.String() == text
		rows = append(rows, &row{section: section, name: name, honest: honest, form: ok, signIn: ok, ask: outside{Kind: "parse", Message: text, Time: "2021-09-30T16:26:00Z"}})
	}
	var positive map[string]struct{ Message string }
	load("parsing_positive.json", &positive)
	for name, v := range positive {
		parse(sectionParse, name, v.Message, true)
	}
	var negative map[string]string
	load("parsing_negative.json", &negative)
	for name, text := range negative {
		parse(sectionParse, name, text, false)
	}
	var objects map[string]fields
	load("parsing_negative_objects.json", &objects)
	for name, f := range objects {
		parse(sectionParse, "object: "+name, f.text(), false)
	}
	for file, honest := range map[string]bool{"verification_positive.json": true, "verification_negative.json": false} {
		var signed map[string]fields
		load(file, &signed)
		for name, f := range signed {
			text := f.text()
			r := &row{section: sectionVerify, name: name, honest: honest, form: evmForm(text, f.Signature), ask: outside{
				Kind: "evm", Message: text, Signature: f.Signature, Domain: cmp.Or(f.DomainBinding, f.Domain),
				Nonce: cmp.Or(f.MatchNonce, f.Nonce), Address: f.Address, Time: cmp.Or(f.Time, trialTime),
			}}
			// No service of ours issued these, so the honest ones show in the form alone.
			r.signIn = r.form
			if !honest {
				r.signIn = newTrial(t, authtest.NewWallet(1).On("eip155:1")).signIn(text, f.Signature)
			}
			rows = append(rows, r)
		}
	}
	return rows
}

const (
	sectionVerify  = "Vectors of spruceid/siwe: verification"
	sectionParse   = "Vectors of spruceid/siwe: parsing"
	sectionEVM     = "Sign-In with Ethereum: a challenge, answered by whom one should not trust"
	sectionSolana  = "Sign-In With Solana: the same"
	sectionEd25519 = "Ed25519 signatures that nobody's key made, or that have a twin"
)

// attack is one answer to a challenge. Edit changes the message before the wallet signs it, so that the
// signature is right and the form alone decides; resign replaces the signature.
type attack struct {
	name   string
	honest bool
	edit   func(message string) string
	resign func(message, signature string) string
}

func swap(old, new string) func(string) string {
	return func(m string) string { return strings.Replace(m, old, new, 1) }
}

func evmAttacks(w authtest.Wallet) []attack {
	sig := func(f func(b []byte) []byte) func(string, string) string {
		return func(_, s string) string {
			b, _ := hex.DecodeString(s[2:])
			return "0x" + hex.EncodeToString(f(b))
		}
	}
	v := func(v byte) func(string, string) string {
		return sig(func(b []byte) []byte { return append(b[:64], v+(b[64]-27)) })
	}
	mallory := authtest.NewWallet(66)
	return []attack{
		{name: "the challenge, signed", honest: true},
		{name: "v of 0 or 1", honest: true, resign: v(0)},
		{name: "signature `0x`", resign: func(_, _ string) string { return "0x" }},
		{name: "signature of 1 byte", resign: func(_, _ string) string { return "0x00" }},
		// With the parity of the other key, or half of all signatures would be good ones in EIP-2098's form.
		{name: "signature of 64 bytes", resign: sig(func(b []byte) []byte { b[32] |= (28 - b[64]) << 7; return b[:64] })},
		{name: "signature of 66 bytes", resign: sig(func(b []byte) []byte { return append(b, 0) })},
		{name: "v of 29 or 30", resign: v(29)},
		{name: "v of 54 or 55", resign: v(54)},
		{name: "v of 81 or 82", resign: v(81)},
		{name: "high s, the twin of a signature", resign: sig(highS)},
		{name: "EIP-2098 compact signature", resign: sig(func(b []byte) []byte { b[32] |= (b[64] - 27) << 7; return b[:64] })},
		{name: "r = 0", resign: sig(func(b []byte) []byte { return append(make([]byte, 32), b[32:]...) })},
		{name: "another's signature", resign: func(m, _ string) string { return mallory.Sign(m) }},
		{name: "signature of another message", resign: func(m, _ string) string { return w.Sign(m + ".") }},
		{name: "URI on another host", edit: swap("URI: https://video.example/", "URI: https://evil.example/")},
		{name: "domain of another site", edit: swap("video.example wants", "evil.example wants")},
		{name: "domain with a user", edit: swap("video.example wants", "user@video.example wants")},
		{name: "domain in upper case", edit: swap("video.example wants", "Video.example wants")},
		{name: "domain with a trailing dot", edit: swap("video.example wants", "video.example. wants")},
		{name: "domain with its default port", edit: swap("video.example wants", "video.example:443 wants")},
		{name: "Cyrillic domain", edit: swap("video.example wants", "vide\u043e.example wants")},
		{name: "text between statement and fields", edit: swap("\n\nURI:", "\n\nThis message authorises a transfer.\nURI:")},
		{name: "line after the last field", edit: func(m string) string { return m + "\nTransfer: all" }},
		{name: "line feed after the last field", edit: func(m string) string { return m + "\n" }},
		{name: "second block of fields", edit: func(m string) string { return m + m[strings.Index(m, "\nURI:"):] }},
		{name: "statement of two lines", edit: swap("no transaction.", "no transaction.\nNonce: 00000000")},
		{name: "statement with a carriage return", edit: swap("This is free", "This is\rfree")},
		{name: "statement with U+2028", edit: swap("This is free", "This is\u2028free")},
		{name: "statement turned round by U+202E", edit: swap("This is free", "This is \u202efree")},
		{name: "CRLF line ends", edit: func(m string) string { return strings.ReplaceAll(m, "\n", "\r\n") }},
		{name: "chain id beyond 2^64", edit: swap("Chain ID: 1", "Chain ID: 99999999999999999999")},
		{name: "chain id with a leading zero", edit: swap("Chain ID: 1", "Chain ID: 01")},
		{name: "another chain", edit: swap("Chain ID: 1", "Chain ID: 137")},
		{name: "version 2", edit: swap("Version: 1", "Version: 2")},
		{name: "address in lower case", edit: swap(caip.ChecksumEVM(w.Address), w.Address)},
		{name: "address with a wrong checksum", edit: swap(caip.ChecksumEVM(w.Address), "0x2b"+caip.ChecksumEVM(w.Address)[4:])},
		{name: "expires in the year 99999", edit: swap("Expiration Time: 2026", "Expiration Time: 99999")},
		{name: "expires in a hundred years", edit: swap("Expiration Time: 2026", "Expiration Time: 2126")},
		{name: "has expired", edit: swap("Expiration Time: 2026", "Expiration Time: 2025")},
		{name: "no expiration", edit: func(m string) string { return m[:strings.Index(m, "\nExpiration")] }},
		{name: "issued on the 30th of February", edit: swap("Issued At: 2026-05-04", "Issued At: 2026-02-30")},
		{name: "issued next year", edit: swap("Issued At: 2026", "Issued At: 2027")},
		{name: "time with second 60", edit: swap("03:02:01.009Z", "03:02:60.009Z")},
		{name: "time at offset +99:00", edit: swap("03:02:01.009Z", "03:02:01.009+99:00")},
		{name: "not valid before it expires", edit: func(m string) string { return m + "\nNot Before: 2027-05-04T00:00:00Z" }},
		{name: "nonce of 10 kB", edit: swap("Nonce: ", "Nonce: "+strings.Repeat("a", 10<<10))},
		{name: "message of 1 MB", edit: swap("This is free", strings.Repeat("a", 1<<20))},
	}
}

func evmRows(t testing.TB) []*row {
	w := authtest.NewWallet(1)
	var rows []*row
	for _, a := range evmAttacks(w) {
		tr := newTrial(t, w.On("eip155:1"))
		nonce := tr.issued.Nonce
		message, signature := a.answer(t, tr.issued.Message, w)
		rows = append(rows, &row{
			section: sectionEVM, name: a.name, honest: a.honest,
			ask: outside{
				Kind: "evm", Message: message, Signature: signature, Domain: "video.example", Nonce: nonce,
				Address: caip.ChecksumEVM(w.Address), Time: trialTime,
			},
			form: evmForm(message, signature), signIn: tr.signIn(message, signature),
		})
	}
	return rows
}

// answer is what is sent for an issued message.
func (a attack) answer(t testing.TB, issued string, w signer) (message, signature string) {
	t.Helper()
	message = issued
	if a.edit != nil {
		if message = a.edit(issued); message == issued {
			t.Fatalf("%s: nothing was changed", a.name)
		}
	}
	signature = w.Sign(message)
	if a.resign != nil {
		signature = a.resign(message, signature)
	}
	return message, signature
}

func solanaRows(t testing.TB) []*row {
	w, mallory := authtest.NewSolanaWallet(1), authtest.NewSolanaWallet(66)
	var rows []*row
	for _, a := range []struct {
		attack
		by signer // whose key and account the browser names; nil is w
	}{
		{attack: attack{name: "the challenge, signed", honest: true}},
		{attack: attack{name: "a message that names the victim, signed by the attacker's key"}, by: mallory},
		{attack: attack{name: "the attacker's own account in the victim's message", edit: swap(w.Address, mallory.Address)}, by: mallory},
		{attack: attack{name: "domain of another site", edit: swap("video.example wants", "evil.example wants")}},
		{attack: attack{name: "URI on another host", edit: swap("URI: https://video.example/", "URI: https://evil.example/")}},
		{attack: attack{name: "has expired", edit: swap("Expiration Time: 2026", "Expiration Time: 2025")}},
		{attack: attack{name: "no expiration", edit: func(m string) string { return m[:strings.Index(m, "\nExpiration")] }}},
		{attack: attack{name: "domain and address alone", edit: func(m string) string { return m[:strings.Index(m, "\n\n")] }}},
		{attack: attack{name: "no nonce", edit: func(m string) string {
			i := strings.Index(m, "\nNonce")
			return m[:i] + m[i+strings.Index(m[i+1:], "\n")+1:]
		}}},
		{attack: attack{name: "another nonce", edit: swap("Nonce: ", "Nonce: 00000000")}},
		{attack: attack{name: "another chain", edit: swap("Chain ID: mainnet", "Chain ID: devnet")}},
		{attack: attack{name: "a chain nobody knows", edit: swap("Chain ID: mainnet", "Chain ID: evilnet")}},
		{attack: attack{name: "fields hidden in the statement", edit: swap("no transaction.", "no transaction.\nURI: https://evil.example/\nNonce: 00000000")}},
		{attack: attack{name: "statement turned round by U+202E", edit: swap("This is free", "This is \u202efree")}},
		{attack: attack{name: "issued on the 30th of February", edit: swap("Issued At: 2026-05-04", "Issued At: 2026-02-30")}},
		{attack: attack{name: "line feeds after the last field", edit: func(m string) string { return m + "\n\n" }}},
		{attack: attack{name: "line after the last field", edit: func(m string) string { return m + "\nTransfer: all" }}},
		{attack: attack{name: "signature of another message", resign: func(m, _ string) string { return w.Sign(m + ".") }}},
		{attack: attack{name: "an empty signature", resign: func(_, _ string) string { return "" }}},
	} {
		tr := newTrial(t, w.On("solana:mainnet"))
		by := signer(w)
		if a.by != nil {
			by = a.by
		}
		message, signature := a.answer(t, tr.issued.Message, by)
		m, err := siws.Parse([]byte(tr.issued.Message))
		if err != nil {
			t.Fatal(err)
		}
		key, _ := base58.Decode(by.On("solana:mainnet").Address, siws.KeySize)
		raw, _ := base58.Decode(signature, siws.SignatureSize)
		r := &row{section: sectionSolana, name: a.name, honest: a.honest, ask: outside{
			Kind: "solana", Message: message, Signature: hex.EncodeToString(raw), PublicKey: hex.EncodeToString(key),
			Input: map[string]string{
				"domain": m.Domain, "statement": m.Statement, "uri": m.URI, "version": "1", "chainId": m.ChainID, "nonce": m.Nonce,
				"issuedAt": m.IssuedAt.String(), "expirationTime": m.ExpirationTime.String(),
			},
		}}
		parsed, err := siws.Parse([]byte(message))
		r.form = err == nil && siws.Verify(parsed.Address, []byte(message), raw) == nil
		r.signIn = tr.signIn(message, signature)
		rows = append(rows, r)
	}
	return rows
}

func ed25519Rows(t testing.TB) []*row {
	var rows []*row
	add := func(name string, honest bool, key, message, sig []byte) {
		ok := siws.Verify(base58.Encode(key), message, sig) == nil
		rows = append(rows, &row{
			section: sectionEd25519, name: name, honest: honest, form: ok, signIn: ok, std: len(sig) == 64 && ed25519.Verify(key, message, sig),
			ask: outside{Kind: "ed25519", Message: hex.EncodeToString(message), Signature: hex.EncodeToString(sig), PublicKey: hex.EncodeToString(key)},
		})
	}
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	message := []byte("message")
	good := ed25519.Sign(key, message)
	add("a signature", true, key[32:], message, good)
	add("an empty message", true, key[32:], nil, ed25519.Sign(key, nil))
	for _, k := range authtest.LowOrderKeys() {
		m, sig := authtest.Forge(k)
		add("forged for the low-order key `"+base58.Encode(k)+"`", false, k, m, sig)
	}
	add("S + L in place of S", false, key[32:], message, authtest.TwinEd25519(good))
	add("S = 0, R = 0", false, key[32:], message, make([]byte, 64))
	add("a signature cut short", false, key[32:], message, good[:63])
	for i, r := range authtest.LowOrderKeys() {
		if i < 4 {
			add(fmt.Sprintf("R of low order, encoding %d", i+1), false, key[32:], message, append(bytes.Clone(r), good[32:]...))
		}
	}
	return rows
}

// document writes the page.
func document(rows []*row) []byte {
	var b bytes.Buffer
	b.WriteString(`# Sign-in conformance

Generated by ` + "`go test ./auth -run TestSignInConformance -update`" + `; do not edit. The test runs every case again and fails when a
verdict is no longer the one below, and when StreamGate takes what it must refuse or refuses an honest answer.

"yes" is: accepts. **yes** is a case that must be refused and is not, **no** an honest one that is refused. Each library is called as its own
documentation says, with all that a server knows: domain, nonce, address and time. Not every **yes** is a hole: who compares the message with
the one that was issued, byte for byte, is safe from most. It is what the library alone does not stop.

Columns: *sign-in* is ` + "`auth.Service.Verify`" + `, the whole of StreamGate's check. *form* is its parser and its signature check by themselves, without
the challenge: well-formed messages that were not issued pass there and stop at the challenge. *siwe* is npm siwe 3.0.0, *viem* viem 2.57.20,
*util* ` + "`verifySignIn`" + ` of @solana/wallet-standard-util 1.1.4 with the input the server kept and no address in it, which is optional there; *util, echoed* the same with
the input that the browser sent along, as in the published example of a back end. *Go* is ` + "`crypto/ed25519`" + `.

Left out: spruceid/siwe-go, which the module proxy used here does not serve; the CCTV Ed25519 vectors, for the same reason (the low-order and
non-canonical encodings below are constructed by the test); and the two ERC-1271 vectors of spruceid/siwe, which need the state of Ethereum's
main chain. Contract wallets are tested in ` + "`drivers/evm`" + ` on chains of the test's own, a Safe 1.4.1 among them.
`)
	for _, section := range []string{sectionParse, sectionVerify, sectionEVM, sectionSolana, sectionEd25519} {
		writeSection(&b, section, rows)
	}
	return b.Bytes()
}

type column struct {
	name string
	of   func(*row) bool
}

func columnsOf(section string) []column {
	ours := column{"StreamGate sign-in", func(r *row) bool { return r.signIn }}
	form := column{"StreamGate form", func(r *row) bool { return r.form }}
	siweCol := column{"siwe", func(r *row) bool { return r.said.Siwe }}
	viem := column{"viem", func(r *row) bool { return r.said.Viem }}
	bound := column{"util", func(r *row) bool { return r.said.Bound }}
	switch section {
	case sectionParse:
		return []column{form, siweCol, viem}
	case sectionVerify, sectionEVM:
		return []column{ours, form, siweCol, viem}
	case sectionSolana:
		return []column{ours, form, bound, {"util, echoed", func(r *row) bool { return r.said.Echoed }}}
	default:
		return []column{form, {"Go", func(r *row) bool { return r.std }}, bound}
	}
}

func writeSection(b *bytes.Buffer, section string, all []*row) {
	var rows []*row
	for _, r := range all {
		if r.section == section {
			rows = append(rows, r)
		}
	}
	if section == sectionParse || section == sectionVerify {
		sortRows(rows)
	}
	columns := columnsOf(section)
	fmt.Fprintf(b, "\n## %s\n\n| case | must be |", section)
	for _, c := range columns {
		fmt.Fprintf(b, " %s |", c.name)
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(columns)) + "\n")
	wrong := make([]int, len(columns))
	for _, r := range rows {
		fmt.Fprintf(b, "| %s | %s |", r.name, map[bool]string{true: "accepted", false: "refused"}[r.honest])
		for i, c := range columns {
			verdict := map[bool]string{true: "yes", false: "no"}[c.of(r)]
			if c.of(r) != r.honest {
				verdict = "**" + verdict + "**"
				wrong[i]++
			}
			fmt.Fprintf(b, " %s |", verdict)
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(b, "| *of %d, otherwise than must be* | |", len(rows))
	for _, n := range wrong {
		fmt.Fprintf(b, " %d |", n)
	}
	b.WriteByte('\n')
}

func sortRows(rows []*row) {
	slices.SortStableFunc(rows, func(a, b *row) int {
		if a.honest != b.honest {
			return map[bool]int{true: -1, false: 1}[a.honest]
		}
		return strings.Compare(a.name, b.name)
	})
}

// highS turns a signature into its twin.
func highS(sig []byte) []byte {
	var s secp256k1.ModNScalar
	s.SetByteSlice(sig[32:64])
	neg := s.Negate().Bytes()
	return append(append(bytes.Clone(sig[:32]), neg[:]...), 55-sig[64])
}

// fields is a message as the vectors spell it, to be composed without help from the code under test.
type fields struct {
	Scheme, Domain, Address, Statement, URI, Version string
	ChainID                                          any
	Nonce, IssuedAt, ExpirationTime, NotBefore       string
	RequestID                                        *string
	Resources                                        []string
	Signature, DomainBinding, MatchNonce, Time       string
}

func (f fields) text() string {
	lines := []string{f.Domain + " wants you to sign in with your Ethereum account:", f.Address, ""}
	if f.Scheme != "" {
		lines[0] = f.Scheme + "://" + lines[0]
	}
	if f.Statement != "" {
		lines = append(lines, f.Statement)
	}
	chain := ""
	if f.ChainID != nil {
		chain = fmt.Sprint(f.ChainID)
	}
	lines = append(lines, "", "URI: "+f.URI, "Version: "+f.Version, "Chain ID: "+chain, "Nonce: "+f.Nonce, "Issued At: "+f.IssuedAt)
	for _, o := range []struct{ tag, value string }{{"Expiration Time: ", f.ExpirationTime}, {"Not Before: ", f.NotBefore}} {
		if o.value != "" {
			lines = append(lines, o.tag+o.value)
		}
	}
	if f.RequestID != nil {
		lines = append(lines, "Request ID: "+*f.RequestID)
	}
	if f.Resources != nil {
		lines = append(lines, "Resources:")
	}
	for _, r := range f.Resources {
		lines = append(lines, "- "+r)
	}
	return strings.Join(lines, "\n")
}
