package s3

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/streamgate/streamgate/fault"
)

// retry calls do until it succeeds, fails for a reason that will not pass, ctx ends or
// RetryFor is over. It returns do's last error as it is.
func (s *Store) retry(ctx context.Context, do func() error) error {
	end := time.Now().Add(s.opt.RetryFor)
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		err := do()
		if err == nil || ctx.Err() != nil || !s.passing(err) {
			return err
		}
		// Half of it is random, so that many that failed together do not come back together.
		wait := pause/2 + rand.N(pause/2)
		if time.Until(end) < wait {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}

// response returns the server's refusal in err.
func response(err error) (minio.ErrorResponse, bool) {
	var r minio.ErrorResponse
	ok := errors.As(err, &r)
	return r, ok
}

// passing reports whether the same request may well succeed a little later.
func (s *Store) passing(err error) bool {
	var f *fault.Error
	if errors.As(err, &f) || errors.As(err, new(x509.UnknownAuthorityError)) || errors.As(err, new(x509.HostnameError)) {
		return false
	}
	r, ok := response(err)
	if !ok {
		return true // the network
	}
	switch r.Code {
	case "SlowDown", "SlowDownRead", "SlowDownWrite", "InternalError", "RequestTimeout", "Throttling", "ThrottlingException",
		"OperationAborted", "ConditionalRequestConflict",
		"XAmzContentSHA256Mismatch", "BadDigest", "IncompleteBody": // spoiled on the way
		return true
	case "XMinioStorageFull", "NotImplemented":
		return false
	case "ExistingObjectIsDirectory":
		// No folder has a marked name: versitygw mistakes one that comes and goes.
		return s.opt.Keys == KeysMarked
	case "AccessDenied":
		// MinIO says so when folders come and go beneath a write. It is not retried before
		// the store is open, so that credentials that never worked are told at once.
		return s.opened
	}
	switch r.StatusCode {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, 499, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout, 520:
		return true
	}
	return false
}

// unclear reports whether a write that failed with err may have happened.
func unclear(err error) bool {
	r, ok := response(err)
	return !ok || r.StatusCode >= 500 || r.StatusCode < 300 || r.Code == "NoSuchUpload" || r.StatusCode == http.StatusPreconditionFailed
}

// absent reports whether err says that the object is not there.
func absent(err error) bool {
	r, ok := response(err)
	return ok && (r.Code == "NoSuchKey" || r.Code == "NoSuchVersion")
}

func refusedCondition(err error) bool {
	r, ok := response(err)
	return ok && (r.StatusCode == http.StatusPreconditionFailed || r.Code == "PreconditionFailed")
}

// fault classifies an error of the client; a fault keeps its kind.
func (s *Store) fault(ctx context.Context, op, key string, err error) error {
	if err == nil {
		return nil
	}
	if e := ctx.Err(); e != nil {
		return fault.Wrap(fault.Canceled, op, e)
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return fault.At(op, err)
	}
	made := func(kind fault.Kind, msg string) error { return &fault.Error{Kind: kind, Op: op, Msg: msg, Err: err} }
	r, ok := response(err)
	if !ok {
		return made(fault.Unavailable, "the object store does not answer")
	}
	switch r.Code {
	case "NoSuchKey", "NoSuchVersion":
		return fault.Newf(fault.NotFound, op, "there is no object %q", key)
	case "NoSuchBucket":
		return made(fault.Unavailable, "the bucket of the object store is missing")
	case "InvalidAccessKeyId", "SignatureDoesNotMatch", "XAdminUserNotFound":
		return made(fault.Unavailable, "the object store refuses the credentials")
	case "RequestTimeTooSkewed":
		return made(fault.Unavailable, "the clock of this machine and that of the object store differ too much")
	case "EntityTooLarge":
		return made(fault.TooLarge, "the object is larger than the object store takes")
	case "XMinioStorageFull", "QuotaExceeded", "XMinioAdminBucketQuotaExceeded":
		return made(fault.Unavailable, "the object store is full")
	}
	switch c := r.StatusCode; {
	case c == http.StatusUnauthorized, c == http.StatusForbidden:
		return made(fault.Unavailable, "the object store refuses the credentials")
	case s.passing(err), c == http.StatusInsufficientStorage:
		return made(fault.Unavailable, "the object store fails or is overloaded")
	case c == http.StatusNotImplemented:
		return made(fault.Unsupported, "the object store cannot do this")
	}
	return fault.Wrap(fault.Internal, op, err)
}

// errStalled is what a request in which nothing moves ends with.
var errStalled = errors.New("no byte moved for too long")

// patient ends requests in which no byte moves, and only those: a slow upload is not an
// error. While the caller does not read from an answer no time runs.
type patient struct {
	next  http.RoundTripper
	stall time.Duration
}

// RoundTrip implements http.RoundTripper.
func (p *patient) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(req.Context())
	w := &watch{stall: p.stall, timer: time.AfterFunc(p.stall, func() { cancel(errStalled) })}
	out := req.WithContext(ctx)
	if req.Body != nil {
		out.Body = &moving{ReadCloser: req.Body, watch: w}
	}
	resp, err := p.next.RoundTrip(out)
	w.answered()
	if err != nil {
		if errors.Is(context.Cause(ctx), errStalled) {
			err = errStalled
		}
		cancel(nil)
		return nil, err
	}
	resp.Body = &answer{ReadCloser: resp.Body, ctx: ctx, cancel: cancel, stall: p.stall}
	return resp, nil
}

// watch is the timer of a request until its answer begins.
type watch struct {
	mu    sync.Mutex
	timer *time.Timer
	stall time.Duration
	done  bool
}

func (w *watch) touch() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.done {
		w.timer.Reset(w.stall)
	}
}

func (w *watch) answered() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = true
	w.timer.Stop()
}

// moving is the body of a request.
type moving struct {
	io.ReadCloser
	watch *watch
}

func (m *moving) Read(p []byte) (int, error) {
	m.watch.touch()
	return m.ReadCloser.Read(p)
}

// answer is the body of an answer. It is read by one goroutine.
type answer struct {
	io.ReadCloser
	ctx    context.Context // of the request, to tell why it ended
	cancel context.CancelCauseFunc
	stall  time.Duration
}

func (a *answer) Read(p []byte) (int, error) {
	timer := time.AfterFunc(a.stall, func() { a.cancel(errStalled) })
	n, err := a.ReadCloser.Read(p)
	timer.Stop()
	if err != nil && err != io.EOF && context.Cause(a.ctx) == errStalled {
		err = errStalled
	}
	return n, err
}

func (a *answer) Close() error {
	err := a.ReadCloser.Close()
	a.cancel(nil)
	return err
}
