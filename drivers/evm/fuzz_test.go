package evm_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// canned answers every request by what f makes of its body.
type canned func(body []byte) []byte

func (f canned) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(f(body))), Request: r, ContentLength: -1}, nil
}

func cannedVerifier(t testing.TB, f canned) *evm.Verifier {
	t.Helper()
	v, err := evm.New(evm.Options{
		RPCURL: "http://127.0.0.1:1", Chain: caip.ChainID{Namespace: "eip155", Reference: "1"},
		Client: &http.Client{Transport: f}, MaxReply: 1 << 20,
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// sane fails the test unless each answer has a value or an error, never both.
func sane(t *testing.T, r nft.Reply, err error) {
	t.Helper()
	if err != nil {
		if k := fault.KindOf(err); k != fault.Unavailable && k != fault.Invalid {
			t.Errorf("%v is of kind %v", err, k)
		}
		return
	}
	for _, a := range r.Answers {
		if a.Err != nil && (a.Value != "" || a.Int != nil) || a.Int != nil && a.Int.String() != a.Value {
			t.Errorf("answer %+v", a)
		}
	}
}

const fuzzContract = "0x7ac5025f1d3ecd16c80490f794fb258750a451b5"

// Whatever a provider sends in reply to anything, it is an answer or an error.
func FuzzReply(f *testing.F) {
	f.Add([]byte(`[{"jsonrpc":"2.0","id":1,"result":"0x1"},{"jsonrpc":"2.0","id":2,"result":{"number":"0x1","hash":"0x11","parentHash":"0x22","timestamp":"0x1"}}]`))
	f.Add([]byte(`[{"jsonrpc":"2.0","id":1,"error":{"code":3,"message":"execution reverted","data":"0x"}}]`))
	f.Add([]byte(`{}`))
	f.Add([]byte(`[[[[`))
	f.Fuzz(func(t *testing.T, reply []byte) {
		v := cannedVerifier(t, func([]byte) []byte { return reply })
		r, err := v.Check(t.Context(), latest, []nft.Query{{Op: nft.OpOwner721, Contract: fuzzContract, TokenID: "1"}})
		sane(t, r, err)
	})
}

// Whatever a contract returns, or reverts with, it is an answer or an error; and
// an answer is the only one these bytes can mean.
func FuzzContractAnswer(f *testing.F) {
	f.Add("f()(string)", []byte("\x00"), false)
	f.Add("f()(uint8)", append(make([]byte, 31), 7), false)
	f.Add("f()(address)", bytes.Repeat([]byte{0xff}, 32), false)
	f.Add("f()(bytes)", append(append(make([]byte, 31), 32), make([]byte, 32)...), false)
	f.Add("f()(bool)", []byte{0x7e, 0x27, 0x32, 0x89}, true)
	f.Fuzz(func(t *testing.T, fn string, data []byte, revert bool) {
		v := cannedVerifier(t, func(body []byte) []byte { return fakeNode(body, data, revert) })
		qs := []nft.Query{
			{Op: nft.OpCall, Contract: fuzzContract, Call: &nft.Call{Fn: fn}},
			{Op: nft.OpOwner721, Contract: fuzzContract, TokenID: "1"},
			{Op: nft.OpBalance721, Contract: fuzzContract, Account: fuzzContract},
		}
		for _, q := range qs {
			r, err := v.Check(t.Context(), latest, []nft.Query{q})
			sane(t, r, err)
			if q.Op == nft.OpBalance721 && err == nil && r.Answers[0].Value != "" && (len(data) != 32 || revert) {
				t.Errorf("%x is the balance %s", data, r.Answers[0].Value)
			}
		}
	})
}

// Whatever is written as a signature and its argument, it is refused or sent.
func FuzzCall(f *testing.F) {
	f.Add("tierOf(address)(uint8)", ":account")
	f.Add("f(bytes32)(bytes)", "0x"+strings.Repeat("ab", 32))
	f.Add("f(int256)(string)", "-1")
	f.Fuzz(func(t *testing.T, fn, arg string) {
		v := cannedVerifier(t, func(body []byte) []byte { return fakeNode(body, make([]byte, 32), false) })
		r, err := v.Check(t.Context(), latest, []nft.Query{call(fuzzContract, fuzzContract, fn, arg)})
		sane(t, r, err)
		if err != nil && !errors.Is(err, fault.Invalid) {
			t.Errorf("%q of %q: %v", fn, arg, err)
		}
	})
}

// fakeNode answers as a node of chain 1 whose every contract returns data.
func fakeNode(body, data []byte, revert bool) []byte {
	type ask struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
	}
	var asks []ask
	many := bytes.HasPrefix(body, []byte("["))
	if !many {
		body = append(append([]byte("["), body...), ']')
	}
	if json.Unmarshal(body, &asks) != nil {
		return nil
	}
	var out []map[string]any
	for _, a := range asks {
		m := map[string]any{"jsonrpc": "2.0", "id": a.ID}
		switch {
		case a.Method == "eth_chainId":
			m["result"] = "0x1"
		case a.Method == "eth_getBlockByNumber":
			m["result"] = map[string]string{"number": "0x5", "timestamp": "0x5", "hash": "0x" + strings.Repeat("11", 32), "parentHash": "0x" + strings.Repeat("22", 32)}
		case revert && a.Method == "eth_call":
			m["error"] = map[string]any{"code": 3, "message": "execution reverted", "data": "0x" + hex.EncodeToString(data)}
		default:
			m["result"] = "0x" + hex.EncodeToString(data)
		}
		out = append(out, m)
	}
	var b []byte
	if many {
		b, _ = json.Marshal(out)
	} else {
		b, _ = json.Marshal(out[0])
	}
	return b
}
