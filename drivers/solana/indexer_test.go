package solana_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// indexer is a STAND-IN for a provider of the Digital Asset Standard, none of which can be had here. It says what the
// test lets it say: first a picture of the tokens as they are, then what a lie makes of it.
type indexer struct {
	*httptest.Server
	mu     sync.Mutex
	assets []map[string]any
	proofs map[string]map[string]any
	asked  map[string]int
	// lie may answer in its place.
	lie func(method string, params map[string]any) (answer any, yes bool)
	// raw may write anything.
	raw http.HandlerFunc
}

func newIndexer(t testing.TB) *indexer {
	x := &indexer{asked: map[string]int{}}
	x.Server = httptest.NewServer(http.HandlerFunc(x.serve))
	t.Cleanup(x.Close)
	return x
}

// see takes a picture of the tokens.
func (x *indexer) see(tokens ...*cnft) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.assets, x.proofs = nil, map[string]map[string]any{}
	for _, n := range tokens {
		x.assets = append(x.assets, n.asset())
		x.proofs[n.id().String()] = n.proofAnswer()
	}
}

func (x *indexer) set(lie func(method string, params map[string]any) (any, bool), raw http.HandlerFunc) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.lie, x.raw = lie, raw
}

func (x *indexer) count(method string) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.asked[method]
}

func (x *indexer) serve(rw http.ResponseWriter, r *http.Request) {
	var q struct {
		ID     any
		Method string
		Params map[string]any
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil {
		http.Error(rw, err.Error(), 400)
		return
	}
	x.mu.Lock()
	x.asked[q.Method]++
	raw, lie := x.raw, x.lie
	answer, err := x.honest(q.Method, q.Params)
	x.mu.Unlock()
	if raw != nil {
		raw(rw, r)
		return
	}
	if lie != nil {
		if a, yes := lie(q.Method, q.Params); yes {
			answer, err = a, nil
		}
	}
	out := map[string]any{"jsonrpc": "2.0", "id": q.ID, "result": answer}
	if err != nil {
		out = map[string]any{"jsonrpc": "2.0", "id": q.ID, "error": map[string]any{"code": -32000, "message": err.Error()}}
	}
	_ = json.NewEncoder(rw).Encode(out)
}

func (x *indexer) honest(method string, params map[string]any) (any, error) {
	id, _ := params["id"].(string)
	switch method {
	case "getAsset":
		for _, a := range x.assets {
			if a["id"] == id {
				return a, nil
			}
		}
		return nil, errors.New("RecordNotFound Error: Asset Not Found")
	case "getAssetProof":
		if p := x.proofs[id]; p != nil {
			return p, nil
		}
		return nil, errors.New("RecordNotFound Error: Asset Proof Not Found")
	case "getAssetsByOwner":
		var mine []any
		for _, a := range x.assets {
			if a["ownership"].(map[string]any)["owner"] == params["ownerAddress"] && a["burnt"] == false {
				mine = append(mine, a)
			}
		}
		page, limit := int(params["page"].(float64)), int(params["limit"].(float64))
		from := min((page-1)*limit, len(mine))
		items := mine[from:min(from+limit, len(mine))]
		return map[string]any{"total": len(items), "limit": limit, "page": page, "items": items}, nil
	}
	return nil, errors.New("Method not found")
}
