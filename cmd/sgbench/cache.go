package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"time"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/internal/servers"
	"github.com/streamgate/streamgate/storage/file"
)

const (
	// smallSegment and bigSegment are the sizes of what is replayed, and of what the crowd asks for.
	smallSegment, bigSegment = 4096, 500_000
	crowdAsset               = "crowd"
	cacheProcesses           = 2
	maxCrowd                 = 4096
)

// measureCache has two streaming processes, which share a real Redis and one store, serve a replay in which few assets are
// popular, and then a crowd that asks for one new segment at once. What reaches the store is told by the platform's own metric.
func measureCache(ctx context.Context, c config, dir string, out io.Writer) (err error) {
	if c.assets < 1 || c.plays < 1 || c.crowd < 1 || c.crowd > maxCrowd {
		return fmt.Errorf("-assets and -plays are at least 1, and -crowd 1 to %d", maxCrowd)
	}
	dir = filepath.Join(dir, "cache")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	redis, err := servers.StartRedis(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, redis.Close()) }()
	// Each process has room for a quarter of the catalogue; an entry has some bookkeeping of its own.
	orders := sharedOrders{Dir: dir, Redis: redis.URL(), SegmentCache: max(int64(c.assets)*(smallSegment+256)/4, 2*bigSegment)}
	if err := catalogue(ctx, orders, c.assets); err != nil {
		return err
	}
	crew := make([]*streamer, cacheProcesses)
	for i := range crew {
		s := &streamer{}
		if s.child, err = start(ctx, "streamer", orders, &s.said); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.stop()) }()
		crew[i] = s
	}
	client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: maxCrowd}}
	defer client.CloseIdleConnections()
	fmt.Fprintf(out, "Two streaming processes over a real Redis, each with memory for a quarter of the catalogue.\n\n")
	fmt.Fprintln(out, "| what | requests | from the process | from Redis | waited for another's | reads of the origin | hit rate | took | goal |\n|---|---|---|---|---|---|---|---|---|")
	next := zipf(c.assets, rand.New(rand.NewPCG(1, 2)))
	urls := make([]string, c.plays)
	for i := range urls {
		urls[i] = fmt.Sprintf("%s/v1/media/%s/1/%s/h0.m4s", crew[i%cacheProcesses].said.URL, assetName(next()), trackOf(0))
	}
	replay := func() error { return askAll(ctx, client, urls, 16, smallSegment) }
	if err := counted(ctx, crew, fmt.Sprintf("replay of %d assets, Zipf 1.0", c.assets), "> 0.95", len(urls), replay, out); err != nil {
		return err
	}
	crowd := make([]string, c.crowd)
	for i := range crowd {
		crowd[i] = fmt.Sprintf("%s/v1/media/%s/1/%s/h0.m4s", crew[i%cacheProcesses].said.URL, crowdAsset, trackOf(0))
	}
	rush := func() error { return askAll(ctx, client, crowd, len(crowd), bigSegment) }
	if err := counted(ctx, crew, "first viewers of a segment of 500 KB, all at once", "1 read", len(crowd), rush, out); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nThe first play of each asset has to read the origin; the rest is what the caches forgot.")
	fmt.Fprintln(out)
	return nil
}

// catalogue stores the assets, each public and of one segment.
func catalogue(ctx context.Context, o sharedOrders, n int) error {
	in, closeAll, err := o.open(ctx)
	if err != nil {
		return err
	}
	put := func(id string, size int) error {
		if err := create(ctx, in, id, ""); err != nil {
			return err
		}
		return insert(ctx, in, id, 1, []int{size})
	}
	err = put(crowdAsset, bigSegment)
	for i := range n {
		if err == nil {
			err = put(assetName(i), smallSegment)
		}
	}
	return errors.Join(err, closeAll())
}

func assetName(i int) string { return fmt.Sprintf("a%05d", i) }

// zipf draws ranks from 0 below n with a probability of one part in rank+1.
func zipf(n int, r *rand.Rand) func() int {
	sums, sum := make([]float64, n), 0.0
	for i := range sums {
		sum += math.Pow(float64(i+1), -1)
		sums[i] = sum
	}
	return func() int { return sort.SearchFloat64s(sums, r.Float64()*sum) }
}

// askAll asks for every URL once, so many at a time, and wants size bytes from each.
func askAll(ctx context.Context, client *http.Client, urls []string, atOnce, size int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	work := make(chan string)
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			for url := range work {
				if err := askOne(ctx, client, url, size); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, url := range urls {
		if ctx.Err() != nil {
			break
		}
		work <- url
	}
	close(work)
	wg.Wait()
	return context.Cause(ctx)
}

func askOne(ctx context.Context, client *http.Client, url string, size int) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	if err == nil && (res.StatusCode != http.StatusOK || n != int64(size)) {
		err = fmt.Errorf("%s: %s, %d bytes", url, res.Status, n)
	}
	return err
}

// counted does what f does and writes what the caches say of it.
func counted(ctx context.Context, crew []*streamer, what, goal string, requests int, f func() error, out io.Writer) error {
	before, err := totals(ctx, crew)
	if err != nil {
		return err
	}
	begin := time.Now()
	if err := f(); err != nil {
		return err
	}
	took := time.Since(begin)
	after, err := totals(ctx, crew)
	if err != nil {
		return err
	}
	reads := after["overall miss"] - before["overall miss"]
	fmt.Fprintf(out, "| %s | %d | %d | %d | %d | %d | %.4f | %.1f s | %s |\n", what, requests, after["process hit"]-before["process hit"], after["shared hit"]-before["shared hit"],
		after["overall joined"]-before["overall joined"], reads, 1-float64(reads)/float64(requests), took.Seconds(), goal)
	return nil
}

func totals(ctx context.Context, crew []*streamer) (map[string]int64, error) {
	sum := map[string]int64{}
	for _, s := range crew {
		b, err := fetch(ctx, s.said.URL+"/metrics")
		if err != nil {
			return nil, err
		}
		var one map[string]int64
		if err := json.Unmarshal(b, &one); err != nil {
			return nil, err
		}
		for k, n := range one {
			sum[k] += n
		}
	}
	return sum, nil
}

// streamer is a streaming process.
type streamer struct {
	*child
	said greeting
}

// sharedOrders tell processes where the things are that they share.
type sharedOrders struct {
	Dir          string `json:"dir"`
	Redis        string `json:"redis"`
	SegmentCache int64  `json:"segment_cache"`
}

func (o sharedOrders) open(ctx context.Context) (in home, closeAll func() error, err error) {
	if in.db, err = sqldb.Open(ctx, filepath.Join(o.Dir, streamgate.DatabaseFile)); err != nil {
		return in, nil, err
	}
	objects, err := file.Open(filepath.Join(o.Dir, "objects"), file.Options{})
	if err != nil {
		return in, nil, errors.Join(err, in.db.Close())
	}
	in.objects = objects
	closeAll = func() error { return errors.Join(objects.Close(), in.db.Close()) }
	master, err := keys.OpenFileMaster(filepath.Join(o.Dir, "master.key"), keys.FileOptions{})
	if err == nil {
		in.keys, err = keys.NewShared(master, in.db.Keys(), keys.SharedOptions{})
	}
	if err != nil {
		return in, nil, errors.Join(err, closeAll())
	}
	return in, closeAll, nil
}
