package nats_test

import (
	"context"
	"errors"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/drivers/nats"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/job"
)

func TestOpenURLRefuses(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"", "http://127.0.0.1:1", "nats://", "nats:///x", "nats://127.0.0.1:1/path", "nats://127.0.0.1:1?color=red", "nats://127.0.0.1:1?replicas=2",
		"nats://127.0.0.1:1?replicas=x", "nats://127.0.0.1:1?prefix=A.B", "nats://127.0.0.1:1?timeout=soon", "nats://127.0.0.1:1?name=a&name=b",
		"nats://user:secret@127.0.0.1:port", "embedded:", "embedded:x?sync=never", "embedded:x?replicas=3", "nats://127.0.0.1:1?%zz",
	} {
		_, err := nats.OpenURL(t.Context(), raw, nats.Options{})
		if !errors.Is(err, fault.Invalid) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v, want fault.Invalid without a secret", raw, err)
		}
	}
	_, err := nats.OpenURL(t.Context(), "nats://127.0.0.1:1?color=red", nats.Options{})
	if err == nil || !strings.Contains(err.Error(), "color") {
		t.Errorf("%v, want the unknown parameter named", err)
	}
}

func TestOpenOutOfReach(t *testing.T) {
	t.Parallel()
	_, err := nats.OpenURL(t.Context(), "nats://user:secret@127.0.0.1:1?timeout=1s", nats.Options{})
	if !errors.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "secret") {
		t.Errorf("%v, want fault.Unavailable without a secret", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := nats.OpenURL(ended, "nats://127.0.0.1:1", nats.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the end of the context", err)
	}
}

func TestEmbeddedServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	raw := "embedded:" + dir + "?prefix=p&sync=always&timeout=10s"
	c, err := nats.OpenURL(t.Context(), raw, nats.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := nats.StartEmbedded(t.Context(), nats.EmbeddedOptions{Dir: dir}); !errors.Is(err, fault.Conflict) {
		t.Errorf("a second server on the folder: %v, want fault.Conflict", err)
	}
	if err := c.Queue(nats.QueueOptions{}).Enqueue(t.Context(), job.Job{ID: "1", Kind: "k"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	// What was taken is there after a restart, also for another process that is given the address.
	e, err := nats.StartEmbedded(t.Context(), nats.EmbeddedOptions{Dir: dir, Listen: true})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Stop()
	far, err := nats.OpenURL(t.Context(), e.URL()+"?prefix=p", nats.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if l := lease(t, far.Queue(nats.QueueOptions{}), time.Minute); l.Job.ID != "1" {
		t.Errorf("leased %+v", l.Job)
	}
	if err := far.Close(t.Context()); err != nil {
		t.Error(err)
	}
	u, err := url.Parse(e.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.User = nil
	if _, err := nats.OpenURL(t.Context(), u.String()+"?timeout=2s", nats.Options{}); !errors.Is(err, fault.Unauthenticated) {
		t.Errorf("without the secret: %v, want fault.Unauthenticated", err)
	}
	if _, err := nats.StartEmbedded(t.Context(), nats.EmbeddedOptions{}); !errors.Is(err, fault.Invalid) {
		t.Errorf("no folder: %v, want fault.Invalid", err)
	}
	if _, err := nats.StartEmbedded(t.Context(), nats.EmbeddedOptions{Dir: filepath.Join(dir, "lock", "x")}); !errors.Is(err, fault.Unavailable) {
		t.Errorf("a folder that cannot be made: %v, want fault.Unavailable", err)
	}
}
