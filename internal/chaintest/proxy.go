package chaintest

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"
)

// Proxy forwards TCP to a chain, and can be broken.
type Proxy struct {
	// RPCURL and WSURL are the chain's addresses by way of the proxy.
	RPCURL, WSURL string

	target string
	mu     sync.Mutex
	broken bool
	conns  map[net.Conn]struct{}
	wg     sync.WaitGroup
}

// StartProxy puts a proxy in front of c that ends with the test.
func StartProxy(t testing.TB, c *Chain) *Proxy {
	t.Helper()
	u, err := url.Parse(c.RPCURL)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	p := &Proxy{RPCURL: "http://" + addr, WSURL: "ws://" + addr, target: u.Host, conns: map[net.Conn]struct{}{}}
	p.wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.Break()
		p.wg.Wait()
	})
	return p
}

// Break cuts every connection and refuses new ones until restore is called.
func (p *Proxy) Break() (restore func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = true
	for c := range p.conns {
		_ = c.Close()
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.broken = false
	}
}

// Cut cuts every connection and takes new ones at once.
func (p *Proxy) Cut() { p.Break()() }

func (p *Proxy) serve(in net.Conn) {
	defer in.Close()
	out, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer out.Close()
	if !p.track(in) {
		return
	}
	defer p.untrack(in)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(out, in)
		_ = out.Close()
	}()
	_, _ = io.Copy(in, out)
	_ = in.Close()
	<-done
}

func (p *Proxy) track(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.broken {
		p.conns[c] = struct{}{}
	}
	return !p.broken
}

func (p *Proxy) untrack(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}
