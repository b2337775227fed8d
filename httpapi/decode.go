package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/streamgate/streamgate/fault"
)

// maxDepth bounds the nesting of a JSON body. GR/1 allows 8 levels of rule,
// each of two JSON levels.
const maxDepth = 64

// maxMembers bounds how many wrong members one answer lists.
const maxMembers = 20

// readBody reads a JSON request body within the limits.
func (a *api) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	const op = "httpapi.readBody"
	if ct := r.Header.Get("Content-Type"); ct != "" {
		mt, _, err := mime.ParseMediaType(ct)
		if err != nil || mt != "application/json" {
			return nil, fault.Newf(fault.Unsupported, op, "Send the body as application/json, not %q.", ct)
		}
	}
	// The deadline is per body: uploads and event streams live longer than this.
	rc := http.NewResponseController(w)
	if err := rc.SetReadDeadline(time.Now().Add(a.Limits.BodyTime)); err == nil {
		defer func() { _ = rc.SetReadDeadline(time.Time{}) }()
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, a.Limits.Body))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, fault.Newf(fault.TooLarge, op, "The body is larger than %d bytes.", a.Limits.Body)
	case err != nil:
		return nil, &fault.Error{Kind: fault.Invalid, Op: op, Msg: "The body did not arrive whole.", Err: err}
	}
	return b, nil
}

// decode reads the body into dst, a pointer to a struct, strictly: one JSON
// value, no unknown or doubled members.
func (a *api) decode(w http.ResponseWriter, r *http.Request, dst any) error {
	b, err := a.readBody(w, r)
	if err != nil {
		return err
	}
	return decodeStrict(b, dst)
}

func decodeStrict(b []byte, dst any) error {
	const op = "httpapi.decode"
	bad := fault.New(fault.Invalid, op, "The JSON body is not as described.")
	if len(bytes.TrimSpace(b)) == 0 {
		return bad.With("", "a JSON object is due, the body is empty")
	}
	if !utf8.Valid(b) {
		return bad.With("", "the body is not UTF-8")
	}
	c := &checker{dec: json.NewDecoder(bytes.NewReader(b)), bad: bad}
	c.dec.UseNumber()
	if err := c.value("", reflect.TypeOf(dst).Elem(), 0); err != nil {
		return bad.With("", jsonError(err))
	}
	if _, err := c.dec.Token(); err != io.EOF {
		bad.With("", "there is more after the JSON value")
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	if err := json.Unmarshal(b, dst); err != nil {
		var te *json.UnmarshalTypeError
		if errors.As(err, &te) {
			ptr := ""
			if te.Field != "" {
				ptr = "/" + strings.ReplaceAll(te.Field, ".", "/")
			}
			return bad.With(ptr, fmt.Sprintf("a %s is not allowed here, %s is due", te.Value, jsonType(te.Type)))
		}
		var fe *fault.Error
		if errors.As(err, &fe) {
			return fe
		}
		return bad.With("", jsonError(err))
	}
	return nil
}

func jsonError(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "the JSON ends too early"
	}
	return "not JSON: " + err.Error()
}

func jsonType(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Bool:
		return "a boolean"
	case reflect.String:
		return "a string"
	case reflect.Slice:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	default:
		return "a number"
	}
}

// checker walks the tokens of a document beside the Go type it is meant for
// and notes what encoding/json would let pass.
type checker struct {
	dec *json.Decoder
	bad *fault.Error
}

func (c *checker) note(pointer, detail string) {
	if len(c.bad.Fields) < maxMembers {
		c.bad.With(pointer, detail)
	}
}

// value reads one value whose expected type is t; nil means anything goes.
func (c *checker) value(ptr string, t reflect.Type, depth int) error {
	if depth > maxDepth {
		return errors.New("nested too deeply")
	}
	tok, err := c.dec.Token()
	if err != nil {
		return err
	}
	switch d, _ := tok.(json.Delim); d {
	case '{':
		return c.object(ptr, t, depth)
	case '[':
		for i := 0; c.dec.More(); i++ {
			if err := c.value(ptr+"/"+strconv.Itoa(i), elem(t), depth+1); err != nil {
				return err
			}
		}
		_, err := c.dec.Token()
		return err
	}
	return nil
}

func (c *checker) object(ptr string, t reflect.Type, depth int) error {
	fields := members(t)
	if depth == 0 && fields == nil && t != nil {
		c.note("", "a JSON object is not allowed here")
	}
	seen := map[string]bool{}
	for c.dec.More() {
		tok, err := c.dec.Token()
		if err != nil {
			return err
		}
		name := tok.(string) // inside an object the decoder yields strings as names
		p := ptr + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
		if seen[name] {
			c.note(p, "this member appears twice")
		}
		seen[name] = true
		var ft reflect.Type
		if fields != nil {
			f, ok := fields[name]
			if !ok {
				c.note(p, "unknown member; known are "+names(t))
			}
			ft = f
		}
		if err := c.value(p, ft, depth+1); err != nil {
			return err
		}
	}
	_, err := c.dec.Token()
	return err
}

// members returns the JSON members of a struct type with their types, or nil for
// a type that takes any object (raw messages, types that parse themselves).
func members(t reflect.Type) map[string]reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	m := make(map[string]reflect.Type, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			m[name] = f.Type
		}
	}
	return m
}

// names lists the members of t in the order of its declaration.
func names(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var ns []string
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" && name != "-" {
			ns = append(ns, name)
		}
	}
	return strings.Join(ns, ", ")
}

// elem is the element type of a list, or nil where the list is opaque.
func elem(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() != reflect.Slice || t.Elem().Kind() == reflect.Uint8 {
		return nil
	}
	return t.Elem()
}
