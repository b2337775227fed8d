package registry_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/streamgate/streamgate/kernel/registry"
)

func ExampleNewStatic() {
	r, err := registry.NewStatic(
		registry.Instance{ID: "s1", Service: "streaming", HTTP: "10.0.0.5:8080"},
		registry.Instance{ID: "a1", Service: "auth", GRPC: "10.0.0.6:9090"},
	)
	if err != nil {
		log.Fatal(err)
	}
	lists, err := r.Watch(context.Background(), "streaming")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println((<-lists)[0].HTTP)
	// Output: 10.0.0.5:8080
}

func ExampleNewDNS() {
	// A headless service of Kubernetes, or a service of compose.
	r, err := registry.NewDNS(map[string]registry.DNSName{"streaming": {Host: "streaming", HTTPPort: 8080}}, registry.DNSOptions{})
	if err != nil {
		log.Fatal(err)
	}
	_ = r
}

func ExampleNewMemory() {
	r := registry.NewMemory()
	ctx := context.Background()
	leave, err := r.Register(ctx, registry.Instance{ID: "s1", Service: "streaming", HTTP: "127.0.0.1:8080"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(leave(ctx))
	// Output: <nil>
}

func ExampleNewBalancer() {
	r, err := registry.NewStatic(registry.Instance{ID: "s1", Service: "streaming", HTTP: "10.0.0.5:8080"})
	if err != nil {
		log.Fatal(err)
	}
	b := registry.NewBalancer(r, registry.BalancerOptions{})
	ctx, cancel := context.WithCancel(context.Background())
	followed := make(chan error)
	go func() { followed <- b.Follow(ctx, "streaming") }()

	var i registry.Instance
	for i, err = b.Pick("streaming"); err != nil; i, err = b.Pick("streaming") {
		time.Sleep(time.Millisecond) // the first list is on its way
	}
	fmt.Println(i.HTTP)
	b.Report(i.ID, nil) // how the call to it went
	cancel()
	fmt.Println(<-followed)
	// Output:
	// 10.0.0.5:8080
	// <nil>
}
