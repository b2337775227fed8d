package nats_test

import (
	"context"
	"crypto/rand"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/streamgate/streamgate/drivers/nats"
	"github.com/streamgate/streamgate/internal/servers"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/event/eventtest"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/kernel/job/jobtest"
)

const patience = 30 * time.Second

func TestMain(m *testing.M) {
	if role := os.Getenv("NATS_TEST_CHILD"); role != "" {
		child(role)
		return
	}
	goleak.VerifyTestMain(m)
}

// where says how a test reaches a server.
type where struct {
	url      string
	embedded *nats.Embedded
}

// open returns a connection with its own names, or with those of prefix.
func (w where) open(t testing.TB, prefix string, change ...func(*nats.Options)) *nats.Conn {
	t.Helper()
	o := nats.Options{URL: w.url, Embedded: w.embedded, Prefix: prefix, Timeout: 10 * time.Second}
	for _, f := range change {
		f(&o)
	}
	c, err := nats.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ended, cancel := context.WithCancel(context.Background())
		cancel()
		_ = c.Close(ended)
	})
	return c
}

func fresh() string { return "t" + strings.ToLower(rand.Text()[:10]) }

func embedded(t testing.TB) where {
	t.Helper()
	e, err := nats.StartEmbedded(t.Context(), nats.EmbeddedOptions{Dir: t.TempDir(), Listen: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Stop)
	return where{embedded: e}
}

func (w where) newBus(t testing.TB, c eventtest.Config) event.Bus {
	return w.open(t, fresh()).Bus(nats.BusOptions{MaxAttempts: c.MaxAttempts, Backoff: c.Backoff, MaxBytes: 8 << 20})
}

func (w where) newQueue(t testing.TB, c jobtest.Config) job.Queue {
	return w.open(t, fresh()).Queue(nats.QueueOptions{Backoff: c.Backoff})
}

// pairs of two connections to one server.
func (w where) busPair(t testing.TB, c eventtest.Config) (a, b event.Bus) {
	prefix, o := fresh(), nats.BusOptions{MaxAttempts: c.MaxAttempts, Backoff: c.Backoff, MaxBytes: 8 << 20}
	return w.open(t, prefix).Bus(o), w.open(t, prefix).Bus(o)
}

func (w where) queuePair(t testing.TB, c jobtest.Config) (a, b job.Queue) {
	prefix, o := fresh(), nats.QueueOptions{Backoff: c.Backoff}
	return w.open(t, prefix).Queue(o), w.open(t, prefix).Queue(o)
}

func (w where) conforms(t *testing.T) {
	t.Run("bus", func(t *testing.T) { t.Parallel(); eventtest.Run(t, w.newBus) })
	t.Run("queue", func(t *testing.T) { t.Parallel(); jobtest.Run(t, w.newQueue) })
	t.Run("bus over two connections", func(t *testing.T) { t.Parallel(); eventtest.RunPair(t, w.busPair) })
	t.Run("queue over two connections", func(t *testing.T) { t.Parallel(); jobtest.RunPair(t, w.queuePair) })
}

func TestEmbeddedConforms(t *testing.T) { embedded(t).conforms(t) }

func TestServerConforms(t *testing.T) { where{url: servers.NATSFor(t).URL()}.conforms(t) }
