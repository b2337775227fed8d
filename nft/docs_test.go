package nft_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/merkle"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/nft/rule"
)

// docs/rules.md shows every leaf of the language, and each of its rules is answered: nothing is unsupported.
func TestEveryLeafOfTheDocsAnswers(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	verifiers := []nft.Verifier{}
	for _, id := range []string{"eip155:1", "eip155:137", "eip155:8453", "solana:mainnet"} {
		chain, err := caip.ParseChainID(id)
		if err != nil {
			t.Fatal(err)
		}
		verifiers = append(verifiers, nfttest.NewChain(chain))
	}
	d := nft.NewDecider(nft.DeciderOptions{
		Verifiers: verifiers, Metadata: library{},
		Lists: func(context.Context, string, string, string) (bool, error) { return false, nil },
		Roles: func(context.Context, string, []caip.AccountID) ([]string, error) { return nil, nil },
		Proofs: func(context.Context, string, string, string) (merkle.Proof, error) {
			return nil, fault.New(fault.NotFound, "test", "not listed")
		},
	})
	who := subject(account(1))
	sol, err := caip.ParseAccountID("solana:mainnet:J1S9H3QjnRtBbbuD4HjPV6RpRhwuk4zKbxsnCHuTgh9w")
	if err != nil {
		t.Fatal(err)
	}
	who.Accounts = append(who.Accounts, sol)
	shown := map[rule.Kind]bool{}
	for _, part := range strings.Split(string(page), "\n```json\n")[1:] {
		text, _, _ := strings.Cut(part, "\n```")
		r, err := rule.Parse([]byte(text))
		if err != nil {
			t.Errorf("%s\n%v", text, err)
			continue
		}
		r.Root().Walk(func(n *rule.Node) { shown[n.Kind] = true })
		dec, err := d.Decide(t.Context(), r, who)
		if err != nil {
			t.Errorf("%s\n%v", text, err)
			continue
		}
		var walk func(n *nft.Node)
		walk = func(n *nft.Node) {
			if n.Reason == "unsupported" {
				t.Errorf("%s\n%s is not answered: %s", text, n.Pointer, dec.Message)
			}
			for _, c := range n.Children {
				walk(c)
			}
		}
		walk(dec.Explain)
	}
	for _, kind := range []rule.Kind{rule.KindHold, rule.KindKey, rule.KindCall, rule.KindSol, rule.KindIs, rule.KindList,
		rule.KindMerkle, rule.KindRole, rule.KindAfter, rule.KindBefore, rule.KindBlock} {
		if !shown[kind] {
			t.Errorf("the page shows no rule with %q", kind)
		}
	}
}
