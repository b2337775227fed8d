package keys_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

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

func ExampleNewShared() {
	dir, err := os.MkdirTemp("", "master")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	// In earnest the store is drivers/sqldb, and each process has one of its own on the same database.
	store := keys.NewMemoryScopes()
	open := func() *keys.Shared {
		master, err := keys.OpenFileMaster(filepath.Join(dir, "master"), keys.FileOptions{})
		if err != nil {
			log.Fatal(err)
		}
		shared, err := keys.NewShared(master, store, keys.SharedOptions{})
		if err != nil {
			log.Fatal(err)
		}
		return shared
	}
	upload, streaming := open(), open()

	ctx := context.Background()
	scope := "t/default/a/01J"
	plain, wrapped, err := upload.DataKey(ctx, scope)
	if err != nil {
		log.Fatal(err)
	}
	if err := streaming.Rotate(ctx); err != nil {
		log.Fatal(err)
	}
	again, err := streaming.Unwrap(ctx, scope, wrapped)
	fmt.Println(bytes.Equal(plain, again), err)
	// Output: true <nil>
}

func ExampleOpenFileMaster() {
	// A secret that Kubernetes mounts with fsGroup, mode 0440.
	_, err := keys.OpenFileMaster("/run/secrets/streamgate-master", keys.FileOptions{ReadOnly: true, GroupMayRead: true})
	fmt.Println(errors.Is(err, fault.NotFound))
	// Output: true
}
