package httpapi_test

import (
	"bytes"
	"testing"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/httpapi"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/nft/quorum"
)

// Who may inspect sees the providers of a chain and what they disagreed on; everybody else how many there are.
func TestProvidersAreForInspectors(t *testing.T) {
	t.Parallel()
	id, err := caip.ParseChainID(chainID)
	if err != nil {
		t.Fatal(err)
	}
	truth, other := nfttest.NewChain(id), nfttest.NewChain(id)
	token := truth.Deploy("erc721")
	other.Deploy("erc721")
	other.Mine(nfttest.Op{Kind: nfttest.Mint721, To: "0x00000000000000000000000000000000000000a1", TokenID: "1"})
	truth.Mine() // the same block, by its number and hash, without the token
	v, err := quorum.New([]quorum.Provider{
		{Name: "alpha", Verifier: truth, Budget: quorum.NewBudget(0, 1000, nil)}, {Name: "beta", Verifier: other},
	}, quorum.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	query := nft.Query{Op: nft.OpBalance721, Contract: token, Account: "0x00000000000000000000000000000000000000a1"}
	if r, err := v.CheckQuorum(t.Context(), nft.Finality{Tag: "latest"}, nft.Quorum{N: 2, Of: 2}, []nft.Query{query}); err != nil || r.Answers[0].Err == nil {
		t.Fatalf("%+v, %v", r, err)
	}
	var inspector string
	p := start(t, false, func(o *httpapi.Options) {
		o.Decider = nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{v}})
		o.MayInspect = func(who auth.Principal) bool { return who.UserID == inspector }
	})
	first, second := p.session(1), p.session(2)
	who := p.want(200, call{method: "GET", path: "/v1/auth/session", token: first["access_token"].(string)}).json(t)
	inspector = who["user_id"].(string)
	for _, token := range []string{"", second["access_token"].(string)} {
		r := p.want(200, call{method: "GET", path: "/v1/chains", token: token})
		c := r.json(t)["chains"].([]any)[0].(map[string]any)
		if bytes.Contains(r.body, []byte("alpha")) || c["disagreements"] != nil || c["providers_total"] != 2.0 || c["providers_healthy"] != 2.0 {
			t.Errorf("the public sees %s", r.body)
		}
	}
	c := p.want(200, call{method: "GET", path: "/v1/chains", token: first["access_token"].(string)}).json(t)["chains"].([]any)[0].(map[string]any)
	providers, disagreements := c["providers"].([]any), c["disagreements"].([]any)
	if alpha := providers[0].(map[string]any); len(providers) != 2 || alpha["name"] != "alpha" || alpha["state"] != "ok" || alpha["calls_left"].(float64) >= 1000 {
		t.Errorf("the inspector sees %v", providers)
	}
	if d := disagreements[0].(map[string]any); len(d["answers"].([]any)) != 2 || d["query"] == "" {
		t.Errorf("the inspector sees %v", disagreements)
	}
	p.want(401, call{method: "GET", path: "/v1/chains", token: "nonsense"})
}
