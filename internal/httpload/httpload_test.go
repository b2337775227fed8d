package httpload_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/internal/httpload"
)

func load(t *testing.T, targets string, o httpload.Options) httpload.Result {
	t.Helper()
	ts, err := httpload.Parse(strings.NewReader(targets))
	if err != nil {
		t.Fatal(err)
	}
	r, err := httpload.Run(ts, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestOpenLoopCountsFromWhenDue(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-gate
		_, _ = io.WriteString(w, "hello")
	}))
	defer srv.Close()
	time.AfterFunc(300*time.Millisecond, func() { close(gate) })
	r := load(t, "GET "+srv.URL+"/x\n", httpload.Options{Rate: 200, Duration: 500 * time.Millisecond, Conns: 2})
	// Everything due during the stall waited: two connections hold two requests, yet most of the first 60 must be late.
	if r.Status["200"] != r.Requests || r.Requests < 90 || r.Bytes != int64(5*r.Requests) || r.P50 < 20 {
		t.Fatalf("%+v", r)
	}
}

func TestEveryKindOfAnswer(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100_000)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/post":
			if r.Method != http.MethodPost || r.ContentLength != 7 {
				w.WriteHeader(http.StatusBadRequest)
			}
		case "/chunked":
			_, _ = io.WriteString(w, long)
			_ = http.NewResponseController(w).Flush()
			_, _ = io.WriteString(w, long)
		case "/none":
			w.WriteHeader(http.StatusNoContent)
		default:
			w.WriteHeader(http.StatusEarlyHints)
			_, _ = io.WriteString(w, long)
		}
	}))
	defer srv.Close()
	for line, size := range map[string]int{
		"POST " + srv.URL + `/post {"a":1}`: 0, "GET " + srv.URL + "/chunked": 200_000, "GET " + srv.URL + "/none": 0, "HEAD " + srv.URL + "/x": 0, "GET " + srv.URL + "/x": 100_000,
	} {
		r := load(t, line, httpload.Options{Duration: 50 * time.Millisecond, Conns: 2})
		if r.Requests < 2 || r.Status["200"]+r.Status["204"] != r.Requests || r.Errors != 0 || r.Bytes != int64(size*r.Requests) {
			t.Errorf("%s: %+v", line, r)
		}
	}
}

func TestHeadersAreSent(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if b, err := io.ReadAll(r.Body); err != nil || string(b) != "{}" || r.Header.Get("Authorization") != "Bearer x" {
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer srv.Close()
	ts, err := httpload.New([]httpload.Request{{Method: "POST", URL: srv.URL, Body: "{}", Header: map[string]string{"Authorization": "Bearer x"}}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := httpload.Run(ts, httpload.Options{Duration: 50 * time.Millisecond, Conns: 1})
	if err != nil || r.Requests == 0 || r.Status["200"] != r.Requests {
		t.Errorf("%+v %v", r, err)
	}
}

func TestEndedConnectionsAreErrors(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Connection", "close") }))
	defer srv.Close()
	if r := load(t, "GET "+srv.URL+"/\n", httpload.Options{Duration: 50 * time.Millisecond, Conns: 1}); r.Errors == 0 || r.Requests != 0 {
		t.Errorf("%+v", r)
	}
}

func TestRefusesForeignHosts(t *testing.T) {
	t.Parallel()
	for _, lines := range []string{
		"GET http://example.org:80/", "GET http://10.0.0.1:80/", "GET https://127.0.0.1:1/", "GET http://127.0.0.1/", "nonsense", "",
		"GET http://127.0.0.1:1/\nGET http://127.0.0.1:2/",
	} {
		if _, err := httpload.Parse(strings.NewReader(lines)); err == nil {
			t.Errorf("%q was taken", lines)
		}
	}
}
