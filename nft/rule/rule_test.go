package rule_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/rule"
)

const (
	apes  = "eip155:1/erc721:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d"
	multi = "eip155:137/erc1155:0x3a892c7014cd05418e48ae516a6a9e700ccb3e39"
	mint  = "J1S9H3QjnRtBbbuD4HjPV6RpRhwuk4zKbxsnCHuTgh9w"
)

func when(leaf string) string { return `{"gr":1,"when":` + leaf + `}` }

func parse(t *testing.T, s string) *rule.Rule {
	t.Helper()
	r, err := rule.Parse([]byte(s))
	if err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	return r
}

// leaves are valid spellings of every leaf, with their canonical form and phrase.
func leaves() []struct{ in, canonical, phrase string } {
	return []struct{ in, canonical, phrase string }{
		{`{"hold":"` + apes + `"}`, `{"hold":"` + apes + `"}`, "holds at least 1 token of 0xbc4c…f13d on Ethereum (eip155:1)"},
		{`{"min":"2","hold":"eip155:mainnet/erc721:0xBC4CA0EdA7647A8aB7C2061c2E118A18a936f13D"}`, `{"hold":"` + apes + `","min":"2"}`,
			"holds at least 2 tokens of 0xbc4c…f13d on Ethereum (eip155:1)"},
		{`{"hold":"` + apes + `/7","min":"1","as":["owner"]}`, `{"hold":"` + apes + `/7"}`, "holds token 7 of 0xbc4c…f13d on Ethereum (eip155:1)"},
		{`{"hold":"` + apes + `","ids":["10","9","9"]}`, `{"hold":"` + apes + `","ids":["9","10"]}`,
			"holds at least 1 token of 0xbc4c…f13d with id 9 or 10 on Ethereum (eip155:1)"},
		{`{"hold":"` + apes + `","ids":["1","2","3","4","5","6"],"min":"2"}`, `{"hold":"` + apes + `","ids":["1","2","3","4","5","6"],"min":"2"}`,
			"holds at least 2 tokens of 0xbc4c…f13d among 6 named ids on Ethereum (eip155:1)"},
		{`{"hold":"` + multi + `","ids":{"from":"1","to":"99"}}`, `{"hold":"` + multi + `","ids":{"from":"1","to":"99"}}`,
			"holds at least 1 token of 0x3a89…3e39 with an id from 1 to 99 on Polygon (eip155:137)"},
		{`{"hold":"` + multi + `/7","min":"3"}`, `{"hold":"` + multi + `/7","min":"3"}`, "holds at least 3 of token 7 of 0x3a89…3e39 on Polygon (eip155:137)"},
		{`{"hold":"` + apes + `","traits":{"Fur":["Gold","Blue"],"Hat":["Cap"]},"as":["renter","owner"]}`,
			`{"as":["owner","renter"],"hold":"` + apes + `","traits":{"Fur":["Blue","Gold"],"Hat":"Cap"}}`,
			"holds at least 1 token of 0xbc4c…f13d with Fur Blue or Gold with Hat Cap on Ethereum (eip155:1) as owner or renter"},
		{`{"hold":"eip155:8453/erc20:0x3a892c7014cd05418e48ae516a6a9e700ccb3e39","min":"1000"}`,
			`{"hold":"eip155:8453/erc20:0x3a892c7014cd05418e48ae516a6a9e700ccb3e39","min":"1000"}`,
			"holds at least 1000 units of 0x3a89…3e39 on Base (eip155:8453)"},
		{`{"key":"` + apes + `","check":"unlock"}`, `{"check":"unlock","key":"` + apes + `"}`, "has a valid Unlock key of 0xbc4c…f13d on Ethereum (eip155:1)"},
		{`{"key":"` + apes + `/3","check":"erc4907"}`, `{"check":"erc4907","key":"` + apes + `/3"}`, "has a running rental of 0xbc4c…f13d token 3 on Ethereum (eip155:1)"},
		{`{"call":"eip155:5:0xBC4CA0EdA7647A8aB7C2061c2E118A18a936f13D","fn":"tierOf(address) (uint8)","args":[":account"],"test":{"op":">=","value":"2"}}`,
			`{"args":[":account"],"call":"eip155:5:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d","fn":"tierOf(address)(uint8)","test":{"op":">=","value":"2"}}`,
			"has tierOf(the viewer) >= 2 at 0xbc4c…f13d on eip155:5"},
		{`{"call":"eip155:5:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d","fn":"paused()(bool)","args":[],"test":{"op":"==","value":"false"}}`,
			`{"args":[],"call":"eip155:5:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d","fn":"paused()(bool)","test":{"op":"==","value":"false"}}`,
			"has paused() == false at 0xbc4c…f13d on eip155:5"},
		{`{"call":"eip155:5:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d","fn":"f(bytes4,int8,bool,address,string)(string)","args":["0xAABBccdd","-3","true","0xBC4CA0EdA7647A8aB7C2061c2E118A18a936f13D","x"],"test":{"op":"contains","value":"gold"}}`,
			`{"args":["0xaabbccdd","-3","true","0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d","x"],"call":"eip155:5:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d","fn":"f(bytes4,int8,bool,address,string)(string)","test":{"op":"contains","value":"gold"}}`, ""},
		{`{"sol":"solana:mainnet/token:` + mint + `","min":"5","allow":["frozen","delegated","frozen"]}`,
			`{"allow":["delegated","frozen"],"min":"5","sol":"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/token:` + mint + `"}`,
			"holds at least 5 tokens of J1S9…gh9w on Solana (solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp)"},
		{`{"collection":{"mint":"` + mint + `","verified":true}}`,
			`{"collection":{"mint":"` + mint + `","verified":true},"sol":"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"}`,
			"holds at least 1 token of the verified collection J1S9…gh9w on Solana (solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp)"},
		{`{"sol":"solana:devnet","creator":{"address":"` + mint + `","verified":false}}`,
			`{"creator":{"address":"` + mint + `","verified":false},"sol":"solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1"}`,
			"holds at least 1 token of the creator J1S9…gh9w on Solana devnet (solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1)"},
		{`{"is":"eip155:1:0xBC4CA0EdA7647A8aB7C2061c2E118A18a936f13D"}`, `{"is":"eip155:1:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d"}`, "is 0xbc4c…f13d on Ethereum (eip155:1)"},
		{`{"list":"friends"}`, `{"list":"friends"}`, `is on the list "friends"`},
		{`{"role":"press"}`, `{"role":"press"}`, `has the role "press"`},
		{`{"merkle":"0x` + strings.Repeat("AB", 32) + `"}`, `{"merkle":"0x` + strings.Repeat("ab", 32) + `"}`, "is in the Merkle list 0xabab…abab"},
		{`{"after":"2026-12-01T01:00:00+01:00"}`, `{"after":"2026-12-01T00:00:00Z"}`, "comes at or after 1 December 2026 00:00:00 UTC"},
		{`{"before":"2026-12-01T00:00:00.50Z"}`, `{"before":"2026-12-01T00:00:00.5Z"}`, "comes before 1 December 2026 00:00:00 UTC"},
		{`{"block":"eip155:10","op":">","value":"5"}`, `{"block":"eip155:10","op":">","value":"5"}`, "comes when the block number of Optimism (eip155:10) is > 5"},
	}
}

func TestLeaves(t *testing.T) {
	t.Parallel()
	for _, tc := range leaves() {
		r := parse(t, when(tc.in))
		if got, want := string(r.Canonical()), `{"gr":1,"when":`+tc.canonical+`}`; got != want {
			t.Errorf("canonical\n got %s\nwant %s", got, want)
		}
		if got := r.Root().Sentence(); tc.phrase != "" && got != tc.phrase {
			t.Errorf("phrase\n got %s\nwant %s", got, tc.phrase)
		}
		again := parse(t, string(r.Canonical()))
		if again.ID() != r.ID() {
			t.Errorf("%s: the canonical form has another id", tc.in)
		}
	}
}

func TestIDIsOfTheCanonicalBytes(t *testing.T) {
	t.Parallel()
	// sha256 and base32 by coreutils: printf '%s' "$canonical" | sha256sum, then RFC 4648 without padding.
	r := parse(t, ` { "when" : {"list":"vip"} , "gr":1 } `)
	if string(r.Canonical()) != `{"gr":1,"when":{"list":"vip"}}` {
		t.Fatal(string(r.Canonical()))
	}
	if want := "gr1:fjun3gaadsi477jg56uja6p7m4x6szgptdjmmqcp5hnpij2y2ejq"; r.ID() != want {
		t.Fatalf("id %s, want %s", r.ID(), want)
	}
}

func TestEqualRulesHaveEqualBytes(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{`{"gr":1,"when":{"list":"a"}}`, `{"gr":1,"when":{"list":"a"},"evidence":{"finality":"latest","quorum":{"n":1,"of":3},"proof":"none"},"subject":{"wallets":"signer"}}`},
		{`{"gr":1,"when":{"all":[{"list":"a"}],"evidence":{"finality":"safe"}}}`, `{"gr":1,"evidence":{"finality":"safe"},"when":{"all":[{"list":"a"}]}}`},
		{`{"gr":1,"evidence":{"finality":"safe"},"when":{"not":{"list":"a","evidence":{"finality":"safe"}}}}`, `{"gr":1,"evidence":{"finality":"safe"},"when":{"not":{"list":"a"}}}`},
		{`{"gr":1,"evidence":{"finality":{"confirmations":1}},"when":{"list":"a"}}`, `{"gr":1,"when":{"list":"a"}}`},
		{`{"gr":1,"evidence":{"maxAge":"120s"},"when":{"list":"a"}}`, `{"gr":1,"evidence":{"maxAge":"2m0s"},"when":{"list":"a"}}`},
		{`{"gr":1,"when":{"list":"a"},"note":"\u0041"}`, `{"gr":1,"when":{"list":"a"},"note":"A"}`},
	} {
		a, b := parse(t, pair[0]), parse(t, pair[1])
		if a.ID() != b.ID() {
			t.Errorf("ids differ:\n%s\n%s", a.Canonical(), b.Canonical())
		}
	}
	// And what means something else differs.
	for _, pair := range [][2]string{
		{when(`{"all":[{"list":"a"},{"list":"b"}]}`), when(`{"any":[{"list":"a"},{"list":"b"}]}`)},
		{when(`{"hold":"` + apes + `/1"}`), when(`{"hold":"` + apes + `/11"}`)},
		{when(`{"hold":"` + apes + `"}`), when(`{"hold":"` + strings.Replace(apes, ":1/", ":10/", 1) + `"}`)},
		{when(`{"all":[{"all":[{"list":"a"}]},{"list":"b"}]}`), when(`{"all":[{"all":[{"list":"a"},{"list":"b"}]}]}`)},
		{`{"gr":1,"evidence":{"finality":"safe"},"when":{"not":{"list":"a","evidence":{"finality":"latest"}}}}`, `{"gr":1,"evidence":{"finality":"safe"},"when":{"not":{"list":"a"}}}`},
	} {
		if parse(t, pair[0]).ID() == parse(t, pair[1]).ID() {
			t.Errorf("one id for two meanings:\n%s\n%s", pair[0], pair[1])
		}
	}
}

func TestCanonicalEscapes(t *testing.T) {
	t.Parallel()
	r := parse(t, `{"gr":1,"when":{"hold":"`+apes+`","traits":{"\u20ac":"a\u0001\b\t\n\f\r\"\\\/<>","z":"\ud83d\ude00"}},"note":"é"}`)
	want := `{"gr":1,"note":"é","when":{"hold":"` + apes + `","traits":{"z":"😀","€":"a\u0001\b\t\n\f\r\"\\/<>"}}}`
	if got := string(r.Canonical()); got != want {
		t.Fatalf("\n got %s\nwant %s", got, want)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, pointer string }{
		{``, ""}, {`[]`, ""}, {`{"gr":1`, ""}, {`{"gr":1,"when":{"list":"a"}} x`, ""}, {"{\"gr\":1,\"when\":{\"list\":\"\xff\"}}", ""},
		{`{"when":{"list":"a"}}`, ""}, {`{"gr":1}`, ""},
		{`{"gr":2,"when":{"list":"a"}}`, "/gr"}, {`{"gr":"1","when":{"list":"a"}}`, "/gr"},
		{`{"gr":1,"gr":1,"when":{"list":"a"}}`, "/gr"},
		{`{"gr":1,"extra":1,"when":{"list":"a"}}`, "/extra"},
		{`{"gr":1,"when":{"list":"a"},"note":7}`, "/note"},
		{`{"gr":1,"when":{"list":"a"},"note":"` + strings.Repeat("x", 1025) + `"}`, "/note"},
		{`{"gr":1,"when":{"list":"a"},"a/b~c":1}`, "/a~1b~0c"},
		{when(`7`), "/when"}, {when(`{}`), "/when"}, {when(`{"list":"a","role":"b"}`), "/when"}, {when(`null`), "/when"},
		{when(`{"list":"a","min":"1"}`), "/when/min"}, {when(`{"list":"a b"}`), "/when/list"}, {when(`{"list":7}`), "/when/list"},
		{when(`{"list":"a","id":"a b"}`), "/when/id"},
		{when(`{"all":[{"list":"a","id":"x"},{"list":"b","id":"x"}]}`), "/when/all/1/id"},
		{when(`{"all":[]}`), "/when/all"}, {when(`{"any":{}}`), "/when/any"}, {when(`{"all":[{"list":"a"}],"min":"1"}`), "/when/min"},
		{when(`{"atLeast":{"n":3,"of":[{"list":"a"},{"list":"b"}]}}`), "/when/atLeast/n"},
		{when(`{"atLeast":{"n":"1","of":[{"list":"a"}]}}`), "/when/atLeast/n"}, {when(`{"atLeast":{"n":1}}`), "/when/atLeast"},
		{when(`{"atLeast":{"of":[{"list":"a"}]}}`), "/when/atLeast"}, {when(`{"atLeast":7}`), "/when/atLeast"},
		{when(`{"not":[{"list":"a"}]}`), "/when/not"},
		{when(`{"hold":7}`), "/when/hold"}, {when(`{"hold":"eip155:1/erc721:0xBc4CA0EdA7647A8aB7C2061c2E118A18a936f13D"}`), "/when/hold"},
		{when(`{"hold":"eip155:1/slip44:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d"}`), "/when/hold"},
		{when(`{"hold":"` + apes + `","min":2}`), "/when/min"}, {when(`{"hold":"` + apes + `","min":"0"}`), "/when/min"},
		{when(`{"hold":"` + apes + `","min":"01"}`), "/when/min"}, {when(`{"hold":"` + apes + `","min":"-1"}`), "/when/min"},
		{when(`{"hold":"` + apes + `/1","min":"2"}`), "/when/min"}, {when(`{"hold":"` + apes + `","ids":["1"],"min":"2"}`), "/when/min"},
		{when(`{"hold":"` + apes + `/1","ids":["1"]}`), "/when/ids"}, {when(`{"hold":"` + apes + `","ids":[]}`), "/when/ids"},
		{when(`{"hold":"` + apes + `","ids":[1]}`), "/when/ids/0"}, {when(`{"hold":"` + apes + `","ids":["0x1"]}`), "/when/ids/0"},
		{when(`{"hold":"` + apes + `","ids":{"from":"2","to":"1"}}`), "/when/ids"}, {when(`{"hold":"` + apes + `","ids":{"from":"2"}}`), "/when/ids"},
		{when(`{"hold":"eip155:1/erc20:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d/1"}`), "/when"},
		{when(`{"hold":"` + apes + `","traits":{}}`), "/when/traits"}, {when(`{"hold":"` + apes + `","traits":{"a":1}}`), "/when/traits/a"},
		{when(`{"hold":"` + apes + `","as":["thief"]}`), "/when/as/0"}, {when(`{"hold":"` + apes + `","as":[]}`), "/when/as"},
		{when(`{"key":"` + apes + `"}`), "/when"}, {when(`{"key":"` + apes + `","check":"lock"}`), "/when/check"},
		{when(`{"call":"solana:mainnet:` + mint + `","fn":"f()(bool)","args":[],"test":{"op":"==","value":"true"}}`), "/when/call"},
		{when(`{"call":"eip155:1:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d","fn":"f(uint9x)(bool)","args":[],"test":{"op":"==","value":"true"}}`), "/when/fn"},
		{when(`{"call":"eip155:1:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d","fn":"f()","args":[],"test":{"op":"==","value":"true"}}`), "/when/fn"},
		{when(`{"call":"eip155:1:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d","fn":"f(address)(bool)","args":[],"test":{"op":"==","value":"true"}}`), "/when/args"},
		{when(`{"call":"eip155:1:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d","fn":"f(uint256)(bool)","args":[":account"],"test":{"op":"==","value":"true"}}`), "/when/args/0"},
		{when(`{"call":"eip155:1:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d","fn":"f(uint256)(bool)","args":["-1"],"test":{"op":"==","value":"true"}}`), "/when/args/0"},
		{when(`{"call":"eip155:1:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d","fn":"f(address)(bool)","args":["0x1"],"test":{"op":"==","value":"true"}}`), "/when/args/0"},
		{when(`{"call":"eip155:1:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d","fn":"f(bytes)(bool)","args":["0x1"],"test":{"op":"==","value":"true"}}`), "/when/args/0"},
		{when(`{"call":"eip155:1:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d","fn":"f()(bool)","args":{},"test":{"op":"==","value":"true"}}`), "/when/args"},
		{when(`{"call":"eip155:1:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d","fn":"f()(bool)","args":[],"test":{"op":"<","value":"true"}}`), "/when/test/op"},
		{when(`{"call":"eip155:1:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d","fn":"f()(bool)","args":[],"test":{"op":"==","value":"yes"}}`), "/when/test/value"},
		{when(`{"call":"eip155:1:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d","fn":"f()(uint8)","args":[],"test":{"op":"contains","value":"1"}}`), "/when/test/op"},
		{when(`{"call":"eip155:1:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d","fn":"f()(uint8)","args":[],"test":{"op":"==","value":1}}`), "/when/test/value"},
		{when(`{"call":"eip155:1:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d"}`), "/when"},
		{when(`{"sol":"` + apes + `"}`), "/when/sol"}, {when(`{"sol":"eip155:1","collection":{"mint":"` + mint + `","verified":true}}`), "/when/sol"},
		{when(`{"collection":{"mint":"0","verified":true}}`), "/when/collection/mint"}, {when(`{"collection":{"mint":"` + mint + `"}}`), "/when/collection"},
		{when(`{"collection":{"mint":"` + mint + `","verified":"yes"}}`), "/when/collection/verified"},
		{when(`{"collection":{"mint":"` + mint + `","verified":true},"creator":{"address":"` + mint + `","verified":true}}`), "/when"},
		{when(`{"sol":"solana:mainnet/token:` + mint + `","allow":["stolen"]}`), "/when/allow/0"},
		{when(`{"merkle":"0x12"}`), "/when/merkle"}, {when(`{"after":"tomorrow"}`), "/when/after"}, {when(`{"after":"2026-12-01T00:00:60Z"}`), "/when/after"},
		{when(`{"block":"eip155:1","op":"~","value":"1"}`), "/when/op"}, {when(`{"block":"eip155:01","op":">","value":"1"}`), "/when/block"},
		{when(`{"block":"eip155:1","op":">"}`), "/when"},
		{when(`{"list":"a","evidence":{"finality":"soon"}}`), "/when/evidence/finality"},
		{when(`{"list":"a","evidence":{"finality":{"confirmations":0}}}`), "/when/evidence/finality/confirmations"},
		{when(`{"list":"a","evidence":{"finality":7}}`), "/when/evidence/finality"},
		{when(`{"list":"a","evidence":{"quorum":{"n":3,"of":2}}}`), "/when/evidence/quorum/n"},
		{when(`{"list":"a","evidence":{"proof":"maybe"}}`), "/when/evidence/proof"},
		{when(`{"list":"a","evidence":{"heldFor":{}}}`), "/when/evidence/heldFor"}, {when(`{"list":"a","evidence":{"heldFor":{"blocks":1.5}}}`), "/when/evidence/heldFor/blocks"},
		{when(`{"list":"a","evidence":{"maxAge":2}}`), "/when/evidence/maxAge"}, {when(`{"list":"a","evidence":{"grace":"-1s"}}`), "/when/evidence/grace"},
		{when(`{"list":"a","evidence":{"fresh":true}}`), "/when/evidence/fresh"}, {when(`{"list":"a","evidence":[]}`), "/when/evidence"},
		{`{"gr":1,"when":{"list":"a"},"subject":{"wallets":"all"}}`, "/subject/wallets"},
		{`{"gr":1,"when":{"list":"a"},"subject":{"delegation":["a b"]}}`, "/subject/delegation/0"},
		{`{"gr":1,"when":{"list":"a"},"subject":{"concurrency":{"per":"asset","max":0}}}`, "/subject/concurrency/max"},
	} {
		_, err := rule.Parse([]byte(tc.in))
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid {
			t.Errorf("%s: %v, want an error of kind invalid", tc.in, err)
			continue
		}
		if !slices.ContainsFunc(f.Fields, func(x fault.Field) bool { return x.Pointer == tc.pointer && x.Detail != "" }) {
			t.Errorf("%s: no field at %q: %v", tc.in, tc.pointer, err)
		}
	}
}

func TestEveryMistakeIsListed(t *testing.T) {
	t.Parallel()
	_, err := rule.Parse([]byte(`{"gr":3,"when":{"all":[{"list":"!"},{"hold":"x","min":1}]}}`))
	_, fields, _ := fault.Public(err)
	var got []string
	for _, f := range fields {
		got = append(got, f.Pointer)
	}
	if want := []string{"/gr", "/when/all/0/list", "/when/all/1/hold", "/when/all/1/min"}; !slices.Equal(got, want) {
		t.Fatalf("pointers %v, want %v", got, want)
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	leaves := func(n int) string {
		return when(`{"any":[` + strings.TrimSuffix(strings.Repeat(`{"list":"a"},`, n), ",") + `]}`)
	}
	nested := func(n int) string {
		return when(strings.Repeat(`{"not":`, n-1) + `{"list":"a"}` + strings.Repeat("}", n-1))
	}
	for _, tc := range []struct {
		name, in string
		ok       bool
	}{
		{"64 leaves", leaves(64), true}, {"65 leaves", leaves(65), false}, {"10,000 leaves", leaves(10_000), false},
		{"2,000 leaves in 32 KiB", leaves(2000), false},
		{"depth 8", nested(8), true}, {"depth 9", nested(9), false}, {"depth 3,000", nested(3000), false},
		{"arrays to the bottom", strings.Repeat("[", 16000) + strings.Repeat("]", 16000), false},
		{"32 KiB", when(`{"list":"a"}`) + strings.Repeat(" ", rule.MaxBytes-len(when(`{"list":"a"}`))), true},
		{"32 KiB and 1", when(`{"list":"a"}`) + strings.Repeat(" ", rule.MaxBytes), false},
	} {
		_, err := rule.Parse([]byte(tc.in))
		if tc.ok && err != nil {
			t.Errorf("%s: %v", tc.name, err)
		}
		if !tc.ok && !errors.Is(err, fault.TooLarge) && !strings.HasPrefix(tc.name, "arrays") {
			t.Errorf("%s: %v, want an error of kind too_large", tc.name, err)
		}
	}
}

func TestEvidenceIsInherited(t *testing.T) {
	t.Parallel()
	r := parse(t, `{"gr":1,"evidence":{"finality":"safe","maxAge":"2s","quorum":{"n":2,"of":3}},"when":{"all":[
		{"hold":"`+apes+`"},
		{"evidence":{"finality":{"confirmations":12},"heldFor":{"seconds":60},"grace":"1s"},"not":{"hold":"`+apes+`","evidence":{"heldFor":{"blocks":0},"proof":"require"}}}]}}`)
	first, second := r.Root().Children[0].Evidence, r.Root().Children[1].Children[0].Evidence
	if first.Finality.Tag != "safe" || first.MaxAge != 2*time.Second || first.QuorumN != 2 || first.HeldSeconds != 0 {
		t.Errorf("first: %+v", first)
	}
	want := rule.Evidence{Finality: rule.Finality{Confirmations: 12}, QuorumN: 2, QuorumOf: 3, Proof: rule.ProofRequire, MaxAge: 2 * time.Second, Grace: time.Second}
	if second != want {
		t.Errorf("second: %+v", second)
	}
	if parse(t, string(r.Canonical())).ID() != r.ID() {
		t.Error("the canonical form reads otherwise")
	}
}

func TestCost(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int{
		`{"list":"a"}`:                                                      0,
		`{"hold":"` + apes + `"}`:                                           1,
		`{"hold":"` + apes + `","ids":["1","2","3"]}`:                       3,
		`{"hold":"` + apes + `","ids":{"from":"1","to":"10"}}`:              10,
		`{"hold":"` + apes + `","ids":{"from":"1","to":"257"}}`:             0,
		`{"hold":"` + apes + `","evidence":{"finality":"finalized"}}`:       2,
		`{"hold":"` + apes + `","ids":["1","2"],"traits":{"a":"b"}}`:        4,
		`{"hold":"` + apes + `","traits":{"a":"b"}}`:                        513,
		`{"hold":"` + apes + `","as":["delegate"]}`:                         65,
		`{"hold":"` + apes + `","ids":["1","2"],"as":["delegate","owner"]}`: 6,
		`{"hold":"` + apes + `/1","as":["boundAccount"]}`:                   3,
		`{"hold":"` + apes + `/1","as":["renter"]}`:                         2,
		`{"key":"` + apes + `","check":"unlock"}`:                           36,
		`{"key":"` + apes + `/1","check":"unlock"}`:                         3,
		`{"key":"` + apes + `","check":"erc5643"}`:                          33,
		`{"key":"` + apes + `/1","check":"erc4907"}`:                        2,
		`{"block":"eip155:1","op":">","value":"1"}`:                         1,
		`{"role":"a"}`: 0,
		`{"all":[{"hold":"` + apes + `"},{"not":{"hold":"` + apes + `/1"}}]}`: 2,
	} {
		if got := parse(t, when(in)).Cost(); got != want {
			t.Errorf("%s costs %d, want %d", in, got, want)
		}
	}
}

func TestSentence(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		when(`{"all":[{"list":"a"},{"not":{"role":"b"}},{"any":[{"list":"c"},{"list":"d"}]}]}`): `Access is given when the viewer is on the list "a", does not have the role "b", and (is on the list "c" or is on the list "d").`,
		when(`{"not":{"any":[{"list":"a"},{"hold":"` + apes + `"}]}}`):                          `Access is given when the viewer is not on the list "a" and does not hold at least 1 token of 0xbc4c…f13d on Ethereum (eip155:1).`,
		when(`{"atLeast":{"n":2,"of":[{"list":"a"},{"list":"b"},{"list":"c"}]}}`):               `Access is given when the viewer meets at least 2 of these: [is on the list "a"; is on the list "b"; is on the list "c"].`,
		when(`{"not":{"atLeast":{"n":2,"of":[{"list":"a"},{"list":"b"}]}}}`):                    `Access is given when the viewer meets fewer than 2 of these: [is on the list "a"; is on the list "b"].`,
		when(`{"not":{"after":"2026-01-02T00:00:00Z"}}`):                                        `Access is given when the viewer comes before 2 January 2026 00:00:00 UTC.`,
		when(`{"not":{"before":"2026-01-02T00:00:00Z"}}`):                                       `Access is given when the viewer comes at or after 2 January 2026 00:00:00 UTC.`,
		`{"gr":1,"evidence":{"finality":{"confirmations":5},"heldFor":{"seconds":9},"proof":"require","maxAge":"2s"},"subject":{"wallets":"linked","delegation":["delegate.xyz/v2"],"concurrency":{"per":"asset","max":2}},"when":{"list":"a"}}`: `Access is given when the viewer is on the list "a", counting all linked wallets, also by delegation through delegate.xyz/v2, with at most 2 streams at once per asset (after 5 confirmations, held for 9 seconds, proven, at most 2s old).`,
		`{"gr":1,"evidence":{"finality":"safe"},"when":{"any":[{"list":"a"},{"list":"b","evidence":{"finality":"finalized","heldFor":{"blocks":3},"quorum":{"n":2,"of":2}}}]}}`:                                                                  `Access is given when the viewer is on the list "a" or is on the list "b" (finalized, held for 3 blocks, agreed by 2 of 2 providers) (safe).`,
	} {
		if got := parse(t, in).Sentence(); got != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
	}
}

func TestLint(t *testing.T) {
	t.Parallel()
	settled := `"evidence":{"finality":"finalized","heldFor":{"blocks":9}}`
	for in, want := range map[string]string{
		when(`{"hold":"` + apes + `",` + settled + `}`):                                "[]",
		when(`{"hold":"` + apes + `"}`):                                                "[/when no_holding_time /when latest_reorg]",
		when(`{"not":{"hold":"` + apes + `",` + settled + `}}`):                        "[/when/not negated_balance]",
		when(`{"not":{"not":{"hold":"` + apes + `",` + settled + `}}}`):                "[]",
		when(`{"hold":"` + apes + `","traits":{"a":"b"},` + settled + `}`):             "[/when issuer_controlled]",
		when(`{"hold":"` + apes + `","ids":{"from":"1","to":"9999"},` + settled + `}`): "[/when wide_range]",
		when(`{"call":"eip155:1:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d","fn":"name()(string)","args":[],"test":{"op":"==","value":"x"},` + settled + `}`): "[/when issuer_controlled]",
		when(`{"collection":{"mint":"` + mint + `","verified":false},` + settled + `}`):                                                                       "[/when unverified]",
		when(`{"sol":"solana:mainnet/token:` + mint + `",` + settled + `}`):                                                                                   "[/when permanent_delegate]",
		when(`{"list":"a"}`): "[]",
	} {
		var got []string
		for _, w := range parse(t, in).Lint() {
			if w.Detail == "" {
				t.Errorf("%s: %s without detail", in, w.Code)
			}
			got = append(got, w.Pointer+" "+w.Code)
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s", in, got, want)
		}
	}
}

func TestBuilderEqualsJSON(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	for want, e := range map[string]rule.Expr{
		`{"gr":1,"evidence":{"quorum":{"n":2,"of":3}},"when":{"any":[{"hold":"` + apes + `","as":["owner","delegate"],"evidence":{"finality":"finalized","heldFor":{"blocks":64}}},{"all":[{"key":"eip155:137/erc721:0x3a892c7014cd05418e48ae516a6a9e700ccb3e39","check":"unlock"},{"not":{"list":"banned"}}]}]}}`: rule.Any(
			rule.Hold(apes).As(rule.Owner, rule.Delegate).Finalized().HeldForBlocks(64),
			rule.All(rule.Key("eip155:137/erc721:0x3a892c7014cd05418e48ae516a6a9e700ccb3e39", rule.Unlock), rule.Not(rule.List("banned"))),
		).Quorum(2, 3),
		when(`{"atLeast":{"n":1,"of":[{"after":"2026-12-01T00:00:00Z"},{"before":"2026-12-01T00:00:00Z","id":"x"}]}}`):                                                                            rule.AtLeast(1, rule.After(day), rule.Before(day).ID("x")),
		when(`{"call":"eip155:1:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d","fn":"f()(uint8)","args":[],"test":{"op":">","value":"3"},"evidence":{"maxAge":"2s","grace":"1s","proof":"prefer"}}`): rule.Call("eip155:1:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d", "f()(uint8)").Test(">", "3").MaxAge(2 * time.Second).Grace(time.Second).Prove(rule.ProofPrefer),
		when(`{"hold":"` + multi + `","ids":["1","2"],"min":"2","evidence":{"finality":{"confirmations":3},"heldFor":{"seconds":60}}}`):                                                           rule.Hold(multi).IDs("2", "1").Min(2).Confirmations(3).HeldFor(time.Minute),
		when(`{"hold":"` + multi + `","ids":{"from":"1","to":"5"},"min":"1267650600228229401496703205376","traits":{"a":["b","c"]},"evidence":{"finality":"safe"}}`):                              rule.Hold(multi).IDRange(1, 5).MinBig(new(big.Int).Lsh(big.NewInt(1), 100)).Trait("a", "b", "c").Safe(),
		when(`{"any":[{"is":"eip155:1:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d"},{"role":"r"},{"merkle":"0x` + strings.Repeat("ab", 32) + `"},{"block":"eip155:1","op":">","value":"7"}]}`): rule.Any(
			rule.Is("eip155:1:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d"), rule.Role("r"), rule.Merkle("0x"+strings.Repeat("ab", 32)), rule.Block("eip155:1", ">", 7)),
		when(`{"any":[{"sol":"solana:mainnet/token:` + mint + `","allow":["frozen"]},{"sol":"solana:mainnet","collection":{"mint":"` + mint + `","verified":true}},{"sol":"solana:devnet","creator":{"address":"` + mint + `","verified":true}}]}`): rule.Any(
			rule.Sol("solana:mainnet/token:"+mint).Allow("frozen"), rule.SolCollection("solana:mainnet", mint), rule.SolCreator("solana:devnet", mint)),
		`{"gr":1,"when":{"list":"a"},"note":"n","subject":{"wallets":"linked","delegation":["delegate.xyz/v2"],"concurrency":{"per":"asset","max":2}}}`: rule.List("a").Wallets(rule.Linked).Delegation("delegate.xyz/v2").Concurrency("asset", 2).Note("n"),
		`{"gr":1,"when":{"all":[{"list":"a","evidence":{"finality":"latest"}}]},"evidence":{"finality":"safe"}}`:                                        rule.All(rule.List("a").Latest()).Safe(),
	} {
		r, err := e.Build()
		if err != nil {
			t.Errorf("%s: %v", want, err)
			continue
		}
		if p := parse(t, want); r.ID() != p.ID() {
			t.Errorf("\n got %s\nwant %s", r.Canonical(), p.Canonical())
		}
	}
}

func TestBuilderRefuses(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]rule.Expr{
		"nothing":             {},
		"empty":               rule.Any(),
		"zero minimum":        rule.Hold(apes).Min(0),
		"minimum of a list":   rule.List("a").Min(2),
		"subject of a part":   rule.All(rule.List("a").Wallets(rule.Linked)),
		"bad asset":           rule.Hold("apes"),
		"more than there are": rule.AtLeast(2, rule.List("a")),
	} {
		if _, err := e.Build(); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want an error of kind invalid", name, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("MustBuild does not panic")
		}
	}()
	rule.Any().MustBuild()
}

func TestBuilderPartsAreShared(t *testing.T) {
	t.Parallel()
	base := rule.Hold(apes).Trait("a", "b").Safe()
	_ = base.Min(2).Trait("c", "d").Finalized().Note("x")
	if got, want := string(base.MustBuild().Canonical()), string(rule.Hold(apes).Trait("a", "b").Safe().MustBuild().Canonical()); got != want {
		t.Fatalf("the part has changed: %s", got)
	}
}

func TestRuleInJSON(t *testing.T) {
	t.Parallel()
	r := rule.List("a").Note("n").MustBuild()
	b, err := json.Marshal(map[string]any{"rule": r})
	if err != nil || !bytes.Contains(b, r.Canonical()) {
		t.Fatal(string(b), err)
	}
	var back struct{ Rule rule.Rule }
	if err := json.Unmarshal(b, &back); err != nil || back.Rule.ID() != r.ID() || back.Rule.Note() != "n" {
		t.Fatal(back, err)
	}
	if err := json.Unmarshal([]byte(`{"rule":{"gr":1}}`), &back); err == nil {
		t.Fatal("a wrong rule is read")
	}
}

func ExampleParse() {
	r, err := rule.Parse([]byte(`{"gr":1,"when":{"hold":"eip155:1/erc721:0xBC4CA0EdA7647A8aB7C2061c2E118A18a936f13D","min":"2"}}`))
	if err != nil {
		panic(err)
	}
	fmt.Println(r.Sentence())
	// Output: Access is given when the viewer holds at least 2 tokens of 0xbc4c…f13d on Ethereum (eip155:1).
}

func ExampleAny() {
	r, err := rule.Any(rule.Hold("eip155:1/erc721:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d").Finalized(), rule.List("friends")).Build()
	if err != nil {
		panic(err)
	}
	fmt.Println(string(r.Canonical()))
	// Output: {"gr":1,"when":{"any":[{"evidence":{"finality":"finalized"},"hold":"eip155:1/erc721:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d"},{"list":"friends"}]}}
}
