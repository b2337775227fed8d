// Package devchain is a complete EVM chain inside the process: go-ethereum's
// simulated chain, served as JSON-RPC over HTTP and WebSocket on loopback, with
// Multicall3 at its usual address and three funded accounts whose keys are
// public. The demo and the tests call it, so that neither needs a node, a
// network or a wallet with money.
//
// Nothing is kept on disk: every start is a new chain from block 0, and its
// state is gone after Close. Never use its keys on another chain.
package devchain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/ethclient/gethclient"
	"github.com/ethereum/go-ethereum/ethclient/simulated"
	"github.com/ethereum/go-ethereum/log"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/params"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/fault"
)

// ID is the chain id of every dev chain; go-ethereum's simulated chain has no other.
const ID = 1337

// DelegateRegistry is the address of delegate.xyz v2 on every chain that has it.
const DelegateRegistry = "0x00000000000000447e69651d841bd8d104bed493"

// Options configures Start; the zero value works.
type Options struct {
	// Port is the loopback TCP port of HTTP and WebSocket alike; 0 lets the
	// kernel choose.
	Port int
	// BlockTime is how often an empty block is made (default 1 s). Transactions
	// do not wait for it. Negative mines on Mine only.
	BlockTime time.Duration
	// NoMulticall leaves Multicall3 out of the genesis block.
	NoMulticall bool
	// Logger hears the node's warnings; nil discards them.
	Logger *slog.Logger
}

// Chain is a running dev chain. All methods are safe for concurrent use.
type Chain struct {
	backend *simulated.Backend
	client  *ethclient.Client
	addr    string

	// mu is held round everything that seals, forks or sends: the simulated
	// beacon hangs when a Commit and a Fork overlap.
	mu     sync.Mutex
	closed bool

	stop    context.CancelFunc
	stopped sync.WaitGroup
}

// Start starts a chain and returns once it answers. The caller must Close it.
// A port that is taken is fault.Unavailable.
func Start(ctx context.Context, opt Options) (*Chain, error) {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.BlockTime == 0 {
		opt.BlockTime = time.Second
	}
	spy := &addrSpy{next: opt.Logger.Handler(), addr: new(string)}
	backend, err := newBackend(genesis(opt), func(n *node.Config, _ *ethconfig.Config) {
		n.HTTPHost, n.HTTPPort, n.HTTPModules = "127.0.0.1", opt.Port, []string{"eth", "net", "web3"}
		n.WSHost, n.WSPort, n.WSModules = "127.0.0.1", opt.Port, []string{"eth", "net", "web3"}
		n.HTTPVirtualHosts = []string{"localhost", "127.0.0.1"}
		n.Logger = log.NewLogger(spy)
	})
	if err != nil {
		return nil, err
	}
	c := &Chain{backend: backend, addr: *spy.addr}
	if err := c.connect(ctx); err != nil {
		_ = backend.Close()
		return nil, err
	}
	// Not ctx: the chain lives until Close.
	run, stop := context.WithCancel(context.Background())
	c.stop = stop
	if opt.BlockTime > 0 {
		txs := make(chan common.Hash, 256)
		sub, err := gethclient.New(c.client.Client()).SubscribePendingTransactions(ctx, txs)
		if err != nil {
			_ = c.Close()
			return nil, fault.Wrap(fault.Unavailable, "devchain.Start", err)
		}
		c.stopped.Go(func() {
			defer sub.Unsubscribe()
			c.mineLoop(run, txs, opt.BlockTime)
		})
	}
	return c, nil
}

// genesis funds the accounts and places Multicall3 and a registry of delegations.
func genesis(opt Options) types.GenesisAlloc {
	alloc := types.GenesisAlloc{}
	for _, a := range append(Accounts(), Minter()) {
		alloc[a.addr()] = types.Account{Balance: new(big.Int).Mul(big.NewInt(10_000), big.NewInt(params.Ether))}
	}
	if !opt.NoMulticall {
		alloc[common.HexToAddress(contracts.Multicall3Address)] = types.Account{Code: contracts.Multicall3().Runtime, Balance: new(big.Int)}
	}
	// Where delegate.xyz v2 is on other chains stands a contract with its functions.
	alloc[common.HexToAddress(DelegateRegistry)] = types.Account{Code: contracts.TestDelegateRegistry().Runtime, Balance: new(big.Int)}
	return alloc
}

// newBackend turns the panic of simulated.NewBackend, which it has in place of an
// error, back into one.
func newBackend(alloc types.GenesisAlloc, option func(*node.Config, *ethconfig.Config)) (b *simulated.Backend, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fault.Wrap(fault.Unavailable, "devchain.Start", fmt.Errorf("%v", r))
		}
	}()
	return simulated.NewBackend(alloc, option), nil
}

// connect dials the chain over its own port and checks that what answers is one.
func (c *Chain) connect(ctx context.Context) error {
	const op = "devchain.Start"
	if _, _, err := net.SplitHostPort(c.addr); err != nil {
		return fault.Newf(fault.Internal, op, "the node did not tell its address")
	}
	client, err := ethclient.DialContext(ctx, c.WSURL())
	if err != nil {
		return fault.Wrap(fault.Unavailable, op, err)
	}
	if id, err := client.ChainID(ctx); err != nil || id.Int64() != ID {
		client.Close()
		return fault.Wrap(fault.Unavailable, op, errors.Join(err, fmt.Errorf("chain id %v", id)))
	}
	c.client = client
	return nil
}

// RPCURL is the address of JSON-RPC over HTTP.
func (c *Chain) RPCURL() string { return "http://" + c.addr }

// WSURL is the address of JSON-RPC over WebSocket.
func (c *Chain) WSURL() string { return "ws://" + c.addr }

// ChainID is eip155:1337.
func (c *Chain) ChainID() caip.ChainID {
	return caip.ChainID{Namespace: "eip155", Reference: fmt.Sprint(ID)}
}

// Close stops mining and serving and returns when both have ended. Closing twice
// is harmless.
func (c *Chain) Close() error {
	c.stop()
	c.stopped.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	c.client.Close()
	return fault.Wrap(fault.Internal, "devchain.Close", c.backend.Close())
}

// addrSpy passes the node's warnings on and notes the address the node serves at,
// which simulated.Backend tells nobody but its log.
type addrSpy struct {
	next slog.Handler
	addr *string
}

func (s *addrSpy) Enabled(ctx context.Context, l slog.Level) bool { return l >= slog.LevelInfo }

func (s *addrSpy) Handle(ctx context.Context, r slog.Record) error {
	if r.Message == "HTTP server started" {
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "endpoint" {
				*s.addr = a.Value.String()
			}
			return true
		})
	}
	if r.Level < slog.LevelWarn || !s.next.Enabled(ctx, r.Level) {
		return nil
	}
	return s.next.Handle(ctx, r)
}

func (s *addrSpy) WithAttrs(a []slog.Attr) slog.Handler {
	return &addrSpy{next: s.next.WithAttrs(a), addr: s.addr}
}

func (s *addrSpy) WithGroup(name string) slog.Handler {
	return &addrSpy{next: s.next.WithGroup(name), addr: s.addr}
}
