package main

import (
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/cmd/refserver/devchain"
)

// The server indexes the tokens that rules name, unless it is told not to, and says where an answer came from.
func TestServeIndexes(t *testing.T) {
	t.Parallel()
	chain, err := devchain.Start(t.Context(), devchain.Options{BlockTime: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = chain.Close() })
	pass, err := chain.DeployPass(t.Context(), "Pass", "PASS")
	if err != nil {
		t.Fatal(err)
	}
	holder := devchain.Holder().Address
	if _, err := chain.Mint(t.Context(), pass, holder); err != nil {
		t.Fatal(err)
	}
	for _, setting := range []string{"auto", "off"} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			p := start(t, "serve", "--set", "listen=127.0.0.1:0", "--set", "data="+t.TempDir(), "--set", "chains.eip155:1337.rpc_url="+chain.RPCURL(),
				"--set", "chains.eip155:1337.ws_url="+chain.WSURL(), "--set", "chains.eip155:1337.index="+setting)
			c := signedIn(t, p.says(`(?m)^StreamGate serves (http://127\.0\.0\.1:\d+)$`), authtest.NewWallet(1))
			rule := map[string]any{"gr": 1, "when": map[string]any{"hold": "eip155:1337/erc721:" + pass}}
			seen := map[string]int{}
			for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
				var d struct {
					Outcome string
					Explain struct{ Source string }
				}
				if err := c.call(t.Context(), "POST", "/v1/gates/check", map[string]any{"rule": rule, "account": "eip155:1337:" + holder}, &d); err != nil {
					t.Fatal(err)
				}
				if d.Outcome != "yes" {
					t.Fatalf("the holder is told %+v", d)
				}
				if seen[d.Explain.Source]++; setting == "off" && seen["chain"] == 15 || seen["index"] == 3 {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("answers came from %v", seen)
				}
			}
			_, body := get(t, c.base+"/v1/chains")
			if live := strings.Contains(body, `"status":"live"`); live != (setting == "auto") || setting == "off" && seen["index"] > 0 {
				t.Errorf("%v, %s", seen, body)
			}
			if err := p.end(); err != nil {
				t.Error(err)
			}
		})
	}
}
