package playback_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/drivers/redis"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/servers"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/cmaf"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/cache"
	"github.com/streamgate/streamgate/storage/mem"
)

// client opens a client of s that is as patient as a busy machine needs.
func client(t testing.TB, s *servers.Redis) *redis.Cache {
	t.Helper()
	c, err := redis.Open(context.Background(), redis.Options{Addr: s.Addr, Password: s.Password, Prefix: "p:", Timeout: 20 * time.Second, Cooldown: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c.Cache()
}

// another makes a second process of f: a service with memory of its own over the same
// stores, with its own client of the shared cache.
func (f *fixture) another(t testing.TB, shared cache.Cache) *fixture {
	t.Helper()
	g := *f
	if shared != nil {
		g.opt.SharedCache = shared
	}
	g.restart(t)
	return &g
}

func TestAThousandFirstViewersOfTwoProcessesMakeOneRead(t *testing.T) {
	t.Parallel()
	s := servers.RedisFor(t)
	f := setup(t, func(o *playback.Options) { o.SharedCache = client(t, s) })
	processes := []*fixture{f, f.another(t, client(t, s))}
	want, err := setup(t).Media(t.Context(), "film", 1, "v360", "d1.m4s")
	body := text(t, want, err)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Go(func() {
			<-start
			r, err := processes[i%2].Media(context.Background(), "film", 1, "v360", "d1.m4s")
			if err != nil {
				t.Errorf("viewer %d: %v", i, err)
			} else if got := text(t, r, err); got != body || r.ETag != want.ETag {
				t.Errorf("viewer %d got other bytes", i)
			}
		})
	}
	close(start)
	wg.Wait()
	if n := f.objects.reads.Load(); n != 1 {
		t.Errorf("%d reads of the origin", n)
	}
}

func TestWhatTheSharedCacheHoldsIsNotTrusted(t *testing.T) {
	t.Parallel()
	s := servers.RedisFor(t)
	f := setup(t, func(o *playback.Options) { o.SharedCache = client(t, s) })
	ctx := t.Context()
	names := []string{"h0.m4s", "h1.m4s", "d0.m4s"}
	want := map[string]string{}
	for _, name := range names {
		r, err := f.Media(ctx, "film", 1, "v360", name)
		want[name] = text(t, r, err)
	}
	stored, err := s.Admin().Keys(ctx, "p:v:segment/*").Result()
	if err != nil || len(stored) != len(names) {
		t.Fatalf("the shared cache holds %q, %v", stored, err)
	}
	sort.Strings(stored) // d0, h0, h1
	entry := func(i int) []byte {
		b, err := s.Admin().Get(ctx, stored[i]).Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	victim, other := entry(1), entry(2)
	flipped := bytes.Clone(victim)
	flipped[len(flipped)-1] ^= 1
	version := bytes.Clone(victim)
	version[1] = 9
	body := append(bytes.Clone(victim[:34]), strings.Repeat("x", 1000)...)
	for name, spoiled := range map[string][]byte{
		"truncated": victim[:len(victim)-1], "a bit flipped": flipped, "another segment": other, "another version": version, "another body": body,
		"the header alone": victim[:34], "almost nothing": victim[:2], "empty": {1}, "not ours": []byte("nonsense"), "huge": make([]byte, 9<<20),
	} {
		if err := s.Admin().Set(ctx, stored[1], spoiled, time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		before := f.objects.reads.Load()
		r, err := f.another(t, nil).Media(ctx, "film", 1, "v360", "h0.m4s")
		if text(t, r, err) != want["h0.m4s"] {
			t.Errorf("%s: served", name)
		}
		if n := f.objects.reads.Load() - before; n != 1 {
			t.Errorf("%s: %d reads of the origin", name, n)
		}
		if !bytes.Equal(entry(1), victim) {
			t.Errorf("%s: not replaced", name)
		}
	}
	// And a good one is used.
	before := f.objects.reads.Load()
	r, err := f.another(t, nil).Media(ctx, "film", 1, "v360", "h0.m4s")
	if text(t, r, err) != want["h0.m4s"] || f.objects.reads.Load() != before {
		t.Errorf("%d reads for what is shared", f.objects.reads.Load()-before)
	}
}

func TestSegmentsWithoutTheSharedCache(t *testing.T) {
	t.Parallel()
	s := servers.RedisFor(t)
	f := setup(t, func(o *playback.Options) { o.SharedCache = client(t, s) })
	second := f.another(t, client(t, s))
	for i, step := range []struct {
		name  string
		spoil func() error
	}{{"flushed", func() error { return s.FlushAll(t.Context()) }}, {"killed", s.Kill}, {"restarted", func() error { return s.Restart(t.Context()) }}} {
		if err := step.spoil(); err != nil {
			t.Fatal(err)
		}
		for _, p := range []*fixture{f, second} {
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() {
					if _, err := p.Media(context.Background(), "film", 1, "v180", fmt.Sprintf("h%d.m4s", i)); err != nil {
						t.Errorf("%s: %v", step.name, err)
					}
				})
			}
			wg.Wait()
		}
	}
	if n := f.objects.reads.Load(); n > 6 {
		t.Errorf("%d reads of three segments by two processes", n)
	}
}

// manyAssets is a catalogue of n public assets of one small segment each.
func manyAssets(t testing.TB, n int) (*library, storage.Store, keys.Manager) {
	t.Helper()
	ctx := context.Background()
	lib := &library{assets: map[string]media.Asset{}, versions: map[string]*media.Version{}}
	objects, ring := mem.New(), keys.NewMemory()
	for i := range n {
		id := fmt.Sprintf("a%04d", i)
		_, wrapped, err := ring.DataKey(ctx, media.Scope("default", id))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := objects.Put(ctx, id, strings.NewReader(strings.Repeat(id, 100)), storage.PutOptions{}); err != nil {
			t.Fatal(err)
		}
		lib.assets[id] = media.Asset{ID: id, Tenant: "default", Version: 1, Status: media.Ready}
		lib.versions[id] = &media.Version{
			AssetID: id, Tenant: "default", Number: 1, Complete: true, Revision: 1, Secret: wrapped, Grid: cmaf.Grid{SegmentMS: 4000, EpochSegments: 1},
			Tracks: []cmaf.Track{{ID: "v", Kind: cmaf.Video, Complete: true, Segments: []cmaf.Segment{{Object: id, Length: 500}}}},
		}
	}
	return lib, objects, ring
}

// zipf draws ranks from 0 below n with the probability of 1/(rank+1)^s.
func zipf(n int, s float64, r *rand.Rand) func() int {
	sums, sum := make([]float64, n), 0.0
	for i := range sums {
		sum += math.Pow(float64(i+1), -s)
		sums[i] = sum
	}
	return func() int { return sort.SearchFloat64s(sums, r.Float64()*sum) }
}

// A hundred thousand plays of a thousand assets, few of them popular: over two processes, each
// with room for a quarter of the catalogue, and a shared cache with room for four fifths of it.
func TestHitRateOfAReplay(t *testing.T) {
	t.Parallel()
	const assets, plays = 1000, 100_000
	lib, objects, ring := manyAssets(t, assets)
	counting := &countingStore{Store: objects}
	reader := sdk.NewManualReader()
	now := time.Unix(1_800_000_000, 0)
	const entry = 512 + 33 + 256 // the padded segment, its seal, bookkeeping
	f := setup(t, func(o *playback.Options) {
		o.Assets, o.Objects, o.Keys = lib, counting, ring
		o.Now = func() time.Time { return now }
		o.SegmentCacheBytes = assets * entry / 4
		o.SharedCache = cache.NewLRU(cache.LRUOptions{MaxBytes: assets * entry * 4 / 5, Now: o.Now})
		o.Meters = sdk.NewMeterProvider(sdk.WithReader(reader))
	})
	processes := []*fixture{f, f.another(t, nil)}
	r := rand.New(rand.NewPCG(1, 2))
	next := zipf(assets, 1.0, r)
	for i := range plays {
		if _, err := processes[i%2].Media(t.Context(), fmt.Sprintf("a%04d", next()), 1, "v", "h0.m4s"); err != nil {
			t.Fatal(err)
		}
	}
	reads := counting.reads.Load()
	got := requests(t, reader)
	rate := 1 - float64(reads)/plays
	t.Logf("%d plays, %d origin reads, hit rate %.4f; %v", plays, reads, rate, got)
	if rate <= 0.95 {
		t.Errorf("hit rate %.4f, want more than 0.95", rate)
	}
	// The metric tells the same.
	if got["segments overall miss"] != reads || got["segments overall hit"] != plays-reads {
		t.Errorf("the metric says %v, %d reads were made", got, reads)
	}
	if p := got["segments process hit"]; p == 0 || p+got["segments shared hit"] != plays-reads {
		t.Errorf("levels: %v", got)
	}
}

func requests(t *testing.T, reader *sdk.ManualReader) map[string]int64 {
	t.Helper()
	var out metricdata.ResourceMetrics
	if err := reader.Collect(context.Background(), &out); err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, scope := range out.ScopeMetrics {
		for _, m := range scope.Metrics {
			sum, ok := m.Data.(metricdata.Sum[int64])
			if m.Name != "streamgate.cache.requests" || !ok {
				continue
			}
			for _, p := range sum.DataPoints {
				label := func(k attribute.Key) string { v, _ := p.Attributes.Value(k); return v.AsString() }
				got[label("cache")+" "+label("level")+" "+label("outcome")] += p.Value
			}
		}
	}
	return got
}

func TestCachesOfAViewingAreCounted(t *testing.T) {
	t.Parallel()
	reader := sdk.NewManualReader()
	f := setup(t, func(o *playback.Options) { o.Meters = sdk.NewMeterProvider(sdk.WithReader(reader)) })
	g := f.open(t, viewer(alice), "film")
	for range 2 {
		r, err := f.HLS(t.Context(), g.Token, "master.m3u8")
		text(t, r, err)
		if _, err := f.Key(t.Context(), g.Token, f.kids(t, g.Token)[0]); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Media(t.Context(), "film", 9, "v360", "h0.m4s"); !errors.Is(err, fault.NotFound) {
		t.Fatal(err)
	}
	got := requests(t, reader)
	for _, name := range []string{"manifests overall miss", "manifests process hit", "versions overall hit", "versions process miss", "assets process hit"} {
		if got[name] == 0 {
			t.Errorf("%s is not counted: %v", name, got)
		}
	}
}
