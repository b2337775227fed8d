package importer_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft/rule"
	"github.com/streamgate/streamgate/nft/rule/importer"
)

const (
	c1   = "0x3110c39b428221012934a7f617913b095bc1078c"
	c2   = "0x89b597199dac806ceecfc091e56044d34e59985c"
	mint = "FrYwrqLcGfmXrgJKcZfrzoWsZ3pqQB9pjjUC9PxSq3xT"
)

// basic is a Lit evmBasic condition.
func basic(standard, method, params, op, value string) string {
	return fmt.Sprintf(`{"contractAddress":%q,"standardContractType":%q,"chain":"ethereum","method":%q,"parameters":%s,"returnValueTest":{"comparator":%q,"value":%q}}`,
		c1, standard, method, params, op, value)
}

// bare is one without a contract.
func bare(method, params, op, value string) string {
	return fmt.Sprintf(`{"contractAddress":"","standardContractType":"","chain":"polygon","method":%q,"parameters":%s,"returnValueTest":{"comparator":%q,"value":%q}}`,
		method, params, op, value)
}

// contract is a Lit evmContract condition.
func contract(abi, name, params, key, op, value string) string {
	return fmt.Sprintf(`{"conditionType":"evmContract","contractAddress":%q,"chain":"base","functionName":%q,"functionParams":%s,"functionAbi":%s,"returnValueTest":{"key":%q,"comparator":%q,"value":%q}}`,
		c2, name, params, abi, key, op, value)
}

func solana(method, params, key, op, value string) string {
	return fmt.Sprintf(`{"method":%q,"params":%s,"pdaParams":[],"pdaInterface":{"offset":0,"fields":{}},"pdaKey":"","chain":"solana","returnValueTest":{"key":%q,"comparator":%q,"value":%q}}`,
		method, params, key, op, value)
}

// taco is a TACo contract condition.
func taco(more, method, params, op, value string) string {
	return fmt.Sprintf(`{"conditionType":"contract","chain":137,"contractAddress":%q,%s,"method":%q,"parameters":%s,"returnValueTest":{"comparator":%q,"value":%s}}`,
		c1, more, method, params, op, value)
}

func tacoTime(op, value string) string {
	return fmt.Sprintf(`{"conditionType":"time","chain":1,"method":"blocktime","returnValueTest":{"comparator":%q,"value":%s}}`, op, value)
}

const (
	own     = `[":userAddress"]`
	tierABI = `{"name":"tierOf","type":"function","stateMutability":"view","inputs":[{"name":"who","type":"address"}],"outputs":[{"name":"tier","type":"uint8"}]}`
	and     = `{"operator":"and"}`
	or      = `{"operator":"or"}`
	hold721 = `{"hold":"eip155:1/erc721:` + c1 + `"}`
)

func arr(of ...string) string { return "[" + strings.Join(of, ",") + "]" }

var (
	nft = basic("ERC721", "balanceOf", own, ">", "0")
	me  = bare("", own, "=", c2)
)

const isMe = `{"is":"eip155:137:` + c2 + `"}`

func TestTranslates(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		format   importer.Format
		in, when string
	}{
		{"ERC-721 balance", importer.Lit, arr(nft), hold721},
		{"ERC-721 balance, two at least", importer.Lit, arr(basic("ERC721", "balanceOf", own, ">=", "2")), `{"hold":"eip155:1/erc721:` + c1 + `","min":"2"}`},
		{"more than two", importer.Lit, arr(basic("ERC721", "balanceOf", own, ">", "2")), `{"hold":"eip155:1/erc721:` + c1 + `","min":"3"}`},
		{"a balance that is no minimum", importer.Lit, arr(basic("ERC721", "balanceOf", own, "=", "2")),
			`{"args":[":account"],"call":"eip155:1:` + c1 + `","fn":"balanceOf(address)(uint256)","test":{"op":"==","value":"2"}}`},
		{"ERC-20", importer.Lit, arr(basic("ERC20", "balanceOf", own, ">=", "1000000000000000000")), `{"hold":"eip155:1/erc20:` + c1 + `","min":"1000000000000000000"}`},
		{"one ERC-721 token", importer.Lit, arr(basic("ERC721", "ownerOf", `["3112"]`, "=", ":userAddress")), `{"hold":"eip155:1/erc721:` + c1 + `/3112"}`},
		{"ERC-1155", importer.Lit, arr(basic("ERC1155", "balanceOf", `[":userAddress","9541"]`, ">", "0")), `{"hold":"eip155:1/erc1155:` + c1 + `/9541"}`},
		{"ERC-1155, less than", importer.Lit, arr(basic("ERC1155", "balanceOf", `[":userAddress","9541"]`, "<", "5")),
			`{"args":[":account","9541"],"call":"eip155:1:` + c1 + `","fn":"balanceOf(address,uint256)(uint256)","test":{"op":"<","value":"5"}}`},
		{"ERC-1155 batch", importer.Lit, arr(basic("ERC1155", "balanceOfBatch", `[":userAddress,:userAddress,:userAddress","1,2,10003"]`, ">", "0")),
			`{"hold":"eip155:1/erc1155:` + c1 + `","ids":["1","2","10003"]}`},
		{"one wallet", importer.Lit, arr(me), isMe},
		{"a time", importer.Lit, arr(bare("eth_getBlockByNumber", `["latest"]`, ">=", "1651276942")), `{"after":"2022-04-30T00:02:22Z"}`},
		{"and", importer.Lit, arr(nft, and, me), `{"all":[` + hold721 + `,` + isMe + `]}`},
		{"or", importer.Lit, arr(nft, or, me, or, nft), `{"any":[` + hold721 + `,` + isMe + `,` + hold721 + `]}`},
		{"brackets", importer.Lit, arr(nft, and, arr(me, or, nft)), `{"all":[` + hold721 + `,{"any":[` + isMe + `,` + hold721 + `]}]}`},
		{"evmBasic conditions without operators are joined by and", importer.Lit, arr(nft, me), `{"all":[` + hold721 + `,` + isMe + `]}`},
		{"by the name of Lit's API", importer.Lit, `{"accessControlConditions":` + arr(nft, or, me) + `}`, `{"any":[` + hold721 + `,` + isMe + `]}`},
		{"a call", importer.Lit, arr(contract(tierABI, "tierOf", own, "", ">=", "3")),
			`{"args":[":account"],"call":"eip155:8453:` + c2 + `","fn":"tierOf(address)(uint8)","test":{"op":">=","value":"3"}}`},
		{"a call that names its output", importer.Lit, arr(contract(tierABI, "tierOf", own, "tier", "=", "3")),
			`{"args":[":account"],"call":"eip155:8453:` + c2 + `","fn":"tierOf(address)(uint8)","test":{"op":"==","value":"3"}}`},
		{"a Solana token", importer.Lit, arr(solana("balanceOfToken", `["`+mint+`"]`, "$.amount", ">", "0")),
			`{"allow":["delegated","frozen"],"sol":"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp/token:` + mint + `"}`},
		{"a Metaplex collection", importer.Lit, `{"solRpcConditions":` + arr(solana("balanceOfMetaplexCollection", `["`+mint+`"]`, "", ">", "1")) + `}`,
			`{"allow":["delegated","frozen"],"collection":{"mint":"` + mint + `","verified":true},"min":"2","sol":"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"}`},
		{"a Solana wallet", importer.Lit, arr(solana("", own, "", "=", mint)), `{"is":"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp:` + mint + `"}`},

		{"TACo, a token", importer.TACo, taco(`"standardContractType":"ERC721"`, "balanceOf", own, ">", "0"), `{"hold":"eip155:137/erc721:` + c1 + `"}`},
		{"TACo, in a set", importer.TACo, `{"version":"1.0.0","condition":` + taco(`"standardContractType":"ERC20"`, "balanceOf", own, ">=", `"5"`) + `}`,
			`{"hold":"eip155:137/erc20:` + c1 + `","min":"5"}`},
		{"TACo, a call", importer.TACo, taco(`"functionAbi":`+tierABI, "tierOf", `[":userAddressExternalEIP4361"]`, "!=", "3"),
			`{"args":[":account"],"call":"eip155:137:` + c1 + `","fn":"tierOf(address)(uint8)","test":{"op":"!=","value":"3"}}`},
		{"TACo, a time", importer.TACo, tacoTime("<", "1651276942"), `{"before":"2022-04-30T00:02:22Z"}`},
		{"TACo, not and nested", importer.TACo,
			`{"conditionType":"compound","operator":"and","operands":[` + tacoTime(">", "1") + `,{"operator":"not","operands":[{"conditionType":"compound","operator":"or","operands":[` +
				tacoTime("<=", "1") + `,` + taco(`"standardContractType":"ERC721"`, "ownerOf", `[7]`, "==", `":userAddress"`) + `]}]}]}`,
			`{"all":[{"after":"1970-01-01T00:00:02Z"},{"not":{"any":[{"before":"1970-01-01T00:00:02Z"},{"hold":"eip155:137/erc721:` + c1 + `/7"}]}}]}`},

		{"Unlock, a lock", importer.Unlock, `{"locks":{"` + c1 + `":{"network":137,"name":"Club"}},"pessimistic":true,"title":"Come in"}`,
			`{"check":"unlock","key":"eip155:137/erc721:` + c1 + `"}`},
		{"Unlock, locks of two networks", importer.Unlock, `{"network":10,"locks":{"` + c1 + `":{"network":137},"` + c2 + `":{}}}`,
			`{"any":[{"check":"unlock","key":"eip155:137/erc721:` + c1 + `"},{"check":"unlock","key":"eip155:10/erc721:` + c2 + `"}]}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, lossy := range []bool{false, true} {
				got, err := importer.Import(tc.format, []byte(tc.in), importer.Options{Lossy: lossy})
				if err != nil {
					t.Fatalf("%s\n%v %v", tc.in, err, fieldsOf(err))
				}
				want := `{"gr":1,"when":` + tc.when + `}`
				if string(got.Rule.Canonical()) != want || len(got.Losses) > 0 {
					t.Errorf("lossy %v:\n got %s %+v\nwant %s", lossy, got.Rule.Canonical(), got.Losses, want)
				}
			}
		})
	}
}

func fieldsOf(err error) []fault.Field {
	_, fields, _ := fault.Public(err)
	return fields
}

// What is wrong with the document is an error, lossy or not, at its place.
func TestRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat(nft+",", 64) + nft
	for _, tc := range []struct {
		name    string
		format  importer.Format
		in, ptr string
	}{
		{"an unknown operator", importer.Lit, arr(nft, `{"operator":"xor"}`, nft), "/1/operator"},
		{"an operator in the disguise of a condition", importer.Lit, arr(nft, strings.Replace(nft, "{", `{"operator":"or",`, 1), nft), "/1"},
		{"and and or on one level", importer.Lit, arr(nft, and, nft, or, nft), "/3/operator"},
		{"two operators in a row", importer.Lit, arr(nft, and, and, nft), "/2"},
		{"an operator first", importer.Lit, arr(and, nft), "/0"},
		{"an operator last", importer.Lit, arr(nft, and), ""},
		{"an operator missing", importer.Lit, arr(nft, and, nft, nft), "/3"},
		{"no operator between conditions of other kinds", importer.Lit, arr(contract(tierABI, "tierOf", own, "", ">=", "3"), contract(tierABI, "tierOf", own, "", ">=", "3")), "/1"},
		{"no condition", importer.Lit, `[]`, ""},
		{"an empty bracket", importer.Lit, arr(nft, and, `[]`), "/2"},
		{"no kind", importer.Lit, `[{"chain":"ethereum"}]`, "/0"},
		{"an unknown comparator", importer.Lit, arr(basic("ERC721", "balanceOf", own, "~", "0")), "/0/returnValueTest/comparator"},
		{"no test", importer.Lit, `[{"conditionType":"evmBasic"}]`, "/0"},
		{"the ABI of another function", importer.Lit, arr(contract(tierABI, "rankOf", own, "", ">=", "3")), "/0/functionName"},
		{"too many leaves", importer.Lit, arr(long), "/64"},
		{"not an array", importer.Lit, `"x"`, ""},
		{"two members", importer.Lit, `{"accessControlConditions":[],"x":1}`, ""},
		{"duplicate members", importer.Lit, `[{"chain":"ethereum","chain":"polygon"}]`, "/0/chain"},
		{"not JSON", importer.Lit, `[`, ""},
		{"more than one value", importer.Lit, `[] []`, ""},
		{"not UTF-8", importer.Lit, "[\"\xff\"]", ""},

		{"TACo, an unknown operator", importer.TACo, `{"operator":"nand","operands":[` + tacoTime(">", "1") + `]}`, "/operator"},
		{"TACo, not of two", importer.TACo, `{"operator":"not","operands":[` + tacoTime(">", "1") + `,` + tacoTime(">", "1") + `]}`, "/operands"},
		{"TACo, and of one", importer.TACo, `{"operator":"and","operands":[` + tacoTime(">", "1") + `]}`, "/operands"},
		{"TACo, no operands", importer.TACo, `{"conditionType":"compound","operator":"and"}`, ""},
		{"TACo, a version of the future", importer.TACo, `{"version":"2.0.0","condition":{}}`, "/version"},
		{"TACo, no kind", importer.TACo, `{"chain":1}`, ""},
		{"TACo, a chain by name", importer.TACo, strings.Replace(taco(`"standardContractType":"ERC721"`, "balanceOf", own, ">", "0"), "137", `"polygon"`, 1), "/chain"},

		{"Unlock, no locks", importer.Unlock, `{"locks":{}}`, "/locks"},
		{"Unlock, an unknown member", importer.Unlock, `{"locks":{"` + c1 + `":{"network":1}},"hooks":{}}`, "/hooks"},
		{"Unlock, no network", importer.Unlock, `{"locks":{"` + c1 + `":{}}}`, "/locks/" + c1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, lossy := range []bool{false, true} {
				_, err := importer.Import(tc.format, []byte(tc.in), importer.Options{Lossy: lossy})
				if !errors.Is(err, fault.Invalid) || len(fieldsOf(err)) == 0 || fieldsOf(err)[0].Pointer != tc.ptr || fieldsOf(err)[0].Detail == "" {
					t.Errorf("lossy %v: %v %+v, want a field at %q", lossy, err, fieldsOf(err), tc.ptr)
				}
			}
		})
	}
}

// What does not translate is an error that names it; a lossy import puts a closed condition there and says so.
func TestLoses(t *testing.T) {
	t.Parallel()
	const closed = `{"before":"1970-01-01T00:00:00Z","id":"lost-1"}`
	for _, tc := range []struct {
		name         string
		format       importer.Format
		in, ptr, out string
	}{
		{"native balance", importer.Lit, arr(bare("eth_getBalance", `[":userAddress","latest"]`, ">", "0")), "/0", closed},
		{"beside one that translates", importer.Lit, arr(nft, or, bare("eth_getBalance", `[":userAddress","latest"]`, ">", "0")), "/2", `{"any":[` + hold721 + `,` + closed + `]}`},
		{"a balance that everybody has", importer.Lit, arr(basic("ERC721", "balanceOf", own, ">=", "0")), "/0", closed},
		{"a POAP", importer.Lit, arr(basic("POAP", "tokenURI", `[]`, "=", "x")), "/0/standardContractType", closed},
		{"a Moloch member", importer.Lit, arr(basic("MolochDAOv2.1", "members", own, "=", "true")), "/0/standardContractType", closed},
		{"a chain nobody knows", importer.Lit, arr(strings.Replace(nft, "ethereum", "atlantis", 1)), "/0/chain", closed},
		{"a member nobody knows", importer.Lit, arr(strings.Replace(nft, "{", `{"since":1,`, 1)), "/0/since", closed},
		{"a wrong checksum", importer.Lit, arr(strings.Replace(nft, c1, "0x3110C39b428221012934A7F617913b095BC1078C", 1)), "/0", closed},
		{"a batch that is not any", importer.Lit, arr(basic("ERC1155", "balanceOfBatch", `[":userAddress,:userAddress","1,2"]`, ">", "1")), "/0", closed},
		{"a batch of others", importer.Lit, arr(basic("ERC1155", "balanceOfBatch", `["0x1,:userAddress","1,2"]`, ">", "0")), "/0", closed},
		{"a variable", importer.Lit, arr(basic("ERC721", "balanceOf", `[":currentActionIpfsId"]`, ">", "0")), "/0", closed},
		{"an unbounded time", importer.Lit, arr(bare("eth_getBlockByNumber", `["latest"]`, "=", "1651276942")), "/0", closed},
		{"a cosmos condition", importer.Lit, `[{"conditionType":"cosmos","path":"/x"}]`, "/0", closed},
		{"a function that writes", importer.Lit, arr(contract(strings.Replace(tierABI, "view", "nonpayable", 1), "tierOf", own, "", ">", "1")), "/0/functionAbi", closed},
		{"two outputs", importer.Lit, arr(contract(strings.Replace(tierABI, `"outputs":[`, `"outputs":[{"name":"x","type":"bool"},`, 1), "tierOf", own, "", ">", "1")), "/0/functionAbi", closed},
		{"an output that is not there", importer.Lit, arr(contract(tierABI, "tierOf", own, "rank", ">", "1")), "/0/returnValueTest/key", closed},
		{"a tuple", importer.Lit, arr(contract(strings.Replace(tierABI, "uint8", "tuple", 1), "tierOf", own, "", ">", "1")), "/0", closed},
		{"a derived account", importer.Lit, arr(strings.Replace(solana("balanceOfToken", `["`+mint+`"]`, "$.amount", ">", "0"), `"pdaKey":""`, `"pdaKey":"x"`, 1)), "/0", closed},
		{"lamports", importer.Lit, arr(solana("getBalance", own, "", ">", "0")), "/0", closed},
		{"a mint that is none", importer.Lit, arr(solana("balanceOfToken", `["0OIl"]`, "$.amount", ">", "0")), "/0", closed},

		{"TACo, native balance", importer.TACo, `{"conditionType":"rpc","chain":1,"method":"eth_getBalance","parameters":[":userAddress"],"returnValueTest":{"comparator":">","value":0}}`, "", closed},
		{"TACo, sequential", importer.TACo, `{"conditionType":"sequential","conditionVariables":[]}`, "", closed},
		{"TACo, an index", importer.TACo, strings.Replace(tacoTime(">", "1"), `"comparator"`, `"index":2,"comparator"`, 1), "/returnValueTest/index", closed},
		{"TACo, a list", importer.TACo, tacoTime("in", "[1]"), "/returnValueTest/comparator", closed},
		// Under a "not" a closed door is one that always passes: the whole stays shut.
		{"TACo, under not", importer.TACo, `{"operator":"not","operands":[{"conditionType":"jwt"}]}`, "/operands/0", `{"not":{"after":"1970-01-01T00:00:00Z","id":"lost-1"}}`},
		{"TACo, under not of not", importer.TACo, `{"operator":"not","operands":[{"operator":"not","operands":[{"conditionType":"jwt"}]}]}`, "/operands/0/operands/0", `{"not":{"not":` + closed + `}}`},

		{"Unlock, an unknown member of a lock", importer.Unlock, `{"locks":{"` + c1 + `":{"network":1,"onValid":"x"}}}`, "/locks/" + c1 + "/onValid", closed},
		{"Unlock, no address", importer.Unlock, `{"locks":{"a/b":{"network":1}}}`, "/locks/a~1b", closed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := importer.Import(tc.format, []byte(tc.in), importer.Options{})
			if !errors.Is(err, fault.Invalid) || len(fieldsOf(err)) != 1 || fieldsOf(err)[0].Pointer != tc.ptr || fieldsOf(err)[0].Detail == "" {
				t.Errorf("strict: %v %+v, want one field at %q", err, fieldsOf(err), tc.ptr)
			}
			got, err := importer.Import(tc.format, []byte(tc.in), importer.Options{Lossy: true})
			if err != nil {
				t.Fatalf("lossy: %v %+v", err, fieldsOf(err))
			}
			if want := `{"gr":1,"when":` + tc.out + `}`; string(got.Rule.Canonical()) != want {
				t.Errorf("\n got %s\nwant %s", got.Rule.Canonical(), want)
			}
			if len(got.Losses) != 1 || got.Losses[0].Pointer != tc.ptr || got.Losses[0].ID != "lost-1" || got.Losses[0].Detail == "" {
				t.Errorf("losses %+v", got.Losses)
			}
		})
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 40) + nft + strings.Repeat("]", 40)
	bracket := strings.Repeat("[", 12) + nft + strings.Repeat("]", 12) // one operand needs no level of its own
	if _, err := importer.Import(importer.Lit, []byte(deep), importer.Options{}); !errors.Is(err, fault.TooLarge) {
		t.Errorf("40 brackets: %v", err)
	}
	if _, err := importer.Import(importer.Lit, []byte(bracket), importer.Options{}); err != nil {
		t.Errorf("12 brackets round one condition: %v", err)
	}
	if _, err := importer.Import(importer.Lit, []byte(strings.Repeat(" ", importer.MaxDocument+1)), importer.Options{}); !errors.Is(err, fault.TooLarge) {
		t.Errorf("a long document: %v", err)
	}
	if _, err := importer.Import("guild", []byte("{}"), importer.Options{}); !errors.Is(err, fault.Unsupported) {
		t.Errorf("an unknown format: %v", err)
	}
	tree := nft
	for range 9 {
		tree = arr(nft, and, arr(nft, or, tree))
	}
	if _, err := importer.Import(importer.Lit, []byte(tree), importer.Options{}); !errors.Is(err, fault.TooLarge) || len(fieldsOf(err)) == 0 {
		t.Errorf("deeper than a rule may be: %v", err)
	}
	problems := arr(strings.Repeat(`{"operator":"xor"},`, 200) + nft)
	if _, err := importer.Import(importer.Lit, []byte(problems), importer.Options{}); len(fieldsOf(err)) != 64 {
		t.Errorf("%d problems are listed", len(fieldsOf(err)))
	}
}

// Every document that docs/importing.md shows becomes the rule it shows.
func TestDocs(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../../docs/importing.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, format := range []importer.Format{importer.Lit, importer.TACo, importer.Unlock} {
		for _, part := range strings.Split(string(b), "\n```json "+string(format))[1:] {
			head, rest, _ := strings.Cut(part, "\n")
			document, rest, _ := strings.Cut(rest, "\n```")
			_, rest, ok := strings.Cut(rest, "\n```json\n")
			want, _, closed := strings.Cut(rest, "\n```")
			if !ok || !closed {
				t.Fatalf("no rule follows %s", document)
			}
			got, err := importer.Import(format, []byte(document), importer.Options{Lossy: strings.Contains(head, "lossy")})
			if err != nil {
				t.Errorf("%s\n%v %+v", document, err, fieldsOf(err))
				continue
			}
			r, err := rule.Parse([]byte(want))
			if err != nil || r.ID() != got.Rule.ID() {
				t.Errorf("%s\nbecomes %s\nthe page says %s (%v)", document, got.Rule.Canonical(), want, err)
			}
			if (len(got.Losses) > 0) != strings.Contains(head, "lossy") {
				t.Errorf("%s\nloses %+v", document, got.Losses)
			}
			shown++
		}
	}
	if shown < 5 {
		t.Errorf("the page shows %d imports", shown)
	}
}

func ExampleImport() {
	got, err := importer.Import(importer.Unlock, []byte(`{"locks": {"0x3110c39b428221012934a7f617913b095bc1078c": {"network": 137}}}`), importer.Options{})
	if err != nil {
		panic(err)
	}
	fmt.Println(got.Rule.Sentence())
	// Output: Access is given when the viewer has a valid Unlock key of 0x3110…078c on Polygon (eip155:137).
}

// Whatever is sent, an import ends in an error with a place or in a rule; a strict one agrees with a lossy one
// that loses nothing, and what a lossy one loses a strict one refuses.
func FuzzImport(f *testing.F) {
	for _, in := range []string{
		arr(nft, and, me), arr(nft, or, arr(me, and, contract(tierABI, "tierOf", own, "", ">=", "3"))), arr(solana("balanceOfToken", `["`+mint+`"]`, "$.amount", ">", "0")),
		taco(`"standardContractType":"ERC721"`, "balanceOf", own, ">", "0"), `{"version":"1.0.0","condition":{"operator":"not","operands":[` + tacoTime(">", "1") + `]}}`,
		`{"locks":{"` + c1 + `":{"network":137}}}`, `[{"operator":"xor"}]`, arr(bare("eth_getBalance", `[":userAddress","latest"]`, ">", "0")), `[[[]]]`, `{"a":{"a":1,"a":2}}`,
	} {
		for format := range 3 {
			f.Add(format, in)
		}
	}
	f.Fuzz(func(t *testing.T, format int, in string) {
		formats := []importer.Format{importer.Lit, importer.TACo, importer.Unlock}
		if format < 0 || format >= len(formats) {
			return
		}
		strict, err := importer.Import(formats[format], []byte(in), importer.Options{})
		loose, err2 := importer.Import(formats[format], []byte(in), importer.Options{Lossy: true})
		for _, e := range []error{err, err2} {
			if k := fault.KindOf(e); e != nil && (k != fault.Invalid && k != fault.TooLarge || k == fault.Invalid && len(fieldsOf(e)) == 0) {
				t.Fatalf("%v %+v", e, fieldsOf(e))
			}
		}
		switch {
		case err == nil && (err2 != nil || len(loose.Losses) > 0 || strict.Rule.ID() != loose.Rule.ID()):
			t.Fatalf("strict gives %s, lossy %v %+v", strict.Rule.Canonical(), err2, loose.Losses)
		case err != nil && err2 == nil && len(loose.Losses) == 0:
			t.Fatalf("strict refuses with %v what loses nothing", err)
		}
		for _, r := range []*rule.Rule{strict.Rule, loose.Rule} {
			if r == nil {
				continue
			}
			if again, err := rule.Parse(r.Canonical()); err != nil || again.ID() != r.ID() {
				t.Fatalf("%s does not parse again: %v", r.Canonical(), err)
			}
		}
		if err == nil && !json.Valid([]byte(in)) {
			t.Fatal("what is not JSON was imported")
		}
	})
}
