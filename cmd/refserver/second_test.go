package main

import (
	"strings"
	"testing"

	"github.com/streamgate/streamgate/auth/authtest"
)

func TestSecondStorageIsChosenByPolicy(t *testing.T) {
	t.Parallel()
	p := start(t, "serve", "--set", "listen=127.0.0.1:0", "--set", "data="+t.TempDir(), "--set", "storage.second=ipfs://"+t.TempDir())
	c := signedIn(t, p.says(`(?m)^StreamGate serves (http://127\.0\.0\.1:\d+)$`), authtest.NewWallet(1))
	for storage, taken := range map[string]bool{"ipfs": true, "default": true, "s3": false} {
		err := c.call(t.Context(), "POST", "/v1/assets", map[string]any{"title": "Film", "policy": map[string]string{"storage": storage}}, nil)
		if taken != (err == nil) || !taken && !strings.Contains(err.Error(), "must be changed") {
			t.Errorf("%s: %v", storage, err)
		}
	}
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
}

func TestSecondStorageIsConfigured(t *testing.T) {
	t.Parallel()
	if _, err := loadConfig("", nil, []string{"storage.second=ftp://x"}); err == nil || !strings.Contains(err.Error(), "ftp is not a kind of storage.second: write file:") {
		t.Errorf("a store there is not: %v", err)
	}
	roles := []string{"target=worker", "database=postgres://u@h/n", "storage=s3://h/b", "keys=master:f", "events=nats://h:1", "registry=consul://h:1"}
	for second, want := range map[string]bool{"": true, "s3://h/c": true, "ipfs:///dir": false, "file:dir": false} {
		_, err := loadConfig("", nil, append(roles, "storage.second="+second))
		if want != (err == nil) || !want && !strings.Contains(err.Error(), "storage.second") {
			t.Errorf("a worker with %q: %v", second, err)
		}
	}
}
