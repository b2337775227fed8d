package sqldb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
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

// TestChangeAssetLosesNoUpdate has many writers count in one record.
func TestChangeAssetLosesNoUpdate(t *testing.T) {
	t.Parallel()
	m := open(t).Media()
	if err := m.CreateAsset(t.Context(), media.Record{Asset: media.Asset{ID: "a"}, Tenant: "t"}); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for range 5 {
				if _, err := m.ChangeAsset(t.Context(), "t", "a", func(r *media.Record) error { r.Faults++; return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if r, err := m.Asset(t.Context(), "", "a"); err != nil || r.Faults != 50 || r.Asset.Tenant != "t" {
		t.Fatalf("%+v %v", r, err)
	}
	if _, err := m.Asset(t.Context(), "other", "a"); fault.KindOf(err) != fault.NotFound {
		t.Fatal(err)
	}
}

// TestAppendPartsOnlyAtTheOffset: a writer that is behind commits nothing.
func TestAppendPartsOnlyAtTheOffset(t *testing.T) {
	t.Parallel()
	m, at := open(t).Media(), time.UnixMilli(5).UTC()
	u := media.Upload{ID: "u", Tenant: "t", Owner: "o", Asset: "a", Size: 10, UpdatedAt: at}
	if err := m.CreateUpload(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	two := []media.Part{{Key: "k0", Size: 3}, {Key: "k1", Size: 4}}
	if err := m.AppendParts(t.Context(), "u", 0, two, []byte("state"), at); err != nil {
		t.Fatal(err)
	}
	for _, from := range []int64{0, 3, 8} {
		if err := m.AppendParts(t.Context(), "u", from, []media.Part{{Key: "x", Size: 1}}, nil, at); !errors.Is(err, fault.Conflict) {
			t.Errorf("from %d: %v", from, err)
		}
	}
	if err := m.AppendParts(t.Context(), "u", 7, []media.Part{{Key: "x", Size: 4}}, nil, at); !errors.Is(err, fault.Conflict) {
		t.Errorf("beyond the size: %v", err)
	}
	got, err := m.Upload(t.Context(), "u")
	parts, err2 := m.Parts(t.Context(), "u")
	if err != nil || err2 != nil || got.Offset != 7 || string(got.Hash) != "state" || len(parts) != 2 || parts[1] != two[1] {
		t.Fatalf("%+v %v %v %v", got, parts, err, err2)
	}
	if n, err := m.Pledged(t.Context(), "t", "o"); err != nil || n != 10 {
		t.Fatal(n, err)
	}
}
