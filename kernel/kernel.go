// Package kernel is the microkernel: it starts components in the order of their
// needs, waits until each is ready, watches the ones that run, answers for their
// health and stops them in reverse. The root package and cmd build a Kernel from
// the parts they wired; domains never import it.
//
// It knows components by name and by five functions, nothing else. It imports
// the standard library and fault only, keeps no global state, reads no
// environment and never ends the process.
package kernel

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// Defaults for the zero values of Component and Options.
const (
	DefaultStartTimeout  = time.Minute
	DefaultStopTimeout   = 10 * time.Second
	DefaultHealthTimeout = 2 * time.Second
)

// grace is how long past its deadline a function that was told to end is waited
// for, so that one which obeys its context can still say what it was doing.
const grace = 100 * time.Millisecond

// Component is one part of a running platform. Every function may be nil. A
// panic in any of them becomes an error that names the component.
type Component struct {
	// Name is unique in a kernel.
	Name string
	// Needs names the components that must be ready before this one starts and
	// that keep running until it has stopped.
	Needs []string
	// Roles are the roles this component serves; see Options.Roles. One without
	// roles runs when another needs it, and when no role is selected at all.
	Roles []string

	// Start prepares the component and returns; ctx bounds the starting only. When it
	// fails it must leave nothing behind, as Stop is not called then.
	Start func(ctx context.Context) error
	// Run does long work until ctx ends. Its return before the component was told
	// to stop, even with nil, brings the whole kernel down.
	Run func(ctx context.Context) error
	// Ready tells whether the component can serve now. After Start, and beside
	// Run, it is asked again and again until it returns nil; later Health asks it.
	Ready func(ctx context.Context) error
	// Stop drains and releases. It is called once, before Run's context ends, if Start
	// succeeded.
	Stop func(ctx context.Context) error

	// StartTimeout bounds Start and becoming ready together. Zero means DefaultStartTimeout.
	StartTimeout time.Duration
	// StopTimeout bounds Stop, and then again the end of Run. Zero means DefaultStopTimeout.
	StopTimeout time.Duration
}

// Options tune a Kernel. The zero value runs every component silently.
type Options struct {
	// Roles selects the components that serve one of these roles, and what they
	// need. None selects every component.
	Roles []string
	// HealthTimeout bounds each component's answer to Health. Zero means
	// DefaultHealthTimeout.
	HealthTimeout time.Duration
	// Logger hears what was started and stopped, at Info. Nil discards.
	Logger *slog.Logger
}

// Kernel runs a fixed set of components once. Its methods may be called from
// any goroutine.
type Kernel struct {
	units         []*unit // in start order
	healthTimeout time.Duration
	log           *slog.Logger
	ran           atomic.Bool
	started       chan struct{}
}

// unit is a component and its state in this kernel.
type unit struct {
	Component
	state  atomic.Int32
	stop   context.CancelFunc // ends Run's context
	done   chan struct{}      // closed when Run has returned; nil without Run
	runErr error              // why Run ended before its time; valid once done is closed
	mu     sync.Mutex
	open   *probe // the question of Health that awaits an answer; guarded by mu
}

// The states of a unit.
const (
	stateNew int32 = iota
	stateStarting
	stateReady
	stateStopping
	stateStopped
)

// New checks the components and fixes their start order: needs first, and among
// those whose needs are met the one declared first. It starts nothing. A missing
// or repeated name, an unknown need, a cycle and an unknown role are
// fault.Invalid; the error lists every one of them and a cycle's whole path.
func New(components []Component, o Options) (*Kernel, error) {
	order, err := plan(components, o.Roles)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "kernel.New", err)
	}
	k := &Kernel{healthTimeout: o.HealthTimeout, log: o.Logger, started: make(chan struct{})}
	if k.healthTimeout <= 0 {
		k.healthTimeout = DefaultHealthTimeout
	}
	if k.log == nil {
		k.log = slog.New(slog.DiscardHandler)
	}
	for _, c := range order {
		if c.StartTimeout <= 0 {
			c.StartTimeout = DefaultStartTimeout
		}
		if c.StopTimeout <= 0 {
			c.StopTimeout = DefaultStopTimeout
		}
		k.units = append(k.units, &unit{Component: c})
	}
	return k, nil
}

// Order returns the names of the selected components in start order.
func (k *Kernel) Order() []string {
	names := make([]string, len(k.units))
	for i, u := range k.units {
		names[i] = u.Name
	}
	return names
}

// Started is closed once every component is ready. It stays open for ever when
// starting fails, so wait for the return of Run beside it.
func (k *Kernel) Started() <-chan struct{} { return k.started }
