package sgtest

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Faults is how often and how a decorated back-end fails. The zero value never fails. Each
// call draws anew, from the seed: the same calls in the same order fail alike.
type Faults struct {
	Seed uint64
	// Error is the share of calls, 0 to 1, that return Err without any effect.
	Error float64
	// Lost is the share of calls whose effect happens and that return Err all the same, as when
	// an answer is lost on the way. Calls that only read are refused then.
	Lost float64
	// Err is the error; nil means one of kind fault.Unavailable.
	Err error
	// Slow is the share of calls that wait for Delay first, or for the end of their ctx.
	Slow  float64
	Delay time.Duration
	// Only limits the faults to methods of these names, such as "Put". Empty means all.
	Only []string
}

// Injector draws the faults of one decorator. Its methods may be called from any
// goroutine.
type Injector struct {
	mu     sync.Mutex
	faults Faults
	random *rand.Rand
	calls  int
	fired  map[string]int
}

func newInjector(f Faults) *Injector {
	return &Injector{faults: f, random: rand.New(rand.NewPCG(f.Seed, 0)), fired: map[string]int{}}
}

// Inject replaces the faults from now on; Inject(Faults{}) heals. The counts stay.
func (i *Injector) Inject(f Faults) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.faults, i.random = f, rand.New(rand.NewPCG(f.Seed, 0))
}

// Fired returns how many faults took effect: errors, lost answers and delays. A test whose
// faults never fired has shown nothing.
func (i *Injector) Fired() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := 0
	for _, k := range i.fired {
		n += k
	}
	return n
}

// FiredOn returns how many of them struck the method of that name.
func (i *Injector) FiredOn(method string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fired[method]
}

// Calls returns how many calls were made.
func (i *Injector) Calls() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.calls
}
