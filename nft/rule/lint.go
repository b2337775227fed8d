package rule

import "github.com/streamgate/streamgate/caip"

// Warning is one finding of Lint.
type Warning struct {
	Pointer string `json:"pointer"`
	Code    string `json:"code"`
	Detail  string `json:"detail"`
}

// Lint returns what is legal but probably not meant, in the order of the rule.
func (r *Rule) Lint() []Warning {
	var ws []Warning
	r.root.lint(false, func(n *Node, code, detail string) {
		ws = append(ws, Warning{n.Pointer, code, detail})
	})
	return ws
}

func (n *Node) lint(negated bool, warn func(n *Node, code, detail string)) {
	if n.Kind == KindNot {
		negated = !negated
	}
	for _, c := range n.Children {
		c.lint(negated, warn)
	}
	ev := n.Evidence
	held := ev.HeldBlocks > 0 || ev.HeldSeconds > 0
	switch n.Kind {
	case KindHold, KindSol:
		if !held {
			warn(n, "no_holding_time", "a token borrowed for one block passes; add \"heldFor\" to the evidence")
		}
		if negated {
			warn(n, "negated_balance", "anyone passes by moving the token to another wallet; use a list to keep people out")
		}
	}
	switch n.Kind {
	case KindHold, KindKey, KindCall, KindSol, KindBlock:
		if ev.Finality.Latest() && !held {
			warn(n, "latest_reorg", "the newest block may be reorganised away; ask for confirmations, \"safe\" or \"finalized\"")
		}
	}
	switch n.Kind {
	case KindHold:
		if len(n.Hold.Traits) > 0 {
			warn(n, "issuer_controlled", "traits are strings the issuer can change at any time")
		}
		if _, ok := n.Hold.Tokens(); !ok {
			warn(n, "wide_range", "a range of more than 256 ids cannot be read token by token")
		}
	case KindCall:
		if _, out, _ := splitFn(n.Call.Fn); out == "string" || out == "bytes" {
			warn(n, "issuer_controlled", "the test is on text the issuer can change at any time")
		}
	case KindSol:
		if n.Sol.Asset == (caip.AssetID{}) && !n.Sol.Verified {
			warn(n, "unverified", "anyone can write this collection or creator into a token; ask for \"verified\": true")
		}
		if n.Sol.Asset != (caip.AssetID{}) {
			warn(n, "permanent_delegate", "if this is a Token-2022 mint with a permanent delegate, the issuer can move tokens at will")
		}
	}
}
