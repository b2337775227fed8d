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
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

func main() {
	var o options
	flag.StringVar(&o.targets, "targets", "-", "file of lines `METHOD URL [BODY]`, - for standard input; taken in turn")
	flag.Float64Var(&o.rate, "rate", 0, "requests per second, open loop; 0 is a closed loop")
	flag.DurationVar(&o.duration, "duration", 10*time.Second, "how long, at most 10m")
	flag.IntVar(&o.conns, "conns", 32, "connections")
	flag.Parse()
	if err := run(o, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sgload:", err)
		os.Exit(1)
	}
}

type options struct {
	targets  string
	rate     float64
	duration time.Duration
	conns    int
}

// Result is what a run prints, as JSON. Latencies are in milliseconds.
type Result struct {
	Requests  int            `json:"requests"`
	Errors    int            `json:"errors"`
	Status    map[string]int `json:"status"`
	Bytes     int64          `json:"bytes"`
	Seconds   float64        `json:"seconds"`
	PerSecond float64        `json:"per_second"`
	MBPerSec  float64        `json:"mb_per_second"`
	P50       float64        `json:"p50_ms"`
	P95       float64        `json:"p95_ms"`
	P99       float64        `json:"p99_ms"`
	Max       float64        `json:"max_ms"`
}

func run(o options, stdin io.Reader, out io.Writer) error {
	if o.duration <= 0 || o.duration > 10*time.Minute || o.conns < 1 || o.conns > 4096 {
		return fmt.Errorf("-duration is at most 10m and -conns 1 to 4096")
	}
	in := stdin
	if o.targets != "-" {
		f, err := os.Open(o.targets)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	host, requests, err := readTargets(in)
	if err != nil {
		return err
	}
	res := load(o, host, requests)
	enc := json.NewEncoder(out)
	enc.SetIndent("", "  ")
	return enc.Encode(res)
}

// readTargets renders each line to the bytes of one request. All lines name one host.
func readTargets(r io.Reader) (host string, requests [][]byte, err error) {
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		method, rest, _ := strings.Cut(strings.TrimSpace(sc.Text()), " ")
		if method == "" {
			continue
		}
		raw, body, _ := strings.Cut(rest, " ")
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "http" || u.Host == "" {
			return "", nil, fmt.Errorf("%q: a line is METHOD http://host:port/path [BODY]", sc.Text())
		}
		if host != "" && host != u.Host {
			return "", nil, fmt.Errorf("two hosts, %s and %s: load one", host, u.Host)
		}
		host = u.Host
		req := method + " " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host + "\r\n"
		if body != "" {
			req += "Content-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n"
		}
		requests = append(requests, []byte(req+"\r\n"+body))
	}
	if err := sc.Err(); err != nil {
		return "", nil, err
	}
	if len(requests) == 0 {
		return "", nil, fmt.Errorf("no targets")
	}
	name, _, err := net.SplitHostPort(host)
	if ip := net.ParseIP(name); err != nil || (name != "localhost" && (ip == nil || !ip.IsLoopback())) {
		return "", nil, fmt.Errorf("%s is not a loopback address with a port: this tool loads nothing else", host)
	}
	return host, requests, nil
}

// worker is one connection's share of the run.
type worker struct {
	latency []time.Duration
	status  map[int]int
	errors  int
	bytes   int64
}

func load(o options, host string, requests [][]byte) Result {
	workers := make([]worker, o.conns)
	start := time.Now()
	end := start.Add(o.duration)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() { workers[i].run(o, host, requests, i, start, end) })
	}
	wg.Wait()
	elapsed := time.Since(start)
	res := Result{Status: map[string]int{}, Seconds: elapsed.Seconds()}
	var all []time.Duration
	for _, w := range workers {
		all = append(all, w.latency...)
		res.Errors += w.errors
		res.Bytes += w.bytes
		for code, n := range w.status {
			res.Status[strconv.Itoa(code)] += n
		}
	}
	res.Requests = len(all)
	res.PerSecond = float64(len(all)) / elapsed.Seconds()
	res.MBPerSec = float64(res.Bytes) / 1e6 / elapsed.Seconds()
	if len(all) == 0 {
		return res
	}
	slices.Sort(all)
	at := func(q float64) float64 {
		return float64(all[min(len(all)-1, int(q*float64(len(all))))].Microseconds()) / 1000
	}
	res.P50, res.P95, res.P99, res.Max = at(0.50), at(0.95), at(0.99), at(1)
	return res
}

// run sends requests i, i+conns, i+2*conns ... on one connection.
func (w *worker) run(o options, host string, requests [][]byte, i int, start, end time.Time) {
	w.status = map[int]int{}
	var conn net.Conn
	var r *bufio.Reader
	defer func() {
		if conn != nil {
			conn.Close()
		}
	}()
	step := time.Duration(0)
	if o.rate > 0 {
		step = time.Duration(float64(time.Second) / o.rate)
	}
	for n := i; ; n += o.conns {
		due := time.Now()
		if step > 0 {
			due = start.Add(time.Duration(n) * step)
			if d := time.Until(due); d > 0 {
				time.Sleep(d)
			}
		}
		if due.After(end) || time.Now().After(end.Add(5*time.Second)) {
			return
		}
		if conn == nil {
			c, err := net.DialTimeout("tcp", host, 5*time.Second)
			if err != nil {
				w.errors++
				time.Sleep(10 * time.Millisecond)
				continue
			}
			conn, r = c, bufio.NewReaderSize(c, 64<<10)
		}
		status, size, err := exchange(conn, r, requests[n%len(requests)])
		if err != nil {
			w.errors++
			conn.Close()
			conn = nil
			continue
		}
		w.latency = append(w.latency, time.Since(due))
		w.status[status]++
		w.bytes += size
	}
}

func exchange(conn net.Conn, r *bufio.Reader, req []byte) (status int, size int64, err error) {
	if err := conn.SetDeadline(time.Now().Add(15 * time.Second)); err != nil {
		return 0, 0, err
	}
	if _, err := conn.Write(req); err != nil {
		return 0, 0, err
	}
	res, err := http.ReadResponse(r, nil)
	if err != nil {
		return 0, 0, err
	}
	size, err = io.Copy(io.Discard, res.Body)
	if err == nil && res.Close {
		err = io.ErrUnexpectedEOF // counts as an error: the server ended a connection that was to be kept
	}
	return res.StatusCode, size, err
}
