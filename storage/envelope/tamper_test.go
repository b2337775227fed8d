package envelope_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/envelope"
	"github.com/streamgate/streamgate/storage/mem"
	"github.com/streamgate/streamgate/storage/storagetest"
)

const (
	chunk = 1024
	whole = chunk + 16
)

// rig is an envelope of small chunks over a store whose bytes can be changed.
type rig struct {
	inner *mem.Store
	ring  *keys.Memory
	*envelope.Store
}

func newRig(t testing.TB) rig {
	inner, ring := mem.New(), keys.NewMemory()
	return rig{inner, ring, wrap(t, inner, ring, envelope.Options{ChunkSize: chunk})}
}

func (r rig) raw(t testing.TB, key string) []byte {
	t.Helper()
	data, err := read(t, r.inner, key, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// wantRefused reads key whole, which must fail, and ranges of it, which must fail or
// yield the bytes of want: untouched chunks stay readable.
func (r rig) wantRefused(t testing.TB, what, key string, want []byte) {
	t.Helper()
	for _, offset := range []int64{0, chunk + 5, 2 * chunk} {
		got, err := read(t, r.Store, key, offset, -1)
		if offset == 0 && !errors.Is(err, fault.Corrupt) {
			t.Errorf("%s: reading all: error %v, want kind corrupt", what, err)
		}
		if !bytes.HasPrefix(want[offset:], got) || err == nil && len(got) != len(want)-int(offset) {
			t.Errorf("%s: reading from %d yielded %d changed bytes, error %v", what, offset, len(got), err)
		}
	}
}

func TestEveryFlippedByteIsSeen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, n := range []int{0, 100, 2*chunk + 100} {
		key := fmt.Sprintf("t/x/a/y/%d", n)
		plain := storagetest.Body(1, n)
		put(t, r, key, plain)
		good := r.raw(t, key)
		for i := range good {
			for _, bit := range []byte{1, 0x80} {
				bad := slices.Clone(good)
				bad[i] ^= bit
				put(t, r.inner, key, bad)
				got, err := read(t, r.Store, key, 0, -1)
				// A changed magic, version, chunk size or scope is told as what it looks like.
				ok := errors.Is(err, fault.Corrupt) || i < envelope.HeaderSize && (errors.Is(err, fault.Unsupported) || errors.Is(err, fault.NotFound))
				if !ok || !bytes.HasPrefix(plain, got) {
					t.Fatalf("byte %d of %d flipped: read %d bytes, error %v", i, len(good), len(got), err)
				}
			}
		}
	}
}

func TestEveryTruncationIsSeen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for _, n := range []int{0, chunk, 2 * chunk, 2*chunk + 1} {
		plain := storagetest.Body(1, n)
		put(t, r, "k", plain)
		good := r.raw(t, "k")
		for size := range good {
			put(t, r.inner, "k", good[:size])
			if got, err := read(t, r.Store, "k", 0, -1); !errors.Is(err, fault.Corrupt) || !bytes.HasPrefix(plain, got) {
				t.Fatalf("%d bytes cut to %d: read %d bytes, error %v", len(good), size, len(got), err)
			}
			// At the exact end of what is left, too: it is not the end.
			if at := (size - envelope.HeaderSize) / whole * chunk; at > 0 {
				if _, err := read(t, r.Store, "k", int64(at), -1); err == nil {
					t.Fatalf("%d bytes cut to %d: reading from %d succeeds", len(good), size, at)
				}
			}
		}
		put(t, r.inner, "k", append(slices.Clone(good), 0))
		if _, err := read(t, r.Store, "k", 0, -1); !errors.Is(err, fault.Corrupt) {
			t.Errorf("%d bytes with one more: error %v", len(good), err)
		}
	}
}

func TestMovedChunksAreSeen(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	plain := storagetest.Body(1, 4*chunk)
	put(t, r, "k", plain)
	put(t, r, "other", plain)
	good, other := r.raw(t, "k"), r.raw(t, "other")
	head, body := good[:envelope.HeaderSize], good[envelope.HeaderSize:]
	part := func(i int) []byte { return body[i*whole : (i+1)*whole] }
	foreign := other[envelope.HeaderSize : envelope.HeaderSize+whole]
	for name, parts := range map[string][][]byte{
		"first two swapped":         {head, part(1), part(0), part(2), part(3)},
		"last two swapped":          {head, part(0), part(1), part(3), part(2)},
		"one repeated":              {head, part(0), part(0), part(1), part(2), part(3)},
		"one left out":              {head, part(0), part(2), part(3)},
		"the last left out":         {head, part(0), part(1), part(2)},
		"the last repeated":         {head, part(0), part(1), part(2), part(3), part(3)},
		"one of another object":     {head, foreign, part(1), part(2), part(3)},
		"another object's header":   {other[:envelope.HeaderSize], body},
		"another object altogether": {other},
		"only the header":           {head},
		"not an envelope":           {plain},
	} {
		put(t, r.inner, "k", bytes.Join(parts, nil))
		r.wantRefused(t, name, "k", plain)
	}
	put(t, r.inner, "k", good)
	if got, err := read(t, r.Store, "k", 0, -1); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("restored: %v", err)
	}
}

func TestCiphertextShowsNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	plain := bytes.Repeat([]byte("the same words "), 300)
	put(t, r, "a", plain)
	put(t, r, "b", plain)
	a, b := r.raw(t, "a"), r.raw(t, "b")
	if bytes.Contains(a, []byte("same words")) {
		t.Error("the object below holds plaintext")
	}
	for i := envelope.HeaderSize; i+16 <= len(a); i += 16 {
		if bytes.Contains(b, a[i:i+16]) || bytes.Contains(a[i+16:], a[i:i+16]) {
			t.Fatalf("the block at %d appears twice", i)
		}
	}
}

// spy notes the ranges that are read below.
type spy struct {
	storage.Store
	mu     sync.Mutex
	ranges [][2]int64
}

func (s *spy) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ranges = append(s.ranges, [2]int64{offset, length})
	return s.Store.Get(ctx, key, offset, length)
}

func TestRangesReadOnlyTheChunksNeeded(t *testing.T) {
	t.Parallel()
	below := &spy{Store: mem.New()}
	s := wrap(t, below, keys.NewMemory(), envelope.Options{ChunkSize: chunk})
	plain := storagetest.Body(1, 100*chunk)
	put(t, s, "k", plain)
	for _, c := range []struct {
		offset, length int64
		want           [][2]int64
	}{
		{50*chunk + 10, 20, [][2]int64{{0, envelope.HeaderSize}, {envelope.HeaderSize + 50*whole, whole + 1}}},
		{50*chunk + 10, 20, [][2]int64{{envelope.HeaderSize + 50*whole, whole + 1}}}, // the header is known by now
		{50 * chunk, 2*chunk + 1, [][2]int64{{envelope.HeaderSize + 50*whole, 3*whole + 1}}},
		{5, 10, [][2]int64{{0, envelope.HeaderSize + whole + 1}}},
	} {
		below.ranges = nil
		got, err := read(t, s, "k", c.offset, c.length)
		if err != nil || !bytes.Equal(got, plain[c.offset:c.offset+c.length]) {
			t.Fatalf("Get(%d, %d): %d bytes, %v", c.offset, c.length, len(got), err)
		}
		if !slices.Equal(below.ranges, c.want) {
			t.Errorf("Get(%d, %d) read %v below, want %v", c.offset, c.length, below.ranges, c.want)
		}
	}
}

// replacing replaces the object between the reads of its header and its bytes.
type replacing struct {
	storage.Store
	replace func()
}

func (s *replacing) Get(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if offset > 0 {
		s.replace()
	}
	return s.Store.Get(ctx, key, offset, length)
}

func TestRangeOfAnObjectReplacedMeanwhile(t *testing.T) {
	t.Parallel()
	below := &replacing{Store: mem.New(), replace: func() {}}
	s := wrap(t, below, keys.NewMemory(), envelope.Options{ChunkSize: chunk})
	put(t, s, "k", storagetest.Body(1, 10*chunk))
	next := storagetest.Body(2, 10*chunk)
	below.replace = sync.OnceFunc(func() { put(t, s, "k", next) })
	got, err := read(t, s, "k", 5*chunk, chunk)
	if err != nil || !bytes.Equal(got, next[5*chunk:6*chunk]) {
		t.Errorf("read %d bytes, error %v, want the new object's", len(got), err)
	}
	below.replace = func() { put(t, s, "k", next) }
	if _, err := read(t, s, "k", 5*chunk, chunk); !errors.Is(err, fault.Unavailable) {
		t.Errorf("replaced each time: error %v, want kind unavailable", err)
	}
}

func TestShredIsAtOnceAndOfOneScope(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	plain := storagetest.Body(1, 5*chunk)
	for _, key := range []string{"t/x/a/gone/1", "t/x/a/gone", "t/x/a/gone2/1", "t/x/b", "free"} {
		put(t, r, key, plain)
		for _, offset := range []int64{0, 3 * chunk} { // both ways into the cache
			if _, err := read(t, r.Store, key, offset, -1); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := r.Shred(t.Context(), "t/x/a/gone"); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"t/x/a/gone/1", "t/x/a/gone"} {
		for _, offset := range []int64{0, 3 * chunk} {
			if _, err := read(t, r.Store, key, offset, -1); !errors.Is(err, fault.NotFound) {
				t.Errorf("Get(%q, %d) after Shred: %v, want kind not_found", key, offset, err)
			}
		}
		if _, err := r.Put(t.Context(), key, bytes.NewReader(plain), storage.PutOptions{}); !errors.Is(err, fault.NotFound) {
			t.Errorf("Put(%q) after Shred: %v, want kind not_found", key, err)
		}
	}
	for _, key := range []string{"t/x/a/gone2/1", "t/x/b", "free"} {
		if _, err := read(t, r.Store, key, 0, -1); err != nil {
			t.Errorf("Get(%q) after Shred of another scope: %v", key, err)
		}
	}
}

func TestShredElsewhereIsHeededInTime(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	inner, ring := mem.New(), keys.NewMemory()
	s := wrap(t, inner, ring, envelope.Options{KeyTTL: time.Minute, Now: func() time.Time { return now }})
	for _, key := range []string{"t/x/a/1/k", "t/x/a/2/k"} {
		put(t, s, key, []byte("x"))
		if _, err := read(t, s, key, 0, -1); err != nil {
			t.Fatal(err)
		}
		if err := ring.Shred(t.Context(), key[:len(key)-2]); err != nil {
			t.Fatal(err)
		}
	}
	s.Forget("t/x/a/1")
	if _, err := read(t, s, "t/x/a/1/k", 0, -1); !errors.Is(err, fault.NotFound) {
		t.Errorf("after Forget: %v, want kind not_found", err)
	}
	now = now.Add(time.Minute)
	if _, err := read(t, s, "t/x/a/2/k", 0, -1); !errors.Is(err, fault.NotFound) {
		t.Errorf("after KeyTTL: %v, want kind not_found", err)
	}
}

// slowKeys lets a test act while a key is being unwrapped.
type slowKeys struct {
	keys.Manager
	during func()
}

func (s *slowKeys) Unwrap(ctx context.Context, scope string, wrapped []byte) ([]byte, error) {
	key, err := s.Manager.Unwrap(ctx, scope, wrapped)
	s.during()
	return key, err
}

func TestShredWhileAKeyIsUnwrapped(t *testing.T) {
	t.Parallel()
	km := &slowKeys{Manager: keys.NewMemory(), during: func() {}}
	s := wrap(t, mem.New(), km, envelope.Options{KeyTTL: time.Hour})
	put(t, s, "t/x/a/1/k", []byte("x"))
	km.during = sync.OnceFunc(func() {
		if err := s.Shred(t.Context(), "t/x/a/1"); err != nil {
			t.Error(err)
		}
	})
	read(t, s, "t/x/a/1/k", 0, -1) // began before the Shred: either answer is right
	if _, err := read(t, s, "t/x/a/1/k", 0, -1); !errors.Is(err, fault.NotFound) {
		t.Errorf("after Shred: %v, want kind not_found", err)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, size := range []int{-1, 1, 1023, 16<<20 + 1} {
		if _, err := envelope.New(mem.New(), keys.NewMemory(), envelope.Options{ChunkSize: size}); !errors.Is(err, fault.Invalid) {
			t.Errorf("chunk size %d: %v, want kind invalid", size, err)
		}
	}
	inner, ring := mem.New(), keys.NewMemory()
	put(t, wrap(t, inner, ring, envelope.Options{ChunkSize: 2048}), "k", []byte("x"))
	if _, err := read(t, wrap(t, inner, ring, envelope.Options{}), "k", 0, -1); !errors.Is(err, fault.Unsupported) {
		t.Errorf("another chunk size: %v, want kind unsupported", err)
	}
	long := string(bytes.Repeat([]byte("s"), 500))
	s := wrap(t, inner, longScopes{ring}, envelope.Options{Scope: func(string) string { return long }})
	if _, err := s.Put(t.Context(), "k", bytes.NewReader(nil), storage.PutOptions{}); !errors.Is(err, fault.Invalid) {
		t.Errorf("a scope that does not fit the header: %v, want kind invalid", err)
	}
	if inner, ok := storage.As[*mem.Store](storage.Store(s)); !ok || inner == nil {
		t.Error("storage.As does not find the store below")
	}
}

type longScopes struct{ keys.Manager }

func (longScopes) DataKey(context.Context, string) (plain, wrapped []byte, err error) {
	return make([]byte, 32), make([]byte, 61), nil
}

func TestDefaultScope(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{
		"t/x/a/1/v1/seg": "t/x/a/1", "t/x/a/1/k": "t/x/a/1", "t/x/a/1": "t/x/a/1", "t/x/a": "t/default", "t/x/b/1/k": "t/default",
		"u/x/a/1/k": "t/default", "k": "t/default",
	} {
		if got := envelope.DefaultScope(key); got != want {
			t.Errorf("DefaultScope(%q) = %q, want %q", key, got, want)
		}
	}
}

func TestDamagedSizesInStatAndList(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	sizes := map[int]bool{0: false, 511: false, 512: false, 527: false, 528: true, 529: true, 512 + whole: true, 512 + whole + 1: false, 512 + whole + 16: false, 512 + whole + 17: true}
	for size, ok := range sizes {
		put(t, r.inner, "k", make([]byte, size))
		if _, err := r.Stat(t.Context(), "k"); ok != (err == nil) || !ok && !errors.Is(err, fault.Corrupt) {
			t.Errorf("Stat of %d bytes below: %v", size, err)
		}
		infos, err := r.List(t.Context(), "", "", 0)
		if err != nil || len(infos) != 1 || !ok && infos[0].Size != 0 {
			t.Errorf("List of %d bytes below: %+v, %v", size, infos, err)
		}
	}
}

// FuzzObject hands any bytes to the parser of headers and what follows.
func FuzzObject(f *testing.F) {
	inner, ring := mem.New(), keys.NewMemory()
	s := wrap(f, inner, ring, envelope.Options{ChunkSize: chunk})
	plain := storagetest.Body(1, chunk+10)
	put(f, s, "k", plain)
	good, err := read(f, inner, "k", 0, -1)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:600])
	f.Add([]byte("SGEV\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		inner := mem.New()
		s := wrap(t, inner, ring, envelope.Options{ChunkSize: chunk})
		put(t, inner, "k", data)
		got, err := read(t, s, "k", 0, -1)
		if bytes.Equal(data, good) {
			if err != nil || !bytes.Equal(got, plain) {
				t.Fatalf("the untouched object: %v", err)
			}
			return
		}
		if err == nil {
			t.Fatalf("a changed object of %d bytes was taken", len(data))
		}
		if k := fault.KindOf(err); k == fault.Internal || k == fault.Canceled {
			t.Fatalf("error %v of kind %v", err, k)
		}
		if !bytes.HasPrefix(plain, got) {
			t.Fatal("changed bytes came before the error")
		}
	})
}
