package chaintest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Lie is one way in which a provider is false or broken.
type Lie struct {
	// Name says it in a few words.
	Name string
	// Hidden means that who asks this provider alone cannot notice, short of a proof of the state.
	Hidden bool
	// Logs means that it is about what Watch reads.
	Logs bool

	ask  func(l *Liar, c *rpcCall) (fired bool)                                           // changes what is asked of the chain
	tell func(l *Liar, calls []rpcCall, replies []rpcReply) (told []rpcReply, fired bool) // changes what it said
	wire func(w http.ResponseWriter, r *http.Request, reply []byte)                       // sends the reply
}

// Lies returns every lie, by name.
func Lies() []Lie {
	return slices.Concat(liesOfState(), liesOfBlocks(), liesOfLogs(), liesOfMessages(), liesOfTheWire())
}

// each makes a tell of a change to single replies to a method.
func each(method string, change func(l *Liar, c rpcCall, m rpcReply) bool) func(*Liar, []rpcCall, []rpcReply) ([]rpcReply, bool) {
	return func(l *Liar, calls []rpcCall, replies []rpcReply) ([]rpcReply, bool) {
		fired := false
		for i, m := range replies {
			if i < len(calls) && calls[i].Method == method {
				fired = change(l, calls[i], m) || fired
			}
		}
		return replies, fired
	}
}

func liesOfState() []Lie {
	return []Lie{
		{Name: "wrong value", Hidden: true, tell: each("eth_call", func(_ *Liar, _ rpcCall, m rpcReply) bool {
			var word string
			if json.Unmarshal(m["result"], &word) != nil || len(word) != 66 {
				return false
			}
			last := map[bool]string{true: "1", false: "0"}[strings.HasSuffix(word, "0")]
			m.result(strconv.Quote(word[:65] + last))
			return true
		})},
		{Name: "state of an old block", Hidden: true, ask: func(l *Liar, c *rpcCall) bool { return l.atOld(c, "") }},
		{Name: "error for success", tell: each("eth_call", func(_ *Liar, _ rpcCall, m rpcReply) bool {
			m.fail(`{"code":-32000,"message":"internal error"}`)
			return true
		})},
		{Name: "revert for success", Hidden: true, tell: each("eth_call", func(_ *Liar, c rpcCall, m rpcReply) bool {
			var call struct{ Data, Input string }
			if _, ok := m["result"]; !ok || json.Unmarshal(c.Params[0], &call) != nil {
				return false
			}
			id := strings.Repeat("0", 64)
			if data := call.Data + call.Input; len(data) == 10+64 {
				id = data[10:]
			}
			m.fail(fmt.Sprintf(`{"code":3,"message":"execution reverted","data":"0x7e273289%s"}`, id)) // ERC721NonexistentToken(id)
			return true
		})},
		{Name: "success for revert", Hidden: true, tell: each("eth_call", func(l *Liar, _ rpcCall, m rpcReply) bool {
			if _, failed := m["error"]; !failed {
				return false
			}
			m.result(`"0x` + strings.Repeat("0", 24) + l.chain.Accounts()[1][2:] + `"`)
			return true
		})},
		{Name: "nothing for a value", tell: each("eth_call", func(_ *Liar, _ rpcCall, m rpcReply) bool {
			m.result(`"0x"`)
			return true
		})},
	}
}

// atOld has a read be made at the old block, if it names hash (any when that is empty).
func (l *Liar) atOld(c *rpcCall, hash string) bool {
	if c.Method != "eth_call" || len(c.Params) < 2 || !bytes.Contains(c.Params[1], []byte(hash)) {
		return false
	}
	c.Params[1] = json.RawMessage(fmt.Sprintf(`"0x%x"`, l.old.Number))
	return true
}

// tagged has a block tag mean the old block.
func tagged(tags ...string) func(*Liar, *rpcCall) bool {
	return func(l *Liar, c *rpcCall) bool {
		if c.Method != "eth_getBlockByNumber" || !slices.Contains(tags, strings.Trim(string(c.Params[0]), `"`)) {
			return false
		}
		c.Params[0] = json.RawMessage(fmt.Sprintf(`"0x%x"`, l.old.Number))
		return true
	}
}

// forgedHash is of no block.
const forgedHash = "0x00000000000000000000000000000000000000000000000000000000feedbeef"

// forged has the newest block replaced, whose state then is that of the old block.
func forged(name string, hidden bool, members func(l *Liar, number uint64) map[string]string) Lie {
	return Lie{Name: name, Hidden: hidden,
		ask: func(l *Liar, c *rpcCall) bool { return l.atOld(c, forgedHash) },
		tell: each("eth_getBlockByNumber", func(l *Liar, c rpcCall, m rpcReply) bool {
			var b struct{ Number string }
			if string(c.Params[0]) != `"latest"` || json.Unmarshal(m["result"], &b) != nil {
				return false
			}
			n, _ := strconv.ParseUint(strings.TrimPrefix(b.Number, "0x"), 16, 64)
			return m.replace(members(l, n))
		}),
	}
}

func liesOfBlocks() []Lie {
	hex := func(n uint64) string { return fmt.Sprintf(`"0x%x"`, n) }
	hash := strconv.Quote(forgedHash)
	return []Lie{
		{Name: "stale head", ask: tagged("latest")},
		{Name: "stale finalized", ask: tagged("finalized", "safe")},
		{Name: "wrong chain id", tell: each("eth_chainId", func(_ *Liar, _ rpcCall, m rpcReply) bool { m.result(`"0x1"`); return true })},
		{Name: "no head", tell: each("eth_getBlockByNumber", func(_ *Liar, _ rpcCall, m rpcReply) bool { m.result("null"); return true })},
		forged("block of the future", false, func(_ *Liar, n uint64) map[string]string {
			return map[string]string{"number": hex(n + 1000), "hash": hash, "timestamp": hex(uint64(time.Now().Add(24 * time.Hour).Unix()))}
		}),
		forged("block far ahead", true, func(_ *Liar, n uint64) map[string]string {
			return map[string]string{"number": hex(n + 1000), "hash": hash}
		}),
		forged("hash off the chain", true, func(*Liar, uint64) map[string]string { return map[string]string{"hash": hash} }),
		{Name: "old block under a new number", Hidden: true, tell: each("eth_getBlockByNumber", func(l *Liar, c rpcCall, m rpcReply) bool {
			return string(c.Params[0]) == `"latest"` && m.replace(map[string]string{"hash": strconv.Quote(l.old.Hash)})
		})},
	}
}

func liesOfLogs() []Lie {
	drop := each("eth_getLogs", func(_ *Liar, _ rpcCall, m rpcReply) bool {
		if len(m["result"]) < 3 {
			return false
		}
		m.result("[]")
		return true
	})
	return []Lie{
		{Name: "dropped log", Logs: true, tell: drop},
		{Name: "dropped log and receipts", Logs: true, tell: func(l *Liar, calls []rpcCall, replies []rpcReply) ([]rpcReply, bool) {
			_, _ = each("eth_getBlockReceipts", func(_ *Liar, _ rpcCall, m rpcReply) bool { m.result("[]"); return true })(l, calls, replies)
			return drop(l, calls, replies)
		}},
		{Name: "dropped log under a forged bloom", Hidden: true, Logs: true, tell: func(l *Liar, calls []rpcCall, replies []rpcReply) ([]rpcReply, bool) {
			empty := `"0x` + strings.Repeat("0", 512) + `"`
			for i, m := range replies {
				if i < len(calls) && strings.HasPrefix(calls[i].Method, "eth_getBlockBy") {
					m.replace(map[string]string{"logsBloom": empty})
				}
			}
			return drop(l, calls, replies)
		}},
		{Name: "reordered logs", Logs: true, tell: each("eth_getLogs", func(_ *Liar, _ rpcCall, m rpcReply) bool {
			var logs []json.RawMessage
			if json.Unmarshal(m["result"], &logs) != nil || len(logs) < 2 {
				return false
			}
			slices.Reverse(logs)
			m["result"], _ = json.Marshal(logs)
			return true
		})},
		{Name: "logs of another block", Logs: true, tell: each("eth_getLogs", func(l *Liar, _ rpcCall, m rpcReply) bool {
			var logs []map[string]json.RawMessage
			if json.Unmarshal(m["result"], &logs) != nil || len(logs) == 0 {
				return false
			}
			for _, o := range logs {
				o["blockHash"] = json.RawMessage(strconv.Quote(l.old.Hash))
			}
			m["result"], _ = json.Marshal(logs)
			return true
		})},
	}
}

func liesOfMessages() []Lie {
	swap := func(pick func(c rpcCall) bool) func(*Liar, []rpcCall, []rpcReply) ([]rpcReply, bool) {
		return func(_ *Liar, calls []rpcCall, replies []rpcReply) ([]rpcReply, bool) {
			var at []int
			for i := range replies {
				if i < len(calls) && pick(calls[i]) {
					at = append(at, i)
				}
			}
			if len(at) < 2 {
				return replies, false
			}
			a, b := replies[at[0]], replies[at[1]]
			a["id"], b["id"] = b["id"], a["id"]
			return replies, true
		}
	}
	return []Lie{
		{Name: "wrong request id", tell: func(_ *Liar, _ []rpcCall, replies []rpcReply) ([]rpcReply, bool) {
			for _, m := range replies {
				m["id"] = json.RawMessage("424242")
			}
			return replies, true
		}},
		{Name: "swapped batch replies", tell: swap(func(rpcCall) bool { return true })},
		{Name: "swapped values in a batch", Hidden: true, tell: swap(func(c rpcCall) bool { return c.Method == "eth_call" })},
		{Name: "duplicated replies", tell: func(_ *Liar, _ []rpcCall, replies []rpcReply) ([]rpcReply, bool) {
			var twice []rpcReply
			for _, m := range replies {
				twice = append(twice, m, m)
			}
			return twice, true
		}},
	}
}

func liesOfTheWire() []Lie {
	return []Lie{
		{Name: "huge body", wire: func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			_, _ = io.WriteString(w, `[{"jsonrpc":"2.0","id":1,"result":"0x`)
			for chunk, sent := bytes.Repeat([]byte("0"), 1<<16), 0; sent < 64<<20; {
				n, err := w.Write(chunk)
				if sent += n; err != nil {
					return
				}
			}
		}},
		{Name: "slow", wire: func(w http.ResponseWriter, r *http.Request, reply []byte) {
			t := time.NewTimer(20 * time.Second)
			defer t.Stop()
			select {
			case <-t.C:
				_, _ = w.Write(reply)
			case <-r.Context().Done():
			}
		}},
		{Name: "429 storm", wire: func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.Header().Set("Retry-After", "1")
			http.Error(w, "too many requests", http.StatusTooManyRequests)
		}},
		{Name: "truncated JSON", wire: func(w http.ResponseWriter, _ *http.Request, reply []byte) { _, _ = w.Write(reply[:len(reply)/2]) }},
		{Name: "HTML with status 200", wire: func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "<html><body>Welcome to our RPC</body></html>")
		}},
		{Name: "connection reset mid-body", wire: func(w http.ResponseWriter, _ *http.Request, reply []byte) {
			conn, buf, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = fmt.Fprintf(buf, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(reply))
			_, _ = buf.Write(reply[:len(reply)/2])
			_ = buf.Flush()
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
		}},
	}
}
