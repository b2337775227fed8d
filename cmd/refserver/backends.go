package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/drivers/awskms"
	"github.com/streamgate/streamgate/drivers/consul"
	"github.com/streamgate/streamgate/drivers/grpc"
	"github.com/streamgate/streamgate/drivers/ipfs"
	"github.com/streamgate/streamgate/drivers/nats"
	"github.com/streamgate/streamgate/drivers/redis"
	"github.com/streamgate/streamgate/drivers/s3"
	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/kernel/job"
	"github.com/streamgate/streamgate/kernel/registry"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/cache"
	"github.com/streamgate/streamgate/storage/file"
	"github.com/streamgate/streamgate/storage/mem"
)

// backend is one row of the tables below: a way to have an interface, chosen by the scheme of
// the setting's URL.
type backend[T any] struct {
	schemes []string
	form    string // how the URL is written
	open    func(ctx context.Context, w *wiring, rawURL string) (T, error)
}

func databases() []backend[*sqldb.DB] {
	open := func(ctx context.Context, w *wiring, rawURL string) (*sqldb.DB, error) {
		db, err := sqldb.OpenURL(ctx, rawURL, sqldb.PostgresOptions{})
		if err == nil {
			w.onClose(db.Close)
		}
		return db, err
	}
	return []backend[*sqldb.DB]{
		{[]string{"sqlite"}, "sqlite:FILE", open},
		{[]string{"postgres", "postgresql"}, "postgres://USER:PASSWORD@HOST/NAME", open},
	}
}

func storages() []backend[storage.Store] {
	return []backend[storage.Store]{
		{[]string{"file"}, "file:FOLDER", func(_ context.Context, w *wiring, rawURL string) (storage.Store, error) {
			s, err := file.Open(after(rawURL), file.Options{})
			if err != nil {
				return nil, err
			}
			w.onClose(s.Close)
			return s, nil
		}},
		{[]string{"mem"}, "mem:", func(context.Context, *wiring, string) (storage.Store, error) { return mem.New(), nil }},
		{[]string{"s3"}, "s3://KEY:SECRET@HOST/BUCKET/PREFIX", func(ctx context.Context, _ *wiring, rawURL string) (storage.Store, error) {
			return s3.OpenURL(ctx, rawURL, s3.Options{})
		}},
		{[]string{"ipfs"}, "ipfs:///FOLDER", func(ctx context.Context, w *wiring, rawURL string) (storage.Store, error) {
			s, err := ipfs.OpenURL(ctx, rawURL)
			if err != nil {
				return nil, err
			}
			w.onClose(s.Close)
			w.daily("ipfs_gc", func(ctx context.Context) error { _, err := s.Node().GC(ctx); return err })
			return s, nil
		}},
	}
}

// keyManagers need the database, which holds the keys of scopes that several processes share.
func keyManagers() []backend[keys.Manager] {
	shared := func(w *wiring, m keys.Master) (keys.Manager, error) {
		return keys.NewShared(m, w.db.Keys(), keys.SharedOptions{})
	}
	return []backend[keys.Manager]{
		{[]string{"keyring"}, "keyring:FOLDER", func(_ context.Context, w *wiring, rawURL string) (keys.Manager, error) {
			ring, err := keys.OpenKeyring(after(rawURL), keys.Options{})
			if err != nil {
				return nil, err
			}
			w.onClose(ring.Close)
			return ring, nil
		}},
		{[]string{"master"}, "master:FILE", func(_ context.Context, w *wiring, rawURL string) (keys.Manager, error) {
			path, query, _ := strings.Cut(after(rawURL), "?")
			opt := keys.FileOptions{}
			switch query {
			case "":
			case "read_only":
				opt = keys.FileOptions{ReadOnly: true, GroupMayRead: true}
			default:
				return nil, fmt.Errorf("unknown parameter %q: master:FILE takes read_only", query)
			}
			m, err := keys.OpenFileMaster(path, opt)
			if err != nil {
				return nil, err
			}
			return shared(w, m)
		}},
		{[]string{"awskms"}, "awskms://KEY:SECRET@HOST/ALIAS?region=REGION", func(ctx context.Context, w *wiring, rawURL string) (keys.Manager, error) {
			m, err := awskms.OpenURL(ctx, rawURL, nil)
			if err != nil {
				return nil, err
			}
			return shared(w, m)
		}},
	}
}

func caches() []backend[cache.Cache] {
	connect := func(ctx context.Context, w *wiring, rawURL string) (cache.Cache, error) {
		c, err := redis.OpenURL(ctx, rawURL)
		if err != nil {
			return nil, err
		}
		w.onClose(c.Close)
		return c.Cache(), nil
	}
	return []backend[cache.Cache]{
		{[]string{"memory"}, "memory:", func(context.Context, *wiring, string) (cache.Cache, error) { return nil, nil }},
		{[]string{"redis", "rediss"}, "redis://USER:PASSWORD@HOST/DB", connect},
		{[]string{"role"}, "role:", func(ctx context.Context, w *wiring, _ string) (cache.Cache, error) {
			conn, err := w.dial(ctx, "cache")
			if err != nil {
				return nil, err
			}
			return grpc.NewCache(conn), nil
		}},
	}
}

func buses() []backend[event.Bus] {
	return []backend[event.Bus]{
		{[]string{"memory"}, "memory:", func(_ context.Context, w *wiring, _ string) (event.Bus, error) {
			bus := event.NewMemory(event.Options{Logger: w.log})
			w.onCloseContext(bus.Close)
			return bus, nil
		}},
		{natsSchemes(), natsForm, func(ctx context.Context, w *wiring, rawURL string) (event.Bus, error) {
			c, err := w.nats(ctx, rawURL)
			if err != nil {
				return nil, err
			}
			return c.Bus(nats.BusOptions{OnReset: w.wiped}), nil
		}},
	}
}

func queues() []backend[job.Queue] {
	return []backend[job.Queue]{
		{[]string{"memory"}, "memory:", func(context.Context, *wiring, string) (job.Queue, error) { return job.NewMemory(job.Options{}), nil }},
		{natsSchemes(), natsForm, func(ctx context.Context, w *wiring, rawURL string) (job.Queue, error) {
			c, err := w.nats(ctx, rawURL)
			if err != nil {
				return nil, err
			}
			return c.Queue(nats.QueueOptions{OnReset: w.wiped}), nil
		}},
	}
}

func natsSchemes() []string { return []string{"nats", "tls", "embedded"} }

const natsForm = "nats://HOST:PORT, embedded:FOLDER"

func registries() []backend[registry.Registry] {
	return []backend[registry.Registry]{
		{[]string{"static"}, "static:ROLE=HOST:HTTPPORT/HOST:GRPCPORT,...", func(_ context.Context, _ *wiring, rawURL string) (registry.Registry, error) {
			return parseStatic(after(rawURL))
		}},
		{[]string{"dns"}, "dns:ROLE=HOST:HTTPPORT/GRPCPORT,...", func(_ context.Context, _ *wiring, rawURL string) (registry.Registry, error) {
			return parseDNS(after(rawURL))
		}},
		{[]string{"consul"}, "consul://TOKEN@HOST:PORT", func(ctx context.Context, _ *wiring, rawURL string) (registry.Registry, error) {
			return consul.OpenURL(ctx, rawURL)
		}},
	}
}

// parseStatic reads role=http[/grpc] entries; a role may come several times. What has no HTTP is written -.
func parseStatic(list string) (registry.Registry, error) {
	var all []registry.Instance
	err := entries(list, func(role, value string) error {
		i := registry.Instance{ID: fmt.Sprintf("%s-%d", role, len(all)), Service: role}
		i.HTTP, i.GRPC, _ = strings.Cut(value, "/")
		if i.HTTP == "-" {
			i.HTTP = ""
		}
		all = append(all, i)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return registry.NewStatic(all...)
}

// parseDNS reads role=host:httpport[/grpcport] entries.
func parseDNS(list string) (registry.Registry, error) {
	names := map[string]registry.DNSName{}
	err := entries(list, func(role, value string) error {
		address, grpcPort, _ := strings.Cut(value, "/")
		host, httpPort, err := net.SplitHostPort(address)
		if err != nil {
			return fmt.Errorf("%s=%s: write host:httpport/grpcport", role, value)
		}
		n := registry.DNSName{Host: host}
		for _, p := range []struct {
			text string
			port *int
		}{{httpPort, &n.HTTPPort}, {grpcPort, &n.GRPCPort}} {
			if p.text == "" {
				continue
			}
			if *p.port, err = strconv.Atoi(p.text); err != nil {
				return fmt.Errorf("%s=%s: %q is not a port", role, value, p.text)
			}
		}
		names[role] = n
		return nil
	})
	if err != nil {
		return nil, err
	}
	return registry.NewDNS(names, registry.DNSOptions{})
}

func entries(list string, each func(role, value string) error) error {
	for entry := range strings.SplitSeq(list, ",") {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		role, value, ok := strings.Cut(entry, "=")
		if !ok {
			return fmt.Errorf("%q is not ROLE=ADDRESS", entry)
		}
		if _, known := findRole(role); !known {
			return fmt.Errorf("there is no role %q: the roles are %s", role, strings.Join(roleNames(), ", "))
		}
		if err := each(role, value); err != nil {
			return err
		}
	}
	return nil
}

// after is what follows the scheme of an address such as file:FOLDER.
func after(rawURL string) string {
	_, rest, _ := strings.Cut(rawURL, ":")
	if strings.HasPrefix(rest, "///") {
		return rest[2:]
	}
	return rest
}

// rows are the schemes and forms of one setting's table, whatever it opens.
type rows []struct {
	schemes []string
	form    string
}

func rowsOf[T any](list []backend[T]) (out rows) {
	for _, b := range list {
		out = append(out, struct {
			schemes []string
			form    string
		}{b.schemes, b.form})
	}
	return out
}

// backendRows returns the table of a setting.
func backendRows(setting string) rows {
	switch setting {
	case needDatabase:
		return rowsOf(databases())
	case needStorage, secondStorage:
		return rowsOf(storages())
	case needKeys:
		return rowsOf(keyManagers())
	case needCache:
		return rowsOf(caches())
	case needEvents:
		return rowsOf(buses())
	case needQueue:
		return rowsOf(queues())
	case needRegistry:
		return rowsOf(registries())
	}
	return nil
}

// forms lists how the addresses of a setting are written.
func forms(setting string) (out []string) {
	for _, r := range backendRows(setting) {
		out = append(out, r.form)
	}
	return out
}

// checkScheme refuses an address that no back-end of the setting takes. It shows the scheme only: the rest may
// hold a secret.
func checkScheme(setting, v string) error {
	if v == "" {
		return nil
	}
	scheme, _, ok := strings.Cut(v, ":")
	for _, r := range backendRows(setting) {
		for _, s := range r.schemes {
			if ok && s == scheme {
				return nil
			}
		}
	}
	if !ok {
		scheme = "the value"
	}
	return fmt.Errorf("%s is not a kind of %s: write %s", scheme, setting, strings.Join(forms(setting), ", "))
}
