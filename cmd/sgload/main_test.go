package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestOpenLoopCountsFromWhenDue(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-gate
		w.Write([]byte("hello"))
	}))
	defer srv.Close()
	time.AfterFunc(300*time.Millisecond, func() { close(gate) })
	var out strings.Builder
	err := run(options{targets: "-", rate: 200, duration: 500 * time.Millisecond, conns: 2}, strings.NewReader("GET "+srv.URL+"/x\n"), &out)
	if err != nil {
		t.Fatal(err)
	}
	var r Result
	if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
		t.Fatal(err)
	}
	// Everything due during the stall waited: two connections hold two requests, yet most of the first 60 must be late.
	if r.Status["200"] != r.Requests || r.Requests < 90 || r.Bytes != int64(5*r.Requests) || r.P50 < 20 {
		t.Fatalf("%+v", r)
	}
}

func TestClosedLoopAndPost(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.ContentLength != 7 {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer srv.Close()
	host, reqs, err := readTargets(strings.NewReader("POST " + srv.URL + `/a {"a":1}` + "\nGET " + srv.URL + "/b\n"))
	if err != nil {
		t.Fatal(err)
	}
	r := load(options{duration: 200 * time.Millisecond, conns: 4}, host, reqs)
	if r.Requests == 0 || r.Status["200"] != r.Requests || r.Errors != 0 {
		t.Fatalf("%+v", r)
	}
}

func TestRefusesForeignHosts(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"GET http://example.org:80/", "GET http://10.0.0.1:80/", "GET https://127.0.0.1:1/", "GET http://127.0.0.1/", "nonsense", ""} {
		if _, _, err := readTargets(strings.NewReader(line)); err == nil {
			t.Errorf("%q was taken", line)
		}
	}
}
