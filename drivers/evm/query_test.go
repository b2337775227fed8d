package evm_test

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft"
)

var latest = nft.Finality{Tag: "latest"}

// each runs f on every kind of chain.
func each(t *testing.T, f func(t *testing.T, c *chaintest.Chain, v *evm.Verifier)) {
	t.Helper()
	for _, k := range chaintest.Kinds(t) {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			c := k.Start(t, chaintest.Options{})
			f(t, c, dial(t, evm.Options{RPCURL: c.RPCURL, WSURL: c.WSURL, Chain: c.ID, Timeout: 20 * time.Second}))
		})
	}
}

func must(t testing.TB, c *chaintest.Chain, txs ...chaintest.Tx) nft.Block {
	t.Helper()
	b, err := c.Mine(t.Context(), txs...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func call(contract, account, fn string, args ...string) nft.Query {
	return nft.Query{Op: nft.OpCall, Contract: contract, Account: account, Call: &nft.Call{Fn: fn, Args: args}}
}

// On a chain whose nodes do not know the tags, confirmations stand for them.
func TestProfile(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *chaintest.Chain, _ *evm.Verifier) {
		v := dial(t, evm.Options{RPCURL: c.RPCURL, Chain: c.ID, Timeout: 20 * time.Second, Profile: evm.Profile{BlockTime: time.Second, SafeDepth: 3, FinalizedDepth: 1000}})
		var head nft.Block
		for range 5 {
			head = must(t, c)
		}
		for tag, want := range map[string]uint64{"latest": head.Number, "safe": head.Number - 2, "finalized": 0} {
			r, err := v.Check(t.Context(), nft.Finality{Tag: tag}, nil)
			if err != nil || r.Block.Number != want {
				t.Errorf("%s: block %d (%v), want %d of %d", tag, r.Block.Number, err, want, head.Number)
			}
			if h, err := v.IndexSource().Tip(t.Context(), tag); err != nil || h.Number != want {
				t.Errorf("the index's %s: block %d (%v), want %d", tag, h.Number, err, want)
			}
		}
		if _, err := v.Check(t.Context(), nft.Finality{Tag: "safe", Confirmations: 2}, nil); !errors.Is(err, fault.Invalid) {
			t.Errorf("a tag with confirmations: %v", err)
		}
	})
}

func TestCalls(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *chaintest.Chain, v *evm.Verifier) {
		acc := c.Accounts()
		reg, coin := c.Deploy(t, contracts.TierRegistry()), c.Deploy(t, contracts.TestCoin())
		pass := c.Deploy(t, contracts.AccessPass(), "Pass", "P")
		must(t, c,
			chaintest.Method(t, acc[0], contracts.TierRegistry(), reg, "setTier", acc[1], uint8(2)),
			chaintest.Method(t, acc[0], contracts.TestCoin(), coin, "mint", acc[1], big.NewInt(5_000)),
			chaintest.Method(t, acc[0], contracts.AccessPass(), pass, "mint", acc[1]))
		for _, q := range []struct {
			query nft.Query
			want  string
			isInt bool
		}{
			{call(reg, acc[1], "tierOf(address)(uint8)", ":account"), "2", true},
			{call(reg, acc[0], "tierOf(address)(uint8)", ":account"), "0", true},
			{call(reg, acc[0], "tierOf(address)(uint8)", acc[1]), "2", true},
			{call(reg, acc[1], "hasTier(address,uint8)(bool)", ":account", "2"), "true", false},
			{call(reg, acc[1], "hasTier(address, uint8) (bool)", ":account", "3"), "false", false},
			{call(reg, acc[1], "tierName(uint8)(string)", "1"), "silver", false},
			{call(pass, acc[1], "owner()(address)"), acc[0], false},
			{call(pass, acc[1], "expiresAt(uint256)(uint64)", "1"), "0", true},
			{call(pass, acc[1], "supportsInterface(bytes4)(bool)", "0x8c65f84d"), "true", false},
			{call(pass, acc[1], "supportsInterface(bytes4)(bool)", "0xffffffff"), "false", false},
			{call(pass, acc[1], "balanceOf(address)(uint)", ":account"), "1", true},
			{call(pass, acc[1], "balanceOf(address)(bytes32)", ":account"), "0x" + strings.Repeat("0", 63) + "1", false},
			{nft.Query{Op: nft.OpBalance20, Contract: coin, Account: acc[1]}, "5000", true},
		} {
			name := fmt.Sprint(q.query.Op, " ", q.want)
			if q.query.Call != nil {
				name = q.query.Call.Fn
			}
			r, err := v.Check(t.Context(), latest, []nft.Query{q.query})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if a := r.Answers[0]; a.Err != nil || a.Value != q.want || (a.Int != nil) != q.isInt {
				t.Errorf("%s: %q, %v, %v; want %q", name, a.Value, a.Int, a.Err, q.want)
			}
		}
	})
}

// What no honest token answers has no value, and its neighbours in the batch do.
func TestOddAnswersHaveNoValue(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *chaintest.Chain, v *evm.Verifier) {
		odd, token, items := c.Deploy(t, contracts.TestOddities()), c.Deploy(t, contracts.TestToken()), c.Deploy(t, contracts.TestItems())
		account := func(n int) string { return fmt.Sprintf("0x%040x", n) }
		qs := []nft.Query{
			{Op: nft.OpOwner721, Contract: items, TokenID: "1"},          // no ERC-721, so not "does not exist"
			{Op: nft.OpOwner721, Contract: odd, TokenID: "1"},            // a word that is no address
			{Op: nft.OpOwner721, Contract: account(0xabc), TokenID: "1"}, // no contract
			call(odd, account(1), "maybe()(bool)"),
			call(odd, account(1), "story()(string)"),
			call(odd, account(1), "nothing()(bool)"),
			call(token, account(1), "ownerOf(uint256)(address)", "9"), // a revert of a call is no answer
		}
		for kind := 1; kind <= 6; kind++ {
			qs = append(qs, nft.Query{Op: nft.OpBalance721, Contract: odd, Account: account(kind)})
		}
		good := len(qs)
		qs = append(qs, nft.Query{Op: nft.OpBalance721, Contract: token, Account: account(9)},
			nft.Query{Op: nft.OpOwner721, Contract: odd, TokenID: "2"}) // the zero address is nobody
		for round := range 2 { // by itself, then by Multicall3
			r, err := v.Check(t.Context(), latest, qs)
			if err != nil {
				t.Fatal(err)
			}
			for i, a := range r.Answers[:good] {
				kind := fault.KindOf(a.Err)
				if a.Value != "" || a.Int != nil || kind != fault.Unsupported && kind != fault.Unavailable {
					t.Errorf("round %d, query %d: %q, %v", round, i, a.Value, a.Err)
				}
			}
			if err := r.Answers[2].Err; !errors.Is(err, evm.ErrNoContract) {
				t.Errorf("an address without code: %v", err)
			}
			if a := r.Answers[good]; a.Value != "0" || a.Err != nil {
				t.Errorf("round %d: the honest token beside them: %+v", round, a)
			}
			if a := r.Answers[good+1]; a.Value != "" || a.Err != nil {
				t.Errorf("round %d: owned by the zero address: %+v", round, a)
			}
		}
	})
}

func TestAccessPassExpires(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *chaintest.Chain, v *evm.Verifier) {
		creator, holder, other := c.Accounts()[0], c.Accounts()[1], c.Accounts()[2]
		a := contracts.AccessPass()
		pass := c.Deploy(t, a, "Pass", "P")
		tx := func(from, method string, args ...any) chaintest.Tx {
			return chaintest.Method(t, from, a, pass, method, args...)
		}
		ask := func(fn string) string {
			r, err := v.Check(t.Context(), latest, []nft.Query{call(pass, holder, fn, "1")})
			if err != nil || r.Answers[0].Err != nil {
				t.Fatal(fn, err, r.Answers)
			}
			return r.Answers[0].Value
		}
		denied := func(what string, tx chaintest.Tx) {
			t.Helper()
			if _, err := c.Mine(t.Context(), tx); err == nil {
				t.Errorf("%s is allowed", what)
			}
		}
		now := must(t, c).Time.Unix()
		denied("minting by another", tx(holder, "mint", holder))
		denied("minting what is expired", tx(creator, "mintWithExpiry", holder, uint64(now)))
		must(t, c, tx(creator, "mintWithExpiry", holder, uint64(now+1000)))
		if got := ask("expiresAt(uint256)(uint64)"); got != fmt.Sprint(now+1000) {
			t.Errorf("expires at %s, want %d", got, now+1000)
		}
		denied("renewing by the holder", tx(holder, "renewSubscription", big.NewInt(1), uint64(10)))
		denied("renewing by nothing", tx(creator, "renewSubscription", big.NewInt(1), uint64(0)))
		must(t, c, tx(creator, "renewSubscription", big.NewInt(1), uint64(10)))
		if got := ask("expiresAt(uint256)(uint64)"); got != fmt.Sprint(now+1010) {
			t.Errorf("a running pass renewed expires at %s, want %d", got, now+1010)
		}
		denied("cancelling by a stranger", tx(other, "cancelSubscription", big.NewInt(1)))
		b := must(t, c, tx(holder, "cancelSubscription", big.NewInt(1)))
		if got := ask("expiresAt(uint256)(uint64)"); got != fmt.Sprint(b.Time.Unix()) {
			t.Errorf("a cancelled pass expires at %s, want %d", got, b.Time.Unix())
		}
		must(t, c)
		b = must(t, c, tx(creator, "renewSubscription", big.NewInt(1), uint64(10)))
		if got := ask("expiresAt(uint256)(uint64)"); got != fmt.Sprint(b.Time.Unix()+10) {
			t.Errorf("an expired pass renewed expires at %s, want %d", got, b.Time.Unix()+10)
		}
		must(t, c, tx(creator, "mint", holder))
		denied("renewing what never expires", tx(creator, "renewSubscription", big.NewInt(2), uint64(10)))
	})
}

func TestMalformedQueriesAreInvalid(t *testing.T) {
	t.Parallel()
	v, err := evm.New(evm.Options{RPCURL: "http://127.0.0.1:1", Chain: caip.ChainID{Namespace: "eip155", Reference: "1"}})
	if err != nil {
		t.Fatal(err)
	}
	const a = "0x7ac5025f1d3ecd16c80490f794fb258750a451b5"
	for _, q := range []nft.Query{
		{Op: nft.OpBalance721, Contract: "0x12", Account: a},
		{Op: nft.OpBalance721, Contract: a},
		{Op: nft.OpOwner721, Contract: a},
		{Op: nft.OpOwner721, Contract: a, TokenID: "-1"},
		{Op: nft.OpOwner721, Contract: a, TokenID: "007"},
		{Op: nft.OpOwner721, Contract: a, TokenID: "1" + strings.Repeat("0", 78)},
		{Op: nft.OpBalance1155, Contract: a, Account: a, TokenID: "0x1"},
		{Op: nft.OpCall, Contract: a},
		{Op: "other", Contract: a},
		call(a, a, "f(address)"),
		call(a, a, "f(address)(bool,bool)", a),
		call(a, a, "f(address)(bool)"),
		call(a, a, "f(address[])(bool)", a),
		call(a, a, "f(uint7)(bool)", "1"),
		call(a, a, "f(uint264)(bool)", "1"),
		call(a, a, "f(bytes33)(bool)", "0x"),
		call(a, a, "f(uint8)(bool)", "256"),
		call(a, a, "f(int8)(bool)", "-129"),
		call(a, a, "f(int8)(bool)", "128"),
		call(a, a, "f(bool)(bool)", "1"),
		call(a, a, "f(bytes2)(bool)", "0x01"),
		call(a, a, "f(bytes)(bool)", "0102"),
		call(a, a, "f(address)(bool)", "0x7AC5025f1d3ecd16c80490f794fb258750a451b5"), // wrong checksum
		call(a, a, "f(string)(bool)", strings.Repeat("x", 5000)),
		call(a, a, "f("+strings.Repeat("uint8,", 16)+"uint8)(bool)", strings.Split(strings.Repeat("1 ", 17)[:33], " ")...),
		call(a, a, "f()("+strings.Repeat("u", 600)+")"),
	} {
		if r, err := v.Check(t.Context(), latest, []nft.Query{q}); !errors.Is(err, fault.Invalid) {
			t.Errorf("%+v %+v: %+v, %v", q, q.Call, r, err)
		}
	}
	if r, err := v.Check(t.Context(), nft.Finality{}, nil); !errors.Is(err, fault.Invalid) {
		t.Errorf("no finality: %+v, %v", r, err)
	}
}

func TestMalformedOptionsAreInvalid(t *testing.T) {
	t.Parallel()
	eth := caip.ChainID{Namespace: "eip155", Reference: "1"}
	for _, o := range []evm.Options{
		{RPCURL: "http://127.0.0.1:1"},
		{RPCURL: "http://127.0.0.1:1", Chain: caip.ChainID{Namespace: "solana", Reference: "x"}},
		{Chain: eth},
		{RPCURL: "file:///etc/passwd", Chain: eth},
		{RPCURL: "ws://127.0.0.1:1", Chain: eth},
		{RPCURL: "http://127.0.0.1:1", WSURL: "http://127.0.0.1:1", Chain: eth},
	} {
		if _, err := evm.New(o); !errors.Is(err, fault.Invalid) {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// Many reads of one block cost one request for the head and one for the reads.
func TestReadsAreBatched(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *chaintest.Chain, v *evm.Verifier) {
		token := c.Deploy(t, contracts.TestToken())
		var qs []nft.Query
		for i := range 100 {
			qs = append(qs, nft.Query{Op: nft.OpBalance721, Contract: token, Account: fmt.Sprintf("0x%040x", i+1)})
		}
		for _, want := range []int{3, 2} { // the first also finds Multicall3, in 101 requests of two batches
			r, err := v.Check(t.Context(), latest, qs)
			if err != nil || r.Calls != want {
				t.Errorf("%d requests, want %d; %v", r.Calls, want, err)
			}
		}
	})
}
