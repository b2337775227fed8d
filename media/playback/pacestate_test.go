package playback

import (
	"bytes"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A pacer that is written and read between any two questions answers as one that is not.
func TestPaceStateKeepsEverything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const epoch, lead = 4 * time.Second, 4 * time.Second
		p, q := newPacer(epoch, lead), newPacer(epoch, lead)
		now := time.Unix(1_800_000_000, 0)
		for range rapid.IntRange(1, 100).Draw(t, "questions") {
			now = now.Add(time.Duration(rapid.Int64Range(0, 10e9).Draw(t, "pause")))
			e := rapid.IntRange(0, 200).Draw(t, "epoch")
			wait, seek := p.ask(now, e)
			b := q.encode()
			r, ok := decodePacer(b, epoch, lead)
			if !ok || len(b) > maxPaceState {
				t.Fatalf("not read again: %x", b)
			}
			q = r
			gotWait, gotSeek := q.ask(now, e)
			if gotWait != wait || gotSeek != seek {
				t.Fatalf("epoch %d: %v, %v, want %v, %v", e, gotWait, gotSeek, wait, seek)
			}
		}
	})
}

func FuzzPaceState(f *testing.F) {
	p := newPacer(time.Second, time.Second)
	f.Add(p.encode())
	p.ask(time.Unix(1_800_000_000, 0), 3)
	p.ask(time.Unix(1_800_000_001, 0), 300)
	f.Add(p.encode())
	f.Add([]byte{paceVersion})
	f.Fuzz(func(t *testing.T, b []byte) {
		p, ok := decodePacer(b, time.Second, time.Second)
		if !ok {
			return
		}
		// What is read can be asked, and survives being written.
		q, ok := decodePacer(p.encode(), time.Second, time.Second)
		if !ok || !bytes.Equal(p.encode(), q.encode()) || !reflect.DeepEqual(p.spans, q.spans) {
			t.Fatalf("%x becomes %x", b, p.encode())
		}
		p.ask(time.Unix(1_800_000_000, 0), 7)
	})
}
