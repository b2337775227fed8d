// Package fault is the error vocabulary of StreamGate: twelve kinds that every
// layer branches on, and one error type that carries a kind, the operation, a
// message that may be shown to the caller, and the cause.
//
// Domains and drivers return these errors; the edges (HTTP, gRPC) map a kind to
// their own status in one file each. The package imports the standard library
// only and never logs.
package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Kind classifies a failure by what the caller can do about it. Kinds cross
// process borders by number, so a number is never reused or reordered.
//
// A Kind is itself an error, so errors.Is(err, fault.NotFound) asks whether err
// is of that kind.
type Kind uint8

// The kinds.
const (
	// Internal is a defect or an unexpected state; nothing about it is shown.
	Internal Kind = 0
	// Invalid is input the caller must change; Fields names what and how.
	Invalid Kind = 1
	// Unauthenticated means we do not know who is asking.
	Unauthenticated Kind = 2
	// Forbidden means we know who is asking, and the answer is no.
	Forbidden Kind = 3
	// NotFound means there is no such thing, or it is not this caller's to see.
	NotFound Kind = 4
	// Conflict means the state has moved on; read again and retry.
	Conflict Kind = 5
	// TooLarge means a stated bound was exceeded.
	TooLarge Kind = 6
	// Unsupported means the input is well formed but this build or media type
	// cannot serve it.
	Unsupported Kind = 7
	// Limited means a rate or quota was reached; RetryAfter tells when to return.
	Limited Kind = 8
	// Unavailable means a dependency did not answer, or a thing is not ready
	// yet. It is never an answer about rights.
	Unavailable Kind = 9
	// Canceled means the caller gave up or its deadline passed.
	Canceled Kind = 10
	// Corrupt means bytes failed an integrity check.
	Corrupt Kind = 11
)

var names = [...]string{
	"internal", "invalid", "unauthenticated", "forbidden", "not_found", "conflict",
	"too_large", "unsupported", "limited", "unavailable", "canceled", "corrupt",
}

// Kinds returns every kind in numeric order, for tests that walk them all.
func Kinds() []Kind {
	ks := make([]Kind, len(names))
	for i := range ks {
		ks[i] = Kind(i)
	}
	return ks
}

// String returns the stable snake_case name, the `code` of problem+json.
func (k Kind) String() string {
	if int(k) < len(names) {
		return names[k]
	}
	return names[Internal]
}

// Error makes a Kind usable as the target of errors.Is.
func (k Kind) Error() string { return k.String() }

// Field is one thing wrong with structured input.
type Field struct {
	// Pointer is a JSON pointer (RFC 6901) into the input, or a parameter name.
	Pointer string `json:"pointer"`
	// Detail says what is wrong and how to mend it.
	Detail string `json:"detail"`
}

// Error is a failure with a kind. Build it with New, Newf or Wrap.
type Error struct {
	Kind Kind
	// Op is the operation that failed, as "package.Func", for logs.
	Op string
	// Msg may be shown to whoever made the request. Empty shows the kind only.
	Msg string
	// Fields lists the wrong members of an Invalid request.
	Fields []Field
	// RetryAfter is how long to wait before trying again; zero says nothing.
	RetryAfter time.Duration
	// Err is the cause, for logs and errors.As; it is never shown.
	Err error
}

// New returns an error of kind k with a public message.
func New(k Kind, op, msg string) *Error { return &Error{Kind: k, Op: op, Msg: msg} }

// Newf is New with formatting. Do not format causes into the message: use Wrap.
func Newf(k Kind, op, format string, args ...any) *Error {
	return &Error{Kind: k, Op: op, Msg: fmt.Sprintf(format, args...)}
}

// Wrap returns err as an error of kind k. It returns nil when err is nil.
// A context error keeps the kind Canceled whatever k says.
func Wrap(k Kind, op string, err error) error {
	if err == nil {
		return nil
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		k = Canceled
	}
	return &Error{Kind: k, Op: op, Err: err}
}

// At adds the operation to err and keeps its kind. It returns nil when err is nil.
func At(op string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: KindOf(err), Op: op, Err: err}
}

// With returns e with one more wrong field; it changes and returns e itself.
func (e *Error) With(pointer, detail string) *Error {
	e.Fields = append(e.Fields, Field{pointer, detail})
	return e
}

// After returns e with a time to wait; it changes and returns e itself.
func (e *Error) After(d time.Duration) *Error {
	e.RetryAfter = d
	return e
}

// Error renders operation, message, fields and cause for logs.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Op != "" {
		b.WriteString(e.Op)
		b.WriteString(": ")
	}
	if e.Msg != "" {
		b.WriteString(e.Msg)
	} else if e.Err == nil {
		b.WriteString(e.Kind.String())
	}
	for _, f := range e.Fields {
		fmt.Fprintf(&b, " [%s: %s]", f.Pointer, f.Detail)
	}
	if e.Err != nil {
		if e.Msg != "" {
			b.WriteString(": ")
		}
		b.WriteString(e.Err.Error())
	}
	return b.String()
}

// Unwrap returns a view of the cause for errors.Is and errors.As that hides the
// kinds inside it; without it they would show through a re-classification. The
// cause itself is e.Err.
func (e *Error) Unwrap() error {
	if e.Err == nil {
		return nil
	}
	return cause{e.Err}
}

// cause answers errors.Is and errors.As for a whole chain, except for kinds. It
// has no Unwrap, so that they ask nobody further in.
type cause struct{ err error }

func (c cause) Error() string { return c.err.Error() }

func (c cause) Is(target error) bool {
	if _, kind := target.(Kind); kind {
		return false
	}
	return errors.Is(c.err, target)
}

func (c cause) As(target any) bool {
	if _, kind := target.(*Kind); kind {
		return false
	}
	return errors.As(c.err, target)
}

// Is reports whether target is e's kind. The outermost kind decides: a cause's
// kind does not show through an error that re-classified it.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && k == e.Kind
}

// KindOf returns the kind of the outermost fault in err's chain; Canceled for a
// bare context error, Internal for anything else.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	var k Kind
	if errors.As(err, &k) {
		return k
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Canceled
	}
	return Internal
}

// Public returns what may be shown of err: the outermost non-empty public
// message, fields and retry time in its chain. An Internal error shows nothing,
// and nothing below it is shown. To hide what a cause would say, give the outer
// error a message of its own.
func Public(err error) (msg string, fields []Field, retry time.Duration) {
	if KindOf(err) == Internal {
		return "", nil, 0
	}
	for err != nil {
		var e *Error
		if !errors.As(err, &e) || e.Kind == Internal {
			break
		}
		if msg == "" {
			msg = e.Msg
		}
		if fields == nil {
			fields = e.Fields
		}
		if retry == 0 {
			retry = e.RetryAfter
		}
		err = e.Err
	}
	return msg, fields, retry
}
