package ipfs_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/streamgate/streamgate/drivers/ipfs"
	"github.com/streamgate/streamgate/storage"
)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "ipfs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	node, err := ipfs.Open(ctx, dir, ipfs.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()
	root, _, err := node.Add(ctx, strings.NewReader("hello, world"))
	if err != nil {
		log.Fatal(err)
	}
	r, err := node.Open(ctx, root, 7, -1)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	tail, err := io.ReadAll(r)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(root)
	fmt.Printf("%s\n", tail)
	// Output:
	// bafkreiajzj7e5ktorlu4putbczyssgciqnse2b67xj6l7pcmrixaqnqnlm
	// world
}

func ExampleOpenURL() {
	dir, err := os.MkdirTemp("", "ipfs")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	s, err := ipfs.OpenURL(ctx, "ipfs://"+dir+"?chunk_size=262144&max_links=174&gateways=https://gateway.example")
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	info, err := s.Put(ctx, "assets/1/video.bin", bytes.NewReader([]byte("ciphertext")), storage.PutOptions{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(info.Size, info.ETag)
	// Output: 10 bafkreibqkuy5zrioxsrrz4ovwmpj7r3o2upwnm5w3vnagddfhgxgkmxzpe
}

// A gateway is mounted like any handler.
func ExampleNode_Gateway() {
	node, err := ipfs.Open(context.Background(), "/var/lib/streamgate/ipfs", ipfs.Options{Listen: []string{"/ip4/0.0.0.0/tcp/4001"}})
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()
	gateway, err := node.Gateway()
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/ipfs/", gateway)
	server := &http.Server{Addr: "127.0.0.1:8080", Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// A file is copied to a Kubo node, and a pinning service keeps it too.
func ExampleNode_Replicate() {
	ctx := context.Background()
	node, err := ipfs.Open(ctx, "/var/lib/streamgate/ipfs", ipfs.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer node.Close()
	kubo, err := ipfs.NewKubo("http://127.0.0.1:5001", ipfs.RemoteOptions{})
	if err != nil {
		log.Fatal(err)
	}
	pins, err := ipfs.NewPinService("https://pins.example/psa", ipfs.RemoteOptions{Token: "from your secret store"})
	if err != nil {
		log.Fatal(err)
	}
	root, err := node.Store().Root(ctx, "assets/1/video.bin")
	if err != nil {
		log.Fatal(err)
	}
	if err := node.Replicate(ctx, root, "assets/1", kubo, pins); err != nil {
		log.Fatal(err) // calling it again goes on where it stopped
	}
}

func ExampleNewKubo() {
	kubo, err := ipfs.NewKubo("http://127.0.0.1:5001", ipfs.RemoteOptions{Attempts: 3})
	if err != nil {
		log.Fatal(err)
	}
	id, err := kubo.ID(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(id.AgentVersion)
}

func ExampleNewPinService() {
	pins, err := ipfs.NewPinService("https://pins.example/psa", ipfs.RemoteOptions{Token: "from your secret store", PinTimeout: time.Hour})
	if err != nil {
		log.Fatal(err)
	}
	request, err := pins.Get(context.Background(), "the id of a request")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(request.Status)
}
