package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/streamgate/streamgate/fault"
)

// outer does what must hold for every answer, whatever serves it: security
// headers and the cross-origin rules.
func (a *api) outer(next http.Handler) http.Handler {
	// Segments are asked for thousands of times a second: their constant headers are
	// made once, and with those of resource they are eight, which a Go map holds
	// without growing. net/http copies a header before it writes it.
	anyone, foreign := []string{"*"}, []string{"cross-origin"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		if r.Context().Err() != nil {
			ctx, cancel := lastRequest(r.Context())
			defer cancel()
			r = r.WithContext(ctx)
			h.Set("Connection", "close")
		}
		h.Set("X-Content-Type-Options", "nosniff")
		if strings.HasPrefix(r.URL.Path, "/v1/media/") {
			// The same ciphertext for everyone, worthless without a key: any page
			// and any CDN may read it.
			h["Access-Control-Allow-Origin"], h["Timing-Allow-Origin"] = anyone, anyone
			h["Cross-Origin-Resource-Policy"] = foreign
			if r.Header["Range"] != nil { // else only Content-Length matters, which every page may see
				h.Set("Access-Control-Expose-Headers", "Content-Range, ETag")
			}
			if isPreflight(r) {
				preflight(w, "GET, HEAD")
				return
			}
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Referrer-Policy", "no-referrer") // addresses of viewings hold path tokens
		if strings.HasPrefix(r.URL.Path, "/v1/") && a.cors(w, r) {
			return
		}
		next.ServeHTTP(w, r)
	})
}

// lastRequest is the context of a request that arrives on a connection whose context has ended.
//
// Setting a read deadline in the past, as tusd does to make an upload let go, ends a net/http connection's context
// when the body was read to its end by then: the server's background read takes the time-out for a client that left.
// The connection itself lives on, and each later request on it would be given up before it began. So one more is
// answered, within a bound for the case that the client did leave, and the connection is closed.
func lastRequest(ended context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ended), 30*time.Second)
}

// cors lets the pages of AllowedOrigins call the API; it reports whether the
// request was a preflight and is answered. No cookie is ever used, so
// credentials are never allowed.
func (a *api) cors(w http.ResponseWriter, r *http.Request) bool {
	if len(a.AllowedOrigins) == 0 {
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || !slices.Contains(a.AllowedOrigins, origin) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "Location, Retry-After, X-Request-Id, ETag, Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, Upload-Offset, Upload-Length, Upload-Expires, Upload-Metadata")
	if !isPreflight(r) {
		return false
	}
	preflight(w, "GET, HEAD, POST, PUT, PATCH, DELETE")
	return true
}

func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

func preflight(w http.ResponseWriter, methods string) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", methods)
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, Range, X-Request-Id, Tus-Resumable, Upload-Length, Upload-Offset, Upload-Metadata, Upload-Concat, Upload-Checksum, Upload-Defer-Length")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}

// wrongMethod answers 405, which no fault kind stands for: the address is
// right, the verb is not.
func wrongMethod(methods []string) func(*api, *request) error {
	methods = slices.Compact(slices.Sorted(slices.Values(methods)))
	return func(_ *api, q *request) error {
		q.w.Header().Set("Allow", strings.Join(methods, ", "))
		if q.r.Method == http.MethodOptions {
			return q.noContent()
		}
		b, err := json.Marshal(Problem{
			Type: "/problems/method_not_allowed", Title: "Wrong method", Status: http.StatusMethodNotAllowed,
			Detail: "This address takes " + strings.Join(methods, ", ") + ".", Code: fault.Invalid.String(), RequestID: q.id,
		})
		if err != nil {
			return fault.Wrap(fault.Internal, "httpapi.wrongMethod", err)
		}
		q.raw(http.StatusMethodNotAllowed, "application/problem+json", b)
		return nil
	}
}
