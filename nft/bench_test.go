package nft_test

import (
	"context"
	"testing"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/nft/rule"
)

// warm returns a decider that has decided the rule for the subject, with a long life.
func warm(b testing.TB) (*nft.Decider, *rule.Rule, nft.Subject) {
	c := nfttest.NewChain(caip.ChainID{Namespace: "eip155", Reference: "1"})
	hold := rule.Hold("eip155:1/erc721:" + c.Deploy("erc721"))
	d := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{c}, YesTTL: time.Hour, NoTTL: time.Hour})
	r := rule.All(hold, rule.Hold("eip155:1/erc1155:"+c.Deploy("erc1155")+"/7")).MustBuild()
	s := subject(account(1))
	if _, err := d.Decide(context.Background(), r, s); err != nil {
		b.Fatal(err)
	}
	return d, r, s
}

func BenchmarkDecideWarm(b *testing.B) {
	d, r, s := warm(b)
	ctx := context.Background()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if got, err := d.Decide(ctx, r, s); err != nil || !got.Cached {
				b.Error(got, err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
}

func BenchmarkDecideCold(b *testing.B) {
	d, r, s := warm(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.DecideFresh(context.Background(), r, s); err != nil {
			b.Fatal(err)
		}
	}
}

func TestWarmDecisionDoesNotAllocate(t *testing.T) {
	d, r, s := warm(t)
	ctx := context.Background()
	if n := testing.AllocsPerRun(1000, func() { _, _ = d.Decide(ctx, r, s) }); n > 0 {
		t.Errorf("%v allocations for a warm decision", n)
	}
}
