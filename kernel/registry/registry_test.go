package registry_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/registry"
)

func instance(service, id string) registry.Instance {
	return registry.Instance{ID: id, Service: service, HTTP: id + ":80"}
}

func TestStatic(t *testing.T) {
	t.Parallel()
	a, b, c := instance("x", "a"), instance("x", "b"), instance("y", "c")
	s, err := registry.NewStatic(b, c, a)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	for service, want := range map[string][]registry.Instance{"x": {a, b}, "y": {c}, "z": nil} {
		lists, err := s.Watch(ctx, service)
		if err != nil {
			t.Fatal(err)
		}
		list := <-lists
		if !slices.Equal(list, want) {
			t.Errorf("%s: %v, want %v", service, list, want)
		}
		clear(list)
		defer func() {
			if _, open := <-lists; open {
				t.Errorf("%s: another list came", service)
			}
		}()
	}
	leave, err := s.Register(t.Context(), instance("x", "z"))
	if err := errors.Join(err, leave(t.Context())); err != nil {
		t.Error(err)
	}
	again, err := s.Watch(ctx, "x")
	if err != nil {
		t.Fatal(err)
	}
	if list := <-again; !slices.Equal(list, []registry.Instance{a, b}) {
		t.Errorf("after a reader changed its list: %v", list)
	}
	cancel()
	if _, err := s.Watch(ctx, "x"); !errors.Is(err, fault.Canceled) {
		t.Errorf("Watch with an ended context: %v", err)
	}
	for name, list := range map[string][]registry.Instance{"twice": {a, a}, "no address": {{ID: "a", Service: "x"}}} {
		if _, err := registry.NewStatic(list...); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want kind invalid", name, err)
		}
	}
}

// follow runs a balancer until the test ends.
func follow(t *testing.T, r registry.Registry, opt registry.BalancerOptions, services ...string) *registry.Balancer {
	t.Helper()
	b := registry.NewBalancer(r, opt)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := b.Follow(ctx, services...); err != nil {
			t.Errorf("Follow: %v", err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return b
}

func register(t *testing.T, m registry.Registry, i registry.Instance) (leave func()) {
	t.Helper()
	l, err := m.Register(t.Context(), i)
	if err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := l(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// picked returns the IDs that many picks give, sorted.
func picked(t *testing.T, b *registry.Balancer, service string) string {
	t.Helper()
	var ids []string
	for range 60 {
		i, err := b.Pick(service)
		if err != nil {
			return fault.KindOf(err).String()
		}
		ids = append(ids, i.ID)
	}
	slices.Sort(ids)
	return fmt.Sprint(slices.Compact(ids))
}

func TestBalancer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := registry.NewMemory()
		turn := 0
		b := follow(t, m, registry.BalancerOptions{Rand: func(n int) int { turn++; return turn % n }}, "x", "y")
		want := func(what, ids string) {
			t.Helper()
			synctest.Wait()
			if got := picked(t, b, "x"); got != ids {
				t.Errorf("%s: picked %s, want %s", what, got, ids)
			}
		}
		want("nobody there", "unavailable")
		register(t, m, instance("x", "a"))
		register(t, m, instance("y", "other"))
		want("one", "[a]")
		leaveB := register(t, m, instance("x", "b"))
		leaveC := register(t, m, instance("x", "c"))
		want("three", "[a b c]")

		failed := fault.New(fault.Unavailable, "test", "connection refused")
		b.Report("a", failed)
		want("a failed", "[b c]")
		for range 100 { // calls that were under way when it failed
			b.Report("a", failed)
		}
		time.Sleep(time.Second - 1)
		want("a moment before its time", "[b c]")
		time.Sleep(time.Nanosecond)
		want("after its time", "[a b c]")
		b.Report("a", failed)
		time.Sleep(time.Second)
		want("the second time it is twice as long", "[b c]")
		time.Sleep(time.Second)
		want("after the second time", "[a b c]")
		b.Report("a", nil)
		b.Report("a", failed)
		time.Sleep(time.Second)
		want("a success makes it as good as new", "[a b c]")

		b.Report("a", fault.Wrap(fault.Unavailable, "test", context.Canceled))
		b.Report("b", fmt.Errorf("around: %w", context.DeadlineExceeded))
		want("callers gave up", "[a b c]")
		for range 10 {
			b.Report("a", failed)
			time.Sleep(30 * time.Second)
		}
		want("the longest time", "[a b c]")

		b.Report("a", failed)
		b.Report("b", failed)
		b.Report("c", failed)
		want("all failed", "[a b c]")
		time.Sleep(time.Second)
		want("a failed more often", "[b c]")
		leaveB()
		leaveC()
		want("the others left", "[a]")
		b.Report("b", failed)
		register(t, m, instance("x", "b"))
		want("one came back", "[b]")
		moved := instance("x", "a")
		moved.HTTP = "elsewhere:80"
		register(t, m, moved)
		want("another process of that ID has no past", "[a b]")
	})
}

// flaky is out of reach at first.
type flaky struct {
	registry.Registry
	left atomic.Int64
	kind fault.Kind
}

func (f *flaky) Watch(ctx context.Context, service string) (<-chan []registry.Instance, error) {
	if f.left.Add(-1) >= 0 {
		return nil, fault.New(f.kind, "test", "away")
	}
	return f.Registry.Watch(ctx, service)
}

func TestBalancerWaitsForTheRegistry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := registry.NewMemory()
		register(t, m, instance("x", "a"))
		f := &flaky{Registry: m, kind: fault.Unavailable}
		f.left.Store(3)
		b := follow(t, f, registry.BalancerOptions{}, "x")
		time.Sleep(5 * time.Second)
		if got := picked(t, b, "x"); got != "[a]" {
			t.Errorf("picked %s, want [a]", got)
		}
		bad := &flaky{Registry: m, kind: fault.NotFound}
		bad.left.Store(1)
		if err := registry.NewBalancer(bad, registry.BalancerOptions{}).Follow(t.Context(), "x", "y"); !errors.Is(err, fault.NotFound) {
			t.Errorf("Follow of a service the registry does not have: %v, want kind not_found", err)
		}
	})
}

func TestBalancerIsRandomAndConcurrent(t *testing.T) {
	t.Parallel()
	m := registry.NewMemory()
	for i := range 4 {
		register(t, m, instance("x", fmt.Sprint("i", i)))
	}
	b := follow(t, m, registry.BalancerOptions{}, "x")
	for picked(t, b, "x") == "unavailable" {
		time.Sleep(time.Millisecond)
	}
	var counts [4]atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				i, err := b.Pick("x")
				if err != nil {
					t.Error(err)
					return
				}
				b.Report(i.ID, nil)
				counts[i.ID[1]-'0'].Add(1)
			}
		})
	}
	wg.Wait()
	for i := range counts {
		if n := counts[i].Load(); n < 800 || n > 1200 { // 1000 expected, standard deviation 27
			t.Errorf("instance %d was picked %d times of 4000", i, n)
		}
	}
}
