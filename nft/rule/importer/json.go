package importer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/streamgate/streamgate/fault"
)

// maxNesting bounds the depth of a document.
const maxNesting = 32

// value is a JSON value and where it is. A nil value is one that is not there.
type value struct {
	ptr  string
	kind byte // s string, n number, b bool, z null, a array, o object
	str  string
	arr  []*value
	keys []string
	obj  map[string]*value
}

// scan reads one JSON document. Unlike encoding/json it refuses duplicate members, which two readers may read
// differently, and text that is not UTF-8.
func scan(b []byte) (*value, error) {
	const op = "importer.Import"
	if !utf8.Valid(b) {
		return nil, fault.New(fault.Invalid, op, "the document is not UTF-8").With("", "send UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	v, err := scanValue(d, "", 0)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = fault.New(fault.Invalid, op, "the document does not end where it should").With("", "send one JSON value")
		}
	}
	if err != nil && fault.KindOf(err) != fault.Invalid && fault.KindOf(err) != fault.TooLarge {
		return nil, &fault.Error{Kind: fault.Invalid, Op: op, Msg: "the document is not JSON", Err: err, Fields: []fault.Field{{Detail: "this is not JSON"}}}
	}
	return v, err
}

func scanValue(d *json.Decoder, ptr string, depth int) (*value, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	v := &value{ptr: ptr}
	switch t := t.(type) {
	case string:
		v.kind, v.str = 's', t
	case json.Number:
		v.kind, v.str = 'n', t.String()
	case bool:
		v.kind, v.str = 'b', strconv.FormatBool(t)
	case nil:
		v.kind = 'z'
	case json.Delim:
		if depth >= maxNesting {
			return nil, fault.New(fault.TooLarge, "importer.Import", "the document is nested too deeply").With(ptr, "nested too deeply")
		}
		if t == '[' {
			return scanArray(d, v, depth)
		}
		return scanObject(d, v, depth)
	}
	return v, nil
}

func scanArray(d *json.Decoder, v *value, depth int) (*value, error) {
	v.kind = 'a'
	for d.More() {
		e, err := scanValue(d, v.ptr+"/"+strconv.Itoa(len(v.arr)), depth+1)
		if err != nil {
			return nil, err
		}
		v.arr = append(v.arr, e)
	}
	_, err := d.Token()
	return v, err
}

func scanObject(d *json.Decoder, v *value, depth int) (*value, error) {
	v.kind, v.obj = 'o', map[string]*value{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		key, _ := t.(string) // the decoder takes nothing else here
		ptr := v.ptr + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
		if v.obj[key] != nil {
			return nil, fault.New(fault.Invalid, "importer.Import", "a member is there twice").With(ptr, "this member is there twice")
		}
		if v.obj[key], err = scanValue(d, ptr, depth+1); err != nil {
			return nil, err
		}
		v.keys = append(v.keys, key)
	}
	_, err := d.Token()
	return v, err
}

// get returns a member, nil when v is no object or has none of that name.
func (v *value) get(key string) *value {
	if v == nil || v.obj == nil {
		return nil
	}
	return v.obj[key]
}

// text returns a string, number or bool as text; ok is false for anything else.
func (v *value) text() (s string, ok bool) {
	if v == nil || !slices.Contains([]byte{'s', 'n', 'b'}, v.kind) {
		return "", false
	}
	return v.str, true
}

// is reports whether v is a string of that text.
func (v *value) is(s string) bool { return v != nil && v.kind == 's' && v.str == s }

// empty reports whether v is not there or holds nothing: "", [], {} or null.
func (v *value) empty() bool {
	return v == nil || v.kind == 'z' || v.kind == 's' && v.str == "" || v.kind == 'a' && len(v.arr) == 0 || v.kind == 'o' && len(v.keys) == 0
}

// unknown returns the first member that is none of known, or nil.
func (v *value) unknown(known ...string) *value {
	for _, k := range v.keys {
		if !slices.Contains(known, k) {
			return v.obj[k]
		}
	}
	return nil
}

// or returns v, or where it is not there the value it should be in, to have something to point at.
func (v *value) or(in *value) *value {
	if v == nil {
		return in
	}
	return v
}
