package httpapi_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/media"
)

const lock = "0x3110c39b428221012934a7f617913b095bc1078c"

// A wallet is its holder's to test; another's is tested by the owner of the video, and with a rule of his own by who may
// make gates: a rule may name lists, which are no one else's to look into.
func TestWhoMayTestWhichWallet(t *testing.T) {
	t.Parallel()
	var owner atomic.Value
	p := startCreators(t, func(who auth.Principal) bool { return who.UserID == owner.Load() })
	mine, foreign := p.signIn(1), p.signIn(2)
	owner.Store(p.want(200, call{method: "GET", path: "/v1/auth/session", token: mine}).json(t)["user_id"])
	pass := p.chain.Deploy("erc721")
	rule := map[string]any{"gr": 1, "when": map[string]any{"any": []any{
		map[string]any{"hold": chainID + "/erc721:" + pass}, map[string]any{"after": "2100-01-01T00:00:00Z"}}}}
	id := p.create(mine, "clip")
	p.want(200, call{method: "PUT", path: "/v1/assets/" + id + "/gate", token: mine, body: rule})
	p.finish(id)
	for name, tc := range map[string]struct {
		token  string
		wallet uint32
		asset  bool
		status int
	}{
		"one's own, an asset":                 {foreign, 2, true, 200},
		"one's own, a rule":                   {foreign, 2, false, 200},
		"another's, an asset":                 {foreign, 3, true, 403},
		"another's, a rule":                   {foreign, 3, false, 403},
		"another's, the owner of the asset":   {mine, 3, true, 200},
		"another's, a rule, who makes gates":  {mine, 3, false, 200},
		"the owner's own wallet, by somebody": {foreign, 1, true, 403},
	} {
		body := map[string]any{"account": authtest.NewWallet(tc.wallet).On("eip155:1").String()}
		if body["rule"] = rule; tc.asset {
			delete(body, "rule")
			body["asset_id"] = id
		}
		r := p.want(tc.status, call{method: "POST", path: "/v1/gates/check", token: tc.token, body: body})
		if tc.status != 200 {
			continue
		}
		d := r.json(t)
		ways, _ := d["what_if"].([]any)
		if d["outcome"] != "no" || len(ways) != 2 {
			t.Errorf("%s: %s", name, r.body)
			continue
		}
		step := ways[0].(map[string]any)["steps"].([]any)[0].(map[string]any)
		if step["pointer"] != "/when/any/0" || step["now"] != "no" || step["want"] != "yes" || !strings.HasPrefix(step["sentence"].(string), "get 1 token") {
			t.Errorf("%s: %v", name, step)
		}
	}
}

func TestImportGate(t *testing.T) {
	t.Parallel()
	p := start(t, false, nil)
	post := func(status int, body string) map[string]any {
		t.Helper()
		return p.want(status, call{method: "POST", path: "/v1/gates/import", body: body}).json(t)
	}
	got := post(200, `{"format":"unlock","document":{"locks":{"`+lock+`":{"network":137}}}}`)
	if got["rule_id"] == "" || got["sentence"] == "" || len(got["losses"].([]any)) != 0 || got["rule"].(map[string]any)["gr"] != 1.0 {
		t.Errorf("%v", got)
	}
	strict := `"document":{"operator":"not","operands":[{"conditionType":"jwt"}]}`
	wrong := post(400, `{"format":"taco",`+strict+`}`)["errors"].([]any)[0].(map[string]any)
	if wrong["pointer"] != "/document/operands/0" || !strings.Contains(wrong["detail"].(string), "jwt") {
		t.Errorf("%v", wrong)
	}
	lossy := post(200, `{"format":"taco","lossy":true,`+strict+`}`)
	if l := lossy["losses"].([]any)[0].(map[string]any); l["pointer"] != "/operands/0" || l["id"] != "lost-1" || l["detail"] == "" {
		t.Errorf("%v", l)
	}
	post(415, `{"format":"guild","document":{}}`)
	post(400, `{"format":"lit"}`)
	post(400, `{"format":"lit","document":[],"x":1}`)
}

// startCreators is start with a say in who makes assets.
func startCreators(t *testing.T, may func(auth.Principal) bool) *platform {
	t.Helper()
	return startWith(t, false, nil, func(o *media.Options) { o.MayCreate = may })
}
