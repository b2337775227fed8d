package evm_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft"
)

// message is one JSON-RPC reply on its way through a liar.
type message map[string]json.RawMessage

func (m message) result(s string) { delete(m, "error"); m["result"] = json.RawMessage(s) }
func (m message) fail(s string)   { delete(m, "result"); m["error"] = json.RawMessage(s) }

// replace changes members of the result.
func (m message) replace(members map[string]string) {
	var o map[string]json.RawMessage
	if json.Unmarshal(m["result"], &o) != nil || o == nil {
		return
	}
	for k, v := range members {
		o[k] = json.RawMessage(v)
	}
	m["result"], _ = json.Marshal(o)
}

// liar serves a real chain's JSON-RPC and lets lie change each reply.
func liar(t testing.TB, c *chaintest.Chain, lie func(method, params string, m message)) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, body := relay(t, c, r, lie)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	})
}

func serve(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// relay returns the methods asked for and the reply, lied about.
func relay(t testing.TB, c *chaintest.Chain, r *http.Request, lie func(method, params string, m message)) (methods []string, reply []byte) {
	type ask struct {
		ID     json.RawMessage
		Method string
		Params json.RawMessage
	}
	body, _ := io.ReadAll(r.Body)
	resp, err := http.Post(c.RPCURL, "application/json", bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return nil, nil
	}
	defer resp.Body.Close()
	reply, _ = io.ReadAll(resp.Body)
	many := bytes.HasPrefix(body, []byte("["))
	if !many {
		body, reply = slices.Concat([]byte("["), body, []byte("]")), slices.Concat([]byte("["), reply, []byte("]"))
	}
	var asks []ask
	var messages []message
	if json.Unmarshal(body, &asks) != nil || json.Unmarshal(reply, &messages) != nil {
		t.Errorf("not JSON-RPC: %s", reply)
		return nil, nil
	}
	for _, a := range asks {
		methods = append(methods, a.Method)
		for _, m := range messages {
			if lie != nil && bytes.Equal(m["id"], a.ID) {
				lie(a.Method, string(a.Params), m)
			}
		}
	}
	if many {
		reply, _ = json.Marshal(messages)
	} else {
		reply, _ = json.Marshal(messages[0])
	}
	return methods, reply
}

// world is a simulated chain with a token that the second account holds.
type world struct {
	*chaintest.Chain
	token   string
	account [3]string
}

func newWorld(t testing.TB) world {
	t.Helper()
	c := chaintest.StartSimulated(t, chaintest.Options{})
	w := world{Chain: c, token: c.Deploy(t, contracts.TestToken()), account: c.Accounts()}
	w.mint(t, 1, w.account[1])
	for range 3 {
		if _, err := c.Mine(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w world) mint(t testing.TB, id int64, to string) nft.Block {
	t.Helper()
	b, err := w.Mine(context.Background(), chaintest.Method(t, w.account[0], contracts.TestToken(), w.token, "mint", to, big.NewInt(id)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (w world) queries() []nft.Query {
	return []nft.Query{
		{Op: nft.OpBalance721, Contract: w.token, Account: w.account[1]},
		{Op: nft.OpOwner721, Contract: w.token, TokenID: "1"},
		{Op: nft.OpOwner721, Contract: w.token, TokenID: "2"},
	}
}

func head(members map[string]string) func(string, string, message) {
	return func(method, params string, m message) {
		if method == "eth_getBlockByNumber" {
			m.replace(members)
		}
	}
}

func result(method, s string) func(string, string, message) {
	return func(got, params string, m message) {
		if got == method {
			m.result(s)
		}
	}
}

// A provider that lies or fails makes errors of kind unavailable, never a value.
func TestALyingProviderIsUnavailable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const hash = `"0x1111111111111111111111111111111111111111111111111111111111111111"`
	raw := func(h http.HandlerFunc) func(t *testing.T) string {
		return func(t *testing.T) string { return serve(t, h) }
	}
	lie := func(f func(method, params string, m message)) func(t *testing.T) string {
		return func(t *testing.T) string { return liar(t, w.Chain, f) }
	}
	relayed := func(change func([]byte) []byte) func(t *testing.T) string {
		return func(t *testing.T) string {
			return serve(t, func(rw http.ResponseWriter, r *http.Request) {
				_, b := relay(t, w.Chain, r, nil)
				_, _ = rw.Write(change(b))
			})
		}
	}
	confirmed := nft.Finality{Confirmations: 2}
	for name, c := range map[string]struct {
		url func(t *testing.T) string
		at  nft.Finality
	}{
		"another chain's id":        {url: lie(result("eth_chainId", `"0x1"`))},
		"no chain id":               {url: lie(result("eth_chainId", `null`))},
		"a chain id of 300 bits":    {url: lie(result("eth_chainId", `"0x1`+strings.Repeat("0", 75)+`"`))},
		"a chain id that is text":   {url: lie(result("eth_chainId", `"mainnet"`))},
		"no block":                  {url: lie(result("eth_getBlockByNumber", `null`))},
		"a block that is an array":  {url: lie(result("eth_getBlockByNumber", `[]`))},
		"an empty block":            {url: lie(result("eth_getBlockByNumber", `{}`))},
		"a block without its hash":  {url: lie(head(map[string]string{"hash": `null`}))},
		"a block with a wrong hash": {url: lie(head(map[string]string{"hash": hash}))},
		"a block of a short hash":   {url: lie(head(map[string]string{"hash": `"0x11"`}))},
		"its own parent":            {url: lie(head(map[string]string{"hash": hash, "parentHash": hash}))},
		"huge hex for a number":     {url: lie(head(map[string]string{"number": `"0x` + strings.Repeat("f", 100_000) + `"`}))},
		"a time beyond time":        {url: lie(head(map[string]string{"timestamp": `"0xffffffffffffffff"`}))},
		"another block than asked": {at: confirmed, url: lie(func(method, params string, m message) {
			if method == "eth_getBlockByNumber" && !strings.Contains(params, "latest") {
				m.replace(map[string]string{"number": `"0x1"`})
			}
		})},
		"a call answered by null":     {url: lie(result("eth_call", `null`))},
		"a call answered by odd hex":  {url: lie(result("eth_call", `"0x123"`))},
		"a call answered by a number": {url: lie(result("eth_call", `1`))},
		"a call that fails": {url: lie(func(method, params string, m message) {
			if method == "eth_call" {
				m.fail(`{"code":-32000,"message":"header not found"}`)
			}
		})},
		"a call over its limit": {url: lie(func(method, params string, m message) {
			if method == "eth_call" {
				m.fail(`{"code":-32005,"message":"limit exceeded"}`)
			}
		})},
		"replies without their ids": {url: lie(func(method, params string, m message) { m["id"] = json.RawMessage(`99999`) })},
		"JSON cut in half":          {url: relayed(func(b []byte) []byte { return b[:len(b)/2] })},
		"nothing":                   {url: relayed(func(b []byte) []byte { return nil })},
		"an object for an array":    {url: relayed(func([]byte) []byte { return []byte(`{"jsonrpc":"2.0","id":1,"result":"0x539"}`) })},
		"a web page":                {url: relayed(func([]byte) []byte { return []byte(`<html>Welcome</html>`) })},
		"deep nesting":              {url: relayed(func([]byte) []byte { return bytes.Repeat([]byte("["), 1_000_000) })},
		"status 500":                {url: raw(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusInternalServerError) })},
		"status 429":                {url: raw(func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", http.StatusTooManyRequests) })},
		"silence":                   {url: raw(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body); <-r.Context().Done() })},
		"a closed connection":       {url: raw(func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := evm.New(evm.Options{RPCURL: c.url(t), Chain: w.ID, Timeout: 2 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close()
			if c.at == (nft.Finality{}) {
				c.at = nft.Finality{Tag: "latest"}
			}
			for range 2 { // the second time it may know of Multicall3
				refused(t, v, c.at, w.queries())
			}
		})
	}
}

// refused fails the test when any query has an answer.
func refused(t *testing.T, v *evm.Verifier, at nft.Finality, qs []nft.Query) {
	t.Helper()
	reply, err := v.Check(t.Context(), at, qs)
	if err != nil {
		if !errors.Is(err, fault.Unavailable) {
			t.Errorf("check: %v is of kind %v", err, fault.KindOf(err))
		}
		return
	}
	for i, a := range reply.Answers {
		if a.Value != "" || a.Int != nil || !errors.Is(a.Err, fault.Unavailable) && !errors.Is(a.Err, fault.Unsupported) {
			t.Errorf("query %d is answered %q, %v", i, a.Value, a.Err)
		}
	}
}

func TestDialRefusesAnotherChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := caip.ChainID{Namespace: "eip155", Reference: "1"}
	if _, err := evm.Dial(t.Context(), evm.Options{RPCURL: w.RPCURL, Chain: other}); !errors.Is(err, fault.Unavailable) {
		t.Errorf("a provider of %s dialled as %s: %v", w.ID, other, err)
	}
}

// A provider cannot make us read, or hold, what it likes.
func TestAHugeReplyIsCutOff(t *testing.T) {
	t.Parallel()
	const huge = 100 << 20
	for name, announce := range map[string]bool{"announced": true, "not announced": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int64
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if announce {
					w.Header().Set("Content-Length", "104857600")
				}
				_, _ = io.WriteString(w, `[{"jsonrpc":"2.0","id":1,"result":"0x`)
				for chunk := bytes.Repeat([]byte("0"), 1<<16); sent.Load() < huge; {
					n, err := w.Write(chunk)
					sent.Add(int64(n))
					if err != nil {
						return
					}
				}
			})
			v, err := evm.New(evm.Options{RPCURL: url, Chain: caip.ChainID{Namespace: "eip155", Reference: "1337"}, MaxReply: 1 << 20, Timeout: 20 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			defer v.Close()
			if _, err := v.Head(t.Context()); !errors.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "size limit") {
				t.Errorf("a reply of 100 MB: %v", err)
			}
			v.Close()
			if n := sent.Load(); n > 16<<20 {
				t.Errorf("%d MB were sent before the reply was cut off at 1 MB", n>>20)
			}
		})
	}
}

func TestRedirectsAreRefused(t *testing.T) {
	t.Parallel()
	var hits atomic.Int64
	target := serve(t, func(w http.ResponseWriter, r *http.Request) { hits.Add(1) })
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, target, http.StatusTemporaryRedirect)
	})
	chain := caip.ChainID{Namespace: "eip155", Reference: "1"}
	for _, client := range []*http.Client{nil, {}} {
		if _, err := evm.Dial(t.Context(), evm.Options{RPCURL: url, Chain: chain, Client: client}); !errors.Is(err, fault.Unavailable) {
			t.Errorf("a redirecting provider: %v", err)
		}
	}
	if hits.Load() != 0 {
		t.Error("the redirect was followed")
	}
}

func TestErrorsDoNotShowTheURLsSecrets(t *testing.T) {
	t.Parallel()
	const user, password, path, query = "someuser", "hunter2hunter2", "v3/0123456789abcdef0123", "apikey=s3cr3ts3cr3t"
	dead := httptest.NewServer(http.NotFoundHandler())
	dead.Close()
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := json.Marshal("bad key " + r.URL.String() + " of " + r.Header.Get("Authorization") + " " + password)
		_, _ = io.WriteString(w, `[{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":`+string(b)+`}}]`)
	}))
	defer echo.Close()
	status := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Error(w, r.URL.String(), 401) }))
	defer status.Close()
	for _, base := range []string{dead.URL, echo.URL, status.URL} {
		url := strings.Replace(base, "://", "://"+user+":"+password+"@", 1) + "/" + path + "?" + query
		_, err := evm.Dial(t.Context(), evm.Options{RPCURL: url, Chain: caip.ChainID{Namespace: "eip155", Reference: "1"}})
		if err == nil {
			t.Fatal("a dead provider was dialled")
		}
		for _, secret := range []string{user, password, path, "0123456789abcdef0123", "s3cr3t"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%q shows in %q", secret, err)
			}
		}
	}
}

// Some providers do not read by block hash (EIP-1898). Then the hash is compared
// after reading by number.
func TestReadingByNumberChecksTheHashAfterwards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var lies atomic.Bool
	var byNumber atomic.Int64
	url := liar(t, w.Chain, func(method, params string, m message) {
		switch {
		case strings.Contains(params, "blockHash"):
			m.fail(`{"code":-32602,"message":"invalid argument 1: cannot unmarshal object"}`)
		case method == "eth_call":
			byNumber.Add(1)
		case method == "eth_getBlockByNumber" && !strings.Contains(params, "latest") && lies.Load():
			m.replace(map[string]string{"hash": `"0x2222222222222222222222222222222222222222222222222222222222222222"`})
		}
	})
	v := dial(t, evm.Options{RPCURL: url, Chain: w.ID})
	for range 2 {
		reply, err := v.Check(t.Context(), nft.Finality{Tag: "latest"}, w.queries())
		if err != nil || reply.Answers[0].Value != "1" || reply.Answers[1].Value != w.account[1] {
			t.Fatalf("without EIP-1898: %+v, %v", reply.Answers, err)
		}
	}
	if byNumber.Load() == 0 {
		t.Error("nothing was read by number")
	}
	lies.Store(true)
	if reply, err := v.Check(t.Context(), nft.Finality{Tag: "latest"}, w.queries()); !errors.Is(err, fault.Unavailable) || len(reply.Answers) > 0 {
		t.Errorf("the block changed while it was read by number: %+v, %v", reply.Answers, err)
	}
}

// Out of gas inside a batch looks like a revert, and a revert of ownerOf looks
// like a token that does not exist.
func TestABatchThatBurnsItsGasGivesNoFalseAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	odd := w.Deploy(t, contracts.TestOddities())
	v := dial(t, evm.Options{RPCURL: w.RPCURL, Chain: w.ID, Timeout: 30 * time.Second})
	burner := nft.Query{Op: nft.OpBalance721, Contract: odd, Account: "0x0000000000000000000000000000000000000005"}
	qs := append([]nft.Query{burner, burner}, w.queries()...)
	for range 2 {
		reply, err := v.Check(t.Context(), nft.Finality{Tag: "latest"}, qs)
		if err != nil {
			t.Fatal(err)
		}
		a := reply.Answers
		if a[0].Err == nil || a[1].Err == nil || a[2].Value != "1" || a[3].Value != w.account[1] || a[3].Err != nil || a[4].Err != nil || a[4].Value != "" {
			t.Errorf("beside a contract that burns all gas: %+v", a)
		}
	}
}
