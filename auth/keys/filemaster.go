package keys

import (
	"bufio"
	"bytes"
	"context"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/streamgate/streamgate/fault"
)

// FileOptions configures a FileMaster. The zero value is the documented default.
type FileOptions struct {
	// ReadOnly is for a file that others write, such as a secret of Kubernetes or compose. Next
	// then takes the version after the one in use from the file, and Retire leaves
	// the file alone.
	ReadOnly bool
	// GroupMayRead accepts a file that its group can read, as Kubernetes makes it with
	// fsGroup. Others may never read it.
	GroupMayRead bool
}

// FileMaster is a Master in a file that all processes have: on a volume, or mounted as a
// secret. The file has one line a master key: its number and 32 bytes in base64.
//
//	# openssl rand -base64 32
//	1 q83vEjRWeJCrze8SNFZ4kKvN7xI0VnicuNzvEjRWeJA=
//
// A version is named by the number and a fingerprint of the key, so that
// another key under the same number is not taken for it. The file is read again when a
// version is asked for that was not in it. To rotate with ReadOnly: add a line
// with the next number, wait until every process has it, rotate, and remove the old
// line. Without ReadOnly Rotate does all that, and the first use of an empty store
// makes the file.
//
// Whoever has the file and the store has the keys: keep the two, and their backups, apart.
type FileMaster struct {
	path string
	opt  FileOptions

	mu    sync.RWMutex
	aeads map[string]cipher.AEAD // by version
}

var _ Master = (*FileMaster)(nil)

// fileKey is one line of the file.
type fileKey struct {
	number int
	key    []byte
}

func (k fileKey) version() string {
	sum := sha256.Sum256(append([]byte("streamgate/1/master-key\x00"), k.key...))
	return strconv.Itoa(k.number) + "-" + hex.EncodeToString(sum[:4])
}

// OpenFileMaster opens the master keys in file path. It refuses with fault.Invalid a file
// that others may read, and with fault.Corrupt one that is damaged. A missing file is
// fault.NotFound if ReadOnly, else it is made when an empty store is first used.
func OpenFileMaster(path string, opt FileOptions) (*FileMaster, error) {
	const op = "keys.OpenFileMaster"
	f := &FileMaster{path: path, opt: opt}
	_, err := f.load()
	if errors.Is(err, fs.ErrNotExist) {
		if opt.ReadOnly {
			return nil, &fault.Error{Kind: fault.NotFound, Op: op, Msg: "the file of the master keys does not exist: " + path, Err: err}
		}
		return f, nil
	}
	if err != nil {
		return nil, diskFault(op, err)
	}
	return f, nil
}

// load reads the file and makes its keys those in use. The caller clears the keys.
func (f *FileMaster) load() ([]fileKey, error) {
	data, err := f.read()
	if err != nil {
		return nil, err
	}
	defer clear(data)
	list, err := f.parse(data)
	if err != nil {
		return nil, err
	}
	aeads := map[string]cipher.AEAD{}
	for _, k := range list {
		if aeads[k.version()], err = newWrapper(k.key); err != nil {
			return nil, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.aeads = aeads
	return list, nil
}

func (f *FileMaster) read() ([]byte, error) {
	file, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	refused := fs.FileMode(0o077)
	if f.opt.GroupMayRead {
		refused = 0o037
	}
	if perm := info.Mode().Perm(); !info.Mode().IsRegular() || perm&refused != 0 {
		return nil, fault.Newf(fault.Invalid, "keys.FileMaster", "the file of the master keys is open to other users (mode %04o); run: chmod 600 %s", perm, f.path)
	}
	return io.ReadAll(io.LimitReader(file, maxFile))
}

func (f *FileMaster) parse(data []byte) (list []fileKey, err error) {
	seen := map[int]bool{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		number, text, _ := strings.Cut(line, " ")
		k := fileKey{}
		k.number, err = strconv.Atoi(number)
		if err == nil {
			k.key, err = base64.StdEncoding.DecodeString(strings.TrimSpace(text))
		}
		if err != nil || len(k.key) != keySize || k.number < 1 || seen[k.number] {
			// The cause may quote the key: it is not passed on.
			return nil, fault.Newf(fault.Corrupt, "keys.FileMaster", "line %d of %s is not a number of its own and 32 bytes in base64", n, f.path)
		}
		seen[k.number] = true
		list = append(list, k)
	}
	if lines.Err() != nil || len(list) == 0 {
		return nil, fault.Newf(fault.Corrupt, "keys.FileMaster", "there is no master key in %s", f.path)
	}
	slices.SortFunc(list, func(a, b fileKey) int { return a.number - b.number })
	return list, nil
}

// aead returns the key of version, from a new look at the file if need be.
func (f *FileMaster) aead(version string) (cipher.AEAD, error) {
	const op = "keys.FileMaster"
	f.mu.RLock()
	aead := f.aeads[version]
	f.mu.RUnlock()
	if aead != nil {
		return aead, nil
	}
	list, err := f.load()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, diskFault(op, err)
	}
	clearKeys(list)
	f.mu.RLock()
	defer f.mu.RUnlock()
	if aead = f.aeads[version]; aead == nil || err != nil {
		return nil, fault.Newf(fault.Unavailable, op, "the file of the master keys does not hold version %s (yet): %s", version, f.path)
	}
	return aead, nil
}

func clearKeys(list []fileKey) {
	for _, k := range list {
		clear(k.key)
	}
}

// Wrap implements Master.
func (f *FileMaster) Wrap(ctx context.Context, version, scope string, plain []byte) ([]byte, error) {
	const op = "keys.FileMaster.Wrap"
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, op, err)
	}
	aead, err := f.aead(version)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plain, []byte(scopeLabel+scope)), nil
}

// Unwrap implements Master.
func (f *FileMaster) Unwrap(ctx context.Context, version, scope string, wrapped []byte) ([]byte, error) {
	const op = "keys.FileMaster.Unwrap"
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, op, err)
	}
	aead, err := f.aead(version)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nil, wrapped, []byte(scopeLabel+scope))
	if err != nil {
		return nil, &fault.Error{Kind: fault.Corrupt, Op: op, Msg: "the wrapped scope key was changed", Err: err}
	}
	return plain, nil
}

// Next implements Master.
func (f *FileMaster) Next(ctx context.Context, from string) (version string, err error) {
	const op = "keys.FileMaster.Next"
	if err := ctx.Err(); err != nil {
		return "", fault.Wrap(fault.Canceled, op, err)
	}
	last := 0
	if from != "" {
		number, _, _ := strings.Cut(from, "-")
		if last, err = strconv.Atoi(number); err != nil {
			return "", fault.New(fault.Invalid, op, "the store's master keys are not those of a file: "+from)
		}
	}
	err = f.update(func(list []fileKey) ([]fileKey, error) {
		for _, k := range list {
			if k.number > last {
				version = k.version()
				return nil, nil
			}
		}
		if f.opt.ReadOnly {
			return nil, fault.Newf(fault.Invalid, op, "%s has no master key after number %d: add a line with a higher number, everywhere, and rotate again", f.path, last)
		}
		if len(list) == 0 && last > 0 {
			// A volume that is not mounted must not become a new start.
			return nil, fault.New(fault.Unavailable, op, "the file of the master keys is missing: "+f.path)
		}
		k := fileKey{last + 1, randomKey()}
		version = k.version()
		return append(list, k), nil
	})
	return version, diskFault(op, err)
}

// Retire implements Master: it removes the line of version, unless ReadOnly.
func (f *FileMaster) Retire(ctx context.Context, version string) error {
	const op = "keys.FileMaster.Retire"
	if err := ctx.Err(); err != nil || f.opt.ReadOnly {
		return fault.Wrap(fault.Canceled, op, err)
	}
	return diskFault(op, f.update(func(list []fileKey) ([]fileKey, error) {
		kept := slices.DeleteFunc(slices.Clone(list), func(k fileKey) bool { return k.version() == version })
		if len(kept) == len(list) || len(kept) == 0 {
			return nil, nil
		}
		return kept, nil
	}))
}

// update changes the file while no other process does. change returns nil to leave it.
func (f *FileMaster) update(change func([]fileKey) ([]fileKey, error)) error {
	if !f.opt.ReadOnly {
		unlock, err := lockBeside(f.path)
		if err != nil {
			return err
		}
		defer unlock()
	}
	list, err := f.load()
	if err != nil && (!errors.Is(err, fs.ErrNotExist) || f.opt.ReadOnly) {
		return err
	}
	defer clearKeys(list)
	next, err := change(list)
	if err != nil || next == nil {
		return err
	}
	defer clearKeys(next)
	if err := f.write(next); err != nil {
		return err
	}
	again, err := f.load()
	clearKeys(again)
	return err
}

// write replaces the file: it is written beside, synced and renamed.
func (f *FileMaster) write(list []fileKey) error {
	var text bytes.Buffer
	for _, k := range list {
		fmt.Fprintf(&text, "%d %s\n", k.number, base64.StdEncoding.EncodeToString(k.key))
	}
	defer clear(text.Bytes())
	root, err := os.OpenRoot(filepath.Dir(f.path))
	if err != nil {
		return err
	}
	defer root.Close()
	d := dir{root}
	var random [8]byte
	rand.Read(random[:])
	name := filepath.Base(f.path)
	return d.replace("."+name+"."+hex.EncodeToString(random[:]), name, text.Bytes(), true)
}
