package rule

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/streamgate/streamgate/caip"
)

// Sentence returns the rule as one English sentence.
func (r *Rule) Sentence() string { return r.sentence }

// Sentence returns the node as a phrase about the viewer: "holds at least 2
// tokens of 0xbc4c…f13d on Ethereum (eip155:1)".
func (n *Node) Sentence() string { return n.phrase }

// sentence also fills the phrases of the nodes.
func sentence(r *Rule) string {
	r.root.Walk(func(n *Node) { n.phrase = n.say(false) })
	s := "Access is given when the viewer " + r.root.phrase
	if r.subject.Wallets == Linked {
		s += ", counting all linked wallets"
	}
	if len(r.subject.Delegation) > 0 {
		s += ", also by delegation through " + strings.Join(r.subject.Delegation, " or ")
	}
	if r.subject.Max > 0 {
		s += fmt.Sprintf(", with at most %s at once per %s", count(big.NewInt(int64(r.subject.Max)), "stream"), r.subject.Per)
	}
	if ev := r.root.Evidence.say(); ev != "" {
		s += " (" + ev + ")"
	}
	return s + "."
}

// say returns the phrase, or its negation.
func (n *Node) say(not bool) string {
	switch n.Kind {
	case KindAll, KindAny:
		word := " and "
		if n.Kind == KindAny != not { // De Morgan: a negated "any" lists what must all fail
			word = " or "
		}
		return n.join(word, not)
	case KindAtLeast:
		verb := fmt.Sprintf("meets at least %d of these: ", n.N)
		if not {
			verb = fmt.Sprintf("meets fewer than %d of these: ", n.N)
		}
		return verb + "[" + n.join("; ", false) + "]"
	case KindNot:
		return n.Children[0].say(!not)
	}
	return n.sayLeaf(not)
}

func (n *Node) join(word string, not bool) string {
	parts := make([]string, len(n.Children))
	for i, c := range n.Children {
		parts[i] = c.say(not)
		if len(c.Children) > 1 && len(n.Children) > 1 {
			parts[i] = "(" + parts[i] + ")"
		}
		if ev := c.Evidence.beyond(n.Evidence).say(); ev != "" {
			parts[i] += " (" + ev + ")"
		}
	}
	if len(parts) > 2 && word != "; " {
		last := len(parts) - 1
		return strings.Join(parts[:last], ", ") + "," + word + parts[last]
	}
	return strings.Join(parts, word)
}

// verb chooses "holds" or "does not hold".
func verb(not bool, third, infinitive string) string {
	if not {
		return "does not " + infinitive
	}
	return third
}

func (n *Node) sayLeaf(not bool) string {
	is := "is"
	if not {
		is = "is not"
	}
	switch n.Kind {
	case KindHold:
		s := verb(not, "holds ", "hold ") + n.Hold.say()
		if len(n.Hold.As) != 1 || n.Hold.As[0] != Owner {
			s += " as " + orList(n.Hold.As)
		}
		return s
	case KindKey:
		how := map[KeyCheck]string{Unlock: "a valid Unlock key", ERC5643: "a running subscription", ERC4907: "a running rental"}[n.Key.Check]
		return verb(not, "has ", "have ") + how + " of " + Short(n.Key.Asset.Reference) + tokenOf(n.Key.Asset) + " on " + ChainName(n.Key.Asset.Chain)
	case KindCall:
		c := n.Call
		name, _, _ := strings.Cut(c.Fn, "(")
		args := strings.ReplaceAll(strings.Join(c.Args, ", "), ":account", "the viewer")
		return verb(not, "has ", "have ") + fmt.Sprintf("%s(%s) %s %s at %s on %s", name, args, c.Op, c.Value, Short(c.Contract.Address), ChainName(c.Contract.Chain))
	case KindSol:
		return verb(not, "holds ", "hold ") + n.Sol.say()
	case KindIs:
		return is + " " + Short(n.Account.Address) + " on " + ChainName(n.Account.Chain)
	case KindList:
		return is + fmt.Sprintf(" on the list %q", n.Name)
	case KindMerkle:
		return is + " in the Merkle list " + Short(n.Name)
	case KindRole:
		return verb(not, "has", "have") + fmt.Sprintf(" the role %q", n.Name)
	case KindAfter:
		when := "comes at or after "
		if not {
			when = "comes before "
		}
		return when + n.Time.Format("2 January 2006 15:04:05 UTC")
	case KindBefore:
		when := "comes before "
		if not {
			when = "comes at or after "
		}
		return when + n.Time.Format("2 January 2006 15:04:05 UTC")
	case KindBlock:
		return "comes when the block number of " + ChainName(n.Block.Chain) + " " + is + " " + n.Block.Op + " " + n.Block.Value.String()
	}
	return ""
}

func (h *HoldLeaf) say() string {
	var s string
	where := " of " + Short(h.Asset.Reference)
	switch {
	case h.Asset.Token != "" && h.Min.Cmp(one) == 0:
		s = "token " + h.Asset.Token + where
	case h.Asset.Token != "":
		s = "at least " + h.Min.String() + " of token " + h.Asset.Token + where
	case h.Asset.Standard == "erc20":
		s = "at least " + count(h.Min, "unit") + where
	default:
		s = "at least " + count(h.Min, "token") + where
	}
	if n := len(h.IDs); n > 5 {
		s += fmt.Sprintf(" among %d named ids", n)
	} else if n > 0 {
		s += " with id " + orList(h.IDs)
	}
	if h.From != nil {
		s += " with an id from " + h.From.String() + " to " + h.To.String()
	}
	names := make([]string, 0, len(h.Traits))
	for name := range h.Traits {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		s += fmt.Sprintf(" with %s %s", name, orList(h.Traits[name]))
	}
	return s + " on " + ChainName(h.Asset.Chain)
}

func (s *SolLeaf) say() string {
	out := "at least " + count(s.Min, "token")
	verified := ""
	if s.Verified {
		verified = "verified "
	}
	chain := s.Chain
	switch {
	case s.Collection != "":
		out += " of the " + verified + "collection " + Short(s.Collection)
	case s.Creator != "":
		out += " of the " + verified + "creator " + Short(s.Creator)
	default:
		out += " of " + Short(s.Asset.Reference)
		chain = s.Asset.Chain
	}
	return out + " on " + ChainName(chain)
}

// beyond returns e with what the sentence already says of the parent left out.
func (e Evidence) beyond(parent Evidence) Evidence {
	if e.Finality == parent.Finality {
		e.Finality = Finality{Tag: "latest"}
	}
	if e.HeldBlocks == parent.HeldBlocks && e.HeldSeconds == parent.HeldSeconds {
		e.HeldBlocks, e.HeldSeconds = 0, 0
	}
	if e.QuorumN == parent.QuorumN && e.QuorumOf == parent.QuorumOf {
		e.QuorumN = 1
	}
	if e.Proof == parent.Proof {
		e.Proof = ProofNone
	}
	if e.MaxAge == parent.MaxAge {
		e.MaxAge = 0
	}
	return e
}

func (e Evidence) say() string {
	var parts []string
	switch {
	case e.Finality.Latest():
	case e.Finality.Confirmations > 0:
		parts = append(parts, fmt.Sprintf("after %d confirmations", e.Finality.Confirmations))
	default:
		parts = append(parts, e.Finality.Tag)
	}
	if e.HeldBlocks > 0 {
		parts = append(parts, fmt.Sprintf("held for %d blocks", e.HeldBlocks))
	}
	if e.HeldSeconds > 0 {
		parts = append(parts, fmt.Sprintf("held for %d seconds", e.HeldSeconds))
	}
	if e.QuorumN > 1 {
		parts = append(parts, fmt.Sprintf("agreed by %d of %d providers", e.QuorumN, e.QuorumOf))
	}
	if e.Proof == ProofRequire {
		parts = append(parts, "proven")
	}
	if e.MaxAge > 0 {
		parts = append(parts, "at most "+e.MaxAge.String()+" old")
	}
	return strings.Join(parts, ", ")
}

// Short returns an address as people write it: 0xbc4c…f13d.
func Short(addr string) string {
	if len(addr) < 14 {
		return addr
	}
	head := 4
	if strings.HasPrefix(addr, "0x") {
		head = 6
	}
	return addr[:head] + "…" + addr[len(addr)-4:]
}

// ChainName returns "Ethereum (eip155:1)", or the bare id of a chain without a known name.
func ChainName(c caip.ChainID) string {
	names := map[string]string{
		"eip155:1": "Ethereum", "eip155:10": "Optimism", "eip155:56": "BNB Smart Chain", "eip155:137": "Polygon",
		"eip155:8453": "Base", "eip155:42161": "Arbitrum One", "eip155:43114": "Avalanche", "eip155:11155111": "Sepolia",
		"solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp": "Solana", "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1": "Solana devnet",
	}
	id := c.String()
	if name := names[id]; name != "" {
		return name + " (" + id + ")"
	}
	return id
}

func tokenOf(a caip.AssetID) string {
	if a.Token == "" {
		return ""
	}
	return " token " + a.Token
}

func count(n *big.Int, noun string) string {
	if n.Cmp(one) == 0 {
		return "1 " + noun
	}
	return n.String() + " " + noun + "s"
}

func orList[S ~string](in []S) string {
	parts := make([]string, len(in))
	for i, s := range in {
		parts[i] = string(s)
	}
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], ", ") + " or " + parts[last]
}
