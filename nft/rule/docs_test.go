package rule_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/nft/rule"
)

// blocks returns the fenced blocks of docs/rules.md in a language.
func blocks(t *testing.T, lang string) []string {
	t.Helper()
	b, err := os.ReadFile("../../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, part := range strings.Split(string(b), "\n```"+lang+"\n")[1:] {
		text, _, _ := strings.Cut(part, "\n```")
		out = append(out, text)
	}
	return out
}

// Every rule the page shows is one.
func TestDocs(t *testing.T) {
	t.Parallel()
	rules := blocks(t, "json")
	if len(rules) < 5 {
		t.Fatalf("the page shows %d rules", len(rules))
	}
	for _, text := range rules {
		if _, err := rule.Parse([]byte(text)); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
	source, err := os.ReadFile("docs_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range blocks(t, "go") {
		if !strings.Contains(string(source), strings.ReplaceAll("\t"+text, "\n", "\n\t")) {
			t.Errorf("no Example is this program:\n%s", text)
		}
	}
}

func ExampleAll() {
	r, err := rule.All(
		rule.Any(
			rule.Hold("eip155:1/erc721:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d").Finalized(),
			rule.Is("eip155:1:0xbc4ca0eda7647a8ab7c2061c2e118a18a936f13d"),
		),
		rule.Not(rule.List("banned")),
	).Wallets(rule.Linked).Build()
	if err != nil {
		panic(err)
	}
	fmt.Println(len(r.Root().Children), r.Subject().Wallets, r.Cost())
	// Output: 2 linked 2
}
