package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	ready := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/readyz":
			w.WriteHeader(ready)
			_, _ = w.Write([]byte("database"))
		case "/livez":
		default:
			http.NotFound(w, r)
		}
	}))
	defer srv.Close()
	addr := strings.TrimPrefix(srv.URL, "http://")
	ask := func(args ...string) error {
		return run(context.Background(), append(args, "--set", "listen="+addr), nil, &bytes.Buffer{}, &bytes.Buffer{})
	}
	if err := ask("health"); err != nil {
		t.Error(err)
	}
	if err := ask("health", srv.URL+"/livez"); err != nil {
		t.Error(err)
	}
	ready = http.StatusServiceUnavailable
	if err := ask("health"); err == nil || !strings.Contains(err.Error(), "503") || !strings.Contains(err.Error(), "database") {
		t.Errorf("not ready: %v", err)
	}
	if err := ask("health", "--live"); err != nil {
		t.Errorf("alive, though not ready: %v", err)
	}
	if err := ask("health", "--live", srv.URL); err == nil {
		t.Error("--live with an address")
	}
	srv.Close()
	if err := ask("health"); err == nil {
		t.Error("nobody listens")
	}
}

func TestHealthURL(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]string{
		":8080": "http://127.0.0.1:8080/readyz", "0.0.0.0:80": "http://127.0.0.1:80/readyz", "[::]:80": "http://127.0.0.1:80/readyz",
		"[::1]:80": "http://[::1]:80/readyz", "10.0.0.3:80": "http://10.0.0.3:80/readyz", "127.0.0.1:0": "", "nonsense": "",
	} {
		got, err := healthURL(listen, false)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%s: %q, %v", listen, got, err)
		}
	}
}

func TestConfigCheck(t *testing.T) {
	t.Parallel()
	check := func(environ []string, args ...string) (string, error) {
		var out bytes.Buffer
		err := run(context.Background(), append([]string{"config", "check"}, args...), environ, &out, &out)
		return out.String(), err
	}
	if out, err := check(nil); err != nil || !strings.Contains(out, "all") {
		t.Errorf("%q, %v", out, err)
	}
	if _, err := check(nil, "--set", "target=auth"); err == nil || !strings.Contains(err.Error(), "SQLite is one process's") {
		t.Error(err)
	}
	if _, err := check([]string{"STREAMGATE_LISTEM=:1"}); err == nil || !strings.Contains(err.Error(), "STREAMGATE_LISTEN") {
		t.Error(err)
	}
}

// A setting's value may stand in a file, as secrets do; what it says is never in an error.
func TestEnvironmentFromFile(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(secret, []byte("postgres://sg:hunter2@db/sg\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := loadConfig("", []string{"STREAMGATE_DATABASE_FILE=" + secret}, nil)
	if err != nil || c.Database != "postgres://sg:hunter2@db/sg" || c.source["database"] != "environment STREAMGATE_DATABASE_FILE" {
		t.Errorf("%q from %q, %v", c.Database, c.source["database"], err)
	}
	for name, environ := range map[string][]string{
		"no such file":     {"STREAMGATE_DATABASE_FILE=/nowhere/url"},
		"both":             {"STREAMGATE_DATABASE_FILE=" + secret, "STREAMGATE_DATABASE=sqlite:x"},
		"unknown setting":  {"STREAMGATE_DATABSE_FILE=" + secret},
		"a wrong value":    {"STREAMGATE_STORAGE_FILE=" + secret},
		"a whole folder":   {"STREAMGATE_DATABASE_FILE=" + filepath.Dir(secret)},
		"nothing named":    {"STREAMGATE_DATABASE_FILE="},
		"a chain's, wrong": {"STREAMGATE_CHAIN_EIP155_1_RPC_URL_FILE=" + secret},
	} {
		if _, err := loadConfig("", environ, nil); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReachable(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{
		"127.0.0.1:80": "127.0.0.1:80", "10.0.0.1:80": "10.0.0.1:80", "[::]:80": host + ":80", "0.0.0.0:80": host + ":80", "auth:80": "auth:80",
	} {
		if got := reachable(addr); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}
