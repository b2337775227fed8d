package media

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // tus clients choose; it guards against accidents only
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"hash"
	"net/http"
	"strings"
	"time"

	tusd "github.com/tus/tusd/v2/pkg/handler"
	xslog "golang.org/x/exp/slog"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/fault"
)

// lockWait is how long a second writer waits for the first to let go.
const lockWait = 3 * time.Second

// statusChecksum is what the checksum extension answers to bytes that do not match.
const statusChecksum = 460

// UploadHandler serves tus 1.0 below basePath ("/v1/uploads/"), with the extensions creation,
// creation-with-upload, expiration, checksum (sha1, sha256; in the header or the trailer),
// termination and concatenation. Metadata: asset_id, required, filename, filetype. principal tells
// who is asking, or fails with fault.Unauthenticated. Downloads are off, and cross-origin headers are the caller's.
// Errors are application/problem+json with the code of the fault.
func (s *Service) UploadHandler(basePath string, principal func(*http.Request) (auth.Principal, error)) (http.Handler, error) {
	const op = "media.UploadHandler"
	if principal == nil || !strings.HasPrefix(basePath, "/") {
		return nil, fault.New(fault.Invalid, op, "a base path and a principal are required")
	}
	basePath = strings.TrimSuffix(basePath, "/") + "/"
	store := uploadStore{s}
	composer := tusd.NewStoreComposer()
	composer.UseCore(store)
	composer.UseTerminater(store)
	composer.UseConcater(store)
	composer.UseLocker(&s.locks)
	h, err := tusd.NewHandler(tusd.Config{
		BasePath: basePath, StoreComposer: composer, MaxSize: s.opt.MaxUpload, DisableDownload: true,
		Cors: &tusd.CorsConfig{Disable: true}, AcquireLockTimeout: lockWait,
		// tusd logs every step of every request; ours are logged by the server.
		Logger: xslog.New(xslog.NewTextHandler(discard{}, &xslog.HandlerOptions{Level: xslog.Level(127)})),
	})
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, op, err)
	}
	return &tusHandler{s: s, next: http.StripPrefix(strings.TrimSuffix(basePath, "/"), h), principal: principal, base: basePath}, nil
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

// tusHandler is what StreamGate adds around tusd: who is asking, checksums,
// expiry, and errors in the form of the rest of the API.
type tusHandler struct {
	s         *Service
	next      http.Handler
	principal func(*http.Request) (auth.Principal, error)
	base      string
}

func (h *tusHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rw := &tusWriter{ResponseWriter: w, req: r}
	defer rw.finish()
	if r.Method == http.MethodOptions {
		h.next.ServeHTTP(rw, r)
		return
	}
	p, err := h.principal(r)
	if err == nil && (p.Tenant == "" || p.UserID == "") {
		err = fault.New(fault.Unauthenticated, "media.upload", "sign in to upload")
	}
	if err != nil {
		rw.fail(err)
		return
	}
	req := request{principal: p}
	if r.Method == http.MethodPatch || r.Method == http.MethodPost {
		if req.checksum, err = newChecksum(r); err != nil {
			rw.fail(err)
			return
		}
	}
	ctx := context.WithValue(r.Context(), requestKey{}, req)
	r = r.WithContext(ctx)
	if req.checksum != nil {
		req.checksum.trailer = r
	}
	rw.expires = func() (time.Time, bool) { return h.expiry(ctx, rw, r) }
	h.next.ServeHTTP(rw, r)
}

// expiry returns when the upload that the response is about is given up, while
// it is unfinished.
func (h *tusHandler) expiry(ctx context.Context, w http.ResponseWriter, r *http.Request) (time.Time, bool) {
	path := r.URL.Path
	if loc := w.Header().Get("Location"); loc != "" {
		path = loc
	}
	i := strings.LastIndex(path, "/")
	up, err := h.s.opt.Store.Upload(context.WithoutCancel(ctx), path[i+1:])
	if err != nil || up.Offset == up.Size {
		return time.Time{}, false
	}
	return h.s.expires(up), true
}

// checksum checks the body of one request (tus 1.0, checksum extension).
type checksum struct {
	hash    hash.Hash
	want    []byte
	trailer *http.Request // where the value arrives, when it comes after the body
}

func newChecksum(r *http.Request) (*checksum, error) {
	v := r.Header.Get("Upload-Checksum")
	if v == "" {
		for k := range r.Trailer {
			if http.CanonicalHeaderKey(k) == "Upload-Checksum" {
				// The algorithm is known at the end only: both are cheap beside the network.
				return &checksum{hash: &both{sha1.New(), sha256.New()}}, nil
			}
		}
		return nil, nil
	}
	algorithm, want, err := parseChecksum(v)
	if err != nil {
		return nil, err
	}
	c := &checksum{want: want, hash: sha256.New()}
	if algorithm == "sha1" {
		c.hash = sha1.New()
	}
	return c, nil
}

// parseChecksum reads "sha256 BASE64".
func parseChecksum(v string) (algorithm string, sum []byte, err error) {
	bad := func() (string, []byte, error) {
		return "", nil, fault.New(fault.Invalid, "media.checksum", "the checksum cannot be read").
			With("Upload-Checksum", "write sha1 or sha256, a space, and the digest in base64")
	}
	algorithm, enc, ok := strings.Cut(strings.TrimSpace(v), " ")
	if !ok {
		return bad()
	}
	size := map[string]int{"sha1": sha1.Size, "sha256": sha256.Size}[algorithm]
	sum, err = base64.StdEncoding.DecodeString(strings.TrimSpace(enc))
	if err != nil || size == 0 || len(sum) != size {
		return bad()
	}
	return algorithm, sum, nil
}

// verify compares once the body has been read whole.
func (c *checksum) verify() error {
	want := c.want
	if want == nil && c.trailer != nil {
		v := c.trailer.Trailer.Get("Upload-Checksum")
		algorithm, sum, err := parseChecksum(v)
		if err != nil {
			return err
		}
		b := c.hash.(*both)
		want = sum
		if algorithm == "sha1" {
			c.hash = b.a
		} else {
			c.hash = b.b
		}
	}
	if !bytes.Equal(c.hash.Sum(nil), want) {
		return errChecksum
	}
	return nil
}

var errChecksum = fault.New(fault.Corrupt, "media.checksum", "the bytes received do not match their checksum; send them again")

// both feeds two hashes.
type both struct{ a, b hash.Hash }

func (h *both) Write(p []byte) (int, error) { h.a.Write(p); return h.b.Write(p) }
func (h *both) Sum(b []byte) []byte         { return h.b.Sum(b) }
func (h *both) Reset()                      { h.a.Reset(); h.b.Reset() }
func (h *both) Size() int                   { return h.b.Size() }
func (h *both) BlockSize() int              { return h.b.BlockSize() }

// tusError dresses a fault as a tusd error; tusWriter undresses it.
func tusError(err error) error {
	if err == nil {
		return nil
	}
	var already tusd.Error
	if errors.As(err, &already) {
		return already
	}
	status := statusOf(err)
	body, _ := json.Marshal(problemOf(err, status)) // plain data always marshals
	e := tusd.NewError(fault.KindOf(err).String(), fault.KindOf(err).String(), status)
	e.HTTPResponse.Body = string(body)
	e.HTTPResponse.Header = tusd.HTTPHeader{"Content-Type": problemType}
	return e
}

const problemType = "application/problem+json"

// problem is RFC 9457 with the members of the rest of the API.
type problem struct {
	Type   string        `json:"type"`
	Title  string        `json:"title"`
	Status int           `json:"status"`
	Detail string        `json:"detail,omitempty"`
	Code   string        `json:"code"`
	Fields []fault.Field `json:"fields,omitempty"`
}

// statusOf maps a fault to the status tus gives it.
func statusOf(err error) int {
	if errors.Is(err, errChecksum) && fault.KindOf(err) == fault.Corrupt {
		return statusChecksum
	}
	switch fault.KindOf(err) {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Conflict:
		return http.StatusConflict
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Unsupported:
		return http.StatusUnsupportedMediaType
	case fault.Limited:
		return http.StatusTooManyRequests
	case fault.Unavailable, fault.Canceled:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// kindOf goes the other way, for the errors that tusd makes itself.
func kindOf(status int) fault.Kind {
	switch status {
	case http.StatusUnauthorized:
		return fault.Unauthenticated
	case http.StatusForbidden:
		return fault.Forbidden
	case http.StatusNotFound, http.StatusGone:
		return fault.NotFound
	case http.StatusConflict, http.StatusLocked:
		return fault.Conflict
	case http.StatusRequestEntityTooLarge:
		return fault.TooLarge
	case http.StatusPreconditionFailed, http.StatusUnsupportedMediaType, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return fault.Unsupported
	case http.StatusServiceUnavailable:
		return fault.Unavailable
	}
	if status >= 500 {
		return fault.Internal
	}
	return fault.Invalid
}

func problemOf(err error, status int) problem {
	msg, fields, _ := fault.Public(err)
	return newProblem(fault.KindOf(err), status, msg, fields)
}

func newProblem(k fault.Kind, status int, detail string, fields []fault.Field) problem {
	title := http.StatusText(status)
	if status == statusChecksum {
		title = "Checksum Mismatch"
	}
	return problem{Type: "about:blank", Title: title, Status: status, Detail: detail, Code: k.String(), Fields: fields}
}

// tusWriter turns what tusd writes into the API's form.
type tusWriter struct {
	http.ResponseWriter
	req     *http.Request
	expires func() (time.Time, bool)
	status  int // of an error being held back
	wrote   bool
	body    bytes.Buffer
}

// Unwrap lets http.ResponseController set deadlines.
func (w *tusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *tusWriter) WriteHeader(status int) {
	if w.wrote || w.status != 0 {
		return
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if w.req.Method == http.MethodOptions && h.Get("Tus-Extension") != "" {
		h.Set("Tus-Extension", h.Get("Tus-Extension")+",expiration,checksum,checksum-trailer")
		h.Set("Tus-Checksum-Algorithm", "sha1,sha256")
	}
	if status >= 400 {
		w.status = status
		return
	}
	if w.expires != nil && (w.req.Method == http.MethodPost || w.req.Method == http.MethodPatch || w.req.Method == http.MethodHead) {
		if t, ok := w.expires(); ok {
			h.Set("Upload-Expires", t.UTC().Format(http.TimeFormat))
		}
	}
	w.wrote = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *tusWriter) Write(p []byte) (int, error) {
	if w.status == 0 && !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	if w.status != 0 {
		return w.body.Write(p)
	}
	return w.ResponseWriter.Write(p)
}

// finish writes the error held back.
func (w *tusWriter) finish() {
	if w.status == 0 {
		return
	}
	h := w.Header()
	body := w.body.Bytes()
	if h.Get("Content-Type") != problemType {
		text := strings.TrimSpace(w.body.String())
		if strings.HasPrefix(text, tusd.ErrLockTimeout.ErrorCode) {
			w.status = http.StatusLocked
			text = "another request is writing this upload; try again"
		} else if _, msg, ok := strings.Cut(text, ": "); ok && (w.status < 500 || w.status == http.StatusNotImplemented) {
			text = msg
		} else if w.status >= 500 {
			text = ""
		}
		body, _ = json.Marshal(newProblem(kindOf(w.status), w.status, text, nil))
		h.Set("Content-Type", problemType)
	}
	h.Del("Content-Length")
	w.wrote = true
	w.ResponseWriter.WriteHeader(w.status)
	if w.req.Method != http.MethodHead {
		_, _ = w.ResponseWriter.Write(body)
	}
}

// fail answers with err before tusd saw the request.
func (w *tusWriter) fail(err error) {
	w.Header().Set("Tus-Resumable", "1.0.0")
	w.Header().Set("Content-Type", problemType)
	w.status = statusOf(err)
	body, _ := json.Marshal(problemOf(err, w.status))
	w.body.Write(body)
}
