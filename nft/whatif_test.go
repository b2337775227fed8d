package nft_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
)

// truth is what the leaves of a random rule say: lists by their name, and two times that nothing changes.
type truth map[string]nft.Outcome

// puzzle makes a random expression of at most n leaves, drawn from few names so that some ask the same.
func puzzle(rnd *rand.Rand, n, names, depth int) rule.Expr {
	if n == 1 || depth == 0 {
		switch k := rnd.IntN(names + 2); k {
		case names:
			return rule.Before(time.Unix(1, 0))
		case names + 1:
			return rule.After(time.Unix(1, 0))
		default:
			return rule.List(fmt.Sprintf("l%d", k))
		}
	}
	if rnd.IntN(4) == 0 {
		return rule.Not(puzzle(rnd, n, names, depth-1))
	}
	var of []rule.Expr
	for left := n; left > 0; {
		k := 1 + rnd.IntN(left)
		if k == n {
			k = max(1, n-1)
		}
		of = append(of, puzzle(rnd, k, names, depth-1))
		left -= k
	}
	switch rnd.IntN(3) {
	case 0:
		return rule.All(of...)
	case 1:
		return rule.Any(of...)
	}
	return rule.AtLeast(1+rnd.IntN(len(of)), of...)
}

// kleene evaluates a rule by the book.
func kleene(n *rule.Node, say func(*rule.Node) nft.Outcome) nft.Outcome {
	if n.Leaf() {
		return say(n)
	}
	var yes, no int
	for _, c := range n.Children {
		switch kleene(c, say) {
		case nft.Yes:
			yes++
		case nft.No:
			no++
		}
	}
	need := map[rule.Kind]int{rule.KindAll: len(n.Children), rule.KindAny: 1, rule.KindAtLeast: n.N, rule.KindNot: 1}[n.Kind]
	out := nft.Unknown
	if yes >= need {
		out = nft.Yes
	} else if len(n.Children)-no < need {
		out = nft.No
	}
	if n.Kind == rule.KindNot && out != nft.Unknown {
		return map[nft.Outcome]nft.Outcome{nft.Yes: nft.No, nft.No: nft.Yes}[out]
	}
	return out
}

func factName(n *rule.Node) string {
	if n.Kind == rule.KindList {
		return n.Name
	}
	return string(n.Kind)
}

// bruteForce tries every assignment that changes few facts, then more, and returns the sets of the least size that work.
func bruteForce(r *rule.Rule, t truth) []string {
	var names []string
	r.Root().Walk(func(n *rule.Node) {
		if n.Kind == rule.KindList && !slices.Contains(names, n.Name) {
			names = append(names, n.Name)
		}
	})
	slices.Sort(names)
	for size := range len(names) + 1 {
		var found []string
		for set := range 1 << len(names) {
			var chosen []string
			for i, name := range names {
				if set>>i&1 == 1 {
					chosen = append(chosen, name)
				}
			}
			if len(chosen) != size {
				continue
			}
			for values := range 1 << size {
				changed := truth{}
				var text []string
				real := true
				for i, name := range chosen {
					changed[name] = [2]nft.Outcome{nft.No, nft.Yes}[values>>i&1]
					real = real && changed[name] != t[name]
					text = append(text, name+"="+changed[name].String())
				}
				if !real {
					continue
				}
				if kleene(r.Root(), func(n *rule.Node) nft.Outcome {
					if o, ok := changed[factName(n)]; ok {
						return o
					}
					return t[factName(n)]
				}) == nft.Yes {
					found = append(found, strings.Join(text, " "))
				}
			}
		}
		if len(found) > 0 {
			slices.Sort(found)
			return found
		}
	}
	return nil
}

// puzzles is how many random rules are tried.
func puzzles() int {
	if n, err := strconv.Atoi(os.Getenv("STREAMGATE_PUZZLES")); err == nil {
		return n
	}
	return 3000
}

// The ways in are those and only those that trying every assignment of the leaves finds.
func TestWhatIfAgreesWithBruteForce(t *testing.T) {
	t.Parallel()
	var said truth
	now := time.Unix(1_800_000_000, 0)
	d := nft.NewDecider(nft.DeciderOptions{
		Now: func() time.Time { return now },
		Lists: func(_ context.Context, _, list, _ string) (bool, error) {
			if said[list] == nft.Unknown {
				return false, errors.New("the list does not answer")
			}
			return said[list] == nft.Yes, nil
		},
	})
	rnd := rand.New(rand.NewPCG(7, 2026))
	var noes, ways, hopeless, unsure, twins int
	for i := range puzzles() {
		names := 1 + rnd.IntN(9)
		r := puzzle(rnd, 1+rnd.IntN(11), names, 5).MustBuild()
		said = truth{"before": nft.No, "after": nft.Yes}
		for k := range names {
			said[fmt.Sprintf("l%d", k)] = []nft.Outcome{nft.No, nft.No, nft.Yes, nft.Unknown}[rnd.IntN(4)]
		}
		got, err := d.DecideFresh(t.Context(), r, subject(account(i)))
		if err != nil {
			t.Fatal(err)
		}
		if want := kleene(r.Root(), func(n *rule.Node) nft.Outcome { return said[factName(n)] }); got.Outcome != want {
			t.Fatalf("%s\nis %v, want %v", r.Canonical(), got.Outcome, want)
		}
		if got.Outcome != nft.No {
			if len(got.WhatIf) > 0 || len(got.HowTo) > 0 {
				t.Fatalf("%s\nis %v and says how to get in", r.Canonical(), got.Outcome)
			}
			continue
		}
		noes++
		want := bruteForce(r, said)
		have := describe(t, r, said, got.WhatIf)
		ways += len(have)
		if len(want) == 0 {
			hopeless++
		}
		for _, w := range got.WhatIf {
			if slices.ContainsFunc(w.Steps, func(s nft.Step) bool { return s.Now == nft.Unknown }) {
				unsure++
				break
			}
		}
		if len(r.Canonical()) > 0 && repeats(r) {
			twins++
		}
		if len(want) > nft.MaxWays {
			if len(have) != nft.MaxWays || slices.ContainsFunc(have, func(s string) bool { return !slices.Contains(want, s) }) {
				t.Fatalf("%s\nwith %v\n got %q\nwant %d of %q", r.Canonical(), said, have, nft.MaxWays, want)
			}
		} else if !slices.Equal(have, want) {
			t.Fatalf("%s\nwith %v\n got %q\nwant %q", r.Canonical(), said, have, want)
		}
	}
	t.Logf("%d noes, %d ways, %d without any, %d with unknown leaves, %d with leaves that ask the same", noes, ways, hopeless, unsure, twins)
	if puzzles() >= 1000 && (noes < 100 || hopeless < 10 || unsure < 10 || twins < 50) {
		t.Error("the random rules are not varied enough")
	}
}

func repeats(r *rule.Rule) bool {
	seen := map[string]int{}
	r.Root().Walk(func(n *rule.Node) {
		if n.Kind == rule.KindList {
			seen[n.Name]++
		}
	})
	for _, n := range seen {
		if n > 1 {
			return true
		}
	}
	return false
}

// describe writes ways as bruteForce does, and checks what each step says.
func describe(t *testing.T, r *rule.Rule, said truth, ways []nft.Way) []string {
	t.Helper()
	at := map[string]*rule.Node{}
	r.Root().Walk(func(n *rule.Node) { at[n.Pointer] = n })
	var out []string
	for _, w := range ways {
		var text []string
		for _, s := range w.Steps {
			n := at[s.Pointer]
			if n == nil || !n.Leaf() || s.Now != said[factName(n)] || s.Want == nft.Unknown || s.Want == s.Now || s.Sentence == "" {
				t.Fatalf("%s\nstep %+v", r.Canonical(), s)
			}
			if one := factName(n) + "=" + s.Want.String(); !slices.Contains(text, one) {
				text = append(text, one)
			}
			if !strings.Contains(strings.ToLower(w.Sentence), s.Sentence) {
				t.Fatalf("%q does not say %q", w.Sentence, s.Sentence)
			}
		}
		slices.Sort(text)
		out = append(out, strings.Join(text, " "))
	}
	slices.Sort(out)
	return out
}

// The steps name every leaf that asks the same, and one deed is one fact.
func TestWhatIfCountsFactsAndNotLeaves(t *testing.T) {
	t.Parallel()
	d := nft.NewDecider(nft.DeciderOptions{Lists: func(context.Context, string, string, string) (bool, error) { return false, nil }})
	r := rule.Any(
		rule.All(rule.List("a"), rule.List("b")),
		rule.All(rule.List("c"), rule.Any(rule.List("c"), rule.List("d"))),
	).MustBuild()
	got, err := d.Decide(t.Context(), r, subject(account(1)))
	if err != nil || len(got.WhatIf) != 1 || len(got.WhatIf[0].Steps) != 2 {
		t.Fatalf("%+v, %v", got.WhatIf, err)
	}
	w := got.WhatIf[0]
	if w.Sentence != `Ask to be put on the list "c".` || w.Steps[0].Pointer != "/when/any/1/all/0" || w.Steps[1].Pointer != "/when/any/1/all/1/any/0" {
		t.Errorf("%+v", w)
	}
	// What contradicts itself helps nobody.
	r = rule.All(rule.List("a"), rule.Not(rule.List("a"))).MustBuild()
	if got, err = d.Decide(t.Context(), r, subject(account(1))); err != nil || got.Outcome != nft.No || len(got.WhatIf) > 0 {
		t.Errorf("%+v, %v", got, err)
	}
}

// The largest rules, made to be hard, are answered in a bounded time.
func TestWhatIfIsBounded(t *testing.T) {
	t.Parallel()
	d := nft.NewDecider(nft.DeciderOptions{Lists: func(context.Context, string, string, string) (bool, error) { return false, nil }})
	var same, apart, groups []rule.Expr
	for i := range rule.MaxLeaves {
		apart = append(apart, rule.List(fmt.Sprintf("l%d", i)))
		same = append(same, rule.List(fmt.Sprintf("l%d", i/2)))
	}
	for i := range 16 {
		groups = append(groups, rule.Any(same[4*i], apart[4*i+1], same[(4*i+7)%64], apart[(4*i+9)%64]))
	}
	for name, r := range map[string]*rule.Rule{
		"half of all":                 rule.AtLeast(32, apart...).MustBuild(),
		"half, each twice":            rule.AtLeast(32, same...).MustBuild(),
		"one of four, sixteen times":  rule.All(groups...).MustBuild(),
		"two thirds of many anothers": rule.AtLeast(10, groups...).MustBuild(),
	} {
		start := time.Now()
		got, err := d.DecideFresh(t.Context(), r, subject(account(1)))
		if err != nil || got.Outcome != nft.No || len(got.WhatIf) == 0 || len(got.HowTo) == 0 || len(got.HowTo) > 4 {
			t.Errorf("%s: %v %d, %v", name, got.Outcome, len(got.WhatIf), err)
		}
		t.Logf("%s: %v, sets of %d", name, time.Since(start), len(got.WhatIf[0].Steps))
	}
}
