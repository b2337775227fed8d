package evm_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft"
)

// A cold decision: head and holdings read from a node on this machine. The goal
// is a p99 below 20 ms.
func BenchmarkCheck(b *testing.B) {
	for _, k := range chaintest.Kinds(b) {
		c := k.Start(b, chaintest.Options{})
		token := c.Deploy(b, contracts.TestToken())
		for _, n := range []int{1, 10, 100} {
			var qs []nft.Query
			for i := range n {
				qs = append(qs, nft.Query{Op: nft.OpBalance721, Contract: token, Account: fmt.Sprintf("0x%040x", i+1)})
			}
			for name, opt := range map[string]evm.Options{"multicall": {}, "batch": {NoMulticall: true}} {
				b.Run(fmt.Sprintf("%s/%s/%d", k.Name, name, n), func(b *testing.B) {
					opt.RPCURL, opt.Chain = c.RPCURL, c.ID
					v := dial(b, opt)
					took := make([]time.Duration, 0, b.N)
					b.ReportAllocs()
					for b.Loop() {
						start := time.Now()
						if _, err := v.Check(b.Context(), latest, qs); err != nil {
							b.Fatal(err)
						}
						took = append(took, time.Since(start))
					}
					slices.Sort(took)
					b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
				})
			}
		}
	}
}

// From sending a transfer to hearing of it, the mining of a block included.
func BenchmarkWatch(b *testing.B) {
	w := newWorld(b)
	_, x := w.watcher(b, evm.Options{})
	for i := int64(0); b.Loop(); i++ {
		blk := w.mint(b, 1000+i, w.account[2])
		x.until(b, "the mint", func(c nft.Change) bool { return c.Contract == w.token && c.Block.Hash == blk.Hash })
	}
}
