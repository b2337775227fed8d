package playbacktest

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media/playback"
)

// RunStore checks that the empty stores which open makes keep the promises of
// playback.Store.
func RunStore(t *testing.T, open func(t *testing.T) playback.Store) {
	now := time.UnixMilli(1_800_000_000_123).UTC()
	record := func(n int) playback.Record {
		return playback.Record{
			Hash: fmt.Sprintf("%064x", n), Tenant: "default", AssetID: "film", Version: 3, UserID: "u1", SessionID: "s1",
			Accounts: []caip.AccountID{{Chain: caip.ChainID{Namespace: "eip155", Reference: "1"}, Address: "0x00000000000000000000000000000000000000aa"}},
			Owner:    true, CreatedAt: now, ExpiresAt: now.Add(time.Hour),
		}
	}
	t.Run("what was inserted comes back", func(t *testing.T) {
		s := open(t)
		anonymous := playback.Record{Hash: fmt.Sprintf("%064x", 2), Tenant: "other", AssetID: "film", Version: 1, CreatedAt: now, ExpiresAt: now.Add(time.Minute)}
		for _, want := range []playback.Record{record(1), anonymous} {
			if err := s.Insert(t.Context(), want); err != nil {
				t.Fatal(err)
			}
			got, err := s.Get(t.Context(), want.Hash)
			if err != nil {
				t.Fatal(err)
			}
			if got.Accounts = append([]caip.AccountID(nil), got.Accounts...); !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
		}
	})
	t.Run("a hash is used once", func(t *testing.T) {
		s := open(t)
		if err := s.Insert(t.Context(), record(1)); err != nil {
			t.Fatal(err)
		}
		if err := s.Insert(t.Context(), record(1)); !errors.Is(err, fault.Conflict) {
			t.Errorf("second insert: %v", err)
		}
	})
	t.Run("a missing grant is NotFound to read and extend, and nothing to delete", func(t *testing.T) {
		s := open(t)
		if _, err := s.Get(t.Context(), "none"); !errors.Is(err, fault.NotFound) {
			t.Errorf("Get: %v", err)
		}
		if err := s.Extend(t.Context(), "none", now); !errors.Is(err, fault.NotFound) {
			t.Errorf("Extend: %v", err)
		}
		if err := s.Delete(t.Context(), "none"); err != nil {
			t.Errorf("Delete: %v", err)
		}
	})
	t.Run("extend moves the expiry alone, delete removes", func(t *testing.T) {
		s := open(t)
		want := record(1)
		if err := s.Insert(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		want.ExpiresAt = now.Add(5 * time.Hour)
		if err := s.Extend(t.Context(), want.Hash, want.ExpiresAt); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Get(t.Context(), want.Hash); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v", got, err)
		}
		if err := s.Delete(t.Context(), want.Hash); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), want.Hash); !errors.Is(err, fault.NotFound) {
			t.Errorf("after Delete: %v", err)
		}
	})
	t.Run("only what expired before is swept", func(t *testing.T) {
		s := open(t)
		for n := range 4 {
			r := record(n)
			r.ExpiresAt = now.Add(time.Duration(n) * time.Minute)
			if err := s.Insert(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := s.DeleteExpired(t.Context(), now.Add(2*time.Minute)); n != 2 || err != nil {
			t.Errorf("swept %d, %v", n, err)
		}
		if _, err := s.Get(t.Context(), record(2).Hash); err != nil {
			t.Errorf("the grant that expires just then: %v", err)
		}
	})
	t.Run("concurrent use", func(t *testing.T) {
		s := open(t)
		var wg sync.WaitGroup
		for n := range 16 {
			wg.Go(func() {
				r := record(n)
				if err := errors.Join(s.Insert(t.Context(), r), s.Extend(t.Context(), r.Hash, now.Add(2*time.Hour))); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	})
}
