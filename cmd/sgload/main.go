// Command sgload loads an HTTP/1.1 server on this machine and reports what it
// answered: requests per second, status codes and latency percentiles.
//
// With -rate it is an open loop: requests are due at fixed times whatever the
// server does, and latency counts from when a request was due, so a server that
// stalls cannot hide it (no coordinated omission). Without -rate it is a closed loop:
// every connection sends its next request when it has its answer.
//
// It refuses addresses that are not loopback.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/streamgate/streamgate/internal/httpload"
)

func main() {
	var o httpload.Options
	targets := flag.String("targets", "-", "file of lines `METHOD URL [BODY]`, - for standard input; taken in turn")
	flag.Float64Var(&o.Rate, "rate", 0, "requests per second, open loop; 0 is a closed loop")
	flag.DurationVar(&o.Duration, "duration", 10*time.Second, "how long, at most 10m")
	flag.IntVar(&o.Conns, "conns", 32, "connections")
	flag.Parse()
	if err := run(*targets, o, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sgload:", err)
		os.Exit(1)
	}
}

func run(targets string, o httpload.Options, stdin io.Reader, out io.Writer) error {
	in := stdin
	if targets != "-" {
		f, err := os.Open(targets)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	t, err := httpload.Parse(in)
	if err != nil {
		return err
	}
	res, err := httpload.Run(t, o)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(res)
}
