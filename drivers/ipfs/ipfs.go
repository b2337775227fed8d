// Package ipfs keeps objects on IPFS: an embedded node (UnixFS files, a block store on
// disk, bitswap between nodes, an HTTP gateway, CAR files), a storage.Store of bytes on
// it, and clients that copy objects to a Kubo node and have them pinned by a pinning
// service. Hosts call it to let the ciphertext of an asset live on IPFS.
//
// Every block is checked against its hash whenever it is read, wherever it came from, so a
// broken disk or a lying gateway is an error or another source's turn and never a wrong
// picture. Blocks that are not on the local disk are asked of peers and, after a short delay, of
// trustless gateways too; the first right answer counts.
//
// The package never joins the public network by itself: there is no DHT, no bootstrap list,
// no address discovery and no name resolution. A node talks to the peers and the gateways
// it is given. What is stored is public to whoever can reach the node: store ciphertext.
package ipfs

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/ipfs/boxo/blockstore"
	flatfs "github.com/ipfs/go-ds-flatfs"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage/file"
)

// The import parameters decide the CID of a file, beside its bytes. The defaults are those of the
// profile unixfs-v1-2025 (IPIP-499), which Kubo applies with
// `ipfs config profile apply unixfs-v1-2025`; without a profile Kubo still uses older ones.
// All imports make CIDv1, SHA-256, raw leaves and the balanced layout.
const (
	DefaultChunkSize = 1 << 20
	DefaultMaxLinks  = 1024
)

// Bounds that no option lifts. A block of 2 MiB is the most that bitswap carries.
const (
	MaxBlockSize = 2 << 20
	MaxChunkSize = MaxBlockSize - 256
	MaxLinks     = 8192
	MaxDepth     = 32
)

// Options configures a Node. The zero value is a node that stores and serves what it has, and
// speaks to nobody.
type Options struct {
	// ChunkSize is the count of bytes in a leaf, 1 to MaxChunkSize (default DefaultChunkSize).
	ChunkSize int
	// MaxLinks is the most children of a tree node, 2 to the constant MaxLinks (default DefaultMaxLinks).
	MaxLinks int
	// MaxImport is the size of the largest file or CAR taken (default 64 GiB).
	MaxImport int64

	// Listen are the multiaddresses to serve peers at, as "/ip4/0.0.0.0/tcp/4001". None: the
	// node dials its peers only. TCP is the only transport.
	Listen []string
	// Peers are the nodes to stay connected with, as "/ip4/10.0.0.7/tcp/4001/p2p/12D3Koo...".
	Peers []string
	// Gateways are the base URLs of trustless gateways to ask for blocks, as "https://gw.example".
	Gateways []string
	// AllowLoopbackRedirects lets a gateway redirect to a loopback address. Redirects to other
	// addresses that are not public are always refused.
	AllowLoopbackRedirects bool

	// HedgeDelay is how long one source may stay silent before the next is asked as well
	// (default 200 ms; negative: a source is asked only when the one before has failed).
	HedgeDelay time.Duration
	// SourceTimeout bounds one request to one source (default 10 s).
	SourceTimeout time.Duration
	// BlockTimeout bounds the fetch of one block from all sources (default 30 s).
	BlockTimeout time.Duration
	// MaxFetches is how many blocks are fetched at once (default 32).
	MaxFetches int
	// ReadAhead is how many blocks a reader fetches ahead when there are sources (default 4).
	ReadAhead int

	// Now is the clock of modification times and of the health of sources (default time.Now).
	Now func() time.Time
}

func (o Options) withDefaults() (Options, error) {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	dur := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	def(&o.ChunkSize, DefaultChunkSize)
	def(&o.MaxLinks, DefaultMaxLinks)
	def(&o.MaxFetches, 32)
	def(&o.ReadAhead, 4)
	dur(&o.HedgeDelay, 200*time.Millisecond)
	dur(&o.SourceTimeout, 10*time.Second)
	dur(&o.BlockTimeout, 30*time.Second)
	if o.MaxImport == 0 {
		o.MaxImport = 64 << 30
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	e := fault.New(fault.Invalid, "ipfs.Open", "an option is out of its bounds")
	if o.ChunkSize < 1 || o.ChunkSize > MaxChunkSize {
		_ = e.With("ChunkSize", fmt.Sprintf("must be 1 to %d", MaxChunkSize))
	}
	if o.MaxLinks < 2 || o.MaxLinks > MaxLinks {
		_ = e.With("MaxLinks", fmt.Sprintf("must be 2 to %d", MaxLinks))
	}
	if o.MaxImport < 0 || o.MaxFetches < 0 || o.ReadAhead < 0 || o.SourceTimeout < 0 || o.BlockTimeout < 0 {
		_ = e.With("MaxImport, MaxFetches, ReadAhead, SourceTimeout, BlockTimeout", "must not be negative")
	}
	if len(e.Fields) > 0 {
		return o, e
	}
	return o, nil
}

// Node is an embedded IPFS node in a directory. All methods are safe for concurrent use.
type Node struct {
	opt    Options
	lock   *os.File
	flat   *flatfs.Datastore
	blocks *vault
	keep   *keeper
	pins   *file.Store // one object per pinned root
	index  *file.Store // one record per key of Store
	net    *network    // nil: no peers
	fetch  *fetcher    // nil: no sources

	gc     sync.Mutex // one collection at a time
	closed sync.Once
}

// Open opens the node in dir, which it creates (mode 0700) when it is missing. One
// process at a time may have a directory open; another is refused with fault.Conflict.
// Peers are dialled in the background: one that is down does not fail Open. Call Close when done.
func Open(ctx context.Context, dir string, opt Options) (*Node, error) {
	const op = "ipfs.Open"
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, op, err)
	}
	n := &Node{opt: opt, keep: newKeeper()}
	if err := n.open(dir); err != nil {
		_ = n.shut() // why it did not open says more
		return nil, ioFault(op, err)
	}
	return n, nil
}

func (n *Node) open(dir string) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if n.lock, err = lockDir(filepath.Join(dir, "lock")); err != nil {
		return err
	}
	// Blocks are synced one by one, as what Put acknowledged must survive a power cut.
	if n.flat, err = flatfs.CreateOrOpen(filepath.Join(dir, "blocks"), flatfs.NextToLast(2), true); err != nil {
		return err
	}
	n.blocks = &vault{under: blockstore.NewBlockstore(n.flat, blockstore.NoPrefix())}
	if n.index, err = file.Open(filepath.Join(dir, "index"), file.Options{}); err != nil {
		return err
	}
	if n.pins, err = file.Open(filepath.Join(dir, "pins"), file.Options{}); err != nil {
		return err
	}
	sources := make([]source, 0, len(n.opt.Gateways)+1)
	if len(n.opt.Listen)+len(n.opt.Peers) > 0 {
		if n.net, err = newNetwork(filepath.Join(dir, "identity"), n.blocks, n.opt); err != nil {
			return err
		}
		sources = append(sources, n.net)
	}
	for _, base := range n.opt.Gateways {
		g, err := newGatewaySource(base, n.opt)
		if err != nil {
			return err
		}
		sources = append(sources, g)
	}
	if len(sources) > 0 {
		n.fetch = newFetcher(sources, n.opt)
	}
	return nil
}

// lockDir refuses a second process, which would not see what this one holds in memory
// against the garbage collection.
func lockDir(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fault.New(fault.Conflict, "ipfs.Open", "another process has the directory open")
		}
		return nil, err
	}
	return f, nil
}

// Close disconnects from the peers, waits for what runs in the background and releases
// the directory. Open readers fail from then on. It is safe to call twice.
func (n *Node) Close() error {
	var err error
	n.closed.Do(func() { err = n.shut() })
	return ioFault("ipfs.Close", err)
}

// shut closes what is open, the users of a thing before the thing.
func (n *Node) shut() error {
	var errs []error
	if n.fetch != nil {
		n.fetch.close()
	}
	if n.net != nil {
		errs = append(errs, n.net.close())
	}
	for _, s := range []*file.Store{n.index, n.pins} {
		if s != nil {
			errs = append(errs, s.Close())
		}
	}
	if n.flat != nil {
		errs = append(errs, n.flat.Close())
	}
	if n.lock != nil {
		errs = append(errs, n.lock.Close())
	}
	return errors.Join(errs...)
}

// ioFault classifies an error of the disk or of a library; a fault keeps its kind.
func ioFault(op string, err error) error {
	var f *fault.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, os.ErrClosed), errors.Is(err, flatfs.ErrClosed):
		return &fault.Error{Kind: fault.Unavailable, Op: op, Msg: "the node is closed", Err: err}
	case errors.As(err, &f):
		return fault.At(op, err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return &fault.Error{Kind: fault.Unavailable, Op: op, Msg: "the disk that holds the node is full", Err: err}
	case errors.Is(err, syscall.EROFS), errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return fault.Wrap(fault.Unavailable, op, err)
	}
	return fault.Wrap(fault.Internal, op, err)
}
