package sqldb_test

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/media/playback/playbacktest"
)

func TestPlaybackStore(t *testing.T) {
	t.Parallel()
	playbacktest.RunStore(t, func(t *testing.T) playback.Store {
		db, err := sqldb.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db.Playback()
	})
}

func TestPlaybackGrantsSurviveARestart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	db, err := sqldb.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	r := playback.Record{Hash: "h", Tenant: "default", AssetID: "film", Version: 1, ExpiresAt: time.UnixMilli(5_000).UTC()}
	if err := errors.Join(db.Playback().Insert(t.Context(), r), db.Close()); err != nil {
		t.Fatal(err)
	}
	if db, err = sqldb.Open(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if got, err := db.Playback().Get(t.Context(), "h"); err != nil || !got.ExpiresAt.Equal(r.ExpiresAt) {
		t.Errorf("got %+v, %v", got, err)
	}
}
