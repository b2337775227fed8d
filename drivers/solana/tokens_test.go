package solana_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/gagliardetto/solana-go"

	sol "github.com/streamgate/streamgate/drivers/solana"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
)

const (
	yes, no, unknown = nft.Yes, nft.No, nft.Unknown
	allowed, notHeld = "allowed", "not_held"
)

// SPL Token and Token-2022, by the real programs: who holds, who does not, and what
// a transfer, a freeze, a delegation and a burn do.
func TestMints(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sol.Options{})
	ctx := t.Context()
	issuer := w.Payer.PublicKey()
	for name, m := range map[string]chaintest.SolanaMint{"SPL": {}, "Token-2022": {Token2022: true}} {
		t.Run(name+" NFT", func(t *testing.T) {
			mint := w.mint(m, w.a, 1)
			w.want("holder", w.sol(mint), w.a, yes, allowed, "1")
			w.want("stranger", w.sol(mint), w.b, no, notHeld, "0")
			w.must(w.Freeze(ctx, mint, w.a.PublicKey()))
			w.want("frozen", w.sol(mint), w.a, no, notHeld, "0 (1 frozen not counted)")
			w.want("frozen but allowed", w.sol(mint).Allow("frozen"), w.a, yes, allowed, "1")
			w.must(w.Thaw(ctx, mint, w.a.PublicKey()))
			w.must(w.Approve(ctx, mint, w.a, w.b.PublicKey(), 1))
			w.want("delegated", w.sol(mint), w.a, no, notHeld, "0 (1 delegated not counted)")
			w.want("the delegate itself", w.sol(mint).Allow("delegated"), w.b, no, notHeld, "0")
			w.want("delegated but allowed", w.sol(mint).Allow("delegated"), w.a, yes, allowed, "1")
			w.must(w.Transfer(ctx, mint, w.b, w.a.PublicKey(), w.b.PublicKey(), 1)) // by the delegate
			w.want("old holder", w.sol(mint), w.a, no, notHeld, "0")
			w.want("new holder", w.sol(mint), w.b, yes, allowed, "1")
			w.must(w.CloseAccount(ctx, mint, w.a))
			w.want("closed account", w.sol(mint), w.a, no, notHeld, "0")
			w.must(w.Burn(ctx, mint, w.b, 1))
			w.want("burned", w.sol(mint), w.b, no, notHeld, "0")
		})
		t.Run(name+" fungible", func(t *testing.T) {
			m.Decimals = 2
			mint := w.mint(m, w.a, 300)
			w.want("one account", w.sol(mint).Min(500), w.a, no, notHeld, "300")
			if m.Token2022 {
				return // the second account is of the plain size
			}
			w.must(w.MintApart(ctx, mint, w.a.PublicKey(), 200))
			w.want("two accounts", w.sol(mint).Min(500), w.a, yes, allowed, "500")
			w.must(w.Transfer(ctx, mint, w.a, w.a.PublicKey(), w.b.PublicKey(), 1))
			w.want("one unit less", w.sol(mint).Min(500), w.a, no, notHeld, "499")
		})
	}
	t.Run("Token-2022 non-transferable", func(t *testing.T) {
		mint := w.mint(chaintest.SolanaMint{Token2022: true, NonTransferable: true}, w.a, 1)
		w.want("holder", w.sol(mint), w.a, yes, allowed, "1 (non-transferable)")
		w.want("stranger", w.sol(mint), w.b, no, notHeld, "0")
		w.must(w.Burn(ctx, mint, w.a, 1))
		w.want("burned", w.sol(mint), w.a, no, notHeld, "0")
	})
	t.Run("Token-2022 permanent delegate", func(t *testing.T) {
		mint := w.mint(chaintest.SolanaMint{Token2022: true, PermanentDelegate: &issuer}, w.a, 1)
		w.want("holder", w.sol(mint), w.a, yes, allowed, "1 (permanent delegate)")
		w.must(w.Transfer(ctx, mint, w.Payer, w.a.PublicKey(), w.b.PublicKey(), 1))
		w.want("pulled", w.sol(mint), w.a, no, notHeld, "0")
		w.want("given", w.sol(mint), w.b, yes, allowed, "1 (permanent delegate)")
	})
	t.Run("what is no mint", func(t *testing.T) {
		for _, key := range []solana.PublicKey{w.a.PublicKey(), solana.NewWallet().PublicKey(), solana.TokenProgramID} {
			w.want(key.String(), w.sol(key), w.a, unknown, "not_a_contract", "")
			w.want(key.String(), w.collection(key), w.a, unknown, "not_a_contract", "")
		}
		fake := solana.NewWallet().PublicKey()
		mint := w.mint(chaintest.SolanaMint{}, w.a, 1)
		account, err := w.ATA(ctx, mint, w.a.PublicKey())
		w.must(err)
		w.want("a token account", w.sol(account), w.a, unknown, "not_a_contract", "")
		// The bytes of a mint owned by another program.
		w.must(w.SetAccount(ctx, fake, solana.MemoProgramID, append(bytes.Repeat([]byte{0}, 45), append([]byte{1}, make([]byte, 36)...)...)))
		w.want("a forged mint", w.sol(fake), w.a, unknown, "not_a_contract", "")
	})
}

// Collections and creators, by metadata accounts of the published layout over tokens
// of the real SPL program.
func TestCollectionsAndCreators(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sol.Options{})
	ctx := t.Context()
	club, other := w.mint(chaintest.SolanaMint{}, w.a, 0), w.mint(chaintest.SolanaMint{}, w.a, 0)
	artist := solana.NewWallet().PublicKey()
	one := w.mint(chaintest.SolanaMint{}, w.a, 1)
	set := func(m meta) { m.mint = one; w.must(setMeta(ctx, t, w.Solana, m)) }

	w.want("no metadata", w.collection(club), w.a, no, notHeld, "0")
	set(meta{collection: club})
	w.want("unverified with the same key", w.collection(club), w.a, no, notHeld, "0")
	r, err := rule.Parse([]byte(`{"gr":1,"when":{"sol":"` + w.ID.String() + `","collection":{"mint":"` + club.String() + `","verified":false}}}`))
	w.must(err)
	if got := r.Lint(); len(got) == 0 {
		t.Error("no warning of an unverified collection")
	}
	reply, err := w.v.Check(ctx, nft.Finality{Tag: "latest"}, []nft.Query{{Op: nft.OpSolCollection, Contract: club.String(), Account: w.a.PublicKey().String(), Sol: nft.SolQuery{Unverified: true}}})
	w.must(err)
	if reply.Answers[0].Value != "1" {
		t.Errorf("a rule that takes claims sees %+v", reply.Answers[0])
	}
	set(meta{collection: other, verified: true})
	w.want("another collection", w.collection(club), w.a, no, notHeld, "0")
	set(meta{collection: club, verified: true, creator: artist, creatorVerified: false})
	w.want("verified", w.collection(club), w.a, yes, allowed, "1")
	w.want("stranger", w.collection(club), w.b, no, notHeld, "0")
	w.want("unverified creator", w.creator(artist), w.a, no, notHeld, "0")
	set(meta{collection: club, verified: true, creator: artist, creatorVerified: true})
	w.want("verified creator", w.creator(artist), w.a, yes, allowed, "1")
	w.must(w.Transfer(ctx, one, w.a, w.a.PublicKey(), w.b.PublicKey(), 1))
	w.want("old holder", w.collection(club), w.a, no, notHeld, "0")
	w.want("new holder", w.collection(club), w.b, yes, allowed, "1")
	w.want("new holder, by creator", w.creator(artist), w.b, yes, allowed, "1")
	// A list of creators that once was longer leaves remains behind, which may look like a collection.
	for what, tail := range map[string][]byte{
		"a token standard that is none": slices.Concat([]byte{1, 255, 1, 6, 1, 1}, club.Bytes(), make([]byte, 64)),
		"a tag that is none":            slices.Concat([]byte{1, 255, 149, 1, 1}, club.Bytes(), make([]byte, 64)),
		"uses that are none":            slices.Concat([]byte{1, 255, 1, 0, 1, 1}, club.Bytes(), []byte{2}, make([]byte, 64)),
		"a use that is none":            slices.Concat([]byte{1, 255, 1, 0, 1, 1}, club.Bytes(), []byte{1, 3}, make([]byte, 64)),
		"verified with a third value":   slices.Concat([]byte{1, 255, 1, 0, 1, 2}, club.Bytes(), make([]byte, 64)),
	} {
		head := meta{mint: one}.bytes()
		w.must(w.SetAccount(ctx, pda(t, one.Bytes()), tokenMetadata, append(head[:len(head)-64-1-4], tail...)))
		w.want(what, w.collection(club), w.b, no, notHeld, "0")
		w.want(what+", the token itself", w.sol(one), w.b, yes, allowed, "1")
	}
	good := meta{mint: one, collection: club, verified: true}.bytes()
	w.must(w.SetAccount(ctx, pda(t, one.Bytes()), tokenMetadata, append(good[:len(good)-64], slices.Concat([]byte{1, 2}, make([]byte, 16))...)))
	w.want("with uses", w.collection(club), w.b, yes, allowed, "1")
	w.must(w.SetAccount(ctx, pda(t, one.Bytes()), tokenMetadata, good[:len(good)-64]))
	w.want("of before there were uses", w.collection(club), w.b, yes, allowed, "1")
	w.must(w.SetAccount(ctx, pda(t, one.Bytes()), solana.MemoProgramID, meta{mint: one, collection: club, verified: true}.bytes()))
	w.want("metadata of another program", w.collection(club), w.b, no, notHeld, "0")
	set(meta{collection: club, verified: true})

	// A fungible token in the collection counts in whole tokens: dust is none.
	coin := w.mint(chaintest.SolanaMint{Decimals: 3}, w.a, 999)
	w.must(setMeta(ctx, t, w.Solana, meta{mint: coin, collection: club, verified: true, standard: 2}))
	w.want("dust", w.collection(club), w.a, no, notHeld, "0")
	w.must(w.MintTo(ctx, coin, w.a.PublicKey(), 1001))
	w.want("two whole", w.collection(club).Min(2), w.a, yes, allowed, "2")

	t.Run("pNFT", func(t *testing.T) {
		p := w.mint(chaintest.SolanaMint{}, w.a, 1)
		w.must(setMeta(ctx, t, w.Solana, meta{mint: p, collection: other, verified: true, standard: 4}))
		w.must(w.Freeze(ctx, p, w.a.PublicKey())) // as the program keeps every pNFT
		account, err := w.ATA(ctx, p, w.a.PublicKey())
		w.must(err)
		at := pda(t, p.Bytes(), []byte("token_record"), account.Bytes())
		for _, e := range []rule.Expr{w.sol(p), w.collection(other)} {
			w.must(w.SetAccount(ctx, at, solana.SystemProgramID, nil))
			w.want("no record", e, w.a, unknown, "chain_unavailable", "")
			w.must(w.SetAccount(ctx, at, tokenMetadata, record(0, nil)))
			w.want("unlocked", e, w.a, yes, allowed, "1")
			w.want("stranger", e, w.b, no, notHeld, "0")
			w.must(w.SetAccount(ctx, at, tokenMetadata, record(1, nil)))
			w.want("locked", e, w.a, no, notHeld, "0 (1 frozen not counted)")
			w.want("locked but allowed", e.Allow("frozen"), w.a, yes, allowed, "1")
			w.must(w.SetAccount(ctx, at, tokenMetadata, record(0, &artist)))
			w.want("delegated", e, w.a, no, notHeld, "0 (1 delegated not counted)")
		}
	})
}

// Metaplex Core, by accounts of the published layout.
func TestCore(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sol.Options{})
	ctx := t.Context()
	none := solana.PublicKey{}
	club, asset, artist := solana.NewWallet().PublicKey(), solana.NewWallet().PublicKey(), solana.NewWallet().PublicKey()
	set := func(b []byte) { w.must(w.SetAccount(ctx, asset, coreProgram, b)) }
	w.must(w.SetAccount(ctx, club, coreProgram, coreCollection()))
	set(coreAsset(w.a.PublicKey(), club, artist, false))
	for what, e := range map[string]rule.Expr{"asset": w.sol(asset), "collection": w.collection(club), "creator": w.creator(artist)} {
		set(coreAsset(w.a.PublicKey(), club, artist, false))
		w.want(what, e, w.a, yes, allowed, "1")
		w.want(what+" of a stranger", e, w.b, no, notHeld, "0")
		set(coreAsset(w.a.PublicKey(), club, artist, true))
		w.want(what+" frozen", e, w.a, no, notHeld, "0 (1 frozen not counted)")
		w.want(what+" frozen but allowed", e.Allow("frozen"), w.a, yes, allowed, "1")
		set(coreAsset(w.b.PublicKey(), club, artist, false))
		w.want(what+" of the old holder", e, w.a, no, notHeld, "0")
		w.want(what+" of the new holder", e, w.b, yes, allowed, "1")
		set([]byte{0})
		w.want(what+" burned", e, w.b, no, notHeld, "0")
	}
	// What the collection's plugins say holds for its assets, unless they have the plugin themselves.
	set(coreAsset(w.a.PublicKey(), club, artist, false))
	for what, e := range map[string]rule.Expr{"asset": w.sol(asset), "collection": w.collection(club), "creator": w.creator(artist)} {
		w.must(w.SetAccount(ctx, club, coreProgram, withPlugins(coreCollection(), plugin{5, 2, []byte{1}}, plugin{7, 2, nil})))
		w.want(what+" frozen by its collection", e, w.a, no, notHeld, "0 (permanent delegate, 1 frozen not counted)")
		w.want(what+" frozen by its collection but allowed", e.Allow("frozen"), w.a, yes, allowed, "1 (permanent delegate)")
		w.must(w.SetAccount(ctx, asset, coreProgram, withPlugins(coreBase(w.a.PublicKey(), club), plugin{5, 2, []byte{0}}, plugin{13, 2, verifiedCreator(artist)})))
		w.want(what+" with a plugin of its own", e, w.a, yes, allowed, "1 (permanent delegate)")
		for authority, observed := range map[byte]string{0: "1", 1: "1", 2: "0 (1 delegated not counted)", 3: "0 (1 delegated not counted)"} {
			w.must(w.SetAccount(ctx, club, coreProgram, coreCollection()))
			w.must(w.SetAccount(ctx, asset, coreProgram, withPlugins(coreBase(w.a.PublicKey(), club), plugin{3, authority, nil}, plugin{13, 2, verifiedCreator(artist)})))
			o, reason := yes, allowed
			if authority >= 2 {
				o, reason = no, notHeld
			}
			w.want(fmt.Sprint(what, " with a transfer delegate of kind ", authority), e, w.a, o, reason, observed)
		}
		set(coreAsset(w.a.PublicKey(), club, artist, false))
	}
	w.must(w.SetAccount(ctx, club, coreProgram, []byte{5, 1, 2}))
	w.want("a collection cut short", w.sol(asset), w.a, unknown, "chain_unavailable", "")
	set(coreAsset(w.a.PublicKey(), none, artist, false))
	w.want("of no collection", w.collection(club), w.a, no, notHeld, "0")
	w.must(w.SetAccount(ctx, asset, solana.MemoProgramID, coreAsset(w.a.PublicKey(), club, artist, false)))
	w.want("bytes of another program", w.sol(asset), w.a, unknown, "not_a_contract", "")
}

// Granting waits for the finality of the rule, revoking does not.
func TestCommitments(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sol.Options{})
	ctx := t.Context()
	w.must(w.Lags(ctx, 2, 5))
	mint := w.mint(chaintest.SolanaMint{}, w.a, 1)
	safe, final := w.sol(mint).Safe(), w.sol(mint).Finalized()
	w.must(w.Tick(ctx, 1))
	w.want("at once", w.sol(mint), w.a, yes, allowed, "1")
	w.must(w.Tick(ctx, 5))
	w.want("settled", final, w.a, yes, allowed, "1")
	w.must(w.Transfer(ctx, mint, w.a, w.a.PublicKey(), w.b.PublicKey(), 1))
	w.want("revoked", final, w.a, no, "revoked_at_head", "0")
	w.want("not final", final, w.b, no, "not_final", "0")
	w.must(w.Tick(ctx, 2))
	w.want("confirmed", safe, w.b, yes, allowed, "1")
	w.want("not finalized", final, w.b, no, "not_final", "0")
	w.must(w.Tick(ctx, 3))
	w.want("finalized", final, w.b, yes, allowed, "1")
}
