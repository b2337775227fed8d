package registry_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/registry"
)

// nameServer is a small DNS server on loopback.
type nameServer struct {
	mu      sync.Mutex
	hosts   map[string][]string
	srv     map[string][]net.SRV
	failing bool
	conn    net.PacketConn
}

func startNameServer(t *testing.T) *nameServer {
	t.Helper()
	var lc net.ListenConfig
	conn, err := lc.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &nameServer{hosts: map[string][]string{}, srv: map[string][]net.SRV{}, conn: conn}
	var wg sync.WaitGroup
	wg.Go(s.serve)
	t.Cleanup(func() { conn.Close(); wg.Wait() })
	return s
}

func (s *nameServer) serve() {
	buf := make([]byte, 1500)
	for {
		n, from, err := s.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
			continue
		}
		s.answer(&m)
		if out, err := m.Pack(); err == nil {
			_, _ = s.conn.WriteTo(out, from)
		}
	}
}

func (s *nameServer) answer(m *dnsmessage.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := m.Questions[0]
	name := q.Name.String()
	m.Header = dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true, Authoritative: true}
	m.Additionals = nil
	head := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}
	hosts, isHost := s.hosts[name]
	records, isSRV := s.srv[name]
	switch {
	case s.failing:
		m.RCode = dnsmessage.RCodeServerFailure
	case !isHost && !isSRV:
		m.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA:
		for _, h := range hosts {
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: [4]byte(net.ParseIP(h).To4())}})
		}
	case q.Type == dnsmessage.TypeSRV:
		for _, r := range records {
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.SRVResource{Port: r.Port, Target: dnsmessage.MustNewName(r.Target)}})
		}
	}
}

func (s *nameServer) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *nameServer) options() registry.DNSOptions {
	return registry.DNSOptions{Every: 20 * time.Millisecond, Timeout: 2 * time.Second, Resolver: &net.Resolver{
		PreferGo: true,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "udp", s.conn.LocalAddr().String())
		},
	}}
}

func next(t *testing.T, lists <-chan []registry.Instance, want ...registry.Instance) {
	t.Helper()
	over := time.After(30 * time.Second)
	var last []registry.Instance
	for {
		select {
		case last = <-lists:
			if slices.Equal(last, want) {
				return
			}
		case <-over:
			t.Fatalf("the last list is %v, want %v", last, want)
		}
	}
}

func TestDNSHosts(t *testing.T) {
	t.Parallel()
	s := startNameServer(t)
	d, err := registry.NewDNS(map[string]registry.DNSName{"streaming": {Host: "streaming.test.", HTTPPort: 8080, GRPCPort: 9090}}, s.options())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	lists, err := d.Watch(ctx, "streaming")
	if err != nil {
		t.Fatal(err)
	}
	at := func(ip string) registry.Instance {
		return registry.Instance{ID: "streaming@" + ip, Service: "streaming", HTTP: ip + ":8080", GRPC: ip + ":9090"}
	}
	next(t, lists) // the name does not exist: nobody serves
	s.set(func() { s.hosts["streaming.test."] = []string{"10.0.0.2", "10.0.0.1"} })
	next(t, lists, at("10.0.0.1"), at("10.0.0.2"))
	s.set(func() { s.failing = true })
	select {
	case list := <-lists:
		t.Errorf("while the name server fails the list became %v", list)
	case <-time.After(300 * time.Millisecond): // what must not happen
	}
	s.set(func() { s.failing = false; s.hosts["streaming.test."] = []string{"10.0.0.3", "10.0.0.1"} })
	next(t, lists, at("10.0.0.1"), at("10.0.0.3"))
	s.set(func() { delete(s.hosts, "streaming.test.") })
	next(t, lists)
	cancel()
	for range lists { // it is closed
	}
	if _, err := d.Watch(t.Context(), "other"); !errors.Is(err, fault.NotFound) {
		t.Errorf("a service without a name: %v, want kind not_found", err)
	}
	if _, err := d.Watch(ctx, "streaming"); !errors.Is(err, fault.Canceled) {
		t.Errorf("an ended context: %v, want kind canceled", err)
	}
}

func TestDNSServices(t *testing.T) {
	t.Parallel()
	s := startNameServer(t)
	s.srv["_http._tcp.auth.test."] = []net.SRV{{Target: "n1.test.", Port: 8081}, {Target: "n1.test.", Port: 8080}, {Target: "n2.test.", Port: 80}}
	s.srv["_grpc._tcp.auth.test."] = []net.SRV{{Target: "n1.test.", Port: 9090}, {Target: "n3.test.", Port: 9090}}
	d, err := registry.NewDNS(map[string]registry.DNSName{"auth": {HTTPSRV: "_http._tcp.auth.test.", GRPCSRV: "_grpc._tcp.auth.test."}}, s.options())
	if err != nil {
		t.Fatal(err)
	}
	lists, err := d.Watch(t.Context(), "auth")
	if err != nil {
		t.Fatal(err)
	}
	next(t, lists,
		registry.Instance{ID: "auth@n1.test", Service: "auth", HTTP: "n1.test:8080", GRPC: "n1.test:9090"},
		registry.Instance{ID: "auth@n1.test-2", Service: "auth", HTTP: "n1.test:8081"},
		registry.Instance{ID: "auth@n2.test", Service: "auth", HTTP: "n2.test:80"},
		registry.Instance{ID: "auth@n3.test", Service: "auth", GRPC: "n3.test:9090"},
	)
}

func TestNewDNSRefuses(t *testing.T) {
	t.Parallel()
	for name, n := range map[string]registry.DNSName{
		"nothing":      {},
		"no port":      {Host: "h"},
		"both":         {Host: "h", HTTPPort: 1, HTTPSRV: "s"},
		"ports of SRV": {HTTPSRV: "s", HTTPPort: 1},
		"a wrong port": {Host: "h", HTTPPort: 70_000},
		"a negative":   {Host: "h", HTTPPort: 80, GRPCPort: -1},
	} {
		if _, err := registry.NewDNS(map[string]registry.DNSName{"x": n}, registry.DNSOptions{}); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want kind invalid", name, err)
		}
	}
}
