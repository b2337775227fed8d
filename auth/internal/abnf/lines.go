package abnf

import (
	"bytes"
	"strconv"
	"strings"
)

// Unprintable returns the index of the first byte that is neither printable ASCII nor a line
// feed, or -1.
func Unprintable(b []byte) int {
	return bytes.IndexFunc(b, func(r rune) bool { return r != '\n' && (r < ' ' || r > '~') })
}

// Lines walks the lines of a message and remembers the first thing that was wrong.
type Lines struct {
	lines   []string
	at      int
	bad     string
	badLine int
}

// NewLines returns a walk over text, whose lines end in LF alone.
func NewLines(text string) *Lines { return &Lines{lines: strings.Split(text, "\n")} }

// Bad returns what was wanted at the first line that was wrong; empty if none was.
func (p *Lines) Bad() (want string, line int) { return p.bad, p.badLine }

// Fail says what the line consumed last should have been.
func (p *Lines) Fail(want string) {
	if p.bad == "" {
		p.bad, p.badLine = want, p.at
	}
}

// Next consumes a line; past the end it yields what no rule accepts.
func (p *Lines) Next() string {
	p.at++
	if p.at > len(p.lines) {
		return "\n"
	}
	return p.lines[p.at-1]
}

// Field consumes a line that must be tag and a value valid approves of.
func (p *Lines) Field(tag, what string, valid func(string) bool) string {
	v, ok := strings.CutPrefix(p.Next(), tag)
	if !ok || !valid(v) {
		p.Fail(strconv.Quote(tag) + " and " + what)
	}
	return v
}

// Has reports whether the next line starts with tag.
func (p *Lines) Has(tag string) bool {
	return p.at < len(p.lines) && strings.HasPrefix(p.lines[p.at], tag)
}

// Empty consumes a line that must be empty.
func (p *Lines) Empty() {
	if p.Next() != "" {
		p.Fail("an empty line")
	}
}

// Timestamp consumes a line that must be tag and a time.
func (p *Lines) Timestamp(tag string) (ts Timestamp) {
	ts.text = p.Field(tag, "an RFC 3339 time", func(s string) (ok bool) {
		ts.time, ok = parseTime(s)
		return ok
	})
	return ts
}

// Tail consumes the fields that end a message of either kind: a request id and resources, both
// optional, and then nothing more.
func (p *Lines) Tail() (requestID *string, resources []string) {
	if p.Has(TagRequestID) {
		id := p.Field(TagRequestID, "RFC 3986 path characters", func(s string) bool { return Only(s, IsPchar) })
		requestID = &id
	}
	if p.Has(TagResources) {
		resources = []string{}
		p.Field(TagResources, "nothing more on this line", func(s string) bool { return s == "" })
		for p.Has(TagResource) {
			resources = append(resources, p.Field(TagResource, "an absolute URI", IsURI))
		}
	}
	if p.at < len(p.lines) {
		p.at++
		p.Fail("the end of the message, or the next optional field in the order Expiration Time, Not Before, Request ID, Resources")
	}
	return requestID, resources
}
