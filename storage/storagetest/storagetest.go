// Package storagetest is the conformance suite of storage.Store: every promise of
// the interface's documentation as a check. An implementation, or a decorator
// around one, is supported when Run passes on it.
package storagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/suite"
	"github.com/streamgate/streamgate/storage"
)

// NewStore returns an empty store and arranges for its end with t.Cleanup.
type NewStore = func(t testing.TB) storage.Store

// Run checks that what newStore makes keeps the promises of storage.Store. Each
// check gets a store of its own and runs in parallel with the others.
func Run(t *testing.T, newStore NewStore) {
	suite.Run(t, checks(), newStore)
}

// Failing returns the names of the checks that the stores of newStore do not
// pass, without failing t: it is for tests of the suite, and for tests that state
// which promise a store is known to break.
func Failing(t *testing.T, newStore NewStore) []string {
	return suite.Failing(t, checks(), newStore)
}

func checks() []suite.Check[NewStore] {
	return []suite.Check[NewStore]{
		{Name: "put then get", Run: putThenGet},
		{Name: "put describes the object", Run: putDescribes},
		{Name: "put replaces", Run: putReplaces},
		{Name: "etag changes with the content", Run: etagChanges},
		{Name: "put if absent", Run: putIfAbsent},
		{Name: "one of fifty wins if absent", Run: ifAbsentRace},
		{Name: "size is checked", Run: sizeChecked},
		{Name: "a failing reader changes nothing", Run: failingReader},
		{Name: "a panicking reader changes nothing", Run: panickingReader},
		{Name: "an ended context changes nothing", Run: endedContext},
		{Name: "a context that ends during put changes nothing", Run: contextEndsDuringPut},
		{Name: "ranges", Run: ranges},
		{Name: "random ranges of a large object", Run: randomRanges},
		{Name: "readers offer what they say", Run: readerExtras},
		{Name: "a reader outlives replacement and deletion", Run: readerOutlives},
		{Name: "missing keys", Run: missingKeys},
		{Name: "delete", Run: deleteRemoves},
		{Name: "keys that are valid", Run: validKeys},
		{Name: "keys that are not", Run: invalidKeys},
		{Name: "a key beside the keys beneath it", Run: keyBesideDirectory},
		{Name: "list in byte order", Run: listOrder},
		{Name: "list pages", Run: listPages},
		{Name: "list prefixes", Run: listPrefixes},
		{Name: "list describes like stat", Run: listDescribes},
		{Name: "list limits", Run: listDefaultLimit},
		{Name: "readers see whole objects while writers replace", Run: wholeObjects},
		{Name: "put and delete in one directory", Run: putDeleteRace},
	}
}

// Body returns n bytes that look random and depend on seed and n only.
func Body(seed uint64, n int) []byte {
	b := make([]byte, n)
	var s [32]byte
	s[0], s[1] = byte(seed), byte(seed>>8)
	rand.NewChaCha8(s).Read(b)
	return b
}

func put(t testing.TB, s storage.Store, key string, data []byte) storage.Info {
	t.Helper()
	info, err := s.Put(t.Context(), key, bytes.NewReader(data), storage.PutOptions{})
	if err != nil {
		t.Fatalf("Put(%q): %v", key, err)
	}
	return info
}

// get reads a range to its end through Read only.
func get(t testing.TB, s storage.Store, key string, offset, length int64) []byte {
	t.Helper()
	r, err := s.Get(t.Context(), key, offset, length)
	if err != nil {
		t.Fatalf("Get(%q, %d, %d): %v", key, offset, length, err)
	}
	defer closeReader(t, r)
	data, err := io.ReadAll(struct{ io.Reader }{r})
	if err != nil {
		t.Fatalf("reading %q from %d, %d bytes: %v", key, offset, length, err)
	}
	return data
}

func closeReader(t testing.TB, r io.Closer) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Errorf("Close of a reader: %v", err)
	}
}

func wantKind(t testing.TB, what string, err error, kind fault.Kind) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("%s: error %v, want kind %v", what, err, kind)
	}
}

func wantBody(t testing.TB, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got %s, want %s", what, brief(got), brief(want))
	}
}

// wantAbsent fails when anything is to be seen of key.
func wantAbsent(t testing.TB, s storage.Store, key string) {
	t.Helper()
	_, err := s.Stat(t.Context(), key)
	wantKind(t, "Stat of "+key, err, fault.NotFound)
	r, err := s.Get(t.Context(), key, 0, -1)
	wantKind(t, "Get of "+key, err, fault.NotFound)
	if err == nil {
		r.Close()
	}
	for _, info := range list(t, s, "", "", 0) {
		if info.Key == key {
			t.Errorf("List shows %q", key)
		}
	}
}

func list(t testing.TB, s storage.Store, prefix, after string, limit int) []storage.Info {
	t.Helper()
	infos, err := s.List(t.Context(), prefix, after, limit)
	if err != nil {
		t.Fatalf("List(%q, %q, %d): %v", prefix, after, limit, err)
	}
	return infos
}

func keysOf(infos []storage.Info) []string {
	keys := make([]string, len(infos))
	for i, info := range infos {
		keys[i] = info.Key
	}
	return keys
}

func brief(b []byte) string {
	if len(b) <= 32 {
		return string(bytes.ToValidUTF8(b, []byte("?")))
	}
	return fmt.Sprintf("%d bytes, %x...", len(b), b[:8])
}

// ended returns a context that has ended.
func ended(t testing.TB) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
