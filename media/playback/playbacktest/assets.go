package playbacktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/suite"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/cmaf"
	"github.com/streamgate/streamgate/media/playback"
)

// Library is a playback.Assets in memory with three assets of the tenant "test": "film",
// two hours in seven renditions, complete; "growing", whose version Grow lengthens; and "raw", which
// is not ready. All methods are safe for concurrent use.
type Library struct {
	mu       sync.Mutex
	assets   map[string]media.Asset
	versions map[string]*media.Version
}

var _ playback.Assets = (*Library)(nil)

// NewLibrary returns a library. Two of them hold the same.
func NewLibrary() *Library {
	at := time.UnixMilli(1_800_000_000_123).UTC()
	l := &Library{assets: map[string]media.Asset{}, versions: map[string]*media.Version{}}
	for _, id := range []string{"film", "growing", "raw"} {
		l.assets[id] = media.Asset{
			ID: id, Tenant: "test", Owner: "u1", Title: "Film \u2116 1", Description: "Two hours.", Tags: []string{"a", "b"}, Status: media.Ready,
			Gate: json.RawMessage(`{"gr":1,"when":{"role":"viewer"}}`), RuleID: "gr1:x", Policy: media.Policy{EpochMS: 8000, Public: true, Storage: "ipfs"},
			Version: 3, DurationMS: 7_200_000, Width: 1920, Height: 1080, Progress: media.Progress{Stage: "done", Percent: 99.5, Rung: "v360", ETASec: 1.25},
			CreatedAt: at, UpdatedAt: at.Add(time.Hour),
		}
	}
	l.assets["raw"] = media.Asset{ID: "raw", Tenant: "test", Owner: "u1", Status: media.Failed, Reason: "no picture", CreatedAt: at, UpdatedAt: at}
	l.versions["film"], l.versions["growing"] = longFilm("film", 1800), longFilm("growing", 3)
	l.versions["growing"].Complete = false
	return l
}

func longFilm(id string, segments int) *media.Version {
	v := &media.Version{
		AssetID: id, Tenant: "test", Number: 3, Grid: cmaf.Grid{SegmentMS: 4000, EpochSegments: 2}, Secret: []byte("\x00wrapped\xff"), Complete: true, Revision: int64(segments),
	}
	for i := range 7 {
		t := cmaf.Track{
			ID: fmt.Sprintf("v%d", i), Kind: cmaf.Video, Codec: "avc1.64001f", Timescale: 24000, Width: 1920, Height: 1080, FrameRateNum: 24000, FrameRateDen: 1001,
			Bandwidth: 5_000_000, PeakBandwidth: 6_000_000, Init: []byte("ftyp\x00moov"), Complete: true,
		}
		if i == 6 {
			t = cmaf.Track{ID: "a128", Kind: cmaf.Audio, Codec: "mp4a.40.2", Timescale: 48000, SampleRate: 48000, Channels: 2, Language: "en", Bandwidth: 128_000, PeakBandwidth: 130_000, Init: []byte("a")}
		}
		for n := range segments {
			t.Segments = append(t.Segments, cmaf.Segment{
				Object: fmt.Sprintf("%s/v3/%s/%04d", media.Scope("test", id), t.ID, n/15), Offset: int64(n%15) * 2_500_000, Length: 2_400_000 + int64(n*7919%100_000),
				Time: uint64(n) * 96096, Duration: 96096, Samples: 96,
			})
		}
		v.Tracks = append(v.Tracks, t)
	}
	return v
}

// Get implements playback.Assets.
func (l *Library) Get(ctx context.Context, tenant, id string) (media.Asset, error) {
	if err := ctx.Err(); err != nil {
		return media.Asset{}, fault.Wrap(fault.Canceled, "playbacktest.Get", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	a, ok := l.assets[id]
	if !ok || a.Tenant != tenant {
		return media.Asset{}, fault.New(fault.NotFound, "playbacktest.Get", "there is no such asset")
	}
	return a, nil
}

// Version implements playback.Assets.
func (l *Library) Version(ctx context.Context, tenant, id string, number int) (*media.Version, error) {
	const op = "playbacktest.Version"
	a, err := l.Get(ctx, tenant, id)
	if err != nil {
		return nil, fault.At(op, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.versions[id]
	if v == nil {
		return nil, fault.New(fault.Unavailable, op, "this video is not ready yet").After(2 * time.Second)
	}
	if number != 0 && number != a.Version {
		return nil, fault.New(fault.NotFound, op, "there is no such version")
	}
	return v, nil
}

// Grow adds a segment to each track of the asset "growing".
func (l *Library) Grow() {
	l.mu.Lock()
	defer l.mu.Unlock()
	longer := longFilm("growing", len(l.versions["growing"].Tracks[0].Segments)+1)
	longer.Complete = false
	l.versions["growing"] = longer
}

// Regrid changes the epoch of the asset "growing", as a change of its policy does: the revision stays.
func (l *Library) Regrid() {
	l.mu.Lock()
	defer l.mu.Unlock()
	other := *l.versions["growing"]
	other.Grid.EpochSegments = 3 - other.Grid.EpochSegments
	l.versions["growing"] = &other
}

// AssetsFixture is a playback.Assets under test that holds what a new Library holds.
type AssetsFixture struct {
	Assets playback.Assets
	// Grow and Regrid do what the methods of Library do.
	Grow, Regrid func(ctx context.Context) error
}

// NewAssets returns a fixture of its own for one check, which ends with t.Cleanup.
type NewAssets = func(t testing.TB) AssetsFixture

// RunAssets checks that what newAssets makes keeps the promises of playback.Assets.
func RunAssets(t *testing.T, newAssets NewAssets) { suite.Run(t, assetsChecks(), newAssets) }

// FailingAssets returns the names of the checks that do not pass, without failing t.
func FailingAssets(t *testing.T, newAssets NewAssets) []string {
	return suite.Failing(t, assetsChecks(), newAssets)
}

func assetsChecks() []suite.Check[NewAssets] {
	return []suite.Check[NewAssets]{
		{Name: "records are whole", Run: assetsWhole},
		{Name: "what is not there is not found", Run: assetsMissing},
		{Name: "what is not ready says when", Run: assetsNotReady},
		{Name: "a change is seen at the next call", Run: assetsChange},
		{Name: "an ended context", Run: assetsEnded},
		{Name: "concurrent use", Run: assetsTogether},
	}
}

func assetsWhole(t testing.TB, newAssets NewAssets) {
	f, want := newAssets(t), NewLibrary()
	for _, id := range []string{"film", "raw"} {
		a, err := f.Assets.Get(t.Context(), "test", id)
		if err != nil || !reflect.DeepEqual(a, want.assets[id]) {
			t.Errorf("Get(%s) is %+v, %v", id, a, err)
		}
	}
	for range 2 {
		for _, number := range []int{0, 3} {
			v, err := f.Assets.Version(t.Context(), "test", "film", number)
			if err != nil || !reflect.DeepEqual(v, want.versions["film"]) {
				t.Errorf("Version(film, %d) is another, %v", number, err)
			}
		}
	}
}

func assetsMissing(t testing.TB, newAssets NewAssets) {
	f := newAssets(t)
	for _, q := range [][2]string{{"test", "none"}, {"other", "film"}, {"test", ""}} {
		if _, err := f.Assets.Get(t.Context(), q[0], q[1]); !errors.Is(err, fault.NotFound) {
			t.Errorf("Get(%q): %v, want fault.NotFound", q, err)
		}
		if _, err := f.Assets.Version(t.Context(), q[0], q[1], 0); !errors.Is(err, fault.NotFound) {
			t.Errorf("Version(%q): %v, want fault.NotFound", q, err)
		}
	}
	if _, err := f.Assets.Version(t.Context(), "test", "film", 3); err != nil {
		t.Error(err)
	}
	if _, err := f.Assets.Version(t.Context(), "test", "film", 2); !errors.Is(err, fault.NotFound) {
		t.Errorf("a version that does not play: %v, want fault.NotFound", err)
	}
}

func assetsNotReady(t testing.TB, newAssets NewAssets) {
	f := newAssets(t)
	_, err := f.Assets.Version(t.Context(), "test", "raw", 0)
	if _, _, retry := fault.Public(err); !errors.Is(err, fault.Unavailable) || retry != 2*time.Second {
		t.Errorf("Version of what is not ready: %v after %v, want fault.Unavailable and when to come back", err, retry)
	}
}

func assetsChange(t testing.TB, newAssets NewAssets) {
	f := newAssets(t)
	for want := 3; want < 6; want++ {
		v, err := f.Assets.Version(t.Context(), "test", "growing", 3)
		if err != nil || v.Complete || v.Revision != int64(want) || len(v.Tracks) != 7 || len(v.Tracks[6].Segments) != want {
			t.Fatalf("after %d changes: %+v, %v", want-3, v, err)
		}
		if err := f.Grow(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []int{2, 1, 2} {
		v, err := f.Assets.Version(t.Context(), "test", "growing", 3)
		if err != nil || v.Grid.EpochSegments != want {
			t.Fatalf("the grid is %+v, %v, want epochs of %d segments", v.Grid, err, want)
		}
		if err := f.Regrid(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func assetsEnded(t testing.TB, newAssets NewAssets) {
	f := newAssets(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Assets.Get(ctx, "test", "film"); !errors.Is(err, fault.Canceled) {
		t.Errorf("Get: %v, want fault.Canceled", err)
	}
	if _, err := f.Assets.Version(ctx, "test", "film", 0); !errors.Is(err, fault.Canceled) {
		t.Errorf("Version: %v, want fault.Canceled", err)
	}
}

func assetsTogether(t testing.TB, newAssets NewAssets) {
	f := newAssets(t)
	var wg sync.WaitGroup
	for i := range 8 {
		id := []string{"film", "growing"}[i%2]
		wg.Go(func() {
			for range 5 {
				a, err := f.Assets.Get(t.Context(), "test", id)
				v, verr := f.Assets.Version(t.Context(), "test", id, 0)
				if err != nil || verr != nil || a.ID != id || v.AssetID != id {
					t.Errorf("asked for %s: %q, %v, %v", id, a.ID, err, verr)
					return
				}
			}
		})
	}
	wg.Wait()
}
