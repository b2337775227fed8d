package siwe_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/auth/siwe"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/internal/npmtest"
)

// node runs one command of clients.mjs in the folder of the packages.
func node(t *testing.T, dir string, command, answer any) {
	t.Helper()
	in, err := json.Marshal(command)
	if err != nil {
		t.Fatal(err)
	}
	out := npmtest.Run(t, dir, "clients.mjs", in)
	if err := json.Unmarshal(out, answer); err != nil {
		t.Fatalf("clients.mjs answered %q: %v", out, err)
	}
}

func TestOutsideClients(t *testing.T) {
	t.Parallel()
	dir := npmtest.Install(t, "testdata/clients")
	t.Run("sign in", func(t *testing.T) { testSignIn(t, dir) })
	t.Run("deliberate differences", func(t *testing.T) { testDifferences(t, dir) })
}

// Viem and siwe read the message Challenge makes, rebuild the same bytes from its
// fields, accept it, and what they sign signs in.
func testSignIn(t *testing.T, dir string) {
	type signed struct{ Message, Signature string }
	type item struct {
		Message    string `json:"message"`
		PrivateKey string `json:"privateKey"`
	}
	type signIn struct {
		library, origin string
		account         caip.AccountID
		wallet          authtest.Wallet
		svc             *auth.Service
	}
	var ins []signIn
	var items []item
	for n, tc := range []struct{ origin, chain, statement string }{
		{"https://video.example", "eip155:1", ""},
		{"http://127.0.0.1:8080", "eip155:31337", "Watch (with care): it's free, isn't it?"},
		{"https://a.video.example:8443", "eip155:137", ""}, // no IPv6: viem cannot read it back
	} {
		w, svc := authtest.NewWallet(uint32(n)), auth.New(authtest.NewMemory(), auth.Options{Statement: tc.statement})
		for _, library := range []string{"viem", "siwe"} {
			c, err := svc.Challenge(t.Context(), "default", tc.origin, w.On(tc.chain))
			if err != nil {
				t.Fatal(err)
			}
			ins = append(ins, signIn{library, tc.origin, w.On(tc.chain), w, svc})
			items = append(items, item{c.Message, fmt.Sprintf("0x%064x", n+1)})
		}
	}
	var answers []struct {
		Viem, Siwe                                                      signed
		SiweVerifies, SiweVerifiesViem, ViemVerifiesSiwe, ViemValidates bool
	}
	node(t, dir, map[string]any{"do": "sign", "inputs": items}, &answers)
	for i, in := range ins {
		t.Run(in.library+" at "+in.origin, func(t *testing.T) {
			got, message := answers[i], items[i].Message
			if !got.SiweVerifies || !got.SiweVerifiesViem || !got.ViemVerifiesSiwe || !got.ViemValidates {
				t.Errorf("a library refuses the message: %+v", got)
			}
			ours := signed{message, in.wallet.Sign(message)}
			if got.Viem != ours || got.Siwe != ours {
				t.Errorf("the libraries built or signed something else:\nours %q\nviem %q\nsiwe %q", ours, got.Viem, got.Siwe)
			}
			answer := map[string]signed{"viem": got.Viem, "siwe": got.Siwe}[in.library]
			tokens, err := in.svc.Verify(t.Context(), "default", in.origin, answer.Message, answer.Signature)
			if err != nil || tokens.Account != in.account {
				t.Errorf("got %+v, %v", tokens, err)
			}
		})
	}
}

// differences are the inputs on which we differ from a widespread library on
// purpose. Each message is signed rightly by the wallet it names, so only the form
// decides. The columns siwe and viem are asserted against the real libraries.
func differences(base string) []difference {
	in := func(old, new string) func(string) string {
		return func(string) string { return strings.Replace(base, old, new, 1) }
	}
	same := func(string) string { return base }
	return []difference{
		{name: "as it should be", message: same, ours: true, siwe: true, viem: true},
		{
			name: "line feed at the end", message: in("#c", "#c\n"), siwe: false, viem: true,
			reason: "the ABNF ends after the last field; bytes nobody reads must not be signed",
		},
		{
			name: "stray line after the resources", message: in("#c", "#c\nstray"), viem: true,
			reason: "what no rule names is refused: a wallet shows it and a person reads it",
		},
		{
			name: "junk between header and fields", message: in("\n\nURI", "\n\njunk\nURI"), viem: true,
			reason: "as above",
		},
		{
			name: "statement of two lines", message: in("tos\n", "tos\nmore\n"), viem: true,
			reason: "a second line can pass for a field",
		},
		{
			name: "non-ASCII statement", message: in("I accept", "\u202eI accept"), viem: true,
			reason: "the ABNF is ASCII; direction marks turn a sentence round",
		},
		{
			name: "chain id with a leading zero", message: in("Chain ID: 137", "Chain ID: 0137"), siwe: false, viem: true,
			reason: "one chain, one spelling; the grammar's 1*DIGIT allows it",
		},
		{
			name: "chain id 0", message: in("Chain ID: 137", "Chain ID: 0"), siwe: true, viem: true,
			reason: "no chain has it",
		},
		{
			name: "empty domain with a port", message: in("https://service.org:8443 ", ":8443 "), siwe: true, viem: true,
			reason: "nobody can be at it",
		},
		{
			name: "chain id beyond 2^64", message: in("Chain ID: 137", "Chain ID: 18446744073709551616"), ours: true, siwe: false, viem: true,
			reason: "well formed and kept as text; viem rounds it to a double, siwe then finds another message",
		},
		{
			name: "high s", message: same, high: true, siwe: false, viem: true,
			reason: "EIP-2: anyone can make the twin of a signature, so it must not count as a second one",
		},
		{
			name: "EIP-2098 compact signature", message: same, compact: true, siwe: true, viem: false,
			reason: "one form of a signature, not two; wallets answer personal_sign with 65 bytes",
		},
	}
}

type difference struct {
	name             string
	message          func(string) string
	high, compact    bool
	ours, siwe, viem bool
	reason           string
}

func testDifferences(t *testing.T, dir string) {
	w := authtest.NewWallet(3)
	base := strings.Replace(full, "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", caip.ChecksumEVM(w.Address), 1)
	type input struct {
		Message   string `json:"message"`
		Signature string `json:"signature"`
	}
	table := differences(base)
	inputs := make([]input, len(table))
	for i, d := range table {
		text := d.message(base)
		if (text == base) != (d.high || d.compact || d.reason == "") {
			t.Fatalf("%s: the message is not what the row says", d.name)
		}
		sig, err := siwe.DecodeSignature(w.Sign(text))
		if err != nil {
			t.Fatal(err)
		}
		if d.high {
			sig = twin(sig)
		}
		if d.compact {
			sig[32] |= (sig[64] - 27) << 7
			sig = sig[:64]
		}
		inputs[i] = input{text, "0x" + hex.EncodeToString(sig)}
		if got := verify(t, inputs[i].Message, inputs[i].Signature) == nil; got != d.ours {
			t.Errorf("%s: we accept: %v, want %v (%s)", d.name, got, d.ours, d.reason)
		}
	}
	var verdicts []struct{ Siwe, Viem bool }
	node(t, dir, map[string]any{"do": "judge", "inputs": inputs}, &verdicts)
	for i, d := range table {
		if verdicts[i].Siwe != d.siwe || verdicts[i].Viem != d.viem {
			t.Errorf("%s: siwe accepts: %v, viem accepts: %v; the table says %v and %v", d.name, verdicts[i].Siwe, verdicts[i].Viem, d.siwe, d.viem)
		}
	}
}
