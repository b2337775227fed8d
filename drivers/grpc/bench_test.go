package grpc_test

import (
	"context"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/streamgate/streamgate/drivers/grpc"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/media/playback/playbacktest"
	"github.com/streamgate/streamgate/nft"
)

// BenchmarkCachedDecision asks what the decider has in its cache: in process, over a
// connection in memory, over a socket and TCP on this machine, and in another process. p50-ns and
// p99-ns are per call; hops is how many in-process decisions one costs.
func BenchmarkCachedDecision(b *testing.B) {
	w, err := newWorld("gate", nil)
	if err != nil {
		b.Fatal(err)
	}
	defer w.end()
	f := w.near.(playbacktest.GateFixture)
	home := median(b, f.Gate, f.Yes, 2000)[1000]
	tcp := listener(b)
	serve(b, tcp, grpc.ServerOptions{Insecure: true}, w.register)
	unix, err := (&net.ListenConfig{}).Listen(b.Context(), "unix", filepath.Join(b.TempDir(), "s"))
	if err != nil {
		b.Fatal(err)
	}
	serve(b, unix, grpc.ServerOptions{Insecure: true}, w.register)
	_, memory := overMemory(b, "gate", nil)
	_, process := elsewhere(b, "gate", nil)
	for _, place := range []struct {
		name string
		gate playback.Gate
	}{
		{"in-process", f.Gate},
		{"memory", grpc.NewGate(memory)},
		{"unix", grpc.NewGate(dial(b, grpc.DialOptions{Target: "unix:" + unix.Addr().String(), Insecure: true}))},
		{"tcp", grpc.NewGate(dial(b, grpc.DialOptions{Target: tcp.Addr().String(), Insecure: true}))},
		{"another-process", grpc.NewGate(process)},
	} {
		b.Run(place.name, func(b *testing.B) {
			b.ReportAllocs()
			took := median(b, place.gate, f.Yes, b.N)
			b.ReportMetric(float64(took[len(took)/2]), "p50-ns")
			b.ReportMetric(float64(took[len(took)*99/100]), "p99-ns")
			b.ReportMetric(float64(took[len(took)/2])/float64(max(home, 1)), "hops")
		})
	}
}

// median makes n calls and returns how long each took, sorted.
func median(b *testing.B, g playback.Gate, q playbacktest.Question, n int) []time.Duration {
	b.Helper()
	ask := func() {
		if d, err := g.Decide(context.Background(), q.Rule, q.Subject); err != nil || d.Outcome != nft.Yes {
			b.Fatalf("%v, %v", d.Outcome, err)
		}
	}
	ask()
	took := make([]time.Duration, n)
	b.ResetTimer()
	for i := range took {
		begin := time.Now()
		ask()
		took[i] = time.Since(begin)
	}
	b.StopTimer()
	slices.Sort(took)
	return took
}
