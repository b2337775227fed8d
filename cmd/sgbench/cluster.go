package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/streamgate/streamgate/internal/httpload"
)

// clusterAsset is the asset that both platforms of the cluster part serve.
const clusterAsset = "sgbench"

// clusterSizes are those of its segments: one of sound, one of 480p.
var clusterSizes = []int{14_000, 500_000}

// measureCluster compares the platform as one process, everything embedded, with the same binary as nine services. Both
// run all the time and are asked in turn.
func measureCluster(ctx context.Context, c config, dir string, out io.Writer) (err error) {
	if c.hopRate <= 0 || c.hop <= 0 || c.clip < 1 {
		return errors.New("-hop-rate, -hop and -clip are more than 0")
	}
	// PostgreSQL runs as another user, who must be able to pass; what is secret in the folder has modes of its own.
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	clip := filepath.Join(dir, "clip.mp4")
	if err := makeFilm(ctx, clip, c.clip); err != nil {
		return err
	}
	binary, err := referenceServer(ctx, c, dir)
	if err != nil {
		return err
	}
	g, err := startGround(ctx, c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.node.stop()) }()
	one, err := startOne(ctx, binary, filepath.Join(dir, "one"), g)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, one.stop()) }()
	nine, err := startNine(ctx, binary, filepath.Join(dir, "nine"), g)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, nine.stop()) }()
	fmt.Fprintf(out, "One process and nine services (two of streaming, two of worker, with PostgreSQL, Redis, NATS, S3 and Consul), both running, asked in turn: open loop, "+
		"%.0f requests/s, %d connections, %d rounds of %v, %d viewers; p50 / p95 / p99 in ms from when a request was due, medians of the rounds.\n\n", c.hopRate, c.conns, c.rounds, c.hop, c.viewers)
	if err := measureRequests(ctx, c, one, nine, out); err != nil {
		return err
	}
	if err := measureDecisions(ctx, c, g, nine, out); err != nil {
		return err
	}
	return measureUploads(ctx, c, g, clip, []*contestant{one, nine}, out)
}

// referenceServer is the binary that all processes run.
func referenceServer(ctx context.Context, c config, dir string) (string, error) {
	if c.binary != "" {
		return filepath.Abs(c.binary)
	}
	path := filepath.Join(dir, "refserver")
	if text, err := exec.CommandContext(ctx, "go", "build", "-o", path, "github.com/streamgate/streamgate/cmd/refserver").CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the reference server: %w\n%s", err, text)
	}
	return path, nil
}

// kind is a kind of request, and the role that answers it.
type kind struct {
	name, role string
	request    func(v *visitor, w viewing, n int) httpload.Request
}

func kinds() []kind {
	get := func(url string) httpload.Request { return httpload.Request{Method: "GET", URL: url} }
	segment := func(track int) func(*visitor, viewing, int) httpload.Request {
		return func(v *visitor, _ viewing, n int) httpload.Request {
			return get(fmt.Sprintf("%s/v1/media/%s/1/%s/h%d.m4s", v.url, clusterAsset, trackOf(track), n%segmentCount))
		}
	}
	return []kind{
		{"manifest (HLS media playlist)", "streaming", func(_ *visitor, w viewing, _ int) httpload.Request { return get(w.playlist) }},
		{"key (asks a cached decision)", "streaming", func(_ *visitor, w viewing, _ int) httpload.Request { return get(w.key) }},
		{"segment, 14 KB", "streaming", segment(0)},
		{"segment, 500 KB", "streaming", segment(1)},
		{"gate check (asks the chain)", "auth", func(v *visitor, _ viewing, _ int) httpload.Request {
			return httpload.Request{
				Method: "POST", URL: v.url + "/v1/gates/check", Header: v.header(), Body: fmt.Sprintf(`{"asset_id":%q,"account":%q}`, clusterAsset, v.account()),
			}
		}},
	}
}

// The columns of the table.
const (
	atOne = iota
	atNine
	pastGateway
	columns
)

// measureRequests lets the platforms answer the same requests in turn; a third column asks a role's process of the
// nine without the gateway.
func measureRequests(ctx context.Context, c config, one, nine *contestant, out io.Writer) error {
	all := kinds()
	targets := make([][columns]*httpload.Targets, len(all))
	for i, k := range all {
		for col, requests := range [columns][]httpload.Request{one.requests(k, one.url), nine.requests(k, nine.url), nine.requests(k, nine.past[k.role])} {
			t, err := httpload.New(requests)
			if err != nil {
				return err
			}
			targets[i][col] = t
		}
	}
	results := make([][columns][]httpload.Result, len(all))
	for round := -1; round < c.rounds; round++ { // the first, shorter, only warms up
		for i, k := range all {
			for turn := range columns {
				if err := ctx.Err(); err != nil {
					return err
				}
				col := (turn + round + columns) % columns
				r, err := ask(c, targets[i][col], round < 0)
				if err != nil {
					return fmt.Errorf("%s: %w", k.name, err)
				}
				if round >= 0 {
					results[i][col] = append(results[i][col], r)
				}
			}
		}
	}
	fmt.Fprintln(out, "| what | one process | nine services | past the gateway | nine / one, p50 | the gateway, p50 ms |\n|---|---|---|---|---|---|")
	for i, k := range all {
		p50 := [columns]float64{}
		fmt.Fprintf(out, "| %s |", k.name)
		for col, rs := range results[i] {
			var cells [3]float64
			cells[0], cells[1], cells[2] = percentiles(rs)
			p50[col] = cells[0]
			fmt.Fprintf(out, " %.2f / %.2f / %.2f |", cells[0], cells[1], cells[2])
		}
		fmt.Fprintf(out, " %.2f | %.2f |\n", p50[atNine]/p50[atOne], p50[atNine]-p50[pastGateway])
	}
	fmt.Fprintln(out)
	return nil
}

// ask loads one target; an answer that is not 200 spoils the run.
func ask(c config, t *httpload.Targets, warm bool) (httpload.Result, error) {
	o := httpload.Options{Rate: c.hopRate, Duration: c.hop, Conns: c.conns}
	if warm {
		o.Duration = max(c.hop/5, min(c.hop, 200e6))
	}
	r, err := httpload.Run(t, o)
	if err == nil && (r.Errors > 0 || r.Requests == 0 || r.Status["200"] != r.Requests) {
		err = fmt.Errorf("not every answer was 200: %+v", r)
	}
	return r, err
}

func percentiles(rs []httpload.Result) (p50, p95, p99 float64) {
	var a, b, d []float64
	for _, r := range rs {
		a, b, d = append(a, r.P50), append(b, r.P95), append(d, r.P99)
	}
	return median(a), median(b), median(d)
}

// requests are a kind's, of all visitors, sent to another address of the same platform.
func (p *contestant) requests(k kind, to string) []httpload.Request {
	var all []httpload.Request
	for i, v := range p.visitors {
		r := k.request(v, p.viewings[i], i)
		r.URL = to + strings.TrimPrefix(r.URL, p.url)
		all = append(all, r)
	}
	return all
}
