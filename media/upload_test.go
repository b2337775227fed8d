package media_test

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/kernel/event"
	"github.com/streamgate/streamgate/media"
)

func noise(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

func sum256(b []byte) string {
	s := sha256.Sum256(b)
	return "sha256 " + base64.StdEncoding.EncodeToString(s[:])
}

func (h *house) offset(url string) string {
	h.t.Helper()
	res, _ := h.request("HEAD", url, nil)
	if res.StatusCode != http.StatusOK {
		h.t.Fatalf("head: %d", res.StatusCode)
	}
	return res.Header.Get("Upload-Offset")
}

func TestUploadInPiecesKeepsTheHash(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	a := h.create("pieces")
	body := noise(20 << 20) // three parts
	url := h.begin(a.ID, len(body))
	at := 0
	for _, n := range []int{1, 9 << 20, 100, len(body)} {
		end := min(at+n, len(body))
		res, b := h.patch(url, at, body[at:end])
		if res.StatusCode != http.StatusNoContent || res.Header.Get("Upload-Offset") != fmt.Sprint(end) {
			t.Fatalf("patch at %d: %d %s", at, res.StatusCode, b)
		}
		if (res.Header.Get("Upload-Expires") == "") != (end == len(body)) {
			t.Fatalf("at %d of %d: Upload-Expires %q", end, len(body), res.Header.Get("Upload-Expires"))
		}
		if at = end; at < len(body) && h.offset(url) != fmt.Sprint(end) {
			t.Fatalf("offset %s, want %d", h.offset(url), end)
		}
	}
	size, sum, err := h.svc.Source(t.Context(), "default", a.ID)
	want := sha256.Sum256(body)
	if err != nil || size != int64(len(body)) || sum != hex.EncodeToString(want[:]) {
		t.Fatalf("source: %d %s %v", size, sum, err)
	}
	if got, err := h.svc.Get(t.Context(), "default", a.ID); err != nil || got.Status != media.Processing || got.Progress.Stage != "probe" {
		t.Fatalf("asset: %+v %v", got, err)
	}
}

func TestUploadCreationWithBody(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	a := h.create("at once")
	body := noise(1000)
	res, b := h.request("POST", h.url, body, "Upload-Length", "1000", "Upload-Metadata", metadata("asset_id", a.ID), "Content-Type", "application/offset+octet-stream")
	if res.StatusCode != http.StatusCreated || res.Header.Get("Upload-Offset") != "1000" {
		t.Fatalf("%d %s %v", res.StatusCode, b, res.Header)
	}
	if _, _, err := h.svc.Source(t.Context(), "default", a.ID); err != nil {
		t.Fatal(err)
	}
}

func TestUploadOptions(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	res, _ := h.request("OPTIONS", h.url, nil)
	ext := res.Header.Get("Tus-Extension")
	for _, want := range []string{"creation", "creation-with-upload", "termination", "concatenation", "expiration", "checksum", "checksum-trailer"} {
		if !strings.Contains(","+ext+",", ","+want+",") {
			t.Errorf("%q lacks %s", ext, want)
		}
	}
	if res.Header.Get("Tus-Checksum-Algorithm") != "sha1,sha256" || res.Header.Get("Tus-Max-Size") != fmt.Sprint(int64(20<<30)) {
		t.Errorf("headers: %v", res.Header)
	}
}

func TestUploadRefusals(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *media.Options) { o.MaxUpload, o.Quota = 1<<20, 1<<20+1<<19 })
	a := h.create("refused")
	full := h.create("quota")
	h.begin(full.ID, 1<<20)
	done := h.create("done")
	h.upload(done.ID, noise(10))
	for _, c := range []struct {
		name    string
		status  int
		code    fault.Kind
		headers []string
	}{
		{"no asset", 400, fault.Invalid, []string{"Upload-Length", "10"}},
		{"unknown asset", 404, fault.NotFound, []string{"Upload-Length", "10", "Upload-Metadata", metadata("asset_id", "nope")}},
		{"not the owner", 403, fault.Forbidden, []string{"Upload-Length", "10", "Upload-Metadata", metadata("asset_id", a.ID), "Authorization", "Bearer bob"}},
		{"nobody", 401, fault.Unauthenticated, []string{"Upload-Length", "10", "Upload-Metadata", metadata("asset_id", a.ID), "Authorization", "x"}},
		{"empty", 400, fault.Invalid, []string{"Upload-Length", "0", "Upload-Metadata", metadata("asset_id", a.ID)}},
		{"too large", 413, fault.TooLarge, []string{"Upload-Length", "1073741824", "Upload-Metadata", metadata("asset_id", a.ID)}},
		{"over quota", 413, fault.TooLarge, []string{"Upload-Length", "524288", "Upload-Metadata", metadata("asset_id", a.ID)}},
		{"has its video", 409, fault.Conflict, []string{"Upload-Length", "10", "Upload-Metadata", metadata("asset_id", done.ID)}},
		{"no length", 400, fault.Invalid, []string{"Upload-Metadata", metadata("asset_id", a.ID)}},
		{"length later", 501, fault.Unsupported, []string{"Upload-Defer-Length", "1", "Upload-Metadata", metadata("asset_id", a.ID)}},
		{"old protocol", 412, fault.Unsupported, []string{"Upload-Length", "10", "Tus-Resumable", "0.2.2"}},
		{"bad checksum header", 400, fault.Invalid, []string{"Upload-Length", "10", "Upload-Checksum", "md5 AAAA"}},
	} {
		res, b := h.request("POST", h.url, nil, c.headers...)
		t.Run(c.name, func(t *testing.T) { wantProblem(t, res, b, c.status, c.code) })
	}
	if got, _ := h.svc.Get(t.Context(), "default", a.ID); got.Status != media.Created {
		t.Errorf("refused uploads changed the asset to %s", got.Status)
	}
}

func TestUploadOfAnotherIsNotThere(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	url := h.begin(h.create("mine").ID, 100)
	for _, m := range []string{"PATCH", "DELETE"} {
		res, b := h.request(m, url, nil, "Authorization", "Bearer bob", "Upload-Offset", "0", "Content-Type", "application/offset+octet-stream")
		wantProblem(t, res, b, 404, fault.NotFound)
	}
	res, b := h.request("GET", url, nil)
	wantProblem(t, res, b, 405, fault.Unsupported)
	if res, _ := h.request("HEAD", url, nil, "Authorization", "Bearer bob"); res.StatusCode != 404 {
		t.Fatalf("head: %d", res.StatusCode)
	}
}

func TestUploadChecksum(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	body := noise(9 << 20) // more than one part
	url := h.begin(h.create("checked").ID, 2*len(body))
	res, b := h.patch(url, 0, body, "Upload-Checksum", sum256(body[1:]))
	wantProblem(t, res, b, 460, fault.Corrupt)
	if got := h.offset(url); got != "0" {
		t.Fatalf("a refused chunk moved the offset to %s", got)
	}
	if infos, _ := h.objects.List(t.Context(), "", "", 0); len(infos) != 0 {
		t.Fatalf("a refused chunk left %d objects", len(infos))
	}
	s1 := sha1.Sum(body)
	if res, b := h.patch(url, 0, body, "Upload-Checksum", "sha1 "+base64.StdEncoding.EncodeToString(s1[:])); res.StatusCode != 204 {
		t.Fatalf("right checksum: %d %s", res.StatusCode, b)
	}
	for _, c := range []struct {
		sum  string
		want int
	}{{sum256(nil), 460}, {"nonsense", 400}, {sum256(body), 204}} {
		req, _ := http.NewRequestWithContext(t.Context(), "PATCH", url, struct{ io.Reader }{bytes.NewReader(body)})
		req.Header = http.Header{"Tus-Resumable": {"1.0.0"}, "Authorization": {"Bearer ann"}, "Upload-Offset": {fmt.Sprint(len(body))}, "Content-Type": {"application/offset+octet-stream"}}
		req.Trailer = http.Header{"Upload-Checksum": {c.sum}}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != c.want {
			t.Fatalf("trailer %q: %d, want %d", c.sum, res.StatusCode, c.want)
		}
	}
}

func TestUploadTermination(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	a := h.create("ended")
	url := h.begin(a.ID, 1000)
	h.patch(url, 0, noise(500))
	if res, b := h.request("DELETE", url, nil); res.StatusCode != 204 {
		t.Fatalf("%d %s", res.StatusCode, b)
	}
	if infos, _ := h.objects.List(t.Context(), "", "", 0); len(infos) != 0 {
		t.Fatalf("%d objects left", len(infos))
	}
	if got, _ := h.svc.Get(t.Context(), "default", a.ID); got.Status != media.Created {
		t.Fatalf("status %s", got.Status)
	}
	h.upload(a.ID, noise(10))
}

func TestUploadConcatenation(t *testing.T) {
	t.Parallel()
	h := newHouse(t, func(o *media.Options) { o.Quota = 3000 })
	a := h.create("joined")
	body := noise(3000)
	var urls []string
	for i := 0; i < 3000; i += 1000 {
		res, b := h.request("POST", h.url, nil, "Upload-Length", "1000", "Upload-Concat", "partial", "Upload-Metadata", metadata("asset_id", a.ID))
		if res.StatusCode != 201 {
			t.Fatalf("%d %s", res.StatusCode, b)
		}
		urls = append(urls, res.Header.Get("Location"))
	}
	final := "final;" + strings.Join(urls, " ")
	res, b := h.request("POST", h.url, nil, "Upload-Concat", final, "Upload-Metadata", metadata("asset_id", a.ID))
	wantProblem(t, res, b, 400, fault.Invalid) // not finished
	for i, u := range urls {
		h.patch(u, 0, body[i*1000:(i+1)*1000])
	}
	res, b = h.request("POST", h.url, nil, "Upload-Concat", final, "Upload-Metadata", metadata("asset_id", a.ID))
	if res.StatusCode != 201 {
		t.Fatalf("%d %s", res.StatusCode, b)
	}
	_, sum, err := h.svc.Source(t.Context(), "default", a.ID)
	want := sha256.Sum256(body)
	if err != nil || sum != hex.EncodeToString(want[:]) {
		t.Fatalf("%s %v", sum, err)
	}
}

// TestUploadTakeover has a client whose connection hangs, and its successor.
func TestUploadTakeover(t *testing.T) {
	t.Parallel()
	h := newHouse(t, nil)
	body := noise(10 << 20)
	committed := make(chan struct{}, 8)
	cancel, err := h.opt.Events.Subscribe(media.TopicProgress, func(context.Context, event.Event) error {
		committed <- struct{}{}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer cancel()
	url := h.begin(h.create("two writers").ID, len(body))
	pr, pw := io.Pipe()
	req, _ := http.NewRequestWithContext(t.Context(), "PATCH", url, pr)
	req.ContentLength = int64(len(body))
	req.Header = http.Header{"Tus-Resumable": {"1.0.0"}, "Authorization": {"Bearer ann"}, "Upload-Offset": {"0"}, "Content-Type": {"application/offset+octet-stream"}}
	first := make(chan error, 1)
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			first <- nil // its connection was cut, which is as good as an answer
			return
		}
		res.Body.Close()
		if res.StatusCode == http.StatusNoContent {
			err = errors.New("the interrupted writer was told that all is well")
		}
		first <- err
	}()
	if _, err := pw.Write(body[:9<<20]); err != nil {
		t.Fatal(err)
	}
	<-committed
	// The second client asks how far the first came, which takes the upload over.
	at := 0
	fmt.Sscan(h.offset(url), &at)
	if at < 8<<20 || at > 9<<20 {
		t.Fatalf("offset %d", at)
	}
	if res, b := h.patch(url, at, body[at:]); res.StatusCode != 204 {
		t.Fatalf("%d %s", res.StatusCode, b)
	}
	pw.Close()
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	res, b := h.patch(url, 0, body)
	wantProblem(t, res, b, 409, fault.Conflict)
}

func TestUploadExpires(t *testing.T) {
	t.Parallel()
	now := time.Now()
	old := newHouse(t, func(o *media.Options) { o.Now = func() time.Time { return now.Add(-25 * time.Hour) } })
	a := old.create("left")
	b := old.create("complete, but its end was cut off")
	url := old.begin(a.ID, 1<<30)
	old.patch(url, 0, noise(1000))
	// The last byte of b is committed, and then the process dies.
	h := sha256.New()
	h.Write([]byte("abc"))
	state, _ := h.(encoding.BinaryMarshaler).MarshalBinary()
	up := media.Upload{ID: "u1", Tenant: "default", Owner: "ann", Asset: b.ID, Size: 3}
	if err := errors.Join(
		old.store.CreateUpload(t.Context(), up),
		putPart(old, "t/default/a/"+b.ID+"/src/u1/0", "abc"),
		old.store.AppendParts(t.Context(), "u1", 0, []media.Part{{Key: "t/default/a/" + b.ID + "/src/u1/0", Size: 3}}, state, now),
	); err != nil {
		t.Fatal(err)
	}
	opt := old.opt
	opt.Now = nil
	svc, err := media.New(opt)
	if err != nil {
		t.Fatal(err)
	}
	old.svc = svc
	old.run()
	old.await(a.ID, media.Created)
	if got := old.await(b.ID, media.Failed); got.Reason == "" {
		t.Fatal("no reason")
	}
	if res, _ := old.request("HEAD", url, nil); res.StatusCode != 404 {
		t.Fatalf("head: %d", res.StatusCode)
	}
}

func putPart(h *house, key, body string) error {
	_, err := h.objects.Put(context.Background(), key, strings.NewReader(body), struct {
		IfAbsent bool
		Size     int64
	}{})
	return err
}
