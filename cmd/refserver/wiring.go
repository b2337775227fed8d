package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/drivers/grpc"
	"github.com/streamgate/streamgate/drivers/nats"
	"github.com/streamgate/streamgate/drivers/sqldb"
	"github.com/streamgate/streamgate/kernel/registry"
	"github.com/streamgate/streamgate/storage"
)

// wiring opens the back-ends that the configuration names, each once, and closes them in reverse.
type wiring struct {
	cfg      *Config
	log      *slog.Logger
	db       *sqldb.DB
	registry registry.Registry
	natsBy   map[string]*nats.Conn
	conns    map[string]*grpc.Conn
	closers  []func() error
	// recover is what makes good the loss of a queue or bus, once there is a platform.
	recover atomic.Pointer[func(context.Context) error]
}

func newWiring(cfg *Config, log *slog.Logger) *wiring {
	return &wiring{cfg: cfg, log: log, natsBy: map[string]*nats.Conn{}, conns: map[string]*grpc.Conn{}}
}

func (w *wiring) onClose(f func() error) { w.closers = append(w.closers, f) }

func (w *wiring) onCloseContext(f func(context.Context) error) {
	w.onClose(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return f(ctx)
	})
}

// daily calls f, named for the log, once a day until the wiring is closed.
func (w *wiring) daily(name string, f func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for t := time.NewTicker(24 * time.Hour); ; {
			select {
			case <-ctx.Done():
				t.Stop()
				return
			case <-t.C:
			}
			if err := f(ctx); err != nil && ctx.Err() == nil {
				w.log.Warn("daily_work_failed", "work", name, "error", err)
			}
		}
	}()
	w.onClose(func() error { cancel(); <-done; return nil })
}

func (w *wiring) close() error {
	var errs []error
	for _, f := range slices.Backward(w.closers) {
		errs = append(errs, f())
	}
	w.closers = nil
	return errors.Join(errs...)
}

// wiped hears that a stream was lost with what it held.
func (w *wiring) wiped(ctx context.Context) {
	f := w.recover.Load()
	if f == nil {
		return // there is no platform yet: it reconciles when it starts
	}
	if err := (*f)(ctx); err != nil && ctx.Err() == nil {
		w.log.Warn("recovery_failed", "error", err)
	}
}

func (w *wiring) nats(ctx context.Context, rawURL string) (*nats.Conn, error) {
	if c := w.natsBy[rawURL]; c != nil {
		return c, nil
	}
	c, err := nats.OpenURL(ctx, rawURL, nats.Options{Logger: w.log, Name: "streamgate " + w.cfg.Instance})
	if err != nil {
		return nil, err
	}
	w.onCloseContext(c.Close)
	w.natsBy[rawURL] = c
	return c, nil
}

// dial returns the connection to the processes of a role.
func (w *wiring) dial(ctx context.Context, role string) (*grpc.Conn, error) {
	if c := w.conns[role]; c != nil {
		return c, nil
	}
	if err := w.openRegistry(ctx); err != nil {
		return nil, err
	}
	opt := grpc.DialOptions{Registry: w.registry, Service: role, TLS: w.tls()}
	opt.Insecure = opt.TLS == nil
	c, err := grpc.Dial(ctx, opt)
	if err != nil {
		return nil, fmt.Errorf("role %s: %w", role, err)
	}
	w.onClose(c.Close)
	w.conns[role] = c
	return c, nil
}

// tls is this process's identity among the others, nil where none is configured.
func (w *wiring) tls() *grpc.TLS {
	if w.cfg.TLSCert == "" {
		return nil
	}
	return &grpc.TLS{CertFile: w.cfg.TLSCert, KeyFile: w.cfg.TLSKey, CAFile: w.cfg.TLSCA}
}

func (w *wiring) openRegistry(ctx context.Context) error {
	if w.registry != nil {
		return nil
	}
	if w.cfg.Registry == "" {
		return fmt.Errorf("registry: is not set, so no process of another role can be found: %s", strings.Join(forms(needRegistry), ", "))
	}
	r, err := openBackend(ctx, w, needRegistry, w.cfg.Registry, registries())
	w.registry = r
	return err
}

// openBackend opens the row of a table that rawURL names.
func openBackend[T any](ctx context.Context, w *wiring, setting, rawURL string, table []backend[T]) (T, error) {
	scheme, _, _ := strings.Cut(rawURL, ":")
	for _, b := range table {
		if slices.Contains(b.schemes, scheme) {
			v, err := b.open(ctx, w, rawURL)
			if err != nil {
				err = fmt.Errorf("%s: %w", setting, err)
			}
			return v, err
		}
	}
	var none T
	return none, checkScheme(setting, rawURL)
}

// backends turns the settings into options of the platform. What is not set is left to the
// platform's own defaults.
func (w *wiring) backends(ctx context.Context) ([]streamgate.Option, error) {
	var opts []streamgate.Option
	var errs []error
	c := w.cfg
	database := c.Database
	if database == "" && c.Keys != "" && !strings.HasPrefix(c.Keys, "keyring:") {
		database = "sqlite:" + filepath.Join(c.Data, streamgate.DatabaseFile) // the keys' home
	}
	if database != "" {
		db, err := openBackend(ctx, w, needDatabase, database, databases())
		if err != nil {
			return nil, err // the keys may need it
		}
		w.db = db
		opts = append(opts, streamgate.WithDatabase(db))
	}
	use(ctx, w, &opts, &errs, needStorage, c.Storage, storages(), streamgate.WithStorage)
	use(ctx, w, &opts, &errs, secondStorage, c.Second, storages(), func(s storage.Store) streamgate.Option {
		name, _, _ := strings.Cut(c.Second, ":")
		return streamgate.WithSecondStorage(name, s)
	})
	use(ctx, w, &opts, &errs, needKeys, c.Keys, keyManagers(), streamgate.WithKeys)
	use(ctx, w, &opts, &errs, needCache, c.Cache, caches(), streamgate.WithCache)
	use(ctx, w, &opts, &errs, needEvents, c.Events, buses(), streamgate.WithEvents)
	use(ctx, w, &opts, &errs, needQueue, c.queueURL(), queues(), streamgate.WithQueue)
	rules, err := w.ruleSources(ctx)
	opts, errs = append(opts, rules...), append(errs, err)
	return opts, errors.Join(errs...)
}

// use opens one back-end, when its setting names one, and adds its option.
func use[T any](ctx context.Context, w *wiring, opts *[]streamgate.Option, errs *[]error, setting, rawURL string, table []backend[T], option func(T) streamgate.Option) {
	if rawURL == "" {
		return
	}
	v, err := openBackend(ctx, w, setting, rawURL, table)
	if err != nil {
		*errs = append(*errs, err)
		return
	}
	*opts = append(*opts, option(v))
}
