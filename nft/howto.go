package nft

import (
	"strings"

	"github.com/streamgate/streamgate/nft/rule"
)

// step says what the viewer does to make a leaf, which x explains, pass or fail; "" when nothing helps.
func step(n *rule.Node, x *Node, want bool) string {
	phrase := n.Sentence()
	switch n.Kind {
	case rule.KindHold:
		what := strings.TrimPrefix(strings.TrimPrefix(phrase, "holds "), "at least ")
		if want && x.until != "" {
			return "keep it in the wallet " + x.until
		}
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
