package servers

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"strings"
	"sync"
	"testing"
	"time"
)

// S3FaultKind is a way in which an S3 server misbehaves.
type S3FaultKind string

// The faults of an S3Proxy.
const (
	// S3LostAnswer lets a write succeed and answers 500 InternalError.
	S3LostAnswer S3FaultKind = "lost_answer"
	// S3LostConnection lets a write succeed and resets the connection.
	S3LostConnection S3FaultKind = "lost_connection"
	// S3SlowDown answers 503 SlowDown and does nothing.
	S3SlowDown S3FaultKind = "slow_down"
	// S3Reset resets the connection and does nothing.
	S3Reset S3FaultKind = "reset"
	// S3Truncate ends the connection in the middle of the body of an answer.
	S3Truncate S3FaultKind = "truncate"
	// S3WrongETag answers with an ETag that is not the object's.
	S3WrongETag S3FaultKind = "wrong_etag"
)

// S3Fault is a fault and the requests it strikes.
type S3Fault struct {
	Kind S3FaultKind
	// Match says which requests; nil means all.
	Match func(*http.Request) bool
	// Times is how often; after that the fault is over. 0 means always.
	Times int
	// Rate is the share of the requests that match, drawn from the seed of the proxy.
	// 0 means all.
	Rate float64
}

// S3Proxy stands before an S3 server and injects faults. A fault counts only when it took
// effect: an answer can be lost only of a write that succeeded, and only a body
// cut short that is there.
type S3Proxy struct {
	// Addr is where the proxy listens.
	Addr string

	proxy  *httputil.ReverseProxy
	server *http.Server
	served chan struct{}

	mu     sync.Mutex
	faults []*S3Fault
	fired  map[S3FaultKind]int
	random *rand.Rand
}

// StartS3Proxy starts a proxy before the server at target, host:port. Close ends it.
func StartS3Proxy(target string, seed uint64) (*S3Proxy, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &S3Proxy{
		Addr: l.Addr().String(), served: make(chan struct{}), fired: map[S3FaultKind]int{},
		random: rand.New(rand.NewPCG(seed, 0)),
	}
	p.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = "http", target
			r.Out.Host = r.In.Host // it is signed
		},
		Transport:      &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64},
		ModifyResponse: p.spoil,
		ErrorHandler:   func(w http.ResponseWriter, _ *http.Request, _ error) { reset(w) },
		ErrorLog:       slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go func() {
		defer close(p.served)
		_ = p.server.Serve(l)
	}()
	return p, nil
}

// S3ProxyFor starts a proxy before s that ends with the test.
func S3ProxyFor(t testing.TB, s *S3, seed uint64) *S3Proxy {
	t.Helper()
	p, err := StartS3Proxy(s.Addr, seed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// Close ends the proxy and its connections.
func (p *S3Proxy) Close() {
	_ = p.server.Close()
	<-p.served
	p.proxy.Transport.(*http.Transport).CloseIdleConnections()
}

// Inject adds a fault. The first that strikes a request wins.
func (p *S3Proxy) Inject(f S3Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, &f)
}

// Heal removes all faults. The counts stay.
func (p *S3Proxy) Heal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = nil
}

// Fired returns how often a fault of that kind took effect.
func (p *S3Proxy) Fired(kind S3FaultKind) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fired[kind]
}

type faultKey struct{}

// ServeHTTP implements http.Handler.
func (p *S3Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f := p.draw(r)
	if f == nil {
		p.proxy.ServeHTTP(w, r)
		return
	}
	switch f.Kind {
	case S3SlowDown:
		p.count(f)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = fmt.Fprint(w, errorXML("SlowDown"))
	case S3Reset:
		p.count(f)
		reset(w)
	default:
		p.proxy.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), faultKey{}, f)))
	}
}

func (p *S3Proxy) draw(r *http.Request) *S3Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.faults {
		if (f.Match == nil || f.Match(r)) && f.Times >= 0 && (f.Rate == 0 || p.random.Float64() < f.Rate) {
			return f
		}
	}
	return nil
}

// count reports whether the fault may strike, and counts it then.
func (p *S3Proxy) count(f *S3Fault) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.Times < 0 {
		return false // another request had the last
	}
	if f.Times == 1 {
		f.Times = -1
	} else if f.Times > 1 {
		f.Times--
	}
	p.fired[f.Kind]++
	return true
}

func errorXML(code string) string {
	return "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>injected</Message></Error>"
}

// reset ends the connection with RST.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// spoil changes the server's answer.
func (p *S3Proxy) spoil(resp *http.Response) error {
	f, _ := resp.Request.Context().Value(faultKey{}).(*S3Fault)
	if f == nil {
		return nil
	}
	wrote := resp.StatusCode < 300 && resp.Request.Method != http.MethodGet && resp.Request.Method != http.MethodHead
	switch f.Kind {
	case S3LostAnswer, S3LostConnection:
		if !wrote {
			return nil
		}
		// The answer's end is that of the write.
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return err
		}
		_ = resp.Body.Close()
		if !p.count(f) {
			return io.ErrUnexpectedEOF // too late to let it pass: an extra fault that is not counted
		}
		if f.Kind == S3LostConnection {
			return io.ErrUnexpectedEOF
		}
		body := errorXML("InternalError")
		resp.StatusCode, resp.Header = http.StatusInternalServerError, http.Header{"Content-Type": {"application/xml"}}
		resp.ContentLength, resp.Body = int64(len(body)), io.NopCloser(strings.NewReader(body))
	case S3Truncate:
		if resp.ContentLength < 2 || resp.Request.Method != http.MethodGet || resp.StatusCode >= 300 || !p.count(f) {
			return nil
		}
		half := io.LimitReader(resp.Body, resp.ContentLength/2)
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(half, brokenReader{}), resp.Body}
	case S3WrongETag:
		if resp.Header.Get("ETag") == "" || resp.StatusCode >= 300 || !p.count(f) {
			return nil
		}
		resp.Header.Set("ETag", `"`+string(bytes.Repeat([]byte("0"), 32))+`"`)
	}
	return nil
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
