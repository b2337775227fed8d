package metadata

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/streamgate/streamgate/fault"
)

// Bounds of one document.
const (
	maxDepth  = 16
	maxTraits = 512
	maxText   = 1024 // of a name or value
)

// data reads what follows "data:" (RFC 2397).
func (r *Reader) data(rest string) ([]byte, error) {
	const op = "metadata.data"
	kind, body, ok := strings.Cut(rest, ",")
	if !ok {
		return nil, fault.New(fault.Corrupt, op, "the data: address has no data")
	}
	if int64(len(body)) > 4*r.opt.MaxBytes { // percent signs make three of one
		return nil, fault.New(fault.TooLarge, op, "the metadata is too long")
	}
	var b []byte
	if strings.HasSuffix(strings.ToLower(strings.TrimSpace(kind)), ";base64") {
		var err error
		if b, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(body, "=")); err != nil {
			return nil, fault.New(fault.Corrupt, op, "the data: address is not base64")
		}
	} else if text, err := url.PathUnescape(body); err == nil {
		b = []byte(text)
	} else {
		b = []byte(body) // contracts that write JSON as it is, percent signs and all
	}
	if int64(len(b)) > r.opt.MaxBytes {
		return nil, fault.New(fault.TooLarge, op, "the metadata is too long")
	}
	return b, nil
}

// parse takes the attributes out of a document: [{"trait_type": name, "value": text, number or bool}]. A document
// without the member has none; entries without a name have nothing to ask for and are left out. Numbers keep
// their spelling.
func parse(b []byte) (map[string][]string, error) {
	const op = "metadata.parse"
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if depth(b) > maxDepth {
		return nil, fault.New(fault.TooLarge, op, "the metadata is nested too deep")
	}
	var doc struct {
		Attributes []struct {
			Name  *string         `json:"trait_type"`
			Value json.RawMessage `json:"value"`
		} `json:"attributes"`
	}
	if err := json.Unmarshal(b, &doc); err != nil || len(bytes.TrimSpace(b)) == 0 || bytes.TrimSpace(b)[0] != '{' {
		return nil, fault.New(fault.Corrupt, op, "the metadata is not the JSON that is asked for")
	}
	if len(doc.Attributes) > maxTraits {
		return nil, fault.New(fault.TooLarge, op, "the metadata has too many attributes")
	}
	out := map[string][]string{}
	for _, a := range doc.Attributes {
		value, ok := scalar(a.Value)
		if a.Name == nil || !ok || len(*a.Name) > maxText || len(value) > maxText {
			continue
		}
		out[*a.Name] = append(out[*a.Name], value)
	}
	return out, nil
}

func scalar(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || raw[0] == 'n' {
		return "", false
	}
	if raw[0] != '"' {
		return string(raw), true
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}

// depth is how deep brackets nest outside strings.
func depth(b []byte) int {
	deepest, now, quoted := 0, 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			now++
			deepest = max(deepest, now)
		case c == '}' || c == ']':
			now--
		}
	}
	return deepest
}
