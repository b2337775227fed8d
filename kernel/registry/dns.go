package registry

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// DNSName is where the instances of a service are found: either a Host, each address of
// which is an instance with these ports, as compose and headless services of
// Kubernetes give it, or SRV records.
type DNSName struct {
	Host string
	// HTTPPort and GRPCPort go with Host; 0 where the service has none.
	HTTPPort, GRPCPort int
	// HTTPSRV and GRPCSRV are full names of SRV records, such as
	// _http._tcp.streaming.example; empty where the service has none. On one target the n-th HTTP port and
	// the n-th gRPC port are taken for one instance.
	HTTPSRV, GRPCSRV string
}

// DNSOptions configures a DNS. The zero value is the documented default.
type DNSOptions struct {
	// Every is how often the names are looked up (default 5 s).
	Every time.Duration
	// Timeout bounds a lookup (default 3 s).
	Timeout time.Duration
	// Resolver does the lookups (default net.DefaultResolver).
	Resolver *net.Resolver
}

// DNS is a Registry of names that are looked up again and again. Who serves is
// entered elsewhere: Register does nothing. A name that does not exist has no
// instances; when the lookup fails otherwise the last list stands. Instances
// have IDs made of the service and their address.
type DNS struct {
	names map[string]DNSName
	opt   DNSOptions
}

var _ Registry = (*DNS)(nil)

// NewDNS returns a DNS that finds the services by name. A name with neither or both of Host
// and SRV records, or a Host without ports, is fault.Invalid.
func NewDNS(names map[string]DNSName, opt DNSOptions) (*DNS, error) {
	for service, n := range names {
		srv := n.HTTPSRV != "" || n.GRPCSRV != ""
		ports := n.HTTPPort != 0 || n.GRPCPort != 0
		inRange := min(n.HTTPPort, n.GRPCPort) >= 0 && max(n.HTTPPort, n.GRPCPort) < 1<<16
		if !named(service) || !inRange || srv == (n.Host != "") || ports != (n.Host != "") {
			return nil, fault.Newf(fault.Invalid, "registry.NewDNS", "the service %q needs a host with ports, or SRV records", service)
		}
	}
	if opt.Every <= 0 {
		opt.Every = 5 * time.Second
	}
	if opt.Timeout <= 0 {
		opt.Timeout = 3 * time.Second
	}
	if opt.Resolver == nil {
		opt.Resolver = net.DefaultResolver
	}
	return &DNS{names: names, opt: opt}, nil
}

// Register implements Registry.
func (d *DNS) Register(ctx context.Context, i Instance) (leave func(ctx context.Context) error, err error) {
	return given(ctx, i)
}

// Watch implements Registry. A service it has no name for is fault.NotFound; when the
// first lookup fails the first list comes once one succeeds.
func (d *DNS) Watch(ctx context.Context, service string) (<-chan []Instance, error) {
	const op = "registry.DNS.Watch"
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, op, err)
	}
	name, ok := d.names[service]
	if !ok {
		return nil, fault.New(fault.NotFound, op, "no name is known for the service "+service)
	}
	out := make(chan []Instance, 1)
	go func() {
		defer close(out)
		again := time.NewTicker(d.opt.Every)
		defer again.Stop()
		var last []Instance
		for known := false; ; {
			list, err := d.lookup(ctx, service, name)
			if err == nil && (!known || !slices.Equal(list, last)) {
				known, last = true, list
				offer(out, list)
			}
			select {
			case <-ctx.Done():
				return
			case <-again.C:
			}
		}
	}()
	return out, nil
}

func (d *DNS) lookup(ctx context.Context, service string, n DNSName) ([]Instance, error) {
	ctx, cancel := context.WithTimeout(ctx, d.opt.Timeout)
	defer cancel()
	if n.Host != "" {
		return d.lookupHost(ctx, service, n)
	}
	byKey := map[string]*Instance{}
	at := func(key string) *Instance {
		if byKey[key] == nil {
			byKey[key] = &Instance{ID: service + "@" + key, Service: service}
		}
		return byKey[key]
	}
	err := d.lookupSRV(ctx, n.HTTPSRV, func(key, address string) { at(key).HTTP = address })
	if err == nil {
		err = d.lookupSRV(ctx, n.GRPCSRV, func(key, address string) { at(key).GRPC = address })
	}
	if err != nil {
		return nil, err
	}
	var list []Instance
	for _, i := range byKey {
		list = append(list, *i)
	}
	return ordered(list), nil
}

func (d *DNS) lookupHost(ctx context.Context, service string, n DNSName) ([]Instance, error) {
	addresses, err := d.opt.Resolver.LookupHost(ctx, n.Host)
	if err != nil {
		return nil, unlessNone(err)
	}
	slices.Sort(addresses)
	var list []Instance
	for _, a := range slices.Compact(addresses) {
		i := Instance{ID: service + "@" + a, Service: service}
		if n.HTTPPort != 0 {
			i.HTTP = net.JoinHostPort(a, strconv.Itoa(n.HTTPPort))
		}
		if n.GRPCPort != 0 {
			i.GRPC = net.JoinHostPort(a, strconv.Itoa(n.GRPCPort))
		}
		list = append(list, i)
	}
	return list, nil
}

// lookupSRV calls found for each record, with a key of its target and place among those of it.
func (d *DNS) lookupSRV(ctx context.Context, name string, found func(key, address string)) error {
	if name == "" {
		return nil
	}
	_, records, err := d.opt.Resolver.LookupSRV(ctx, "", "", name)
	if err != nil {
		return unlessNone(err)
	}
	slices.SortFunc(records, func(a, b *net.SRV) int { return int(a.Port) - int(b.Port) })
	count := map[string]int{}
	for _, r := range records {
		target := strings.TrimSuffix(r.Target, ".")
		key := target
		if count[target]++; count[target] > 1 {
			key += "-" + strconv.Itoa(count[target])
		}
		found(key, net.JoinHostPort(target, strconv.Itoa(int(r.Port))))
	}
	return nil
}

// unlessNone turns the answer that a name does not exist into no error.
func unlessNone(err error) error {
	var answer *net.DNSError
	if errors.As(err, &answer) && answer.IsNotFound {
		return nil
	}
	return err
}
