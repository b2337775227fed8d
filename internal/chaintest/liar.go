package chaintest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgate/streamgate/nft"
)

// Liar is a JSON-RPC proxy in front of a chain that tells the truth until it is given a Lie. It serves
// HTTP alone.
type Liar struct {
	// RPCURL is its address, on loopback.
	RPCURL string

	chain  *Chain
	old    nft.Block
	lie    atomic.Pointer[Lie]
	delay  atomic.Int64
	fired  atomic.Int64
	client *http.Client
}

// StartLiar puts a proxy in front of c that ends with the test. old is the block that its lies about the
// past are of.
func StartLiar(t testing.TB, c *Chain, old nft.Block) *Liar {
	t.Helper()
	l := &Liar{chain: c, old: old, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}}
	s := httptest.NewServer(l)
	l.RPCURL = s.URL
	t.Cleanup(func() {
		s.CloseClientConnections() // somebody may still be waiting for a slow reply
		s.Close()
		l.client.CloseIdleConnections()
	})
	return l
}

// Tell has it lie from now on; nil makes it honest again.
func (l *Liar) Tell(lie *Lie) { l.lie.Store(lie) }

// Delay has every reply take that much longer.
func (l *Liar) Delay(d time.Duration) { l.delay.Store(int64(d)) }

// Fired returns how many replies were lies.
func (l *Liar) Fired() int { return int(l.fired.Load()) }

// rpcCall is one call of a request.
type rpcCall struct {
	Version string            `json:"jsonrpc"`
	ID      json.RawMessage   `json:"id"`
	Method  string            `json:"method"`
	Params  []json.RawMessage `json:"params,omitempty"`
}

// rpcReply is one reply on its way.
type rpcReply map[string]json.RawMessage

func (m rpcReply) result(s string) { delete(m, "error"); m["result"] = json.RawMessage(s) }
func (m rpcReply) fail(s string)   { delete(m, "result"); m["error"] = json.RawMessage(s) }

// replace changes members of a result that is an object, and reports whether it is one.
func (m rpcReply) replace(members map[string]string) bool {
	var o map[string]json.RawMessage
	if json.Unmarshal(m["result"], &o) != nil || o == nil {
		return false
	}
	for k, v := range members {
		o[k] = json.RawMessage(v)
	}
	m["result"], _ = json.Marshal(o)
	return true
}

// ServeHTTP implements http.Handler.
func (l *Liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if d := time.Duration(l.delay.Load()); d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
			return
		}
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 16<<20))
	var calls []rpcCall
	single := !bytes.HasPrefix(bytes.TrimSpace(body), []byte("["))
	if single {
		calls = make([]rpcCall, 1)
		err = json.Unmarshal(body, &calls[0])
	} else if err == nil {
		err = json.Unmarshal(body, &calls)
	}
	if err != nil {
		http.Error(w, "not JSON-RPC", http.StatusBadRequest)
		return
	}
	lie := l.lie.Load()
	if lie == nil {
		lie = &Lie{}
	}
	if lie.ask != nil {
		for i := range calls {
			if lie.ask(l, &calls[i]) {
				l.fired.Add(1)
			}
		}
	}
	replies, err := l.relay(r, calls)
	if err != nil {
		http.Error(w, "the chain does not answer", http.StatusBadGateway)
		return
	}
	if lie.tell != nil {
		told, fired := lie.tell(l, calls, replies)
		if replies = told; fired {
			l.fired.Add(1)
		}
	}
	reply, _ := json.Marshal(replies)
	if single && len(replies) > 0 {
		reply, _ = json.Marshal(replies[0])
	}
	w.Header().Set("Content-Type", "application/json")
	if lie.wire != nil {
		l.fired.Add(1)
		lie.wire(w, r, reply)
		return
	}
	_, _ = w.Write(reply)
}

// relay asks the chain, and returns the replies in the order of the calls.
func (l *Liar) relay(r *http.Request, calls []rpcCall) ([]rpcReply, error) {
	body, err := json.Marshal(calls)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, l.chain.RPCURL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := l.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	if err != nil {
		return nil, err
	}
	var replies []rpcReply
	if err := json.Unmarshal(body, &replies); err != nil {
		return nil, err
	}
	sorted := make([]rpcReply, 0, len(replies))
	for _, c := range calls {
		for _, m := range replies {
			if bytes.Equal(m["id"], c.ID) {
				sorted = append(sorted, m)
				break
			}
		}
	}
	return sorted, nil
}
