package s3_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/streamgate/streamgate/auth/keys"
	"github.com/streamgate/streamgate/drivers/s3"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/envelope"
	"github.com/streamgate/streamgate/storage/storagetest"
)

func TestParseURL(t *testing.T) {
	t.Parallel()
	got, err := s3.ParseURL("s3://AK:s%2Fe%40c@host:9000/bucket/a/b?region=eu-1&tls=false&part_size=16MiB&parallel=2&equal_parts=true&path_style=true&keys=plain&create=1&no_probe=true", s3.Options{})
	want := s3.Options{Endpoint: "host:9000", Bucket: "bucket", Prefix: "a/b", AccessKey: "AK", SecretKey: "s/e@c", Region: "eu-1", Plaintext: true,
		PartSize: 16 << 20, Parallel: 2, EqualParts: true, PathStyle: true, Keys: s3.KeysPlain, Create: true, NoProbe: true}
	if err != nil || !sameOptions(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if got, err := s3.ParseURL("s3://AK:no@host/bucket", s3.Options{AccessKey: "mine", SecretKey: "my"}); err != nil || got.AccessKey != "mine" || got.SecretKey != "my" || got.Plaintext {
		t.Errorf("got %+v, %v", got, err)
	}
	for rawURL, names := range map[string]string{
		"http://host/bucket":                           "s3://",
		"s3://host":                                    "bucket",
		"s3://host/b":                                  "shorter",
		"s3:///bucket":                                 "host",
		"s3://host/bucket?colour=red":                  "colour",
		"s3://host/bucket?tls=true&tls=false":          "tls",
		"s3://host/bucket?tls=maybe":                   "maybe",
		"s3://host/bucket?part_size=5PiB":              "part_size",
		"s3://host/bucket?part_size=99999999GiB":       "part size",
		"s3://host/bucket?part_size=1MiB":              "part size",
		"s3://host/bucket?parallel=1000":               "1000",
		"s3://host/bucket?keys=flat":                   "flat",
		"s3://host/bucket/a//b":                        "prefix",
		"s3://AK@host/bucket":                          "secret key",
		"s3://AK:hush/hush@host/bucket":                "percent",
		"s3://AK:hush%zz@host/bucket":                  "percent",
		"s3://AK:hush@host/bucket?x=%zz":               "parameters",
		"s3://AK:hush@host/bucket?colour=red":          "colour",
		"s3://AK:hush@ho st/bucket":                    "percent",
		"s3://AK:hush@host/bucket#fragment":            "bucket",
		"s3://AK:hush@127.0.0.1:1/bucket?no_probe=yes": "no_probe",
	} {
		_, err := s3.OpenURL(t.Context(), rawURL, s3.Options{RetryFor: -1})
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), names) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v, want kind invalid, and %q named", rawURL, err, names)
		}
	}
}

func sameOptions(a, b s3.Options) bool {
	return a.Endpoint == b.Endpoint && a.Bucket == b.Bucket && a.Prefix == b.Prefix && a.AccessKey == b.AccessKey && a.SecretKey == b.SecretKey &&
		a.Region == b.Region && a.Plaintext == b.Plaintext && a.PartSize == b.PartSize && a.Parallel == b.Parallel && a.EqualParts == b.EqualParts &&
		a.PathStyle == b.PathStyle && a.Keys == b.Keys && a.Create == b.Create && a.NoProbe == b.NoProbe
}

func TestOpenNamesTheFix(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, srv *server) {
		_, err := s3.OpenURL(t.Context(), srv.URL("not-there", "", ""), s3.Options{})
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "create=true") {
			t.Errorf("a missing bucket: %v", err)
		}
		_, err = s3.OpenURL(t.Context(), srv.URL(srv.bucket(t), "", ""), s3.Options{Keys: s3.KeysPlain})
		if !errors.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "keys=marked") {
			t.Errorf("keys that the server cannot hold: %v", err)
		}
		_, err = s3.OpenURL(t.Context(), srv.URL("some-bucket", "", ""), s3.Options{AccessKey: "nobody", SecretKey: "hush-hush"})
		if !errors.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "hush-hush") {
			t.Errorf("wrong credentials: %v", err)
		}
		s, err := s3.OpenURL(t.Context(), srv.URL("made-by-open", "", "")+"&create=true", s3.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if infos, err := s.List(t.Context(), "", "", 0); err != nil || len(infos) != 0 {
			t.Errorf("List of a new bucket: %v, %v", infos, err)
		}
		for o := range srv.Client().ListObjectsIter(t.Context(), "made-by-open", minio.ListObjectsOptions{Recursive: true}) {
			t.Errorf("the probe left %q, %v", o.Key, o.Err)
		}
		srv.noUploads(t, "made-by-open")
	})
}

// deaf is a server that ignores If-None-Match in the requests it matches.
func (srv *server) deaf(t testing.TB, ignores func(*http.Request) bool) (addr string) {
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", srv.Addr, r.In.Host
	}}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ignores(r) && r.Header.Get("If-None-Match") != "" {
			// The header is signed, so that the request must be made anew.
			srv.without(w, r)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	return strings.TrimPrefix(front.URL, "http://")
}

// without does a conditional write without its condition.
func (srv *server) without(w http.ResponseWriter, r *http.Request) {
	core := minio.Core{Client: srv.Client()}
	bucket, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if r.Method == http.MethodPut {
		info, err := core.PutObject(r.Context(), bucket, name, r.Body, r.ContentLength, "", "", minio.PutObjectOptions{})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		w.Header().Set("ETag", info.ETag)
		return
	}
	id := r.URL.Query().Get("uploadId")
	parts, err := core.ListObjectParts(r.Context(), bucket, name, id, 0, 1000)
	var done []minio.CompletePart
	for _, p := range parts.ObjectParts {
		done = append(done, minio.CompletePart{PartNumber: p.PartNumber, ETag: p.ETag})
	}
	if err == nil {
		_, err = core.CompleteMultipartUpload(r.Context(), bucket, name, id, done, minio.PutObjectOptions{})
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	io.WriteString(w, "<CompleteMultipartUploadResult><Bucket>"+bucket+"</Bucket></CompleteMultipartUploadResult>")
}

// Where the server does not honour the condition, IfAbsent is refused and not guessed.
func TestIfAbsentWithoutTheServer(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, srv *server) {
		ifAbsent := storage.PutOptions{IfAbsent: true}
		large := storagetest.Body(1, part+1)

		never := srv.open(t, srv.URL(srv.bucket(t), "", srv.deaf(t, func(*http.Request) bool { return true })), s3.Options{PartSize: part})
		_, err := never.Put(t.Context(), "k", strings.NewReader("x"), ifAbsent)
		kind(t, "Put", err, fault.Unsupported)
		put(t, never, "k", large, storage.PutOptions{})

		once := srv.open(t, srv.URL(srv.bucket(t), "", srv.deaf(t, isComplete)), s3.Options{PartSize: part})
		put(t, once, "k", []byte("x"), ifAbsent)
		_, err = once.Put(t.Context(), "large", bytes.NewReader(large), ifAbsent)
		kind(t, "Put in parts", err, fault.Unsupported)
		_, err = once.Stat(t.Context(), "large")
		kind(t, "Stat", err, fault.NotFound)

		untold := srv.open(t, srv.URL(srv.bucket(t), "", ""), s3.Options{NoProbe: true})
		_, err = untold.Put(t.Context(), "k", strings.NewReader("x"), ifAbsent)
		kind(t, "Put without a probe", err, fault.Unsupported)

		whole := srv.store(t, s3.Options{PartSize: part})
		put(t, whole, "k", large, ifAbsent)
		_, err = whole.Put(t.Context(), "k", bytes.NewReader(large), ifAbsent)
		kind(t, "Put in parts on an existing key", err, fault.Conflict)
	})
}

// Without a mark MinIO does what it can: all but showing keys beneath a key.
func TestPlainKeys(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, srv *server) {
		bucket := srv.bucket(t)
		s := srv.open(t, srv.URL(bucket, "p", ""), s3.Options{Keys: s3.KeysPlain, NoProbe: true})
		keys := []string{"a-b/c", "a/b/c", "a/b0", "a0", "a0.", "b/..x", "c"}
		for _, key := range keys {
			put(t, s, key, []byte(key), storage.PutOptions{})
		}
		for i := range keys {
			after := ""
			if i > 0 {
				after = keys[i-1]
			}
			infos, err := s.List(t.Context(), "", after, 2)
			if err != nil || len(infos) != min(2, len(keys)-i) || infos[0].Key != keys[i] {
				t.Errorf("List after %q: %v, %v", after, infos, err)
			}
		}
		if _, err := srv.Client().StatObject(t.Context(), bucket, "p/a/b0", minio.StatObjectOptions{}); err != nil {
			t.Errorf("the object is not named as its key: %v", err)
		}
	})
}

func TestAbortStale(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, srv *server) {
		bucket := srv.bucket(t)
		var offset time.Duration
		s := srv.open(t, srv.URL(bucket, "p", ""), s3.Options{Now: func() time.Time { return time.Now().Add(offset) }})
		core := minio.Core{Client: srv.Client()}
		for _, name := range []string{"p/a!", "p/b/c!", "elsewhere"} {
			if _, err := core.NewMultipartUpload(t.Context(), bucket, name, minio.PutObjectOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := s.AbortStale(t.Context(), time.Hour); n != 0 || err != nil {
			t.Errorf("young uploads: %d, %v", n, err)
		}
		offset = 2 * time.Hour
		n, err := s.AbortStale(t.Context(), time.Hour)
		if err != nil || srv.Name == "versitygw" && n != 2 {
			t.Errorf("stale uploads: %d, %v", n, err)
		}
		if srv.Name == "versitygw" { // MinIO lists none by prefix
			var left []string
			for u := range srv.Client().ListIncompleteUploads(t.Context(), bucket, "", true) {
				left = append(left, u.Key)
			}
			if len(left) != 1 || left[0] != "elsewhere" {
				t.Errorf("left are %q, want only the upload that is none of the store's", left)
			}
		}
		if _, err := s.AbortStale(t.Context(), 0); !errors.Is(err, fault.Invalid) {
			t.Errorf("no age: %v", err)
		}
	})
}

func TestPresign(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, srv *server) {
		s := srv.store(t, s3.Options{})
		put(t, s, "a/b", []byte("0123456789"), storage.PutOptions{})
		signer, ok := storage.As[storage.Presigner](s)
		if !ok {
			t.Fatal("the store cannot presign")
		}
		raw, err := signer.PresignGet(t.Context(), "a/b", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, raw, nil)
		req.Header.Set("Range", "bytes=2-4")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != http.StatusPartialContent || string(body) != "234" {
			t.Errorf("got %d %q", resp.StatusCode, body)
		}
		u, _ := url.Parse(raw)
		u.Path = strings.Replace(u.Path, "a/b", "a/c", 1)
		other, err := http.Get(u.String())
		if err != nil {
			t.Fatal(err)
		}
		defer other.Body.Close()
		if other.StatusCode != http.StatusForbidden {
			t.Errorf("the URL for another key: %d", other.StatusCode)
		}
		for _, ttl := range []time.Duration{0, -time.Second, time.Millisecond, 8 * 24 * time.Hour} {
			_, err := signer.PresignGet(t.Context(), "a/b", ttl)
			kind(t, "a lifetime of "+ttl.String(), err, fault.Invalid)
		}
		_, err = signer.PresignGet(t.Context(), "../b", time.Minute)
		kind(t, "an invalid key", err, fault.Invalid)
	})
}

func newEnvelope(t testing.TB, inner storage.Store) *envelope.Store {
	t.Helper()
	e, err := envelope.New(inner, keys.NewMemory(), envelope.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEnvelope(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, srv *server) {
		inner := srv.store(t, s3.Options{PartSize: part})
		e := newEnvelope(t, inner)
		body := storagetest.Body(1, 2*part+77)
		put(t, e, "t/x/a/1/video", body, storage.PutOptions{})
		want(t, "the round trip", get(t, e, "t/x/a/1/video", 0, -1), body)
		want(t, "a range", get(t, e, "t/x/a/1/video", part-3, 70_000), body[part-3:part-3+70_000])
		if bytes.Contains(get(t, inner, "t/x/a/1/video", 0, -1), body[:64]) {
			t.Error("the bucket holds the plain bytes")
		}
		signer, ok := storage.As[storage.Presigner](e)
		if !ok {
			t.Fatal("the envelope does not answer for what is below")
		}
		_, err := signer.PresignGet(t.Context(), "t/x/a/1/video", time.Minute)
		kind(t, "a URL to ciphertext", err, fault.Unsupported)
	})
}

// A server that takes the request and says nothing does not hold the caller for ever.
func TestStalledServer(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer silent.Close()
	defer close(release)
	open := func(ctx context.Context) error {
		_, err := s3.Open(ctx, s3.Options{Endpoint: strings.TrimPrefix(silent.URL, "http://"), Plaintext: true, Bucket: "bucket", RetryFor: -1, StallAfter: 50 * time.Millisecond})
		return err
	}
	kind(t, "Open", open(t.Context()), fault.Unavailable)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	kind(t, "Open with an ended context", open(ctx), fault.Canceled)
}
