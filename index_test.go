package streamgate_test

import (
	"context"
	"testing"
	"time"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/index"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/nft/rule"
	"github.com/streamgate/streamgate/storage/cache"
)

// A platform with an index decides from it, once a rule has named the contract, and says so.
func TestWithIndex(t *testing.T) {
	t.Parallel()
	eth := caip.ChainID{Namespace: "eip155", Reference: "1"}
	polygon := caip.ChainID{Namespace: "eip155", Reference: "137"}
	for name, chains := range map[string][]caip.ChainID{"all chains": nil, "one chain": {eth}, "another chain": {polygon}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := nfttest.NewChain(eth)
			contract, holder := c.Deploy("erc721"), "0x00000000000000000000000000000000000000a1"
			c.Mine(nfttest.Op{Kind: nfttest.Mint721, To: holder, TokenID: "1"})
			// Half an hour is as good as for ever here: what is shown is not how fresh it is.
			h := open(t, streamgate.WithRoles(streamgate.RoleAuth), streamgate.WithVerifier(c), streamgate.WithCache(cache.NewLRU(cache.LRUOptions{})),
				streamgate.WithIndex(index.Options{PollInterval: time.Millisecond, MaxAge: 30 * time.Minute}, chains...))
			ctx, cancel := context.WithCancel(t.Context())
			ran := make(chan error, 1)
			go func() { ran <- h.p.Run(ctx) }()
			defer func() {
				cancel()
				if err := <-ran; err != nil {
					t.Error(err)
				}
			}()
			r := rule.Hold("eip155:1/erc721:" + contract).MustBuild()
			s := nft.Subject{Tenant: "default", Accounts: []caip.AccountID{{Chain: eth, Address: holder}}}
			for deadline := time.Now().Add(time.Minute); ; {
				if _, err := h.p.Decider.Decide(ctx, r, s); err != nil { // names the contract
					t.Fatal(err)
				}
				d, err := h.p.Decider.DecideFresh(ctx, r, s)
				if err != nil || d.Outcome != nft.Yes {
					t.Fatal(d, err)
				}
				if name == "another chain" {
					if d.Explain.Source != "chain" {
						t.Errorf("answered by %q", d.Explain.Source)
					}
					break
				}
				if d.Explain.Source == "index" {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("the index never answers: %+v", h.p.Decider.Chains(ctx)[0].Index)
				}
				c.Mine() // the watch learns of contracts with a head
				time.Sleep(time.Millisecond)
			}
			state := h.p.Decider.Chains(ctx)[0].Index
			if name == "another chain" {
				if state != nil {
					t.Errorf("an index that nobody asked for: %+v", state)
				}
				return
			}
			if state == nil || !state.Leader || len(state.Contracts) != 1 || state.Contracts[0].Status != "live" {
				t.Errorf("state %+v", state)
			}
		})
	}
}
