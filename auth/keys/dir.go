package keys

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"

	"github.com/streamgate/streamgate/fault"
)

const (
	scopesDir = "scopes"
	tmpDir    = "tmp"
	lockFile  = "lock"
	// maxFile bounds what is read of any file of the key ring.
	maxFile = 1 << 20
)

// scopeRecord is the content of a scope's file: a wrapped key or a tombstone.
type scopeRecord struct {
	Format   int        `json:"format"`
	Scope    string     `json:"scope"`
	Master   int        `json:"master,omitempty"`
	Key      []byte     `json:"key,omitempty"`
	Shredded *time.Time `json:"shredded,omitempty"`
}

func tombstone(scope string) scopeRecord {
	now := time.Now().UTC() // for whoever reads the file; nothing depends on it
	return scopeRecord{Format: 1, Scope: scope, Shredded: &now}
}

// dir is the directory of a key ring: private files, changed atomically.
type dir struct{ root *os.Root }

// private refuses a file or directory that others than its owner may use.
func (d dir) private(name string) error {
	info, err := d.root.Lstat(name)
	if err != nil {
		return err
	}
	return d.checkMode(name, info)
}

func (d dir) checkMode(name string, info fs.FileInfo) error {
	perm := info.Mode().Perm()
	if perm&0o077 == 0 {
		return nil
	}
	want := "600"
	if info.IsDir() {
		want = "700"
	}
	full := filepath.Join(d.root.Name(), name)
	return fault.Newf(fault.Invalid, "keys.checkMode", "the key ring's %s is open to other users (mode %04o); run: chmod %s %s", full, perm, want, full)
}

func (d dir) readPrivate(name string) ([]byte, error) {
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := d.checkMode(name, info); err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(f, maxFile))
}

func (d dir) readScope(name string) (scopeRecord, error) {
	data, err := d.readPrivate(name)
	if err != nil {
		return scopeRecord{}, err
	}
	var rec scopeRecord
	if err := json.Unmarshal(data, &rec); err != nil || rec.Format != 1 {
		return rec, &fault.Error{Kind: fault.Corrupt, Op: "keys.readScope", Msg: "the file " + name + " of the key ring is damaged", Err: err}
	}
	return rec, nil
}

func (d dir) writeScope(name string, rec scopeRecord, sync bool) error {
	data, err := json.Marshal(rec)
	if err != nil {
		return err
	}
	shard := path.Dir(name)
	made, err := d.mkdir(shard)
	if err != nil {
		return err
	}
	if made {
		if err := d.sync(scopesDir); err != nil {
			return err
		}
	}
	return d.write(name, data, sync)
}

// write replaces the file name. With sync the change is durable when it returns;
// without, the caller syncs the directory.
func (d dir) write(name string, data []byte, sync bool) error {
	var random [12]byte
	rand.Read(random[:])
	return d.replace(tmpDir+"/"+hex.EncodeToString(random[:]), name, data, sync)
}

// replace is write with the name of the unfinished file.
func (d dir) replace(tmp, name string, data []byte, sync bool) error {
	f, err := d.root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = d.root.Rename(tmp, name)
	}
	if err != nil {
		return errors.Join(err, d.root.Remove(tmp))
	}
	if !sync {
		return nil
	}
	return d.sync(path.Dir(name))
}

func (d dir) mkdir(name string) (made bool, err error) {
	err = d.root.Mkdir(name, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}

func (d dir) sync(name string) error {
	f, err := d.root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

func (d dir) names(name string) ([]string, error) {
	f, err := d.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// clean removes what a crash left unfinished. The lock is held: nobody writes.
func (d dir) clean() error {
	names, err := d.names(tmpDir)
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := d.root.Remove(tmpDir + "/" + n); err != nil {
			return err
		}
	}
	return nil
}

// overwrite makes a best effort to remove a replaced file's bytes from the disk.
// A copy-on-write file system and a flash disk keep them anyway, until Rotate
// has destroyed the master key that they need.
func overwrite(f *os.File) {
	info, err := f.Stat()
	if err != nil {
		return
	}
	if _, err := f.WriteAt(make([]byte, info.Size()), 0); err == nil {
		_ = f.Sync() // best effort, as the whole of it
	}
}

// diskFault classifies an error of the file system; a fault keeps its kind.
func diskFault(op string, err error) error {
	var f *fault.Error
	switch {
	case errors.As(err, &f):
		return fault.At(op, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &fault.Error{Kind: fault.Unavailable, Op: op, Msg: "the disk that holds the key ring is full", Err: err}
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return &fault.Error{Kind: fault.Unavailable, Op: op, Msg: "too many files are open; raise the limit (ulimit -n)", Err: err}
	}
	return fault.Wrap(fault.Internal, op, err)
}
