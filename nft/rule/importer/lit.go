package importer

import (
	"github.com/streamgate/streamgate/nft/rule"
)

// litMembers are the names under which Lit's API takes a condition array.
var litMembers = [...]string{"accessControlConditions", "evmContractConditions", "solRpcConditions", "unifiedAccessControlConditions"}

// litKinds are the kinds of condition of the first three.
var litKinds = [...]string{"evmBasic", "evmContract", "solRpc"}

// lit reads a condition array, bare or as the one member of an object.
func (im *importer) lit(doc *value) node {
	list, kind := doc, ""
	if doc.kind == 'o' {
		if len(doc.keys) != 1 {
			return im.fail(doc, "write the array of conditions, or an object with it as its one member")
		}
		list = nil
		for i, name := range litMembers {
			if v := doc.get(name); v != nil {
				list = v
				if i < len(litKinds) {
					kind = litKinds[i]
				}
			}
		}
	}
	if list == nil || list.kind != 'a' {
		return im.fail(doc, "write the array of conditions")
	}
	return im.litArray(list, kind)
}

// litArray reads operand, operator, operand and so on, with one operator on a level; an array within is a bracket.
// Lit reads several evmBasic conditions without operators as joined by "and"; for the other kinds it leaves
// open what that means, so there it is an error.
func (im *importer) litArray(list *value, kind string) node {
	if len(list.arr) == 0 {
		return im.fail(list, "there is no condition")
	}
	var operands []node
	op := ""
	implied := kind == "evmBasic" || kind == "" && allBasic(list)
	for _, e := range list.arr {
		if e.get("operator") != nil {
			implied = false
		}
	}
	operandNext := true
	for _, e := range list.arr {
		word := e.get("operator")
		if word == nil {
			if !operandNext && !implied {
				im.fail(e, `write {"operator":"and"} or {"operator":"or"} between two conditions`)
			}
			operands = append(operands, im.litOperand(e, kind))
			operandNext = false
			continue
		}
		switch {
		case len(e.keys) != 1:
			im.fail(e, "an operator has no other members")
		case !word.is("and") && !word.is("or"):
			im.fail(word, `the operators are "and" and "or"`)
		case operandNext:
			im.fail(e, "a condition is missing before this operator")
		case op != "" && op != word.str:
			im.fail(word, `"and" and "or" are mixed on one level, and which comes first is not defined: put one of them into an array of its own`)
		default:
			op = word.str
		}
		operandNext = true
	}
	if operandNext {
		return im.fail(list, "a condition is missing after the last operator")
	}
	if op == "or" {
		return join(rule.KindAny, operands)
	}
	return join(rule.KindAll, operands)
}

// allBasic reports whether every element is an evmBasic condition.
func allBasic(list *value) bool {
	for _, e := range list.arr {
		if litKind(e, "") != "evmBasic" {
			return false
		}
	}
	return true
}

// litKind says what a condition is, by its own word or by the members that only one kind has.
func litKind(v *value, kind string) string {
	if t := v.get("conditionType"); t != nil {
		s, _ := t.text()
		return s
	}
	switch {
	case kind != "":
		return kind
	case v.get("functionAbi") != nil:
		return "evmContract"
	case v.get("standardContractType") != nil:
		return "evmBasic"
	case v.get("pdaParams") != nil || v.get("pdaInterface") != nil || v.get("pdaKey") != nil:
		return "solRpc"
	}
	return ""
}

func (im *importer) litOperand(v *value, kind string) node {
	if v.kind == 'a' {
		return im.litArray(v, kind)
	}
	if v.kind != 'o' {
		return im.fail(v, "write a condition")
	}
	im.count(v)
	switch k := litKind(v, kind); k {
	case "evmBasic":
		return im.litBasic(v)
	case "evmContract":
		return im.litContract(v)
	case "solRpc":
		return im.litSolana(v)
	case "":
		return im.fail(v, `say what this is by a "conditionType"`)
	default:
		return im.lose(v, false, "conditions of the kind %q do not translate", k)
	}
}

// litOps are Lit's comparators in the words of GR/1.
func litOp(s string) (string, bool) {
	op, ok := map[string]string{"=": "==", "!=": "!=", ">": ">", ">=": ">=", "<": "<", "<=": "<=", "contains": "contains"}[s]
	return op, ok
}

// litTest reads a returnValueTest; when it cannot be used it returns what stands for the condition.
func (im *importer) litTest(v *value, members ...string) (op, val string, key *value, lost node) {
	test := v.get("returnValueTest")
	if test == nil || test.kind != 'o' {
		return "", "", nil, im.fail(test.or(v), "write a returnValueTest")
	}
	if u := test.unknown(members...); u != nil {
		return "", "", nil, im.lose(u, false, "this member is not known here")
	}
	c, _ := test.get("comparator").text()
	op, ok := litOp(c)
	if !ok {
		return "", "", nil, im.fail(test.get("comparator").or(test), "%q is no comparator", c)
	}
	val, ok = test.get("value").text()
	if !ok {
		return "", "", nil, im.fail(test.get("value").or(test), "write a value")
	}
	return op, val, test.get("key"), nil
}

func (im *importer) litBasic(v *value) node {
	if u := v.unknown("conditionType", "contractAddress", "standardContractType", "chain", "method", "parameters", "returnValueTest"); u != nil {
		return im.lose(u, false, "this member is not known here")
	}
	op, val, _, lost := im.litTest(v, "comparator", "value")
	if lost != nil {
		return lost
	}
	name, _ := v.get("chain").text()
	chain := litChain(name)
	if chain == "" {
		return im.lose(v.get("chain").or(v), false, "the chain %q is not known here", name)
	}
	params, ok := texts(v.get("parameters"))
	if !ok {
		return im.fail(v.get("parameters"), "write an array of strings")
	}
	contract, _ := v.get("contractAddress").text()
	standard, _ := v.get("standardContractType").text()
	method, _ := v.get("method").text()
	if contract == "" {
		return im.litBare(v, chain, standard, method, params, op, val)
	}
	switch standard {
	case "ERC20", "ERC721", "ERC1155":
		return im.evm(reading{at: v, chain: chain, contract: contract, standard: standard, method: method, params: params, op: op, value: val}, false)
	}
	return im.lose(v.get("standardContractType").or(v), false, "the contract type %q does not translate", standard)
}

// litBare are the conditions without a contract: one wallet, the time of the newest block, the native balance.
func (im *importer) litBare(v *value, chain, standard, method string, params []string, op, val string) node {
	own := len(params) == 1 && params[0] == userAddress
	switch {
	case standard == "" && method == "" && own && op == "==":
		return im.leaf(v, false, node{"is": chain + ":" + val})
	case method == "eth_getBlockByNumber" && (standard == "" || standard == "timestamp") && len(params) == 1 && params[0] == "latest":
		return im.clock(v, false, op, val)
	case method == "eth_getBalance":
		return im.lose(v, false, "GR/1 has no condition on the balance of a chain's own coin")
	}
	return im.lose(v, false, "the method %q without a contract does not translate", method)
}

func (im *importer) litContract(v *value) node {
	if u := v.unknown("conditionType", "contractAddress", "chain", "functionName", "functionParams", "functionAbi", "returnValueTest"); u != nil {
		return im.lose(u, false, "this member is not known here")
	}
	op, val, key, lost := im.litTest(v, "key", "comparator", "value")
	if lost != nil {
		return lost
	}
	name, _ := v.get("chain").text()
	chain := litChain(name)
	if chain == "" {
		return im.lose(v.get("chain").or(v), false, "the chain %q is not known here", name)
	}
	params, ok := texts(v.get("functionParams"))
	if !ok {
		return im.fail(v.get("functionParams"), "write an array of strings")
	}
	abi := v.get("functionAbi")
	if abi == nil || abi.kind != 'o' {
		return im.fail(abi.or(v), "write the functionAbi")
	}
	fn, _, _, why := signature(abi)
	if why != "" {
		return im.lose(abi, false, "%s", why)
	}
	if called := v.get("functionName"); !called.is(abi.get("name").str) {
		return im.fail(called.or(v), "the functionAbi is of another function")
	}
	if named := abi.get("outputs").arr[0].get("name"); !key.empty() && (named.empty() || !key.is(named.str)) {
		return im.lose(key, false, "the function has no such output")
	}
	contract, _ := v.get("contractAddress").text()
	return im.evm(reading{at: v, chain: chain, contract: contract, method: abi.get("name").str, params: params, fn: fn, op: op, value: val}, false)
}

func (im *importer) litSolana(v *value) node {
	if u := v.unknown("conditionType", "method", "params", "pdaParams", "pdaInterface", "pdaKey", "chain", "returnValueTest"); u != nil {
		return im.lose(u, false, "this member is not known here")
	}
	op, val, key, lost := im.litTest(v, "key", "comparator", "value")
	if lost != nil {
		return lost
	}
	name, _ := v.get("chain").text()
	chain := map[string]string{"solana": "solana:mainnet", "solanaDevnet": "solana:devnet", "solanaTestnet": "solana:testnet"}[name]
	if chain == "" {
		return im.lose(v.get("chain").or(v), false, "the chain %q is not known here", name)
	}
	pda := v.get("pdaInterface")
	if !v.get("pdaParams").empty() || !v.get("pdaKey").empty() || !pda.empty() && !pda.get("fields").empty() {
		return im.lose(v, false, "GR/1 reads no accounts derived from a program")
	}
	params, ok := texts(v.get("params"))
	if !ok {
		return im.fail(v.get("params"), "write an array of strings")
	}
	method, _ := v.get("method").text()
	one := len(params) == 1
	least, counts := atLeast(op, val)
	if counts {
		counts = least.Sign() > 0
	}
	var n node
	switch {
	case method == "" && one && params[0] == userAddress && op == "==" && key.empty():
		return im.leaf(v, false, node{"is": chain + ":" + val})
	case method == "balanceOfToken" && one && counts && key.is("$.amount"):
		// Lit looks at the amount alone, and an account that is frozen or delegated has one.
		n = node{"sol": chain + "/token:" + params[0], "allow": []string{"delegated", "frozen"}}
	case method == "balanceOfMetaplexCollection" && one && counts && key.empty():
		n = node{"sol": chain, "collection": node{"mint": params[0], "verified": true}, "allow": []string{"delegated", "frozen"}}
	case method == "getBalance":
		return im.lose(v, false, "GR/1 has no condition on the balance of a chain's own coin")
	default:
		return im.lose(v, false, "the method %q with this test does not translate", method)
	}
	if least.IsUint64() && least.Uint64() == 1 {
		return im.leaf(v, false, n)
	}
	n["min"] = least.String()
	return im.leaf(v, false, n)
}
