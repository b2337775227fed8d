package evm_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// A block that another provider named is read only where the provider asked has it as it was named.
func TestReadingAtANamedBlock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	honest := dial(t, evm.Options{RPCURL: w.RPCURL, Chain: w.ID})
	at, err := honest.BlockAt(t.Context(), nft.Finality{Confirmations: 2})
	if err != nil {
		t.Fatal(err)
	}
	members := func(method string, m map[string]string) func(string, string, message) {
		return func(got, _ string, reply message) {
			if got == method {
				reply.replace(m)
			}
		}
	}
	for name, lie := range map[string]func(method, params string, m message){
		"no such hash":        result("eth_getBlockByHash", `null`),
		"no such number":      result("eth_getBlockByNumber", `null`),
		"another number":      members("eth_getBlockByHash", map[string]string{"number": `"0x1"`}),
		"another time":        members("eth_getBlockByHash", map[string]string{"timestamp": `"0x1"`}),
		"not on the path":     members("eth_getBlockByNumber", map[string]string{"hash": `"0x2222222222222222222222222222222222222222222222222222222222222222"`}),
		"another chain":       result("eth_chainId", `"0x1"`),
		"the header fails":    func(method, _ string, m message) { failWhen(m, method == "eth_getBlockByHash") },
		"the state is pruned": func(method, _ string, m message) { failWhen(m, method == "eth_call") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := undialled(t, evm.Options{RPCURL: liar(t, w.Chain, lie), Chain: w.ID})
			r, err := v.CheckAt(t.Context(), at, w.queries())
			for _, a := range r.Answers {
				err = errors.Join(err, a.Err)
				if a.Value != "" {
					t.Errorf("answered %+v", a)
				}
			}
			if err == nil || len(r.Answers) == 0 && !errors.Is(err, fault.Unavailable) {
				t.Errorf("%+v, %v", r, err)
			}
			if name == "another chain" && !errors.Is(err, nft.ErrOtherChain) {
				t.Errorf("it does not say that it is another chain: %v", err)
			}
		})
	}
	t.Run("by number where the provider does not read by hash", func(t *testing.T) {
		t.Parallel()
		v := undialled(t, evm.Options{Chain: w.ID, RPCURL: liar(t, w.Chain, func(_, params string, m message) {
			if strings.Contains(params, "blockHash") {
				m.fail(`{"code":-32602,"message":"invalid argument 1: cannot unmarshal object"}`)
			}
		})})
		r, err := v.CheckAt(t.Context(), at, w.queries())
		if err != nil || r.Answers[0].Value != "1" || r.Answers[1].Value != w.account[1] || r.Block.Hash != at.Hash || r.Calls < 2 {
			t.Errorf("%+v, %v", r, err)
		}
	})
	if _, err := honest.CheckAt(t.Context(), at, []nft.Query{{Op: "erc9999.frobnicate"}}); !errors.Is(err, fault.Invalid) {
		t.Errorf("a malformed query: %v", err)
	}
	other := undialled(t, evm.Options{RPCURL: w.RPCURL, Chain: caip.ChainID{Namespace: "eip155", Reference: "1"}})
	if _, err := other.BlockAt(t.Context(), nft.Finality{Tag: "latest"}); !errors.Is(err, nft.ErrOtherChain) {
		t.Errorf("another chain's block: %v", err)
	}
}

func failWhen(m message, fails bool) {
	if fails {
		delete(m, "result")
		m["error"] = json.RawMessage(`{"code":-32000,"message":"missing trie node"}`)
	}
}

// undialled asks the provider nothing yet.
func undialled(t *testing.T, opt evm.Options) *evm.Verifier {
	t.Helper()
	v, err := evm.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	return v
}
