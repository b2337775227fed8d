package ipfs_test

import (
	"bytes"
	"io"
	"testing"
	"testing/iotest"

	"github.com/streamgate/streamgate/drivers/ipfs"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage/storagetest"
)

func export(t testing.TB, n *ipfs.Node, data []byte) []byte {
	t.Helper()
	var car bytes.Buffer
	if err := n.ExportCAR(t.Context(), &car, add(t, n, data)); err != nil {
		t.Fatal(err)
	}
	return car.Bytes()
}

func TestCAR(t *testing.T) {
	t.Parallel()
	a, b := open(t, t.TempDir(), small), open(t, t.TempDir(), ipfs.Options{})
	for _, size := range []int{0, 1, 1000, 1001, 4001, 50_000} {
		data := storagetest.Body(uint64(size), size)
		car := export(t, a, data)
		if again := export(t, a, data); !bytes.Equal(car, again) {
			t.Errorf("%d bytes: two exports differ", size)
		}
		roots, err := b.ImportCAR(t.Context(), bytes.NewReader(car))
		if err != nil || len(roots) != 1 {
			t.Fatalf("%d bytes: ImportCAR: %v, %v", size, roots, err)
		}
		wantFile(t, b, roots[0], data)
		if pinned, err := b.Pinned(t.Context(), roots[0]); err != nil || !pinned {
			t.Errorf("%d bytes: the root is pinned: %v, %v", size, pinned, err)
		}
	}
}

// Whatever is wrong with a CAR, nothing is pinned, and the error says whose fault it is.
func TestDamagedCAR(t *testing.T) {
	t.Parallel()
	car := export(t, open(t, t.TempDir(), small), storagetest.Body(1, 6000))
	n := open(t, t.TempDir(), ipfs.Options{MaxImport: int64(len(car))})
	refused := func(what string, r io.Reader, kind fault.Kind) {
		t.Helper()
		_, err := n.ImportCAR(t.Context(), r)
		wantKind(t, what, err, kind)
		if pins, err := n.Pins(t.Context()); err != nil || len(pins) > 0 {
			t.Fatalf("%s: pinned %v, %v", what, pins, err)
		}
		if _, err := n.GC(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for cut := 0; cut < len(car); cut += 1 + cut/40 {
		refused("a CAR cut short", bytes.NewReader(car[:cut]), fault.Corrupt)
	}
	flipped := bytes.Clone(car)
	flipped[len(flipped)-10] ^= 1
	refused("a CAR with a flipped bit", bytes.NewReader(flipped), fault.Corrupt)
	refused("an empty CAR", bytes.NewReader(nil), fault.Corrupt)
	refused("no CAR", bytes.NewReader(bytes.Repeat([]byte("no CAR"), 100)), fault.Corrupt)
	refused("an endless header", io.MultiReader(bytes.NewReader([]byte{0xff, 0xff, 0xff, 0xff, 0x7f}), zeros{}), fault.Corrupt)
	refused("a CAR that is too large", io.MultiReader(bytes.NewReader(car), zeros{}), fault.TooLarge)
	refused("a reader that fails", io.MultiReader(bytes.NewReader(car[:2000]), iotest.ErrReader(fault.New(fault.Limited, "test", "no more"))), fault.Limited)
	if _, err := n.ImportCAR(t.Context(), bytes.NewReader(car)); err != nil {
		t.Errorf("the whole CAR afterwards: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
