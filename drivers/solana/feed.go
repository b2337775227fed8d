package solana

import (
	"context"
	"encoding/json"
	"maps"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"github.com/gagliardetto/solana-go"

	"github.com/streamgate/streamgate/nft"
)

// subscription is what a provider is asked to tell of.
type subscription struct {
	key    string
	method string
	params []any
}

// subscriptions of a holding: all token accounts of a mint in one, or the account that shows it.
func (h *holding) subscriptions() []subscription {
	nothing := map[string]int{"offset": 0, "length": 0} // that it changed is enough
	config := func(more map[string]any) map[string]any {
		c := map[string]any{"commitment": processed, "encoding": "base64", "dataSlice": nothing}
		maps.Copy(c, more)
		return c
	}
	account := func(k solana.PublicKey) subscription {
		return subscription{"account " + k.String(), "accountSubscribe", []any{k.String(), config(nil)}}
	}
	var out []subscription
	for _, c := range h.read.only {
		if h.read.q.Op != nft.OpSolMint || c.core {
			out = append(out, account(c.key))
			continue
		}
		mint := map[string]any{"memcmp": map[string]any{"offset": 0, "bytes": c.mint.String()}}
		out = append(out, subscription{"mint " + c.mint.String(), "programSubscribe",
			[]any{c.program.String(), config(map[string]any{"filters": []any{mint}})}})
	}
	for _, l := range h.leaves {
		out = append(out, account(l.tree))
	}
	return out
}

// feed listens to a provider's notices. They only ever wake: nothing in them is believed.
type feed struct {
	v    *Verifier
	news chan struct{}
	done chan struct{}

	mu     sync.Mutex
	conn   *websocket.Conn
	broken bool
	wanted map[string]subscription
	have   map[string]bool // asked for on this connection
	ids    map[int]string  // questions without an answer yet
	subs   map[string]uint64
	next   int
}

const (
	feedQuiet = 30 * time.Second // without a word the connection is given up
	feedFrame = 1 << 20
)

// feed starts listening until ctx ends; wait returns when it has ended. Without a WSURL it never tells anything.
func (v *Verifier) feed(ctx context.Context) *feed {
	f := &feed{v: v, news: make(chan struct{}, 1), done: make(chan struct{})}
	go func() {
		defer close(f.done)
		if v.opt.WSURL != "" {
			f.run(ctx)
		}
	}()
	return f
}

func (f *feed) wait() { <-f.done }

// run connects and reads, and connects anew with longer and longer pauses.
func (f *feed) run(ctx context.Context) {
	const longest = 30 * time.Second
	pauses := f.v.opt.PollInterval
	for {
		if f.session(ctx) {
			pauses = f.v.opt.PollInterval
		}
		if !pause(ctx, pauses) {
			return
		}
		pauses = min(2*pauses, longest)
	}
}

// session is one connection; it reports whether there was one.
func (f *feed) session(ctx context.Context) (was bool) {
	d := websocket.Dialer{HandshakeTimeout: f.v.opt.Timeout}
	dctx, cancel := context.WithTimeout(ctx, f.v.opt.Timeout)
	defer cancel()
	conn, resp, err := d.DialContext(dctx, f.v.opt.WSURL, nil)
	if err != nil {
		if resp != nil {
			resp.Body.Close()
		}
		f.v.log.DebugContext(ctx, "solana_feed_refused", "chain", f.v.chain.String()) // the error may hold the URL
		return false
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	defer conn.Close()
	conn.SetReadLimit(feedFrame)
	f.mu.Lock()
	f.conn, f.have, f.ids, f.subs = conn, map[string]bool{}, map[int]string{}, map[string]uint64{}
	f.ask("slots", "slotSubscribe", nil)
	f.subscribe()
	f.mu.Unlock()
	for {
		_ = conn.SetReadDeadline(time.Now().Add(feedQuiet))
		_, b, err := conn.ReadMessage()
		if err != nil {
			break
		}
		f.hear(b)
	}
	f.mu.Lock()
	f.conn, f.broken = nil, true
	f.mu.Unlock()
	f.wake()
	if ctx.Err() == nil {
		f.v.log.InfoContext(ctx, "solana_feed_lost", "chain", f.v.chain.String())
	}
	return true
}

func (f *feed) wake() {
	select {
	case f.news <- struct{}{}:
	default:
	}
}

// hear takes one message: the answer to a subscription, or a notice.
func (f *feed) hear(b []byte) {
	var msg struct {
		ID     *int            `json:"id"`
		Result json.RawMessage `json:"result"`
		Method string          `json:"method"`
	}
	if json.Unmarshal(b, &msg) != nil {
		return
	}
	if msg.ID == nil {
		f.wake()
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	key, asked := f.ids[*msg.ID]
	delete(f.ids, *msg.ID)
	var id uint64
	if asked && json.Unmarshal(msg.Result, &id) == nil {
		f.subs[key] = id
	} // a provider that refuses is not asked again on this connection: slots, or polling, have to do
}

// follow sets what else than slots is to be told.
func (f *feed) follow(wanted map[string]subscription) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wanted = wanted
	f.subscribe()
}

// subscribe asks for what is wanted and not had, and ends what is had and not wanted. The caller holds the lock.
func (f *feed) subscribe() {
	if f.conn == nil {
		return
	}
	for key, s := range f.wanted {
		if !f.have[key] {
			f.ask(key, s.method, s.params)
		}
	}
	for key := range f.have {
		id, told := f.subs[key]
		if _, ok := f.wanted[key]; ok || key == "slots" || !told {
			continue
		}
		delete(f.have, key)
		delete(f.subs, key)
		method := "accountUnsubscribe"
		if key[0] == 'm' {
			method = "programUnsubscribe"
		}
		f.write(method, []any{id})
	}
}

func (f *feed) ask(key, method string, params []any) {
	f.have[key] = true
	f.ids[f.next+1] = key
	f.write(method, params)
}

// write sends one question. One that cannot be sent ends the connection, which the reader notices.
func (f *feed) write(method string, params []any) {
	f.next++
	id := f.next
	b, err := json.Marshal(message{Version: "2.0", ID: &id, Method: method, Params: params})
	if err == nil {
		_ = f.conn.SetWriteDeadline(time.Now().Add(f.v.opt.Timeout))
		err = f.conn.WriteMessage(websocket.TextMessage, b)
	}
	if err != nil {
		f.conn.Close()
	}
}

// connected reports whether notices come.
func (f *feed) connected() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, slots := f.subs["slots"]
	return f.conn != nil && slots
}

// broke reports whether a connection was lost since the last call and is there again, or is not coming back.
func (f *feed) broke() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	was := f.broken
	f.broken = false
	return was
}
