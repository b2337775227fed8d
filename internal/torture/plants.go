package torture

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/minio/minio-go/v7"

	"github.com/streamgate/streamgate/internal/cluster"
)

// plant is a bug put into the platform from outside: product code carries no switches for it.
type plant struct {
	name, what string
	// caught is the invariant that must be found broken, empty where none may be.
	caught string
	// atEnd: what it breaks is looked at when a run ends.
	atEnd bool
	// before may put something into the platform's ways, which does nothing yet, and returns what begins the bug.
	before func(o *rigOptions) sabotage
}

// sabotage begins a bug in a running platform; undo ends what would outlive it.
type sabotage func(ctx context.Context, r *rig) (undo func(), err error)

// plants are the bugs, each of a kind that products of this sort have had.
func plants() []plant {
	later := func(s sabotage) func(*rigOptions) sabotage { return func(*rigOptions) sabotage { return s } }
	return []plant{
		{"nothing", "no bug: the same life and checks", "", true, later(func(context.Context, *rig) (func(), error) { return func() {}, nil })},
		{"lost_source", "storage loses a part of a source after it was acknowledged", invKept, false, later(loseObjects("/src/"))},
		{"lost_rendition", "storage loses an object of a video that is ready", invWhole, false, later(loseObjects("/v/"))},
		{"early_ack", "offsets are acknowledged and not committed (a trigger takes them back)", invKept, false, later(earlyAck)},
		{"double_job", "a second worker's result is recorded beside the first's", invOnce, false, later(doubleJob)},
		{"stale_gate", "the chain's answers come from a cache that never ends, and transfers are not seen", invRevoked, false, staleGate},
		{"shared_cache", "a cache before the gateway does not look at who asks", invApart, false, sharedCache},
		{"kept_deletes", "S3 acknowledges deletions and does not do them", invTidy, true, keptDeletes},
		{"orphan", "an encoder outlives its worker", invTidy, false, later(orphan)},
	}
}

// loseObjects takes an object away behind the platform's back, one second after another.
func loseObjects(under string) sabotage {
	return func(ctx context.Context, r *rig) (func(), error) {
		var wg sync.WaitGroup
		wg.Go(func() {
			for ctx.Err() == nil {
				for o := range r.cl.S3.Client().ListObjectsIter(ctx, cluster.Bucket, minio.ListObjectsOptions{Recursive: true}) {
					if o.Err == nil && strings.Contains(o.Key, under) {
						_ = r.cl.S3.Client().RemoveObject(ctx, cluster.Bucket, o.Key, minio.RemoveObjectOptions{})
						break
					}
				}
				_ = sleep(ctx, time.Second)
			}
		})
		return wg.Wait, nil
	}
}

// sql runs a statement as the superuser of the platform's database.
func (r *rig) sql(ctx context.Context, statements ...string) error {
	u, err := url.Parse(r.cl.DSN)
	if err != nil {
		return err
	}
	c, err := pgx.Connect(ctx, r.cl.Postgres.AdminDSN(strings.TrimPrefix(u.Path, "/")))
	if err != nil {
		return err
	}
	defer c.Close(context.WithoutCancel(ctx))
	for _, s := range statements {
		if _, err := c.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func earlyAck(ctx context.Context, r *rig) (func(), error) {
	return func() {}, r.sql(ctx,
		`CREATE FUNCTION early_ack() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF NEW.byte_offset > OLD.byte_offset AND OLD.byte_offset > 0 THEN NEW.byte_offset := OLD.byte_offset; NEW.hash := OLD.hash; END IF;
			RETURN NEW; END $$`,
		`CREATE TRIGGER early_ack BEFORE UPDATE ON media_uploads FOR EACH ROW EXECUTE FUNCTION early_ack()`)
}

func doubleJob(ctx context.Context, r *rig) (func(), error) {
	return func() {}, r.sql(ctx, `UPDATE media_tasks SET doc = jsonb_set(doc::jsonb, '{outputs}', (doc::jsonb->'outputs') || (doc::jsonb->'outputs'))::text
		WHERE asset = '`+r.reference.id+`' AND task LIKE 'v%'`)
}

func orphan(ctx context.Context, _ *rig) (func(), error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", `ffmpeg -nostdin -v quiet -re -f lavfi -i testsrc=size=32x32:rate=1 -t 60 -f null - >/dev/null 2>&1 & echo $!`)
	b, err := cmd.Output()
	pid := 0
	if err == nil {
		_, err = fmt.Sscan(string(b), &pid)
	}
	return func() {
		if pid > 0 {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}, err
}

// serve serves h on loopback.
func serve(h http.Handler) (addr string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l) // ends with Close
	}()
	return l.Addr().String(), func() { _ = s.Close(); <-done }, nil
}

// forward is a plain proxy to target, host:port, that keeps the Host of the request.
func forward(target string) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host, p.Out.Host = "http", target, p.In.Host
			p.Out.Header["X-Forwarded-For"] = p.In.Header["X-Forwarded-For"]
		},
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // clients that leave are no news
	}
}

func armed(on *atomic.Bool) sabotage {
	return func(context.Context, *rig) (func(), error) { on.Store(true); return func() {}, nil }
}

// keptDeletes answers deletions as done.
func keptDeletes(o *rigOptions) sabotage {
	var on atomic.Bool
	o.s3 = func(addr string) (string, func(), error) {
		p := forward(addr)
		return serve(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if on.Load() && q.Method == http.MethodDelete {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			p.ServeHTTP(w, q)
		}))
	}
	return armed(&on)
}

// sharedCache keeps what the gateway says of a video and tells it to everybody.
func sharedCache(o *rigOptions) sabotage {
	var on atomic.Bool
	o.front = func(gateway string) (string, func(), error) {
		p := forward(strings.TrimPrefix(gateway, "http://"))
		var kept sync.Map
		addr, stop, err := serve(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if !on.Load() || q.Method != http.MethodGet || strings.Count(q.URL.Path, "/") != 3 || !strings.HasPrefix(q.URL.Path, "/v1/assets/") {
				p.ServeHTTP(w, q)
				return
			}
			if q.Header.Get("Authorization") != "" {
				if b, ok := kept.LoadAndDelete(q.URL.Path); ok { // one more reader, whoever that is
					w.Header().Set("Content-Type", "application/json")
					_, _ = w.Write(b.([]byte)) //nolint:gosec // JSON of our own API, shown to no browser
					return
				}
			}
			rec := &recorder{ResponseWriter: w, status: http.StatusOK}
			p.ServeHTTP(rec, q)
			if rec.status == http.StatusOK {
				kept.Store(q.URL.Path, rec.body.Bytes())
			}
		}))
		return "http://" + addr, stop, err
	}
	return armed(&on)
}

// recorder keeps a copy of an answer.
type recorder struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(b []byte) (int, error) {
	r.body.Write(b)
	return r.ResponseWriter.Write(b)
}

// staleGate answers what a contract says from a cache without end, and hides events. There is no WebSocket, so
// that the platform polls, as it does with many providers.
func staleGate(o *rigOptions) sabotage {
	var on atomic.Bool
	o.rpc = func(chain string) (string, func(), error) {
		c := &staleChain{target: chain, on: &on, answers: map[string]json.RawMessage{}}
		addr, stop, err := serve(c)
		return "http://" + addr, stop, err
	}
	return armed(&on)
}

type staleChain struct {
	target string
	on     *atomic.Bool

	mu      sync.Mutex
	answers map[string]json.RawMessage // by the call
}

// rpcMessage is a JSON-RPC request or answer.
type rpcMessage struct {
	Version string            `json:"jsonrpc"`
	ID      json.RawMessage   `json:"id,omitempty"`
	Method  string            `json:"method,omitempty"`
	Params  []json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage   `json:"result,omitempty"`
	Error   json.RawMessage   `json:"error,omitempty"`
}

// ServeHTTP implements http.Handler.
func (c *staleChain) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(io.LimitReader(q.Body, 1<<20))
	if err != nil || q.Method != http.MethodPost {
		http.Error(w, "JSON-RPC by POST only", http.StatusBadRequest)
		return
	}
	var batch []rpcMessage
	single := !bytes.HasPrefix(bytes.TrimSpace(body), []byte("["))
	if single {
		body = append(append([]byte("["), body...), ']')
	}
	if err := json.Unmarshal(body, &batch); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	out := make([]rpcMessage, 0, len(batch))
	for _, m := range batch {
		a, err := c.answer(q.Context(), m)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		out = append(out, a)
	}
	w.Header().Set("Content-Type", "application/json")
	if single {
		_ = json.NewEncoder(w).Encode(out[0]) // who has gone needs no answer
		return
	}
	_ = json.NewEncoder(w).Encode(out)
}

func (c *staleChain) answer(ctx context.Context, m rpcMessage) (rpcMessage, error) {
	a := rpcMessage{Version: "2.0", ID: m.ID}
	if m.Method == "eth_getLogs" && c.on.Load() {
		a.Result = json.RawMessage("[]")
		return a, nil
	}
	call := ""
	if m.Method == "eth_call" && len(m.Params) > 0 {
		var p struct{ To, Data, Input string }
		if err := json.Unmarshal(m.Params[0], &p); err != nil {
			return a, err
		}
		call = p.To + p.Data + p.Input
		c.mu.Lock()
		old, ok := c.answers[call]
		c.mu.Unlock()
		if ok && c.on.Load() {
			a.Result = old
			return a, nil
		}
	}
	b, err := json.Marshal(m)
	if err != nil {
		return a, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.target, bytes.NewReader(b))
	if err != nil {
		return a, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := new(http.Client).Do(req)
	if err != nil {
		return a, err
	}
	b, err = io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return a, err
	}
	var got rpcMessage
	if err := json.Unmarshal(b, &got); err != nil {
		return a, err
	}
	a.Result, a.Error = got.Result, got.Error
	if call != "" && got.Result != nil {
		c.mu.Lock()
		c.answers[call] = got.Result
		c.mu.Unlock()
	}
	return a, nil
}
