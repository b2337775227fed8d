package httpapi

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/fault"
)

// request is one request on its way through a route.
type request struct {
	w      *recorder
	r      *http.Request
	id     string
	tenant string
	// who is the caller; the zero Principal is anonymous.
	who auth.Principal
}

// handler makes the http.Handler of one row: identity, limits, telemetry,
// recovery and the error answer, in this order round the route's function.
func (a *api) handler(r route) http.Handler {
	point := a.telemetry.point(r)
	return http.HandlerFunc(func(w http.ResponseWriter, hr *http.Request) {
		start := time.Now()
		q := &request{w: &recorder{ResponseWriter: w}, r: hr, id: hr.Header.Get("X-Request-Id")}
		if !goodRequestID(q.id) {
			q.id = ""
		}
		// What caches keep for everyone would carry the first one's id.
		if !r.quiet || q.id != "" {
			q.identify()
		}
		end := point.begin(q)
		var err error
		defer func() {
			if v := recover(); v != nil {
				if e, ok := v.(error); ok && errors.Is(e, http.ErrAbortHandler) {
					end(q.w.status, nil, time.Since(start))
					panic(v)
				}
				err = fault.Newf(fault.Internal, "httpapi.recover", "panic: %v\n%s", v, debug.Stack())
			}
			status := q.finish(err)
			took := time.Since(start)
			end(status, err, took)
			a.log(q, r, status, took, err)
		}()
		err = a.serve(r, q)
	})
}

// identify names the request to its caller.
func (q *request) identify() {
	if q.id == "" {
		q.id = rand.Text()
	}
	q.w.Header().Set("X-Request-Id", q.id)
}

func (a *api) serve(r route, q *request) (err error) {
	if q.tenant, err = a.Tenant(q.r); err != nil {
		return err
	}
	switch r.budget {
	case signIn:
		err = a.authLimit.allow(q.r.Context(), a.clientIP(q.r))
	case costly:
		err = a.costlyLimit.allow(q.r.Context(), a.clientIP(q.r))
	}
	if err != nil {
		return err
	}
	switch r.access {
	case optional, required, session:
		q.who, err = a.authenticate(q.r, q.tenant)
		switch {
		case err != nil:
			return err
		case r.access != optional && q.who.UserID == "":
			return fault.New(fault.Unauthenticated, "httpapi", "Sign in with a wallet, or send an API key.")
		case r.access == session && q.who.APIKey != "":
			return fault.New(fault.Forbidden, "httpapi", "An API key may not do this. Sign in with a wallet.")
		}
	}
	return r.serve(a, q)
}

// authenticate reads the bearer token. No token is the zero Principal; a token
// that is not valid is fault.Unauthenticated, also where identity is optional,
// so that an expired session does not look like being signed out by the gate.
func (a *api) authenticate(r *http.Request, tenant string) (auth.Principal, error) {
	h := r.Header.Get("Authorization")
	if h == "" {
		return auth.Principal{}, nil
	}
	scheme, token, _ := strings.Cut(h, " ")
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > 4096 {
		return auth.Principal{}, fault.New(fault.Unauthenticated, "httpapi.authenticate", "The Authorization header must be: Bearer, a space, a token.")
	}
	return a.Sessions.Authenticate(r.Context(), tenant, token)
}

// uploadPrincipal is how the upload handler learns who is asking.
func (a *api) uploadPrincipal(r *http.Request) (auth.Principal, error) {
	tenant, err := a.Tenant(r)
	if err != nil {
		return auth.Principal{}, err
	}
	p, err := a.authenticate(r, tenant)
	if err == nil && p.UserID == "" {
		err = fault.New(fault.Unauthenticated, "httpapi", "Sign in with a wallet, or send an API key.")
	}
	return p, err
}

// finish writes the error answer, unless the answer has begun, and returns the status.
func (q *request) finish(err error) int {
	switch {
	case err == nil && q.w.status == 0:
		q.w.status = http.StatusOK // net/http writes it when a handler writes nothing
	case err != nil && q.w.status == 0:
		q.identify()
		writeProblem(q.w, err, q.id)
	}
	return q.w.status
}

// log writes the access line: debug for what went well or was the caller's
// fault, info for ours. Path tokens never reach it.
func (a *api) log(q *request, r route, status int, took time.Duration, err error) {
	level := slog.LevelDebug
	if status >= 500 && !errors.Is(err, fault.Unavailable) {
		level = slog.LevelInfo
	}
	ctx := q.r.Context()
	if !a.Logger.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs,
		slog.String("method", q.r.Method), slog.String("path", redact(q.r.URL.Path)), slog.String("route", r.pattern),
		slog.Int("status", status), slog.Int64("bytes", q.w.bytes), slog.Duration("took", took), slog.String("request_id", q.id))
	if q.who.UserID != "" {
		attrs = append(attrs, slog.String("user", q.who.UserID))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", redact(err.Error())))
	}
	a.Logger.LogAttrs(ctx, level, "http_request", attrs...)
}

// redact hides path tokens: they are the right to watch.
func redact(s string) string {
	const mark = "/v1/play/"
	if !strings.Contains(s, mark) {
		return s
	}
	var b strings.Builder
	for {
		i := strings.Index(s, mark)
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		b.WriteString(s[:i+len(mark)])
		b.WriteString("REDACTED")
		s = s[i+len(mark):]
		if end := strings.IndexAny(s, "/ \"?\n"); end >= 0 {
			s = s[end:]
		} else {
			s = ""
		}
	}
}

func goodRequestID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return true
}

// json answers with v.
func (q *request) json(status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fault.Wrap(fault.Internal, "httpapi.json", err)
	}
	q.raw(status, "application/json", append(b, '\n'))
	return nil
}

// raw answers with b, which no cache may keep.
func (q *request) raw(status int, contentType string, b []byte) {
	h := q.w.Header()
	h.Set("Content-Type", contentType)
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	q.w.WriteHeader(status)
	// A failed write means that the client has gone; there is nobody to tell.
	_, _ = q.w.Write(b)
}

func (q *request) noContent() error {
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}
