package mem_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/mem"
	"github.com/streamgate/streamgate/storage/storagetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storagetest.Run(t, func(testing.TB) storage.Store { return mem.New() })
}

func ExampleNew() {
	ctx := context.Background()
	s := mem.New()
	for _, key := range []string{"b", "a/2", "a/1"} {
		if _, err := s.Put(ctx, key, strings.NewReader(key), storage.PutOptions{}); err != nil {
			log.Fatal(err)
		}
	}
	infos, err := s.List(ctx, "a/", "", 0)
	if err != nil {
		log.Fatal(err)
	}
	for _, info := range infos {
		fmt.Println(info.Key, info.Size)
	}
	// Output:
	// a/1 3
	// a/2 3
}
