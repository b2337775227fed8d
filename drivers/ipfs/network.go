package ipfs

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/ipfs/boxo/bitswap"
	"github.com/ipfs/boxo/bitswap/network/bsnet"
	"github.com/ipfs/boxo/peering"
	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"

	"github.com/streamgate/streamgate/fault"
)

// network is the node's part in the peer-to-peer network: a libp2p host that keeps its peers
// connected, and bitswap.
type network struct {
	host    host.Host
	bitswap *bitswap.Bitswap
	peering *peering.PeeringService
	cancel  context.CancelFunc
	wg      sync.WaitGroup
}

// nowhere finds no providers: blocks are asked of connected peers only.
type nowhere struct{}

func (nowhere) FindProvidersAsync(context.Context, cid.Cid, int) <-chan peer.AddrInfo {
	c := make(chan peer.AddrInfo)
	close(c)
	return c
}

func newNetwork(identity string, blocks *vault, opt Options) (*network, error) {
	const op = "ipfs.Open"
	peers := make([]peer.AddrInfo, len(opt.Peers))
	for i, p := range opt.Peers {
		info, err := peer.AddrInfoFromString(p)
		if err != nil {
			return nil, &fault.Error{Kind: fault.Invalid, Op: op, Msg: "a peer must be a multiaddress that ends in /p2p/ID", Err: err}
		}
		peers[i] = *info
	}
	key, err := loadIdentity(identity)
	if err != nil {
		return nil, err
	}
	listen := libp2p.NoListenAddrs
	if len(opt.Listen) > 0 {
		listen = libp2p.ListenAddrStrings(opt.Listen...)
	}
	h, err := libp2p.New(libp2p.Identity(key), listen, libp2p.Transport(tcp.NewTCPTransport), libp2p.DisableRelay(),
		libp2p.DisableMetrics(), libp2p.UserAgent("streamgate"))
	if err != nil {
		return nil, &fault.Error{Kind: fault.Unavailable, Op: op, Msg: "the node cannot listen for peers", Err: err}
	}
	// Cancelled by close, and so not the context of the call that opened the node.
	ctx, cancel := context.WithCancel(context.Background())
	bsn := bsnet.NewFromIpfsHost(h)
	nw := &network{host: h, peering: peering.NewPeeringService(h), cancel: cancel}
	nw.bitswap = bitswap.New(ctx, bsn, nowhere{}, blocks)
	bsn.Start(nw.bitswap)
	for _, p := range peers {
		nw.peering.AddPeer(p)
		// Peering waits some seconds before its first try.
		nw.wg.Go(func() {
			dial, done := context.WithTimeout(ctx, opt.SourceTimeout)
			defer done()
			_ = h.Connect(dial, p) // peering goes on trying
		})
	}
	if err := nw.peering.Start(); err != nil {
		return nil, errors.Join(err, nw.close())
	}
	return nw, nil
}

// loadIdentity reads the node's key, or makes it.
func loadIdentity(path string) (crypto.PrivKey, error) {
	b, err := os.ReadFile(path)
	if err == nil {
		key, err := crypto.UnmarshalPrivateKey(b)
		return key, fault.Wrap(fault.Corrupt, "ipfs.Open", err)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, err
	}
	if b, err = crypto.MarshalPrivateKey(key); err != nil {
		return nil, err
	}
	// By rename, so that a crash leaves no half of a key.
	if err := os.WriteFile(path+".new", b, 0o600); err != nil {
		return nil, err
	}
	return key, os.Rename(path+".new", path)
}

// block implements source.
func (nw *network) block(ctx context.Context, c cid.Cid) ([]byte, error) {
	b, err := nw.bitswap.GetBlock(ctx, c)
	if err != nil {
		return nil, &fault.Error{Kind: fault.Unavailable, Op: "ipfs.bitswap", Err: err}
	}
	return b.RawData(), nil
}

func (nw *network) close() error {
	nw.cancel()
	nw.peering.Stop()
	err := errors.Join(nw.bitswap.Close(), nw.host.Close())
	nw.wg.Wait()
	return err
}

// Addrs returns the addresses at which peers reach the node, in the form that Options.Peers
// takes; none without Listen.
func (n *Node) Addrs() []string {
	if n.net == nil {
		return nil
	}
	info := peer.AddrInfo{ID: n.net.host.ID(), Addrs: n.net.host.Addrs()}
	full, err := peer.AddrInfoToP2pAddrs(&info)
	if err != nil {
		return nil
	}
	addrs := make([]string, len(full))
	for i, a := range full {
		addrs[i] = a.String()
	}
	return addrs
}

// Connect connects to a peer now, beside those that Options names. A node without Listen and
// Peers has no network: fault.Unsupported.
func (n *Node) Connect(ctx context.Context, addr string) error {
	const op = "ipfs.Connect"
	if n.net == nil {
		return fault.New(fault.Unsupported, op, "the node was opened without a network")
	}
	info, err := peer.AddrInfoFromString(addr)
	if err != nil {
		return fault.Wrap(fault.Invalid, op, err)
	}
	inner, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := n.net.host.Connect(inner, *info); err != nil {
		if ctx.Err() != nil {
			return fault.Wrap(fault.Canceled, op, ctx.Err())
		}
		return &fault.Error{Kind: fault.Unavailable, Op: op, Msg: "the peer does not answer", Err: err}
	}
	return nil
}
