package nft

import (
	"slices"
	"strings"

	"github.com/streamgate/streamgate/nft/rule"
)

// maxWays bounds the alternatives shown; a viewer reads no more.
const maxWays = 4

// way is a set of leaves to change, as steps.
type way []string

// howTo returns the smallest changes that turn no into yes, each alternative one
// sentence. It is exact: the tree has no shared leaves, so the least set of a
// node is made of the least sets of its children. A leaf that was not read, since
// local leaves had decided, is taken to be as wanted: it may well be.
func howTo(n *rule.Node, x *Node) []string {
	ways, ok := waysTo(n, x, true)
	if !ok {
		return nil
	}
	var out []string
	for _, w := range ways {
		if len(w) == 0 {
			continue
		}
		s := strings.Join(w, ", and ")
		s = strings.ToUpper(s[:1]) + s[1:] + "."
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// waysTo returns the smallest sets of leaves to change so that n becomes want.
// ok is false when nothing the viewer does can bring it about.
func waysTo(n *rule.Node, x *Node, want bool) (ways []way, ok bool) {
	if x.Outcome == Yes && want || x.Outcome == No && !want || x.Reason == "not_needed" && n.Leaf() {
		return []way{nil}, true
	}
	if n.Leaf() {
		s := step(n, x, want)
		return []way{{s}}, s != ""
	}
	if n.Kind == rule.KindNot {
		return waysTo(n.Children[0], x.Children[0], !want)
	}
	need := map[rule.Kind]int{rule.KindAll: len(n.Children), rule.KindAny: 1, rule.KindAtLeast: n.N}[n.Kind]
	if !want {
		need = len(n.Children) - need + 1
	}
	var each [][]way
	for i, c := range n.Children {
		if w, ok := waysTo(c, x.Children[i], want); ok {
			each = append(each, w)
		}
	}
	if len(each) < need {
		return nil, false
	}
	slices.SortStableFunc(each, func(a, b []way) int { return len(a[0]) - len(b[0]) })
	if need == 1 {
		for _, w := range each {
			if len(w[0]) == len(each[0][0]) {
				ways = append(ways, w...)
			}
		}
		return ways[:min(len(ways), maxWays)], true
	}
	ways = []way{nil}
	for _, alternatives := range each[:need] {
		var longer []way
		for _, done := range ways {
			for _, w := range alternatives {
				longer = append(longer, slices.Concat(done, w))
			}
		}
		ways = longer[:min(len(longer), maxWays)]
	}
	return ways, true
}

// step says what the viewer does to make a leaf pass, or fail; "" when nothing helps.
func step(n *rule.Node, x *Node, want bool) string {
	phrase := n.Sentence()
	switch n.Kind {
	case rule.KindHold:
		what := strings.TrimPrefix(strings.TrimPrefix(phrase, "holds "), "at least ")
		if want {
			return "get " + what
		}
		return "part with " + what
	case rule.KindKey, rule.KindSol:
		what := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(phrase, "has "), "holds "), "at least ")
		if want && x.Reason == "key_expired" {
			return "renew the " + strings.TrimPrefix(strings.TrimPrefix(what, "a valid "), "a running ")
		}
		if want {
			return "get " + what
		}
		return "part with " + what
	case rule.KindIs:
		who := strings.TrimPrefix(phrase, "is ")
		if want {
			return "sign in with the wallet " + who
		}
		return "sign in with another wallet than " + who
	case rule.KindList:
		if want {
			return "ask to be put on the list " + `"` + n.Name + `"`
		}
		return "ask to be taken off the list " + `"` + n.Name + `"`
	case rule.KindRole:
		if want {
			return "ask for the role " + `"` + n.Name + `"`
		}
		return "give up the role " + `"` + n.Name + `"`
	case rule.KindAfter, rule.KindBefore:
		// Time only runs forward: an "after" comes true, a "before" comes untrue.
		if want == (n.Kind == rule.KindAfter) {
			return "wait until " + n.Time.Format("2 January 2006 15:04 UTC")
		}
		return ""
	case rule.KindCall:
		what := strings.TrimPrefix(phrase, "has ")
		if want {
			return "reach " + what
		}
		return "no longer have " + what
	case rule.KindBlock:
		if comesTrue(n.Block, x.Observed, want) {
			return "wait until " + strings.TrimPrefix(phrase, "comes when ")
		}
		return ""
	}
	if want {
		return "use a wallet in the list of the rule"
	}
	return "use a wallet outside the list of the rule"
}
