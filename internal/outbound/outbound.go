// Package outbound makes the HTTP client for addresses that come from outside: from a token's metadata, a
// redirect, a hook. It refuses addresses that are not public at the moment of dialling, after the name was resolved
// and on every redirect, so that nobody can have this process talk to its own network. It reads no proxy settings.
package outbound

import (
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// Options configures a client; the zero value is the strictest.
type Options struct {
	// Timeout bounds dialling and the TLS handshake, each (default 5 s). The whole request is bounded by its context.
	Timeout time.Duration
	// Redirects is how many are followed (default none).
	Redirects int
	// PlainHTTP lets requests and redirects go over http; https alone is the default. Never from https to http.
	PlainHTTP bool
	// Loopback lets this machine itself be addressed; for tests.
	Loopback bool
	// Transport is changed before use when not nil; for tests that bring a certificate.
	Transport func(*http.Transport)
}

// New returns a client. Close it by CloseIdleConnections. Requests to addresses refused
// fail with fault.Forbidden.
func New(opt Options) *http.Client {
	if opt.Timeout <= 0 {
		opt.Timeout = 5 * time.Second
	}
	d := &net.Dialer{Timeout: opt.Timeout, Control: func(_, address string, _ syscall.RawConn) error {
		return Public(address, opt.Loopback)
	}}
	t := &http.Transport{
		DialContext: d.DialContext, ForceAttemptHTTP2: true, DisableCompression: true,
		MaxIdleConnsPerHost: 4, MaxConnsPerHost: 16, IdleConnTimeout: 60 * time.Second,
		TLSHandshakeTimeout: opt.Timeout, ResponseHeaderTimeout: 2 * opt.Timeout, MaxResponseHeaderBytes: 32 << 10,
	}
	if opt.Transport != nil {
		opt.Transport(t)
	}
	return &http.Client{
		Transport: guard{t, opt.PlainHTTP},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if len(via) > opt.Redirects {
				return fault.New(fault.Forbidden, "outbound.Do", "there are too many redirects")
			}
			if via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https" {
				return fault.New(fault.Forbidden, "outbound.Do", "a redirect away from https is refused")
			}
			return nil
		},
	}
}

// guard refuses other schemes, and what would send credentials.
type guard struct {
	next  *http.Transport
	plain bool
}

func (g guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" && (r.URL.Scheme != "http" || !g.plain) || r.URL.User != nil || r.URL.Host == "" {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, fault.New(fault.Forbidden, "outbound.Do", "only plain https addresses are asked")
	}
	return g.next.RoundTrip(r)
}

func (g guard) CloseIdleConnections() { g.next.CloseIdleConnections() }

// Public is for net.Dialer.Control: it refuses, with fault.Forbidden, an address (with its port) that is not on the
// public network. A name that was not resolved is refused, too.
func Public(address string, loopback bool) error {
	const op = "outbound.Public"
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fault.New(fault.Forbidden, op, "an address that was not resolved is refused")
	}
	ip := ap.Addr().Unmap()
	if loopback && ip.IsLoopback() {
		return nil
	}
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.IsLoopback() || reserved(ip) {
		return fault.New(fault.Forbidden, op, "an address that is not public is refused")
	}
	return nil
}

// reserved reports whether ip is in a block that global unicast includes and the public network
// does not (RFC 6890), or hides an IPv4 address in an IPv6 one. Of IPv6, 2000::/3 alone is given out.
func reserved(ip netip.Addr) bool {
	if ip.Is6() && !netip.MustParsePrefix("2000::/3").Contains(ip) {
		return true
	}
	for _, block := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
	} {
		if netip.MustParsePrefix(block).Contains(ip) {
			return true
		}
	}
	return false
}
