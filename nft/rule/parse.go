package rule

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
)

const timeLayout = time.RFC3339Nano

var (
	one     = big.NewInt(1)
	nameRE  = regexp.MustCompile(`^[-_.a-zA-Z0-9]{1,64}$`)
	delegRE = regexp.MustCompile(`^[-_.a-zA-Z0-9]{1,64}(/v[0-9]{1,3}(:[-_.=a-zA-Z0-9]{1,64})?)?$`)
	hex32RE = regexp.MustCompile(`^0x[0-9a-fA-F]{64}$`)
	fnRE    = regexp.MustCompile(`^[a-zA-Z_$][a-zA-Z0-9_$]{0,63}\(([^()]*)\)\(([^()]+)\)$`)
	typeRE  = regexp.MustCompile(`^(address|bool|string|bytes([1-9]|[12][0-9]|3[0-2])?|u?int([0-9]{1,3})?)$`)
	hexRE   = regexp.MustCompile(`^0x([0-9a-f]{2})*$`)
	intRE   = regexp.MustCompile(`^-?(0|[1-9][0-9]{0,77})$`)
)

func (p *parser) rule(doc *value) *Rule {
	o := p.object(doc, "gr", "when", "evidence", "subject", "note")
	if o == nil {
		return nil
	}
	if v := o.need(p, "gr"); v != nil && (v.kind != 'n' || v.str != "1") {
		p.fail(v.ptr, "write 1, the version of this language")
	}
	r := &Rule{subject: p.subject(o.get("subject"))}
	if v := o.get("note"); v != nil {
		if r.note = p.text(v); len(r.note) > 1024 {
			p.fail(v.ptr, "a note has at most 1024 bytes")
		}
	}
	ev := defaultEvidence()
	if v := o.get("evidence"); v != nil {
		ev = p.evidence(v, ev)
	}
	p.ids = map[string]bool{}
	if when := o.need(p, "when"); when != nil {
		r.root = p.node(when, ev, 1)
	}
	return r
}

func (p *parser) subject(v *value) Subject {
	s := Subject{Wallets: Signer}
	o := p.object(v, "wallets", "delegation", "concurrency")
	if v := o.get("wallets"); v != nil {
		s.Wallets = Wallets(p.oneOf(v, "signer", "linked"))
	}
	if v := o.get("delegation"); v != nil {
		s.Delegation = p.texts(v, 8)
		for i, d := range s.Delegation {
			if !delegRE.MatchString(d) {
				p.fail(fmt.Sprintf("%s/%d", v.ptr, i), "write a registry, such as \"delegate.xyz/v2\"")
			}
		}
		slices.Sort(s.Delegation)
		s.Delegation = slices.Compact(s.Delegation)
	}
	if c := p.object(o.get("concurrency"), "per", "max"); c != nil {
		s.Per = p.oneOf(c.need(p, "per"), "asset", "account", "token")
		s.Max = int(p.integer(c.need(p, "max"), 1, 1000))
	}
	return s
}

// kindOf finds the one member that says what the node is.
func (p *parser) kindOf(o *value) Kind {
	var found []string
	for _, k := range o.keys {
		switch Kind(k) {
		case KindAll, KindAny, KindAtLeast, KindNot, KindHold, KindKey, KindCall, KindSol, KindIs,
			KindList, KindMerkle, KindRole, KindAfter, KindBefore, KindBlock:
			found = append(found, k)
		}
	}
	switch {
	case len(found) == 1:
		return Kind(found[0])
	case len(found) == 0 && (o.get("collection") != nil || o.get("creator") != nil):
		return KindSol
	case len(found) == 0:
		p.fail(o.ptr, "says nothing: write one of all, any, atLeast, not, hold, key, call, sol, is, list, merkle, role, after, before, block")
	default:
		p.fail(o.ptr, "write one of "+strings.Join(found, ", ")+"; join several with \"all\" or \"any\"")
	}
	return ""
}

func (p *parser) node(v *value, inherited Evidence, depth int) *Node {
	if v.kind != 'o' {
		p.fail(v.ptr, "write an object")
		return nil
	}
	if depth > MaxDepth {
		p.fail(v.ptr, fmt.Sprintf("nested deeper than %d", MaxDepth))
		p.tooLarge = true
		return nil
	}
	kind := p.kindOf(v)
	if kind == "" {
		return nil
	}
	n := &Node{Kind: kind, Pointer: v.ptr, Evidence: inherited}
	if id := v.get("id"); id != nil {
		n.ID = p.name(id)
		if p.ids[n.ID] {
			p.fail(id.ptr, "another node has this id")
		}
		p.ids[n.ID] = true
	}
	if ev := v.get("evidence"); ev != nil {
		n.Evidence = p.evidence(ev, inherited)
	}
	if !n.Leaf() {
		p.operator(n, v, depth)
		return n
	}
	if p.leaves++; p.leaves > MaxLeaves {
		if p.leaves == MaxLeaves+1 {
			p.fail(v.ptr, fmt.Sprintf("the rule has more than %d leaves; use a list", MaxLeaves))
		}
		p.tooLarge = true
		return nil
	}
	p.leaf(n, v)
	return n
}

func (p *parser) operator(n *Node, v *value, depth int) {
	p.object(v, string(n.Kind), "id", "evidence")
	arg := v.get(string(n.Kind))
	switch n.Kind {
	case KindNot:
		n.Children = []*Node{p.node(arg, n.Evidence, depth+1)}
		return
	case KindAtLeast:
		o := p.object(arg, "n", "of")
		if o == nil {
			return
		}
		if arg = o.need(p, "of"); arg == nil {
			return
		}
		n.N = int(p.integer(o.need(p, "n"), 1, uint64(max(1, len(arg.arr)))))
	}
	if arg.kind != 'a' || len(arg.arr) == 0 {
		p.fail(arg.ptr, "write an array of at least one expression")
		return
	}
	for _, e := range arg.arr {
		n.Children = append(n.Children, p.node(e, n.Evidence, depth+1))
		if p.leaves > MaxLeaves {
			return
		}
	}
}

func (p *parser) leaf(n *Node, v *value) {
	allow := func(members ...string) { p.object(v, append(members, "id", "evidence")...) }
	arg := v.get(string(n.Kind))
	switch n.Kind {
	case KindHold:
		allow("hold", "min", "ids", "traits", "as")
		n.Hold = p.hold(v)
	case KindKey:
		allow("key", "check")
		n.Key = &KeyLeaf{Asset: p.asset(arg, "erc721", "erc1155"), Check: KeyCheck(p.oneOf(v.need(p, "check"), "unlock", "erc5643", "erc4907"))}
	case KindCall:
		allow("call", "fn", "args", "test")
		n.Call = p.call(v)
	case KindSol:
		allow("sol", "collection", "creator", "min", "allow")
		n.Sol = p.sol(v)
	case KindBlock:
		allow("block", "op", "value")
		n.Block = &BlockTest{p.chain(arg), p.oneOf(v.need(p, "op"), "==", "!=", "<", "<=", ">", ">="), p.number(v.need(p, "value"), big.NewInt(0))}
	case KindIs:
		allow("is")
		n.Account = parsed(p, arg, caip.ParseAccountID)
	case KindList, KindRole:
		allow(string(n.Kind))
		n.Name = p.name(arg)
	case KindMerkle:
		allow("merkle")
		if n.Name = strings.ToLower(p.text(arg)); !hex32RE.MatchString(n.Name) {
			p.fail(arg.ptr, "write 0x and 64 hexadecimal digits")
		}
	case KindAfter, KindBefore:
		allow(string(n.Kind))
		t, err := time.Parse(time.RFC3339, p.text(arg))
		if err != nil || t.UTC().Year() < 1970 || t.UTC().Year() > 9999 {
			p.fail(arg.ptr, "write an RFC 3339 time, such as \"2026-12-01T00:00:00Z\"")
		}
		n.Time = t.UTC()
	}
}

func (p *parser) hold(v *value) *HoldLeaf {
	h := &HoldLeaf{Asset: p.asset(v.get("hold"), "erc721", "erc1155", "erc20"), Min: one}
	std, token := h.Asset.Standard, h.Asset.Token
	if m := v.get("min"); m != nil {
		h.Min = p.number(m, one)
	}
	ids := v.get("ids")
	switch {
	case ids != nil && token != "":
		p.fail(ids.ptr, "the asset names a token already; drop one of the two")
	case std == "erc20" && (ids != nil || token != ""):
		p.fail(v.ptr, "an ERC-20 has no token ids")
	case ids == nil:
	case ids.kind == 'o':
		o := p.object(ids, "from", "to")
		h.From, h.To = p.number(o.need(p, "from"), new(big.Int)), p.number(o.need(p, "to"), new(big.Int))
		if h.From.Cmp(h.To) > 0 {
			p.fail(ids.ptr, "\"from\" must not exceed \"to\"")
		}
	default:
		h.IDs = p.tokenIDs(ids)
	}
	if std == "erc721" {
		h.bound721(p, v)
	}
	if t := v.get("traits"); t != nil {
		h.Traits = p.traits(t)
	}
	h.As = []Holder{Owner}
	if a := v.get("as"); a != nil {
		h.As = h.As[:0]
		for i, s := range p.texts(a, 4) {
			h.As = append(h.As, Holder(s))
			if !slices.Contains([]Holder{Owner, Delegate, Renter, BoundAccount}, Holder(s)) {
				p.fail(fmt.Sprintf("%s/%d", a.ptr, i), "write owner, delegate, renter or boundAccount")
			}
		}
		slices.Sort(h.As)
		h.As = slices.Compact(h.As)
	}
	return h
}

// bound721 refuses a minimum that no wallet can reach: each ERC-721 token is one.
func (h *HoldLeaf) bound721(p *parser, v *value) {
	most := int64(0)
	switch {
	case h.Asset.Token != "":
		most = 1
	case h.IDs != nil:
		most = int64(len(h.IDs))
	}
	if most > 0 && h.Min.Cmp(big.NewInt(most)) > 0 {
		p.fail(v.get("min").ptr, fmt.Sprintf("only %d tokens are named, so this can never be reached", most))
	}
}

func (p *parser) tokenIDs(v *value) []string {
	ids := p.texts(v, MaxIDs)
	nums := make([]*big.Int, 0, len(ids))
	for i, s := range ids {
		if !caip.ValidTokenID(s) {
			p.fail(fmt.Sprintf("%s/%d", v.ptr, i), "write a token id as a decimal string below 2^256 without leading zeros")
			return nil
		}
		n, _ := new(big.Int).SetString(s, 10)
		nums = append(nums, n)
	}
	slices.SortFunc(nums, (*big.Int).Cmp)
	out := make([]string, len(nums))
	for i, n := range nums {
		out[i] = n.String()
	}
	return slices.Compact(out)
}

func (p *parser) traits(v *value) map[string][]string {
	if v.kind != 'o' || len(v.keys) == 0 || len(v.keys) > 32 {
		p.fail(v.ptr, "write an object of 1 to 32 traits")
		return nil
	}
	out := map[string][]string{}
	for _, k := range v.keys {
		m := v.obj[k]
		if m.kind == 's' {
			out[k] = []string{m.str}
			continue
		}
		vals := p.texts(m, 64)
		slices.Sort(vals)
		out[k] = slices.Compact(vals)
	}
	return out
}

func (p *parser) call(v *value) *CallLeaf {
	c := &CallLeaf{Contract: parsed(p, v.get("call"), caip.ParseAccountID), Args: []string{}}
	ns := c.Contract.Chain.Namespace
	if ns != "" && ns != "eip155" {
		p.fail(v.get("call").ptr, "a call names a contract on an eip155 chain")
	}
	fn := v.need(p, "fn")
	in, out, ok := splitFn(p.text(fn))
	if fn != nil && !ok {
		p.fail(fn.ptr, "write the signature with one simple return type, such as \"tierOf(address)(uint8)\"")
	}
	c.Fn = strings.ReplaceAll(p.text(fn), " ", "")
	if args := v.need(p, "args"); args != nil {
		if args.kind == 'a' && len(args.arr) > 0 {
			c.Args = p.texts(args, 16)
		} else if args.kind != 'a' {
			p.fail(args.ptr, "write an array of strings")
		}
		if ok && len(c.Args) != len(in) {
			p.fail(args.ptr, fmt.Sprintf("the function takes %d arguments", len(in)))
		}
		for i := range min(len(in), len(c.Args)) {
			if c.Args[i] == ":account" && in[i] != "address" {
				p.fail(args.arr[i].ptr, "\":account\" is an address, the function takes a "+in[i])
			} else if c.Args[i] != ":account" {
				c.Args[i] = p.literal(args.arr[i].ptr, in[i], c.Args[i])
			}
		}
	}
	test := p.object(v.need(p, "test"), "op", "value")
	c.Op = p.oneOf(test.need(p, "op"), "==", "!=", "<", "<=", ">", ">=", "contains")
	if val := test.need(p, "value"); val != nil {
		if c.Value = p.text(val); ok {
			c.Value = p.literal(val.ptr, out, c.Value)
			p.operand(test, out, c.Op)
		}
	}
	return c
}

// operand refuses comparisons that have no meaning for the type returned.
func (p *parser) operand(test *value, typ, op string) {
	numeric := strings.Contains(typ, "int")
	switch op {
	case "<", "<=", ">", ">=":
		if !numeric {
			p.fail(test.get("op").ptr, "only numbers have an order, the function returns "+typ)
		}
	case "contains":
		if typ != "string" {
			p.fail(test.get("op").ptr, "only a string contains another, the function returns "+typ)
		}
	}
}

func splitFn(s string) (in []string, out string, ok bool) {
	m := fnRE.FindStringSubmatch(strings.ReplaceAll(s, " ", ""))
	if m == nil || !typeRE.MatchString(m[2]) {
		return nil, "", false
	}
	if m[1] != "" {
		in = strings.Split(m[1], ",")
	}
	for _, t := range in {
		if !typeRE.MatchString(t) {
			return nil, "", false
		}
	}
	return in, m[2], true
}

// literal returns the canonical spelling of a Solidity literal of one type.
func (p *parser) literal(ptr, typ, s string) string {
	switch {
	case typ == "address":
		a, err := caip.ParseEVMAddress(s)
		if err != nil {
			p.fail(ptr, message(err))
		}
		return a
	case typ == "bool":
		if s != "true" && s != "false" {
			p.fail(ptr, "write \"true\" or \"false\"")
		}
	case strings.HasPrefix(typ, "bytes"):
		if s = strings.ToLower(s); !hexRE.MatchString(s) {
			p.fail(ptr, "write 0x and hexadecimal digits, two a byte")
		}
	case strings.Contains(typ, "int"):
		if !intRE.MatchString(s) || s == "-0" || strings.HasPrefix(typ, "u") && s[0] == '-' {
			p.fail(ptr, "write a decimal "+typ+" as a string, without leading zeros")
		}
	}
	return s
}

func (p *parser) sol(v *value) *SolLeaf {
	s := &SolLeaf{Min: one}
	col, cre, arg := v.get("collection"), v.get("creator"), v.get("sol")
	switch {
	case col != nil && cre != nil:
		p.fail(v.ptr, "write either \"collection\" or \"creator\"")
	case col == nil && cre == nil:
		if s.Asset = p.asset(arg); s.Asset.Chain.Namespace != "" && s.Asset.Chain.Namespace != "solana" {
			p.fail(arg.ptr, "write an asset on a solana chain")
		}
	default:
		s.Chain = caip.ChainID{Namespace: "solana", Reference: "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp"}
		if arg != nil {
			if s.Chain = p.chain(arg); s.Chain.Namespace != "solana" && s.Chain.Namespace != "" {
				p.fail(arg.ptr, "write a solana chain")
			}
		}
	}
	if o := p.object(col, "mint", "verified"); o != nil {
		s.Collection, s.Verified = p.base58(o.need(p, "mint")), p.boolean(o.need(p, "verified"))
	}
	if o := p.object(cre, "address", "verified"); o != nil {
		s.Creator, s.Verified = p.base58(o.need(p, "address")), p.boolean(o.need(p, "verified"))
	}
	if m := v.get("min"); m != nil {
		s.Min = p.number(m, one)
	}
	if a := v.get("allow"); a != nil {
		s.Allow = p.texts(a, 3)
		for i, x := range s.Allow {
			if x != "frozen" && x != "delegated" && x != "compressed" {
				p.fail(fmt.Sprintf("%s/%d", a.ptr, i), "write frozen, delegated or compressed")
			}
		}
		slices.Sort(s.Allow)
		s.Allow = slices.Compact(s.Allow)
	}
	return s
}

func (p *parser) boolean(v *value) bool {
	if v != nil && v.kind != 'b' {
		p.fail(v.ptr, "write true or false")
	}
	return v != nil && v.str == "true"
}

func (p *parser) base58(v *value) string {
	s := p.text(v)
	if v == nil {
		return s
	}
	if _, err := caip.ParseAccountID("solana:mainnet:" + s); err != nil {
		p.fail(v.ptr, message(err))
	}
	return s
}

func (p *parser) name(v *value) string {
	s := p.text(v)
	if v.kind == 's' && !nameRE.MatchString(s) {
		p.fail(v.ptr, "write 1 to 64 of the characters -_.a-zA-Z0-9")
	}
	return s
}

// number reads a non-negative integer written as a string; never nil.
func (p *parser) number(v *value, least *big.Int) *big.Int {
	if v == nil {
		return least
	}
	if v.kind != 's' || !caip.ValidTokenID(v.str) {
		p.fail(v.ptr, "write a decimal integer as a string, such as \"2\"")
		return least
	}
	n, _ := new(big.Int).SetString(v.str, 10)
	if n.Cmp(least) < 0 {
		p.fail(v.ptr, "must be at least "+least.String())
	}
	return n
}

func (p *parser) chain(v *value) caip.ChainID { return parsed(p, v, caip.ParseChainID) }

// asset reads a CAIP-19 id; on eip155 chains its standard must be one of standards.
func (p *parser) asset(v *value, standards ...string) caip.AssetID {
	a := parsed(p, v, caip.ParseAssetID)
	if a.Chain.Namespace == "eip155" && len(standards) > 0 && !slices.Contains(standards, a.Standard) {
		p.fail(v.ptr, "the standard must be one of "+strings.Join(standards, ", "))
	}
	return a
}

func parsed[T any](p *parser, v *value, parse func(string) (T, error)) T {
	var zero T
	if v == nil {
		return zero
	}
	if v.kind != 's' {
		p.fail(v.ptr, "write a string")
		return zero
	}
	t, err := parse(v.str)
	if err != nil {
		p.fail(v.ptr, message(err))
		return zero
	}
	return t
}

func message(err error) string {
	msg, _, _ := fault.Public(err)
	return msg
}
