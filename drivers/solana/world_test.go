package solana_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gagliardetto/solana-go"

	"github.com/streamgate/streamgate/caip"
	sol "github.com/streamgate/streamgate/drivers/solana"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/nft/rule"
)

var (
	tokenMetadata = solana.TokenMetadataProgramID
	coreProgram   = solana.MustPublicKeyFromBase58("CoREENxT6tW1HoK8ypY1SxRMZTcVPm7R94rH4PZNhX7d")
)

// Metaplex accounts are written here to the published layout, since no Metaplex
// program can be had for the test node.

func borsh(s string) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(s))), s...)
}

func flag(b bool) byte {
	if b {
		return 1
	}
	return 0
}

type meta struct {
	mint            solana.PublicKey
	collection      solana.PublicKey // zero for none
	verified        bool
	creator         solana.PublicKey // zero for none
	creatorVerified bool
	standard        byte
}

// bytes is MetadataV1.
func (m meta) bytes() []byte {
	b := slices.Concat([]byte{4}, make([]byte, 32), m.mint.Bytes(), borsh("Looks like another"), borsh("LLA"), borsh("https://example.com/1.json"), []byte{0, 0})
	if m.creator.IsZero() {
		b = append(b, 0)
	} else {
		b = slices.Concat(b, []byte{1, 1, 0, 0, 0}, m.creator.Bytes(), []byte{flag(m.creatorVerified), 100})
	}
	b = append(b, 0, 1, 1, 255, 1, m.standard)
	if m.collection.IsZero() {
		b = append(b, 0)
	} else {
		b = slices.Concat(b, []byte{1, flag(m.verified)}, m.collection.Bytes())
	}
	return append(b, make([]byte, 64)...)
}

func pda(t testing.TB, seeds ...[]byte) solana.PublicKey {
	t.Helper()
	key, _, err := solana.FindProgramAddress(append([][]byte{[]byte("metadata"), tokenMetadata.Bytes()}, seeds...), tokenMetadata)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func setMeta(ctx context.Context, t testing.TB, s *chaintest.Solana, m meta) error {
	return s.SetAccount(ctx, pda(t, m.mint.Bytes()), tokenMetadata, m.bytes())
}

// record is a TokenRecord in a state (0 unlocked, 1 locked, 2 listed).
func record(state byte, delegate *solana.PublicKey) []byte {
	b := []byte{11, 255, state, 0}
	if delegate != nil {
		b = slices.Concat(b, []byte{1}, delegate.Bytes())
	} else {
		b = append(b, 0)
	}
	return append(b, make([]byte, 48)...)
}

// coreBase is AssetV1 without plugins.
func coreBase(owner, collection solana.PublicKey) []byte {
	b := slices.Concat([]byte{1}, owner.Bytes())
	if collection.IsZero() {
		b = append(b, 0)
	} else {
		b = slices.Concat(b, []byte{2}, collection.Bytes())
	}
	return slices.Concat(b, borsh("asset"), borsh("https://example.com/2.json"), []byte{0})
}

// plugin is one of a Core account: its type, the kind of its authority (3 is an address), its data.
type plugin struct {
	kind, authority byte
	data            []byte
}

// withPlugins puts the header, the plugins and their registry behind an asset or a collection.
func withPlugins(base []byte, plugins ...plugin) []byte {
	u64 := func(n int) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(n)) }
	var data []byte
	registry := binary.LittleEndian.AppendUint32([]byte{4}, uint32(len(plugins)))
	for _, p := range plugins {
		at := len(base) + 9 + len(data)
		data = slices.Concat(data, []byte{p.kind}, p.data)
		registry = append(registry, p.kind, p.authority)
		if p.authority == 3 {
			registry = append(registry, make([]byte, 32)...)
		}
		registry = append(registry, u64(at)...)
	}
	return slices.Concat(base, []byte{3}, u64(len(base)+9+len(data)), data, registry, []byte{0, 0, 0, 0})
}

func verifiedCreator(key solana.PublicKey) []byte {
	return slices.Concat([]byte{1, 0, 0, 0}, key.Bytes(), []byte{1})
}

// coreAsset is AssetV1 with a freeze plugin and a creators plugin.
func coreAsset(owner, collection, creator solana.PublicKey, frozen bool) []byte {
	return withPlugins(coreBase(owner, collection), plugin{1, 1, []byte{flag(frozen)}}, plugin{13, 2, verifiedCreator(creator)})
}

func coreCollection() []byte {
	return slices.Concat([]byte{5}, make([]byte, 32), borsh("collection"), borsh("https://example.com/c.json"), make([]byte, 8))
}

// world is a node with two wallets and a decider on it.
type world struct {
	*chaintest.Solana
	t    testing.TB
	a, b solana.PrivateKey
	v    *sol.Verifier
	d    *nft.Decider
}

func newWorld(t testing.TB, opt sol.Options) *world {
	t.Helper()
	s := chaintest.StartSolana(t)
	w := &world{Solana: s, t: t, a: s.Wallet(t), b: s.Wallet(t)}
	opt.RPCURL, opt.Chain = s.RPCURL, s.ID
	if opt.WSURL != "" {
		opt.WSURL = s.WSURL
	}
	v, err := sol.Dial(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	w.v, w.d = v, nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{v}})
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) mint(m chaintest.SolanaMint, owner solana.PrivateKey, amount uint64) solana.PublicKey {
	w.t.Helper()
	mint, err := w.NewMint(w.t.Context(), m)
	w.must(err)
	if amount > 0 {
		w.must(w.MintTo(w.t.Context(), mint, owner.PublicKey(), amount))
	}
	return mint
}

func (w *world) sol(mint solana.PublicKey) rule.Expr {
	return rule.Sol(w.ID.String() + "/token:" + mint.String())
}

func (w *world) collection(mint solana.PublicKey) rule.Expr {
	return rule.SolCollection(w.ID.String(), mint.String())
}

func (w *world) creator(key solana.PublicKey) rule.Expr {
	return rule.SolCreator(w.ID.String(), key.String())
}

// want decides a rule for a wallet, past the cache.
func (w *world) want(what string, e rule.Expr, who solana.PrivateKey, o nft.Outcome, reason, observed string) {
	w.t.Helper()
	r, err := e.Build()
	w.must(err)
	subject := nft.Subject{Tenant: "t", Accounts: []caip.AccountID{{Chain: w.ID, Address: who.PublicKey().String()}}}
	d, err := w.d.DecideFresh(w.t.Context(), r, subject)
	w.must(err)
	if d.Outcome != o || d.Reason != reason || d.Explain.Observed != observed {
		w.t.Errorf("%s: %v %s, observed %q; want %v %s %q", what, d.Outcome, d.Reason, d.Explain.Observed, o, reason, observed)
	}
}

// The suite of nft.Verifier: the tokens are of the real SPL program, their metadata
// of the published layout.
func TestVerifier(t *testing.T) {
	t.Parallel()
	nfttest.Run(t, func(t *testing.T) nfttest.Fixture {
		return fixture(t, sol.Options{PollInterval: 20 * time.Millisecond})
	})
}

// The same, told of slots over WebSocket and hardly ever asking by itself.
func TestVerifierTold(t *testing.T) {
	t.Parallel()
	nfttest.Run(t, func(t *testing.T) nfttest.Fixture {
		return fixture(t, sol.Options{PollInterval: 400 * time.Millisecond, WSURL: "here"})
	})
}

func TestVerifierWithoutBatches(t *testing.T) {
	t.Parallel()
	for _, c := range nfttest.Checks() {
		if c.Name == "one answer a query, in order, at one block" || c.Name == "ERC-721 balances and owners" {
			if err := c.Func(t.Context(), fixture(t, sol.Options{BatchSize: 1})); err != nil {
				t.Error(err)
			}
		}
	}
}

func fixture(t *testing.T, opt sol.Options) nfttest.Fixture {
	t.Helper()
	w := newWorld(t, opt)
	c := w.Wallet(t)
	collection := w.mint(chaintest.SolanaMint{}, w.a, 0)
	items := map[string]solana.PublicKey{"7": w.mint(chaintest.SolanaMint{}, w.a, 0), "8": w.mint(chaintest.SolanaMint{}, w.a, 0), "1": w.mint(chaintest.SolanaMint{}, w.a, 0)}
	tokens := map[string]solana.PublicKey{}
	keys := map[string]solana.PrivateKey{}
	f := nfttest.Fixture{Verifier: w.v, NFT: collection.String(), Multi: items["7"].String(), NoCode: solana.NewWallet().PublicKey().String(),
		HeadsOnly: true, NoHistory: true}
	for i, k := range []solana.PrivateKey{w.a, w.b, c} {
		f.Accounts[i] = k.PublicKey().String()
		keys[f.Accounts[i]] = k
	}
	f.Ask = nfttest.Dialect{NoOwner: true,
		Count: func(account string) nft.Query {
			return nft.Query{Op: nft.OpSolCollection, Contract: f.NFT, Account: account}
		},
		Amount: func(account, token string) nft.Query {
			return nft.Query{Op: nft.OpSolMint, Contract: items[token].String(), Account: account}
		},
	}
	f.Mine = func(ctx context.Context, ops ...nfttest.Op) (nft.Block, error) {
		if len(ops) == 0 {
			if err := w.Tick(ctx, 1); err != nil {
				return nft.Block{}, err
			}
		}
		for _, o := range ops {
			if err := w.run(ctx, collection, o, tokens, items, keys); err != nil {
				return nft.Block{}, fmt.Errorf("%+v: %w", o, err)
			}
		}
		return w.Head(ctx)
	}
	f.Break = func() func() {
		w.must(w.Fault(context.Background(), chaintest.SolanaFault{Drop: true}))
		return func() { w.must(w.Fault(context.Background(), chaintest.SolanaFault{})) }
	}
	return f
}

func (w *world) run(ctx context.Context, collection solana.PublicKey, o nfttest.Op, tokens, items map[string]solana.PublicKey, keys map[string]solana.PrivateKey) error {
	to := keys[o.To].PublicKey()
	switch o.Kind {
	case nfttest.Mint721:
		mint, err := w.NewMint(ctx, chaintest.SolanaMint{})
		if err != nil {
			return err
		}
		tokens[o.TokenID] = mint
		if err := setMeta(ctx, w.t, w.Solana, meta{mint: mint, collection: collection, verified: true}); err != nil {
			return err
		}
		return w.MintTo(ctx, mint, to, 1)
	case nfttest.Transfer721:
		return w.Transfer(ctx, tokens[o.TokenID], keys[o.From], keys[o.From].PublicKey(), to, 1)
	case nfttest.Mint1155:
		return w.MintTo(ctx, items[o.TokenID], to, o.Amount)
	case nfttest.Transfer1155:
		return w.Transfer(ctx, items[o.TokenID], keys[o.From], keys[o.From].PublicKey(), to, o.Amount)
	}
	return fmt.Errorf("operation %q", o.Kind)
}
