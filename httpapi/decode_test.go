package httpapi

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media"
)

func TestDecodeIsStrict(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		pointers []string // empty: accepted
	}{
		{"plain", `{"title":"a","tags":["x","y"],"policy":{"public":true}}`, nil},
		{"a rule inside is its own business", `{"title":"a","gate":{"gr":1,"when":{"x":[1,{"y":2}]}}}`, nil},
		{"space around", " \n{}\t", nil},
		{"null leaves the default", `{"gate":null}`, nil},
		{"empty", "", []string{""}},
		{"white space", "  ", []string{""}},
		{"not JSON", "title=a", []string{""}},
		{"cut off", `{"title":"a"`, []string{""}},
		{"cut off in a list", `{"tags":["a"`, []string{""}},
		{"an array", `[1]`, []string{""}},
		{"a string", `"x"`, []string{""}},
		{"two values", `{} {}`, []string{""}},
		{"unknown", `{"titel":"a"}`, []string{"/titel"}},
		{"another case is unknown", `{"Title":"a"}`, []string{"/Title"}},
		{"unknown deeper", `{"policy":{"public":true,"free":1}}`, []string{"/policy/free"}},
		{"doubled", `{"title":"a","title":"b"}`, []string{"/title"}},
		{"doubled inside the rule", `{"gate":{"gr":1,"gr":2}}`, []string{"/gate/gr"}},
		{"each is named", `{"a":1,"b":{"c":1},"title":"x","title":"y"}`, []string{"/a", "/b", "/title"}},
		{"escapes in pointers", `{"a/b~c":1}`, []string{"/a~1b~0c"}},
		{"wrong type", `{"title":7}`, []string{"/title"}},
		{"wrong type deeper", `{"policy":{"public":"yes"}}`, []string{"/policy/public"}},
		{"not UTF-8", "{\"title\":\"\xff\"}", []string{""}},
		{"too deep", strings.Repeat(`{"gate":`, 80) + "1" + strings.Repeat("}", 80), []string{"/gate/gate", ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var in media.CreateAsset
			err := decodeStrict([]byte(c.in), &in)
			if len(c.pointers) == 0 {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if !errors.Is(err, fault.Invalid) {
				t.Fatalf("got %v", err)
			}
			_, fields, _ := fault.Public(err)
			var got []string
			for _, f := range fields {
				got = append(got, f.Pointer)
				if f.Detail == "" {
					t.Errorf("%q has no detail", f.Pointer)
				}
			}
			if c.name == "too deep" {
				got = []string{"/gate/gate", got[len(got)-1]}
			}
			if !slices.Equal(got, c.pointers) {
				t.Errorf("named %q, want %q", got, c.pointers)
			}
		})
	}
}

func TestDecodeNamesNoMoreThanItShould(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`{"x":1`)
	for range 500 {
		b.WriteString(`,"x":1`)
	}
	err := decodeStrict([]byte(b.String()+"}"), &media.CreateAsset{})
	if _, fields, _ := fault.Public(err); len(fields) != maxMembers {
		t.Errorf("%d fields", len(fields))
	}
}

// Whatever is accepted is JSON that encoding/json accepts too, and means the
// same when every member is read back.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{}`, `{"title":"a","tags":["x"],"policy":{"epoch_ms":4000}}`, `{"a":{"b":[]}}`, `[`, `{"gate":{"gr":1}}`, `{"title":"\u0000"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var in media.CreateAsset
		err := decodeStrict(b, &in)
		if err != nil {
			if k := fault.KindOf(err); k != fault.Invalid {
				t.Fatalf("kind %s", k)
			}
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(b, &members); err != nil && strings.TrimSpace(string(b)) != "null" {
			t.Fatalf("accepted %q: %v", b, err)
		}
		for name := range members {
			if !slices.Contains([]string{"title", "description", "tags", "gate", "policy"}, name) {
				t.Fatalf("accepted member %q", name)
			}
		}
	})
}
