package httpapi_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/httpapi"
	"github.com/streamgate/streamgate/nft/pass"
	"github.com/streamgate/streamgate/nft/pass/passtest"
)

// desk is a platform that issues passes on a scripted chain.
type desk struct {
	*platform
	ledger *passtest.Chain
	passes *pass.Service
	store  *passtest.Memory
}

func startDesk(t *testing.T, change func(*pass.Options)) *desk {
	t.Helper()
	d := &desk{ledger: passtest.NewChain(time.Minute), store: passtest.NewMemory()}
	opt := pass.Options{Store: d.store, Ledgers: []pass.Ledger{d.ledger}, MaySpend: func(auth.Principal) bool { return true }}
	if change != nil {
		change(&opt)
	}
	var err error
	if d.passes, err = pass.New(opt); err != nil {
		t.Fatal(err)
	}
	d.platform = start(t, false, func(o *httpapi.Options) { o.Passes = d.passes })
	return d
}

func (d *desk) settle() {
	d.t.Helper()
	for range 5 {
		if err := d.passes.Round(d.t.Context(), d.ledger); err != nil {
			d.t.Fatal(err)
		}
		d.ledger.Mine(1)
	}
}

var wanted = map[string]any{"chain": chainID, "kind": "erc721", "name": "Tour pass", "symbol": "TOUR"}

func with(m map[string]any, kv ...any) map[string]any {
	out := map[string]any{}
	for k, v := range m {
		out[k] = v
	}
	for i := 0; i < len(kv); i += 2 {
		out[kv[i].(string)] = kv[i+1]
	}
	return out
}

func TestPasses(t *testing.T) {
	t.Parallel()
	d := startDesk(t, nil)
	token := d.signIn(1)
	once := map[string]string{"Idempotency-Key": "tour"}
	r := d.want(201, call{method: "POST", path: "/v1/passes", token: token, body: wanted, header: once})
	made := r.json(t)
	id := made["id"].(string)
	if r.header.Get("Location") != "/v1/passes/"+id || made["state"] != "created" || made["signer"] != "server" || made["asset"] != nil {
		t.Errorf("made: %s", r.body)
	}
	if again := d.want(201, call{method: "POST", path: "/v1/passes", token: token, body: wanted, header: once}).json(t); again["id"] != id {
		t.Errorf("the same key made %v", again["id"])
	}
	if p := d.want(400, call{method: "POST", path: "/v1/passes", token: token, body: with(wanted, "name", "other"), header: once}); !strings.Contains(string(p.body), "Idempotency-Key") {
		t.Errorf("another wish: %s", p.body)
	}
	early := d.want(409, call{method: "POST", path: "/v1/passes/" + id + "/mints", token: token, body: map[string]any{"to": authtest.NewWallet(2).On(chainID).String()}})
	if early.header.Get("Retry-After") == "" {
		t.Error("a mint that comes too early is not told when to come again")
	}
	d.settle()
	got := d.want(200, call{method: "GET", path: "/v1/passes/" + id, token: token}).json(t)
	if got["state"] != "confirmed" || got["asset"] == nil || got["owner"] != authtest.NewWallet(1).On(chainID).Address || got["sentence"] == nil {
		t.Fatalf("settled: %v", got)
	}
	// The rule is ready to be a gate.
	asset := d.create(token, "film")
	ruleJSON, err := json.Marshal(got["rule"])
	if err != nil {
		t.Fatal(err)
	}
	d.want(200, call{method: "PUT", path: "/v1/assets/" + asset + "/gate", token: token, body: string(ruleJSON)})

	to := authtest.NewWallet(2).On(chainID)
	mint := d.want(201, call{method: "POST", path: "/v1/passes/" + id + "/mints", token: token, body: map[string]any{"to": to.String()}, header: map[string]string{"Idempotency-Key": "m"}}).json(t)
	d.want(400, call{method: "POST", path: "/v1/passes/" + id + "/mints", token: token, body: map[string]any{"to": "eip155:5:" + to.Address}})
	if again := d.want(201, call{method: "POST", path: "/v1/passes/" + id + "/mints", token: token, body: map[string]any{"to": to.Address}, header: map[string]string{"Idempotency-Key": "m"}}).json(t); again["id"] != mint["id"] {
		t.Errorf("the same key minted twice: %v", again)
	}
	d.settle()
	list := d.want(200, call{method: "GET", path: "/v1/passes/" + id + "/mints", token: token})
	var mints struct {
		Mints []struct {
			ID, State, Hash, To string
			TokenID             string `json:"token_id"`
			PassID              string `json:"pass_id"`
		}
	}
	if err := json.Unmarshal(list.body, &mints); err != nil || len(mints.Mints) != 1 {
		t.Fatalf("%s, %v", list.body, err)
	}
	if m := mints.Mints[0]; m.ID != mint["id"] || m.State != "confirmed" || m.Hash == "" || m.TokenID == "" || m.To != to.Address || m.PassID != id {
		t.Errorf("%+v", m)
	}
	d.want(200, call{method: "GET", path: "/v1/passes/" + id + "/mints/" + mint["id"].(string), token: token})
	var passes struct {
		Passes []struct{ ID string }
		Chains []struct {
			Chain          string
			Kinds          []string
			Server, Wallet bool
		}
	}
	all := d.want(200, call{method: "GET", path: "/v1/passes", token: token})
	if err := json.Unmarshal(all.body, &passes); err != nil || len(passes.Passes) != 1 || len(passes.Chains) != 1 || !passes.Chains[0].Server || !passes.Chains[0].Wallet {
		t.Errorf("%s, %v", all.body, err)
	}
	d.want(400, call{method: "GET", path: "/v1/passes?limit=0", token: token})
	d.want(400, call{method: "GET", path: "/v1/passes?order=x", token: token})
}

// Others see nothing of a creator's passes.
func TestPassesAreTheCreatorsOwn(t *testing.T) {
	t.Parallel()
	d := startDesk(t, nil)
	owner, foreign := d.signIn(1), d.signIn(2)
	id := d.want(201, call{method: "POST", path: "/v1/passes", token: owner, body: wanted}).json(t)["id"].(string)
	d.settle()
	mint := d.want(201, call{method: "POST", path: "/v1/passes/" + id + "/mints", token: owner, body: map[string]any{"to": passtest.SignerAddress}}).json(t)["id"].(string)
	hash := map[string]any{"hash": "0x" + strings.Repeat("ab", 32)}
	for _, c := range []call{
		{method: "GET", path: "/v1/passes/" + id},
		{method: "POST", path: "/v1/passes/" + id + "/sent", body: hash},
		{method: "GET", path: "/v1/passes/" + id + "/mints"},
		{method: "POST", path: "/v1/passes/" + id + "/mints", body: map[string]any{"to": passtest.SignerAddress}},
		{method: "GET", path: "/v1/passes/" + id + "/mints/" + mint},
		{method: "POST", path: "/v1/passes/" + id + "/mints/" + mint + "/sent", body: hash},
	} {
		d.want(401, c)
		c.token = foreign
		d.want(404, c)
	}
	d.want(404, call{method: "GET", path: "/v1/passes/" + mint, token: owner}) // a mint is no pass
	if list := d.want(200, call{method: "GET", path: "/v1/passes", token: foreign}); !strings.Contains(string(list.body), `"passes":[]`) {
		t.Errorf("another's list: %s", list.body)
	}
	d.want(409, call{method: "POST", path: "/v1/passes/" + id + "/sent", token: owner, body: hash}) // the platform signs it
}

func TestPassesNameWhatIsWrong(t *testing.T) {
	t.Parallel()
	d := startDesk(t, nil)
	token := d.signIn(1)
	for pointer, body := range map[string]map[string]any{
		"/chain":  with(wanted, "chain", "ethereum"),
		"/kind":   with(wanted, "kind", "erc20"),
		"/symbol": with(wanted, "symbol", ""),
		"/signer": with(wanted, "signer", "nobody"),
		"/from":   with(wanted, "signer", "wallet", "from", passtest.SignerAddress),
		"/price":  with(wanted, "price", 1),
	} {
		r := d.want(400, call{method: "POST", path: "/v1/passes", token: token, body: body})
		if !strings.Contains(string(r.body), `"pointer":"`+pointer+`"`) {
			t.Errorf("%s: %s", pointer, r.body)
		}
	}
	d.ledger.SetRefuse("The contract refuses: SoldOut(1)")
	if r := d.want(409, call{method: "POST", path: "/v1/passes", token: token, body: wanted}); !strings.Contains(string(r.body), "SoldOut(1)") {
		t.Errorf("what the chain refuses: %s", r.body)
	}
}

func TestAPassByTheCreatorsWallet(t *testing.T) {
	t.Parallel()
	d := startDesk(t, func(o *pass.Options) { o.MaySpend = nil })
	token := d.signIn(1)
	d.want(403, call{method: "POST", path: "/v1/passes", token: token, body: wanted})
	made := d.want(201, call{method: "POST", path: "/v1/passes", token: token, body: with(wanted, "signer", "wallet")}).json(t)
	id := made["id"].(string)
	tx, ok := made["transaction"].(map[string]any)
	if !ok || tx["from"] != authtest.NewWallet(1).On(chainID).Address || tx["chainId"] != "0x539" || tx["gas"] != "0x5208" || tx["value"] != "0x0" || tx["to"] != nil {
		t.Fatalf("to be signed: %v", made["transaction"])
	}
	if again := d.want(200, call{method: "GET", path: "/v1/passes/" + id, token: token}).json(t); again["transaction"] == nil {
		t.Error("a reload loses what is to be signed")
	}
	d.ledger.SetRefuse("The contract refuses: SoldOut(1)")
	if now := d.want(200, call{method: "GET", path: "/v1/passes/" + id, token: token}).json(t); now["transaction"] != nil || now["reason"] != "The contract refuses: SoldOut(1)" {
		t.Errorf("what cannot be signed any more: %v", now)
	}
	d.ledger.SetRefuse("")
	d.want(400, call{method: "POST", path: "/v1/passes/" + id + "/sent", token: token, body: map[string]any{"hash": "0x12"}})
	sent := d.want(200, call{method: "POST", path: "/v1/passes/" + id + "/sent", token: token, body: map[string]any{"hash": "0x" + strings.Repeat("AB", 32)}}).json(t)
	if sent["state"] != "sent" || sent["hash"] != "0x"+strings.Repeat("ab", 32) || sent["transaction"] != nil {
		t.Errorf("sent: %v", sent)
	}
	d.want(409, call{method: "POST", path: "/v1/passes/" + id + "/sent", token: token, body: map[string]any{"hash": "0x" + strings.Repeat("cd", 32)}})
}
