package main

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/streamgate/streamgate/internal/httpload"
)

// server is one contestant: its targets by size.
type server struct {
	name    string
	pid     int
	targets []*httpload.Targets
	results [][]httpload.Result // by size, by round
	cpu     []time.Duration     // by size
}

func measureSegments(ctx context.Context, c config, work string, p *platform, out io.Writer) error {
	files := filepath.Join(work, "files")
	if err := os.Mkdir(files, 0o700); err != nil {
		return err
	}
	urls := make([][]string, len(c.sizes))
	for i, size := range c.sizes {
		for n := range segmentCount {
			path := fmt.Sprintf("/v1/media/%s/1/%s/h%d.m4s", p.said.Asset, trackOf(i), n)
			b, err := fetch(ctx, p.said.URL+path)
			if err != nil {
				return err
			}
			if len(b) != size {
				return fmt.Errorf("%s has %d bytes, not %d", path, len(b), size)
			}
			name := fmt.Sprintf("%d-%d.m4s", size, n)
			if err := os.WriteFile(filepath.Join(files, name), b, 0o600); err != nil {
				return err
			}
			urls[i] = append(urls[i], name)
		}
	}
	var said greeting
	bare, err := start(ctx, "bare", bareOrders{files}, &said)
	if err != nil {
		return err
	}
	defer bare.stop()
	nginx, nginxURL, err := startNginx(ctx, work, files)
	if err != nil {
		return err
	}
	defer nginx.stop()
	servers := []*server{
		{name: "StreamGate", pid: p.pid()}, {name: "bare net/http", pid: bare.pid()}, {name: "nginx secure_link", pid: nginx.pid()},
	}
	expires := time.Now().Add(24 * time.Hour).Unix()
	for i := range c.sizes {
		lines := make([]strings.Builder, len(servers))
		for n, name := range urls[i] {
			fmt.Fprintf(&lines[0], "GET %s/v1/media/%s/1/%s/h%d.m4s\n", p.said.URL, p.said.Asset, trackOf(i), n)
			fmt.Fprintf(&lines[1], "GET %s/%s\n", said.URL, name)
			fmt.Fprintf(&lines[2], "GET %s/%s?md5=%s&expires=%d\n", nginxURL, name, signLink("/"+name, expires), expires)
		}
		for k, s := range servers {
			if err := sameBytes(ctx, lines[k].String(), files, urls[i]); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			t, err := httpload.Parse(strings.NewReader(lines[k].String()))
			if err != nil {
				return err
			}
			s.targets = append(s.targets, t)
			s.results, s.cpu = append(s.results, nil), append(s.cpu, 0)
		}
	}
	if err := contest(ctx, c, servers); err != nil {
		return err
	}
	report(out, servers, c)
	return nil
}

// contest lets the servers take turns; who begins changes with every round.
func contest(ctx context.Context, c config, servers []*server) error {
	for round := range c.rounds {
		for i, size := range c.sizes {
			for k := range servers {
				s := servers[(k+round)%len(servers)]
				if err := ctx.Err(); err != nil {
					return err
				}
				before := cpuTime(s.pid)
				r, err := httpload.Run(s.targets[i], httpload.Options{Duration: c.duration, Conns: c.conns})
				if err != nil {
					return err
				}
				if r.Errors > 0 || r.Requests == 0 || r.Status["200"] != r.Requests || r.Bytes != int64(size)*int64(r.Requests) {
					return fmt.Errorf("%s at %d bytes: %+v", s.name, size, r)
				}
				s.results[i] = append(s.results[i], r)
				s.cpu[i] += cpuTime(s.pid) - before
			}
		}
	}
	return nil
}

func report(out io.Writer, servers []*server, c config) {
	fmt.Fprintf(out, "Segments, closed loop, %d connections, %d rounds of %v each, medians:\n\n", c.conns, c.rounds, c.duration)
	fmt.Fprintln(out, "| size | server | requests/s | MB/s | p50 ms | p99 ms | server CPU µs/request | StreamGate / this, requests/s | goal |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|")
	for i, size := range c.sizes {
		for _, s := range servers {
			rs := s.results[i]
			ratios := make([]float64, len(rs))
			for n, r := range rs {
				ratios[n] = servers[0].results[i][n].PerSecond / r.PerSecond
			}
			at := func(of func(httpload.Result) float64) float64 {
				var v []float64
				for _, r := range rs {
					v = append(v, of(r))
				}
				return median(v)
			}
			requests := 0
			for _, r := range rs {
				requests += r.Requests
			}
			ratio := ""
			if s != servers[0] {
				ratio = fmt.Sprintf("%.2f (%.2f to %.2f)", median(ratios), slices.Min(ratios), slices.Max(ratios))
			}
			fmt.Fprintf(out, "| %d | %s | %.0f | %.0f | %.2f | %.2f | %.1f | %s | %s |\n", size, s.name,
				at(func(r httpload.Result) float64 { return r.PerSecond }), at(func(r httpload.Result) float64 { return r.MBPerSec }),
				at(func(r httpload.Result) float64 { return r.P50 }), at(func(r httpload.Result) float64 { return r.P99 }),
				float64(s.cpu[i].Microseconds())/float64(requests), ratio, goal(s.name, size))
		}
	}
	fmt.Fprintln(out)
}

// goal is what the project set itself, as requests/s over those of a peer.
func goal(peer string, size int) string {
	switch {
	case peer == "bare net/http":
		return ">= 0.9"
	case peer == "nginx secure_link" && size == 500_000:
		return ">= 0.7"
	case peer == "nginx secure_link" && size == 2_600_000:
		return ">= 1.0"
	}
	return ""
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// signLink makes the link that nginx's secure_link_md5 expects.
func signLink(uri string, expires int64) string {
	sum := md5.Sum(fmt.Appendf(nil, "%d%s %s", expires, uri, linkSecret))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// sameBytes asks for each target once and compares with the files.
func sameBytes(ctx context.Context, lines, dir string, names []string) error {
	for i, line := range strings.Split(strings.TrimSpace(lines), "\n") {
		got, err := fetch(ctx, strings.TrimPrefix(line, "GET "))
		if err != nil {
			return err
		}
		want, err := os.ReadFile(filepath.Join(dir, names[i]))
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("%s serves other bytes", names[i])
		}
	}
	return nil
}

func fetch(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	return do(req)
}

func do(req *http.Request) ([]byte, error) {
	b, _, err := exchange(req)
	return b, err
}

// exchange sends a request; an answer that is no success is an error.
func exchange(req *http.Request) ([]byte, http.Header, error) {
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", req.Method, req.URL.Path, res.Status, b)
	}
	return b, res.Header, err
}
