package ipfs

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// OpenURL opens the Store that a URL names:
//
//	ipfs:///var/lib/streamgate/ipfs?listen=/ip4/0.0.0.0/tcp/4001&peers=/ip4/10.0.0.7/tcp/4001/p2p/ID&gateways=https://gw.example
//
// The path is the node's directory. The parameters are those of Options: chunk_size, max_links,
// max_import (bytes), max_fetches, read_ahead, hedge_delay, source_timeout, block_timeout
// (as "200ms") and the lists listen, peers and gateways, which may be repeated or separated by commas. Any other
// is an error. Close the Store when done.
func OpenURL(ctx context.Context, rawURL string) (*Store, error) {
	dir, opt, err := parseURL(rawURL)
	if err != nil {
		return nil, err
	}
	n, err := Open(ctx, dir, opt)
	if err != nil {
		return nil, err
	}
	return n.Store(), nil
}

func parseURL(rawURL string) (dir string, opt Options, err error) {
	const op = "ipfs.OpenURL"
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "ipfs" || u.Host != "" || u.User != nil || !strings.HasPrefix(u.Path, "/") || u.Fragment != "" {
		return "", opt, fault.New(fault.Invalid, op, "the URL must be ipfs:///directory?parameters")
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return "", opt, fault.New(fault.Invalid, op, "the query cannot be read")
	}
	wrong := fault.New(fault.Invalid, op, "a parameter of the URL is wrong")
	for name, values := range query {
		if !opt.set(name, values) {
			_ = wrong.With(name, "unknown, or not readable as what it stands for")
		}
	}
	if len(wrong.Fields) > 0 {
		return "", opt, wrong
	}
	return u.Path, opt, nil
}

// set sets the option that a parameter names, and reports whether it could.
func (o *Options) set(name string, values []string) bool {
	lists := map[string]*[]string{"listen": &o.Listen, "peers": &o.Peers, "gateways": &o.Gateways}
	if list, ok := lists[name]; ok {
		*list = slices.DeleteFunc(strings.Split(strings.Join(values, ","), ","), func(s string) bool { return s == "" })
		return true
	}
	if len(values) != 1 {
		return false
	}
	counts := map[string]*int{"chunk_size": &o.ChunkSize, "max_links": &o.MaxLinks, "max_fetches": &o.MaxFetches, "read_ahead": &o.ReadAhead}
	times := map[string]*time.Duration{"hedge_delay": &o.HedgeDelay, "source_timeout": &o.SourceTimeout, "block_timeout": &o.BlockTimeout}
	var err error
	switch {
	case counts[name] != nil:
		*counts[name], err = strconv.Atoi(values[0])
	case times[name] != nil:
		*times[name], err = time.ParseDuration(values[0])
	case name == "max_import":
		o.MaxImport, err = strconv.ParseInt(values[0], 10, 64)
	default:
		return false
	}
	return err == nil
}
