package envelope_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/envelope"
	"github.com/streamgate/streamgate/storage/file"
	"github.com/streamgate/streamgate/storage/mem"
	"github.com/streamgate/streamgate/storage/storagetest"
)

func wrap(t testing.TB, inner storage.Store, km keys.Manager, opt envelope.Options) *envelope.Store {
	t.Helper()
	s, err := envelope.New(inner, km, opt)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t testing.TB, s storage.Store, key string, data []byte) {
	t.Helper()
	if _, err := s.Put(t.Context(), key, bytes.NewReader(data), storage.PutOptions{}); err != nil {
		t.Fatalf("Put(%q): %v", key, err)
	}
}

// read returns the bytes that came before an error, too.
func read(t testing.TB, s storage.Store, key string, offset, length int64) ([]byte, error) {
	t.Helper()
	r, err := s.Get(t.Context(), key, offset, length)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func TestStore(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]envelope.Options{
		"default":          {},
		"small chunks":     {ChunkSize: 1024},
		"odd chunks":       {ChunkSize: 5003},
		"no key is cached": {CachedKeys: 1, KeyTTL: time.Nanosecond},
	} {
		t.Run("mem "+name, func(t *testing.T) {
			t.Parallel()
			storagetest.Run(t, func(t testing.TB) storage.Store { return wrap(t, mem.New(), keys.NewMemory(), opt) })
		})
	}
	t.Run("file", func(t *testing.T) {
		t.Parallel()
		storagetest.Run(t, func(t testing.TB) storage.Store {
			inner, err := file.Open(t.TempDir(), file.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { inner.Close() })
			return wrap(t, inner, keys.NewMemory(), envelope.Options{})
		})
	})
}

func Example() {
	ctx := context.Background()
	objects := mem.New() // file.Open in earnest
	ring := keys.NewMemory()
	s, err := envelope.New(objects, ring, envelope.Options{})
	if err != nil {
		log.Fatal(err)
	}
	key := "t/default/a/01J/source.mp4"
	if _, err := s.Put(ctx, key, strings.NewReader("a secret film"), storage.PutOptions{}); err != nil {
		log.Fatal(err)
	}
	r, err := s.Get(ctx, key, 2, 6)
	if err != nil {
		log.Fatal(err)
	}
	part, err := io.ReadAll(r)
	r.Close()
	fmt.Printf("%s %v\n", part, err)

	if err := s.Shred(ctx, "t/default/a/01J"); err != nil {
		log.Fatal(err)
	}
	_, err = s.Get(ctx, key, 0, -1)
	fmt.Println(errors.Is(err, fault.NotFound))
	// Output:
	// secret <nil>
	// true
}
