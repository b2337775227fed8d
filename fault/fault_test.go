package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// wire is the contract with other processes: numbers and names of the kinds.
var wire = []string{
	0: "internal", 1: "invalid", 2: "unauthenticated", 3: "forbidden", 4: "not_found", 5: "conflict",
	6: "too_large", 7: "unsupported", 8: "limited", 9: "unavailable", 10: "canceled", 11: "corrupt",
}

func TestEveryKind(t *testing.T) {
	t.Parallel()
	kinds := fault.Kinds()
	if len(kinds) != len(wire) {
		t.Fatalf("%d kinds, want %d", len(kinds), len(wire))
	}
	for i, k := range kinds {
		t.Run(k.String(), func(t *testing.T) {
			t.Parallel()
			if int(k) != i || k.String() != wire[i] || k.Error() != wire[i] {
				t.Errorf("kind %d is %q, want number %d and name %q", k, k, i, wire[i])
			}
			made := fault.New(k, "pkg.Do", "said")
			for name, err := range map[string]error{
				"new":      made,
				"newf":     fault.Newf(k, "pkg.Do", "%d", 7),
				"wrap":     fault.Wrap(k, "pkg.Do", io.EOF),
				"at":       fault.At("pkg.Outer", made),
				"fmt":      fmt.Errorf("around: %w", made),
				"join":     errors.Join(io.EOF, made),
				"the kind": k,
			} {
				if got := fault.KindOf(err); got != k {
					t.Errorf("%s: kind %v, want %v", name, got, k)
				}
				for _, other := range kinds {
					if errors.Is(err, other) != (other == k) {
						t.Errorf("%s: errors.Is(%v, %v) is %v", name, k, other, other != k)
					}
				}
			}
		})
	}
}

func TestUnknownKindIsInternal(t *testing.T) {
	t.Parallel()
	if got := fault.Kind(200).String(); got != "internal" {
		t.Errorf("kind 200 is %q", got)
	}
	if got := fault.KindOf(io.EOF); got != fault.Internal {
		t.Errorf("a foreign error is %v", got)
	}
}

func TestOutermostKindDecides(t *testing.T) {
	t.Parallel()
	inner := fault.New(fault.NotFound, "store.Get", "no such asset")
	for name, err := range map[string]error{
		"direct":   fault.Wrap(fault.Unavailable, "media.Open", inner),
		"between":  fault.Wrap(fault.Unavailable, "media.Open", fmt.Errorf("open: %w", inner)),
		"joined":   fault.Wrap(fault.Unavailable, "media.Open", errors.Join(io.EOF, inner)),
		"outside":  fmt.Errorf("outside: %w", fault.Wrap(fault.Unavailable, "media.Open", inner)),
		"the kind": fault.Wrap(fault.Unavailable, "media.Open", fault.NotFound),
	} {
		if !errors.Is(err, fault.Unavailable) || fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s: %v is not of the outer kind", name, err)
		}
		if errors.Is(err, fault.NotFound) {
			t.Errorf("%s: the kind of the cause shows through", name)
		}
	}
}

func TestCausesStayVisible(t *testing.T) {
	t.Parallel()
	inner := fault.Wrap(fault.Corrupt, "store.Read", io.EOF)
	err := fault.At("media.Open", fault.Wrap(fault.Unavailable, "x", errors.Join(io.ErrUnexpectedEOF, inner)))
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("errors.Is does not find the cause")
	}
	var typed *maxBytes
	if errors.As(err, &typed) {
		t.Error("errors.As finds what is not there")
	}
	var e *fault.Error
	if !errors.As(err, &e) || e.Op != "media.Open" {
		t.Errorf("errors.As gives %v, want the outermost fault", e)
	}
	if errors.Unwrap(fault.New(fault.Invalid, "x", "y")) != nil {
		t.Error("an error without a cause unwraps to something")
	}
	if got := errors.Unwrap(err).Error(); !strings.Contains(got, "store.Read: ") {
		t.Errorf("the cause says %q", got)
	}
	path := fault.Wrap(fault.NotFound, "x", &maxBytes{n: 7})
	if !errors.As(path, &typed) || typed.n != 7 {
		t.Error("errors.As does not find a typed cause")
	}
	var k fault.Kind
	if errors.As(fault.Wrap(fault.Forbidden, "x", fault.NotFound), &k) {
		t.Errorf("errors.As finds the kind %v of a cause", k)
	}
}

type maxBytes struct{ n int }

func (m *maxBytes) Error() string { return "too many bytes" }

func TestWrapAndAt(t *testing.T) {
	t.Parallel()
	if err := fault.Wrap(fault.Invalid, "x", nil); err != nil {
		t.Errorf("Wrap(nil) = %v", err)
	}
	if err := fault.At("x", nil); err != nil {
		t.Errorf("At(nil) = %v", err)
	}
	for _, cause := range []error{context.Canceled, context.DeadlineExceeded, fmt.Errorf("read: %w", context.Canceled)} {
		if k := fault.KindOf(fault.Wrap(fault.Unavailable, "x", cause)); k != fault.Canceled {
			t.Errorf("Wrap(%v) is %v, want canceled", cause, k)
		}
		if k := fault.KindOf(cause); k != fault.Canceled {
			t.Errorf("KindOf(%v) is %v, want canceled", cause, k)
		}
	}
	if k := fault.KindOf(fault.At("x", io.EOF)); k != fault.Internal {
		t.Errorf("At(foreign) is %v", k)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"a.B: said":             fault.New(fault.Invalid, "a.B", "said"),
		"a.B: invalid":          fault.New(fault.Invalid, "a.B", ""),
		"invalid":               &fault.Error{Kind: fault.Invalid},
		"a.B: EOF":              fault.Wrap(fault.Invalid, "a.B", io.EOF),
		"a.B: c.D: EOF":         fault.At("a.B", fault.Wrap(fault.Invalid, "c.D", io.EOF)),
		"a.B: said: EOF":        &fault.Error{Kind: fault.Invalid, Op: "a.B", Msg: "said", Err: io.EOF},
		"a.B: said [/n: large]": fault.New(fault.Invalid, "a.B", "said").With("/n", "large"),
	} {
		if err.Error() != want {
			t.Errorf("text %q, want %q", err, want)
		}
	}
}

func TestPublicShowsMessagesAndHidesCauses(t *testing.T) {
	t.Parallel()
	told := fault.New(fault.Limited, "db.Get", "too many requests").After(time.Minute).With("/a", "b")
	for name, tc := range map[string]struct {
		err   error
		msg   string
		field int
		retry time.Duration
	}{
		"own":            {told, "too many requests", 1, time.Minute},
		"through At":     {fault.At("x", fmt.Errorf("y: %w", told)), "too many requests", 1, time.Minute},
		"outermost wins": {&fault.Error{Kind: fault.Limited, Msg: "outer", RetryAfter: time.Second, Err: told}, "outer", 1, time.Second},
		"cause hidden":   {fault.Wrap(fault.Unavailable, "x", errors.New("password=hunter2")), "", 0, 0},
		"internal":       {fault.New(fault.Internal, "x", "nil pointer in secret place"), "", 0, 0},
		"internal below": {fault.Wrap(fault.Unavailable, "x", fault.New(fault.Internal, "y", "secret").With("/s", "t")), "", 0, 0},
		"below internal": {fault.Wrap(fault.Internal, "x", told), "", 0, 0},
		"foreign":        {io.EOF, "", 0, 0},
		"nil":            {nil, "", 0, 0},
	} {
		msg, fields, retry := fault.Public(tc.err)
		if msg != tc.msg || len(fields) != tc.field || retry != tc.retry {
			t.Errorf("%s: %q %v %v", name, msg, fields, retry)
		}
	}
}

func TestCatch(t *testing.T) {
	t.Parallel()
	if err := fault.Catch("x", func() error { return io.EOF }); err != io.EOF {
		t.Errorf("an ordinary error came back as %v", err)
	}
	for name, v := range map[string]any{"text": "boom", "error": io.ErrNoProgress} {
		err := fault.Catch("a.B", func() error { panic(v) })
		var p *fault.Panic
		if !errors.Is(err, fault.Internal) || !errors.As(err, &p) || p.Value != v {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !strings.Contains(string(p.Stack), "TestCatch") {
			t.Errorf("%s: the stack does not lead to the panic", name)
		}
		if got, want := err.Error(), fmt.Sprintf("a.B: panic: %v", v); got != want {
			t.Errorf("%s: text %q, want %q", name, got, want)
		}
	}
	if err := fault.Catch("x", func() error { panic(io.ErrNoProgress) }); !errors.Is(err, io.ErrNoProgress) {
		t.Error("errors.Is does not see the error that was the panic's value")
	}
	if err := fault.Catch("x", func() error { panic(nil) }); err == nil {
		t.Error("panic(nil) is lost")
	}
}

func ExampleNew() {
	err := fault.New(fault.Invalid, "media.Create", "the request is not valid").With("/title", "at most 200 characters")
	fmt.Println(err)
	fmt.Println(errors.Is(err, fault.Invalid))
	// Output:
	// media.Create: the request is not valid [/title: at most 200 characters]
	// true
}

func ExampleWrap() {
	cause := errors.New("dial tcp: connection refused")
	err := fault.At("playback.Open", fault.Wrap(fault.Unavailable, "sqldb.Asset", cause))
	msg, _, _ := fault.Public(err)
	fmt.Printf("logged: %v\nshown: %s %q\n", err, fault.KindOf(err), msg)
	// Output:
	// logged: playback.Open: sqldb.Asset: dial tcp: connection refused
	// shown: unavailable ""
}
