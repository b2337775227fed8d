// Package httpload loads an HTTP/1.1 server on this machine and counts what it
// answers. cmd/sgload and cmd/sgbench call it; it speaks to loopback only.
//
// The client is lean, so that on a shared machine the server is what is measured:
// requests are rendered beforehand and bodies are dropped unread.
package httpload

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The bounds of a run, so that no mistake becomes a flood.
const (
	MaxDuration = 10 * time.Minute
	MaxConns    = 4096
)

// Options says how to load.
type Options struct {
	// Rate is the requests per second of an open loop: they are due at fixed
	// times whatever the server does, and latency counts from when a request was due, so
	// that a server that stalls cannot hide it. Zero is a closed loop: every
	// connection sends its next request when it has its answer.
	Rate float64
	// Duration is how long new requests are sent, at most MaxDuration.
	Duration time.Duration
	// Conns is the count of connections, at most MaxConns.
	Conns int
}

// Result is what a run saw. Latencies are in milliseconds.
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

// Targets are rendered requests to one server.
type Targets struct {
	host     string
	requests []request
}

type request struct {
	raw  []byte
	head bool
}

// Request is one target. A body is JSON.
type Request struct {
	Method, URL, Body string
	Header            map[string]string
}

// Parse reads one target a line, `METHOD URL [BODY]`; they are taken in turn. It
// refuses addresses that are not loopback, and more than one server.
func Parse(r io.Reader) (*Targets, error) {
	var all []Request
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		method, rest, _ := strings.Cut(strings.TrimSpace(sc.Text()), " ")
		if method == "" {
			continue
		}
		raw, body, _ := strings.Cut(rest, " ")
		all = append(all, Request{Method: method, URL: raw, Body: body})
	}
	if err := sc.Err(); err != nil {
		return nil, err
	}
	return New(all)
}

// New renders requests, which are taken in turn. It refuses what Parse does.
func New(all []Request) (*Targets, error) {
	t := &Targets{}
	for _, q := range all {
		u, err := url.Parse(q.URL)
		if err != nil || u.Scheme != "http" || u.Host == "" {
			return nil, fmt.Errorf("%q: a target is METHOD http://host:port/path [BODY]", q.Method+" "+q.URL)
		}
		if t.host != "" && t.host != u.Host {
			return nil, fmt.Errorf("two hosts, %s and %s: load one", t.host, u.Host)
		}
		t.host = u.Host
		raw := q.Method + " " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host + "\r\n"
		for k, v := range q.Header {
			raw += k + ": " + v + "\r\n"
		}
		if q.Body != "" {
			raw += "Content-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(q.Body)) + "\r\n"
		}
		t.requests = append(t.requests, request{[]byte(raw + "\r\n" + q.Body), q.Method == http.MethodHead})
	}
	if len(t.requests) == 0 {
		return nil, errors.New("no targets")
	}
	name, _, err := net.SplitHostPort(t.host)
	if ip := net.ParseIP(name); err != nil || (name != "localhost" && (ip == nil || !ip.IsLoopback())) {
		return nil, fmt.Errorf("%s is not a loopback address with a port: this tool loads nothing else", t.host)
	}
	return t, nil
}

// Run loads t as o says and returns what it saw; options out of bounds are an error.
func Run(t *Targets, o Options) (Result, error) {
	if o.Duration <= 0 || o.Duration > MaxDuration || o.Conns < 1 || o.Conns > MaxConns || o.Rate < 0 {
		return Result{}, fmt.Errorf("the duration is at most %v and the connections are 1 to %d", MaxDuration, MaxConns)
	}
	workers := make([]worker, o.Conns)
	start := time.Now()
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() { workers[i].run(t, o, i, start) })
	}
	wg.Wait()
	return sum(workers, time.Since(start)), nil
}

func sum(workers []worker, elapsed time.Duration) Result {
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

// worker is one connection's share of a run.
type worker struct {
	conn    net.Conn
	r       *bufio.Reader
	latency []time.Duration
	status  map[int]int
	errors  int
	bytes   int64
}

// run sends requests i, i+conns, i+2*conns ... on one connection.
func (w *worker) run(t *Targets, o Options, i int, start time.Time) {
	w.status = map[int]int{}
	defer w.hangUp()
	end := start.Add(o.Duration)
	step := time.Duration(0)
	if o.Rate > 0 {
		step = time.Duration(float64(time.Second) / o.Rate)
	}
	for n := i; ; n += o.Conns {
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
		if w.conn == nil {
			c, err := net.DialTimeout("tcp", t.host, 5*time.Second)
			if err != nil {
				w.errors++
				time.Sleep(10 * time.Millisecond)
				continue
			}
			w.conn, w.r = c, bufio.NewReaderSize(c, 256<<10)
		}
		status, size, err := w.exchange(t.requests[n%len(t.requests)])
		if err != nil {
			w.errors++
			w.hangUp()
			continue
		}
		w.latency = append(w.latency, time.Since(due))
		w.status[status]++
		w.bytes += size
	}
}

func (w *worker) hangUp() {
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
}

func (w *worker) exchange(req request) (status int, size int64, err error) {
	if err := w.conn.SetDeadline(time.Now().Add(15 * time.Second)); err != nil {
		return 0, 0, err
	}
	if _, err := w.conn.Write(req.raw); err != nil {
		return 0, 0, err
	}
	for {
		h, err := readHeader(w.r)
		if err != nil {
			return 0, 0, err
		}
		if h.status < 200 {
			continue // interim
		}
		if req.head || h.status == http.StatusNoContent || h.status == http.StatusNotModified {
			h.length, h.chunked = 0, false
		}
		if size, err = dropBody(w.r, h); err == nil && h.closes {
			err = errClosed
		}
		return h.status, size, err
	}
}

var (
	errClosed    = errors.New("the server ended a connection that was to be kept")
	errMalformed = errors.New("not an HTTP/1.1 answer")
)

type header struct {
	status          int
	length          int64 // -1 unknown
	chunked, closes bool
}

func readHeader(r *bufio.Reader) (header, error) {
	h := header{length: -1}
	line, err := r.ReadSlice('\n')
	if err != nil {
		return h, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return h, errMalformed
	}
	if h.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return h, errMalformed
	}
	for {
		if line, err = r.ReadSlice('\n'); err != nil {
			return h, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			return h, nil
		}
		name, value, ok := bytes.Cut(line, []byte(":"))
		if !ok {
			return h, errMalformed
		}
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			if h.length, err = strconv.ParseInt(string(value), 10, 64); err != nil || h.length < 0 {
				return h, errMalformed
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			h.chunked = bytes.EqualFold(value, []byte("chunked"))
		case bytes.EqualFold(name, []byte("Connection")):
			h.closes = bytes.EqualFold(value, []byte("close"))
		}
	}
}

func dropBody(r *bufio.Reader, h header) (int64, error) {
	switch {
	case h.chunked:
		n, err := io.Copy(io.Discard, httputil.NewChunkedReader(r))
		for err == nil { // trailers, and the empty line that NewChunkedReader leaves
			var line []byte
			if line, err = r.ReadSlice('\n'); len(bytes.TrimRight(line, "\r\n")) == 0 {
				break
			}
		}
		return n, err
	case h.length < 0:
		return 0, errMalformed // a body until the connection's end cannot be one of many
	}
	var n int64
	for n < h.length { // Discard takes an int
		d, err := r.Discard(int(min(h.length-n, 1<<30)))
		n += int64(d)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
