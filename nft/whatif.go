package nft

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"github.com/streamgate/streamgate/nft/rule"
)

// Way is a smallest set of facts that would turn a No into Yes. Any one Way is enough.
type Way struct {
	// Sentence says all steps in one, for a person.
	Sentence string `json:"sentence"`
	Steps    []Step `json:"steps"`
}

// Step is one leaf that has to change. Leaves that ask the very same are changed by one
// deed: they have a Step each, with equal sentences.
type Step struct {
	// Pointer is the JSON pointer of the leaf in the rule.
	Pointer string `json:"pointer"`
	// Now is what the leaf says at present. With Unknown we cannot tell, and it may be
	// as wanted already.
	Now Outcome `json:"now"`
	// Want is Yes or No.
	Want Outcome `json:"want"`
	// Sentence is what to do, as a command: "get 1 token of ...".
	Sentence string `json:"sentence"`
}

// The bounds of what is looked for and shown.
const (
	// maxWays bounds Decision.WhatIf, maxHowTo the sentences of HowTo; a viewer reads no more.
	maxWays  = 16
	maxHowTo = 4
	// maxPlain bounds the sets kept for each part of a rule; those that are dropped are as large as those
	// that stay. Only where two leaves ask the same, sets of other sizes are kept beside them, up to
	// maxTwins, and beyond that the answer may miss a smaller set.
	maxPlain = 32
	maxTwins = 64
	// maxTries bounds the work for one rule. After it the first set found for each part stands.
	maxTries = 50_000
)

// whatIf returns the smallest sets of facts whose change would make the root yes, in the order of
// the rule. They are exact: the tests hold them against every assignment of the leaves. A
// leaf that was not read, since local leaves had decided, is taken to be as wanted: it may
// well be. What nothing can bring about, such as a time that has passed, is in no set.
func whatIf(root *rule.Node, x *Node) []Way {
	s := newSearch(root, x)
	found := s.ways(root, x, true)
	if len(found) == 0 {
		return nil
	}
	least := s.size(slices.MinFunc(found, func(a, b change) int { return cmp.Compare(s.size(a), s.size(b)) }))
	var out []Way
	for _, c := range found {
		if s.size(c) != least || least == 0 {
			continue
		}
		w := s.way(c)
		if same := func(o Way) bool { return slices.Equal(o.Steps, w.Steps) }; !slices.ContainsFunc(out, same) {
			out = append(out, w)
		}
		if len(out) == maxWays {
			break
		}
	}
	return out
}

// howTo returns the sentences of the first ways, each once.
func howTo(ways []Way) []string {
	var out []string
	for _, w := range ways {
		if !slices.Contains(out, w.Sentence) {
			out = append(out, w.Sentence)
		}
		if len(out) == maxHowTo {
			break
		}
	}
	return out
}

// fact is what one or several leaves ask.
type fact struct {
	leaves []*rule.Node
	node   *Node // explains the first of them
	now    Outcome
	free   bool // it was not read
	// can says whether it can become yes, and no.
	can map[bool]bool
}

// change is a part of an assignment: the facts that are to be something, a bit each (a rule has at most
// 64 leaves), and what. Facts of one leaf that are as they should be are left out.
type change struct{ set, val uint64 }

// search looks for the ways through one rule.
type search struct {
	facts []fact
	of    map[*rule.Node]int
	// isYes and isNo are the facts that can be so without a change, twins those that several leaves ask.
	isYes, isNo, twins uint64
	most, tries        int
}

// moved are the facts of c that are to change.
func (s *search) moved(c change) uint64 { return c.set &^ (c.val&s.isYes | ^c.val&s.isNo) }

// size is how many facts are to change, plain how many of these are asked by one leaf alone.
func (s *search) size(c change) int  { return bits.OnesCount64(s.moved(c)) }
func (s *search) plain(c change) int { return bits.OnesCount64(s.moved(c) &^ s.twins) }

func newSearch(root *rule.Node, x *Node) *search {
	s := &search{of: map[*rule.Node]int{}, most: maxPlain}
	known := map[string]int{}
	var visit func(n *rule.Node, x *Node)
	visit = func(n *rule.Node, x *Node) {
		for i, c := range n.Children {
			visit(c, x.Children[i])
		}
		if !n.Leaf() {
			return
		}
		key := factKey(n)
		i, twin := known[key]
		if !twin {
			i = len(s.facts)
			known[key] = i
			s.facts = append(s.facts, fact{node: x, now: x.Outcome, free: x.Reason == "not_needed", can: map[bool]bool{
				true: step(n, x, true) != "", false: step(n, x, false) != "",
			}})
			if f := s.facts[i]; f.free || f.now == Yes {
				s.isYes |= 1 << i
			}
			if f := s.facts[i]; f.free || f.now == No {
				s.isNo |= 1 << i
			}
		} else {
			s.most = maxTwins
			s.twins |= 1 << i
		}
		s.of[n] = i
		s.facts[i].leaves = append(s.facts[i].leaves, n)
	}
	visit(root, x)
	return s
}

// factKey tells leaves apart that ask different things.
func factKey(n *rule.Node) string {
	var leaf any
	switch n.Kind {
	case rule.KindHold:
		leaf = *n.Hold
	case rule.KindKey:
		leaf = *n.Key
	case rule.KindCall:
		leaf = *n.Call
	case rule.KindSol:
		leaf = *n.Sol
	case rule.KindBlock:
		leaf = *n.Block
	case rule.KindIs:
		leaf = n.Account
	case rule.KindAfter, rule.KindBefore:
		leaf = n.Time
	default:
		leaf = n.Name
	}
	return fmt.Sprintf("%s %+v %+v", n.Kind, leaf, n.Evidence)
}

// ways returns sets that make n yes (want) or no; none when nothing does.
func (s *search) ways(n *rule.Node, x *Node, want bool) []change {
	switch {
	case n.Leaf():
		return s.leaf(n, want)
	case n.Kind == rule.KindNot:
		return s.ways(n.Children[0], x.Children[0], !want)
	}
	need := map[rule.Kind]int{rule.KindAll: len(n.Children), rule.KindAny: 1, rule.KindAtLeast: n.N}[n.Kind]
	if !want {
		need = len(n.Children) - need + 1
	}
	// made[j] are the sets by which j of the children looked at so far are as they should.
	made := make([][]change, need+1)
	made[0] = []change{{}}
	for i, c := range n.Children {
		each := s.ways(c, x.Children[i], want)
		for j := min(need, i+1); j > 0; j-- {
			for _, a := range made[j-1] {
				for _, b := range each {
					if both, ok := s.join(a, b); ok {
						made[j] = s.add(made[j], both)
					}
				}
			}
		}
	}
	return made[need]
}

func (s *search) leaf(n *rule.Node, want bool) []change {
	i := s.of[n]
	c := change{set: 1 << i}
	if want {
		c.val = c.set
	}
	switch is := s.moved(c) == 0; {
	case is && s.twins&c.set == 0:
		return []change{{}}
	case !is && !s.facts[i].can[want]:
		return nil
	}
	return []change{c}
}

// join is the set that holds both, unless they contradict.
func (s *search) join(a, b change) (change, bool) {
	return change{a.set | b.set, a.val | b.val}, a.set&b.set&(a.val^b.val) == 0
}

// add puts c among all, unless another makes it needless, and drops what c makes needless: what needs more facts
// of its own and says no less of those that are asked elsewhere too.
func (s *search) add(all []change, c change) []change {
	if s.tries++; s.tries > maxTries {
		s.most = 1
	}
	for _, o := range all {
		if o == c || s.beats(o, c) {
			return all
		}
	}
	all = append(slices.DeleteFunc(all, func(o change) bool { return s.beats(c, o) }), c)
	for len(all) > s.most {
		worst := len(all) - 1
		for i := range slices.Backward(all) {
			if s.size(all[i]) > s.size(all[worst]) {
				worst = i
			}
		}
		all = slices.Delete(all, worst, worst+1)
	}
	return all
}

func (s *search) beats(a, b change) bool {
	said := a.set & s.twins
	return s.plain(a) < s.plain(b) && said&^b.set == 0 && (a.val^b.val)&said == 0
}

// way writes a set out in the order of the rule.
func (s *search) way(c change) Way {
	var w Way
	var said []string
	for i, f := range s.facts {
		if s.moved(c)>>i&1 == 0 {
			continue
		}
		want := c.val>>i&1 == 1
		outcome := No
		if want {
			outcome = Yes
		}
		text := step(f.leaves[0], f.node, want)
		for _, n := range f.leaves {
			w.Steps = append(w.Steps, Step{Pointer: n.Pointer, Now: f.now, Want: outcome, Sentence: text})
		}
		if !slices.Contains(said, text) {
			said = append(said, text)
		}
	}
	sentence := strings.Join(said, ", and ")
	w.Sentence = strings.ToUpper(sentence[:1]) + sentence[1:] + "."
	return w
}
