package torture

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// link is the way from the platform to one dependency: a relay that counts, toxiproxy, and a relay that can
// end connections from the far side.
type link struct {
	name       string
	near, far  *relay
	poison     *toxiproxy.Proxy
	afterwards func()
}

// newLink puts a link before target.
func newLink(name, target string) (l *link, err error) {
	l = &link{name: name}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.far, err = startRelay(target); err != nil {
		return l, err
	}
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	l.poison = toxiproxy.NewProxy(server, name, "127.0.0.1:0", l.far.addr)
	if err = l.poison.Start(); err != nil {
		l.poison = nil
		return l, err
	}
	l.near, err = startRelay(l.poison.Listen)
	return l, err
}

func (l *link) close() {
	if l.near != nil {
		l.near.close()
	}
	if l.poison != nil {
		l.poison.Stop()
	}
	if l.far != nil {
		l.far.close()
	}
	if l.afterwards != nil {
		l.afterwards()
	}
}

// toxicKinds are the ways in which toxiproxy spoils a connection, with their strengths.
func toxicKinds() []toxicKind {
	return []toxicKind{
		{"latency", map[string]any{"latency": 600, "jitter": 300}},
		{"bandwidth", map[string]any{"rate": 24}}, // KB/s
		{"slow_close", map[string]any{"delay": 2000}},
		{"timeout", map[string]any{"timeout": 1500}}, // nothing passes, then the end
		{"reset_peer", map[string]any{"timeout": 300}},
		{"slicer", map[string]any{"average_size": 64, "size_variation": 32, "delay": 500}}, // µs
		{"limit_data", map[string]any{"bytes": 30_000}},
	}
}

type toxicKind struct {
	name       string
	attributes map[string]any
}

// dependencies are those that toxics are tried on.
func dependencies() []string { return []string{"postgres", "redis", "nats", "s3"} }

// toxic spoils one dependency for a while. It fired when bytes met it, and, where its doing is to end
// connections, when some ended.
func (r *rig) toxic(ctx context.Context, kind toxicKind, on string, d time.Duration) (fired bool, evidence string, err error) {
	l := r.links[on]
	stream := "downstream"
	if r.rnd.IntN(2) == 1 && kind.name != "slow_close" {
		stream = "upstream"
	}
	spec, err := json.Marshal(map[string]any{"name": "t", "type": kind.name, "stream": stream, "attributes": kind.attributes})
	if err != nil {
		return false, "", err
	}
	bytes, ended := l.near.bytes.Load(), l.near.ended.Load()
	if _, err := l.poison.Toxics.AddToxicJson(strings.NewReader(string(spec))); err != nil {
		return false, "", err
	}
	if kind.name == "slow_close" {
		if err = sleep(ctx, time.Second); err == nil {
			l.far.cut()
		}
	}
	if err == nil {
		err = sleep(ctx, d)
	}
	bytes, ended = l.near.bytes.Load()-bytes, l.near.ended.Load()-ended
	removing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if e := l.poison.Toxics.RemoveToxic(removing, "t"); e != nil && err == nil {
		err = e
	}
	fired = bytes > 0
	switch kind.name {
	case "slow_close", "timeout", "reset_peer", "limit_data":
		fired = fired && ended > 0
	}
	return fired, fmt.Sprintf("%s, %d bytes, %d connections ended", stream, bytes, ended), err
}
