package registrytest_test

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/internal/suite"
	"github.com/streamgate/streamgate/kernel/registry"
	"github.com/streamgate/streamgate/kernel/registry/registrytest"
)

// broken changes what a good registry does, by the hooks that are set.
type broken struct {
	registry.Registry
	register func(ctx context.Context, i registry.Instance) (func(context.Context) error, error)
	watch    func(ctx context.Context, service string) (<-chan []registry.Instance, error)
}

func (b *broken) Register(ctx context.Context, i registry.Instance) (func(context.Context) error, error) {
	if b.register != nil {
		return b.register(ctx, i)
	}
	return b.Registry.Register(ctx, i)
}

func (b *broken) Watch(ctx context.Context, service string) (<-chan []registry.Instance, error) {
	if b.watch != nil {
		return b.watch(ctx, service)
	}
	return b.Registry.Watch(ctx, service)
}

// each passes the newest list through change.
func each(m registry.Registry, change func([]registry.Instance) []registry.Instance) func(ctx context.Context, service string) (<-chan []registry.Instance, error) {
	return func(ctx context.Context, service string) (<-chan []registry.Instance, error) {
		in, err := m.Watch(ctx, service)
		if err != nil {
			return nil, err
		}
		out := make(chan []registry.Instance, 1)
		go func() {
			defer close(out)
			for list := range in {
				select {
				case <-out:
				default:
				}
				select {
				case out <- change(list):
				case <-ctx.Done():
				}
			}
		}()
		return out, nil
	}
}

func TestSuiteNoticesBrokenRegistries(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		breakIt func(b *broken, m registry.Registry)
		caught  string
	}{
		"waits for a change before its first list": {func(b *broken, m registry.Registry) {
			b.watch = func(ctx context.Context, service string) (<-chan []registry.Instance, error) {
				lists, err := m.Watch(ctx, service)
				if err == nil {
					<-lists
				}
				return lists, err
			}
		}, "a watch starts with what there is"},
		"forgets the gRPC address": {func(b *broken, m registry.Registry) {
			b.register = func(ctx context.Context, i registry.Instance) (func(context.Context) error, error) {
				if i.HTTP != "" {
					i.GRPC = ""
				}
				return m.Register(ctx, i)
			}
		}, "an instance is seen whole"},
		"does not let leave": {func(b *broken, m registry.Registry) {
			b.register = func(ctx context.Context, i registry.Instance) (func(context.Context) error, error) {
				_, err := m.Register(ctx, i)
				return func(context.Context) error { return nil }, err
			}
		}, "an instance is listed until it leaves"},
		"ends with the context of Register": {func(b *broken, m registry.Registry) {
			b.register = func(ctx context.Context, i registry.Instance) (func(context.Context) error, error) {
				leave, err := m.Register(ctx, i)
				if err == nil {
					context.AfterFunc(ctx, func() { _ = leave(context.WithoutCancel(ctx)) })
				}
				return leave, err
			}
		}, "the end of a context is not the end of a registration"},
		"keeps what it had of an ID": {func(b *broken, m registry.Registry) {
			var mu sync.Mutex
			had := map[string]bool{}
			b.register = func(ctx context.Context, i registry.Instance) (func(context.Context) error, error) {
				mu.Lock()
				defer mu.Unlock()
				if had[i.ID] {
					return func(context.Context) error { return nil }, nil
				}
				had[i.ID] = true
				return m.Register(ctx, i)
			}
		}, "registering again replaces"},
		"lets the old leave take the new": {func(b *broken, m registry.Registry) {
			var mu sync.Mutex
			last := map[string]func(context.Context) error{}
			b.register = func(ctx context.Context, i registry.Instance) (func(context.Context) error, error) {
				leave, err := m.Register(ctx, i)
				mu.Lock()
				defer mu.Unlock()
				last[i.ID] = leave
				return func(ctx context.Context) error {
					mu.Lock()
					defer mu.Unlock()
					return last[i.ID](ctx)
				}, err
			}
		}, "registering again replaces"},
		"does not sort": {func(b *broken, m registry.Registry) {
			b.watch = each(m, func(list []registry.Instance) []registry.Instance { slices.Reverse(list); return list })
		}, "lists are of one service, sorted by ID"},
		"lists every service": {func(b *broken, m registry.Registry) {
			b.register = func(ctx context.Context, i registry.Instance) (func(context.Context) error, error) {
				i.Service = "one"
				return m.Register(ctx, i)
			}
			b.watch = func(ctx context.Context, _ string) (<-chan []registry.Instance, error) { return m.Watch(ctx, "one") }
		}, "lists are of one service, sorted by ID"},
		"keeps every list for the slow": {func(b *broken, _ registry.Registry) {
			var mu sync.Mutex
			var list []registry.Instance
			var readers []chan []registry.Instance
			b.register = func(_ context.Context, i registry.Instance) (func(context.Context) error, error) {
				mu.Lock()
				defer mu.Unlock()
				list = append(slices.Clone(list), i)
				for _, r := range readers {
					r <- list
				}
				return func(context.Context) error { return nil }, nil
			}
			b.watch = func(context.Context, string) (<-chan []registry.Instance, error) {
				mu.Lock()
				defer mu.Unlock()
				r := make(chan []registry.Instance, 100)
				r <- list
				readers = append(readers, r)
				return r, nil
			}
		}, "a slow reader gets the newest list"},
		"never closes": {func(b *broken, m registry.Registry) {
			b.watch = func(ctx context.Context, service string) (<-chan []registry.Instance, error) {
				if ctx.Err() != nil {
					return m.Watch(ctx, service)
				}
				return m.Watch(context.WithoutCancel(ctx), service)
			}
		}, "a watch ends with its context"},
		"hands out one slice": {func(b *broken, m registry.Registry) {
			var mu sync.Mutex
			known := map[string][]registry.Instance{}
			b.watch = each(m, func(list []registry.Instance) []registry.Instance {
				mu.Lock()
				defer mu.Unlock()
				if len(list) == 0 {
					return list
				}
				key := list[0].ID
				if len(known[key]) != len(list) {
					known[key] = list
				}
				return known[key]
			})
		}, "readers own their lists"},
		"takes anything": {func(b *broken, m registry.Registry) {
			b.register = func(ctx context.Context, i registry.Instance) (func(context.Context) error, error) {
				if i.ID == "" {
					return func(context.Context) error { return nil }, nil
				}
				return m.Register(ctx, i)
			}
		}, "bad instances are refused"},
		"works for nobody": {func(b *broken, m registry.Registry) {
			b.register = func(ctx context.Context, i registry.Instance) (func(context.Context) error, error) {
				return m.Register(context.WithoutCancel(ctx), i)
			}
		}, "an ended context"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newRegistry := func(testing.TB) registry.Registry {
				m := registry.NewMemory()
				b := &broken{Registry: m}
				c.breakIt(b, m)
				return b
			}
			noticed(t, registrytest.Config{Patience: 2 * time.Second}.Cases(), c.caught, newRegistry)
		})
	}
}

// noticed wants the case named to fail.
func noticed(t *testing.T, cases []registrytest.Case, name string, newRegistry registrytest.NewRegistry) {
	t.Helper()
	for _, c := range cases {
		if c.Name != name {
			continue
		}
		complaint := suite.Failure(t, func(tb testing.TB) { c.Check(tb, newRegistry) })
		if complaint == "" {
			t.Errorf("%q does not notice", name)
		}
		t.Logf("%s: %s", name, complaint)
		return
	}
	t.Fatalf("there is no case %q", name)
}

func TestMemoryPasses(t *testing.T) {
	t.Parallel()
	registrytest.Run(t, registrytest.Config{}, func(testing.TB) registry.Registry { return registry.NewMemory() })
}

// probing is a registry that asks its instances for /readyz, or does not do it well.
type probing struct {
	registry.Registry
	t       testing.TB
	blindly bool // lists before the first answer
	once    bool // asks until the first yes only
}

func (p *probing) Register(ctx context.Context, i registry.Instance) (func(context.Context) error, error) {
	if ctx.Err() != nil || p.blindly {
		return p.Registry.Register(ctx, i)
	}
	run, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		leave := func(context.Context) error { return nil }
		listed := false
		for run.Err() == nil {
			ready := false
			req, _ := http.NewRequestWithContext(run, http.MethodGet, "http://"+i.HTTP+"/readyz", nil)
			if res, err := http.DefaultClient.Do(req); err == nil {
				ready = res.StatusCode == http.StatusOK
				res.Body.Close()
			}
			switch {
			case ready && !listed:
				leave, _ = p.Registry.Register(context.WithoutCancel(ctx), i)
				listed = true
			case !ready && listed && !p.once:
				_ = leave(context.WithoutCancel(ctx))
				listed = false
			}
			select {
			case <-run.Done():
			case <-time.After(10 * time.Millisecond):
			}
		}
		_ = leave(context.WithoutCancel(ctx))
	}()
	end := func(context.Context) error { stop(); <-done; return nil }
	p.t.Cleanup(func() { _ = end(ctx) })
	return end, nil
}

func TestHealthSuite(t *testing.T) {
	t.Parallel()
	registrytest.RunHealth(t, registrytest.Config{}, func(t testing.TB) registry.Registry {
		return &probing{Registry: registry.NewMemory(), t: t}
	})
	for name, c := range map[string]struct {
		broken probing
		caught string
	}{
		"lists whoever registers": {probing{blindly: true}, "an instance is listed once it is ready"},
		"asks once":               {probing{once: true}, "an instance that is not ready is not listed"},
		"does not miss the dead":  {probing{once: true}, "an instance that is gone is not listed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			noticed(t, registrytest.Config{Patience: 2 * time.Second}.HealthCases(), c.caught, func(t testing.TB) registry.Registry {
				return &probing{Registry: registry.NewMemory(), t: t, blindly: c.broken.blindly, once: c.broken.once}
			})
		})
	}
}
