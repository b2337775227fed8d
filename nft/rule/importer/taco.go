package importer

import (
	"strings"

	"github.com/streamgate/streamgate/nft/rule"
)

// taco reads a condition, or a set with a version round one.
func (im *importer) taco(doc *value) node {
	if doc.kind != 'o' {
		return im.fail(doc, "write a condition or a condition set")
	}
	inner := doc.get("condition")
	if inner == nil {
		return im.tacoCondition(doc, false)
	}
	if u := doc.unknown("version", "condition"); u != nil {
		return im.fail(u, "this member is not known here")
	}
	if v, _ := doc.get("version").text(); !strings.HasPrefix(v, "1.") {
		return im.fail(doc.get("version").or(doc), "the versions 1.x are known here")
	}
	return im.tacoCondition(inner, false)
}

func (im *importer) tacoCondition(v *value, negated bool) node {
	if v.kind != 'o' {
		return im.fail(v, "write a condition")
	}
	kind, _ := v.get("conditionType").text()
	if kind == "" && v.get("operator") != nil {
		kind = "compound" // its type may be left out
	}
	if kind != "compound" {
		im.count(v)
	}
	switch kind {
	case "compound":
		return im.tacoCompound(v, negated)
	case "time":
		return im.tacoTime(v, negated)
	case "contract":
		return im.tacoContract(v, negated)
	case "rpc":
		return im.lose(v, negated, "GR/1 has no condition on the balance of a chain's own coin")
	case "":
		return im.fail(v, "write a conditionType")
	}
	return im.lose(v, negated, "conditions of the kind %q do not translate", kind)
}

func (im *importer) tacoCompound(v *value, negated bool) node {
	if u := v.unknown("conditionType", "operator", "operands", "name"); u != nil {
		return im.fail(u, "this member is not known here")
	}
	operands := v.get("operands")
	if operands == nil || operands.kind != 'a' || len(operands.arr) == 0 {
		return im.fail(operands.or(v), "write the operands")
	}
	op, _ := v.get("operator").text()
	kind, ok := map[string]rule.Kind{"and": rule.KindAll, "or": rule.KindAny, "not": rule.KindNot}[op]
	switch {
	case !ok:
		return im.fail(v.get("operator").or(v), `the operators are "and", "or" and "not"`)
	case kind == rule.KindNot && len(operands.arr) != 1:
		return im.fail(operands, `"not" has one operand`)
	case kind != rule.KindNot && len(operands.arr) < 2:
		return im.fail(operands, "%q has at least two operands", op)
	}
	var of []node
	for _, e := range operands.arr {
		of = append(of, im.tacoCondition(e, negated != (kind == rule.KindNot)))
	}
	return join(kind, of)
}

// tacoTest reads a returnValueTest; when it cannot be used it returns what stands for the condition.
func (im *importer) tacoTest(v *value, negated bool) (op, val string, lost node) {
	test := v.get("returnValueTest")
	if test == nil || test.kind != 'o' {
		return "", "", im.fail(test.or(v), "write a returnValueTest")
	}
	if u := test.unknown("index", "comparator", "value"); u != nil {
		return "", "", im.lose(u, negated, "this member is not known here")
	}
	if i := test.get("index"); i != nil && i.str != "0" {
		return "", "", im.lose(i, negated, "GR/1 compares the one value that a function returns")
	}
	op, _ = test.get("comparator").text()
	switch op {
	case "==", "!=", ">", ">=", "<", "<=":
	case "in", "!in":
		return "", "", im.lose(test.get("comparator"), negated, "GR/1 has no comparison with a list")
	default:
		return "", "", im.fail(test.get("comparator").or(test), "%q is no comparator", op)
	}
	val, ok := test.get("value").text()
	if !ok {
		return "", "", im.lose(test.get("value").or(test), negated, "GR/1 compares with one simple value")
	}
	return op, val, nil
}

func (im *importer) tacoTime(v *value, negated bool) node {
	if u := v.unknown("conditionType", "chain", "method", "returnValueTest", "name"); u != nil {
		return im.lose(u, negated, "this member is not known here")
	}
	if m := v.get("method"); m != nil && !m.is("blocktime") {
		return im.lose(m, negated, "only the time of the newest block translates")
	}
	op, val, lost := im.tacoTest(v, negated)
	if lost != nil {
		return lost
	}
	return im.clock(v, negated, op, val)
}

func (im *importer) tacoContract(v *value, negated bool) node {
	if u := v.unknown("conditionType", "chain", "contractAddress", "standardContractType", "method", "functionAbi", "parameters", "returnValueTest", "name"); u != nil {
		return im.lose(u, negated, "this member is not known here")
	}
	op, val, lost := im.tacoTest(v, negated)
	if lost != nil {
		return lost
	}
	r := reading{at: v, op: op, value: val}
	chain := v.get("chain")
	if chain == nil || chain.kind != 'n' {
		return im.fail(chain.or(v), "write the number of the chain")
	}
	r.chain = "eip155:" + chain.str
	var ok bool
	if r.params, ok = texts(v.get("parameters")); !ok {
		return im.lose(v.get("parameters"), negated, "GR/1 passes simple arguments only")
	}
	for i, p := range r.params {
		if p == ":userAddressExternalEIP4361" { // the same, for a sign-in that TACo did not make itself
			r.params[i] = userAddress
		}
	}
	r.contract, _ = v.get("contractAddress").text()
	r.standard, _ = v.get("standardContractType").text()
	r.method, _ = v.get("method").text()
	abi := v.get("functionAbi")
	switch {
	case r.standard != "" && abi != nil:
		return im.fail(abi, "write a standardContractType or a functionAbi, not both")
	case abi != nil:
		fn, _, _, why := signature(abi)
		if why != "" {
			return im.lose(abi, negated, "%s", why)
		}
		if abi.get("name").str != r.method {
			return im.fail(abi, "the functionAbi is of another function")
		}
		r.fn = fn
	case r.standard != "ERC20" && r.standard != "ERC721" && r.standard != "ERC1155":
		return im.lose(v.get("standardContractType").or(v), negated, "the contract type %q does not translate", r.standard)
	}
	return im.evm(r, negated)
}
