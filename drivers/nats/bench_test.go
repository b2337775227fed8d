package nats_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/streamgate/streamgate/drivers/nats"
	"github.com/streamgate/streamgate/internal/servers"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/job"
)

// backend makes a bus and a queue for one benchmark.
type backend struct {
	name string
	make func(b *testing.B) (event.Bus, job.Queue)
}

// backends are the in-process ones and NATS in its forms, measured in one run.
func backends() []backend {
	over := func(b *testing.B, w where) (event.Bus, job.Queue) {
		c := w.open(b, fresh())
		return c.Bus(nats.BusOptions{}), c.Queue(nats.QueueOptions{})
	}
	inProcess := func(sync bool) func(b *testing.B) (event.Bus, job.Queue) {
		return func(b *testing.B) (event.Bus, job.Queue) {
			e, err := nats.StartEmbedded(b.Context(), nats.EmbeddedOptions{Dir: b.TempDir(), SyncAlways: sync})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(e.Stop)
			return over(b, where{embedded: e})
		}
	}
	return []backend{
		{"memory", func(b *testing.B) (event.Bus, job.Queue) {
			bus := event.NewMemory(event.Options{})
			b.Cleanup(func() { _ = bus.Close(context.Background()) })
			return bus, job.NewMemory(job.Options{})
		}},
		{"embedded", inProcess(false)},
		{"embedded, synced", inProcess(true)},
		{"server, synced", func(b *testing.B) (event.Bus, job.Queue) {
			return over(b, where{url: servers.NATSFor(b).URL()})
		}},
	}
}

// BenchmarkBus measures from the beginning of Publish to the call of the handler, one event at a time.
func BenchmarkBus(b *testing.B) {
	for _, back := range backends() {
		b.Run(back.name, func(b *testing.B) {
			bus, _ := back.make(b)
			got := make(chan time.Time, 1)
			cancel, err := bus.Subscribe("*", func(context.Context, event.Event) error { got <- time.Now(); return nil })
			if err != nil {
				b.Fatal(err)
			}
			defer cancel()
			var took []time.Duration
			for b.Loop() {
				begin := time.Now()
				if err := bus.Publish(b.Context(), event.Event{Topic: "asset.changed", Tenant: "t", Key: "k", Data: []byte(`{"a":1}`)}); err != nil {
					b.Fatal(err)
				}
				took = append(took, (<-got).Sub(begin))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
		})
	}
}

// BenchmarkQueue measures Enqueue, Lease and Ack of a job, by two workers and by eight.
func BenchmarkQueue(b *testing.B) {
	for _, back := range backends() {
		for _, hands := range []int{2, 8} {
			b.Run(fmt.Sprintf("%s/%d workers", back.name, hands), func(b *testing.B) {
				_, q := back.make(b)
				b.SetParallelism(max(1, hands/runtime.GOMAXPROCS(0)))
				b.ResetTimer()
				n := make(chan int, 1)
				n <- 0
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						i := <-n
						n <- i + 1
						if err := q.Enqueue(b.Context(), job.Job{ID: fmt.Sprint(i), Kind: "k", Payload: []byte(`{"chunk":1}`)}); err != nil {
							b.Error(err)
							return
						}
						l, err := q.Lease(b.Context(), []string{"k"}, time.Minute)
						if err == nil {
							err = q.Ack(b.Context(), l.Token)
						}
						if err != nil {
							b.Error(err)
							return
						}
					}
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
			})
		}
	}
}
