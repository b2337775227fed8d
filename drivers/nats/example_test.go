package nats_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/streamgate/streamgate/drivers/nats"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/job"
)

// One machine: a server inside the process, and the queue it holds.
func ExampleStartEmbedded() {
	ctx := context.Background()
	dir, _ := os.MkdirTemp("", "nats")
	defer os.RemoveAll(dir)
	server, err := nats.StartEmbedded(ctx, nats.EmbeddedOptions{Dir: dir, SyncAlways: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Stop()
	conn, err := nats.Open(ctx, nats.Options{Embedded: server})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close(ctx)
	queue := conn.Queue(nats.QueueOptions{})
	_ = queue.Enqueue(ctx, job.Job{ID: "asset-1", Kind: "transcode"})
	lease, _ := queue.Lease(ctx, []string{"transcode"}, time.Minute)
	fmt.Println(lease.Job.ID, "attempt", lease.Attempt)
	fmt.Println(queue.Ack(ctx, lease.Token))
	// Output:
	// asset-1 attempt 1
	// <nil>
}

// The same in one text, with the bus.
func ExampleOpenURL() {
	ctx := context.Background()
	dir, _ := os.MkdirTemp("", "nats")
	defer os.RemoveAll(dir)
	conn, err := nats.OpenURL(ctx, "embedded:"+dir, nats.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	bus := conn.Bus(nats.BusOptions{})
	_, _ = bus.Subscribe("asset.*", func(_ context.Context, e event.Event) error {
		fmt.Println(e.Topic, e.Key)
		return nil
	})
	_ = bus.Publish(ctx, event.Event{Topic: "asset.changed", Key: "asset-1"})
	fmt.Println(conn.Close(ctx)) // waits for the handler
	// Output:
	// asset.changed asset-1
	// <nil>
}

// Several machines: a cluster of servers, each stream on three of them, and the host that replays what its
// database holds when a stream was lost.
func ExampleOpen() {
	ctx := context.Background()
	conn, err := nats.Open(ctx, nats.Options{URL: "tls://n1:4222,tls://n2:4222,tls://n3:4222", Replicas: 3})
	if err != nil {
		return
	}
	defer conn.Close(ctx)
	var queue *nats.Queue
	ready := make(chan struct{})
	queue = conn.Queue(nats.QueueOptions{OnReset: func(ctx context.Context) {
		<-ready
		_ = queue.Enqueue(ctx, job.Job{ID: "what the database says is undone", Kind: "transcode"})
	}})
	close(ready)
}
