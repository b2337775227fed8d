package sqldb

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/auth/keys/keystest"
	"github.com/streamgate/streamgate/fault"
)

// sharedKeys opens a manager on the database and the master file in dir, as a process does.
func sharedKeys(t testing.TB, db *DB, dir string) *keys.Shared {
	t.Helper()
	master, err := keys.OpenFileMaster(filepath.Join(dir, "master"), keys.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	k, err := keys.NewShared(master, db.Keys(), keys.SharedOptions{Recheck: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestKeyStore(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, open func(t testing.TB) *DB) {
		keystest.RunScopes(t, func(t testing.TB) keys.ScopeStore { return open(t).Keys() })
	})
}

func TestSharedKeys(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, open func(t testing.TB) *DB) {
		keystest.Run(t, func(t testing.TB) keys.Manager { return sharedKeys(t, open(t), t.TempDir()) })
	})
}

func TestSharedKeysOfManyProcesses(t *testing.T) {
	t.Parallel()
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			keystest.RunShared(t, func(t testing.TB) func() keys.Manager {
				// Two handles on one database, as two processes have.
				dir, url := t.TempDir(), d.fresh(t)
				dbs := []*DB{openURL(t, url, PostgresOptions{MaxConns: 4}), openURL(t, url, PostgresOptions{MaxConns: 4})}
				n := 0
				return func() keys.Manager { n++; return sharedKeys(t, dbs[n%2], dir) }
			})
		})
	}
}

func TestKeysSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	url := "sqlite:" + filepath.Join(dir, "sg.db")
	db := openURL(t, url, PostgresOptions{})
	k := sharedKeys(t, db, dir)
	plain, wrapped, err := k.DataKey(t.Context(), "s")
	if err := errors.Join(err, k.Rotate(t.Context()), k.Shred(t.Context(), "dead"), db.Close()); err != nil {
		t.Fatal(err)
	}
	k = sharedKeys(t, openURL(t, url, PostgresOptions{}), dir)
	if got, err := k.Unwrap(t.Context(), "s", wrapped); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("after the restart: %v", err)
	}
	if _, _, err := k.DataKey(t.Context(), "dead"); !errors.Is(err, fault.NotFound) {
		t.Errorf("a shredded scope after the restart: %v, want kind not_found", err)
	}
}
