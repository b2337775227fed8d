package sqldb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/mediatest"
)

func ExampleDB_Media() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	db, err := Open(ctx, filepath.Join(dir, "sg.db"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	_, err = db.Media().Asset(ctx, "default", "none")
	fmt.Println(fault.KindOf(err))
	// Output: not_found
}

func TestMediaStore(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, open func(testing.TB) *DB) {
		mediatest.RunStore(t, func(t testing.TB) media.Store { return open(t).Media() })
	})
}

// What people write may hold a NUL, which PostgreSQL does not store.
func TestNUL(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, open func(testing.TB) *DB) {
		m := open(t).Media()
		r := media.Record{Asset: media.Asset{ID: "a", Title: "T", Description: "one\x00two"}, Tenant: "t"}
		if err := m.CreateAsset(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if got, err := m.Asset(t.Context(), "t", "a"); err != nil || got.Asset.Description != r.Asset.Description {
			t.Errorf("%+v %v", got, err)
		}
		if _, err := m.Upload(t.Context(), "a\x00"); !errors.Is(err, fault.NotFound) && !errors.Is(err, fault.Invalid) {
			t.Errorf("an id with a NUL: %v", err)
		}
	})
}
