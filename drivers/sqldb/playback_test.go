package sqldb

import (
	"errors"
	"testing"
	"time"

	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/media/playback/playbacktest"
)

func TestPlaybackStore(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, open func(testing.TB) *DB) {
		playbacktest.RunStore(t, func(t *testing.T) playback.Store { return open(t).Playback() })
	})
}

func TestPlaybackGrantsSurviveARestart(t *testing.T) {
	t.Parallel()
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			url := d.fresh(t)
			db := openURL(t, url, PostgresOptions{})
			r := playback.Record{Hash: "h", Tenant: "default", AssetID: "film", Version: 1, ExpiresAt: time.UnixMilli(5_000).UTC()}
			if err := errors.Join(db.Playback().Insert(t.Context(), r), db.Close()); err != nil {
				t.Fatal(err)
			}
			if got, err := openURL(t, url, PostgresOptions{}).Playback().Get(t.Context(), "h"); err != nil || !got.ExpiresAt.Equal(r.ExpiresAt) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}
