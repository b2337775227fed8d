package outbound_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/internal/outbound"
)

// trusting takes the certificates of test servers.
func trusting(t *http.Transport) {
	t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
}

func get(t *testing.T, opt outbound.Options, url string) (string, error) {
	t.Helper()
	opt.Transport = trusting
	c := outbound.New(opt)
	defer c.CloseIdleConnections()
	res, err := c.Get(url)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), nil
}

func TestClientRefusesWhatIsNotPublic(t *testing.T) {
	t.Parallel()
	asked := false
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	defer s.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(s.URL, "https://"), ":")
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"} {
		_, err := get(t, outbound.Options{}, "https://"+host+":"+port+"/")
		if err == nil {
			t.Errorf("%s is asked", host)
		}
	}
	if asked {
		t.Error("the server was reached")
	}
	if _, err := get(t, outbound.Options{}, "https://127.0.0.1:"+port); !errors.Is(err, fault.Forbidden) {
		t.Errorf("%v, want a fault of kind forbidden", err)
	}
}

func TestClientFollowsOnlySafeRedirects(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "plain") }))
	defer plain.Close()
	var s *httptest.Server
	s = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			fmt.Fprint(w, "here")
		case "/plain":
			http.Redirect(w, r, plain.URL, http.StatusFound)
		case "/user":
			http.Redirect(w, r, strings.Replace(s.URL, "https://", "https://user:secret@", 1), http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/private":
			http.Redirect(w, r, "https://10.0.0.1/", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		default:
			http.Redirect(w, r, "/", http.StatusFound)
		}
	}))
	defer s.Close()
	opt := outbound.Options{Loopback: true, Redirects: 2}
	for _, path := range []string{"/", "/one"} {
		if body, err := get(t, opt, s.URL+path); err != nil || body != "here" {
			t.Errorf("%s: %q, %v", path, body, err)
		}
	}
	for _, path := range []string{"/plain", "/user", "/file", "/private", "/loop"} {
		if body, err := get(t, opt, s.URL+path); err == nil {
			t.Errorf("%s is followed: %q", path, body)
		}
	}
	if _, err := get(t, outbound.Options{Loopback: true}, s.URL+"/one"); err == nil {
		t.Error("a redirect is followed by a client of none")
	}
	if _, err := get(t, opt, plain.URL); err == nil {
		t.Error("http is asked by a client of https")
	}
	if body, err := get(t, outbound.Options{Loopback: true, PlainHTTP: true}, plain.URL); err != nil || body != "plain" {
		t.Errorf("http: %q, %v", body, err)
	}
}
