package rule

import (
	"encoding/json"
	"maps"
	"math/big"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// Expr is an expression being built. It is a value: every method returns a
// changed copy, so parts may be shared. Mistakes are found by Build, which takes
// the same way as Parse, with JSON pointers into what was built.
type Expr struct {
	node map[string]any
	top  map[string]any // members of the document: subject, note
}

func leaf(kind Kind, arg any) Expr {
	return Expr{node: map[string]any{string(kind): arg}}
}

func (e Expr) set(key string, v any) Expr {
	node := maps.Clone(e.node)
	if node == nil {
		node = map[string]any{}
	}
	node[key] = v
	return Expr{node, e.top}
}

// in sets a member of a member object, copying both.
func (e Expr) in(object, key string, v any) Expr {
	old, _ := e.node[object].(map[string]any)
	inner := maps.Clone(old)
	if inner == nil {
		inner = map[string]any{}
	}
	inner[key] = v
	return e.set(object, inner)
}

func (e Expr) subject(key string, v any) Expr {
	old, _ := e.top["subject"].(map[string]any)
	inner := maps.Clone(old)
	if inner == nil {
		inner = map[string]any{}
	}
	inner[key] = v
	return e.document("subject", inner)
}

func (e Expr) document(key string, v any) Expr {
	top := maps.Clone(e.top)
	if top == nil {
		top = map[string]any{}
	}
	top[key] = v
	return Expr{e.node, top}
}

func nodes(of []Expr) []any {
	out := make([]any, len(of))
	for i, e := range of {
		// A subject below the root becomes an unknown member, so Build refuses it.
		for k, v := range e.top {
			e = e.set(k, v)
		}
		out[i] = e.node
	}
	return out
}

// All passes when every expression does.
func All(of ...Expr) Expr { return leaf(KindAll, nodes(of)) }

// Any passes when one expression does.
func Any(of ...Expr) Expr { return leaf(KindAny, nodes(of)) }

// AtLeast passes when n expressions do.
func AtLeast(n int, of ...Expr) Expr {
	return leaf(KindAtLeast, map[string]any{"n": n, "of": nodes(of)})
}

// Not passes when e does not.
func Not(e Expr) Expr { return leaf(KindNot, nodes([]Expr{e})[0]) }

// Hold asks for a token of a CAIP-19 asset.
func Hold(asset string) Expr { return leaf(KindHold, asset) }

// Key asks for a time-limited key or rental.
func Key(asset string, check KeyCheck) Expr {
	return leaf(KindKey, asset).set("check", check)
}

// Call compares the result of a read-only call on a CAIP-10 contract: fn is
// the Solidity signature with its return type, args are Solidity literals or
// ":account". Complete it with Test.
func Call(contract, fn string, args ...string) Expr {
	if args == nil {
		args = []string{}
	}
	return leaf(KindCall, contract).set("fn", fn).set("args", args)
}

// Test completes Call: op is one of == != < <= > >= contains.
func (e Expr) Test(op, value string) Expr {
	return e.set("test", map[string]any{"op": op, "value": value})
}

// Sol asks for a token of a Solana mint.
func Sol(asset string) Expr { return leaf(KindSol, asset) }

// SolCollection asks for a token of a verified collection.
func SolCollection(chain, mint string) Expr {
	return leaf(KindSol, chain).set("collection", map[string]any{"mint": mint, "verified": true})
}

// SolCreator asks for a token of a verified creator.
func SolCreator(chain, address string) Expr {
	return leaf(KindSol, chain).set("creator", map[string]any{"address": address, "verified": true})
}

// Allow lets a Sol token be frozen, delegated or compressed.
func (e Expr) Allow(states ...string) Expr { return e.set("allow", states) }

// Is asks for one CAIP-10 account.
func Is(account string) Expr { return leaf(KindIs, account) }

// List asks for an account on a list of the tenant.
func List(name string) Expr { return leaf(KindList, name) }

// Merkle asks for an account under a Merkle root.
func Merkle(root string) Expr { return leaf(KindMerkle, root) }

// Role asks for a tenant role.
func Role(name string) Expr { return leaf(KindRole, name) }

// After passes from t on.
func After(t time.Time) Expr { return leaf(KindAfter, t.UTC().Format(timeLayout)) }

// Before passes until t.
func Before(t time.Time) Expr { return leaf(KindBefore, t.UTC().Format(timeLayout)) }

// Block compares the newest block number of a CAIP-2 chain.
func Block(chain, op string, n uint64) Expr {
	return leaf(KindBlock, chain).set("op", op).set("value", new(big.Int).SetUint64(n).String())
}

// Min sets the least balance of Hold and Sol.
func (e Expr) Min(n uint64) Expr { return e.set("min", new(big.Int).SetUint64(n).String()) }

// MinBig is Min for amounts beyond 64 bits, such as ERC-20 units.
func (e Expr) MinBig(n *big.Int) Expr { return e.set("min", n.String()) }

// IDs limits Hold to token ids, in decimal.
func (e Expr) IDs(ids ...string) Expr { return e.set("ids", ids) }

// IDRange limits Hold to token ids from..to, inclusive.
func (e Expr) IDRange(from, to uint64) Expr {
	return e.set("ids", map[string]any{
		"from": new(big.Int).SetUint64(from).String(), "to": new(big.Int).SetUint64(to).String()})
}

// Trait limits Hold to tokens whose trait has one of the values.
func (e Expr) Trait(name string, values ...string) Expr { return e.in("traits", name, values) }

// As sets whose holding counts.
func (e Expr) As(holders ...Holder) Expr { return e.set("as", holders) }

// ID names the node.
func (e Expr) ID(id string) Expr { return e.set("id", id) }

// Latest reads the newest block, which is the default.
func (e Expr) Latest() Expr { return e.in("evidence", "finality", "latest") }

// Safe waits for the chain's safe block.
func (e Expr) Safe() Expr { return e.in("evidence", "finality", "safe") }

// Finalized waits for the chain's finalized block.
func (e Expr) Finalized() Expr { return e.in("evidence", "finality", "finalized") }

// Confirmations waits for n blocks, the head being the first.
func (e Expr) Confirmations(n uint64) Expr {
	return e.in("evidence", "finality", map[string]any{"confirmations": n})
}

// Quorum asks that n of so many providers agree.
func (e Expr) Quorum(n, of int) Expr {
	return e.in("evidence", "quorum", map[string]any{"n": n, "of": of})
}

// Prove sets whether state proofs are asked for.
func (e Expr) Prove(p Proof) Expr { return e.in("evidence", "proof", p) }

// HeldForBlocks asks that the holding has lasted n blocks.
func (e Expr) HeldForBlocks(n uint64) Expr {
	return e.in("evidence", "heldFor", map[string]any{"blocks": n})
}

// HeldFor asks that the holding has lasted d, in whole seconds.
func (e Expr) HeldFor(d time.Duration) Expr {
	return e.in("evidence", "heldFor", map[string]any{"seconds": int64(d / time.Second)})
}

// MaxAge bounds the age of cached answers.
func (e Expr) MaxAge(d time.Duration) Expr { return e.in("evidence", "maxAge", d.String()) }

// Grace lets an answer stand longer while the chain cannot be reached.
func (e Expr) Grace(d time.Duration) Expr { return e.in("evidence", "grace", d.String()) }

// Wallets says which of the viewer's wallets count; for the outermost expression.
func (e Expr) Wallets(w Wallets) Expr { return e.subject("wallets", w) }

// Delegation also counts wallets that delegated to the viewer's; for the outermost expression.
func (e Expr) Delegation(registries ...string) Expr { return e.subject("delegation", registries) }

// Concurrency bounds streams at once per asset, account or token; for the outermost expression.
func (e Expr) Concurrency(per string, most int) Expr {
	return e.subject("concurrency", map[string]any{"per": per, "max": most})
}

// Note adds the author's remark; for the outermost expression.
func (e Expr) Note(text string) Expr { return e.document("note", text) }

// Build returns the rule, with errors as Parse's.
func (e Expr) Build() (*Rule, error) {
	doc := map[string]any{"gr": 1, "when": e.node}
	maps.Copy(doc, e.top)
	b, err := json.Marshal(doc)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "rule.Build", err)
	}
	return Parse(b)
}

// MustBuild is Build for rules written out in a program; it panics on an error.
func (e Expr) MustBuild() *Rule {
	r, err := e.Build()
	if err != nil {
		panic(err)
	}
	return r
}
