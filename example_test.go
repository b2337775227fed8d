package streamgate_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/streamgate/streamgate"
)

func ExampleNew() {
	ctx, stop := context.WithCancel(context.Background())
	dir, err := os.MkdirTemp("", "streamgate-example-*")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	p, err := streamgate.New(ctx, streamgate.WithDataDir(dir))
	if err != nil {
		panic(err)
	}
	defer p.Close()
	mux := http.NewServeMux()
	mux.Handle("/", p.Handler())
	srv := httptest.NewServer(mux)
	defer srv.Close()
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	select {
	case <-p.Ready():
	case err := <-done: // it did not start
		panic(err)
	}

	res, err := http.Get(srv.URL + "/readyz")
	if err != nil {
		panic(err)
	}
	res.Body.Close()
	fmt.Println(res.Status)
	stop()
	<-done
	// Output: 200 OK
}
