package nats

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/job"
)

// Whatever records of two jobs a stream holds, the mirror stays in order: each job is in one place, and the counts agree.
func FuzzRecord(f *testing.F) {
	add := func(r record, next record) {
		a, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		b, err := json.Marshal(next)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(a, b, true)
		f.Add(a, b, false)
	}
	j := wireJob{ID: "1", Kind: "k", Attempts: 2, Payload: []byte("data")}
	add(record{Job: j}, record{Job: j, Token: "t", Hold: time.Minute, Attempt: 1})
	add(record{Job: j, Token: "t", Hold: time.Second, Attempt: 2}, record{Done: true})
	add(record{Job: j, Hold: time.Hour}, record{Job: j, Dead: true, Reason: "no codec", Attempt: 2})
	f.Add([]byte(`{"hold":-9223372036854775808}`), []byte(`{"job":{"attempts":-1},"token":"x"}`), true)
	f.Fuzz(func(t *testing.T, first, second []byte, same bool) {
		m := newMirror("e")
		now := time.Unix(1_800_000_000, 0)
		for i, data := range [][]byte{first, second} {
			var r record
			if json.Unmarshal(data, &r) != nil {
				continue
			}
			key := "a"
			if !same && i > 0 {
				key = "b"
			}
			m.apply(key, uint64(i+1), r, now, now, now)
			consistent(t, m)
		}
		for range 4 {
			now = now.Add(45 * time.Second)
			m.settle(now)
			consistent(t, m)
		}
		for _, e := range m.dying() {
			_ = e.rec.Job.job()
		}
	})
}

func consistent(t *testing.T, m *mirror) {
	t.Helper()
	var sum job.Stats
	for _, s := range m.kinds() {
		sum = job.Stats{Waiting: sum.Waiting + s.Waiting, Delayed: sum.Delayed + s.Delayed, Leased: sum.Leased + s.Leased, Dead: sum.Dead + s.Dead}
	}
	if all := m.stats(); all != sum || all.Waiting < 0 || all.Delayed < 0 || all.Leased < 0 {
		t.Fatalf("counts %+v, by kind %+v", all, sum)
	}
	ready := 0
	for kind, p := range m.ready {
		if p.Len() == 0 {
			t.Fatalf("an empty pile of %q", kind)
		}
		ready += p.Len()
	}
	if ready+m.timed.Len() != m.live() {
		t.Fatalf("%d ready and %d timed of %d", ready, m.timed.Len(), m.live())
	}
}

// An event from the stream is of the topic it was published under, or none.
func FuzzEvent(f *testing.F) {
	f.Add([]byte(`{"id":"1","topic":"asset.changed","tenant":"t","key":"k","at":"2026-01-01T00:00:00Z","data":"e30="}`), "asset.changed")
	f.Add([]byte(`{"Topic":"other"}`), "asset.changed")
	f.Add([]byte(`null`), "")
	f.Fuzz(func(t *testing.T, data []byte, topic string) {
		if e, ok := readEvent(data, topic); ok && e.Topic != topic {
			t.Fatalf("an event of %q under %q", e.Topic, topic)
		}
	})
}

// Whatever stands in an address, it is refused as invalid or its servers are taken, and the password is never shown.
func FuzzURL(f *testing.F) {
	for _, rest := range []string{"127.0.0.1:4222", "a:1,b:2?prefix=p&replicas=3&timeout=1s", "a,,b", "a?x=1", "a?replicas=x", "@a", "a/b", "%zz", ""} {
		f.Add(rest)
	}
	f.Fuzz(func(t *testing.T, rest string) {
		const secret = "c0rrect-h0rse"
		o, err := parseServer("test", "nats://user:"+secret+"@"+rest, Options{})
		if err != nil {
			if fault.KindOf(err) != fault.Invalid {
				t.Fatalf("kind %v: %v", fault.KindOf(err), err)
			}
			if strings.Contains(err.Error(), secret) && !strings.Contains(rest, secret) {
				t.Fatalf("the password is in %v", err)
			}
			return
		}
		if o.URL == "" || strings.Contains(o.URL, secret) && !strings.Contains(rest, secret) {
			t.Fatalf("servers %q", o.URL)
		}
	})
}
