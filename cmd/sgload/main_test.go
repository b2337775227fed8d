package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/internal/httpload"
)

func TestPrintsTheResult(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	defer srv.Close()
	file := filepath.Join(t.TempDir(), "targets")
	if err := os.WriteFile(file, []byte("GET "+srv.URL+"/x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, targets := range []string{"-", file} {
		var out strings.Builder
		if err := run(targets, httpload.Options{Duration: 50 * time.Millisecond, Conns: 2}, strings.NewReader("GET "+srv.URL+"/x\n"), &out); err != nil {
			t.Fatal(err)
		}
		var r httpload.Result
		if err := json.Unmarshal([]byte(out.String()), &r); err != nil || r.Requests == 0 || r.Status["200"] != r.Requests {
			t.Fatalf("%s %v", out.String(), err)
		}
	}
	for _, o := range []httpload.Options{{}, {Duration: time.Hour, Conns: 1}, {Duration: time.Second}} {
		if err := run(file, o, nil, nil); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
}
