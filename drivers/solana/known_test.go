package solana_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/gagliardetto/solana-go"

	sol "github.com/streamgate/streamgate/drivers/solana"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft"
)

// A larger amount than enough is answered as enough, a smaller one as it is.
func TestEnough(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sol.Options{})
	mint := w.mint(chaintest.SolanaMint{}, w.a, 5)
	for enough, want := range map[uint64]string{0: "5", 3: "3", 5: "5", 9: "5"} {
		for range 2 { // the second time it is known
			q := holding(nft.OpSolMint, mint, w.a)
			q.Sol.Enough = enough
			r, err := w.v.Check(t.Context(), latest, []nft.Query{q})
			if err != nil || r.Answers[0].Value != want || r.Answers[0].Int.String() != want {
				t.Errorf("enough %d: %+v, %v", enough, r, err)
			}
		}
	}
}

// Whatever happens to tokens, a verifier that remembers who held enough says the same as one that never asked before.
func TestKnownAgreesWithFresh(t *testing.T) {
	t.Parallel()
	steps := 60
	if s := os.Getenv("SOLANA_STEPS"); s != "" {
		steps, _ = strconv.Atoi(s)
	}
	f := newForest(t, splCompression, sol.Options{})
	ctx, seed := t.Context(), uint64(20261125)
	rng := rand.New(rand.NewPCG(seed, 0))
	people := []solana.PrivateKey{f.a, f.b}
	coin := f.mint(chaintest.SolanaMint{}, f.a, 4)
	f.must(f.MintTo(ctx, coin, f.b.PublicKey(), 1))
	nft1 := f.mint(chaintest.SolanaMint{}, f.a, 1)
	f.must(setMeta(ctx, t, f.Solana, meta{mint: nft1, collection: f.club, verified: true}))
	core := solana.NewWallet().PublicKey()
	f.must(f.SetAccount(ctx, core, coreProgram, coreAsset(f.a.PublicKey(), solana.PublicKey{}, f.artist, false)))
	var queries []nft.Query
	for _, p := range people {
		for op, contracts := range map[nft.Op][]solana.PublicKey{nft.OpSolMint: {coin, nft1, core, f.one.id()}, nft.OpSolCollection: {f.club}, nft.OpSolCreator: {f.artist}} {
			for _, c := range contracts {
				for _, q := range []nft.SolQuery{{Enough: 1, Compressed: true}, {Enough: 2, Frozen: true, Compressed: true}, {Enough: 1, Delegated: true}} {
					query := holding(op, c, p)
					query.Sol = q
					queries = append(queries, query)
				}
			}
		}
	}
	do := []struct {
		what string
		run  func(p, q solana.PrivateKey) error
	}{
		{"coin moves", func(p, q solana.PrivateKey) error {
			return f.Transfer(ctx, coin, p, p.PublicKey(), q.PublicKey(), 1+rng.Uint64N(2))
		}},
		{"NFT moves", func(p, q solana.PrivateKey) error {
			return f.Transfer(ctx, nft1, p, p.PublicKey(), q.PublicKey(), 1)
		}},
		{"coin is frozen", func(p, _ solana.PrivateKey) error { return f.Freeze(ctx, coin, p.PublicKey()) }},
		{"coin is thawed", func(p, _ solana.PrivateKey) error { return f.Thaw(ctx, coin, p.PublicKey()) }},
		{"coin is delegated", func(p, q solana.PrivateKey) error { return f.Approve(ctx, coin, p, q.PublicKey(), 1) }},
		{"asset moves", func(p, _ solana.PrivateKey) error {
			return f.SetAccount(ctx, core, coreProgram, coreAsset(p.PublicKey(), solana.PublicKey{}, f.artist, rng.IntN(3) == 0))
		}},
		{"collection is unverified", func(solana.PrivateKey, solana.PrivateKey) error {
			return setMeta(ctx, t, f.Solana, meta{mint: nft1, collection: f.club, verified: rng.IntN(2) == 0})
		}},
		{"compressed moves", func(p, _ solana.PrivateKey) error { f.one.give(p.PublicKey()); f.publish(); return nil }},
		{"compressed is delegated", func(p, _ solana.PrivateKey) error {
			f.one.update(func(n *cnft) { n.delegate = p.PublicKey() })
			f.publish()
			return nil
		}},
		{"others mint", func(p, _ solana.PrivateKey) error {
			if len(f.tree.leaves) < 30 {
				f.tree.mintTo(cnft{owner: p.PublicKey(), name: "other"})
			}
			f.publish()
			return nil
		}},
	}
	for step := range steps {
		i := rng.IntN(2)
		d := do[rng.IntN(len(do))]
		err := d.run(people[i], people[1-i]) // may fail, as a transfer of what is not there does
		fresh, ferr := sol.New(sol.Options{RPCURL: f.RPCURL, Chain: f.ID, DASURL: f.x.URL})
		f.must(ferr)
		for _, q := range queries { // one by one, so that what is known is used
			was, err1 := f.v.Check(ctx, latest, []nft.Query{q})
			is, err2 := fresh.Check(ctx, latest, []nft.Query{q})
			if err1 != nil || err2 != nil || said(was.Answers[0]) != said(is.Answers[0]) {
				t.Fatalf("seed %d, step %d, %s (%v): %+v\nremembering: %v %v\nfresh: %v %v", seed, step, d.what, err, q, said(was.Answers[0]), err1, said(is.Answers[0]), err2)
			}
		}
		fresh.Close()
	}
}

func said(a nft.Answer) string { return fmt.Sprint(a.Value, " ", a.Err) }
