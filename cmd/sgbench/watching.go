package main

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethclient"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/caip"
	"github.com/streamgate/streamgate/cmd/refserver/devchain"
	"github.com/streamgate/streamgate/drivers/evm"
	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/storage/file"
)

// deaf is a verifier without a feed: whoever decides by it asks again when its answers have aged.
type deaf struct{ nft.Verifier }

func (deaf) Watch(context.Context, func() []string, func(nft.Change)) error {
	return fault.New(fault.Unsupported, "sgbench.Watch", "this gate polls")
}

// gateway is a whole platform in this process, and its viewers.
type gateway struct {
	name     string
	platform *streamgate.Platform
	url      string
	asset    string
	stop     func() error

	mu    sync.Mutex
	seats []*seat
}

// seat is one viewer of a gateway.
type seat struct {
	n       int
	view    viewing
	mu      sync.Mutex
	flipped time.Time
	late    int // keys that were given to requests made after the flip
	given   time.Time
}

func (s *seat) flip() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.flipped
}

// ask asks for the seat's key and notes whether it was given though the right had gone.
func (s *seat) ask(ctx context.Context) bool {
	begin := time.Now()
	_, err := fetch(ctx, s.view.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		return false
	}
	s.given = time.Now()
	if !s.flipped.IsZero() && begin.After(s.flipped) {
		s.late++
	}
	return true
}

// newGateway assembles a platform over the node, gated by the pass.
func newGateway(ctx context.Context, name, dir string, chain chainGreeting, age time.Duration, polls bool) (g *gateway, err error) {
	var closers []func() error
	g = &gateway{name: name}
	g.stop = func() (err error) {
		for i := len(closers) - 1; i >= 0; i-- {
			err = errors.Join(err, closers[i]())
		}
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, g.stop())
		}
	}()
	id, err := caip.ParseChainID(chain.ID)
	if err != nil {
		return g, err
	}
	v, err := evm.Dial(ctx, evm.Options{RPCURL: chain.RPCURL, WSURL: chain.WSURL, Chain: id})
	if err != nil {
		return g, err
	}
	closers = append(closers, func() error { v.Close(); return nil })
	ring, err := keys.OpenKeyring(filepath.Join(dir, "keys"), keys.Options{})
	if err != nil {
		return g, err
	}
	closers = append(closers, ring.Close)
	objects, err := file.Open(filepath.Join(dir, "objects"), file.Options{})
	if err != nil {
		return g, err
	}
	closers = append(closers, objects.Close)
	var verifier nft.Verifier = v
	if polls {
		verifier = deaf{v}
	}
	p, err := streamgate.New(ctx, streamgate.WithDataDir(dir), streamgate.WithKeys(ring), streamgate.WithStorage(objects), streamgate.WithVerifier(verifier),
		streamgate.WithUnsandboxedFFmpeg(), streamgate.WithoutWeb(), streamgate.WithTrustedProxies(netip.MustParsePrefix("127.0.0.0/8")))
	if err != nil {
		return g, err
	}
	closers = append(closers, p.Close)
	g.platform = p
	gate := fmt.Sprintf(`{"gr":1,"when":{"hold":"%s/erc721:%s"},"evidence":{"maxAge":%q,"grace":%q}}`, id, chain.Pass, age, age/2)
	asset, err := p.Media.Create(ctx, auth.Principal{Tenant: tenant, UserID: "sgbench"}, media.CreateAsset{Title: "Bench", Gate: json.RawMessage(gate)})
	if err != nil {
		return g, err
	}
	g.asset = asset.ID
	db, err := sqldb.Open(ctx, filepath.Join(dir, streamgate.DatabaseFile))
	if err != nil {
		return g, err
	}
	if err := errors.Join(insert(ctx, home{db, ring, objects}, asset.ID, segmentCount, []int{14_000}), db.Close()); err != nil {
		return g, err
	}
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ran := make(chan error, 1)
	go func() { ran <- p.Run(inner) }()
	closers = append(closers, func() error {
		cancel()
		if err := <-ran; !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return g, err
	}
	srv := &http.Server{Handler: p.Handler(), ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	closers = append(closers, func() error { return errors.Join(srv.Close(), ignoreClosed(<-served)) })
	g.url = "http://" + ln.Addr().String()
	select {
	case <-p.Ready():
		return g, nil
	case err := <-ran:
		ran <- err
		return g, err
	}
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// admit signs a wallet in and opens its viewing, over HTTP as a page does, and listens until ctx ends.
func (g *gateway) admit(ctx context.Context, chain string, n int, wallet *ecdsa.PrivateKey, listening *sync.WaitGroup) error {
	v := &visitor{url: g.url, chain: chain, wallet: wallet, from: fmt.Sprintf("10.%d.%d.1", n/250, n%250)}
	if err := v.signIn(ctx); err != nil {
		return err
	}
	view, err := v.open(ctx, g.asset)
	if err != nil {
		return err
	}
	s := &seat{n: n, view: view, given: time.Now()}
	token := strings.Split(strings.TrimPrefix(view.key, g.url+"/v1/play/"), "/")[0]
	notices, err := g.platform.Playback.Notices(ctx, token)
	if err != nil {
		return err
	}
	g.mu.Lock()
	g.seats = append(g.seats, s)
	g.mu.Unlock()
	listening.Go(func() {
		for n := range notices {
			if n.Type == playback.Revoked {
				s.mu.Lock()
				if s.flipped.IsZero() {
					s.flipped = time.Now()
				}
				s.mu.Unlock()
			}
		}
	})
	return nil
}

// crowded runs do for every number below n, eight at a time.
func crowded(n int, do func(i int) error) error {
	next := make(chan int)
	errs := make(chan error, 8)
	for range 8 {
		go func() {
			var err error
			for i := range next {
				if err == nil {
					err = do(i)
				}
			}
			errs <- err
		}()
	}
	for i := range n {
		next <- i
	}
	close(next)
	var err error
	for range 8 {
		err = errors.Join(err, <-errs)
	}
	return err
}

// measureWatch has many sessions watch, takes the pass from most of them by a transfer each, and at the end the chain from all. One
// gate follows the chain, its peer is the same without the feed, in the same run.
func measureWatch(ctx context.Context, c config, dir string, out io.Writer) (err error) {
	all, holders, err := wallets(c.sessions + c.stay)
	if err != nil {
		return err
	}
	var chain chainGreeting
	node, err := start(ctx, "chain", chainOrders{holders}, &chain)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, node.stop()) }()
	t := &treasury{wallets: all, seen: map[uint64]time.Time{}}
	if err := t.open(ctx, chain); err != nil {
		return err
	}
	defer t.close()
	watching, leave := context.WithCancel(ctx)
	var listening sync.WaitGroup
	defer listening.Wait()
	defer leave()
	var gates []*gateway
	for _, peer := range []struct {
		name  string
		polls bool
	}{{"StreamGate, following the chain", false}, {fmt.Sprintf("the same gate, asking again every %v", c.age), true}} {
		g, err := newGateway(ctx, peer.name, filepath.Join(dir, fmt.Sprintf("watch%v", peer.polls)), chain, c.age, peer.polls)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, g.stop()) }()
		if err := crowded(len(all), func(i int) error { return g.admit(watching, chain.ID, i, all[i], &listening) }); err != nil {
			return err
		}
		gates = append(gates, g)
	}
	if err := t.fund(ctx, c.sessions); err != nil {
		return err
	}
	playing, halt := context.WithCancel(ctx)
	var players sync.WaitGroup
	for _, g := range gates {
		players.Go(func() { g.play(playing) })
	}
	err = t.transfer(ctx, chain.Pass, c.sessions, c.burst)
	for i := 0; err == nil && i < c.sessions; i++ {
		_, err = t.mined(ctx, t.txs[i])
	}
	for _, g := range gates {
		if err == nil {
			err = g.settled(ctx, c.sessions, c.age)
		}
	}
	halt()
	players.Wait()
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d sessions signed in, opened a viewing and watch; one transfer each, in bursts of %d every 500 ms; %d more stay until the chain dies. Latency from an independent subscriber's sight of the head to the flip; keys are asked for all the time.\n\n", c.sessions, c.burst, c.stay)
	fmt.Fprintln(out, "| gate | flips | p50 ms | p95 ms | p99 ms | max ms | keys given after the flip | goal |\n|---|---|---|---|---|---|---|---|")
	late := 0
	for _, g := range gates {
		took, n, err := g.latencies(ctx, t, c.sessions)
		if err != nil {
			return err
		}
		late += n
		at := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))].Microseconds()) / 1e3 }
		fmt.Fprintf(out, "| %s | %d | %.1f | %.1f | %.1f | %.1f | %d | p99 <= 250, 0 keys |\n", g.name, len(took), at(0.5), at(0.95), at(0.99), at(1), n)
	}
	fmt.Fprintf(out, "\nThen the chain's node is killed. The rule's maxAge is %v and its grace %v: the last key of the %d who stayed may leave %v later.\n\n", c.age, c.age/2, c.stay, c.age*3/2)
	fmt.Fprintln(out, "| gate | last key after s | goal s |\n|---|---|---|")
	if err := node.cmd.Process.Kill(); err != nil {
		return err
	}
	died := time.Now()
	var over error
	var waiting sync.WaitGroup
	lasts := make([]time.Duration, len(gates))
	for i, g := range gates {
		waiting.Go(func() { lasts[i] = g.outlives(ctx, died, c) })
	}
	waiting.Wait()
	for i, g := range gates {
		fmt.Fprintf(out, "| %s | %.1f | <= %.1f |\n", g.name, lasts[i].Seconds(), (c.age * 3 / 2).Seconds())
		if lasts[i] > c.age*3/2+2*time.Second {
			over = fmt.Errorf("%s gave a key %v after the chain died", g.name, lasts[i])
		}
	}
	fmt.Fprintln(out)
	_ = node.stop() // it was killed
	node.err = nil
	if late > 0 {
		over = errors.Join(over, fmt.Errorf("%d keys were given after the flip", late))
	}
	return over
}

// play asks for the keys of all seats in turn, until ctx ends.
func (g *gateway) play(ctx context.Context) {
	turn := time.NewTicker(5 * time.Millisecond)
	defer turn.Stop()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-turn.C:
			g.seats[i%len(g.seats)].ask(ctx)
		}
	}
}

// settled waits until every seat that lost its pass has flipped, and asks each once more.
func (g *gateway) settled(ctx context.Context, sessions int, age time.Duration) error {
	for deadline := time.Now().Add(2*age + 60*time.Second); ; time.Sleep(50 * time.Millisecond) {
		left := 0
		for _, s := range g.seats {
			if s.n < sessions && s.flip().IsZero() {
				left++
			}
		}
		if left == 0 {
			break
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return fmt.Errorf("%s: %d sessions did not flip", g.name, left)
		}
	}
	for _, s := range g.seats {
		if s.n < sessions && s.ask(ctx) {
			return fmt.Errorf("%s: session %d gets a key after its flip", g.name, s.n)
		}
	}
	return nil
}

// latencies returns how long each flip took, sorted, and the keys given after it.
func (g *gateway) latencies(ctx context.Context, t *treasury, sessions int) (took []time.Duration, late int, err error) {
	for _, s := range g.seats {
		if s.n >= sessions {
			continue
		}
		head, err := t.headOf(ctx, s.n)
		if err != nil {
			return nil, 0, err
		}
		took = append(took, s.flip().Sub(head))
		late += s.late
	}
	slices.Sort(took)
	return took, late, nil
}

// outlives asks for the keys of those who stayed for twice the time that any may be given, and returns when the last was.
func (g *gateway) outlives(ctx context.Context, died time.Time, c config) (last time.Duration) {
	for ; time.Since(died) < 3*c.age && ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		for _, s := range g.seats {
			if s.n >= c.sessions && s.ask(ctx) {
				last = time.Since(died)
			}
		}
	}
	return last
}

// treasury moves the wallets' passes and sees heads for itself.
type treasury struct {
	wallets []*ecdsa.PrivateKey
	client  *ethclient.Client
	heads   *ethclient.Client
	signer  types.Signer
	fee     *big.Int
	txs     []common.Hash // by wallet

	mu   sync.Mutex
	seen map[uint64]time.Time // when a head was seen first, by number
	sub  sync.WaitGroup
	end  context.CancelFunc
}

func (t *treasury) open(ctx context.Context, chain chainGreeting) (err error) {
	if t.client, err = ethclient.DialContext(ctx, chain.RPCURL); err != nil {
		return err
	}
	if t.heads, err = ethclient.DialContext(ctx, chain.WSURL); err != nil {
		return err
	}
	id, err := t.client.ChainID(ctx)
	if err != nil {
		return err
	}
	t.signer, t.fee = types.LatestSignerForChainID(id), big.NewInt(3e9)
	news := make(chan *types.Header, 256)
	sub, err := t.heads.SubscribeNewHead(ctx, news)
	if err != nil {
		return err
	}
	inner, end := context.WithCancel(ctx)
	t.end = end
	t.sub.Go(func() {
		defer sub.Unsubscribe()
		for {
			select {
			case <-inner.Done():
				return
			case <-sub.Err():
				return
			case h := <-news:
				t.mu.Lock()
				if _, ok := t.seen[h.Number.Uint64()]; !ok {
					t.seen[h.Number.Uint64()] = time.Now()
				}
				t.mu.Unlock()
			}
		}
	})
	return nil
}

func (t *treasury) close() {
	t.end()
	t.sub.Wait()
	t.client.Close()
	t.heads.Close()
}

func (t *treasury) send(ctx context.Context, from *ecdsa.PrivateKey, nonce uint64, to common.Address, value *big.Int, data []byte) (common.Hash, error) {
	tx, err := types.SignNewTx(from, t.signer, &types.DynamicFeeTx{
		ChainID: t.signer.ChainID(), Nonce: nonce, To: &to, Value: value, Data: data, Gas: 1_000_000, GasTipCap: big.NewInt(1e9), GasFeeCap: t.fee,
	})
	if err != nil {
		return common.Hash{}, err
	}
	return tx.Hash(), t.client.SendTransaction(ctx, tx)
}

// mined waits for a transaction's block.
func (t *treasury) mined(ctx context.Context, tx common.Hash) (*types.Receipt, error) {
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		r, err := t.client.TransactionReceipt(ctx, tx)
		if err == nil && r.Status != types.ReceiptStatusSuccessful {
			err = fmt.Errorf("the transaction %s failed", tx)
			return nil, err
		}
		if err == nil || time.Now().After(deadline) || ctx.Err() != nil {
			return r, err
		}
	}
}

// fund gives the first n wallets what a transfer costs.
func (t *treasury) fund(ctx context.Context, n int) error {
	rich, err := crypto.HexToECDSA(strings.TrimPrefix(devchain.Holder().PrivateKey, "0x"))
	if err != nil {
		return err
	}
	nonce, err := t.client.PendingNonceAt(ctx, crypto.PubkeyToAddress(rich.PublicKey))
	if err != nil {
		return err
	}
	var last common.Hash
	for i := range n {
		if last, err = t.send(ctx, rich, nonce+uint64(i), crypto.PubkeyToAddress(t.wallets[i].PublicKey), big.NewInt(1e16), nil); err != nil {
			return err
		}
		if i%32 == 31 || i == n-1 { // the node holds so many of one sender
			if _, err := t.mined(ctx, last); err != nil {
				return err
			}
		}
	}
	return nil
}

// transfer has each of the first n wallets send its pass away, in bursts. Pass i+1 is wallet i's.
func (t *treasury) transfer(ctx context.Context, pass string, n, burst int) error {
	method := crypto.Keccak256([]byte("transferFrom(address,address,uint256)"))[:4]
	t.txs = make([]common.Hash, n)
	due := time.NewTicker(500 * time.Millisecond)
	defer due.Stop()
	for i := range n {
		if i%burst == 0 {
			select {
			case <-due.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		from := crypto.PubkeyToAddress(t.wallets[i].PublicKey)
		data := slices.Concat(method, common.LeftPadBytes(from.Bytes(), 32), common.LeftPadBytes(common.HexToAddress(pass).Bytes(), 32),
			common.LeftPadBytes(big.NewInt(int64(i+1)).Bytes(), 32))
		var err error
		if t.txs[i], err = t.send(ctx, t.wallets[i], 0, common.HexToAddress(pass), nil, data); err != nil {
			return err
		}
	}
	return nil
}

// headOf is when the block with wallet i's transfer was seen.
func (t *treasury) headOf(ctx context.Context, i int) (time.Time, error) {
	r, err := t.mined(ctx, t.txs[i])
	if err != nil {
		return time.Time{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	at, ok := t.seen[r.BlockNumber.Uint64()]
	if !ok {
		return at, fmt.Errorf("the head %d was not seen", r.BlockNumber)
	}
	return at, nil
}
