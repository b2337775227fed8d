package rule

import (
	"slices"
	"strconv"
	"unicode/utf16"
)

// appendCanonical writes v, made of maps, slices, strings, bools and uint64, by
// RFC 8785: no space, members sorted by UTF-16 code units, least escaping.
func appendCanonical(b []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return appendString(b, v)
	case bool:
		return strconv.AppendBool(b, v)
	case uint64:
		return strconv.AppendUint(b, v, 10)
	case []any:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendCanonical(b, e)
		}
		return append(b, ']')
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(x, y string) int {
			return slices.Compare(utf16.Encode([]rune(x)), utf16.Encode([]rune(y)))
		})
		b = append(b, '{')
		for i, k := range keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, k), ':')
			b = appendCanonical(b, v[k])
		}
		return append(b, '}')
	}
	panic("rule: no canonical form for this type")
}

// appendString escapes as RFC 8785 3.2.2.2 says, which encoding/json does not.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, '\\', 'b')
		case '\t':
			b = append(b, '\\', 't')
		case '\n':
			b = append(b, '\\', 'n')
		case '\f':
			b = append(b, '\\', 'f')
		case '\r':
			b = append(b, '\\', 'r')
		default:
			if c < 0x20 {
				b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
			} else {
				b = append(b, c)
			}
		}
	}
	return append(b, '"')
}

// tree is the canonical document: defaults and inherited evidence left out.
func (r *Rule) tree() map[string]any {
	t := map[string]any{"gr": uint64(1), "when": r.root.tree(r.root.Evidence)}
	if ev := r.root.Evidence.tree(defaultEvidence()); ev != nil {
		t["evidence"] = ev
	}
	if s := r.subject.tree(); s != nil {
		t["subject"] = s
	}
	if r.note != "" {
		t["note"] = r.note
	}
	return t
}

func (s Subject) tree() map[string]any {
	t := map[string]any{}
	if s.Wallets == Linked {
		t["wallets"] = string(Linked)
	}
	if len(s.Delegation) > 0 {
		t["delegation"] = anys(s.Delegation)
	}
	if s.Max > 0 {
		t["concurrency"] = map[string]any{"per": s.Per, "max": uint64(s.Max)}
	}
	if len(t) == 0 {
		return nil
	}
	return t
}

func (n *Node) tree(inherited Evidence) map[string]any {
	t := map[string]any{}
	if n.ID != "" {
		t["id"] = n.ID
	}
	if ev := n.Evidence.tree(inherited); ev != nil {
		t["evidence"] = ev
	}
	children := make([]any, len(n.Children))
	for i, c := range n.Children {
		children[i] = c.tree(n.Evidence)
	}
	switch n.Kind {
	case KindAll, KindAny:
		t[string(n.Kind)] = children
	case KindAtLeast:
		t["atLeast"] = map[string]any{"n": uint64(n.N), "of": children}
	case KindNot:
		t["not"] = children[0]
	case KindHold:
		n.Hold.tree(t)
	case KindKey:
		t["key"], t["check"] = n.Key.Asset.String(), string(n.Key.Check)
	case KindCall:
		c := n.Call
		t["call"], t["fn"], t["args"] = c.Contract.String(), c.Fn, anys(c.Args)
		t["test"] = map[string]any{"op": c.Op, "value": c.Value}
	case KindSol:
		n.Sol.tree(t)
	case KindIs:
		t["is"] = n.Account.String()
	case KindList, KindRole, KindMerkle:
		t[string(n.Kind)] = n.Name
	case KindAfter, KindBefore:
		t[string(n.Kind)] = n.Time.Format(timeLayout)
	case KindBlock:
		t["block"], t["op"], t["value"] = n.Block.Chain.String(), n.Block.Op, n.Block.Value.String()
	}
	return t
}

func (h *HoldLeaf) tree(t map[string]any) {
	t["hold"] = h.Asset.String()
	if h.Min.Cmp(one) != 0 {
		t["min"] = h.Min.String()
	}
	if h.IDs != nil {
		t["ids"] = anys(h.IDs)
	}
	if h.From != nil {
		t["ids"] = map[string]any{"from": h.From.String(), "to": h.To.String()}
	}
	if len(h.Traits) > 0 {
		traits := map[string]any{}
		for name, values := range h.Traits {
			if traits[name] = anys(values); len(values) == 1 {
				traits[name] = values[0]
			}
		}
		t["traits"] = traits
	}
	if len(h.As) != 1 || h.As[0] != Owner {
		t["as"] = anys(h.As)
	}
}

func (s *SolLeaf) tree(t map[string]any) {
	if s.Chain.IsZero() {
		t["sol"] = s.Asset.String()
	} else {
		t["sol"] = s.Chain.String()
	}
	if s.Collection != "" {
		t["collection"] = map[string]any{"mint": s.Collection, "verified": s.Verified}
	}
	if s.Creator != "" {
		t["creator"] = map[string]any{"address": s.Creator, "verified": s.Verified}
	}
	if s.Min.Cmp(one) != 0 {
		t["min"] = s.Min.String()
	}
	if len(s.Allow) > 0 {
		t["allow"] = anys(s.Allow)
	}
}

func anys[S ~string](in []S) []any {
	out := make([]any, len(in))
	for i, s := range in {
		out[i] = string(s)
	}
	return out
}
