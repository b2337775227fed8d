// Package registrytest is the conformance suite of registry.Registry, for registries
// that can register. An implementation counts as supported when Run passes on it,
// and RunHealth if it checks the health of instances, against the real system.
package registrytest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/registry"
)

// Config is what the suite needs to know.
type Config struct {
	// Patience is how long what must happen may take (default 30 s).
	Patience time.Duration
	// Quiet is how long the suite looks for what must not happen (default 200 ms).
	Quiet time.Duration
}

func (c Config) filled() Config {
	if c.Patience <= 0 {
		c.Patience = 30 * time.Second
	}
	if c.Quiet <= 0 {
		c.Quiet = 200 * time.Millisecond
	}
	return c
}

// NewRegistry returns a registry, which may be shared with other cases: they use
// services of their own. If the registry checks the health of instances, those of the
// suite answer: they are HTTP servers with /readyz.
type NewRegistry func(t testing.TB) registry.Registry

// Case is one rule every registry keeps.
type Case struct {
	Name  string
	Check func(t testing.TB, newRegistry NewRegistry)
}

// Run checks every case, in parallel.
func Run(t *testing.T, c Config, newRegistry NewRegistry) { run(t, c.Cases(), newRegistry) }

func run(t *testing.T, cases []Case, newRegistry NewRegistry) {
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			c.Check(t, newRegistry)
		})
	}
}

// Cases returns the rules, for callers that run them in their own way.
func (c Config) Cases() []Case {
	s := suite{c.filled()}
	return []Case{
		{"a watch starts with what there is", s.startsNow},
		{"an instance is seen whole", s.whole},
		{"an instance is listed until it leaves", s.untilLeave},
		{"the end of a context is not the end of a registration", s.outlivesContext},
		{"registering again replaces", s.replaces},
		{"lists are of one service, sorted by ID", s.sorted},
		{"a slow reader gets the newest list", s.newest},
		{"a watch ends with its context", s.watchEnds},
		{"readers own their lists", s.owned},
		{"many register at once", s.many},
		{"bad instances are refused", s.refused},
		{"an ended context", s.ended},
	}
}

// suite holds the settings the cases share.
type suite struct{ Config }

// place is a service nobody else uses, and the registry.
type place struct {
	suite
	t       testing.TB
	r       registry.Registry
	service string
}

func (s suite) place(t testing.TB, newRegistry NewRegistry) place {
	t.Helper()
	return place{s, t, newRegistry(t), "test-" + strings.ToLower(rand.Text()[:10])}
}

// instance returns a healthy instance.
func (p place) instance(name string) registry.Instance {
	p.t.Helper()
	return registry.Instance{ID: p.service + "-" + name, Service: p.service, HTTP: ready(p.t), GRPC: "127.0.0.1:9"}
}

func (p place) register(i registry.Instance) (leave func()) {
	p.t.Helper()
	l, err := p.r.Register(p.t.Context(), i)
	if err != nil {
		p.t.Fatalf("Register: %v", err)
	}
	left := func() {
		p.t.Helper()
		if err := l(context.WithoutCancel(p.t.Context())); err != nil {
			p.t.Errorf("leave: %v", err)
		}
	}
	p.t.Cleanup(left)
	return left
}

func (p place) watch() <-chan []registry.Instance {
	p.t.Helper()
	lists, err := p.r.Watch(p.t.Context(), p.service)
	if err != nil {
		p.t.Fatalf("Watch: %v", err)
	}
	return lists
}

// until reads lists until one is want, and checks the order of each.
func (p place) until(lists <-chan []registry.Instance, want ...registry.Instance) {
	p.t.Helper()
	patience := time.NewTimer(p.Patience)
	defer patience.Stop()
	var last []registry.Instance
	for {
		select {
		case list, ok := <-lists:
			if !ok {
				p.t.Fatal("the watch ended")
			}
			if !slices.IsSortedFunc(list, func(a, b registry.Instance) int { return strings.Compare(a.ID, b.ID) }) {
				p.t.Errorf("the list is not sorted: %v", list)
			}
			for _, i := range list {
				if i.Service != p.service {
					p.t.Errorf("an instance of another service is listed: %v", i)
				}
			}
			if last = list; slices.Equal(list, want) {
				return
			}
		case <-patience.C:
			p.t.Fatalf("the last list is %v, want %v", last, want)
		}
	}
}

// quiet checks that no other list than want comes.
func (p place) quiet(lists <-chan []registry.Instance, want ...registry.Instance) {
	p.t.Helper()
	over := time.NewTimer(p.Quiet)
	defer over.Stop()
	for {
		select {
		case list, ok := <-lists:
			if !ok || !slices.Equal(list, want) {
				p.t.Fatalf("the list became %v (open: %v), want %v", list, ok, want)
			}
		case <-over.C:
			return
		}
	}
}

func (s suite) startsNow(t testing.TB, newRegistry NewRegistry) {
	p := s.place(t, newRegistry)
	p.until(p.watch())
	a := p.instance("a")
	p.register(a)
	p.until(p.watch(), a)
	p.until(p.watch(), a)
}

func (s suite) whole(t testing.TB, newRegistry NewRegistry) {
	p := s.place(t, newRegistry)
	lists := p.watch()
	a := p.instance("a")
	p.register(a)
	p.until(lists, a)
	b := p.instance("b")
	b.GRPC = ""
	p.register(b)
	p.until(lists, a, b)
}

func (s suite) untilLeave(t testing.TB, newRegistry NewRegistry) {
	p := s.place(t, newRegistry)
	lists := p.watch()
	a, b := p.instance("a"), p.instance("b")
	leaveA, leaveB := p.register(a), p.register(b)
	p.until(lists, a, b)
	leaveA()
	p.until(lists, b)
	leaveA()
	p.quiet(lists, b)
	leaveB()
	p.until(lists)
	// An instance may come back.
	p.register(a)
	p.until(lists, a)
}

func (s suite) outlivesContext(t testing.TB, newRegistry NewRegistry) {
	p := s.place(t, newRegistry)
	ctx, cancel := context.WithCancel(t.Context())
	a := p.instance("a")
	leave, err := p.r.Register(ctx, a)
	if err != nil {
		t.Fatalf("Register: %v", err)
	}
	t.Cleanup(func() { _ = leave(context.WithoutCancel(t.Context())) })
	cancel()
	lists := p.watch()
	p.until(lists, a)
	p.quiet(lists, a)
}

func (s suite) replaces(t testing.TB, newRegistry NewRegistry) {
	p := s.place(t, newRegistry)
	lists := p.watch()
	a := p.instance("a")
	leaveOld := p.register(a)
	p.until(lists, a)
	moved := p.instance("a")
	leave := p.register(moved)
	p.until(lists, moved)
	leaveOld()
	p.quiet(lists, moved)
	leave()
	p.until(lists)
}

func (s suite) sorted(t testing.TB, newRegistry NewRegistry) {
	p := s.place(t, newRegistry)
	lists := p.watch()
	other := p.instance("other")
	other.Service += "-x"
	p.register(other)
	var want []registry.Instance
	for _, name := range []string{"c", "a", "b10", "b9"} {
		i := p.instance(name)
		p.register(i)
		want = append(want, i)
	}
	slices.SortFunc(want, func(a, b registry.Instance) int { return strings.Compare(a.ID, b.ID) })
	p.until(lists, want...)
}

func (s suite) newest(t testing.TB, newRegistry NewRegistry) {
	p := s.place(t, newRegistry)
	slow, quick := p.watch(), p.watch()
	var all []registry.Instance
	for n := range 5 {
		i := p.instance(fmt.Sprint(n))
		p.register(i)
		all = append(all, i)
		p.until(quick, all...)
	}
	// What the slow reader finds is at most one old list, then the newest.
	patience := time.After(p.Patience)
	for reads := 1; ; reads++ {
		select {
		case list := <-slow:
			if slices.Equal(list, all) {
				return
			}
			if reads > 1 {
				t.Fatalf("read %d gives an old list of %d instances", reads, len(list))
			}
		case <-patience:
			t.Fatal("the newest list does not come")
		}
	}
}

func (s suite) watchEnds(t testing.TB, newRegistry NewRegistry) {
	p := s.place(t, newRegistry)
	ctx, cancel := context.WithCancel(t.Context())
	lists, err := p.r.Watch(ctx, p.service)
	if err != nil {
		t.Fatalf("Watch: %v", err)
	}
	p.until(lists)
	cancel()
	patience := time.After(p.Patience)
	for {
		select {
		case _, ok := <-lists:
			if !ok {
				return
			}
		case <-patience:
			t.Fatal("the channel is still open")
		}
	}
}

func (s suite) owned(t testing.TB, newRegistry NewRegistry) {
	p := s.place(t, newRegistry)
	a := p.instance("a")
	p.register(a)
	p.until(p.watch(), a)
	first, second := p.watch(), p.watch()
	patience := time.After(p.Patience)
	select {
	case list := <-first:
		for i := range list {
			list[i].HTTP = "changed:1"
		}
	case <-patience:
		t.Fatal("no list comes")
	}
	p.until(second, a)
	p.until(p.watch(), a)
}

func (s suite) many(t testing.TB, newRegistry NewRegistry) {
	p := s.place(t, newRegistry)
	lists := p.watch()
	const n = 12
	var all []registry.Instance
	for i := range n {
		all = append(all, p.instance(fmt.Sprintf("%02d", i)))
	}
	var leaves [n]func(context.Context) error
	var errs [n]error
	var wg sync.WaitGroup
	for i, instance := range all {
		wg.Go(func() { leaves[i], errs[i] = p.r.Register(t.Context(), instance) })
	}
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatalf("Register: %v", err)
	}
	p.until(lists, all...)
	for _, leave := range leaves {
		wg.Go(func() { _ = leave(t.Context()) })
	}
	wg.Wait()
	p.until(lists)
}

func (s suite) refused(t testing.TB, newRegistry NewRegistry) {
	p := s.place(t, newRegistry)
	good := registry.Instance{ID: p.service + "-a", Service: p.service, HTTP: "127.0.0.1:1"}
	for name, change := range map[string]func(i *registry.Instance){
		"no ID":            func(i *registry.Instance) { i.ID = "" },
		"a path for an ID": func(i *registry.Instance) { i.ID = "../a" },
		"no service":       func(i *registry.Instance) { i.Service = "" },
		"a query":          func(i *registry.Instance) { i.Service += "?x" },
		"no address":       func(i *registry.Instance) { i.HTTP = "" },
		"no port":          func(i *registry.Instance) { i.HTTP = "127.0.0.1" },
		"no host":          func(i *registry.Instance) { i.GRPC = ":80" },
	} {
		i := good
		change(&i)
		if leave, err := p.r.Register(t.Context(), i); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v, want kind invalid", name, err)
			if err == nil {
				_ = leave(t.Context())
			}
		}
	}
}

func (s suite) ended(t testing.TB, newRegistry NewRegistry) {
	p := s.place(t, newRegistry)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.r.Register(ctx, p.instance("a")); !errors.Is(err, fault.Canceled) {
		t.Errorf("Register: %v, want kind canceled", err)
	}
	if _, err := p.r.Watch(ctx, p.service); !errors.Is(err, fault.Canceled) {
		t.Errorf("Watch: %v, want kind canceled", err)
	}
	lists := p.watch()
	p.until(lists)
	p.quiet(lists)
}
