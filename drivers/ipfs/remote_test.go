package ipfs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ipfs/go-cid"

	"github.com/streamgate/streamgate/drivers/ipfs"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage/storagetest"
)

func mustURL(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}

// quick is for stand-ins on loopback.
var quick = ipfs.RemoteOptions{
	Token: "s3cret-token", Attempts: 16, Backoff: 5 * time.Millisecond, MaxBackoff: 200 * time.Millisecond, Timeout: 500 * time.Millisecond, UploadTimeout: time.Second,
	Concurrency: 64, PollEvery: 20 * time.Millisecond, PinTimeout: 2 * time.Minute,
}

func kuboAt(t testing.TB, url string, opt ipfs.RemoteOptions) *ipfs.Kubo {
	t.Helper()
	k, err := ipfs.NewKubo(url, opt)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func pinsAt(t testing.TB, url string, opt ipfs.RemoteOptions) *ipfs.PinService {
	t.Helper()
	p, err := ipfs.NewPinService(url, opt)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Two hundred uploads end pinned, at the Kubo stand-in and at the pinning stand-in, while three calls of ten fail and one
// pin of ten fails at the service. Nothing is pinned twice, though answers are lost.
func TestUploadsThroughFailures(t *testing.T) {
	t.Parallel()
	const uploads, workers = 200, 64
	loopback := []string{"/ip4/127.0.0.1/tcp/0"}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	ours := open(t, t.TempDir(), small)
	theirs := open(t, t.TempDir(), ipfs.Options{Listen: loopback})
	service := open(t, t.TempDir(), ipfs.Options{Listen: loopback})
	pinStand := newPinStandIn(t, service, quick.Token, dice(seed))
	kuboFlaky := &flaky{h: kuboStandIn{theirs}, random: dice(seed + 1)}
	pinFlaky := &flaky{h: pinStand, random: dice(seed + 2)}
	kubo, pins := kuboAt(t, server(t, kuboFlaky.ServeHTTP), quick), pinsAt(t, server(t, pinFlaky.ServeHTTP), quick)

	roots := make([]cid.Cid, uploads)
	jobs := make(chan int)
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range jobs {
				root, _, err := ours.Add(t.Context(), bytes.NewReader(upload(i)))
				if err == nil {
					err = ours.Replicate(t.Context(), root, fmt.Sprint("upload-", i), kubo, pins)
				}
				if err != nil {
					t.Errorf("upload %d: %v", i, err)
				}
				roots[i] = root
			}
		})
	}
	for i := range uploads {
		jobs <- i
	}
	close(jobs)
	wg.Wait()

	pinned := 0
	for i, root := range roots {
		for name, n := range map[string]*ipfs.Node{"Kubo stand-in": theirs, "pinning stand-in": service} {
			if ok, err := n.Pinned(t.Context(), root); err != nil || !ok {
				t.Errorf("upload %d is not pinned at the %s: %v", i, name, err)
			} else if size, err := n.Verify(t.Context(), root); err != nil || size != int64(len(upload(i))) {
				t.Errorf("upload %d at the %s: %d bytes, %v", i, name, size, err)
			} else {
				pinned++
			}
		}
		if found, err := pins.Find(t.Context(), root); err != nil || len(found) != 1 {
			t.Errorf("upload %d has %d requests, want 1, %v", i, len(found), err)
		}
	}
	for name, f := range map[string]*flaky{"Kubo": kuboFlaky, "pinning": pinFlaky} {
		failed := f.errors.Load() + f.silences.Load() + f.losses.Load()
		t.Logf("%s stand-in: %d calls, %d failed (%d errors, %d silences, %d lost answers)", name, f.calls.Load(), failed, f.errors.Load(), f.silences.Load(), f.losses.Load())
		if 5*failed < f.calls.Load() {
			t.Errorf("%s: only %d of %d calls failed", name, failed, f.calls.Load())
		}
	}
	t.Logf("%d of %d copies pinned and verified", pinned, 2*uploads)
}

func upload(i int) []byte { return storagetest.Body(uint64(i), 500+i%20*150) }

// A copy that is there is not sent again.
func TestReplicateLooksFirst(t *testing.T) {
	t.Parallel()
	ours, theirs := open(t, t.TempDir(), small), open(t, t.TempDir(), small)
	var imports atomic.Int32
	kubo := kuboAt(t, server(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "dag/import") {
			imports.Add(1)
		}
		kuboStandIn{theirs}.ServeHTTP(w, r)
	}), quick)
	root := add(t, ours, storagetest.Body(1, 9000))
	for range 3 {
		if err := ours.Replicate(t.Context(), root, "", kubo, nil); err != nil {
			t.Fatal(err)
		}
	}
	if imports.Load() != 1 {
		t.Errorf("the CAR was sent %d times", imports.Load())
	}
	data := storagetest.Body(2, 5000)
	added, err := kubo.Add(t.Context(), func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }, small.ChunkSize, small.MaxLinks)
	if err != nil || added != add(t, ours, data) {
		t.Errorf("Add: %v, %v", added, err)
	}
	for range 2 {
		if err := kubo.Unpin(t.Context(), root); err != nil {
			t.Errorf("Unpin: %v", err)
		}
	}
	if pinned, err := kubo.Pinned(t.Context(), root); err != nil || pinned {
		t.Errorf("Pinned after Unpin: %v, %v", pinned, err)
	}
	if err := kubo.Pin(t.Context(), root); err != nil {
		t.Errorf("Pin: %v", err)
	}
	// Our own source failing is not the server's failure, and is not retried.
	opened := 0
	_, err = kubo.Add(t.Context(), func() (io.ReadCloser, error) {
		opened++
		return nil, fault.New(fault.NotFound, "test", "no such file")
	}, 0, 0)
	if !errors.Is(err, fault.NotFound) || opened != 1 {
		t.Errorf("Add of a file that cannot be opened: %v after %d attempts", err, opened)
	}
}

// What servers may answer, and what becomes of it.
func TestRemoteFailures(t *testing.T) {
	t.Parallel()
	root, err := cid.Decode("bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku")
	if err != nil {
		t.Fatal(err)
	}
	answer := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); io.WriteString(w, body) }
	}
	once := quick
	once.Attempts, once.Timeout = 1, 500*time.Millisecond
	for name, c := range map[string]struct {
		h    http.HandlerFunc
		kind fault.Kind
	}{
		"401": {answer(401, ""), fault.Forbidden}, "403": {answer(403, ""), fault.Forbidden}, "400": {answer(400, "{}"), fault.Invalid}, "500": {answer(500, "{}"), fault.Unavailable},
		"429": {answer(429, ""), fault.Limited}, "nonsense": {answer(200, "<html>"), fault.Unavailable}, "nothing": {answer(200, ""), fault.Unavailable},
		"endless": {func(w http.ResponseWriter, _ *http.Request) { io.Copy(w, zeros{}) }, fault.TooLarge},
		"silence": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, fault.Unavailable},
		"redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/steal", http.StatusTemporaryRedirect)
		}, fault.Unsupported},
		"another CID":   {answer(200, `{"results":[{"requestid":"1","status":"pinned","pin":{"cid":"bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"}}]}`), fault.Unavailable},
		"unknown state": {answer(200, `{"results":[{"requestid":"1","status":"done","pin":{"cid":"`+root.String()+`"}}]}`), fault.Unavailable},
		"id of a path":  {answer(200, `{"results":[{"requestid":"..","status":"pinned","pin":{"cid":"`+root.String()+`"}}]}`), fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := server(t, c.h)
			_, err := pinsAt(t, url, once).Find(t.Context(), root)
			wantKind(t, "Find", err, c.kind)
			if err != nil && strings.Contains(err.Error(), once.Token) {
				t.Errorf("the error tells the token: %v", err)
			}
			_, err = pinsAt(t, url, once).Ensure(t.Context(), root, "", nil)
			wantKind(t, "Ensure", err, c.kind)
		})
	}
	lies := kuboAt(t, server(t, answer(200, "other bytes")), once)
	_, err = lies.Block(t.Context(), root)
	wantKind(t, "Block with other bytes", err, fault.Corrupt)
	dead := kuboAt(t, "http://127.0.0.1:1", once)
	_, err = dead.ID(t.Context())
	wantKind(t, "a dead node", err, fault.Unavailable)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = dead.ID(ctx)
	wantKind(t, "an ended context", err, fault.Canceled)
	for _, base := range []string{"", "127.0.0.1:5001", "http://", "http://u:pw@h", "http://h?token=x"} {
		_, err := ipfs.NewKubo(base, once)
		wantKind(t, "NewKubo of "+base, err, fault.Invalid)
		_, err = ipfs.NewPinService(base, once)
		wantKind(t, "NewPinService of "+base, err, fault.Invalid)
	}
}

// A service that never gets further is given up after PinTimeout, and its one request stays.
func TestPinTimeout(t *testing.T) {
	t.Parallel()
	root := add(t, open(t, t.TempDir(), small), []byte("nobody else has it"))
	stand := newPinStandIn(t, open(t, t.TempDir(), ipfs.Options{Listen: []string{"/ip4/127.0.0.1/tcp/0"}, SourceTimeout: time.Hour, BlockTimeout: time.Hour}), quick.Token, func() float64 { return 1 })
	opt := quick
	opt.PinTimeout = 500 * time.Millisecond
	pins := pinsAt(t, server(t, stand.ServeHTTP), opt)
	for range 2 {
		_, err := pins.Ensure(t.Context(), root, "name", nil)
		wantKind(t, "Ensure", err, fault.Unavailable)
	}
	if found, err := pins.Find(t.Context(), root); err != nil || len(found) > 1 || stand.posts[root.String()] > 1 {
		t.Errorf("%d requests were made, %d are there, %v", stand.posts[root.String()], len(found), err)
	}
	for range 2 {
		if err := pins.Remove(t.Context(), root); err != nil {
			t.Errorf("Remove: %v", err)
		}
	}
	if found, err := pins.Find(t.Context(), root); err != nil || len(found) != 0 {
		t.Errorf("%d requests are left, %v", len(found), err)
	}
}
