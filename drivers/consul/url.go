package consul

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// OpenURL returns the Registry that rawURL describes. It does not ask the agent; Ping does.
//
//	consul://[TOKEN@]HOST:PORT[?PARAMETERS]
//
// The parameters are
//
//	tls               true: HTTPS, with the system's certificate authorities
//	dc                Options.Datacenter
//	check             Options.Check: http, grpc, both or ttl
//	every             Options.Every, such as 2s
//	deregister_after  Options.DeregisterAfter
//	grace             Options.Grace
//	timeout           Options.Timeout
//
// A wrong URL is fault.Invalid, and the error does not show the token.
func OpenURL(_ context.Context, rawURL string) (*Registry, error) {
	const op = "consul.OpenURL"
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "consul" || u.Port() == "" || u.Hostname() == "" || u.Fragment != "" || u.Path != "" && u.Path != "/" {
		// The parser's error would quote the URL.
		return nil, fault.New(fault.Invalid, op, "the form is consul://[TOKEN@]HOST:PORT[?PARAMETERS]")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fault.New(fault.Invalid, op, "the parameters cannot be read")
	}
	opt := Options{Token: u.User.Username()}
	if _, password := u.User.Password(); password {
		return nil, fault.New(fault.Invalid, op, "the token stands alone before the @, without a colon")
	}
	for name, values := range query {
		value, bad := values[len(values)-1], error(nil)
		switch name {
		case "tls":
			var secure bool
			if secure, bad = strconv.ParseBool(value); secure {
				opt.Scheme = "https"
			}
		case "dc":
			opt.Datacenter = value
		case "check":
			opt.Check = Check(value)
		case "every":
			opt.Every, bad = time.ParseDuration(value)
		case "deregister_after":
			opt.DeregisterAfter, bad = time.ParseDuration(value)
		case "grace":
			opt.Grace, bad = time.ParseDuration(value)
		case "timeout":
			opt.Timeout, bad = time.ParseDuration(value)
		default:
			return nil, fault.Newf(fault.Invalid, op, "unknown parameter %q", name)
		}
		if bad != nil {
			return nil, fault.Newf(fault.Invalid, op, "parameter %s has a wrong value", name)
		}
	}
	r, err := New(u.Host, opt)
	return r, fault.At(op, err)
}
