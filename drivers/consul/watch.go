package consul

import (
	"context"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/consul/api"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/registry"
)

const (
	// waitTime is how long the agent holds a query that has nothing new.
	waitTime = 10 * time.Second
	// pace keeps a service that changes all the time, or an agent that does not hold
	// queries, from making the watch spin.
	pace = 100 * time.Millisecond
	// lonely is how often a service without instances is asked about anew: the notice that one is healthy
	// again must not be missed, as nobody can be called until then.
	lonely = 500 * time.Millisecond
	// maxPause bounds the pauses while the agent is out of reach.
	maxPause = 3 * time.Second
)

// Watch implements registry.Registry. An agent out of reach is fault.Unavailable at first;
// once the first list was had the watch stays through any outage.
func (r *Registry) Watch(ctx context.Context, service string) (<-chan []registry.Instance, error) {
	const op = "consul.Watch"
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, op, err)
	}
	if err := registry.CheckInstance(registry.Instance{ID: "x", Service: service, HTTP: "x:1"}); err != nil {
		return nil, fault.At(op, err)
	}
	w := &watch{r: r, service: service, out: make(chan []registry.Instance, 1)}
	list, err := w.query(ctx)
	if err != nil {
		return nil, classify(ctx, op, err)
	}
	w.offer(list)
	run, stop := context.WithCancel(ctx)
	ended := context.AfterFunc(r.ctx, stop)
	err = r.begin(op, func() {
		defer close(w.out)
		defer stop()
		defer ended()
		w.follow(run)
	})
	if err != nil {
		stop()
		ended()
		return nil, err
	}
	return w.out, nil
}

// watch follows the instances of a service.
type watch struct {
	r       *Registry
	service string
	out     chan []registry.Instance
	index   uint64
	last    []registry.Instance
}

func (w *watch) follow(ctx context.Context) {
	pause := pace
	var mistrust time.Time // until when an empty list is not believed
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		list, err := w.query(ctx)
		if err != nil {
			// The last list stands. Whoever answers next may know nothing of it, so ask from the start.
			w.index = 0
			pause = min(2*pause, maxPause)
			mistrust = time.Now().Add(w.r.opt.Grace)
			continue
		}
		pause = pace
		if len(list) == 0 && len(w.last) > 0 && time.Now().Before(mistrust) {
			w.index = 0
			continue
		}
		if !slices.Equal(list, w.last) {
			w.offer(list)
		}
		if len(list) == 0 {
			w.index, pause = 0, lonely
		}
	}
}

// offer makes list the one the reader gets next.
func (w *watch) offer(list []registry.Instance) {
	w.last = list
	select {
	case <-w.out:
	default:
	}
	w.out <- slices.Clone(list)
}

// query returns the healthy instances once they differ from those of the last query, or waitTime is over.
func (w *watch) query(ctx context.Context) ([]registry.Instance, error) {
	limit := w.r.opt.Timeout
	if w.index > 0 {
		limit += waitTime + waitTime/16 // the agent adds up to a sixteenth
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	q := (&api.QueryOptions{WaitIndex: w.index, WaitTime: waitTime}).WithContext(ctx)
	entries, meta, err := w.r.client.Health().Service(w.service, "", true, q)
	if err != nil {
		return nil, err
	}
	if meta.LastIndex < w.index {
		w.index = 0 // the servers' state was restored: their numbers start again
	} else {
		w.index = max(1, meta.LastIndex)
	}
	var list []registry.Instance
	for _, e := range entries {
		i := registry.Instance{ID: e.Service.ID, Service: e.Service.Service, HTTP: e.Service.Meta[metaHTTP], GRPC: e.Service.Meta[metaGRPC]}
		if registry.CheckInstance(i) == nil { // whatever else has that name is none of ours
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(a, b registry.Instance) int { return strings.Compare(a.ID, b.ID) })
	return list, nil
}

func splitAddress(address string) (host string, port int, err error) {
	host, text, err := net.SplitHostPort(address)
	if err == nil {
		port, err = strconv.Atoi(text)
	}
	return host, port, fault.Wrap(fault.Invalid, "consul.Register", err)
}
