package chaintest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/quorum"
)

// Three providers that are 100 ms away each, over one chain: a plain check, which asks the best of them, beside two of three. Both take
// two round trips. Their turns alternate, so that a busy moment hits both alike. The goal is a p99 of the quorum below 250 ms.
func BenchmarkQuorum(b *testing.B) {
	c := chaintest.StartSimulated(b, chaintest.Options{})
	token := c.Deploy(b, contracts.TestToken())
	var ps []quorum.Provider
	for i := range 3 {
		l := chaintest.StartLiar(b, c, nft.Block{})
		l.Delay(100 * time.Millisecond)
		v, err := evm.New(evm.Options{RPCURL: l.RPCURL, Chain: c.ID})
		if err != nil {
			b.Fatal(err)
		}
		defer v.Close()
		ps = append(ps, quorum.Provider{Name: fmt.Sprint("p", i), Verifier: v})
	}
	v, err := quorum.New(ps, quorum.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer v.Close()
	qs := []nft.Query{{Op: nft.OpBalance721, Contract: token, Account: c.Accounts()[1]}}
	single := func() (nft.Reply, error) { return v.Check(b.Context(), latest, qs) }
	twoOfThree := func() (nft.Reply, error) {
		return v.CheckQuorum(b.Context(), latest, nft.Quorum{N: 2, Of: 3}, qs)
	}
	took := map[string][]time.Duration{}
	turn := func(name string, ask func() (nft.Reply, error)) {
		start := time.Now()
		r, err := ask()
		if err != nil || r.Answers[0].Err != nil {
			b.Fatal(r, err)
		}
		took[name] = append(took[name], time.Since(start))
	}
	for range 3 { // connections and latencies are known from then on
		turn("warm", single)
		turn("warm", twoOfThree)
	}
	for b.Loop() {
		turn("single", single)
		turn("quorum", twoOfThree)
	}
	for _, name := range []string{"single", "quorum"} {
		list := took[name]
		slices.Sort(list)
		for _, p := range []int{50, 99} {
			b.ReportMetric(float64(list[(len(list)-1)*p/100].Microseconds())/1000, fmt.Sprintf("%s-p%d-ms", name, p))
		}
	}
}

var latest = nft.Finality{Tag: "latest"}
