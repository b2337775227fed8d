package evm_test

import (
	"context"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/internal/chaintest"
	"github.com/streamgate/streamgate/nft"
)

// watching is a Watch whose changes a test takes one by one.
type watching struct {
	changes   chan nft.Change
	mu        sync.Mutex
	contracts []string
}

func (w *watching) gate(contracts ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.contracts = contracts
}

func watch(t testing.TB, v *evm.Verifier, contracts ...string) *watching {
	t.Helper()
	w := &watching{changes: make(chan nft.Change, 10_000), contracts: contracts}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- v.Watch(ctx, func() []string {
			w.mu.Lock()
			defer w.mu.Unlock()
			return slices.Clone(w.contracts)
		}, func(c nft.Change) { w.changes <- c })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("watch ends with %v", err)
		}
	})
	return w
}

// until takes changes up to the first that fits and returns all of them.
func (w *watching) until(t testing.TB, what string, fits func(nft.Change) bool) []nft.Change {
	t.Helper()
	var seen []nft.Change
	timeout := time.After(20 * time.Second)
	for {
		select {
		case c := <-w.changes:
			if seen = append(seen, c); fits(c) {
				return seen
			}
		case <-timeout:
			t.Fatalf("the watch does not tell %s; it told %+v", what, seen)
		}
	}
}

func headAt(b nft.Block) func(nft.Change) bool {
	return func(c nft.Change) bool { return isHead(c) && c.Block.Hash == b.Hash }
}

func isHead(c nft.Change) bool { return c.Contract == "" && !c.Gap && !c.Removed }

func isGap(c nft.Change) bool { return c.Gap }

func anyGap(cs []nft.Change) bool { return slices.ContainsFunc(cs, isGap) }

func (w world) watcher(t testing.TB, opt evm.Options) (*evm.Verifier, *watching) {
	t.Helper()
	opt.Chain = w.ID
	if opt.RPCURL == "" {
		opt.RPCURL, opt.WSURL = w.RPCURL, w.WSURL
	}
	v := dial(t, opt)
	x := watch(t, v, w.token)
	x.until(t, "the first head", isHead)
	return v, x
}

func TestWatchTellsEveryBlockOnceAndInOrder(t *testing.T) {
	t.Parallel()
	for name, poll := range map[string]bool{"subscription": false, "polling": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			opt := evm.Options{RPCURL: w.RPCURL, WSURL: w.WSURL, PollInterval: 10 * time.Millisecond}
			if poll {
				opt.WSURL = ""
			}
			_, x := w.watcher(t, opt)
			var last nft.Block
			for i := range int64(20) {
				last = w.mint(t, 100+i, w.account[2])
			}
			changes := x.until(t, "the last head", headAt(last))
			var mints, heads []uint64
			for _, c := range changes {
				switch {
				case c.Contract == w.token && slices.Equal(c.Accounts, []string{w.account[2]}):
					mints = append(mints, c.Block.Number)
				case isHead(c):
					heads = append(heads, c.Block.Number)
				default:
					t.Errorf("told %+v", c)
				}
			}
			for i := range mints {
				if mints[i] != last.Number-19+uint64(i) {
					t.Fatalf("mints in blocks %v, want 20 up to %d", mints, last.Number)
				}
			}
			if len(mints) != 20 || !slices.IsSorted(heads) || len(slices.Compact(slices.Clone(heads))) != len(heads) {
				t.Errorf("mints %v, heads %v", mints, heads)
			}
		})
	}
}

func TestWatchTakesBackTheBlocksThatWent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, x := w.watcher(t, evm.Options{})
	first := w.mint(t, 10, w.account[1])
	second := w.mint(t, 11, w.account[2])
	x.until(t, "the second mint", headAt(second))
	if err := w.Reorg(t.Context(), 2, chaintest.Method(t, w.account[0], contracts.TestToken(), w.token, "mint", w.account[0], big.NewInt(12))); err != nil {
		t.Fatal(err)
	}
	head, err := w.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var removed []string
	fresh := false
	for _, c := range x.until(t, "the new head", headAt(head)) {
		if c.Gap {
			t.Errorf("a reorganisation within the window is a gap: %+v", c)
		}
		if c.Removed && c.Contract != "" {
			removed = append(removed, c.Block.Hash+" "+strings.Join(c.Accounts, " "))
		}
		fresh = fresh || c.Contract == w.token && !c.Removed && slices.Equal(c.Accounts, []string{w.account[0]})
	}
	want := []string{second.Hash + " " + w.account[2], first.Hash + " " + w.account[1]}
	if !slices.Equal(removed, want) || !fresh {
		t.Errorf("taken back %v, want %v; the new block's mint told: %v", removed, want, fresh)
	}
}

func TestWatchTellsAGapWhenTheReorganisationIsDeeperThanTheWindow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, x := w.watcher(t, evm.Options{RPCURL: w.RPCURL, WSURL: w.WSURL, Window: 2})
	for range 5 {
		last := w.mint(t, time.Now().UnixNano(), w.account[1])
		x.until(t, "a head", headAt(last))
	}
	if err := w.Reorg(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	head, err := w.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !anyGap(x.until(t, "the new head", headAt(head))) {
		t.Error("no gap was told")
	}
}

// Answers about a contract may rest on a block read before it was watched.
func TestWatchTellsAGapForABlockItReadWithoutTheContract(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, x := w.watcher(t, evm.Options{})
	x.gate()
	x.until(t, "a head without contracts", headAt(must(t, w.Chain)))
	x.until(t, "a mint not watched", headAt(w.mint(t, 10, w.account[1])))
	x.gate(w.token)
	if err := w.Reorg(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	head, err := w.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !anyGap(x.until(t, "the new head", headAt(head))) {
		t.Error("no gap was told")
	}
}

func TestWatchMissesNothingWhenTheConnectionIsCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := chaintest.StartProxy(t, w.Chain)
	_, x := w.watcher(t, evm.Options{RPCURL: p.RPCURL, WSURL: p.WSURL})
	for i := range int64(5) {
		p.Cut()
		block := w.mint(t, 20+i, w.account[2])
		told := false
		for _, c := range x.until(t, "the head after a cut", headAt(block)) {
			told = told || c.Contract == w.token && c.Block.Hash == block.Hash
		}
		if !told {
			t.Errorf("the mint after cut %d is not told", i)
		}
	}
}

func TestWatchTellsAGapInAnOutageAndWhatItMissedAfterwards(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := chaintest.StartProxy(t, w.Chain)
	_, x := w.watcher(t, evm.Options{RPCURL: p.RPCURL, WSURL: p.WSURL})
	restore := p.Break()
	x.until(t, "the gap of the outage", isGap)
	missed := w.mint(t, 30, w.account[2])
	must(t, w.Chain)
	restore()
	x.until(t, "the mint in the outage", func(c nft.Change) bool {
		return c.Contract == w.token && c.Block.Hash == missed.Hash && slices.Contains(c.Accounts, w.account[2])
	})
}

func TestWatchPollsWhileThereIsNoSubscription(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	ws := strings.Replace(s.URL, "http", "ws", 1)
	_, x := w.watcher(t, evm.Options{RPCURL: w.RPCURL, WSURL: ws, PollInterval: 10 * time.Millisecond})
	x.until(t, "a head", headAt(w.mint(t, 40, w.account[2])))
}

// A subscription to another chain is not listened to.
func TestWatchRefusesASubscriptionToAnotherChain(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs anvil")
	}
	w := newWorld(t)
	other := chaintest.StartAnvil(t, chaintest.Options{})
	_, x := w.watcher(t, evm.Options{RPCURL: w.RPCURL, WSURL: other.WSURL, PollInterval: 10 * time.Millisecond})
	strange := must(t, other)
	for _, c := range x.until(t, "our head", headAt(must(t, w.Chain))) {
		if c.Block.Hash == strange.Hash || c.Gap {
			t.Errorf("told %+v", c)
		}
	}
}

// A provider that leaves logs out is caught by the block's bloom, and convicted
// by its receipts (hyperindex#1498).
func TestLogsLeftOutAreNoticed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lie func(method, params string, m message)
		gap bool
	}{
		"receipts show them": {lie: func(method, params string, m message) {
			if method == "eth_getLogs" {
				m.result(`[]`)
			}
		}},
		"receipts are refused": {gap: true, lie: func(method, params string, m message) {
			switch method {
			case "eth_getLogs":
				m.result(`[]`)
			case "eth_getBlockReceipts":
				m.fail(`{"code":-32601,"message":"the method does not exist"}`)
			}
		}},
		"receipts leave them out, too": {gap: true, lie: func(method, params string, m message) {
			if method == "eth_getLogs" || method == "eth_getBlockReceipts" {
				m.result(`[]`)
			}
		}},
		"receipts are null": {gap: true, lie: func(method, params string, m message) {
			switch method {
			case "eth_getLogs":
				m.result(`[]`)
			case "eth_getBlockReceipts":
				m.result(`[null]`)
			}
		}},
		"logs of another block": {gap: true, lie: func(method, params string, m message) {
			if method == "eth_getLogs" {
				m.result(`[{"address":"0x00000000000000000000000000000000000000aa","topics":[],"data":"0x"}]`)
			}
		}},
		"logs that are none": {gap: true, lie: func(method, params string, m message) {
			if method == "eth_getLogs" {
				m.result(`{"a":1}`)
			}
		}},
		"logs fail": {gap: true, lie: func(method, params string, m message) {
			if method == "eth_getLogs" {
				m.fail(`{"code":-32000,"message":"too many"}`)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var lies atomic.Bool
			url := liar(t, w.Chain, func(method, params string, m message) {
				if lies.Load() {
					c.lie(method, params, m)
				}
			})
			_, x := w.watcher(t, evm.Options{RPCURL: url, PollInterval: 10 * time.Millisecond})
			lies.Store(true)
			b := w.mint(t, 50, w.account[2])
			x.until(t, "the mint, or a gap", func(ch nft.Change) bool {
				if c.gap {
					return ch.Gap
				}
				return ch.Contract == w.token && ch.Block.Hash == b.Hash && slices.Equal(ch.Accounts, []string{w.account[2]})
			})
		})
	}
}

func TestWatchReadsEveryKindOfTransferLog(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, c *chaintest.Chain, v *evm.Verifier) {
		acc := c.Accounts()
		token, items, coin := c.Deploy(t, contracts.TestToken()), c.Deploy(t, contracts.TestItems()), c.Deploy(t, contracts.TestCoin())
		x := watch(t, v, token, items, coin, "nonsense", token)
		x.until(t, "a head", isHead)
		ids := []*big.Int{big.NewInt(1), big.NewInt(2)}
		for _, s := range []struct {
			name     string
			contract string
			tx       chaintest.Tx
			want     []string
		}{
			{"ERC-721", token, chaintest.Method(t, acc[0], contracts.TestToken(), token, "mint", acc[1], big.NewInt(1)), acc[1:2]},
			{"ERC-2309", token, chaintest.Method(t, acc[0], contracts.TestToken(), token, "announceRange", acc[1], big.NewInt(1), big.NewInt(9)), acc[1:2]},
			{"not indexed", token, chaintest.Method(t, acc[0], contracts.TestToken(), token, "announceOldTransfer", acc[1], acc[2], new(big.Int).Lsh(big.NewInt(1), 200)), acc[1:3]},
			{"ERC-1155", items, chaintest.Method(t, acc[0], contracts.TestItems(), items, "mint", acc[1], big.NewInt(1), big.NewInt(5)), acc[1:2]},
			{"ERC-1155 batch", items, chaintest.Method(t, acc[0], contracts.TestItems(), items, "mintBatch", acc[2], ids, ids), acc[2:3]},
			{"ERC-20", coin, chaintest.Method(t, acc[0], contracts.TestCoin(), coin, "mint", acc[2], big.NewInt(5)), acc[2:3]},
		} {
			b := must(t, c, s.tx)
			var got []string
			for _, ch := range x.until(t, s.name, headAt(b)) {
				if ch.Contract == s.contract && ch.Block.Hash == b.Hash {
					got = ch.Accounts
				}
			}
			if !slices.Equal(got, s.want) {
				t.Errorf("%s: accounts %v, want %v", s.name, got, s.want)
			}
		}
	})
}

// What the demo promises is that a transfer stops playback within two seconds;
// of that, hearing of it may take very little.
func TestATransferIsHeardAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, x := w.watcher(t, evm.Options{})
	x.until(t, "a subscribed head", headAt(must(t, w.Chain)))
	var all []time.Duration
	for i := range int64(21) {
		start := time.Now()
		b := w.mint(t, 60+i, w.account[2])
		x.until(t, "the mint", func(c nft.Change) bool { return c.Contract == w.token && c.Block.Hash == b.Hash })
		all = append(all, time.Since(start))
	}
	slices.Sort(all)
	t.Logf("from sending the transaction to the change: median %v, worst %v", all[10], all[20])
	if all[10] > 500*time.Millisecond { // the goal is 50 ms, for mining and hearing; machines may be busy
		t.Errorf("mining a transfer and hearing of it takes %v", all[10])
	}
}
