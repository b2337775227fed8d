package sqldb_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/auth/keys/keystest"
	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/fault"
)

func openKeys(t testing.TB, path string) *sqldb.DB {
	t.Helper()
	db, err := sqldb.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// sharedKeys opens a manager on the database and the master file in dir, as a process does.
func sharedKeys(t testing.TB, store keys.ScopeStore, dir string) *keys.Shared {
	t.Helper()
	master, err := keys.OpenFileMaster(filepath.Join(dir, "master"), keys.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	k, err := keys.NewShared(master, store, keys.SharedOptions{Recheck: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeyStore(t *testing.T) {
	t.Parallel()
	keystest.RunScopes(t, func(t testing.TB) keys.ScopeStore { return openKeys(t, filepath.Join(t.TempDir(), "sg.db")).Keys() })
}

func TestSharedKeys(t *testing.T) {
	t.Parallel()
	t.Run("one process", func(t *testing.T) {
		t.Parallel()
		keystest.Run(t, func(t testing.TB) keys.Manager {
			dir := t.TempDir()
			return sharedKeys(t, openKeys(t, filepath.Join(dir, "sg.db")).Keys(), dir)
		})
	})
	t.Run("many processes", func(t *testing.T) {
		t.Parallel()
		keystest.RunShared(t, func(t testing.TB) func() keys.Manager {
			dir := t.TempDir()
			return func() keys.Manager {
				// A database handle of its own, as a process has.
				return sharedKeys(t, openKeys(t, filepath.Join(dir, "sg.db")).Keys(), dir)
			}
		})
	})
}

func TestKeysSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "sg.db")
	db := openKeys(t, path)
	k := sharedKeys(t, db.Keys(), dir)
	plain, wrapped, err := k.DataKey(t.Context(), "s")
	if err := errors.Join(err, k.Rotate(t.Context()), k.Shred(t.Context(), "dead"), db.Close()); err != nil {
		t.Fatal(err)
	}
	k = sharedKeys(t, openKeys(t, path).Keys(), dir)
	if got, err := k.Unwrap(t.Context(), "s", wrapped); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("after the restart: %v", err)
	}
	if _, _, err := k.DataKey(t.Context(), "dead"); !errors.Is(err, fault.NotFound) {
		t.Errorf("a shredded scope after the restart: %v, want kind not_found", err)
	}
}
