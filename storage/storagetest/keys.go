package storagetest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
)

func validKeys(t testing.TB, newStore NewStore) {
	s := newStore(t)
	long := strings.Repeat("e", storage.MaxElementLen)
	valid := []string{
		"a", "Z", "0", "-", "_", "...", ".a", "a.", ".tmp", "..a", "-rf", "CON", "nul.txt", "a_b-c.d",
		long, long + "/" + long, strings.Repeat("a/", 255) + "ab", "t/default/a/01JABC/v1/video-720p.mp4",
		"lock", "tmp/x", "a.b/c.d", "index.html", ".git/config", "x.gz",
	}
	for _, key := range valid {
		put(t, s, key, []byte(key))
	}
	for _, key := range valid {
		wantBody(t, key, get(t, s, key, 0, -1), []byte(key))
	}
	slices.Sort(valid)
	if got := keysOf(list(t, s, "", "", 0)); !slices.Equal(got, valid) {
		t.Errorf("List shows %q, want %q", got, valid)
	}
}

func invalidKeys(t testing.TB, newStore NewStore) {
	s := newStore(t)
	for _, key := range []string{
		"", "/", "/a", "a/", "a//b", ".", "..", "./a", "../a", "a/..", "a/../b", "a/./b", "a b", "a\x00b", "a\\b", "a\nb", "é", "a~", "a@", "a:b",
		"a%2f..", "a*", strings.Repeat("a", storage.MaxElementLen+1), strings.Repeat("a/", 256) + "a",
	} {
		what := fmt.Sprintf(" of the key %q", key)
		_, err := s.Put(t.Context(), key, bytes.NewReader(nil), storage.PutOptions{})
		wantKind(t, "Put"+what, err, fault.Invalid)
		_, err = s.Get(t.Context(), key, 0, -1)
		wantKind(t, "Get"+what, err, fault.Invalid)
		_, err = s.Stat(t.Context(), key)
		wantKind(t, "Stat"+what, err, fault.Invalid)
		wantKind(t, "Delete"+what, s.Delete(t.Context(), key), fault.Invalid)
	}
	if infos := list(t, s, "", "", 0); len(infos) != 0 {
		t.Errorf("List shows %q", keysOf(infos))
	}
}

func keyBesideDirectory(t testing.TB, newStore NewStore) {
	s := newStore(t)
	keys := []string{"a", "a/b", "a/b/c", "a/b/c/d"}
	for _, key := range []string{"a/b/c", "a", "a/b/c/d", "a/b"} {
		put(t, s, key, []byte(key))
	}
	for _, key := range keys {
		wantBody(t, key, get(t, s, key, 0, -1), []byte(key))
	}
	if got := keysOf(list(t, s, "", "", 0)); !slices.Equal(got, keys) {
		t.Errorf("List shows %q, want %q", got, keys)
	}
	if err := s.Delete(t.Context(), "a/b"); err != nil {
		t.Fatal(err)
	}
	wantAbsent(t, s, "a/b")
	wantBody(t, "beneath the deleted key", get(t, s, "a/b/c", 0, -1), []byte("a/b/c"))
}

// tree holds keys whose order by bytes is not the order of a directory walk:
// - and . sort before the slash, digits and letters after.
var tree = []string{
	"a", "a-", "a-b/c", "a.", "a.b", "a.b/c", "a/", "a/-", "a/b", "a/b.c", "a/b/c", "a/b0", "a0", "a0/b", "aB", "a_", "ab", "ab/c/d", "b", "b/a", "b/c/e", "b0",
}

func fill(t testing.TB, s storage.Store) []string {
	t.Helper()
	var keys []string
	for _, key := range tree {
		if strings.HasSuffix(key, "/") {
			continue // only a border between others
		}
		keys = append(keys, key)
	}
	for _, i := range rand.New(rand.NewPCG(3, 4)).Perm(len(keys)) {
		put(t, s, keys[i], []byte("x"))
	}
	slices.Sort(keys)
	return keys
}

func listOrder(t testing.TB, newStore NewStore) {
	s := newStore(t)
	if infos := list(t, s, "", "", 0); len(infos) != 0 {
		t.Errorf("List of an empty store shows %q", keysOf(infos))
	}
	want := fill(t, s)
	if got := keysOf(list(t, s, "", "", 0)); !slices.Equal(got, want) {
		t.Errorf("List shows %q, want %q", got, want)
	}
}

func listPages(t testing.TB, newStore NewStore) {
	s := newStore(t)
	want := fill(t, s)
	for _, limit := range []int{1, 2, 5, len(want), len(want) + 1} {
		var got []string
		for after := ""; ; {
			page := keysOf(list(t, s, "", after, limit))
			if len(page) > limit {
				t.Fatalf("a page of %d has %d objects", limit, len(page))
			}
			got = append(got, page...)
			if len(page) < limit || len(got) > len(want) {
				break
			}
			after = page[len(page)-1]
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d show %q, want %q", limit, got, want)
		}
	}
}

func listPrefixes(t testing.TB, newStore NewStore) {
	s := newStore(t)
	all := fill(t, s)
	borders := append([]string{"", "0", "a/b/", "b/", "b/c", "c", "zzz", "..", "/", "a//", "../", "a\x00", "~tmp", "\xff", "a@", "a/b@", "./a", "b/./"}, tree...)
	for _, prefix := range borders {
		for _, after := range borders {
			var want []string
			for _, key := range all {
				if strings.HasPrefix(key, prefix) && key > after {
					want = append(want, key)
				}
			}
			if got := keysOf(list(t, s, prefix, after, 0)); !slices.Equal(got, want) {
				t.Errorf("List(%q, %q) shows %q, want %q", prefix, after, got, want)
			}
			if len(want) > 2 {
				if got := keysOf(list(t, s, prefix, after, 2)); !slices.Equal(got, want[:2]) {
					t.Errorf("List(%q, %q, 2) shows %q, want %q", prefix, after, got, want[:2])
				}
			}
		}
	}
}

func listDescribes(t testing.TB, newStore NewStore) {
	s := newStore(t)
	for _, n := range sizes {
		put(t, s, fmt.Sprintf("d/%d", n), Body(9, n))
	}
	infos := list(t, s, "d/", "", 0)
	if len(infos) != len(sizes) {
		t.Errorf("List shows %d objects, want %d", len(infos), len(sizes))
	}
	for _, info := range infos {
		stat, err := s.Stat(t.Context(), info.Key)
		if err != nil {
			t.Fatal(err)
		}
		wantInfo(t, "List against Stat", info, stat)
		if key := fmt.Sprintf("d/%d", info.Size); key != info.Key {
			t.Errorf("List shows size %d for %s", info.Size, info.Key)
		}
	}
}

func listDefaultLimit(t testing.TB, newStore NewStore) {
	s := newStore(t)
	for i := range 30 {
		put(t, s, fmt.Sprintf("%02d", i), nil)
	}
	for limit, want := range map[int]int{-1: 30, 0: 30, 1: 1, 29: 29, 30: 30, 1 << 30: 30} {
		if got := len(list(t, s, "", "", limit)); got != want {
			t.Errorf("List with limit %d shows %d of 30 objects, want %d", limit, got, want)
		}
	}
}
