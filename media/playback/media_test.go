package playback_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/cmaf"
	"github.com/streamgate/streamgate/media/playback"
)

func TestAThousandFirstViewersMakeOneRead(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.objects.block = make(chan struct{})
	var wg sync.WaitGroup
	bodies := make([]string, 1000)
	for i := range bodies {
		wg.Go(func() {
			r, err := f.Media(context.Background(), "film", 1, "v360", "d1.m4s")
			bodies[i] = text(t, r, err)
		})
	}
	// One caller who hangs up fails nobody else.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := f.Media(ctx, "film", 1, "v360", "d1.m4s")
	wantKind(t, err, fault.Canceled)
	close(f.objects.block)
	wg.Wait()
	for i, b := range bodies {
		if b != bodies[0] {
			t.Fatalf("viewer %d got other bytes", i)
		}
	}
	if n := f.objects.reads.Load(); n != 1 {
		t.Errorf("%d reads of the origin", n)
	}
}

func TestEveryProcessMakesTheSameBytes(t *testing.T) {
	t.Parallel()
	f, g := setup(t), setup(t)
	for _, track := range []string{"v360", "v180", "a64"} {
		for _, name := range []string{"init.mp4", "h0.m4s", "h3.m4s", "d0.m4s", "d3.m4s", "d2-init.mp4"} {
			a, err := f.Media(t.Context(), "film", 1, track, name)
			x := text(t, a, err)
			b, err := g.Media(t.Context(), "film", 1, track, name)
			if y := text(t, b, err); x != y || a.ETag != b.ETag || !a.Immutable || a.ETag[0] != '"' {
				t.Errorf("%s/%s differs, ETags %s %s", track, name, a.ETag, b.ETag)
			}
			if want := map[bool]string{true: "audio/mp4", false: "video/mp4"}[track == "a64"]; a.ContentType != want {
				t.Errorf("%s is %s", track, a.ContentType)
			}
		}
	}
}

func TestMediaThatIsNotThere(t *testing.T) {
	t.Parallel()
	f := setup(t)
	f.lib.versions["film"].Tracks = append([]cmaf.Track(nil), f.lib.versions["film"].Tracks...)
	for i := range f.lib.versions["film"].Tracks {
		if tr := &f.lib.versions["film"].Tracks[i]; tr.ID == "v180" {
			tr.Complete = false
		}
	}
	for _, c := range []struct {
		asset       string
		version     int
		track, name string
		want        fault.Kind
	}{
		{"film", 1, "v360", "h4.m4s", fault.NotFound}, {"film", 1, "v360", "d4-init.mp4", fault.NotFound}, {"film", 1, "v180", "h4.m4s", fault.Unavailable},
		{"film", 1, "v999", "h0.m4s", fault.NotFound}, {"film", 2, "v360", "h0.m4s", fault.NotFound}, {"film", 0, "v360", "h0.m4s", fault.NotFound},
		{"none", 1, "v360", "h0.m4s", fault.NotFound}, {"film", 1, "v360", "h00.m4s", fault.NotFound}, {"film", 1, "v360", "h-1.m4s", fault.NotFound},
		{"film", 1, "v360", "h+1.m4s", fault.NotFound}, {"film", 1, "v360", "../h0.m4s", fault.NotFound}, {"film", 1, "v360", "h9999999999.m4s", fault.NotFound},
	} {
		_, err := f.Media(t.Context(), c.asset, c.version, c.track, c.name)
		if fault.KindOf(err) != c.want {
			t.Errorf("%+v: %v", c, err)
		}
		if _, _, retry := fault.Public(err); (retry > 0) != (c.want == fault.Unavailable) {
			t.Errorf("%+v: RetryAfter %v", c, retry)
		}
	}
}

func TestMediaOfATenant(t *testing.T) {
	t.Parallel()
	f := setup(t, func(o *playback.Options) {
		o.TenantOf = func(_ context.Context, asset string) (string, error) {
			if asset != "film" {
				return "", fault.New(fault.NotFound, "tenantOf", "")
			}
			return "other", nil
		}
	})
	for _, asset := range []string{"film", "x"} {
		_, err := f.Media(t.Context(), asset, 1, "v360", "h0.m4s")
		wantKind(t, err, fault.NotFound)
	}
}

func TestManifests(t *testing.T) {
	t.Parallel()
	f := setup(t, func(o *playback.Options) { o.PathPrefix = "https://api.example/v1" })
	ctx := context.Background()
	g := f.open(t, viewer(alice), "film")
	other := f.open(t, auth.Principal{Tenant: "default", UserID: owner}, "film")
	r, err := f.HLS(ctx, g.Token, "master.m3u8")
	master := text(t, r, err)
	for _, want := range []string{"v360.m3u8", "v180.m3u8", `URI="a64.m3u8"`, "RESOLUTION=640x360", "FRAME-RATE=24.000", "mp4a.40.2"} {
		if !strings.Contains(master, want) {
			t.Errorf("no %s in\n%s", want, master)
		}
	}
	for _, name := range []string{"v360.m3u8", "a64.m3u8"} {
		r, err := f.HLS(ctx, g.Token, name)
		mine := text(t, r, err)
		if strings.Index(mine, "#EXT-X-MAP") > strings.Index(mine, "#EXT-X-KEY") || !strings.Contains(mine, "TYPE:VOD") || strings.Count(mine, "#EXT-X-KEY") != 4 ||
			!strings.Contains(mine, "\n../../../media/film/1/"+strings.TrimSuffix(name, ".m3u8")+"/h3.m4s\n#EXT-X-ENDLIST") {
			t.Errorf("%s:\n%s", name, mine)
		}
		r2, err := f.HLS(ctx, other.Token, name)
		if text(t, r2, err) != mine || r2.ETag != r.ETag {
			t.Errorf("%s differs between viewers", name)
		}
	}
	r, err = f.DASH(ctx, g.Token)
	mpd := text(t, r, err)
	if n := strings.Count(mpd, "<dashif:Laurl xmlns:dashif=\"https://dashif.org/CPS\">https://api.example/v1/play/"+g.Token+"/license<"); n != 16 || strings.Count(mpd, "<Period") != 4 {
		t.Errorf("%d licence URLs in\n%s", n, mpd)
	}
	for _, name := range []string{"x.m3u8", "v360", "../v360.m3u8", ""} {
		_, err := f.HLS(ctx, g.Token, name)
		wantKind(t, err, fault.NotFound)
	}
}

func TestManifestsOfAGrowingAsset(t *testing.T) {
	t.Parallel()
	f := setup(t)
	v := f.lib.versions["film"]
	full := v.Tracks
	v.Complete, v.Tracks = false, nil
	for _, tr := range full {
		tr.Complete = false
		tr.Segments = tr.Segments[:map[string]int{"v360": 0, "v180": 2, "a64": 3}[tr.ID]]
		v.Tracks = append(v.Tracks, tr)
	}
	ctx := context.Background()
	g := f.open(t, viewer(alice), "film")
	r, err := f.HLS(ctx, g.Token, "master.m3u8")
	if master := text(t, r, err); strings.Contains(master, "v360") || !strings.Contains(master, "v180") {
		t.Errorf("got\n%s", master)
	}
	r, err = f.HLS(ctx, g.Token, "v180.m3u8")
	if list := text(t, r, err); !strings.Contains(list, "TYPE:EVENT") || strings.Contains(list, "ENDLIST") || strings.Count(list, "EXTINF") != 2 {
		t.Errorf("got\n%s", list)
	}
	for _, ask := range []func() (playback.Resource, error){
		func() (playback.Resource, error) { return f.HLS(ctx, g.Token, "v360.m3u8") },
		func() (playback.Resource, error) { return f.DASH(ctx, g.Token) },
	} {
		_, err := ask()
		wantKind(t, err, fault.Unavailable)
		if _, _, retry := fault.Public(err); retry == 0 {
			t.Error("no RetryAfter")
		}
	}
}

// A few frames of one track that run into an epoch of their own are no Period; sound alone is no picture.
func TestDASHTailAndAudioOnly(t *testing.T) {
	t.Parallel()
	f := setup(t)
	var audio []cmaf.Track
	for _, tr := range f.lib.versions["film"].Tracks {
		if tr.Kind == cmaf.Audio {
			last := tr.Segments[len(tr.Segments)-1]
			last.Time += last.Duration
			last.Duration = 1024
			tr.Segments = append(append([]cmaf.Segment(nil), tr.Segments...), last)
			audio = append(audio, tr)
		}
	}
	version := func(tracks []cmaf.Track) *media.Version {
		v := f.film.Version
		v.Tracks = tracks
		return &v
	}
	for name, c := range map[string]struct {
		tracks  []cmaf.Track
		periods int
	}{
		"a short tail": {append(append([]cmaf.Track(nil), f.film.Version.Tracks[:2]...), audio...), 4},
		"audio alone":  {audio, 5},
	} {
		f.lib.versions["film"] = version(c.tracks)
		f.restart(t)
		g := f.open(t, viewer(alice), "film")
		r, err := f.DASH(t.Context(), g.Token)
		if got := strings.Count(text(t, r, err), "<Period"); got != c.periods {
			t.Errorf("%s: %d periods, want %d", name, got, c.periods)
		}
		r, err = f.HLS(t.Context(), g.Token, "master.m3u8")
		if m := text(t, r, err); !strings.Contains(m, "a64.m3u8") {
			t.Errorf("%s: %s", name, m)
		}
	}
}

func BenchmarkManifest(b *testing.B) {
	f := setup(b)
	g := f.open(b, viewer(alice), "film")
	for name, ask := range map[string]func() (playback.Resource, error){
		"hls":  func() (playback.Resource, error) { return f.HLS(context.Background(), g.Token, "v360.m3u8") },
		"dash": func() (playback.Resource, error) { return f.DASH(context.Background(), g.Token) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := ask(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
		})
	}
}

func BenchmarkKey(b *testing.B) {
	f := setup(b)
	grants := make([]playback.Grant, 1000)
	for i := range grants {
		grants[i] = f.open(b, viewer(alice), "film")
	}
	kid := f.kids(b, grants[0].Token)[0]
	i := 0
	for b.Loop() {
		i++
		if _, err := f.Key(context.Background(), grants[i%len(grants)].Token, kid); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
}

func BenchmarkMediaCached(b *testing.B) {
	f := setup(b)
	for b.Loop() {
		if _, err := f.Media(context.Background(), "film", 1, "v360", "h0.m4s"); err != nil {
			b.Fatal(err)
		}
	}
}
