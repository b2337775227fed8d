// Package evm asks Ethereum-like chains, over JSON-RPC, who holds what. It
// implements nft.Verifier on go-ethereum; the server's wiring and hosts that
// embed StreamGate call it.
//
// Every answer is pinned to one block: the head of the wanted finality is
// resolved first, and all reads name that block's hash. What the provider says
// is not trusted further than it must be: the chain id is asked with every head,
// replies are bounded, ABI words are checked, and a log the block's bloom
// announces must be there. When in doubt the answer is an error, never a value.
//
// A Verifier sends no transactions, holds no keys and keeps no state on disk; an
// Issuer, which deploys and mints passes, sends them and has a Signer.
package evm

import (
	"context"
	"log/slog"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/rpc"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// Options configures a Verifier. RPCURL and Chain are due, the rest may be zero.
type Options struct {
	// RPCURL is the provider's JSON-RPC address, http or https. What is secret in
	// it (user, path, query) appears in no error and no log line.
	RPCURL string
	// WSURL is its WebSocket address, ws or wss, by which Watch hears of heads at
	// once. Empty polls.
	WSURL string
	// Chain is the eip155 chain the provider must serve.
	Chain caip.ChainID
	// Timeout bounds one request to the provider (default 3 s).
	Timeout time.Duration
	// MaxReply bounds one reply in bytes (default 16 MiB).
	MaxReply int64
	// BatchSize is how many reads go into one request (default 100). 1 sends no
	// JSON-RPC batches, for providers that refuse them.
	BatchSize int
	// Profile is what is special about the chain; the zero value suits one whose nodes know the tags.
	Profile Profile
	// PollInterval is how often Watch asks for the head while it has no
	// subscription (default by the profile, else 500 ms).
	PollInterval time.Duration
	// Window is how many blocks Watch remembers, which is the deepest
	// reorganisation it can follow without a Gap (default 64).
	Window int
	// DelegateRegistry is the address of the delegate.xyz v2 registry (default the one it has on
	// almost every chain).
	DelegateRegistry string
	// MaxHeldBlocks is the longest window that a holding time is looked for in (default 50,000 blocks).
	MaxHeldBlocks uint64
	// AccountRegistry is the address of the ERC-6551 registry (default the one it has everywhere).
	AccountRegistry string
	// NoMulticall never uses Multicall3, even where it is deployed.
	NoMulticall bool
	// Client sends the HTTP requests; nil uses a client of the Verifier's own.
	// Redirects are refused either way.
	Client *http.Client
	// Logger hears of lost connections and reorganisations; nil discards.
	Logger *slog.Logger
}

// Verifier asks one chain through one provider. All methods are safe for
// concurrent use.
type Verifier struct {
	chain   caip.ChainID
	chainID *big.Int
	opt     Options
	log     *slog.Logger
	node    *node
	codec   codec
	topics  topics

	// multicallFrom is 1 + the lowest block Multicall3 was seen at, or 0.
	multicallFrom atomic.Uint64
	// byNumber is set once the provider has refused to read by block hash.
	byNumber atomic.Bool
}

var _ nft.Verifier = (*Verifier)(nil)

// New returns a Verifier without asking the provider anything; a provider that is
// down, or serves another chain, shows as errors of the methods. Errors are
// fault.Invalid.
func New(opt Options) (*Verifier, error) {
	const op = "evm.New"
	id, ok := new(big.Int).SetString(opt.Chain.Reference, 10)
	if opt.Chain.Namespace != "eip155" || !ok {
		return nil, fault.Newf(fault.Invalid, op, "%q is not an eip155 chain", opt.Chain.String())
	}
	if !urlHas(opt.RPCURL, "http", "https") {
		return nil, fault.New(fault.Invalid, op, "the RPC URL is not an http or https address")
	}
	if opt.WSURL != "" && !urlHas(opt.WSURL, "ws", "wss") {
		return nil, fault.New(fault.Invalid, op, "the WebSocket URL is not a ws or wss address")
	}
	opt = opt.withDefaults()
	for _, registry := range []string{opt.DelegateRegistry, opt.AccountRegistry} {
		if _, err := caip.ParseEVMAddress(registry); err != nil {
			return nil, fault.New(fault.Invalid, op, "a registry is not an EVM address")
		}
	}
	c, err := newCodec()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, op, err)
	}
	n, err := newNode(opt)
	if err != nil {
		return nil, err
	}
	return &Verifier{chain: opt.Chain, chainID: id, opt: opt, log: opt.Logger, node: n, codec: c, topics: newTopics()}, nil
}

// Dial is New and a check that the provider answers and serves the chain: a
// provider that does not is fault.Unavailable.
func Dial(ctx context.Context, opt Options) (*Verifier, error) {
	v, err := New(opt)
	if err != nil {
		return nil, err
	}
	if _, err := v.Head(ctx); err != nil {
		v.Close()
		return nil, fault.At("evm.Dial", err)
	}
	return v, nil
}

func (o Options) withDefaults() Options {
	if o.Timeout <= 0 {
		o.Timeout = 3 * time.Second
	}
	if o.MaxReply <= 0 {
		o.MaxReply = 16 << 20
	}
	if o.BatchSize <= 0 {
		o.BatchSize = 100
	}
	if o.PollInterval <= 0 {
		o.PollInterval = o.Profile.pollInterval()
	}
	if o.Window <= 0 {
		o.Window = 64
	}
	if o.DelegateRegistry == "" {
		o.DelegateRegistry = delegateRegistry
	}
	if o.AccountRegistry == "" {
		o.AccountRegistry = accountRegistry
	}
	if o.MaxHeldBlocks == 0 {
		o.MaxHeldBlocks = 50_000
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func urlHas(raw string, schemes ...string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return false
	}
	for _, s := range schemes {
		if strings.EqualFold(u.Scheme, s) {
			return true
		}
	}
	return false
}

// Chain returns the chain asked.
func (v *Verifier) Chain() caip.ChainID { return v.chain }

// Close frees idle connections. Running calls are not disturbed.
func (v *Verifier) Close() { v.node.close() }

// Head returns the newest block of the chain.
func (v *Verifier) Head(ctx context.Context) (nft.Block, error) {
	h, err := v.head(ctx, "latest", &meter{})
	if err != nil {
		return nft.Block{}, fault.At("evm.Head", err)
	}
	return h.block(), nil
}

// meter counts the requests made for one call.
type meter struct{ requests int }

// request is one JSON-RPC request and, afterwards, its outcome.
type request = rpc.BatchElem
