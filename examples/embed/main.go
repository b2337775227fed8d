// Command embed mounts the whole platform in a host's own mux and swaps two
// parts: objects are kept in memory, and only the addresses in -creators may upload.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/storage/mem"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:8082", "address to serve on")
	creators := flag.String("creators", "", "addresses that may upload, with commas between")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ln, err := net.Listen("tcp", *addr)
	if err == nil {
		err = run(ctx, ln, strings.Split(*creators, ","))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "embed:", err)
		stop()
		os.Exit(1)
	}
}

// run serves the host's mux and keeps the platform alive until ctx ends.
func run(ctx context.Context, ln net.Listener, creators []string) error {
	defer ln.Close()
	dir, err := os.MkdirTemp("", "embed-*") // the database and the keys
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := platform(ctx, dir, creators)
	if err != nil {
		return err
	}
	defer p.Close()
	srv := &http.Server{Handler: routes(p), ReadHeaderTimeout: 10 * time.Second}
	srv.RegisterOnShutdown(p.Drain)
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	ended := make(chan error, 2)
	go func() { ended <- srv.Serve(ln) }()
	go func() { ended <- p.Run(inner) }()
	var failed error
	left := 2
	select {
	case <-ctx.Done():
	case failed = <-ended:
		left--
	}
	_ = srv.Shutdown(inner) // requests under way end before the platform does
	cancel()
	for range left {
		if err := <-ended; failed == nil && !errors.Is(err, http.ErrServerClosed) {
			failed = err
		}
	}
	return failed
}

// platform swaps what it wants to own and leaves the rest at its defaults.
func platform(ctx context.Context, dir string, creators []string) (*streamgate.Platform, error) {
	return streamgate.New(ctx,
		streamgate.WithDataDir(dir),
		streamgate.WithStorage(mem.New()),
		streamgate.WithCreators(func(p auth.Principal) bool {
			for _, a := range p.Accounts {
				for _, c := range creators {
					if strings.EqualFold(a.Address, strings.TrimSpace(c)) {
						return true
					}
				}
			}
			return false
		}),
	)
}

// routes is the host's own mux: its pages beside the platform's.
func routes(p *streamgate.Platform) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /about", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "A shop with a cinema.") })
	mux.Handle("/", p.Handler())
	return mux
}
