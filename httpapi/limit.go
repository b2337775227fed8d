package httpapi

import (
	"container/list"
	"context"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage/cache"
)

// limiter bounds the rate of each client address, over all processes that share a cache, or in
// this one where there is none or it does not answer. The table of this process holds a fixed number of clients; the
// one longest silent makes room, which forgives it at most one burst.
type limiter struct {
	name      string
	perMinute int
	max       int
	shared    cache.Limiter // nil without one
	now       func() time.Time

	mu      sync.Mutex
	clients map[netip.Prefix]*list.Element
	order   *list.List // of *client, most recently seen first
}

type client struct {
	key    netip.Prefix
	bucket *rate.Limiter
}

func newLimiter(name string, perMinute, max int, shared cache.Cache, now func() time.Time) *limiter {
	l := &limiter{name: name, perMinute: perMinute, max: max, now: now, clients: map[netip.Prefix]*list.Element{}, order: list.New()}
	if shared != nil {
		l.shared, _ = cache.As[cache.Limiter](shared)
	}
	return l
}

// allow takes one request of ip, or says when to come back.
func (l *limiter) allow(ctx context.Context, ip netip.Addr) error {
	key := clientKey(ip)
	if l.shared != nil {
		wait, err := l.shared.Take(ctx, "http/limit/"+l.name+"/"+key.String(), l.perMinute, time.Minute/time.Duration(l.perMinute))
		switch {
		case err == nil && wait <= 0:
			return nil
		case err == nil:
			return tooMany(wait)
		}
	}
	return l.allowHere(key)
}

func (l *limiter) allowHere(key netip.Prefix) error {
	l.mu.Lock()
	el, ok := l.clients[key]
	if !ok {
		if l.order.Len() >= l.max {
			oldest := l.order.Back()
			delete(l.clients, oldest.Value.(*client).key)
			l.order.Remove(oldest)
		}
		el = l.order.PushFront(&client{key, rate.NewLimiter(rate.Limit(float64(l.perMinute)/60), l.perMinute)})
		l.clients[key] = el
	}
	l.order.MoveToFront(el)
	bucket := el.Value.(*client).bucket
	l.mu.Unlock()

	now := l.now()
	res := bucket.ReserveN(now, 1)
	wait := res.DelayFrom(now)
	if wait <= 0 {
		return nil
	}
	res.CancelAt(now)
	return tooMany(wait)
}

func tooMany(wait time.Duration) error {
	return fault.New(fault.Limited, "httpapi.limit", "Too many requests from your address. Wait a little and try again.").After(wait)
}

// clientKey groups IPv6 addresses by /64, since one client holds a whole one.
func clientKey(ip netip.Addr) netip.Prefix {
	ip = ip.Unmap()
	bits := 32
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits) // the zero Addr has the zero Prefix: one shared bucket
	return p
}

// clientIP is the address of the client: the peer, or, where the peer is a
// trusted proxy, the last address in X-Forwarded-For that is not one.
func (a *api) clientIP(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	ip := ap.Addr().Unmap()
	if !a.trusted(ip) {
		return ip
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		ip = hop.Unmap()
		if !a.trusted(ip) {
			break
		}
	}
	return ip
}

func (a *api) trusted(ip netip.Addr) bool {
	for _, p := range a.TrustedProxies {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}
