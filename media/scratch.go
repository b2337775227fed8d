package media

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/streamgate/streamgate/fault"
)

// scratch is this process's folder for sources and encoder output. Bytes in it
// are in the clear, so WorkDir belongs on a disk that is trusted as the memory is.
type scratch struct {
	mu   sync.Mutex
	dir  string
	lock *os.File
	src  map[string]*source // by asset and upload
}

// source is an assembled original, shared by the tasks of an asset.
type source struct {
	once sync.Mutex // held while assembling
	path string
}

const scratchPrefix = "streamgate-media-"

// open makes the folder, and removes those of processes that are gone: each holds
// a lock that ends with its process, however it ends.
func (s *scratch) open(parent string) error {
	const op = "media.scratch"
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir != "" {
		return nil
	}
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return fault.Wrap(fault.Unavailable, op, err)
	}
	old, _ := filepath.Glob(filepath.Join(parent, scratchPrefix+"*"))
	for _, dir := range old {
		if f, err := lockFile(dir); err == nil {
			os.RemoveAll(dir)
			f.Close()
		}
	}
	dir, err := os.MkdirTemp(parent, scratchPrefix)
	if err != nil {
		return fault.Wrap(fault.Unavailable, op, err)
	}
	if s.lock, err = lockFile(dir); err != nil {
		os.RemoveAll(dir)
		return fault.Wrap(fault.Unavailable, op, err)
	}
	s.dir, s.src = dir, map[string]*source{}
	return nil
}

func lockFile(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (s *scratch) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" {
		return
	}
	os.RemoveAll(s.dir)
	s.lock.Close()
	s.dir = ""
}

// task makes a folder for one run of one task.
func (s *scratch) task(asset string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" {
		return "", fault.New(fault.Unavailable, "media.scratch", "not running")
	}
	dir, err := os.MkdirTemp(s.dir, asset+"-task-")
	return dir, fault.Wrap(fault.Unavailable, "media.scratch", err)
}

// forget removes all that belongs to an asset.
func (s *scratch) forget(asset string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == "" {
		return
	}
	for key := range s.src {
		if strings.HasPrefix(key, asset+"-") {
			delete(s.src, key)
		}
	}
	entries, _ := os.ReadDir(s.dir)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), asset+"-") {
			os.RemoveAll(filepath.Join(s.dir, e.Name()))
		}
	}
}

// assets returns the assets that something belongs to.
func (s *scratch) assets() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for key := range s.src {
		id, _, _ := strings.Cut(key, "-") // neither ids of assets nor of uploads have a hyphen
		ids = append(ids, id)
	}
	return ids
}

// sourceFile returns the path of the asset's source, assembled from its parts and
// checked against the SHA-256 that the upload was acknowledged with.
func (s *Service) sourceFile(ctx context.Context, r Record) (string, error) {
	const op = "media.source"
	sc := &s.scratch
	sc.mu.Lock()
	if sc.dir == "" {
		sc.mu.Unlock()
		return "", fault.New(fault.Unavailable, op, "not running")
	}
	// The upload is in the key: an asset that failed elsewhere may have got another source since.
	key := r.Asset.ID + "-" + r.Upload
	src := sc.src[key]
	if src == nil {
		src = &source{path: filepath.Join(sc.dir, key)}
		sc.src[key] = src
	}
	sc.mu.Unlock()
	src.once.Lock()
	defer src.once.Unlock()
	if _, err := os.Stat(src.path); err == nil {
		return src.path, nil
	}
	if err := s.assemble(ctx, r, src.path+".part"); err != nil {
		os.Remove(src.path + ".part")
		return "", fault.At(op, err)
	}
	return src.path, fault.Wrap(fault.Unavailable, op, os.Rename(src.path+".part", src.path))
}

func (s *Service) assemble(ctx context.Context, r Record, path string) error {
	parts, err := s.opt.Store.Parts(ctx, r.Upload)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fault.Wrap(fault.Unavailable, "", err)
	}
	defer f.Close()
	h := sha256.New()
	if err := s.copyParts(ctx, parts, io.MultiWriter(f, h)); err != nil {
		return err
	}
	if hex.EncodeToString(h.Sum(nil)) != r.SHA256 {
		return fault.New(fault.Internal, "", "the stored source differs from what was uploaded")
	}
	return fault.Wrap(fault.Unavailable, "", f.Close())
}

func (s *Service) copyParts(ctx context.Context, parts []Part, w io.Writer) error {
	for _, p := range parts {
		rc, err := s.opt.Objects.Get(ctx, p.Key, 0, -1)
		if err != nil {
			return err
		}
		n, err := io.Copy(w, rc)
		rc.Close()
		if err != nil {
			return fault.Wrap(fault.Unavailable, "", err)
		}
		if n != p.Size {
			return fault.New(fault.Internal, "", "a stored part has another size")
		}
	}
	return nil
}
