package sqldb

import (
	"math/big"
	"testing"

	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/index"
	"github.com/streamgate/streamgate/nft/index/indextest"
)

func TestIndexStore(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, open func(testing.TB) *DB) {
		indextest.RunStore(t, func(t testing.TB) index.Store { return open(t).Index() })
	})
}

func TestIndexSurvivesARestart(t *testing.T) {
	t.Parallel()
	for _, d := range databases {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			url := d.fresh(t)
			db := openURL(t, url, PostgresOptions{})
			k := index.Key{Contract: "0x01", Account: "0xa1"}
			step := index.Step{Base: &nft.Block{Number: 9, Hash: "0x09"}, Amounts: map[index.Key]*big.Int{k: big.NewInt(3)}}
			if err := db.Index().Apply(t.Context(), "eip155:1", step); err != nil {
				t.Fatal(err)
			}
			db.Close()
			mark, got, err := openURL(t, url, PostgresOptions{}).Index().Values(t.Context(), "eip155:1", []index.Key{k})
			if err != nil || got[0] != "3" || mark != (index.Mark{Number: 9, Hash: "0x09"}) {
				t.Errorf("%+v %q, %v", mark, got, err)
			}
		})
	}
}
