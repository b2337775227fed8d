package main

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/kernel/registry"
)

// Whatever stands in a list of processes, it is refused, or what is found is of the role asked for and has an address.
func FuzzRegistryLists(f *testing.F) {
	for _, list := range []string{"auth=-/127.0.0.1:9001,media=h:80/h:81", "auth=h:80/81,media=h:80/80", "auth", "=x", "nobody=h:1", "auth=h:99999/-5", ",,", "auth=[::1]:1/2"} {
		f.Add(list)
	}
	f.Fuzz(func(t *testing.T, list string) {
		_, _ = parseDNS(list)
		r, err := parseStatic(list)
		if err != nil {
			return
		}
		for _, role := range roleNames() {
			ctx, cancel := context.WithCancel(t.Context())
			found, err := r.Watch(ctx, role)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range <-found {
				if i.Service != role || registry.CheckInstance(i) != nil {
					t.Fatalf("%+v in %q", i, list)
				}
			}
			cancel()
		}
	})
}

func TestDNSListWithOnePortForBoth(t *testing.T) {
	t.Parallel()
	if _, err := parseDNS("auth=127.0.0.1:80/x"); err == nil {
		t.Error("x is taken for a port")
	}
	r, err := parseDNS("auth=127.0.0.1:8080/8080")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	found, err := r.Watch(ctx, "auth")
	if err != nil {
		t.Fatal(err)
	}
	if list := <-found; len(list) != 1 || list[0].HTTP != "127.0.0.1:8080" || list[0].GRPC != "127.0.0.1:8080" {
		t.Errorf("found %+v", list)
	}
}

// What is shown of a back-end's address has none of its secrets.
func FuzzRedactBackend(f *testing.F) {
	f.Add("redis", "127.0.0.1/0?prefix=a")
	f.Add("postgres", "h@i/db?password=x")
	f.Fuzz(func(t *testing.T, scheme, rest string) {
		const secret = "c0rrect-h0rse"
		if strings.Contains(scheme, "://") || strings.Contains(rest, secret) || strings.Contains(scheme, secret) {
			return
		}
		for _, raw := range []string{scheme + "://user:" + secret + "@" + rest, scheme + "://h?password=" + secret} {
			if shown := redactBackend(raw); strings.Contains(shown, secret) {
				t.Fatalf("%q shows %q", raw, shown)
			}
		}
	})
}
