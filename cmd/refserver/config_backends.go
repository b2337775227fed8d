package main

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

// Backends is where a process keeps and finds what others share with it. The zero value is
// everything embedded.
type Backends struct {
	Targets  []string
	Database string
	Storage  string
	Second   string
	Keys     string
	Cache    string
	Events   string
	Queue    string
	Registry string

	Instance      string
	Advertise     string
	GRPCListen    string
	GRPCAdvertise string
	TLSCert       string
	TLSKey        string
	TLSCA         string
	DrainDelay    time.Duration
}

// backendSettings are the rows of the configuration that choose back-ends and roles.
func backendSettings() []setting {
	plain := func(key, doc string, p func(*Backends) *string) setting {
		return setting{key, doc, func(c *Config) string { return *p(&c.Backends) }, func(c *Config, v string) error {
			*p(&c.Backends) = v
			return nil
		}}
	}
	backend := func(key, doc string, p func(*Backends) *string) setting {
		s := plain(key, doc+": "+strings.Join(forms(key), ", "), p)
		s.get = func(c *Config) string { return redactBackend(*p(&c.Backends)) }
		s.set = func(c *Config, v string) error {
			if err := checkScheme(key, v); err != nil {
				return err
			}
			*p(&c.Backends) = v
			return nil
		}
		return s
	}
	return []setting{
		{"target", "roles this process runs, with commas between: " + strings.Join(roleNames(), ", ") + ", or all", func(c *Config) string { return strings.Join(c.Targets, ",") }, func(c *Config, v string) error {
			c.Targets = nil
			for t := range strings.SplitSeq(v, ",") {
				if t = strings.TrimSpace(t); t != "" {
					c.Targets = append(c.Targets, t)
				}
			}
			return nil
		}},
		backend("database", "records (empty: SQLite in the data folder)", func(b *Backends) *string { return &b.Database }),
		backend("storage", "objects, always encrypted before they are stored (empty: files in the data folder)", func(b *Backends) *string { return &b.Storage }),
		backend(secondStorage, "a second place for objects, named as its scheme, that a policy may choose (empty: none)", func(b *Backends) *string { return &b.Second }),
		backend("keys", "master keys (empty: a key ring in the data folder)", func(b *Backends) *string { return &b.Keys }),
		backend("cache", "shared cache, pace of keys, rate limits (empty: in process)", func(b *Backends) *string { return &b.Cache }),
		backend("events", "event bus (empty: in process)", func(b *Backends) *string { return &b.Events }),
		backend("queue", "job queue (empty: as events)", func(b *Backends) *string { return &b.Queue }),
		backend("registry", "where the processes of the other roles are found", func(b *Backends) *string { return &b.Registry }),
		plain("instance", "name of this process, unique among all (empty: made up)", func(b *Backends) *string { return &b.Instance }),
		address("advertise", "host:port at which the other processes reach this one's HTTP (empty: as it listens, by the machine's name where that is every address)", func(b *Backends) *string { return &b.Advertise }),
		address("grpc.listen", "address to serve gRPC to the other roles on (empty: 127.0.0.1 with a free port)", func(b *Backends) *string { return &b.GRPCListen }),
		address("grpc.advertise", "host:port at which the other processes reach this one's gRPC (empty: as it listens, by the machine's name where that is every address)", func(b *Backends) *string { return &b.GRPCAdvertise }),
		plain("grpc.tls.cert", "certificate file (PEM) of this process for gRPC, as server and as client", func(b *Backends) *string { return &b.TLSCert }),
		plain("grpc.tls.key", "its key file (PEM)", func(b *Backends) *string { return &b.TLSKey }),
		plain("grpc.tls.ca", "file (PEM) of the authority that all processes' certificates are signed by", func(b *Backends) *string { return &b.TLSCA }),
		{"drain_delay", "how long a stopping process of several still serves, so that the others stop sending to it", func(c *Config) string { return c.DrainDelay.String() }, func(c *Config, v string) error {
			d, err := time.ParseDuration(v)
			if err != nil || d < 0 || d > 10*time.Minute {
				return fmt.Errorf("%q is not a duration from 0s to 10m", v)
			}
			c.DrainDelay = d
			return nil
		}},
	}
}

func address(key, doc string, p func(*Backends) *string) setting {
	return setting{key, doc, func(c *Config) string { return *p(&c.Backends) }, func(c *Config, v string) error {
		if v != "" {
			if _, _, err := net.SplitHostPort(v); err != nil {
				return fmt.Errorf("%q is not host:port", v)
			}
		}
		*p(&c.Backends) = v
		return nil
	}}
}

// checkTLS refuses half a TLS configuration.
func (b *Backends) checkTLS() error {
	set := 0
	for _, f := range []string{b.TLSCert, b.TLSKey, b.TLSCA} {
		if f != "" {
			set++
		}
	}
	if set != 0 && set != 3 {
		return errors.New("grpc.tls: cert, key and ca go together: set all three, or none on a network that only these processes reach")
	}
	return nil
}

// redactBackend hides what may be a secret in a back-end's URL.
func redactBackend(v string) string {
	scheme, rest, ok := strings.Cut(v, "://")
	if !ok {
		return v
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = "REDACTED@" + rest[i+1:]
	}
	if i := strings.IndexByte(rest, '?'); i >= 0 {
		rest = rest[:i] + "?REDACTED"
	}
	return scheme + "://" + rest
}
