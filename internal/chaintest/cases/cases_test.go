package cases_test

import (
	"context"
	"math/big"
	"testing"
	"time"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/internal/chaintest/cases"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
)

// One table on every kind of chain: the simulated one, anvil, and with STREAMGATE_SLOW=1 a real geth --dev.
func TestCases(t *testing.T) {
	t.Parallel()
	for _, k := range chaintest.AllKinds(t) {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			cases.Run(t, k, cases.Table())
		})
	}
}

// Each kind of token has somebody who is let in, somebody who is not, and a change that ends the access of who had it.
func TestEveryCaseAllowsDeniesAndEnds(t *testing.T) {
	t.Parallel()
	for _, c := range cases.Table() {
		had := map[int]bool{}
		var allowed, denied, ended bool
		for _, s := range c.Steps {
			for _, i := range s.Yes {
				allowed, had[i] = true, true
			}
			for _, i := range s.No {
				denied, ended = true, ended || had[i]
			}
		}
		if !allowed || !denied || !ended {
			t.Errorf("%s: allows %v, denies %v, ends %v", c.Name, allowed, denied, ended)
		}
	}
}

// A key that runs out flips the watch by the clock alone: no block is mined after the first answer.
func TestKeyRunsOutWithoutABlock(t *testing.T) {
	t.Parallel()
	for _, k := range chaintest.Kinds(t) {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			c := k.Start(t, chaintest.Options{})
			v, err := evm.Dial(t.Context(), evm.Options{RPCURL: c.RPCURL, WSURL: c.WSURL, Chain: c.ID, Timeout: 20 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(v.Close)
			d := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{v}, Timeout: 30 * time.Second})
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- d.Run(ctx) }()
			defer func() { cancel(); <-ended }()
			lock, who := c.Deploy(t, contracts.TestLock()), c.Accounts()[1]
			end := time.Now().Add(8 * time.Second).Truncate(time.Second)
			grant := chaintest.Method(t, c.Accounts()[0], contracts.TestLock(), lock, "grantKey", who, big.NewInt(end.Unix()))
			if _, err := c.Mine(ctx, grant); err != nil {
				t.Fatal(err)
			}
			r := rule.Key(c.ID.String()+"/erc721:"+lock, rule.Unlock).MustBuild()
			limit, had := time.After(2*time.Minute), false
			for ch := d.Watch(ctx, r, nft.Subject{Tenant: "t", Accounts: []caip.AccountID{{Chain: c.ID, Address: who}}}); ; {
				select {
				case dec := <-ch:
					switch {
					case dec.Outcome == nft.Yes:
						had = true
						continue
					case dec.Outcome == nft.Unknown:
						continue
					case time.Now().Before(end):
						t.Errorf("%v %s before the end", dec.Outcome, dec.Reason)
					case !had:
						t.Log("this machine was too busy to see the key in time")
					}
					if dec.Reason != "key_expired" {
						t.Errorf("%v %s, want key_expired", dec.Outcome, dec.Reason)
					}
					return
				case <-limit:
					t.Fatal("the watch does not tell that the key has run out")
				}
			}
		})
	}
}
