package solana

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/gagliardetto/solana-go"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/outbound"
)

// node is the provider: requests to it are bounded in time and size, and its errors
// are rid of secrets and of the caller's own deadline.
type node struct {
	http    *http.Client
	url     string
	timeout time.Duration
	max     int64
	batch   int
	secrets outbound.Secrets
	made    *atomic.Uint64 // requests
}

func newNode(opt Options, url string, batch int) *node {
	client := &http.Client{}
	if opt.Client != nil {
		*client = *opt.Client
	}
	if client.Transport == nil {
		client.Transport = &http.Transport{
			DialContext:         (&net.Dialer{Timeout: opt.Timeout, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout: opt.Timeout,
			ForceAttemptHTTP2:   true,
			MaxIdleConnsPerHost: 32,
			IdleConnTimeout:     90 * time.Second,
		}
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error {
		return errors.New("the provider redirects, which is not followed")
	}
	return &node{http: client, url: url, timeout: opt.Timeout, max: opt.MaxReply, batch: batch, secrets: outbound.SecretsOf(url), made: new(atomic.Uint64)}
}

// call is one JSON-RPC call and, afterwards, what it came to.
type call struct {
	method string
	params any // a list, or an object for the methods of DAS
	out    any // decoded into, unless err
	err    *rpcError
}

// rpcError is an error object the provider answered with.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

func (e *rpcError) Error() string {
	return fmt.Sprintf("the provider answers error %d: %s", e.Code, e.Message)
}

// The JSON-RPC error codes that mean something here.
const (
	codeInvalidParams = -32602 // getTokenAccountsByOwner of a mint that does not exist
	codeMinSlot       = -32016 // the node has not reached minContextSlot
)

// do sends the calls in as few requests as the provider takes, and returns an error
// when one was not answered. Error objects are left in the calls.
func (n *node) do(ctx context.Context, m *meter, calls []*call) error {
	for len(calls) > 0 {
		k := min(n.batch, len(calls))
		m.requests++
		n.made.Add(1)
		if err := n.send(ctx, calls[:k]); err != nil {
			const op = "solana.request"
			if ctx.Err() != nil {
				return fault.Wrap(fault.Canceled, op, ctx.Err())
			}
			return fault.Wrap(fault.Unavailable, op, n.scrub(err))
		}
		calls = calls[k:]
	}
	return nil
}

type message struct {
	Version string          `json:"jsonrpc"`
	ID      *int            `json:"id"`
	Method  string          `json:"method,omitempty"`
	Params  any             `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

func (n *node) send(ctx context.Context, calls []*call) error {
	ctx, cancel := context.WithTimeout(ctx, n.timeout)
	defer cancel()
	msgs := make([]message, len(calls))
	for i, c := range calls {
		msgs[i] = message{Version: "2.0", ID: &i, Method: c.method, Params: c.params}
	}
	var body any = msgs
	if len(msgs) == 1 {
		body = msgs[0]
	}
	reply, err := n.post(ctx, body)
	if err != nil {
		return err
	}
	replies := make([]message, 1)
	if len(msgs) == 1 {
		err = json.Unmarshal(reply, &replies[0])
	} else {
		err = json.Unmarshal(reply, &replies)
	}
	if err != nil {
		return errors.New("the provider's reply is cut off or not JSON-RPC")
	}
	return match(calls, replies)
}

// match gives each call its reply: one each, in any order.
func match(calls []*call, replies []message) error {
	got := make([]bool, len(calls))
	for _, r := range replies {
		if r.ID == nil || *r.ID < 0 || *r.ID >= len(calls) || got[*r.ID] {
			return errors.New("the provider answers something that was not asked")
		}
		got[*r.ID] = true
		c := calls[*r.ID]
		if c.err = r.Error; c.err != nil {
			continue
		}
		if err := json.Unmarshal(r.Result, c.out); err != nil {
			return fmt.Errorf("the provider's reply to %s has another form", c.method)
		}
	}
	for i, c := range calls {
		if !got[i] {
			return fmt.Errorf("the provider does not answer %s", c.method)
		}
	}
	return nil
}

func (n *node) post(ctx context.Context, body any) ([]byte, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := n.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the provider answers HTTP status %d", resp.StatusCode)
	}
	b, err = io.ReadAll(io.LimitReader(resp.Body, n.max+1))
	if err == nil && int64(len(b)) > n.max {
		err = errors.New("the reply exceeds the size limit")
	}
	return b, err
}

// scrub returns an error that says the same without the URL, and that is no context
// error, since the deadline was ours.
func (n *node) scrub(err error) error {
	var timeout interface{ Timeout() bool }
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout() {
		return errors.New("the provider did not answer in time")
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return errors.New(n.secrets.Redact(err.Error()))
}

// failed makes the error object of a call a fault.
func (n *node) failed(c *call) error {
	if c.err == nil {
		return nil
	}
	if c.err.Code == codeMinSlot {
		return fault.New(fault.Unavailable, "solana.request", "the provider is behind the newest slot seen")
	}
	return fault.Wrap(fault.Unavailable, "solana.request", &rpcError{c.err.Code, n.secrets.Redact(c.err.Message)})
}

// account is what is read of an account.
type account struct {
	owner solana.PublicKey // the program
	data  []byte
}

// UnmarshalJSON reads what the provider says with encoding base64.
func (a *account) UnmarshalJSON(b []byte) error {
	var raw struct {
		Owner *string  `json:"owner"`
		Data  []string `json:"data"`
	}
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	if raw.Owner == nil || len(raw.Data) != 2 || raw.Data[1] != "base64" {
		return errors.New("an account lacks a field")
	}
	var err error
	if a.owner, err = solana.PublicKeyFromBase58(*raw.Owner); err != nil {
		return err
	}
	a.data, err = base64.StdEncoding.DecodeString(raw.Data[0])
	return err
}

// keyed is an account of a list.
type keyed struct {
	Pubkey  string   `json:"pubkey"`
	Account *account `json:"account"`
}

// contextual is a value with the slot it was read at.
type contextual[T any] struct {
	Context *struct {
		Slot *uint64 `json:"slot"`
	} `json:"context"`
	Value T `json:"value"`
}

// slot fails a reply that does not say when it was read, or names a slot no cluster
// will reach.
func (c *contextual[T]) slot() (uint64, error) {
	if c.Context == nil || c.Context.Slot == nil || *c.Context.Slot > 1<<53 {
		return 0, fault.New(fault.Unavailable, "solana.request", "the provider does not say at which slot it read")
	}
	return *c.Context.Slot, nil
}
