package solana

import (
	"testing"

	"github.com/gagliardetto/solana-go"
)

// No bytes make a parser panic, and what is cut short has no value that it had whole.
func FuzzLayouts(f *testing.F) {
	f.Add([]byte{1, 2, 3})
	f.Add(make([]byte, tokenSize))
	f.Add(append(make([]byte, tokenSize), 1, 12, 0, 32, 0))
	f.Add(append([]byte{4}, make([]byte, 200)...))
	f.Add(append([]byte{1}, make([]byte, 80)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, owner := range []solana.PublicKey{splToken, token2022, metadata, core} {
			a := &account{owner: owner, data: b}
			if isTokenAccount(a) {
				parseToken(a.data)
			}
			m, ok := parseMint(a)
			if ok && owner != splToken && owner != token2022 || !ok && m.permanentDelegate && owner == metadata {
				t.Fatalf("a mint of %s", owner)
			}
			if md, err := parseMetadata(a); md != nil && (err != nil || owner != metadata) {
				t.Fatalf("metadata of %s", owner)
			}
			if c, err := parseCore(a); err == nil && c != nil && owner != core {
				t.Fatalf("an asset of %s", owner)
			}
			parseRecord(a)
			kindOf(a)
		}
	})
}

// FuzzReplies feeds what a provider may say.
func FuzzReplies(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":0,"result":{"context":{"slot":1},"value":[null]}}`))
	f.Add([]byte(`{"owner":"11111111111111111111111111111111","data":["","base64"]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var a account
		_ = a.UnmarshalJSON(b)
		var r accountReply
		c := &call{method: "x", out: &r}
		id := 0
		if match([]*call{c}, []message{{ID: &id, Result: b}}) == nil {
			_, _ = r.slot()
		}
	})
}
