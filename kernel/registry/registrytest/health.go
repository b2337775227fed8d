package registrytest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/streamgate/streamgate/kernel/registry"
)

// RunHealth checks what a registry promises that looks after the health of its
// instances by their /readyz.
func RunHealth(t *testing.T, c Config, newRegistry NewRegistry) {
	run(t, c.HealthCases(), newRegistry)
}

// HealthCases returns the rules of RunHealth.
func (c Config) HealthCases() []Case {
	s := suite{c.filled()}
	return []Case{
		{"an instance is listed once it is ready", s.onceReady},
		{"an instance that is not ready is not listed", s.notReady},
		{"an instance that is gone is not listed", s.gone},
	}
}

// server is an instance's HTTP side.
type server struct {
	*httptest.Server
	unready atomic.Bool
}

func newServer(t testing.TB) *server {
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" || s.unready.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) address() string { return strings.TrimPrefix(s.URL, "http://") }

// ready returns the address of an instance that is ready.
func ready(t testing.TB) string {
	t.Helper()
	return newServer(t).address()
}

// checked returns an instance and its server.
func (p place) checked(name string) (registry.Instance, *server) {
	srv := newServer(p.t)
	i := p.instance(name)
	i.HTTP, i.GRPC = srv.address(), ""
	return i, srv
}

func (s suite) onceReady(t testing.TB, newRegistry NewRegistry) {
	p := s.place(t, newRegistry)
	lists := p.watch()
	a, srv := p.checked("a")
	b, _ := p.checked("b")
	srv.unready.Store(true)
	p.register(a)
	p.register(b)
	p.until(lists, b)
	p.quiet(lists, b)
	srv.unready.Store(false)
	p.until(lists, a, b)
}

func (s suite) notReady(t testing.TB, newRegistry NewRegistry) {
	p := s.place(t, newRegistry)
	lists := p.watch()
	a, srv := p.checked("a")
	b, _ := p.checked("b")
	p.register(a)
	p.register(b)
	p.until(lists, a, b)
	for range 2 {
		srv.unready.Store(true)
		p.until(lists, b)
		srv.unready.Store(false)
		p.until(lists, a, b)
	}
}

func (s suite) gone(t testing.TB, newRegistry NewRegistry) {
	p := s.place(t, newRegistry)
	lists := p.watch()
	a, srv := p.checked("a")
	b, _ := p.checked("b")
	p.register(a)
	p.register(b)
	p.until(lists, a, b)
	srv.CloseClientConnections()
	srv.Close()
	p.until(lists, b)
}
