package ipfs

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/outbound"
)

// gatewaySource asks a trustless gateway for single blocks (Trustless Gateway specification,
// application/vnd.ipld.raw). It believes nothing: the caller checks the hash, and here size,
// time and redirects are bounded. The operator chose the gateway, so its own address may be
// private; where it redirects to must be public.
type gatewaySource struct {
	base    *url.URL
	direct  *http.Client // to the address of the operator
	guarded *http.Client // to addresses that the gateway names
}

const maxRedirects = 3

func newGatewaySource(base string, opt Options) (*gatewaySource, error) {
	u, err := parseBase("ipfs.Gateways", base)
	if err != nil {
		return nil, err
	}
	guard := &net.Dialer{Timeout: opt.SourceTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		return outbound.Public(address, opt.AllowLoopbackRedirects)
	}}
	return &gatewaySource{
		base:    u,
		direct:  newHTTPClient(&net.Dialer{Timeout: opt.SourceTimeout}),
		guarded: newHTTPClient(guard),
	}, nil
}

// close ends the connections that wait for another request.
func (g *gatewaySource) close() {
	g.direct.CloseIdleConnections()
	g.guarded.CloseIdleConnections()
}

// parseBase reads the base URL of an operator. Errors name no part that may be a secret.
func parseBase(op, base string) (*url.URL, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fault.New(fault.Invalid, op, "a base URL must be http://host or https://host")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fault.New(fault.Invalid, op, "a base URL must have no user, query or fragment")
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	return u, nil
}

// newHTTPClient returns a client that reads no proxy settings, follows no redirect by
// itself and unpacks nothing.
func newHTTPClient(d *net.Dialer) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: d.DialContext, ForceAttemptHTTP2: true, DisableCompression: true,
			MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second,
			TLSHandshakeTimeout: 10 * time.Second, MaxResponseHeaderBytes: 32 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// block implements source.
func (g *gatewaySource) block(ctx context.Context, c cid.Cid) ([]byte, error) {
	const op = "ipfs.gateway"
	u, client := *g.base, g.direct
	u.Path += "/ipfs/" + c.String()
	u.RawQuery = "format=raw"
	for range maxRedirects + 1 {
		res, err := g.request(ctx, client, &u)
		if err != nil {
			return nil, gatewayFault(op, err)
		}
		if res.StatusCode/100 != 3 {
			return readBlock(res)
		}
		res.Body.Close()
		to, err := res.Location()
		if err != nil {
			return nil, fault.New(fault.Unavailable, op, "the gateway redirects nowhere")
		}
		if to.Scheme != "https" && (to.Scheme != "http" || u.Scheme == "https") {
			return nil, fault.New(fault.Forbidden, op, "a redirect away from https is refused")
		}
		if u = *to; u.Host != g.base.Host || u.Scheme != g.base.Scheme {
			client = g.guarded
		}
	}
	return nil, fault.New(fault.Unavailable, op, "the gateway redirects again and again")
}

func (g *gatewaySource) request(ctx context.Context, client *http.Client, u *url.URL) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/vnd.ipld.raw")
	return client.Do(req)
}

func readBlock(res *http.Response) ([]byte, error) {
	const op = "ipfs.gateway"
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fault.Newf(fault.Unavailable, op, "the gateway answered %d", res.StatusCode)
	}
	if res.ContentLength > MaxBlockSize {
		return nil, fault.New(fault.TooLarge, op, "the gateway announced more than a block may have")
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, MaxBlockSize+1))
	if err != nil {
		return nil, gatewayFault(op, err)
	}
	if len(data) > MaxBlockSize {
		return nil, fault.New(fault.TooLarge, op, "the gateway sent more than a block may have")
	}
	return data, nil
}

// gatewayFault is Unavailable for time-outs too: the deadline is the node's own, and the
// fetcher tells the caller's apart.
func gatewayFault(op string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return fault.At(op, err)
	}
	return &fault.Error{Kind: fault.Unavailable, Op: op, Err: err}
}
