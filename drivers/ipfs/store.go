package ipfs

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
)

// Store is a storage.Store on a Node. A key's record, a small file that is replaced whole, names the
// root of a UnixFS file; the ETag of an object is its CID. Each byte that a reader yields has been
// verified: a broken block is mended from another source, or else is fault.Corrupt. A
// deleted object's blocks stay until Node.GC. Readers also implement io.Seeker and io.WriterTo; they end
// with the context of the Get that opened them.
type Store struct{ n *Node }

var _ storage.Store = (*Store)(nil)

// Store returns the node's objects by key.
func (n *Node) Store() *Store { return &Store{n} }

// Node returns the node beneath.
func (s *Store) Node() *Node { return s.n }

// Close closes the node beneath.
func (s *Store) Close() error { return s.n.Close() }

// record is what the index has under a key.
type record struct {
	CID  string `json:"cid"`
	Size int64  `json:"size"`
	Mod  int64  `json:"mod"` // ns since 1970
	// Linked is set when the blocks may live elsewhere.
	Linked bool `json:"linked,omitempty"`

	root cid.Cid
}

// maxRecord is far more than a record has.
const maxRecord = 1 << 10

func (r record) info(key string) storage.Info {
	return storage.Info{Key: key, Size: r.Size, ModTime: time.Unix(0, r.Mod), ETag: r.CID}
}

// Put implements storage.Store. An object larger than Options.MaxImport is fault.TooLarge.
func (s *Store) Put(ctx context.Context, key string, r io.Reader, opt storage.PutOptions) (storage.Info, error) {
	const op = "ipfs.Put"
	if err := check(ctx, key); err != nil {
		return storage.Info{}, fault.At(op, err)
	}
	if opt.IfAbsent {
		// The index decides at the end; this only spares importing a body in vain.
		if _, err := s.n.index.Stat(ctx, key); err == nil {
			return storage.Info{}, fault.Newf(fault.Conflict, op, "the key %q exists already", key)
		}
	}
	session := s.n.keep.session(s.n.blocks)
	defer session.release() // after the record holds the blocks, or gives them up
	src := storage.NewSource(ctx, r, opt.Size)
	root, err := s.n.importFile(ctx, session, src)
	if err != nil {
		return storage.Info{}, ioFault(op, err)
	}
	return s.commit(ctx, op, key, record{root: root, Size: src.N()}, opt.IfAbsent)
}

func (s *Store) commit(ctx context.Context, op, key string, rec record, ifAbsent bool) (storage.Info, error) {
	rec.CID, rec.Mod = rec.root.String(), s.n.opt.Now().UnixNano()
	b, err := json.Marshal(rec)
	if err != nil {
		return storage.Info{}, fault.Wrap(fault.Internal, op, err)
	}
	if _, err := s.n.index.Put(ctx, key, strings.NewReader(string(b)), storage.PutOptions{IfAbsent: ifAbsent}); err != nil {
		return storage.Info{}, ioFault(op, err)
	}
	return rec.info(key), nil
}

// Link makes key name the file under root, whose blocks may live elsewhere: only the root block is
// fetched now, the others when they are read. GC keeps what has come. It replaces what key named.
func (s *Store) Link(ctx context.Context, key string, root cid.Cid) (storage.Info, error) {
	const op = "ipfs.Link"
	if err := check(ctx, key); err != nil {
		return storage.Info{}, fault.At(op, err)
	}
	defer s.n.keep.hold(root)()
	size, err := s.n.sizeOf(ctx, root)
	if err != nil {
		return storage.Info{}, ioFault(op, err)
	}
	return s.commit(ctx, op, key, record{root: root, Size: size, Linked: true}, false)
}

// Root returns the CID that key names.
func (s *Store) Root(ctx context.Context, key string) (cid.Cid, error) {
	rec, err := s.record(ctx, key)
	return rec.root, ioFault("ipfs.Root", err)
}

// record reads the record of key.
func (s *Store) record(ctx context.Context, key string) (record, error) {
	if err := check(ctx, key); err != nil {
		return record{}, err
	}
	return s.n.record(ctx, key)
}

func (n *Node) record(ctx context.Context, key string) (record, error) {
	r, err := n.index.Get(ctx, key, 0, maxRecord)
	if err != nil {
		return record{}, err
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		return record{}, err
	}
	var rec record
	if err := json.Unmarshal(b, &rec); err != nil {
		return record{}, &fault.Error{Kind: fault.Corrupt, Op: "ipfs.record", Msg: "the record of the key is damaged", Err: err}
	}
	if rec.root, err = cid.Decode(rec.CID); err != nil || rec.Size < 0 {
		return record{}, fault.New(fault.Corrupt, "ipfs.record", "the record of the key is damaged")
	}
	return rec, nil
}

// Get implements storage.Store.
func (s *Store) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	const op = "ipfs.Get"
	rec, release, err := s.hold(ctx, key)
	if err != nil {
		return nil, ioFault(op, err)
	}
	if length, err = storage.CutRange(rec.Size, offset, length); err != nil {
		release()
		return nil, fault.At(op, err)
	}
	return s.n.newReader(ctx, rec.root, rec.Size, offset, offset+length, release), nil
}

// hold reads the record of key and holds its blocks, with no collection coming in between.
func (s *Store) hold(ctx context.Context, key string) (record, func(), error) {
	s.n.keep.opening.RLock()
	defer s.n.keep.opening.RUnlock()
	rec, err := s.record(ctx, key)
	if err != nil {
		return record{}, nil, err
	}
	return rec, s.n.keep.hold(rec.root), nil
}

// Stat implements storage.Store.
func (s *Store) Stat(ctx context.Context, key string) (storage.Info, error) {
	rec, err := s.record(ctx, key)
	if err != nil {
		return storage.Info{}, ioFault("ipfs.Stat", err)
	}
	return rec.info(key), nil
}

// List implements storage.Store.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]storage.Info, error) {
	if limit <= 0 {
		limit = storage.DefaultListLimit
	}
	var infos []storage.Info
	err := s.n.eachKey(ctx, prefix, after, limit, func(key string, rec record) bool {
		infos = append(infos, rec.info(key))
		return len(infos) < limit
	})
	return infos, ioFault("ipfs.List", err)
}

// eachKey calls visit in the order of keys until it returns false. Keys deleted meanwhile are left out.
func (n *Node) eachKey(ctx context.Context, prefix, after string, page int, visit func(key string, rec record) bool) error {
	page = min(page, storage.DefaultListLimit)
	for {
		keys, err := n.index.List(ctx, prefix, after, page)
		if err != nil {
			return err
		}
		for _, k := range keys {
			after = k.Key
			rec, err := n.record(ctx, k.Key)
			if errors.Is(err, fault.NotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if !visit(k.Key, rec) {
				return nil
			}
		}
		if len(keys) < page {
			return nil
		}
	}
}

func (n *Node) eachRecord(ctx context.Context, visit func(record) error) error {
	var failed error
	err := n.eachKey(ctx, "", "", storage.DefaultListLimit, func(_ string, rec record) bool {
		failed = visit(rec)
		return failed == nil
	})
	return errors.Join(err, failed)
}

// Delete implements storage.Store. The blocks are left to Node.GC.
func (s *Store) Delete(ctx context.Context, key string) error {
	const op = "ipfs.Delete"
	if err := check(ctx, key); err != nil {
		return fault.At(op, err)
	}
	return ioFault(op, s.n.index.Delete(ctx, key))
}

func check(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.Canceled, "", err)
	}
	return storage.CheckKey(key)
}
