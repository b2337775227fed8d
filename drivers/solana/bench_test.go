package solana_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/gagliardetto/solana-go"

	sol "github.com/streamgate/streamgate/drivers/solana"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft"
)

// A cold decision's Check: everything read from a node on this machine. The goal is
// a p99 below 50 ms.
func BenchmarkCheck(b *testing.B) {
	w := newWorld(b, sol.Options{})
	club := w.mint(chaintest.SolanaMint{}, w.a, 0)
	var one solana.PublicKey
	for range 20 {
		one = w.mint(chaintest.SolanaMint{}, w.a, 1)
		w.must(setMeta(b.Context(), b, w.Solana, meta{mint: one, collection: club, verified: true}))
	}
	for what, q := range map[string]nft.Query{
		"mint": holding(nft.OpSolMint, one, w.a), "mint not held": holding(nft.OpSolMint, one, w.b),
		"collection of 20": holding(nft.OpSolCollection, club, w.a), "collection not held": holding(nft.OpSolCollection, club, w.b),
	} {
		b.Run(fmt.Sprint(what), func(b *testing.B) {
			took := make([]time.Duration, 0, b.N)
			for b.Loop() {
				start := time.Now()
				if r, err := w.v.Check(b.Context(), latest, []nft.Query{q}); err != nil || r.Answers[0].Err != nil {
					b.Fatal(r, err)
				}
				took = append(took, time.Since(start))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}
