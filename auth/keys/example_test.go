package keys_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/fault"
)

func ExampleOpenKeyring() {
	dir, err := os.MkdirTemp("", "keyring")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ring, err := keys.OpenKeyring(dir, keys.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer ring.Close()

	ctx := context.Background()
	scope := "t/default/a/01J"
	plain, wrapped, err := ring.DataKey(ctx, scope)
	if err != nil {
		log.Fatal(err)
	}
	if err := ring.Rotate(ctx); err != nil {
		log.Fatal(err)
	}
	again, err := ring.Unwrap(ctx, scope, wrapped)
	fmt.Println(bytes.Equal(plain, again), err)

	if err := ring.Shred(ctx, scope); err != nil {
		log.Fatal(err)
	}
	_, err = ring.Unwrap(ctx, scope, wrapped)
	fmt.Println(errors.Is(err, fault.NotFound))
	// Output:
	// true <nil>
	// true
}
