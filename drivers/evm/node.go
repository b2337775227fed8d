package evm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/ethereum/go-ethereum/rpc"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/outbound"
)

// node is the provider: requests to it are bounded in time and size, and its
// errors are rid of secrets and of the caller's own deadline.
type node struct {
	client  *rpc.Client
	http    *http.Client
	timeout time.Duration
	batch   int
	secrets outbound.Secrets
}

var (
	errTooLarge = errors.New("the reply exceeds the size limit")
	errSlow     = errors.New("the provider did not answer in time")
	errRedirect = errors.New("the provider redirects, which is not followed")
)

func newNode(opt Options) (*node, error) {
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
	client.Transport = &boundedTransport{next: client.Transport, max: opt.MaxReply}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return errRedirect }
	c, err := rpc.DialOptions(context.Background(), opt.RPCURL, rpc.WithHTTPClient(client))
	n := &node{client: c, http: client, timeout: opt.Timeout, batch: opt.BatchSize, secrets: outbound.SecretsOf(opt.RPCURL, opt.WSURL)}
	if err != nil { // dialling HTTP sends nothing
		return nil, fault.Wrap(fault.Invalid, "evm.New", n.scrub(err))
	}
	return n, nil
}

func (n *node) close() {
	n.client.Close()
	n.http.CloseIdleConnections()
}

// do sends all requests, in as few batches as the provider takes, and returns an
// error when a batch as a whole failed. Errors of single requests are in them.
func (n *node) do(ctx context.Context, m *meter, reqs []request) error {
	for len(reqs) > 0 {
		k := min(n.batch, len(reqs))
		m.requests++
		if err := n.send(ctx, reqs[:k]); err != nil {
			return err
		}
		reqs = reqs[k:]
	}
	return nil
}

func (n *node) send(ctx context.Context, reqs []request) error {
	call, cancel := context.WithTimeout(ctx, n.timeout)
	defer cancel()
	if len(reqs) > 1 {
		if err := n.client.BatchCallContext(call, reqs); err != nil {
			return n.failed(ctx, err)
		}
		for i := range reqs {
			reqs[i].Error = n.element(reqs[i].Error)
		}
		return nil
	}
	r := &reqs[0]
	err := n.client.CallContext(call, r.Result, r.Method, r.Args...)
	var answered rpc.Error
	if err == nil || errors.As(err, &answered) {
		r.Error = n.element(err)
		return nil
	}
	return n.failed(ctx, err)
}

// failed makes err, by which a whole request failed, a fault. When the caller
// has given up it is Canceled; our own deadline is the provider's failure.
func (n *node) failed(ctx context.Context, err error) error {
	const op = "evm.request"
	if ctx.Err() != nil {
		return fault.Wrap(fault.Canceled, op, ctx.Err())
	}
	return fault.Wrap(fault.Unavailable, op, n.scrub(err))
}

// element makes the error of one request of a batch a fault that still shows the
// provider's code and data.
func (n *node) element(err error) error {
	if err == nil {
		return nil
	}
	var answered rpc.Error
	if !errors.As(err, &answered) {
		return fault.Wrap(fault.Unavailable, "evm.request", n.scrub(err))
	}
	e := &rpcError{code: answered.ErrorCode(), msg: n.secrets.Redact(answered.Error())}
	var d rpc.DataError
	if errors.As(err, &d) {
		e.data = d.ErrorData()
	}
	return fault.Wrap(fault.Unavailable, "evm.request", e)
}

// rpcError is an error object the provider answered with.
type rpcError struct {
	code int
	msg  string
	data any
}

func (e *rpcError) Error() string {
	return fmt.Sprintf("the provider answers error %d: %s", e.code, e.msg)
}

// scrub returns an error that says the same without the URL, and that is no
// context error, since the deadline was ours.
func (n *node) scrub(err error) error {
	var (
		status  rpc.HTTPError
		u       *url.Error
		syntax  *json.SyntaxError
		timeout interface{ Timeout() bool }
	)
	switch {
	case errors.Is(err, errTooLarge):
		return errTooLarge
	case errors.Is(err, errRedirect):
		return errRedirect
	case errors.As(err, &status):
		return fmt.Errorf("the provider answers HTTP status %d", status.StatusCode)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return errSlow
	case errors.As(err, &syntax), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("the provider's reply is cut off or not JSON")
	case errors.As(err, &u):
		err = u.Err
	}
	return errors.New(n.secrets.Redact(err.Error()))
}

// boundedTransport fails the reading of a body that is longer than max.
type boundedTransport struct {
	next http.RoundTripper
	max  int64
}

func (t *boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if resp.ContentLength > t.max {
		_ = resp.Body.Close()
		return nil, errTooLarge
	}
	resp.Body = &boundedBody{ReadCloser: resp.Body, left: t.max}
	return resp, nil
}

// CloseIdleConnections passes on, for http.Client.CloseIdleConnections.
func (t *boundedTransport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

type boundedBody struct {
	io.ReadCloser
	left int64
}

func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, errTooLarge
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}
