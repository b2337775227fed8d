package index_test

import (
	"context"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/index"
	"github.com/streamgate/streamgate/nft/nfttest"
	"github.com/streamgate/streamgate/storage/cache"
)

// TestCatchesUp: an index that was off for longer than it remembers goes on from where it was, and begins anew when
// the chain has replaced that meanwhile.
func TestCatchesUp(t *testing.T) {
	t.Parallel()
	a, b := account(1), account(2)
	for name, away := range map[string]func(w *world){
		"a long time":              func(w *world) { w.mine(20 * window) },
		"all it knew was replaced": func(w *world) { w.chain.Reorg(6*window, mint(b, "1"), mint(a, "2")); w.mine(window) },
		"both":                     func(w *world) { w.chain.Reorg(6*window, mint(b, "1"), mint(a, "2")); w.mine(9 * window) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, index.Options{FirstRange: 5})
			w.mine(2)
			w.chain.Mine(mint(a, "1"), mint(a, "2"), nfttest.Op{Kind: nfttest.Mint20, To: a, Amount: 7})
			w.mine(4 * window)
			w.follow()
			w.check(latest, "index", []nft.Query{w.owner("1"), w.balance(a)}, a, "2")
			w.mine(2)
			away(w)
			w.chain.Mine(mint(b, "9"))
			w.open()
			w.x.Want(w.nft)
			w.sync()
			owner, count := a, "1"
			if name != "a long time" {
				owner, count = b, "2"
			}
			w.check(latest, "index", []nft.Query{w.owner("1"), w.owner("2"), w.balance(b)}, owner, a, count)
		})
	}
}

// A state below what is settled is reckoned back.
func TestBelowTheBase(t *testing.T) {
	t.Parallel()
	w := newWorld(t, index.Options{})
	a, b := account(1), account(2)
	w.chain.Mine(mint(a, "1"), mint(a, "2"))
	w.follow()
	for i := range 3 * window {
		from, to := a, b
		if i%2 == 1 {
			from, to = b, a
		}
		w.chain.Mine(transfer(from, to, "1"))
		w.sync()
	}
	for n := uint64(1); n < 2*window-1; n++ { // the head's owner is a
		owner, count := a, "2"
		if n%2 == 0 {
			owner, count = b, "1"
		}
		w.check(nft.Finality{Confirmations: n}, "index", []nft.Query{w.owner("1"), w.balance(a)}, owner, count)
	}
}

// hiding leaves transfers of a token out while it is on.
type hiding struct {
	index.Source
	on atomic.Bool
}

func (h *hiding) TransfersIn(ctx context.Context, blocks []index.Header, contracts []string) ([][]index.Transfer, error) {
	out, err := h.Source.TransfersIn(ctx, blocks, contracts)
	for i := range out {
		if h.on.Load() {
			out[i] = slices.DeleteFunc(slices.Clone(out[i]), func(t index.Transfer) bool { return t.From == "" })
		}
	}
	return out, err
}

// TestDoesNotAddUp: transfers of what nobody had are noticed at once, and the contract is refused and forgotten.
func TestDoesNotAddUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, index.Options{})
	a, b := account(1), account(2)
	src := &hiding{Source: w.chain.IndexSource()}
	var err error
	if w.x, err = index.New(w.chain, src, w.store, w.opt); err != nil {
		t.Fatal(err)
	}
	w.v = index.NewVerifier(w.chain, w.x)
	w.chain.Mine(mint(a, "1"), nfttest.Op{Kind: nfttest.Mint20, To: a, Amount: 5})
	w.follow()
	src.on.Store(true)
	w.chain.Mine(mint(b, "2"))
	w.chain.Mine(transfer(b, a, "2"))
	w.sync()
	w.check(latest, "", []nft.Query{w.balance(b)}, "0") // the index reckons one less than nothing
	w.check(latest, "", []nft.Query{w.balance(a)}, "2") // and trusts the contract no more
	src.on.Store(false)
	w.sync()
	if got := w.status(w.nft); got.Reason != "disagrees" {
		t.Errorf("status %+v", got)
	}
	w.mine(3)
	w.sync()
	w.check(latest, "", []nft.Query{w.balance(a)}, "2")
	w.check(latest, "index", []nft.Query{{Op: nft.OpBalance20, Contract: w.coin, Account: a}}, "5")
}

// failing is a store whose reads fail while it is on.
type failing struct {
	index.Store
	on atomic.Bool
}

func (f *failing) Values(ctx context.Context, chain string, keys []index.Key) (index.Mark, []string, error) {
	if f.on.Load() {
		return index.Mark{}, nil, fault.New(fault.Unavailable, "failing", "no database")
	}
	return f.Store.Values(ctx, chain, keys)
}

func TestWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t, index.Options{})
	store := &failing{Store: w.store}
	w.store = store
	w.open()
	w.chain.Mine(mint(account(1), "1"))
	w.follow()
	w.check(latest, "index", []nft.Query{w.balance(account(1))}, "1")
	store.on.Store(true)
	w.check(latest, "", []nft.Query{w.balance(account(1))}, "1")
	store.on.Store(false)
	w.check(latest, "index", []nft.Query{w.balance(account(1))}, "1")
}

func TestBounds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, index.Options{MaxContracts: 2})
	w.mine(2)
	w.x.Want(w.nft, w.nft, w.multi, w.coin)
	w.sync()
	w.x.Want(w.coin)
	w.sync()
	if got := w.x.Status().Contracts; len(got) != 2 {
		t.Errorf("%d contracts of at most 2 are followed", len(got))
	}
}

// TestReleases: who stops running lets another work at once; the metrics say what is going on.
func TestReleases(t *testing.T) {
	t.Parallel()
	claims, reader := cache.NewLRU(cache.LRUOptions{}), metric.NewManualReader()
	provider := metric.NewMeterProvider(metric.WithReader(reader))
	w := newWorld(t, index.Options{Claims: claims, PollInterval: time.Millisecond, Meters: provider})
	for i := range 30 {
		w.chain.Mine(mint(account(1), strconv.Itoa(i)))
	}
	first := w.x
	ctx, cancel := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- first.Run(ctx) }()
	first.Want(w.nft)
	for deadline := time.Now().Add(time.Minute); w.status(w.nft).Status != "live"; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come to live: %+v", first.Status())
		}
	}
	w.check(latest, "index", []nft.Query{w.balance(account(1))}, "30")
	got := gather(t, reader)
	if got["streamgate.index.contracts live"] != 1 || got["streamgate.index.lag.blocks"] != 0 || got["streamgate.index.backfill"] != 1 ||
		got["streamgate.index.events"] < 20 || got["streamgate.index.checks index"] < 1 {
		t.Errorf("metrics %v", got)
	}
	cancel()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	w.opt.Meters = nil
	w.open()
	w.sync()
	if !w.x.Status().Leader {
		t.Error("nobody took over")
	}
}

// gather returns the values of all metrics, by name and status or source.
func gather(t *testing.T, reader metric.Reader) map[string]float64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch d := m.Data.(type) {
			case metricdata.Gauge[float64]:
				for _, p := range d.DataPoints {
					name := m.Name
					if v, ok := p.Attributes.Value("status"); ok {
						name += " " + v.AsString()
					}
					out[name] = p.Value
				}
			case metricdata.Sum[int64]:
				for _, p := range d.DataPoints {
					name := m.Name
					if v, ok := p.Attributes.Value("source"); ok {
						name += " " + v.AsString()
					}
					out[name] = float64(p.Value)
				}
			}
		}
	}
	return out
}

func TestSourceOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t, index.Options{})
	if _, ok := index.SourceOf(w.v); !ok {
		t.Error("the source of a wrapped chain is not found")
	}
	if _, ok := index.SourceOf(rebasing{w.chain}); ok {
		t.Error("a verifier that hides its chain has a source")
	}
	if src, ok := index.SourceOf(index.WithSource(rebasing{w.chain}, w.chain.IndexSource())); !ok || src == nil {
		t.Error("a source that was given is not found")
	}
	d := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{w.v}})
	if s := d.Chains(t.Context())[0]; s.Index == nil {
		t.Errorf("status %+v", s)
	}
	plain := nft.NewDecider(nft.DeciderOptions{Verifiers: []nft.Verifier{w.chain}})
	if s := plain.Chains(t.Context())[0]; s.Index != nil {
		t.Errorf("status %+v", s)
	}
}
