package file_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/file"
	"github.com/streamgate/streamgate/storage/storagetest"
)

func Example() {
	dir, err := os.MkdirTemp("", "objects")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	s, err := file.Open(dir, file.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	ctx := context.Background()
	if _, err := s.Put(ctx, "t/default/hello.txt", strings.NewReader("hello, world"), storage.PutOptions{}); err != nil {
		log.Fatal(err)
	}
	r, err := s.Get(ctx, "t/default/hello.txt", 7, -1)
	if err != nil {
		log.Fatal(err)
	}
	defer r.Close()
	tail, err := io.ReadAll(r)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", tail)
	// Output: world
}

func open(t testing.TB, dir string, opt file.Options) *file.Store {
	t.Helper()
	s, err := file.Open(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(t testing.TB) storage.Store { return open(t, t.TempDir(), file.Options{}) })
}
