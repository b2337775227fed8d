package solana_test

import (
	"context"
	"fmt"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/drivers/solana"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
)

func ExampleNew() {
	chain, err := caip.ParseChainID("solana:mainnet")
	if err != nil {
		panic(err)
	}
	v, err := solana.New(solana.Options{RPCURL: "https://rpc.example", Chain: chain})
	if err != nil {
		panic(err)
	}
	defer v.Close()
	decider := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{v}})
	_ = decider
	r := rule.SolCollection("solana:mainnet", "J1S9H3QjnRtBbbuD4HjPV6RpRhwuk4zKbxsnCHuTgh9w").Finalized().MustBuild()
	fmt.Println(v.Chain(), r.Sentence())
	// Output: solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp Access is given when the viewer holds at least 1 token of the verified collection J1S9…gh9w on Solana (solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp) (finalized).
}

func ExampleDial() {
	v, err := solana.Dial(context.Background(), solana.Options{RPCURL: "http://127.0.0.1:8899",
		Chain: caip.ChainID{Namespace: "solana", Reference: "EtWTRABZaYq6iMfeYKouRu166VU2xqa1"}})
	if err != nil {
		return // it does not answer, or serves another cluster
	}
	v.Close()
}
