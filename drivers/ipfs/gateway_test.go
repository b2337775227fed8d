package ipfs_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/streamgate/streamgate/storage/storagetest"
)

func serve(h http.Handler, target string, header http.Header) *httptest.ResponseRecorder {
	r, w := httptest.NewRequest(http.MethodGet, target, nil), httptest.NewRecorder()
	for k, v := range header {
		r.Header[k] = v
	}
	func() {
		defer func() { _ = recover() }() // http.ErrAbortHandler, when a file breaks off
		h.ServeHTTP(w, r)
	}()
	return w
}

func TestGateway(t *testing.T) {
	t.Parallel()
	n := open(t, t.TempDir(), small)
	data := storagetest.Body(3, 30_000)
	root := add(t, n, data)
	h, err := n.Gateway()
	if err != nil {
		t.Fatal(err)
	}
	path := "/ipfs/" + root.String()
	whole := serve(h, path, nil)
	if whole.Code != http.StatusOK || !bytes.Equal(whole.Body.Bytes(), data) {
		t.Errorf("the file: %d with %d bytes", whole.Code, whole.Body.Len())
	}
	part := serve(h, path, http.Header{"Range": {"bytes=12345-23456"}})
	if part.Code != http.StatusPartialContent || !bytes.Equal(part.Body.Bytes(), data[12345:23457]) || part.Header().Get("Content-Range") != "bytes 12345-23456/30000" {
		t.Errorf("a range: %d, %v with %d bytes", part.Code, part.Header(), part.Body.Len())
	}
	raw := serve(h, path+"?format=raw", nil)
	if raw.Code != http.StatusOK || raw.Header().Get("Content-Type") != "application/vnd.ipld.raw" {
		t.Errorf("the raw block: %d, %v", raw.Code, raw.Header())
	}
	if again, err := root.Prefix().Sum(raw.Body.Bytes()); err != nil || again != root {
		t.Errorf("the raw block is that of %v, %v", again, err)
	}
	car := serve(h, path+"?format=car", nil)
	other := open(t, t.TempDir(), small)
	if roots, err := other.ImportCAR(t.Context(), car.Body); err != nil || len(roots) != 1 || roots[0] != root {
		t.Errorf("the CAR has the roots %v, %v", roots, err)
	}
	wantFile(t, other, root, data)

	absent := add(t, other, []byte("not at the first node"))
	for target, code := range map[string]int{
		"/ipfs/" + absent.String(): http.StatusNotFound, "/ipns/example.com": http.StatusNotFound, "/": http.StatusNotFound, "/ipfs/nonsense": http.StatusBadRequest,
		"/ipfs/" + root.String() + "/../../etc": http.StatusNotFound,
	} {
		if got := serve(h, target, nil); got.Code != code && (got.Code < 400 || code < 400) {
			t.Errorf("%s: %d, want %d: %s", target, got.Code, code, got.Body)
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}
