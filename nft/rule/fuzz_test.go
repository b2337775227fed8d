package rule_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/streamgate/streamgate/nft/rule"
)

func FuzzParse(f *testing.F) {
	for _, l := range leaves() {
		f.Add([]byte(when(l.in)))
	}
	f.Add([]byte(`{"gr":1,"evidence":{"finality":"safe"},"when":{"atLeast":{"n":1,"of":[{"not":{"list":"a"}}]}}}`))
	f.Add([]byte(`{"gr":1,"gr":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := rule.Parse(b)
		if err != nil {
			return
		}
		again, err := rule.Parse(r.Canonical())
		if err != nil {
			t.Fatalf("%s has a canonical form that is refused: %s: %v", b, r.Canonical(), err)
		}
		if again.ID() != r.ID() || !bytes.Equal(again.Canonical(), r.Canonical()) || again.Sentence() != r.Sentence() {
			t.Fatalf("not the same:\n%s\n%s", r.Canonical(), again.Canonical())
		}
		_, _ = r.Lint(), r.Cost()
	})
}

// drawn is a random expression in both languages: as built, and as JSON with
// its members in another order and defaults written out.
type drawn struct {
	expr rule.Expr
	doc  map[string]any
}

func draw(t *rapid.T, depth int) drawn {
	pick := 5
	if depth < 4 {
		pick = 9
	}
	var d drawn
	switch rapid.IntRange(0, pick-1).Draw(t, "kind") {
	case 0:
		n := rapid.StringMatching(`[a-z]{1,5}`).Draw(t, "list")
		d = drawn{rule.List(n), map[string]any{"list": n}}
	case 1:
		at := time.Unix(rapid.Int64Range(1, 4_000_000_000).Draw(t, "time"), 0)
		d = drawn{rule.After(at), map[string]any{"after": at.In(time.FixedZone("", 3600)).Format(time.RFC3339)}}
	case 2:
		n := rapid.Uint64Range(1, 5).Draw(t, "min")
		e, doc := rule.Hold(apes), map[string]any{"hold": "eip155:1/erc721:0xBC4CA0EdA7647A8aB7C2061c2E118A18a936f13D", "min": digit(n), "as": []string{"owner"}}
		if n > 1 || rapid.Bool().Draw(t, "write min") {
			e = e.Min(n)
		}
		d = drawn{e, doc}
	case 3:
		ids := rapid.SliceOfN(rapid.StringMatching(`[1-9][0-9]{0,3}`), 1, 4).Draw(t, "ids")
		back := slices.Clone(ids)
		slices.Reverse(back)
		d = drawn{rule.Hold(multi).IDs(ids...), map[string]any{"ids": back, "hold": multi}}
	case 4:
		d = drawn{rule.Is("eip155:1:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d"), map[string]any{"is": "eip155:1:0xBC4CA0EDA7647A8AB7C2061C2E118A18A936F13D"}}
	case 5:
		c := draw(t, depth+1)
		d = drawn{rule.Not(c.expr), map[string]any{"not": c.doc}}
	default:
		var exprs []rule.Expr
		var docs []any
		for range rapid.IntRange(1, 3).Draw(t, "width") {
			c := draw(t, depth+1)
			exprs, docs = append(exprs, c.expr), append(docs, c.doc)
		}
		switch rapid.IntRange(0, 2).Draw(t, "operator") {
		case 0:
			d = drawn{rule.All(exprs...), map[string]any{"all": docs}}
		case 1:
			d = drawn{rule.Any(exprs...), map[string]any{"any": docs}}
		default:
			d = drawn{rule.AtLeast(len(docs), exprs...), map[string]any{"atLeast": map[string]any{"of": docs, "n": len(docs)}}}
		}
	}
	switch rapid.IntRange(0, 4).Draw(t, "evidence") {
	case 0:
		d.expr, d.doc["evidence"] = d.expr.Safe(), map[string]any{"finality": "safe"}
	case 1:
		n := rapid.Uint64Range(1, 9).Draw(t, "blocks")
		d.expr, d.doc["evidence"] = d.expr.HeldForBlocks(n), map[string]any{"heldFor": map[string]any{"blocks": n}}
	}
	return d
}

func digit(n uint64) string { return string(rune('0' + n)) }

func TestBuilderAndJSONAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := draw(t, 1)
		doc, err := json.MarshalIndent(map[string]any{"when": d.doc, "gr": 1}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		parsed, perr := rule.Parse(doc)
		built, berr := d.expr.Build()
		if perr != nil || berr != nil {
			t.Fatalf("parse: %v, build: %v, of %s", perr, berr, doc)
		}
		if parsed.ID() != built.ID() {
			t.Fatalf("they differ:\n%s\n%s", parsed.Canonical(), built.Canonical())
		}
	})
}
