package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/nft"
)

func problem(t *testing.T, err error) (Problem, *httptest.ResponseRecorder) {
	t.Helper()
	w := httptest.NewRecorder()
	writeProblem(w, err, "r1")
	var p Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	return p, w
}

func TestEveryKindHasItsAnswer(t *testing.T) {
	t.Parallel()
	want := map[fault.Kind]int{
		fault.Internal: 500, fault.Invalid: 400, fault.Unauthenticated: 401, fault.Forbidden: 403, fault.NotFound: 404, fault.Conflict: 409,
		fault.TooLarge: 413, fault.Unsupported: 415, fault.Limited: 429, fault.Unavailable: 503, fault.Canceled: 504, fault.Corrupt: 500,
	}
	for _, k := range fault.Kinds() {
		p, w := problem(t, fmt.Errorf("above: %w", fault.New(k, "op", "said so")))
		if p.Status != want[k] || w.Code != want[k] || p.Code != k.String() || p.Type != "/problems/"+k.String() || p.Title == "" || p.RequestID != "r1" {
			t.Errorf("%s: %+v with status %d, want %d", k, p, w.Code, want[k])
		}
		if shown := p.Detail == "said so"; shown == (k == fault.Internal) {
			t.Errorf("%s: detail %q", k, p.Detail)
		}
		if ct := w.Header().Get("Content-Type"); ct != "application/problem+json" {
			t.Errorf("%s: %s", k, ct)
		}
		if w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be cached", k)
		}
		if has := w.Header().Get("WWW-Authenticate") != ""; has != (k == fault.Unauthenticated) {
			t.Errorf("%s: WWW-Authenticate present: %v", k, has)
		}
		if has := w.Header().Get("Retry-After") != ""; has != (k == fault.Limited || k == fault.Unavailable) {
			t.Errorf("%s: Retry-After present: %v", k, has)
		}
		if bare, _ := problem(t, fault.Wrap(k, "op", errors.New("secret"))); bare.Detail == "" || bare.Detail == "secret" {
			t.Errorf("%s without a message says %q", k, bare.Detail)
		}
	}
}

func TestProblemMembers(t *testing.T) {
	t.Parallel()
	p, w := problem(t, fault.New(fault.Invalid, "op", "bad").With("/a/0", "too long").After(1500*time.Millisecond))
	if len(p.Errors) != 1 || p.Errors[0] != (fault.Field{Pointer: "/a/0", Detail: "too long"}) {
		t.Errorf("errors: %+v", p.Errors)
	}
	if got := w.Header().Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After %q: seconds are rounded up, never down", got)
	}
	if p, _ := problem(t, errors.New("password=hunter2")); p.Status != 500 || p.Detail == "" || len(p.Errors) > 0 {
		t.Errorf("a foreign error: %+v", p)
	}
}

func TestDeniedCarriesItsDecision(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		outcome nft.Outcome
		wrap    fault.Kind
		status  int
	}{
		{nft.No, fault.Forbidden, 403}, {nft.No, fault.Unauthenticated, 401}, {nft.Unknown, fault.Unavailable, 503},
		{nft.No, fault.Internal, 403}, {nft.Unknown, fault.Internal, 503},
	} {
		d := nft.Decision{Outcome: c.outcome, Reason: "not_held", Message: "You hold none.", HowTo: []string{"Get one."}, Explain: &nft.Node{Pointer: "/when"}}
		w := httptest.NewRecorder()
		writeProblem(w, fault.Wrap(c.wrap, "playback.Open", &playback.Denied{Decision: d}), "r1")
		var p struct {
			Problem
			Decision map[string]any `json:"decision"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
			t.Fatal(err)
		}
		if w.Code != c.status || p.Decision["outcome"] != c.outcome.String() || p.Decision["explain"] == nil || p.Decision["how_to"] == nil {
			t.Errorf("%s in %s: %d %s", c.outcome, c.wrap, w.Code, w.Body)
		}
		if p.Detail != "You hold none." {
			t.Errorf("detail %q", p.Detail)
		}
	}
}
