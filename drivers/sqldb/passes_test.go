package sqldb

import (
	"errors"
	"sync"
	"testing"

	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/nft/pass"
	"github.com/streamgate/streamgate/nft/pass/passtest"
)

func TestPassStore(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, open func(testing.TB) *DB) {
		passtest.RunStore(t, func(t testing.TB) pass.Store { return open(t).Passes() })
	})
}

// Two handles on one database, as two processes have, never give one number twice.
func TestPassNumbersOfTwoProcesses(t *testing.T) {
	t.Parallel()
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			url := d.fresh(t)
			dbs := []*DB{openURL(t, url, PostgresOptions{MaxConns: 4}), openURL(t, url, PostgresOptions{MaxConns: 4})}
			chain := caip.ChainID{Namespace: "eip155", Reference: "1"}
			const n = 40
			names := make([]string, n)
			for i := range names {
				names[i] = string(rune('A'+i/26)) + string(rune('a'+i%26))
				o := pass.Order{ID: names[i], Tenant: []string{"one", "two"}[i%2], Key: names[i], Act: pass.Mint, Chain: chain, Sender: "0xaa", State: pass.Created}
				if _, fresh, err := dbs[i%2].Passes().Insert(t.Context(), o); err != nil || !fresh {
					t.Fatal(fresh, err)
				}
			}
			var mu sync.Mutex
			var wg sync.WaitGroup
			seen := map[uint64]string{}
			for i, id := range names {
				wg.Go(func() {
					o, err := dbs[(i/2)%2].Passes().Number(t.Context(), []string{"one", "two"}[i%2], id, 7)
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					defer mu.Unlock()
					if other := seen[*o.Nonce]; other != "" {
						t.Errorf("%s and %s have the number %d", other, id, *o.Nonce)
					}
					seen[*o.Nonce] = id
				})
			}
			wg.Wait()
			for i := range uint64(n) {
				if seen[7+i] == "" {
					t.Errorf("nobody has the number %d", 7+i)
				}
			}
		})
	}
}

func TestPassOrdersSurviveARestartAndAreForgotten(t *testing.T) {
	t.Parallel()
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			url := d.fresh(t)
			db := openURL(t, url, PostgresOptions{})
			chain := caip.ChainID{Namespace: "eip155", Reference: "1337"}
			o := pass.Order{ID: "o", Tenant: "default", Owner: "u", Key: "k", Act: pass.Deploy, Pass: "o", Chain: chain, Sender: "0xaa", State: pass.Created}
			_, _, err := db.Passes().Insert(t.Context(), o)
			if err := errors.Join(err, db.Close()); err != nil {
				t.Fatal(err)
			}
			db = openURL(t, url, PostgresOptions{})
			if got, err := db.Passes().Order(t.Context(), "default", "o"); err != nil || got.Key != "k" {
				t.Errorf("after the restart: %+v, %v", got, err)
			}
			if err := db.Passes().Forget(t.Context(), chain.String()); err != nil {
				t.Error(err)
			}
			if list, _, err := db.Passes().Orders(t.Context(), "default", pass.ListOptions{}); err != nil || len(list) != 0 {
				t.Errorf("after Forget: %v, %v", list, err)
			}
		})
	}
}
