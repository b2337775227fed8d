package media_test

import (
	"testing"

	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/cmaf"
)

func samples(t cmaf.Track) (n int) {
	for _, s := range t.Segments {
		n += s.Samples
	}
	return n
}

func TestUploadBecomesReady(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	h.run()
	a := h.create("Big Buck Bunny")
	h.upload(a.ID, fixture(t, "bbb_prog_10s.mp4"))
	a = h.await(a.ID, media.Ready, media.Failed)
	if a.Status != media.Ready {
		t.Fatalf("failed: %s", a.Reason)
	}
	v, err := h.svc.Version(t.Context(), "default", a.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, tr := range v.Tracks {
		t.Logf("%s %s %dx%d ts %d %d segs %d samples %d/%d bit/s", tr.ID, tr.Codec, tr.Width, tr.Height, tr.Timescale, len(tr.Segments), samples(tr), tr.Bandwidth, tr.PeakBandwidth)
		for _, s := range tr.Segments {
			t.Logf("  %+v", s)
		}
	}
}
