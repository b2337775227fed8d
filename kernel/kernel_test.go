package kernel_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// diary records what happened in which order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) add(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) String() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.lines, " ")
}

// part is a component that writes its starts and stops into d.
func (d *diary) part(name string, needs ...string) kernel.Component {
	return kernel.Component{
		Name: name, Needs: needs,
		Start: func(context.Context) error { d.add("+" + name); return nil },
		Stop:  func(context.Context) error { d.add("-" + name); return nil },
	}
}

func mustNew(t *testing.T, o kernel.Options, cs ...kernel.Component) *kernel.Kernel {
	t.Helper()
	k, err := kernel.New(cs, o)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// running starts k and returns a function that ends it and gives Run's error.
func running(t *testing.T, k *kernel.Kernel) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- k.Run(ctx) }()
	select {
	case <-k.Started():
	case err := <-result:
		t.Fatalf("Run ended before everything started: %v", err)
	}
	return func() error { cancel(); return <-result }
}

func TestGraphIsCheckedBeforeAnythingStarts(t *testing.T) {
	t.Parallel()
	c := func(name string, needs ...string) kernel.Component {
		return kernel.Component{Name: name, Needs: needs}
	}
	for name, tc := range map[string]struct {
		components []kernel.Component
		roles      []string
		want       []string
	}{
		"circle":       {[]kernel.Component{c("x", "a"), c("a", "b"), c("b", "c"), c("c", "a")}, nil, []string{"a -> b -> c -> a"}},
		"self":         {[]kernel.Component{c("a", "a")}, nil, []string{"a -> a"}},
		"diamond ring": {[]kernel.Component{c("a", "b", "c"), c("b", "d"), c("c", "d"), c("d", "c")}, nil, []string{"d -> c -> d"}},
		"all mistakes": {[]kernel.Component{c("a", "nope"), c(""), c("a"), c("b", "gone")}, nil,
			[]string{`"a" needs "nope"`, "component 1 has no name", `"a" is declared twice`, `"b" needs "gone"`}},
		"role": {[]kernel.Component{{Name: "a", Roles: []string{"web", "api"}}}, []string{"wbe"}, []string{`"wbe"`, "api, web"}},
		"circle outside the role": {[]kernel.Component{{Name: "a", Roles: []string{"web"}}, c("b", "c"), c("c", "b")},
			[]string{"web"}, []string{"b -> c -> b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := kernel.New(tc.components, kernel.Options{Roles: tc.roles})
			if !errors.Is(err, fault.Invalid) {
				t.Fatalf("got %v, want fault.Invalid", err)
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not tell %q", err, want)
				}
			}
		})
	}
}

func TestOrderIsNeedsFirstThenDeclaration(t *testing.T) {
	t.Parallel()
	c := func(name string, needs ...string) kernel.Component {
		return kernel.Component{Name: name, Needs: needs}
	}
	k := mustNew(t, kernel.Options{}, c("web", "auth", "media"), c("log"), c("media", "db", "db"), c("db"), c("auth", "db"))
	if got, want := k.Order(), []string{"log", "db", "media", "auth", "web"}; !slices.Equal(got, want) {
		t.Fatalf("order %v, want %v", got, want)
	}
}

func TestRolesSelectComponentsAndTheirNeeds(t *testing.T) {
	t.Parallel()
	parts := []kernel.Component{
		{Name: "db"},
		{Name: "queue", Needs: []string{"db"}},
		{Name: "worker", Needs: []string{"queue"}, Roles: []string{"worker"}},
		{Name: "web", Needs: []string{"db"}, Roles: []string{"gateway", "api"}},
		{Name: "orphan"},
	}
	if got := kernel.Roles(parts); !slices.Equal(got, []string{"api", "gateway", "worker"}) {
		t.Errorf("roles %v", got)
	}
	for _, tc := range []struct{ roles, want []string }{
		{nil, []string{"db", "queue", "worker", "web", "orphan"}},
		{[]string{"worker"}, []string{"db", "queue", "worker"}},
		{[]string{"api"}, []string{"db", "web"}},
		{[]string{"worker", "gateway"}, []string{"db", "queue", "worker", "web"}},
	} {
		if got := mustNew(t, kernel.Options{Roles: tc.roles}, parts...).Order(); !slices.Equal(got, tc.want) {
			t.Errorf("roles %v select %v, want %v", tc.roles, got, tc.want)
		}
	}
}

func TestStartsInOrderAndStopsInReverse(t *testing.T) {
	t.Parallel()
	var d diary
	var log strings.Builder
	k := mustNew(t, kernel.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))},
		d.part("c", "b"), d.part("b", "a"), d.part("a"))
	if err := running(t, k)(); err != nil {
		t.Fatal(err)
	}
	if got := d.String(); got != "+a +b +c -c -b -a" {
		t.Errorf("diary %q", got)
	}
	if n := strings.Count(log.String(), "component="); n != 6 {
		t.Errorf("%d log lines, want 6:\n%s", n, log.String())
	}
	if err := k.Run(t.Context()); !errors.Is(err, fault.Conflict) {
		t.Errorf("second Run: %v, want fault.Conflict", err)
	}
}

func TestDependantsWaitUntilReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d diary
		begin := time.Now()
		slow := d.part("slow")
		slow.Run = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		slow.Ready = func(context.Context) error {
			if time.Since(begin) < 3*time.Second {
				return errors.New("not yet")
			}
			d.add("ready")
			return nil
		}
		k := mustNew(t, kernel.Options{}, d.part("user", "slow"), slow)
		if err := running(t, k)(); err != nil {
			t.Fatal(err)
		}
		if got := d.String(); got != "+slow ready +user -user -slow" {
			t.Errorf("diary %q", got)
		}
	})
}

func TestFailingStartStopsWhatWasStarted(t *testing.T) {
	t.Parallel()
	boom := errors.New("port taken")
	for name, breakIt := range map[string]func(*kernel.Component){
		"error":  func(c *kernel.Component) { c.Start = func(context.Context) error { return boom } },
		"panic":  func(c *kernel.Component) { c.Start = func(context.Context) error { panic(boom) } },
		"goexit": func(c *kernel.Component) { c.Start = func(context.Context) error { runtime.Goexit(); return nil } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var d diary
			bad := d.part("bad", "b")
			breakIt(&bad)
			k := mustNew(t, kernel.Options{}, d.part("a"), d.part("b", "a"), bad, d.part("never", "bad"))
			err := k.Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), `component "bad": start`) {
				t.Errorf("error %v does not name the component and what it did", err)
			}
			if name != "goexit" && !errors.Is(err, boom) {
				t.Errorf("error %v hides its cause", err)
			}
			if got := d.String(); got != "+a +b -b -a" {
				t.Errorf("diary %q", got)
			}
			select {
			case <-k.Started():
				t.Error("Started is closed")
			default:
			}
		})
	}
}

func TestNeverReadyIsAFailedStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d diary
		refused := errors.New("connection refused")
		c := d.part("db")
		c.StartTimeout = 20 * time.Second
		c.Ready = func(context.Context) error { return refused }
		begin := time.Now()
		err := mustNew(t, kernel.Options{}, c).Run(t.Context())
		if !errors.Is(err, fault.Unavailable) || !errors.Is(err, refused) || !strings.Contains(err.Error(), `"db" was not ready within 20s`) {
			t.Errorf("error %v", err)
		}
		if took := time.Since(begin); took != 20*time.Second {
			t.Errorf("took %v", took)
		}
		if got := d.String(); got != "+db -db" {
			t.Errorf("a started component was not stopped: %q", got)
		}
	})
}

func TestStartTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		for name, start := range map[string]func(context.Context) error{
			"obeys":   func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
			"ignores": func(context.Context) error { <-release; return nil },
		} {
			begin := time.Now()
			err := mustNew(t, kernel.Options{}, kernel.Component{Name: name, Start: start}).Run(t.Context())
			if !errors.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s: %v, want fault.Unavailable", name, err)
			}
			if took := time.Since(begin).Round(time.Second); took != kernel.DefaultStartTimeout {
				t.Errorf("%s took %v", name, took)
			}
		}
		close(release)
	})
}

func TestEndOfContextWhileStartingIsNoError(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]kernel.Component{
		"start": {Name: "b", Start: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }},
		"ready": {Name: "b", Ready: func(context.Context) error { return errors.New("not yet") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var d diary
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				k := mustNew(t, kernel.Options{}, d.part("a"), c, d.part("c"))
				if err := k.Run(ctx); err != nil {
					t.Error(err)
				}
				if got := d.String(); got != "+a -a" {
					t.Errorf("diary %q", got)
				}
			})
		})
	}
	t.Run("before", func(t *testing.T) {
		t.Parallel()
		var d diary
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := mustNew(t, kernel.Options{}, d.part("a")).Run(ctx); err != nil || d.String() != "" {
			t.Errorf("%v, diary %q", err, d.String())
		}
	})
}

func TestRunThatEndsStopsAll(t *testing.T) {
	t.Parallel()
	lost := errors.New("socket lost")
	for name, tc := range map[string]struct {
		end   func() error
		cause error
		want  string
	}{
		"error":  {func() error { return lost }, lost, `component "b": run: socket lost`},
		"nil":    {func() error { return nil }, fault.Internal, `component "b": run ended although nothing stopped it`},
		"panic":  {func() error { panic(lost) }, lost, `component "b": run: kernel.Run: panic: socket lost`},
		"goexit": {func() error { runtime.Goexit(); return nil }, fault.Internal, `component "b": run: exited`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var d diary
			b := d.part("b", "a")
			end := make(chan struct{})
			b.Run = func(context.Context) error { <-end; return tc.end() }
			c := d.part("c", "b")
			c.Run = func(ctx context.Context) error { <-ctx.Done(); d.add("c's run"); return nil }
			k := mustNew(t, kernel.Options{}, d.part("a"), b, c)
			go func() { <-k.Started(); close(end) }()
			err := k.Run(t.Context())
			if !errors.Is(err, tc.cause) || !strings.Contains(fmt.Sprint(err), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
			if n := strings.Count(fmt.Sprint(err), "component"); n != 1 {
				t.Errorf("one failure is told %d times: %v", n, err)
			}
			if got := d.String(); got != "+a +b +c -c c's run -b -a" {
				t.Errorf("diary %q", got)
			}
		})
	}
}

func TestRunThatEndsWhileStarting(t *testing.T) {
	t.Parallel()
	var d diary
	a := d.part("a")
	a.Run = func(context.Context) error { return errors.New("address in use") }
	a.Ready = func(context.Context) error { return errors.New("not listening") }
	err := mustNew(t, kernel.Options{}, a, d.part("b", "a")).Run(t.Context())
	if got := fmt.Sprint(err); !strings.Contains(got, "address in use") || strings.Contains(got, "not listening") {
		t.Errorf("error %v, want the cause alone", err)
	}
	if got := d.String(); got != "+a -a" {
		t.Errorf("diary %q", got)
	}
}

func TestStopDrainsBeforeRunEnds(t *testing.T) {
	t.Parallel()
	var d diary
	drained, seen := make(chan struct{}), make(chan struct{})
	c := kernel.Component{
		Name: "server",
		Run: func(ctx context.Context) error {
			<-drained
			if ctx.Err() == nil {
				d.add("drained while running")
			}
			close(seen)
			<-ctx.Done()
			return ctx.Err()
		},
	}
	c.Stop = func(ctx context.Context) error {
		close(drained)
		select {
		case <-seen:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := running(t, mustNew(t, kernel.Options{}, c))(); err != nil {
		t.Fatal(err)
	}
	if d.String() != "drained while running" {
		t.Error("Run's context ended before Stop had returned")
	}
}

func TestStopReportsEverythingThatWentWrong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d diary
		release := make(chan struct{})
		flush := errors.New("flush failed")
		fails := d.part("fails")
		fails.Stop = func(context.Context) error { d.add("-fails"); return flush }
		panics := d.part("panics")
		panics.Stop = func(context.Context) error { panic("at the disco") }
		hangs := d.part("hangs")
		hangs.Stop, hangs.StopTimeout = func(context.Context) error { <-release; return nil }, 3*time.Second
		deaf := d.part("deaf")
		deaf.Run, deaf.StopTimeout = func(context.Context) error { <-release; return nil }, 4*time.Second
		late := d.part("late")
		late.Stop = func(ctx context.Context) error { <-ctx.Done(); return fmt.Errorf("3 viewers left: %w", ctx.Err()) }
		dirty := d.part("dirty")
		dirty.Run = func(ctx context.Context) error { <-ctx.Done(); return errors.New("dirty end") }

		k := mustNew(t, kernel.Options{}, d.part("first"), fails, panics, hangs, deaf, late, dirty)
		stop := running(t, k)
		begin := time.Now()
		err := stop()
		for _, want := range []string{`"fails": stop: flush failed`, `"panics": stop: kernel: panic: at the disco`,
			`"hangs": stop did not return`, `"deaf": run did not return within 4s`, "3 viewers left", `"dirty": run: dirty end`} {
			if !strings.Contains(fmt.Sprint(err), want) {
				t.Errorf("%q is missing in: %v", want, err)
			}
		}
		if !errors.Is(err, flush) || !errors.Is(err, fault.Unavailable) {
			t.Errorf("causes are lost: %v", err)
		}
		if !strings.HasSuffix(d.String(), "-fails -first") {
			t.Errorf("one failure kept others from being stopped: %q", d.String())
		}
		// 3 s hangs + 4 s deaf + 10 s late, the default.
		if took := time.Since(begin).Round(time.Second); took != 17*time.Second {
			t.Errorf("stopping took %v, want 17s", took)
		}
		close(release)
	})
}

func TestHealth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		sick := errors.New("disk full")
		var state error
		var asked int
		release := make(chan struct{})
		started := false
		parts := []kernel.Component{
			{Name: "plain"},
			{Name: "sick", Ready: func(context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				asked++
				return state
			}},
			{Name: "hangs", Ready: func(context.Context) error {
				if started {
					<-release
				}
				return nil
			}},
			{Name: "slow", Ready: func(ctx context.Context) error {
				if started {
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			}},
			{Name: "panics", Ready: func(context.Context) error {
				if started {
					panic("oh")
				}
				return nil
			}},
		}
		k := mustNew(t, kernel.Options{HealthTimeout: 5 * time.Second}, parts...)
		for name, err := range k.Health(t.Context()) {
			if !errors.Is(err, fault.Unavailable) {
				t.Errorf("%s before start: %v", name, err)
			}
		}
		stop := running(t, k)
		started = true
		if err := k.Health(t.Context())["sick"]; err != nil {
			t.Errorf("healthy component: %v", err)
		}
		mu.Lock()
		state = sick
		mu.Unlock()

		begin := time.Now()
		health := k.Health(t.Context())
		if took := time.Since(begin); took != 5*time.Second {
			t.Errorf("Health took %v, want one timeout for all", took)
		}
		if len(health) != len(parts) || health["plain"] != nil || !errors.Is(health["sick"], sick) {
			t.Errorf("health %v", health)
		}
		for _, name := range []string{"hangs", "slow"} {
			if !errors.Is(health[name], fault.Unavailable) {
				t.Errorf("%s: %v, want fault.Unavailable", name, health[name])
			}
		}
		if err := health["panics"]; !errors.Is(err, fault.Internal) {
			t.Errorf("panics: %v", err)
		}

		// A caller that leaves early is answered at once.
		early, cancel := context.WithCancel(t.Context())
		cancel()
		if err := k.Health(early)["hangs"]; !errors.Is(err, fault.Unavailable) {
			t.Errorf("hangs, caller gone: %v", err)
		}
		synctest.Wait() // the answers nobody waited for
		mu.Lock()
		state, asked = nil, 0
		mu.Unlock()
		var both sync.WaitGroup
		for range 2 {
			both.Go(func() {
				if err := k.Health(t.Context())["sick"]; err != nil {
					t.Errorf("a healthy component asked by two: %v", err)
				}
			})
		}
		both.Wait()
		if asked < 1 || asked > 2 {
			t.Errorf("asked %d times", asked)
		}
		close(release)
		if err := stop(); err != nil {
			t.Error(err)
		}
		for name, err := range k.Health(t.Context()) {
			if !errors.Is(err, fault.Unavailable) {
				t.Errorf("%s after stop: %v", name, err)
			}
		}
	})
}

func ExampleNew() {
	say := func(s string) func(context.Context) error {
		return func(context.Context) error { fmt.Println(s); return nil }
	}
	k, err := kernel.New([]kernel.Component{
		{Name: "web", Needs: []string{"database"}, Start: say("listen"), Stop: say("drain"),
			Run: func(ctx context.Context) error { <-ctx.Done(); return nil }},
		{Name: "database", Start: say("open"), Stop: say("close")},
	}, kernel.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() { <-k.Started(); stop() }()
	fmt.Println(k.Run(ctx))
	// Output:
	// open
	// listen
	// drain
	// close
	// <nil>
}
