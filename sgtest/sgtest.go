// Package sgtest is for the tests of programs that embed StreamGate. New gives a running
// platform that needs no network, no chain, no ffmpeg and no server, in a fraction of
// a second:
//
//	kit := sgtest.New(t)
//	pass := kit.Collection()
//	film := kit.Film(rule.Hold(pass.Asset()))
//	fan := kit.SignIn(kit.Wallet(1))
//	fan.Play(film)     // refused: 403 not_held
//	kit.Give(kit.Wallet(1), pass)
//	fan.Play(film)     // plays
//
// Everything but the outside world is the real thing: the HTTP surface, sign-in by
// signature, the pipeline, the gate, encryption. The chain is nfttest.Chain, the clip is
// made beforehand, wallets have keys that everybody knows, and records are kept in
// SQLite below the test's folder.
//
// FaultyStore, FaultyCache, FaultyBus, FaultyQueue, FaultyVerifier and FaultyKeys make
// back-ends fail: at a rate, from a seed, before or after the effect.
//
// It is imported by tests only and never by a program: it imports testing.
package sgtest

import (
	"context"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/storage/mem"
)

// ChainID is the CAIP-2 id of the kit's chain.
const ChainID = "eip155:31337"

// Patience bounds every wait of the kit, for machines that are busy.
const Patience = time.Minute

// Kit is a running platform. Its methods fail the test on what the test did not ask
// about, and are called from the test's goroutine.
type Kit struct {
	// Platform is what New of package streamgate returned, running.
	Platform *streamgate.Platform
	// URL is where it serves, http://127.0.0.1:PORT.
	URL string
	// Chain is the chain that rules ask. Its blocks are final at once.
	Chain *nfttest.Chain

	t      testing.TB
	server *httptest.Server
	offset atomic.Int64 // of the clock
	owner  *Session     // of the films
	tokens int
}

// New starts a platform that ends with the test. Options of package streamgate change it:
// WithStorage with a FaultyStore, WithPublicURL and all others. A verifier that is given is
// one more beside the kit's chain.
func New(t testing.TB, opts ...streamgate.Option) *Kit {
	t.Helper()
	id, err := caip.ParseChainID(ChainID)
	if err != nil {
		t.Fatal(err)
	}
	k := &Kit{t: t, Chain: nfttest.NewChain(id)}
	k.Chain.SetFinality(0, 0)
	defaults := []streamgate.Option{
		streamgate.WithDataDir(t.TempDir()), streamgate.WithStorage(mem.New()), streamgate.WithKeys(keys.NewMemory()),
		streamgate.WithTranscoder(Transcoder{}), streamgate.WithVerifier(k.Chain), streamgate.WithClock(k.Now), streamgate.WithoutWeb(),
	}
	k.start(append(defaults, opts...))
	return k
}

func (k *Kit) start(opts []streamgate.Option) {
	k.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	p, err := streamgate.New(ctx, opts...)
	if err != nil {
		stop()
		k.t.Fatal(err)
	}
	k.Platform, k.server = p, httptest.NewServer(p.Handler())
	k.URL = k.server.URL
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	k.t.Cleanup(func() {
		p.Drain()
		k.server.CloseClientConnections()
		k.server.Close()
		stop()
		if err := <-done; err != nil {
			k.t.Errorf("the platform ended with %v", err)
		}
		if err := p.Close(); err != nil {
			k.t.Errorf("closing the platform: %v", err)
		}
	})
	select {
	case <-p.Ready():
	case err := <-done:
		done <- err
		k.t.Fatalf("the platform did not start: %v", err)
	case <-time.After(Patience):
		k.t.Fatal("the platform did not start in time")
	}
}

// Now is the clock of the platform: that of the machine, moved by Advance.
func (k *Kit) Now() time.Time { return time.Now().Add(time.Duration(k.offset.Load())) }

// Advance moves the clock of the platform. Sessions, decisions and grants age by it; what
// waits for a timer of the machine does not notice.
func (k *Kit) Advance(d time.Duration) { k.offset.Add(int64(d)) }

// Wallet returns the n-th wallet; the same n always gives the same one.
func (k *Kit) Wallet(n int) authtest.Wallet {
	if n < 0 || n > 1<<20 {
		k.t.Fatalf("sgtest: there is no wallet %d", n)
	}
	return authtest.NewWallet(uint32(n))
}

// Collection is an ERC-721 contract on the kit's chain.
type Collection struct{ Address string }

// Asset is the CAIP-19 id of the collection, as rule.Hold takes it.
func (c Collection) Asset() string { return ChainID + "/erc721:" + c.Address }

// Collection deploys a contract without tokens.
func (k *Kit) Collection() Collection { return Collection{k.Chain.Deploy("erc721")} }

// Token is one token of a collection.
type Token struct {
	Collection
	ID string
}

// Give mints a new token of c to w, and waits until the platform has seen it.
func (k *Kit) Give(w authtest.Wallet, c Collection) Token {
	k.t.Helper()
	k.tokens++
	tok := Token{c, strconv.Itoa(k.tokens)}
	k.mine(nfttest.Op{Kind: nfttest.Mint721, Contract: c.Address, TokenID: tok.ID, To: w.Address})
	return tok
}

// Move transfers a token, and waits until the platform has seen it.
func (k *Kit) Move(tok Token, from, to authtest.Wallet) {
	k.t.Helper()
	k.mine(nfttest.Op{Kind: nfttest.Transfer721, Contract: tok.Address, TokenID: tok.ID, From: from.Address, To: to.Address})
}

func (k *Kit) mine(op nfttest.Op) {
	k.t.Helper()
	k.Chain.Mine(op)
	ctx, cancel := context.WithTimeout(k.t.Context(), Patience)
	defer cancel()
	if err := k.Chain.Sync(ctx); err != nil {
		k.t.Fatalf("the platform does not follow the chain: %v", err)
	}
}
