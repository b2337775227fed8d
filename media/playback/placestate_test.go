package playback

import (
	"bytes"
	"testing"
	"time"
)

// What processes share of places is read back as it was written, and anything else is no state.
func FuzzPlaces(f *testing.F) {
	now := time.UnixMilli(1_800_000_000_000)
	f.Add(places{}.with("aa", now.Add(time.Second)).with("bb", now.Add(time.Minute)).encode())
	f.Add([]byte{placesVersion})
	f.Add([]byte{placesVersion, 200})
	f.Add([]byte("nonsense"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p := decodePlaces(b, now)
		if len(p) > maxPlaces {
			t.Fatalf("%d places", len(p))
		}
		for _, x := range p {
			if !x.until.After(now) || x.stream == "" || len(x.stream) > placeID {
				t.Fatalf("%+v", x)
			}
		}
		if again := decodePlaces(p.encode(), now); !bytes.Equal(again.encode(), p.encode()) {
			t.Fatalf("%v reads back as %v", p, again)
		}
	})
}
