package httpapi

import (
	"net/netip"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
)

func TestLimiterIsBounded(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	l := newLimiter("test", 60, 4, nil, func() time.Time { return now })
	ip := func(n byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, n}) }
	for range 60 {
		if err := l.allow(t.Context(), ip(1)); err != nil {
			t.Fatal(err)
		}
	}
	err := l.allow(t.Context(), ip(1))
	if _, _, retry := fault.Public(err); fault.KindOf(err) != fault.Limited || retry != time.Second {
		t.Errorf("got %v after %s", err, retry)
	}
	now = now.Add(time.Second)
	if err := l.allow(t.Context(), ip(1)); err != nil {
		t.Errorf("a second later: %v", err)
	}
	for n := range byte(50) {
		_ = l.allow(t.Context(), ip(n)) // only the size of the table matters here
		if len(l.clients) > 4 || l.order.Len() != len(l.clients) {
			t.Fatalf("%d clients", len(l.clients))
		}
	}
}

func TestIdempotencyForgets(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	s := newIdempotency(2, func() time.Time { return now })
	runs := 0
	do := func(key string) bool {
		_, _, replayed, err := s.do(t.Context(), idempotencyKey{"t", "u", key}, nil, func() (int, []byte, error) { runs++; return 201, nil, nil })
		if err != nil {
			t.Fatal(err)
		}
		return replayed
	}
	if do("a") || !do("a") {
		t.Error("a repeat is not replayed")
	}
	now = now.Add(idempotencyTTL)
	if do("a") {
		t.Error("replayed after a day")
	}
	do("b")
	do("c") // the table holds two: a goes
	if do("a") || len(s.records) != 2 || s.order.Len() != 2 {
		t.Errorf("%d records", len(s.records))
	}
	func() {
		defer func() { _ = recover() }()
		_, _, _, _ = s.do(t.Context(), idempotencyKey{"t", "u", "p"}, nil, func() (int, []byte, error) { panic("x") })
	}()
	if do("p") {
		t.Error("a panic left its key taken")
	}
	if _, _, _, err := s.do(t.Context(), idempotencyKey{"t", "u", "f"}, nil, func() (int, []byte, error) { return 0, nil, fault.NotFound }); err == nil || do("f") {
		t.Error("a failure is replayed")
	}
}
