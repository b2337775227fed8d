package nats

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// OpenURL is Open with the settings in one text, which may hold a secret:
//
//	nats://[user:password@|token@]host:port[,host:port...]?prefix=P&replicas=3&name=N&timeout=5s&creds=FILE
//	tls://...                the same over TLS
//	embedded:DIR?prefix=P&sync=always|interval&max_bytes=N&timeout=5s
//
// The last starts an embedded server on the folder DIR that ends with the Conn. Unknown parameters
// are fault.Invalid. settings hold what a text cannot: a Logger, TLS; what rawURL says goes before them.
func OpenURL(ctx context.Context, rawURL string, settings Options) (*Conn, error) {
	const op = "nats.OpenURL"
	scheme, _, _ := strings.Cut(rawURL, ":")
	switch scheme {
	case "nats", "tls":
		o, err := parseServer(op, rawURL, settings)
		if err != nil {
			return nil, err
		}
		return Open(ctx, o)
	case "embedded":
		return openEmbedded(ctx, op, rawURL, settings)
	}
	return nil, fault.New(fault.Invalid, op, "the address must begin with nats://, tls:// or embedded:")
}

func parseServer(op, rawURL string, o Options) (Options, error) {
	// Several hosts are no URL; the first stands for all while it is parsed. An address that cannot
	// be parsed is not shown, as there may be a password in it.
	rest, query, _ := strings.Cut(rawURL, "?")
	scheme, rest, _ := strings.Cut(rest, "://")
	userinfo, hosts := "", strings.TrimSuffix(rest, "/")
	if i := strings.LastIndex(hosts, "@"); i >= 0 {
		userinfo, hosts = hosts[:i+1], hosts[i+1:]
	}
	var servers []string
	for host := range strings.SplitSeq(hosts, ",") {
		u, err := url.Parse(scheme + "://" + userinfo + host)
		if err != nil || u.Hostname() == "" || u.Path != "" || u.Fragment != "" {
			return o, fault.Newf(fault.Invalid, op, "the address must have the form %s://host:port", scheme)
		}
		if u.User != nil {
			password, both := u.User.Password()
			if both {
				o.User, o.Password = u.User.Username(), password
			} else {
				o.Token = u.User.Username()
			}
		}
		servers = append(servers, scheme+"://"+u.Host)
	}
	o.URL = strings.Join(servers, ",")
	err := parameters(op, query, map[string]func(v string) error{
		"prefix":   func(v string) error { o.Prefix = v; return nil },
		"name":     func(v string) error { o.Name = v; return nil },
		"creds":    func(v string) error { o.CredentialsFile = v; return nil },
		"replicas": func(v string) (err error) { o.Replicas, err = strconv.Atoi(v); return },
		"timeout":  func(v string) (err error) { o.Timeout, err = time.ParseDuration(v); return },
	})
	return o, err
}

func openEmbedded(ctx context.Context, op, rawURL string, o Options) (*Conn, error) {
	rest, query, _ := strings.Cut(strings.TrimPrefix(rawURL, "embedded:"), "?")
	dir, err := url.PathUnescape(strings.TrimPrefix(rest, "//"))
	if err != nil || dir == "" {
		return nil, fault.New(fault.Invalid, op, "the address must have the form embedded:DIR")
	}
	e := EmbeddedOptions{Dir: dir}
	err = parameters(op, query, map[string]func(v string) error{
		"prefix":    func(v string) error { o.Prefix = v; return nil },
		"timeout":   func(v string) (err error) { o.Timeout, err = time.ParseDuration(v); return },
		"max_bytes": func(v string) (err error) { e.MaxBytes, err = strconv.ParseInt(v, 10, 64); return },
		"sync": func(v string) error {
			if e.SyncAlways = v == "always"; !e.SyncAlways && v != "interval" {
				return strconv.ErrSyntax
			}
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	server, err := StartEmbedded(ctx, e)
	if err != nil {
		return nil, err
	}
	o.Embedded = server
	c, err := Open(ctx, o)
	if err != nil {
		server.Stop()
		return nil, err
	}
	c.owned = server
	return c, nil
}

// parameters gives each parameter of query to its setter.
func parameters(op, query string, set map[string]func(v string) error) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return fault.New(fault.Invalid, op, "the parameters of the address cannot be read")
	}
	for name, v := range values {
		f := set[name]
		switch {
		case f == nil:
			return fault.Newf(fault.Invalid, op, "there is no parameter %.40q", name)
		case len(v) > 1:
			return fault.Newf(fault.Invalid, op, "the parameter %s is given twice", name)
		case f(v[0]) != nil:
			return fault.Newf(fault.Invalid, op, "the parameter %s has a value that makes no sense", name)
		}
	}
	return nil
}
