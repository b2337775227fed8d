package registry

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/streamgate/streamgate/fault"
)

// Memory is a Registry within one process. Its instances are healthy until they leave.
type Memory struct {
	mu        sync.Mutex
	instances map[string]*Instance
	watchers  map[*watcher]bool
}

type watcher struct {
	service string
	out     chan []Instance
	last    []Instance
}

var _ Registry = (*Memory)(nil)

// NewMemory returns an empty Memory.
func NewMemory() *Memory {
	return &Memory{instances: map[string]*Instance{}, watchers: map[*watcher]bool{}}
}

// Register implements Registry.
func (m *Memory) Register(ctx context.Context, i Instance) (leave func(ctx context.Context) error, err error) {
	if _, err := given(ctx, i); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	mine := &i
	m.instances[i.ID] = mine
	m.tell()
	return func(ctx context.Context) error {
		if err := ctx.Err(); err != nil {
			return fault.Wrap(fault.Canceled, "registry.Memory.leave", err)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.instances[mine.ID] == mine {
			delete(m.instances, mine.ID)
			m.tell()
		}
		return nil
	}, nil
}

// Watch implements Registry.
func (m *Memory) Watch(ctx context.Context, service string) (<-chan []Instance, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, "registry.Memory.Watch", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	w := &watcher{service: service, out: make(chan []Instance, 1)}
	w.last = m.list(service)
	offer(w.out, w.last)
	m.watchers[w] = true
	context.AfterFunc(ctx, func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.watchers, w)
		close(w.out)
	})
	return w.out, nil
}

func (m *Memory) list(service string) []Instance {
	var list []Instance
	for i := range maps.Values(m.instances) {
		if i.Service == service {
			list = append(list, *i)
		}
	}
	return ordered(list)
}

// tell sends the lists that changed. The lock is held.
func (m *Memory) tell() {
	for w := range m.watchers {
		if list := m.list(w.service); !slices.Equal(list, w.last) {
			w.last = list
			offer(w.out, list)
		}
	}
}
