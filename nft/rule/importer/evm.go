package importer

import (
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/streamgate/streamgate/nft/rule"
)

// userAddress is how Lit and TACo write the account asked about.
const userAddress = ":userAddress"

// reading is a condition on what a contract answers, in the words of any format.
type reading struct {
	at       *value
	chain    string // CAIP-2
	contract string
	standard string // ERC20, ERC721, ERC1155, or empty
	method   string
	params   []string
	// fn is the Solidity signature with its return type, where the document has one.
	fn    string
	op    string // of GR/1
	value string
}

// evm translates a reading: to a holding where it is one, else to a call.
func (im *importer) evm(r reading, negated bool) node {
	if r.standard == "ERC1155" && r.method == "balanceOfBatch" {
		return im.batch(r, negated)
	}
	for _, p := range r.params {
		if p != userAddress && strings.HasPrefix(p, ":") {
			return im.lose(r.at, negated, "GR/1 has no variable %s", p)
		}
	}
	whole := len(r.params) == 1 && r.params[0] == userAddress
	switch r.standard + "." + r.method {
	case "ERC20.balanceOf", "ERC721.balanceOf":
		if whole {
			return im.balance(r, negated, strings.ToLower(r.standard)+":"+r.contract, "balanceOf(address)(uint256)")
		}
	case "ERC1155.balanceOf":
		if len(r.params) == 2 && r.params[0] == userAddress {
			return im.balance(r, negated, "erc1155:"+r.contract+"/"+r.params[1], "balanceOf(address,uint256)(uint256)")
		}
	case "ERC721.ownerOf":
		if len(r.params) == 1 && r.op == "==" && r.value == userAddress {
			return im.leaf(r.at, negated, node{"hold": r.chain + "/erc721:" + r.contract + "/" + r.params[0]})
		}
	}
	if r.fn == "" {
		return im.lose(r.at, negated, "%s of %s with these parameters has no counterpart", r.method, or(r.standard, "this kind of contract"))
	}
	return im.call(r, negated, r.fn)
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// balance is a holding where the test is a least amount, else a call that says the same.
func (im *importer) balance(r reading, negated bool, asset, fn string) node {
	least, ok := atLeast(r.op, r.value)
	switch {
	case !ok:
		return im.call(r, negated, fn)
	case least.Sign() <= 0:
		return im.lose(r.at, negated, "a balance of at least %s is everybody's", least)
	}
	n := node{"hold": r.chain + "/" + asset}
	if least.Cmp(big.NewInt(1)) > 0 {
		n["min"] = least.String()
	}
	return im.leaf(r.at, negated, n)
}

// batch is an ERC-1155 balanceOfBatch of one account: one of the tokens at least. Any other test would depend on
// whether the answers are added up.
func (im *importer) batch(r reading, negated bool) node {
	if len(r.params) != 2 {
		return im.lose(r.at, negated, "balanceOfBatch takes accounts and token ids")
	}
	accounts, ids := strings.Split(r.params[0], ","), strings.Split(r.params[1], ",")
	least, ok := atLeast(r.op, r.value)
	if len(accounts) != len(ids) || slices.ContainsFunc(accounts, func(a string) bool { return a != userAddress }) ||
		!ok || least.Cmp(big.NewInt(1)) != 0 {
		return im.lose(r.at, negated, `balanceOfBatch translates only as "more than 0 of any" for %s alone`, userAddress)
	}
	return im.leaf(r.at, negated, node{"hold": r.chain + "/erc1155:" + r.contract, "ids": ids})
}

// call is a reading as the call it is.
func (im *importer) call(r reading, negated bool, fn string) node {
	args := make([]string, len(r.params))
	for i, p := range r.params {
		if args[i] = p; p == userAddress {
			args[i] = ":account"
		}
	}
	if strings.HasPrefix(r.value, ":") {
		return im.lose(r.at, negated, "GR/1 compares the result of a call with a literal only, not with %s", r.value)
	}
	return im.leaf(r.at, negated, node{
		"call": r.chain + ":" + r.contract, "fn": fn, "args": args, "test": node{"op": r.op, "value": r.value},
	})
}

// atLeast reads a test as a least amount.
func atLeast(op, value string) (*big.Int, bool) {
	n, ok := integer(value)
	switch {
	case !ok:
		return nil, false
	case op == ">=":
		return n, true
	case op == ">":
		return n.Add(n, big.NewInt(1)), true
	}
	return nil, false
}

// integer reads a canonical decimal of at most 78 digits.
func integer(s string) (*big.Int, bool) {
	if s == "" || len(s) > 78 || s != "0" && s[0] == '0' || strings.Trim(s, "0123456789") != "" {
		return nil, false
	}
	return new(big.Int).SetString(s, 10)
}

// clock translates a test of a block's time in Unix seconds. GR/1 goes by the server's clock.
func (im *importer) clock(v *value, negated bool, op, seconds string) node {
	n, ok := integer(seconds)
	if !ok || !n.IsInt64() || n.Int64() >= 253402300799 { // the year 9999
		return im.lose(v, negated, "the time is no number of seconds")
	}
	at := func(s int64) string { return time.Unix(s, 0).UTC().Format(time.RFC3339) }
	switch op {
	case ">=":
		return im.leaf(v, negated, node{"after": at(n.Int64())})
	case ">":
		return im.leaf(v, negated, node{"after": at(n.Int64() + 1)})
	case "<":
		return im.leaf(v, negated, node{"before": at(n.Int64())})
	case "<=":
		return im.leaf(v, negated, node{"before": at(n.Int64() + 1)})
	}
	return im.lose(v, negated, "a time can be before or after, not %q", op)
}

// signature reads the ABI of one function: a name, simple inputs, one output. why says what stands in the way.
func signature(abi *value) (fn string, inputs []string, output string, why string) {
	name, _ := abi.get("name").text()
	if name == "" {
		return "", nil, "", "the ABI names no function"
	}
	if m := abi.get("stateMutability"); m != nil && !m.is("view") && !m.is("pure") {
		return "", nil, "", "the function is not one that only reads"
	} else if c := abi.get("constant"); m == nil && (c == nil || c.str != "true") {
		return "", nil, "", "the ABI does not say that the function only reads"
	}
	types := func(list *value) (out []string) {
		if list == nil || list.kind != 'a' {
			return nil
		}
		for _, e := range list.arr {
			t, _ := e.get("type").text()
			out = append(out, t)
		}
		return out
	}
	inputs = types(abi.get("inputs"))
	outputs := types(abi.get("outputs"))
	if len(outputs) != 1 {
		return "", nil, "", "the function returns other than one value"
	}
	return name + "(" + strings.Join(inputs, ",") + ")(" + outputs[0] + ")", inputs, outputs[0], ""
}

// join puts operands together.
func join(kind rule.Kind, of []node) node {
	if len(of) == 1 && kind != rule.KindNot {
		return of[0]
	}
	if kind == rule.KindNot {
		return node{"not": of[0]}
	}
	return node{string(kind): of}
}

// texts reads an array of strings, numbers and bools.
func texts(v *value) (out []string, ok bool) {
	if v == nil {
		return nil, true
	}
	if v.kind != 'a' {
		return nil, false
	}
	for _, e := range v.arr {
		s, ok := e.text()
		if !ok {
			return nil, false
		}
		out = append(out, s)
	}
	return out, true
}
