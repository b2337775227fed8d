package s3_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/streamgate/streamgate/drivers/s3"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/servers"
	"github.com/streamgate/streamgate/storage"
	"github.com/streamgate/streamgate/storage/storagetest"
)

const part = 5 << 20

// proxied opens a store by way of a proxy that injects nothing yet.
func (srv *server) proxied(t testing.TB, opt s3.Options) (*s3.Store, *servers.S3Proxy, string) {
	t.Helper()
	bucket := srv.bucket(t)
	p := servers.S3ProxyFor(t, srv.S3, 1)
	if opt.PartSize == 0 {
		opt.PartSize = part
	}
	return srv.open(t, srv.URL(bucket, "", p.Addr), opt), p, bucket
}

func kind(t testing.TB, what string, err error, want fault.Kind) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want kind %v", what, err, want)
	}
}

// writes tells the requests of a Put apart.
func isPart(r *http.Request) bool { return r.Method == http.MethodPut && r.URL.Query().Has("uploadId") }
func isComplete(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Query().Has("uploadId")
}
func isBegin(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Query().Has("uploads")
}
func isPut(r *http.Request) bool { return r.Method == http.MethodPut && r.URL.RawQuery == "" }
func isGet(r *http.Request) bool { return r.Method == http.MethodGet && r.URL.RawQuery == "" }

// The whole suite passes while one request in twenty fails in some way. Answers cut short
// have tests of their own: a reader whose object is gone must fail then, which the suite
// does not allow for.
func TestStoreWithFaults(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, srv *server) {
		bucket := srv.bucket(t)
		p := servers.S3ProxyFor(t, srv.S3, 7)
		kinds := []servers.S3FaultKind{servers.S3LostAnswer, servers.S3LostConnection, servers.S3SlowDown, servers.S3Reset}
		for _, k := range kinds {
			p.Inject(servers.S3Fault{Kind: k, Rate: 0.01})
		}
		p.Inject(servers.S3Fault{Kind: servers.S3WrongETag, Rate: 0.01, Match: func(r *http.Request) bool { return r.Method == http.MethodPut }})
		t.Run("suite", func(t *testing.T) {
			storagetest.Run(t, func(t testing.TB) storage.Store {
				n := srv.buckets.Add(1)
				return srv.open(t, srv.URL(bucket, fmt.Sprintf("p%d", n), p.Addr), s3.Options{RetryFor: time.Minute})
			})
		})
		// One in a hundred may be none in a suite's few hundred writes: more follow until each has been seen.
		s := srv.open(t, srv.URL(bucket, "more", p.Addr), s3.Options{RetryFor: time.Minute})
		for _, k := range append(kinds, servers.S3WrongETag) {
			for n := 0; p.Fired(k) == 0; n++ {
				if n == 3000 {
					t.Fatalf("the fault %s never fired", k)
				}
				key, body := fmt.Sprint(n), storagetest.Body(uint64(n), 1000)
				put(t, s, key, body, storage.PutOptions{})
				want(t, key, get(t, s, key, 0, -1), body)
			}
		}
	})
}

func TestLostAnswersAreReadBack(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, srv *server) {
		s, p, _ := srv.proxied(t, s3.Options{})
		small, large := storagetest.Body(1, 1000), storagetest.Body(2, 2*part+5)
		for _, lost := range []servers.S3FaultKind{servers.S3LostAnswer, servers.S3LostConnection} {
			for name, c := range map[string]struct {
				body []byte
				at   func(*http.Request) bool
			}{"put": {small, isPut}, "begin": {large, isBegin}, "part": {large, isPart}, "complete": {large, isComplete}} {
				for _, ifAbsent := range []bool{false, true} {
					key := fmt.Sprintf("%s/%s/%v", lost, name, ifAbsent)
					before := p.Fired(lost)
					p.Inject(servers.S3Fault{Kind: lost, Match: c.at, Times: 1})
					put(t, s, key, c.body, storage.PutOptions{IfAbsent: ifAbsent})
					if p.Fired(lost) == before {
						t.Errorf("%s: the fault did not fire", key)
					}
					p.Heal()
					want(t, key, get(t, s, key, 0, -1), c.body)
				}
			}
		}
		// The answer of a Put that lost the race is lost too: it did not win by that.
		put(t, s, "taken", small, storage.PutOptions{})
		_, err := s.Put(t.Context(), "taken", bytes.NewReader(large), storage.PutOptions{IfAbsent: true})
		kind(t, "Put on a taken key", err, fault.Conflict)
		want(t, "taken", get(t, s, "taken", 0, -1), small)
	})
}

// When nobody answers any more, a Put is not taken for done, nor for undone.
func TestLostForGood(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, srv *server) {
		s, p, _ := srv.proxied(t, s3.Options{RetryFor: 300 * time.Millisecond})
		p.Inject(servers.S3Fault{Kind: servers.S3LostAnswer, Match: isPut})
		p.Inject(servers.S3Fault{Kind: servers.S3Reset, Match: func(r *http.Request) bool { return r.Method == http.MethodHead }})
		_, err := s.Put(t.Context(), "k", strings.NewReader("x"), storage.PutOptions{})
		kind(t, "Put", err, fault.Unavailable)
		if p.Fired(servers.S3LostAnswer) == 0 || p.Fired(servers.S3Reset) == 0 {
			t.Error("the faults did not fire")
		}
	})
}

func TestSlowDown(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, srv *server) {
		s, p, bucket := srv.proxied(t, s3.Options{})
		body := storagetest.Body(3, 2*part)
		p.Inject(servers.S3Fault{Kind: servers.S3SlowDown, Times: 4})
		put(t, s, "k", body, storage.PutOptions{})
		p.Inject(servers.S3Fault{Kind: servers.S3SlowDown, Times: 2})
		want(t, "after a burst", get(t, s, "k", 0, -1), body)
		if n := p.Fired(servers.S3SlowDown); n != 6 {
			t.Errorf("%d bursts fired, want 6", n)
		}
		p.Heal()

		hasty := srv.open(t, srv.URL(bucket, "", p.Addr), s3.Options{RetryFor: 200 * time.Millisecond, PartSize: part})
		p.Inject(servers.S3Fault{Kind: servers.S3SlowDown})
		_, err := hasty.Put(t.Context(), "k", strings.NewReader("new"), storage.PutOptions{})
		kind(t, "Put", err, fault.Unavailable)
		_, err = hasty.Get(t.Context(), "k", 0, -1)
		kind(t, "Get", err, fault.Unavailable)
		_, err = hasty.Stat(t.Context(), "k")
		kind(t, "Stat", err, fault.Unavailable)
		_, err = hasty.List(t.Context(), "", "", 0)
		kind(t, "List", err, fault.Unavailable)
		kind(t, "Delete", hasty.Delete(t.Context(), "k"), fault.Unavailable)
		p.Heal()
		want(t, "after the outage", get(t, s, "k", 0, -1), body)
	})
}

func TestBrokenReadsGoOn(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, srv *server) {
		s, p, _ := srv.proxied(t, s3.Options{})
		body := storagetest.Body(4, 3*part)
		put(t, s, "k", body, storage.PutOptions{})
		p.Inject(servers.S3Fault{Kind: servers.S3Truncate, Match: isGet, Times: 5})
		want(t, "with five broken answers", get(t, s, "k", 0, -1), body)
		p.Inject(servers.S3Fault{Kind: servers.S3Truncate, Match: isGet, Times: 3})
		want(t, "a range with three broken answers", get(t, s, "k", 77, part), body[77:77+part])
		if n := p.Fired(servers.S3Truncate); n != 8 {
			t.Errorf("%d answers were cut short, want 8", n)
		}
	})
}

// A reader never mixes two objects.
func TestBrokenReadOfAReplacedObject(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, srv *server) {
		for name, replace := range map[string]func(s *s3.Store) error{
			"replaced": func(s *s3.Store) error {
				_, err := s.Put(t.Context(), "k", bytes.NewReader(storagetest.Body(6, 2*part)), storage.PutOptions{})
				return err
			},
			"deleted": func(s *s3.Store) error { return s.Delete(t.Context(), "k") },
		} {
			s, p, _ := srv.proxied(t, s3.Options{})
			body := storagetest.Body(5, 2*part)
			put(t, s, "k", body, storage.PutOptions{})
			// Every answer breaks off in the middle, so that the end is never reached without asking again.
			p.Inject(servers.S3Fault{Kind: servers.S3Truncate, Match: isGet})
			r, err := s.Get(t.Context(), "k", 0, -1)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			head := make([]byte, part-10)
			if _, err := io.ReadFull(r, head); err != nil {
				t.Fatal(err)
			}
			if err := replace(s); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(r)
			if !errors.Is(err, fault.Unavailable) || p.Fired(servers.S3Truncate) == 0 {
				t.Errorf("%s: read %d bytes more, %v, want kind unavailable", name, len(rest), err)
			}
			want(t, name, slices.Concat(head, rest), body[:len(head)+len(rest)])
		}
	})
}

func TestWrongETags(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, srv *server) {
		s, p, bucket := srv.proxied(t, s3.Options{})
		large := storagetest.Body(7, 2*part+9)
		p.Inject(servers.S3Fault{Kind: servers.S3WrongETag, Match: isPart, Times: 2})
		p.Inject(servers.S3Fault{Kind: servers.S3WrongETag, Match: isPut, Times: 1})
		infos := map[string]storage.Info{
			"large": put(t, s, "large", large, storage.PutOptions{}),
			"small": put(t, s, "small", []byte("x"), storage.PutOptions{}),
		}
		if n := p.Fired(servers.S3WrongETag); n != 3 {
			t.Errorf("%d ETags were wrong, want 3", n)
		}
		for key, info := range infos {
			if stat, err := s.Stat(t.Context(), key); err != nil || stat != info {
				t.Errorf("Put of %s said %+v, Stat says %+v, %v", key, info, stat, err)
			}
		}
		want(t, "large", get(t, s, "large", 0, -1), large)

		// With a wrong ETag the condition of the second request fails: an error, no other bytes.
		p.Inject(servers.S3Fault{Kind: servers.S3WrongETag, Match: isGet, Times: 1})
		r, err := s.Get(t.Context(), "large", 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if _, err := r.(io.Seeker).Seek(part, io.SeekStart); err != nil {
			t.Fatal(err)
		}
		_, err = r.Read(make([]byte, 1))
		kind(t, "Read", err, fault.Unavailable)
		srv.noUploads(t, bucket, "large!")
	})
}

func TestAbortedPutsLeaveNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, srv *server) {
		s, p, bucket := srv.proxied(t, s3.Options{RetryFor: 200 * time.Millisecond})
		broken := errors.New("the source broke")
		_, err := s.Put(t.Context(), "source", io.MultiReader(bytes.NewReader(storagetest.Body(1, 2*part)), &failing{broken}), storage.PutOptions{})
		if !errors.Is(err, broken) {
			t.Errorf("Put of a broken source: %v", err)
		}
		_, err = s.Put(t.Context(), "cut", io.MultiReader(bytes.NewReader(storagetest.Body(1, 2*part)), &failing{io.ErrUnexpectedEOF}), storage.PutOptions{})
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("Put of a source that was cut off: %v", err)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic of the source was kept")
				}
			}()
			_, _ = s.Put(t.Context(), "panics", io.MultiReader(bytes.NewReader(storagetest.Body(1, 2*part)), panics{}), storage.PutOptions{})
		}()
		ctx, cancel := context.WithCancel(t.Context())
		_, err = s.Put(ctx, "ended", io.MultiReader(bytes.NewReader(storagetest.Body(1, 2*part)), &ends{cancel}), storage.PutOptions{})
		kind(t, "Put whose context ends", err, fault.Canceled)
		p.Inject(servers.S3Fault{Kind: servers.S3SlowDown, Match: isComplete})
		_, err = s.Put(t.Context(), "refused", bytes.NewReader(storagetest.Body(1, 2*part)), storage.PutOptions{})
		kind(t, "Put that is not completed", err, fault.Unavailable)
		if p.Fired(servers.S3SlowDown) == 0 {
			t.Error("the fault did not fire")
		}
		keys := []string{"source", "cut", "panics", "ended", "refused"}
		for i, key := range keys {
			_, err := s.Stat(t.Context(), key)
			kind(t, "Stat of "+key, err, fault.NotFound)
			keys[i] += "!"
		}
		srv.noUploads(t, bucket, keys...)
	})
}

type failing struct{ err error }

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

type panics struct{}

func (panics) Read([]byte) (int, error) { panic("source") }

type ends struct{ cancel func() }

func (e *ends) Read(p []byte) (int, error) { e.cancel(); return len(p), nil }

// A server that is gone is unavailable, within the bound; back again, it serves the same store.
func TestRestart(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(context.Context, string) (*servers.S3, error){"versitygw": servers.StartVersityGW, "minio": servers.StartMinIO} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := &server{S3: servers.S3Of(t, start)}
			s := srv.store(t, s3.Options{RetryFor: 200 * time.Millisecond, PartSize: part})
			body := storagetest.Body(9, part+1)
			put(t, s, "k", body, storage.PutOptions{})
			if err := srv.Kill(); err != nil {
				t.Fatal(err)
			}
			_, err := s.Put(t.Context(), "k", strings.NewReader("x"), storage.PutOptions{})
			kind(t, "Put", err, fault.Unavailable)
			_, err = s.Get(t.Context(), "k", 0, -1)
			kind(t, "Get", err, fault.Unavailable)
			_, err = s3.OpenURL(t.Context(), srv.URL("some-bucket", "", ""), s3.Options{RetryFor: -1})
			kind(t, "Open", err, fault.Unavailable)
			if strings.Contains(fmt.Sprint(err), srv.SecretKey) {
				t.Errorf("the error shows the secret: %v", err)
			}
			if err := srv.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			want(t, "what was acknowledged", get(t, s, "k", 0, -1), body)
		})
	}
}
