package keys

import (
	"context"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"sync"

	"github.com/maypok86/otter/v2"

	"github.com/streamgate/streamgate/fault"
)

// Options configures a Keyring. The zero value is the documented default.
type Options struct {
	// CachedScopes bounds the scope keys held in memory (default 10,000; about 1 KiB each).
	CachedScopes int
}

// Keyring is a Manager in a local directory, the default of a single machine:
//
//	master            the master keys by version; one, or two while a rotation is unfinished
//	scopes/ab/ab12..  one small file a scope, named by SHA-256 of the scope: its key
//	                  wrapped by a master key, or the tombstone of a shredded scope
//	lock              held by the process that has the key ring open
//	tmp/              unfinished writes
//
// Directories are made with mode 0700 and files with 0600; looser ones are
// refused. Every change is written beside, synced and renamed, so that a crash
// leaves the old state or the new. Whoever has the directory has the keys: keep it,
// and its backups, apart from the data. A backup brings back what was shredded
// after it was taken, unless a Rotate has ended since: the wrapped keys in it then
// need the master key in it, so destroy old backups of "master".
type Keyring struct {
	dir  dir
	lock *os.File

	masters masters
	rotate  sync.Mutex // held through a rotation

	// A scope's file and its place in the cache change under the stripe that the
	// first byte of its hash names. A cached key may be used without it.
	stripes [256]sync.Mutex
	cache   *otter.Cache[string, cipher.AEAD]

	closing sync.RWMutex // read-held through every method
	closed  bool
}

var _ Manager = (*Keyring)(nil)

// OpenKeyring opens the key ring in directory path and creates it when there is
// none. It refuses with fault.Conflict when another Keyring has it open, with
// fault.Invalid when others may read it, and with fault.Corrupt when the master
// key is missing or damaged. Call Close when done.
func OpenKeyring(path string, opt Options) (*Keyring, error) {
	const op = "keys.OpenKeyring"
	if opt.CachedScopes <= 0 {
		opt.CachedScopes = 10_000
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, diskFault(op, err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, diskFault(op, err)
	}
	k := &Keyring{dir: dir{root}}
	if err := k.open(); err != nil {
		k.release()
		return nil, diskFault(op, err)
	}
	k.cache, err = otter.New(&otter.Options[string, cipher.AEAD]{
		MaximumSize: opt.CachedScopes,
		Executor:    func(f func()) { f() }, // no goroutine outlives the call that needed it
	})
	if err != nil {
		k.release()
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	return k, nil
}

func (k *Keyring) open() error {
	if err := k.dir.private("."); err != nil {
		return err
	}
	var err error
	if k.lock, err = k.dir.acquire(); err != nil {
		return err
	}
	for _, name := range []string{tmpDir, scopesDir} {
		if _, err := k.dir.mkdir(name); err != nil {
			return err
		}
		if err := k.dir.private(name); err != nil {
			return err
		}
	}
	if err := k.dir.clean(); err != nil {
		return err
	}
	if err := k.dir.sync("."); err != nil {
		return err
	}
	return k.masters.load(k.dir)
}

func (k *Keyring) release() {
	if k.lock != nil {
		k.lock.Close() // gives the lock up
	}
	k.dir.root.Close()
}

// Close waits for running calls and gives the key ring up. Methods called later
// return fault.Unavailable. Closing twice is fine.
func (k *Keyring) Close() error {
	k.closing.Lock()
	defer k.closing.Unlock()
	if !k.closed {
		k.closed = true
		k.cache.InvalidateAll()
		k.release()
	}
	return nil
}

// begin is called first in every method, and end, when it succeeded, last.
func (k *Keyring) begin(ctx context.Context, op string) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, op, err)
	}
	k.closing.RLock()
	if k.closed {
		k.closing.RUnlock()
		return fault.New(fault.Unavailable, op, "the key ring is closed")
	}
	return nil
}

func (k *Keyring) end() { k.closing.RUnlock() }

// DataKey implements Manager. The first call for a scope creates its key.
func (k *Keyring) DataKey(ctx context.Context, scope string) (plain, wrapped []byte, err error) {
	const op = "keys.DataKey"
	if err := check(ctx, op, scope); err != nil {
		return nil, nil, err
	}
	if err := k.begin(ctx, op); err != nil {
		return nil, nil, err
	}
	defer k.end()
	key, err := k.scopeKey(scope, true)
	if err != nil {
		return nil, nil, diskFault(op, err)
	}
	plain, wrapped = wrapData(key, scope)
	return plain, wrapped, nil
}

// Unwrap implements Manager.
func (k *Keyring) Unwrap(ctx context.Context, scope string, wrapped []byte) ([]byte, error) {
	const op = "keys.Unwrap"
	if err := check(ctx, op, scope); err != nil {
		return nil, err
	}
	if err := k.begin(ctx, op); err != nil {
		return nil, err
	}
	defer k.end()
	key, err := k.scopeKey(scope, false)
	if err != nil {
		return nil, diskFault(op, err)
	}
	return unwrapData(key, scope, wrapped)
}

// scopeKey returns the key of scope, from the cache or its file.
func (k *Keyring) scopeKey(scope string, create bool) (cipher.AEAD, error) {
	if key, ok := k.cache.GetIfPresent(scope); ok {
		return key, nil
	}
	shard, name := place(scope)
	k.stripes[shard].Lock()
	defer k.stripes[shard].Unlock()
	if key, ok := k.cache.GetIfPresent(scope); ok {
		return key, nil
	}
	var raw []byte
	rec, err := k.dir.readScope(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && create:
		raw = randomKey()
		rec = scopeRecord{Scope: scope}
		if err := k.masters.wrap(&rec, raw); err != nil {
			return nil, err
		}
		if err := k.dir.writeScope(name, rec, true); err != nil {
			return nil, err
		}
	case errors.Is(err, fs.ErrNotExist):
		return nil, noScope("keys.scopeKey")
	case err != nil:
		return nil, err
	case rec.Shredded != nil:
		return nil, noScope("keys.scopeKey")
	default:
		// A file moved to another scope's place fails here: the scope is bound in.
		rec.Scope = scope
		if raw, err = k.masters.unwrap(rec); err != nil {
			return nil, err
		}
	}
	defer clear(raw)
	key, err := newWrapper(raw)
	if err != nil {
		return nil, err
	}
	k.cache.Set(scope, key)
	return key, nil
}

// place returns a scope's stripe and the path of its file.
func place(scope string) (shard byte, name string) {
	sum := sha256.Sum256([]byte(scope))
	text := hex.EncodeToString(sum[:])
	return sum[0], scopesDir + "/" + text[:2] + "/" + text
}

// Shred implements Manager. A scope that never was is shredded too: it can not
// be created later. The file of the key is overwritten as far as the file system
// does that in place.
func (k *Keyring) Shred(ctx context.Context, scope string) error {
	const op = "keys.Shred"
	if err := check(ctx, op, scope); err != nil {
		return err
	}
	if err := k.begin(ctx, op); err != nil {
		return err
	}
	defer k.end()
	shard, name := place(scope)
	k.stripes[shard].Lock()
	defer k.stripes[shard].Unlock()
	// Also when the write below fails half-way: better unreadable than readable.
	k.cache.Invalidate(scope)
	rec, err := k.dir.readScope(name)
	if err == nil && rec.Shredded != nil {
		return nil
	}
	// A damaged file is no reason to keep it.
	old, err := k.dir.root.OpenFile(name, os.O_WRONLY, 0)
	if err == nil {
		defer old.Close()
	} else if !errors.Is(err, fs.ErrNotExist) {
		return diskFault(op, err)
	}
	if err := k.dir.writeScope(name, tombstone(scope), true); err != nil {
		return diskFault(op, err)
	}
	if old != nil {
		overwrite(old)
	}
	return nil
}

// Rotate implements Manager. When it is interrupted both master keys are kept and
// everything stays readable; the next Rotate finishes the work. Once it returns
// nil the earlier master keys are gone.
func (k *Keyring) Rotate(ctx context.Context) error {
	const op = "keys.Rotate"
	if err := k.begin(ctx, op); err != nil {
		return err
	}
	defer k.end()
	k.rotate.Lock()
	defer k.rotate.Unlock()
	if err := k.masters.add(k.dir); err != nil {
		return diskFault(op, err)
	}
	for shard := range 256 {
		if err := k.rewrapShard(ctx, byte(shard)); err != nil {
			return diskFault(op, err)
		}
	}
	return diskFault(op, k.masters.retire(k.dir))
}

// rewrapShard wraps the keys of one shard under the current master key. A scope
// created after the listing has the current one already.
func (k *Keyring) rewrapShard(ctx context.Context, shard byte) error {
	dirName := scopesDir + "/" + hex.EncodeToString([]byte{shard})
	k.stripes[shard].Lock()
	names, err := k.dir.names(dirName)
	k.stripes[shard].Unlock()
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := k.rewrap(shard, dirName+"/"+n); err != nil {
			return err
		}
	}
	return k.dir.sync(dirName)
}

func (k *Keyring) rewrap(shard byte, name string) error {
	k.stripes[shard].Lock()
	defer k.stripes[shard].Unlock()
	rec, err := k.dir.readScope(name)
	if err != nil {
		return err
	}
	if rec.Shredded != nil || k.masters.isCurrent(rec.Master) {
		return nil
	}
	raw, err := k.masters.unwrap(rec)
	if err != nil {
		return err
	}
	defer clear(raw)
	if err := k.masters.wrap(&rec, raw); err != nil {
		return err
	}
	// The caller syncs the directory once for all.
	return k.dir.writeScope(name, rec, false)
}
