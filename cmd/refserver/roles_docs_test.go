package main

import (
	"os"
	"strings"
	"testing"
)

// docs/services.md has the table of roles as it is, and every form of every back-end's address.
func TestServicesDocument(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../docs/services.md")
	if err != nil {
		t.Fatal(err)
	}
	doc := string(b)
	_, rest, _ := strings.Cut(doc, "<!-- roles: begin -->\n")
	got, _, ok := strings.Cut(rest, "<!-- roles: end -->")
	var want strings.Builder
	if err := rolesTable(&want); err != nil || !ok || got != want.String() {
		t.Errorf("the table of roles is another: %v\n%s", err, want.String())
	}
	for _, setting := range []string{needDatabase, needStorage, needKeys, needCache, needEvents, needQueue, needRegistry} {
		for _, form := range forms(setting) {
			for part := range strings.SplitSeq(form, ", ") {
				if !strings.Contains(doc, "`"+part+"`") {
					t.Errorf("%s: the form %s is not in the document", setting, part)
				}
			}
		}
	}
}

// What cannot be shared is refused for roles that share it, with the setting to change.
func TestUnsharedBackendsAreRefused(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		"target": "streaming", "database": "postgres://h/d", "storage": "s3://h/b", "keys": "master:f", "cache": "redis://h/0",
		"events": "nats://h:4222", "registry": "consul://h:8500",
	}
	load := func(change map[string]string) error {
		var flags []string
		for k, v := range good {
			if w, ok := change[k]; ok {
				v = w
			}
			flags = append(flags, k+"="+v)
		}
		if q, ok := change["queue"]; ok {
			flags = append(flags, "queue="+q)
		}
		_, err := loadConfig("", nil, flags)
		return err
	}
	if err := load(nil); err != nil {
		t.Fatal(err)
	}
	for setting, values := range map[string][]string{
		"database": {"", "sqlite:x"}, "storage": {"", "file:x", "mem:", "ipfs:///x"}, "keys": {"", "keyring:x"}, "cache": {"", "memory:"},
		"events": {"", "memory:", "embedded:x"}, "queue": {"memory:", "embedded:x"}, "registry": {""},
	} {
		for _, v := range values {
			if err := load(map[string]string{setting: v}); err == nil || !strings.Contains(err.Error(), "set "+setting+"=") {
				t.Errorf("%s=%s: %v", setting, v, err)
			}
		}
	}
}
