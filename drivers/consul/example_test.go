package consul_test

import (
	"context"
	"log"

	"github.com/streamgate/streamgate/drivers/consul"
	"github.com/streamgate/streamgate/kernel/registry"
)

func ExampleOpenURL() {
	ctx := context.Background()
	r, err := consul.OpenURL(ctx, "consul://TOKEN@127.0.0.1:8500?check=http")
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	leave, err := r.Register(ctx, registry.Instance{ID: "streaming-1", Service: "streaming", HTTP: "10.0.0.5:8080"})
	if err != nil {
		log.Fatal(err)
	}
	defer leave(ctx)

	balancer := registry.NewBalancer(r, registry.BalancerOptions{})
	go func() { _ = balancer.Follow(ctx, "streaming") }()
	i, err := balancer.Pick("streaming")
	log.Print(i.HTTP, err)
}

func ExampleNew() {
	r, err := consul.New("127.0.0.1:8500", consul.Options{Check: consul.CheckTTL})
	if err != nil {
		log.Fatal(err)
	}
	log.Print(r.Ping(context.Background()), r.Close())
}
