package httpapi_test

import (
	"testing"

	"github.com/streamgate/streamgate/auth/authtest"
)

// A Solana wallet signs in, an Ethereum wallet joins it, and either then is the same user.
func TestSolanaSignInAndLink(t *testing.T) {
	t.Parallel()
	p := start(t, false, nil)
	w, evm := authtest.NewSolanaWallet(1), authtest.NewWallet(1)
	account := w.On("solana:mainnet").String()
	ask := func(account string) string {
		return p.want(200, call{method: "POST", path: "/v1/auth/challenge", body: map[string]string{"account": account}}).json(t)["message"].(string)
	}
	message := ask(account)
	body := map[string]string{"message": message, "signature": w.Sign(message)}
	tokens := p.want(200, call{method: "POST", path: "/v1/auth/verify", body: body}).json(t)
	if tokens["account"] != account {
		t.Errorf("signed in as %v", tokens["account"])
	}
	token := tokens["access_token"].(string)
	p.want(401, call{method: "POST", path: "/v1/auth/verify", body: body})

	message = ask(evm.On(chainID).String())
	body = map[string]string{"message": message, "signature": evm.Sign(message)}
	p.want(401, call{method: "POST", path: "/v1/auth/link", body: body})
	linked := p.want(200, call{method: "POST", path: "/v1/auth/link", token: token, body: body}).json(t)
	if linked["account"] != evm.On(chainID).String() {
		t.Errorf("linked %v", linked["account"])
	}
	p.want(401, call{method: "POST", path: "/v1/auth/link", token: token, body: body})
	who := p.want(200, call{method: "GET", path: "/v1/auth/session", token: token}).json(t)
	again := p.want(200, call{method: "GET", path: "/v1/auth/session", token: p.signIn(1)}).json(t)
	if who["user_id"] != again["user_id"] || len(who["accounts"].([]any)) != 2 {
		t.Errorf("%v and %v", who, again)
	}

	p.signIn(2)
	message = ask(authtest.NewWallet(2).On(chainID).String())
	p.want(409, call{method: "POST", path: "/v1/auth/link", token: token, body: map[string]string{"message": message, "signature": authtest.NewWallet(2).Sign(message)}})
	secret := p.want(201, call{method: "POST", path: "/v1/auth/keys", token: token, body: map[string]string{"name": "k"}}).json(t)["secret"].(string)
	p.want(403, call{method: "POST", path: "/v1/auth/link", token: secret, body: body})
}
