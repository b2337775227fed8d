package ipfs

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// RemoteOptions configures the clients of a Kubo node and of a pinning service. The zero value is
// the documented default.
type RemoteOptions struct {
	// Token is sent as a bearer token, when there is one. It is never logged and never in an error.
	Token string
	// Attempts is how often one call is tried before its error is returned (default 10).
	Attempts int
	// Backoff is the pause before the second attempt; it doubles up to MaxBackoff, and a random part
	// is taken off (defaults 200 ms and 10 s). A longer Retry-After of the server is kept to, up to a minute.
	Backoff, MaxBackoff time.Duration
	// Timeout bounds one attempt that sends no file (default 30 s), UploadTimeout one that does
	// (default 30 min).
	Timeout, UploadTimeout time.Duration
	// Concurrency is how many attempts are under way at once (default 8).
	Concurrency int
	// PollEvery is the pause between two questions for the state of a pin (default 1 s), and
	// PinTimeout how long a pin may take (default 10 min).
	PollEvery, PinTimeout time.Duration
}

func (o RemoteOptions) withDefaults() RemoteOptions {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	dur := func(v *time.Duration, d time.Duration) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&o.Attempts, 10)
	def(&o.Concurrency, 8)
	dur(&o.Backoff, 200*time.Millisecond)
	dur(&o.MaxBackoff, 10*time.Second)
	dur(&o.Timeout, 30*time.Second)
	dur(&o.UploadTimeout, 30*time.Minute)
	dur(&o.PollEvery, time.Second)
	dur(&o.PinTimeout, 10*time.Minute)
	return o
}

// maxAnswer bounds the JSON of an answer.
const maxAnswer = 1 << 20

// remote does HTTP calls to one server: bounded, with retries, following no redirect.
type remote struct {
	base   *url.URL
	opt    RemoteOptions
	client *http.Client
	slots  chan struct{}
}

func newRemote(op, base string, opt RemoteOptions) (*remote, error) {
	u, err := parseBase(op, base)
	if err != nil {
		return nil, err
	}
	opt = opt.withDefaults()
	return &remote{base: u, opt: opt, client: newHTTPClient(&net.Dialer{Timeout: opt.Timeout}), slots: make(chan struct{}, opt.Concurrency)}, nil
}

// call is one request. Body makes the body anew for each attempt.
type call struct {
	op, method, path string
	query            url.Values
	body             func() (r io.Reader, contentType string)
	timeout          time.Duration
}

// answered is what a server said: the head and the bounded body.
type answered struct {
	status int
	header http.Header
	body   []byte
}

// retry runs try until it succeeds, its failure is one that will not pass, or Attempts are used up. A try
// must be safe to repeat when its answer was lost.
func (r *remote) retry(ctx context.Context, try func(ctx context.Context) error) error {
	pause := r.opt.Backoff
	for attempt := 1; ; attempt++ {
		err := try(ctx)
		if err == nil || !passes(err) || attempt >= r.opt.Attempts {
			return err
		}
		_, _, wait := fault.Public(err)
		wait = max(min(wait, time.Minute), pause-rand.N(pause/2+1))
		if err := sleep(ctx, wait); err != nil {
			return err
		}
		pause = min(2*pause, r.opt.MaxBackoff)
	}
}

// passes reports whether a failure may be gone at the next attempt.
func passes(err error) bool {
	return errors.Is(err, fault.Unavailable) || errors.Is(err, fault.Limited) || errors.Is(err, fault.Corrupt)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return fault.Wrap(fault.Canceled, "ipfs.retry", ctx.Err())
	}
}

// do makes one attempt. Answers other than 2xx are errors, but their body is returned too.
func (r *remote) do(ctx context.Context, c call, limit int64) (answered, error) {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return answered{}, fault.Wrap(fault.Canceled, c.op, ctx.Err())
	}
	timeout := c.timeout
	if timeout == 0 {
		timeout = r.opt.Timeout
	}
	inner, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	a, err := r.send(inner, c, limit)
	if err != nil && ctx.Err() != nil {
		return a, fault.Wrap(fault.Canceled, c.op, ctx.Err())
	}
	return a, err
}

func (r *remote) send(ctx context.Context, c call, limit int64) (answered, error) {
	u := r.base.JoinPath(c.path)
	u.RawQuery = c.query.Encode()
	var body io.Reader
	var contentType string
	if c.body != nil {
		body, contentType = c.body()
	}
	req, err := http.NewRequestWithContext(ctx, c.method, u.String(), body)
	if err != nil {
		return answered{}, fault.Wrap(fault.Internal, c.op, err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if r.opt.Token != "" {
		req.Header.Set("Authorization", "Bearer "+r.opt.Token)
	}
	res, err := r.client.Do(req)
	if err != nil {
		return answered{}, lost(c.op, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	if err != nil {
		return answered{}, lost(c.op, err)
	}
	if int64(len(b)) > limit {
		return answered{}, fault.New(fault.TooLarge, c.op, "the answer is too long")
	}
	a := answered{res.StatusCode, res.Header, b}
	return a, statusFault(c.op, a)
}

// lost is an answer that did not come. A fault inside, of the body we send, keeps its kind; our own
// deadline is Unavailable.
func lost(op string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return fault.At(op, err)
	}
	var u *url.Error // it repeats the URL
	if errors.As(err, &u) {
		err = u.Err
	}
	return &fault.Error{Kind: fault.Unavailable, Op: op, Msg: "the server did not answer", Err: err}
}

func statusFault(op string, a answered) error {
	kind := fault.Unavailable
	switch {
	case a.status/100 == 2:
		return nil
	case a.status == http.StatusUnauthorized || a.status == http.StatusForbidden:
		kind = fault.Forbidden
	case a.status == http.StatusNotFound:
		kind = fault.NotFound
	case a.status == http.StatusConflict:
		kind = fault.Conflict
	case a.status == http.StatusRequestEntityTooLarge:
		kind = fault.TooLarge
	case a.status == http.StatusTooManyRequests:
		kind = fault.Limited
	case a.status == http.StatusMethodNotAllowed || a.status/100 == 3:
		kind = fault.Unsupported
	case a.status/100 == 4 && a.status != http.StatusRequestTimeout:
		kind = fault.Invalid
	}
	err := fault.Newf(kind, op, "the server answered %d", a.status)
	if s, parseErr := strconv.Atoi(a.header.Get("Retry-After")); parseErr == nil && s > 0 && s < 1<<20 {
		return err.After(time.Duration(s) * time.Second)
	}
	return err
}

// decode reads the JSON of an answer. A server that breaks off or talks nonsense may do better next time.
func decode(op string, body []byte, v any) error {
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(v); err != nil {
		return &fault.Error{Kind: fault.Unavailable, Op: op, Msg: "the answer cannot be read", Err: err}
	}
	return nil
}
