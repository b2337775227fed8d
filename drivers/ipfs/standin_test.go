package ipfs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/streamgate/streamgate/drivers/ipfs"
)

// kuboStandIn is NOT Kubo: it answers the calls of Kubo's RPC that the client makes, in Kubo's form, from an
// embedded node of this package. TestKubo runs the client against the real one.
type kuboStandIn struct{ n *ipfs.Node }

func (k kuboStandIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	command := strings.TrimPrefix(r.URL.Path, "/api/v0/")
	fail := func(err error) {
		w.WriteHeader(http.StatusInternalServerError)
		json.NewEncoder(w).Encode(map[string]any{"Message": err.Error(), "Code": 0, "Type": "error"})
	}
	var arg cid.Cid
	if s := r.URL.Query().Get("arg"); s != "" {
		var err error
		if arg, err = cid.Decode(s); err != nil {
			fail(err)
			return
		}
	}
	answer, err := k.run(r, command, arg)
	if err != nil {
		fail(err)
		return
	}
	if b, ok := answer.([]byte); ok {
		w.Write(b)
		return
	}
	json.NewEncoder(w).Encode(answer)
}

func (k kuboStandIn) run(r *http.Request, command string, arg cid.Cid) (any, error) {
	ctx := r.Context()
	switch command {
	case "id":
		return map[string]any{"ID": "stand-in", "AgentVersion": "stand-in", "Addresses": k.n.Addrs()}, nil
	case "dag/import", "add":
		form, err := r.MultipartReader()
		if err != nil {
			return nil, err
		}
		part, err := form.NextPart()
		if err != nil {
			return nil, err
		}
		if command == "add" {
			root, _, err := k.n.Add(ctx, part)
			return map[string]any{"Name": "file", "Hash": root.String()}, err
		}
		roots, err := k.n.ImportCAR(ctx, part)
		if err != nil {
			return nil, err
		}
		return map[string]any{"Root": map[string]any{"Cid": map[string]string{"/": roots[0].String()}, "PinErrorMsg": ""}}, nil
	case "pin/ls":
		if pinned, err := k.n.Pinned(ctx, arg); err != nil || !pinned {
			return nil, fmt.Errorf("path '%s' is not pinned", arg)
		}
		return map[string]any{"Keys": map[string]any{arg.String(): map[string]string{"Type": "recursive"}}}, nil
	case "pin/add":
		return map[string]any{"Pins": []string{arg.String()}}, k.n.Pin(ctx, arg)
	case "pin/rm":
		if pinned, err := k.n.Pinned(ctx, arg); err != nil || !pinned {
			return nil, errors.New("not pinned or pinned indirectly")
		}
		return map[string]any{"Pins": []string{arg.String()}}, k.n.Unpin(ctx, arg)
	case "block/get":
		w := &recorder{}
		h, err := k.n.Gateway()
		if err != nil {
			return nil, err
		}
		h.ServeHTTP(w, (&http.Request{Method: http.MethodGet, URL: r.URL.ResolveReference(mustURL("/ipfs/" + arg.String() + "?format=raw")), Header: http.Header{}}).WithContext(ctx))
		return w.body, nil
	}
	return nil, fmt.Errorf("the stand-in has no %s", command)
}

// pinStandIn is NOT a pinning service that anybody runs: a small one by the letter of the Pinning Service API 1.0.0, that
// pins with an embedded node of this package, in the background, and fails some pins at first.
type pinStandIn struct {
	n      *ipfs.Node
	token  string
	random func() float64

	ctx context.Context // of the background work; ends with the test
	wg  sync.WaitGroup

	mu       sync.Mutex
	next     int
	requests map[string]*ipfs.PinStatus
	posts    map[string]int // by CID
}

func newPinStandIn(t testing.TB, n *ipfs.Node, token string, random func() float64) *pinStandIn {
	ctx, cancel := context.WithCancel(context.Background())
	p := &pinStandIn{n: n, token: token, random: random, ctx: ctx, requests: map[string]*ipfs.PinStatus{}, posts: map[string]int{}}
	t.Cleanup(func() { cancel(); p.wg.Wait() })
	return p
}

func (p *pinStandIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if r.Header.Get("Authorization") != "Bearer "+p.token {
		p.fail(w, http.StatusUnauthorized)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	id := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/pins"), "/")
	switch {
	case r.Method == http.MethodPost && id == "":
		p.post(w, r)
	case r.Method == http.MethodGet && id == "":
		p.list(w, r)
	case p.requests[id] == nil:
		p.fail(w, http.StatusNotFound)
	case r.Method == http.MethodGet:
		json.NewEncoder(w).Encode(p.requests[id])
	case r.Method == http.MethodDelete:
		delete(p.requests, id)
		w.WriteHeader(http.StatusAccepted)
	default:
		p.fail(w, http.StatusBadRequest)
	}
}

func (p *pinStandIn) fail(w http.ResponseWriter, status int) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"error":{"reason":"STATUS_%d"}}`, status)
}

func (p *pinStandIn) list(w http.ResponseWriter, r *http.Request) {
	states := r.URL.Query().Get("status")
	if states == "" {
		states = "pinned"
	}
	results := []*ipfs.PinStatus{}
	for _, s := range p.requests {
		if s.Pin.CID == r.URL.Query().Get("cid") && strings.Contains(","+states+",", ","+string(s.Status)+",") {
			results = append(results, s)
		}
	}
	json.NewEncoder(w).Encode(map[string]any{"count": len(results), "results": results})
}

func (p *pinStandIn) post(w http.ResponseWriter, r *http.Request) {
	var spec ipfs.PinSpec
	err := json.NewDecoder(io.LimitReader(r.Body, 1<<16)).Decode(&spec)
	root, cidErr := cid.Decode(spec.CID)
	if err != nil || cidErr != nil {
		p.fail(w, http.StatusBadRequest)
		return
	}
	p.next++
	p.posts[spec.CID]++
	s := &ipfs.PinStatus{RequestID: fmt.Sprint("req-", p.next), Status: ipfs.PinQueued, Created: time.Now().UTC(), Pin: spec, Delegates: p.n.Addrs()}
	p.requests[s.RequestID] = s
	fails := p.random() < 0.1
	p.wg.Go(func() { p.pin(s, root, fails) })
	w.WriteHeader(http.StatusAccepted)
	json.NewEncoder(w).Encode(s)
}

func (p *pinStandIn) pin(s *ipfs.PinStatus, root cid.Cid, fails bool) {
	set := func(state ipfs.PinState) {
		p.mu.Lock()
		defer p.mu.Unlock()
		s.Status = state
	}
	set(ipfs.PinPinning)
	for _, addr := range s.Pin.Origins {
		_ = p.n.Connect(p.ctx, addr)
	}
	if fails || p.n.Pin(p.ctx, root) != nil {
		set(ipfs.PinFailed)
		return
	}
	set(ipfs.PinPinned)
}

// flaky makes three of ten calls fail: an error status, an answer that never comes, or, worst, an
// answer that is lost after the work was done.
type flaky struct {
	h      http.Handler
	random func() float64

	calls, errors, silences, losses atomic.Int64
}

func (f *flaky) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.calls.Add(1)
	switch x := f.random(); {
	case x < 0.10:
		f.errors.Add(1)
		w.WriteHeader([]int{500, 502, 503, 429}[int(x*1000)%4])
	case x < 0.20:
		f.silences.Add(1)
		io.Copy(io.Discard, r.Body) // the end of the connection is not seen before
		<-r.Context().Done()
	case x < 0.30:
		f.losses.Add(1)
		f.h.ServeHTTP(&recorder{}, r)
		panic(http.ErrAbortHandler)
	default:
		f.h.ServeHTTP(w, r)
	}
}

// recorder takes an answer that nobody will see.
type recorder struct {
	header http.Header
	body   []byte
}

func (r *recorder) Header() http.Header {
	if r.header == nil {
		r.header = http.Header{}
	}
	return r.header
}
func (r *recorder) Write(b []byte) (int, error) { r.body = append(r.body, b...); return len(b), nil }
func (r *recorder) WriteHeader(int)             {}

// dice is a source of random numbers for many goroutines.
func dice(seed uint64) func() float64 {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 1))
	return func() float64 {
		mu.Lock()
		defer mu.Unlock()
		return random.Float64()
	}
}
