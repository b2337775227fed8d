package media_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/media"
	"github.com/streamgate/streamgate/storage/cache"
)

// shared is a cache that processes share, with the one power that uploads need. It can be away.
type shared struct {
	cache.Cache
	mu     sync.Mutex
	m      map[string]claim
	away   atomic.Bool
	hang   atomic.Bool
	claims atomic.Int64
}

type claim struct {
	owner string
	until time.Time
}

func newShared() *shared { return &shared{m: map[string]claim{}} }

func (s *shared) answer(ctx context.Context) error {
	if s.hang.Load() {
		<-ctx.Done()
		return fault.New(fault.Unavailable, "test", "the cache does not answer")
	}
	if s.away.Load() {
		return fault.New(fault.Unavailable, "test", "the cache is away")
	}
	return nil
}

func (s *shared) Claim(ctx context.Context, key, owner string, ttl time.Duration) (bool, error) {
	if err := s.answer(ctx); err != nil {
		return false, err
	}
	s.claims.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.m[key]; ok && c.owner != owner && time.Now().Before(c.until) {
		return false, nil
	}
	s.m[key] = claim{owner, time.Now().Add(ttl)}
	return true, nil
}

func (s *shared) Release(ctx context.Context, key, owner string) error {
	if err := s.answer(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.m[key].owner == owner {
		delete(s.m, key)
	}
	return nil
}

func (s *shared) held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.m)
}

// hanging is a client that has sent some of its body and then no more.
type hanging struct {
	body  *io.PipeWriter
	ended chan int // the status it got, 0 when its connection was cut
}

// hangOn starts to send an upload to a process and stops in the middle, after 8 MiB were committed.
func hangOn(t *testing.T, h *house, url string, body []byte) *hanging {
	t.Helper()
	committed := make(chan struct{}, 64)
	cancel, err := h.opt.Events.Subscribe(media.TopicProgress, func(context.Context, event.Event) error {
		select {
		case committed <- struct{}{}:
		default:
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	pr, pw := io.Pipe()
	c := &hanging{body: pw, ended: make(chan int, 1)}
	req, err := http.NewRequestWithContext(t.Context(), "PATCH", url, pr)
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = int64(len(body))
	req.Header = http.Header{"Tus-Resumable": {"1.0.0"}, "Authorization": {"Bearer ann"}, "Upload-Offset": {"0"}, "Content-Type": {"application/offset+octet-stream"}}
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			c.ended <- 0
			return
		}
		res.Body.Close()
		c.ended <- res.StatusCode
	}()
	if _, err := pw.Write(body[:9<<20]); err != nil {
		t.Fatal(err)
	}
	awaitSignal(t, "a commit", committed)
	t.Cleanup(func() { pw.Close() })
	return c
}

// elsewhere is the URL that a URL of one process has at another.
func elsewhere(from, to *house, url string) string { return to.url + url[len(from.url):] }

// finish sends the rest to a process, as a client that asks how far it has come does. It tries again while the upload is locked.
func finish(t *testing.T, h *house, url string, body []byte) (locked time.Duration) {
	t.Helper()
	begun := time.Now()
	for {
		res, _ := h.request("HEAD", url, nil)
		if res.StatusCode == http.StatusOK {
			at := 0
			fmt.Sscan(res.Header.Get("Upload-Offset"), &at)
			res, b := h.patch(url, at, body[at:])
			if res.StatusCode == http.StatusNoContent {
				return time.Since(begun)
			}
			t.Logf("patch at %d: %d %s", at, res.StatusCode, b)
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("head: %d", res.StatusCode)
		}
	}
}

func wholeSource(t *testing.T, h *house, asset string, body []byte) {
	t.Helper()
	size, sum, err := h.svc.Source(t.Context(), "default", asset)
	if err != nil || size != int64(len(body)) || sum != hexSum(body) {
		t.Errorf("source: %d %s %v", size, sum, err)
	}
}

// TestUploadTakeoverAcrossProcesses: a client whose connection to one process hangs goes on at another at once.
func TestUploadTakeoverAcrossProcesses(t *testing.T) {
	t.Parallel()
	c := newShared()
	first := newHouse(t, func(o *media.Options) { o.SharedCache, o.Lanes = c, media.LaneNone })
	second := first.another(nil)
	first.run()
	second.run()
	body := noise(10 << 20)
	a := first.create("moved")
	url := first.begin(a.ID, len(body))
	client := hangOn(t, first, url, body)
	if took := finish(t, second, elsewhere(first, second, url), body); took > 30*time.Second {
		t.Errorf("took %s", took)
	}
	if status := <-client.ended; status == http.StatusNoContent {
		t.Error("the interrupted writer was told that all is well")
	}
	wholeSource(t, second, a.ID, body)
	eventually(t, "the end of the claims", func() bool { return c.held() == 0 })
}

// TestUploadOfAKilledProcess: the claim of a process that was killed ends by itself.
func TestUploadOfAKilledProcess(t *testing.T) {
	t.Parallel()
	c := newShared()
	h := newHouse(t, func(o *media.Options) { o.SharedCache, o.Lanes = c, media.LaneNone })
	h.run()
	body := noise(1 << 20)
	a := h.create("left behind")
	url := h.begin(a.ID, len(body))
	id := url[len(h.url)+1:]
	if ok, err := c.Claim(t.Context(), "media/upload/"+id, "the one that was killed", 4*time.Second); !ok || err != nil {
		t.Fatal(ok, err)
	}
	res, b := h.request("HEAD", url, nil)
	if res.StatusCode != http.StatusLocked { // while it lasts
		t.Errorf("%d %s", res.StatusCode, b)
	}
	finish(t, h, url, body)
	wholeSource(t, h, a.ID, body)
}

// TestUploadWithoutTheSharedCache: when the cache is away or hangs uploads go on, and of two that write at once the database takes one.
func TestUploadWithoutTheSharedCache(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]func(*shared){
		"away":  func(c *shared) { c.away.Store(true) },
		"hangs": func(c *shared) { c.hang.Store(true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newShared()
			trouble(c)
			first := newHouse(t, func(o *media.Options) { o.SharedCache, o.Lanes = c, media.LaneNone })
			second := first.another(nil)
			first.run()
			second.run()
			body := noise(10 << 20)
			a := first.create("two writers")
			url := first.begin(a.ID, len(body))
			client := hangOn(t, first, url, body)
			finish(t, second, elsewhere(first, second, url), body)
			go func() { _, _ = client.body.Write(body[9<<20:]); client.body.Close() }()
			if status := <-client.ended; status == http.StatusNoContent {
				t.Error("both writers were told that all is well")
			}
			wholeSource(t, second, a.ID, body)
			if infos, err := first.objects.List(t.Context(), "", "", 0); err != nil || len(infos) != 2 {
				t.Errorf("the refused writer left objects: %v %v", infos, err)
			}
		})
	}
}

// TestUploadClaimLost: a writer whose claim another has got, because it was paused for too long, is stopped.
func TestUploadClaimLost(t *testing.T) {
	t.Parallel()
	c := newShared()
	h := newHouse(t, func(o *media.Options) { o.SharedCache, o.Lanes = c, media.LaneNone })
	body := noise(10 << 20)
	a := h.create("lost")
	url := h.begin(a.ID, len(body))
	client := hangOn(t, h, url, body)
	c.mu.Lock()
	for k := range c.m {
		c.m[k] = claim{"another", time.Now().Add(time.Hour)}
	}
	c.mu.Unlock()
	if status := <-client.ended; status == http.StatusNoContent {
		t.Error("the writer went on")
	}
}
