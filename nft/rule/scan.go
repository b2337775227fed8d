package rule

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/streamgate/streamgate/fault"
)

// value is one JSON value with where it stands. kind is s, n, b, 0, a or o.
type value struct {
	ptr  string
	kind byte
	str  string // the string, the number's literal, or "true"/"false"
	arr  []*value
	keys []string
	obj  map[string]*value
}

func (v *value) get(key string) *value {
	if v == nil {
		return nil
	}
	return v.obj[key]
}

// need is get that reports a missing member. A nil v was reported already.
func (v *value) need(p *parser, key string) *value {
	got := v.get(key)
	if got == nil && v != nil {
		p.fail(v.ptr, strconv.Quote(key)+" is missing")
	}
	return got
}

// parser collects everything wrong, so that an author mends it in one go.
type parser struct {
	fields   []fault.Field
	tooLarge bool
	leaves   int
	ids      map[string]bool
}

func (p *parser) fail(ptr, detail string) {
	const enough = 32
	if len(p.fields) < enough {
		p.fields = append(p.fields, fault.Field{Pointer: ptr, Detail: detail})
	}
}

// scan reads b as exactly one JSON value; nil means it is not JSON.
func (p *parser) scan(b []byte) *value {
	if !utf8.Valid(b) {
		p.fail("", "the text is not UTF-8")
		return nil
	}
	var whole json.RawMessage
	if err := json.Unmarshal(b, &whole); err != nil {
		var syn *json.SyntaxError
		if errors.As(err, &syn) {
			p.fail("", fmt.Sprintf("not JSON at byte %d: %s", syn.Offset, syn.Error()))
		} else {
			p.fail("", "not JSON")
		}
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return p.scanValue(d, "")
}

// scanValue walks valid JSON by tokens, since only they show duplicate members.
func (p *parser) scanValue(d *json.Decoder, ptr string) *value {
	tok, err := d.Token()
	if err != nil {
		p.fail(ptr, "not JSON")
		return nil
	}
	v := &value{ptr: ptr}
	switch t := tok.(type) {
	case string:
		v.kind, v.str = 's', t
	case json.Number:
		v.kind, v.str = 'n', t.String()
	case bool:
		v.kind, v.str = 'b', strconv.FormatBool(t)
	case nil:
		v.kind = '0'
	case json.Delim:
		if t == '[' {
			v.kind = 'a'
			for d.More() {
				v.arr = append(v.arr, p.scanValue(d, ptr+"/"+strconv.Itoa(len(v.arr))))
			}
		} else {
			v.kind, v.obj = 'o', map[string]*value{}
			for d.More() {
				p.scanMember(d, v)
			}
		}
		_, _ = d.Token() // the closing delimiter
	}
	return v
}

func (p *parser) scanMember(d *json.Decoder, v *value) {
	tok, _ := d.Token()
	key, _ := tok.(string)
	ptr := v.ptr + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
	member := p.scanValue(d, ptr)
	if _, dup := v.obj[key]; dup {
		p.fail(ptr, "the member is written twice; keep one")
		return
	}
	v.keys = append(v.keys, key)
	v.obj[key] = member
}

// object checks that v is an object of the allowed members. It returns nil,
// which every reader takes for "absent", when v is nil or something else.
func (p *parser) object(v *value, allowed ...string) *value {
	if v == nil {
		return nil
	}
	if v.kind != 'o' {
		p.fail(v.ptr, "write an object")
		return nil
	}
next:
	for _, k := range v.keys {
		for _, a := range allowed {
			if k == a {
				continue next
			}
		}
		p.fail(v.obj[k].ptr, "unknown member; known here: "+strings.Join(allowed, ", "))
	}
	return v
}

func (p *parser) text(v *value) string {
	if v == nil {
		return ""
	}
	if v.kind != 's' {
		p.fail(v.ptr, "write a string")
	}
	return v.str
}

func (p *parser) texts(v *value, most int) []string {
	if v == nil {
		return nil
	}
	if v.kind != 'a' || len(v.arr) == 0 || len(v.arr) > most {
		p.fail(v.ptr, fmt.Sprintf("write an array of 1 to %d strings", most))
		return nil
	}
	out := make([]string, len(v.arr))
	for i, e := range v.arr {
		out[i] = p.text(e)
	}
	return out
}

func (p *parser) oneOf(v *value, allowed ...string) string {
	s := p.text(v)
	if v == nil || v.kind != 's' {
		return s
	}
	for _, a := range allowed {
		if s == a {
			return s
		}
	}
	p.fail(v.ptr, "write one of "+strings.Join(allowed, ", "))
	return s
}

func (p *parser) integer(v *value, least, most uint64) uint64 {
	if v == nil {
		return least
	}
	n, err := strconv.ParseUint(v.str, 10, 53)
	if v.kind != 'n' || err != nil || n < least || n > most {
		p.fail(v.ptr, fmt.Sprintf("write an integer from %d to %d", least, most))
		return least
	}
	return n
}
