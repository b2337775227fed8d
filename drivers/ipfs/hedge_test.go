package ipfs_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/streamgate/streamgate/drivers/ipfs"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage/storagetest"
)

// server serves h on loopback until the test ends, whatever its handlers still do.
func server(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s.URL
}

// gatewayOf is the gateway of a node that holds data, and its root.
func gatewayOf(t testing.TB, data []byte) (http.Handler, cid.Cid) {
	t.Helper()
	n := open(t, t.TempDir(), small)
	root := add(t, n, data)
	h, err := n.Gateway()
	if err != nil {
		t.Fatal(err)
	}
	return h, root
}

// misbehaviours are what a gateway may do instead of giving the block. None ends the test's patience.
func misbehaviours(honest http.Handler) map[string]http.HandlerFunc {
	record := func(r *http.Request) []byte {
		w := httptest.NewRecorder()
		honest.ServeHTTP(w, r)
		return w.Body.Bytes()
	}
	flow := func(part []byte, pause time.Duration) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(part); err != nil {
					return
				}
				http.NewResponseController(w).Flush()
				select {
				case <-time.After(pause):
				case <-r.Context().Done():
				}
			}
		}
	}
	return map[string]http.HandlerFunc{
		"other bytes": func(w http.ResponseWriter, r *http.Request) {
			b := record(r)
			b[len(b)/2] ^= 1
			w.Write(b)
		},
		"another block": func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("another")) },
		"nothing":       func(http.ResponseWriter, *http.Request) {},
		"shorter":       func(w http.ResponseWriter, r *http.Request) { b := record(r); w.Write(b[:len(b)-1]) },
		"broken off": func(w http.ResponseWriter, r *http.Request) {
			b := record(r)
			w.Header().Set("Content-Length", fmt.Sprint(len(b)))
			w.Write(b[:len(b)/2])
			panic(http.ErrAbortHandler)
		},
		"endless":      flow(make([]byte, 64<<10), 0),
		"slow drip":    flow([]byte{1}, 50*time.Millisecond),
		"announced 1T": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", fmt.Sprint(1<<40)) },
		"silence":      func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"500":          func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
		"404":          http.NotFound,
		"429":          func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) },
		"unpacked": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write([]byte("no gzip"))
		},
		"to itself":  func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.String(), http.StatusFound) },
		"to private": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "http://169.254.169.254/", 307) },
		"to a file": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "file:///etc/passwd")
			w.WriteHeader(302)
		},
	}
}

// A bad gateway that is asked first never reaches the viewer when a good one is there, and yields an error
// but no byte when it is alone.
func TestBadGateway(t *testing.T) {
	t.Parallel()
	data := storagetest.Body(4, 9000)
	honest, root := gatewayOf(t, data)
	good := server(t, honest.ServeHTTP)
	for name, bad := range misbehaviours(honest) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			url := server(t, func(w http.ResponseWriter, r *http.Request) { asked.Add(1); bad(w, r) })
			n := open(t, t.TempDir(), ipfs.Options{Gateways: []string{url, good}, HedgeDelay: 30 * time.Millisecond})
			s := n.Store()
			if _, err := s.Link(t.Context(), "k", root); err != nil {
				t.Fatal(err)
			}
			if got, err := read(t, s, "k"); err != nil || !bytes.Equal(got, data) {
				t.Errorf("beside a good gateway: %d bytes, %v", len(got), err)
			}
			if asked.Load() == 0 {
				t.Error("the bad gateway was not asked")
			}
			if _, err := n.Verify(t.Context(), root); err != nil {
				t.Errorf("what is on disk now: %v", err)
			}

			alone := open(t, t.TempDir(), ipfs.Options{Gateways: []string{url}, SourceTimeout: 300 * time.Millisecond, BlockTimeout: time.Minute})
			got, err := readAll(t.Context(), alone, root)
			wantKind(t, "alone", err, fault.Unavailable)
			if len(got) > 0 {
				t.Errorf("alone: %d bytes reached the reader", len(got))
			}
		})
	}
}

// A gateway may redirect to a public address, and to loopback only when that is allowed.
func TestRedirects(t *testing.T) {
	t.Parallel()
	data := storagetest.Body(4, 3000)
	honest, root := gatewayOf(t, data)
	good := server(t, honest.ServeHTTP)
	away := server(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, good+r.URL.String(), http.StatusMovedPermanently)
	})
	_, err := readAll(t.Context(), open(t, t.TempDir(), ipfs.Options{Gateways: []string{away}}), root)
	wantKind(t, "a redirect to another loopback address", err, fault.Unavailable)
	allowed := open(t, t.TempDir(), ipfs.Options{Gateways: []string{away}, AllowLoopbackRedirects: true})
	wantFile(t, allowed, root, data)
	within := server(t, func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/inner") {
			http.Redirect(w, r, "/inner"+r.URL.String(), http.StatusFound)
			return
		}
		http.StripPrefix("/inner", honest).ServeHTTP(w, r)
	})
	wantFile(t, open(t, t.TempDir(), ipfs.Options{Gateways: []string{within}}), root, data)
}

// One gateway answers some requests late. The slowest reads are near its delay without hedging, and
// far below with it; both are measured here, side by side.
func TestHedgingCutsTheTail(t *testing.T) {
	t.Parallel()
	const blocks, late = 60, 700 * time.Millisecond
	origin := open(t, t.TempDir(), small)
	roots := make([]cid.Cid, blocks)
	for i := range roots {
		roots[i] = add(t, origin, storagetest.Body(uint64(i), 1000))
	}
	h, err := origin.Gateway()
	if err != nil {
		t.Fatal(err)
	}
	fast := server(t, h.ServeHTTP)
	measure := func(delay time.Duration) []time.Duration {
		var count atomic.Int32
		slow := server(t, func(w http.ResponseWriter, r *http.Request) {
			if count.Add(1)%10 == 5 {
				select {
				case <-time.After(late):
				case <-r.Context().Done():
					return
				}
			}
			h.ServeHTTP(w, r)
		})
		n := open(t, t.TempDir(), ipfs.Options{Gateways: []string{slow, fast}, HedgeDelay: delay})
		took := make([]time.Duration, blocks)
		for i, root := range roots {
			start := time.Now()
			wantFile(t, n, root, storagetest.Body(uint64(i), 1000))
			took[i] = time.Since(start)
		}
		slices.Sort(took)
		return took
	}
	without, with := measure(-1), measure(25*time.Millisecond)
	p := func(d []time.Duration, q float64) time.Duration { return d[min(len(d)-1, int(q*float64(len(d))))] }
	t.Logf("first block in: without hedging p50 %v p99 %v, hedged after 25ms p50 %v p99 %v", p(without, .5), p(without, .99), p(with, .5), p(with, .99))
	if p(without, .99) < late {
		t.Errorf("without hedging the slowest read took %v, the gateway waits %v", p(without, .99), late)
	}
	if p(with, .99) >= p(without, .99) {
		t.Errorf("hedged p99 is %v, without %v", p(with, .99), p(without, .99))
	}
}

// A broken block on disk is mended from elsewhere and the viewer does not notice.
func TestBrokenBlockIsMended(t *testing.T) {
	t.Parallel()
	data := storagetest.Body(5, 8000)
	honest, root := gatewayOf(t, data)
	dir := t.TempDir()
	n := open(t, dir, ipfs.Options{ChunkSize: small.ChunkSize, MaxLinks: small.MaxLinks, Gateways: []string{server(t, honest.ServeHTTP)}})
	put(t, n.Store(), "k", data)
	files := blockFiles(t, dir)
	for i, name := range files {
		damage := func() error { return os.WriteFile(name, []byte("broken"), 0o600) }
		if i%2 == 0 {
			damage = func() error { return os.Remove(name) }
		}
		if err := damage(); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := read(t, n.Store(), "k"); err != nil || !bytes.Equal(got, data) {
		t.Errorf("reading broken blocks: %d bytes, %v", len(got), err)
	}
	if _, err := n.Verify(t.Context(), root); err != nil {
		t.Errorf("the disk afterwards: %v", err)
	}
}

// Two nodes exchange blocks by bitswap over libp2p.
func TestPeers(t *testing.T) {
	t.Parallel()
	loopback := []string{"/ip4/127.0.0.1/tcp/0"}
	a := open(t, t.TempDir(), ipfs.Options{ChunkSize: 1000, MaxLinks: 4, Listen: loopback})
	data := storagetest.Body(6, 200_000)
	root := add(t, a, data)
	dir := t.TempDir()
	b := open(t, dir, ipfs.Options{Peers: a.Addrs()})
	wantFile(t, b, root, data)
	if err := b.Pin(t.Context(), root); err != nil {
		t.Fatal(err)
	}
	r, err := b.Open(t.Context(), root, 150_000, 20_000)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data[150_000:170_000]) {
		t.Errorf("a range: %d bytes, %v", len(got), err)
	}
	r.Close()
	// A third node that nobody configured connects, and gets the file from the second.
	c := open(t, t.TempDir(), ipfs.Options{Listen: loopback})
	if err := b.Connect(t.Context(), c.Addrs()[0]); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	wantFile(t, c, root, data)
	addrs := c.Addrs()
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "Connect to a dead peer", b.Connect(t.Context(), addrs[0]), fault.Unavailable)
}

// A peer that is gone, or takes connections and says nothing, costs the hedge delay only.
func TestDeadPeer(t *testing.T) {
	t.Parallel()
	data := storagetest.Body(6, 6000)
	honest, root := gatewayOf(t, data)
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer mute.Close()
	identity := open(t, t.TempDir(), ipfs.Options{Listen: []string{"/ip4/127.0.0.1/tcp/0"}}).Addrs()[0]
	_, id, _ := strings.Cut(identity, "/p2p/")
	for name, port := range map[string]int{"gone": 1, "mute": mute.Addr().(*net.TCPAddr).Port} {
		peer := fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/p2p/%s", port, id)
		n := open(t, t.TempDir(), ipfs.Options{Peers: []string{peer}, Gateways: []string{server(t, honest.ServeHTTP)}, HedgeDelay: 20 * time.Millisecond})
		wantFile(t, n, root, data)
		alone := open(t, t.TempDir(), ipfs.Options{Peers: []string{peer}, SourceTimeout: 500 * time.Millisecond})
		_, err := readAll(t.Context(), alone, root)
		wantKind(t, name+" and alone", err, fault.Unavailable)
	}
}
