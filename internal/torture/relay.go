package torture

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// relay forwards TCP and counts what passes it, so that a fault on the way can be told from one that met
// no traffic.
type relay struct {
	addr   string
	target string
	l      net.Listener
	bytes  atomic.Int64
	ended  atomic.Int64

	mu    sync.Mutex
	conns map[net.Conn]struct{}
	wg    sync.WaitGroup
}

// startRelay forwards to target, from a port that the kernel chooses.
func startRelay(target string) (*relay, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{addr: l.Addr().String(), target: target, l: l, conns: map[net.Conn]struct{}{}}
	r.wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			r.wg.Go(func() { r.serve(in) })
		}
	})
	return r, nil
}

// close ends the relay and all its connections.
func (r *relay) close() {
	_ = r.l.Close()
	r.cut()
	r.wg.Wait()
}

// cut ends the connections to the target, as a target that is restarted does.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		_ = c.Close()
	}
}

func (r *relay) serve(in net.Conn) {
	defer in.Close()
	out, err := net.Dial("tcp", r.target)
	if err != nil {
		reset(in)
		return
	}
	defer out.Close()
	r.mu.Lock()
	r.conns[out] = struct{}{}
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		delete(r.conns, out)
		r.mu.Unlock()
		r.ended.Add(1)
	}()
	var wg sync.WaitGroup
	wg.Go(func() { r.copy(out, in) })
	r.copy(in, out)
	// One side that is gone ends both: nothing here half-closes.
	_ = in.Close()
	_ = out.Close()
	wg.Wait()
}

// copy passes bytes on, and a reset as a reset.
func (r *relay) copy(to, from net.Conn) {
	_, err := io.Copy(&counter{to, &r.bytes}, from)
	if err != nil && !errors.Is(err, net.ErrClosed) {
		reset(to)
		return
	}
	_ = to.Close()
}

type counter struct {
	io.Writer
	n *atomic.Int64
}

// Write implements io.Writer.
func (c *counter) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.n.Add(int64(n))
	return n, err
}

// reset ends a connection by RST.
func reset(c net.Conn) {
	if tcp, ok := c.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = c.Close()
}
