// Package solana asks Solana clusters, over JSON-RPC, who holds what. It implements
// nft.Verifier for the three Solana operations: SPL Token and Token-2022 mints,
// collections and creators by Metaplex Token Metadata (pNFT included), Metaplex
// Core assets, and compressed tokens (Bubblegum), which an indexer's DAS interface names and the Merkle tree on the chain
// proves. The server's wiring and hosts that embed StreamGate call it.
//
// Solana nodes keep no past states, so an answer is made consistent by bracketing:
// accounts are listed, then all that decides is read in one getMultipleAccounts with
// the clock of that slot, and when the slot moved in between the list is read again
// and must be the same. The provider is trusted no further than it must be: the
// genesis hash is asked with every check, slots never run backwards behind a load
// balancer, the clock account must agree with the slot the provider names and must
// not be old, replies are bounded. When in doubt the answer is an error, never a value.
//
// What showed that an account holds enough is remembered, so that a thousand watching sessions are asked about in
// a few requests a slot: see known.go. The Verifier sends no transactions, holds no keys and keeps no state on disk;
// an Issuer, which makes passes, sends them and has a key.
package solana

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

// Options configures a Verifier. RPCURL and Chain are due, the rest may be zero.
type Options struct {
	// RPCURL is the provider's JSON-RPC address, http or https. What is secret in
	// it (user, path, query) appears in no error and no log line.
	RPCURL string
	// WSURL is the provider's WebSocket address, ws or wss. With it Watch hears of slots and of changed accounts; without
	// it, and while it does not answer, Watch polls.
	WSURL string
	// DASURL is the JSON-RPC address of a provider of the Digital Asset Standard, http or https, often RPCURL itself.
	// Without it compressed tokens are not read. What it says is proven by RPCURL's provider, or not believed.
	DASURL string
	// Chain is the solana chain the provider must serve: its reference is the first
	// 32 characters of the genesis hash.
	Chain caip.ChainID
	// Timeout bounds one request to the provider (default 3 s).
	Timeout time.Duration
	// MaxReply bounds one reply in bytes (default 16 MiB).
	MaxReply int64
	// BatchSize is how many calls go into one request (default 40). 1 sends no
	// JSON-RPC batches, for providers that refuse them.
	BatchSize int
	// MaxTokens bounds the token accounts of one owner that are looked through for a
	// collection or creator (default 2000); an owner of more has no answer.
	MaxTokens int
	// MaxStale is how far the chain's clock may be behind Now (default 2 min);
	// negative for any.
	MaxStale time.Duration
	// PollInterval is how often Watch asks for the slot where it is not told (default 200 ms; a slot takes 400).
	PollInterval time.Duration
	// MaxSubscriptions bounds the accounts and mints that Watch subscribes to (default 500); negative for slots alone.
	MaxSubscriptions int
	// Now is the clock that MaxStale is measured by; nil is time.Now.
	Now func() time.Time
	// Client sends the HTTP requests; nil uses a client of the Verifier's own.
	// Redirects are refused either way.
	Client *http.Client
	// Logger hears of slots that run backwards and lost connections; nil discards.
	Logger *slog.Logger
}

// Verifier asks one cluster through one provider. All methods are safe for
// concurrent use.
type Verifier struct {
	chain caip.ChainID
	opt   Options
	node  *node
	das   *node // nil for none
	log   *slog.Logger
	known known

	mu    sync.Mutex
	floor map[string]floor // by commitment
}

// floor is the newest slot a provider has shown. It is forgotten after a while, so
// that one false slot does not shut a provider out for good.
type floor struct {
	slot uint64
	at   time.Time
}

const floorLife = time.Minute

var _ nft.Verifier = (*Verifier)(nil)

// New returns a Verifier without asking the provider anything; a provider that is
// down, or serves another chain, shows as errors of the methods. Errors are
// fault.Invalid.
func New(opt Options) (*Verifier, error) {
	const op = "solana.New"
	if opt.Chain.Namespace != "solana" || opt.Chain.Reference == "" {
		return nil, fault.Newf(fault.Invalid, op, "%q is not a solana chain", opt.Chain.String())
	}
	for _, u := range []struct{ what, url, scheme, secure string }{
		{"RPC URL", opt.RPCURL, "http", "https"}, {"DAS URL", opt.DASURL, "http", "https"}, {"WebSocket URL", opt.WSURL, "ws", "wss"},
	} {
		if u.url == "" && u.what != "RPC URL" {
			continue
		}
		p, err := url.Parse(u.url)
		if err != nil || p.Host == "" || !strings.EqualFold(p.Scheme, u.scheme) && !strings.EqualFold(p.Scheme, u.secure) {
			return nil, fault.Newf(fault.Invalid, op, "the %s is not an address of %s or %s", u.what, u.scheme, u.secure)
		}
	}
	opt = opt.withDefaults()
	v := &Verifier{chain: opt.Chain, opt: opt, node: newNode(opt, opt.RPCURL, opt.BatchSize), log: opt.Logger, floor: map[string]floor{}}
	if opt.DASURL != "" {
		v.das = newNode(opt, opt.DASURL, 1)
	}
	return v, nil
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
		return nil, fault.At("solana.Dial", err)
	}
	return v, nil
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, to time.Duration) {
		if *d <= 0 {
			*d = to
		}
	}
	def(&o.Timeout, 3*time.Second)
	def(&o.PollInterval, 200*time.Millisecond)
	if o.MaxStale == 0 {
		o.MaxStale = 2 * time.Minute
	}
	if o.MaxReply <= 0 {
		o.MaxReply = 16 << 20
	}
	if o.BatchSize <= 0 {
		o.BatchSize = 40
	}
	if o.MaxTokens <= 0 {
		o.MaxTokens = 2000
	}
	if o.MaxSubscriptions == 0 {
		o.MaxSubscriptions = 500
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Chain returns the chain asked.
func (v *Verifier) Chain() caip.ChainID { return v.chain }

// Close frees idle connections. Running calls are not disturbed.
func (v *Verifier) Close() {
	v.node.http.CloseIdleConnections()
	if v.das != nil {
		v.das.http.CloseIdleConnections()
	}
}

// Requests returns how many HTTP requests were made so far, to the provider and to that of DAS.
func (v *Verifier) Requests() (rpc, das uint64) {
	if v.das != nil {
		das = v.das.made.Load()
	}
	return v.node.made.Load(), das
}

// Head returns the newest slot of the cluster, as the commitment "processed" has it.
func (v *Verifier) Head(ctx context.Context) (nft.Block, error) {
	s := &survey{v: v, level: processed, m: &meter{}, wanted: newWanted(nil)}
	if err := s.read(ctx); err != nil {
		return nft.Block{}, fault.At("solana.Head", err)
	}
	return s.block(s.newest), nil
}

// The commitments, by the rule's finality "latest", "safe" and "finalized".
const (
	processed = "processed"
	confirmed = "confirmed"
	finalized = "finalized"
)

func commitmentOf(at nft.Finality) (string, error) {
	const op = "solana.Check"
	switch {
	case at.Tag == "latest" && at.Confirmations == 0, at.Tag == "" && at.Confirmations == 1:
		return processed, nil
	case at.Tag == "safe" && at.Confirmations == 0:
		return confirmed, nil
	case at.Tag == "finalized" && at.Confirmations == 0:
		return finalized, nil
	case at.Tag == "" && at.Confirmations > 1:
		return "", fault.New(fault.Unsupported, op, "Solana nodes keep no past states: ask for latest, safe or finalized")
	}
	return "", fault.Newf(fault.Invalid, op, "finality %q with %d confirmations", at.Tag, at.Confirmations)
}

// least is the slot below which the provider must not answer.
func (v *Verifier) least(level string) uint64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	f := v.floor[level]
	if v.opt.Now().Sub(f.at) > floorLife {
		return 0
	}
	return f.slot
}

// saw raises the floor.
func (v *Verifier) saw(level string, slot uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.opt.Now()
	if f := v.floor[level]; slot >= f.slot || now.Sub(f.at) > floorLife {
		v.floor[level] = floor{slot, now}
	}
}

// meter counts the requests made for one call.
type meter struct{ requests int }
