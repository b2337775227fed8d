package envelope_test

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/envelope"
	"github.com/streamgate/streamgate/storage/mem"
	"github.com/streamgate/streamgate/storage/storagetest"
)

// null reads bodies and keeps none, so that writing measures sealing.
type null struct{ storage.Store }

func (null) Put(_ context.Context, _ string, r io.Reader, _ storage.PutOptions) (storage.Info, error) {
	_, err := io.Copy(io.Discard, r)
	return storage.Info{}, err
}

func BenchmarkWrite(b *testing.B) {
	const size = 16 << 20
	data := storagetest.Body(1, size)
	s := wrap(b, null{}, keys.NewMemory(), envelope.Options{})
	b.SetBytes(size)
	for b.Loop() {
		if _, err := s.Put(b.Context(), "k", bytes.NewReader(data), storage.PutOptions{Size: size}); err != nil {
			b.Fatal(err)
		}
	}
}

func benchRead(b *testing.B, offset, length int64) {
	s := wrap(b, mem.New(), keys.NewMemory(), envelope.Options{})
	put(b, s, "t/x/a/y/k", storagetest.Body(1, 16<<20))
	b.SetBytes(length)
	for b.Loop() {
		r, err := s.Get(b.Context(), "t/x/a/y/k", offset, length)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, r); err != nil || n != length {
			b.Fatal(n, err)
		}
		r.Close()
	}
}

func BenchmarkRead(b *testing.B)      { benchRead(b, 0, 16<<20) }
func BenchmarkRange500K(b *testing.B) { benchRead(b, 5<<20+100, 500_000) }
func BenchmarkRange14K(b *testing.B)  { benchRead(b, 5<<20+100, 14_000) }
func BenchmarkRange100B(b *testing.B) { benchRead(b, 5<<20+100, 100) }
