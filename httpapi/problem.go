package httpapi

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/nft"
)

// Problem is the body of every error answer: RFC 9457 with StreamGate's members.
type Problem struct {
	// Type is a stable URI reference for the kind of problem.
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Code is the fault kind, such as "not_found".
	Code      string `json:"code"`
	RequestID string `json:"request_id"`
	// Errors lists the wrong members of the input.
	Errors []fault.Field `json:"errors,omitempty"`
	// Decision explains a refused playback.
	Decision *nft.Decision `json:"decision,omitempty"`
}

// mapping is what HTTP says for a fault kind. detail stands in when the error
// itself has nothing that may be shown.
type mapping struct {
	status int
	title  string
	detail string
}

// mappingOf is the one place where fault kinds become HTTP statuses.
func mappingOf(k fault.Kind) mapping {
	switch k {
	case fault.Invalid:
		return mapping{http.StatusBadRequest, "The request is not valid", "Check the request against the API description."}
	case fault.Unauthenticated:
		return mapping{http.StatusUnauthorized, "Sign in first", "The request carries no valid session or API key."}
	case fault.Forbidden:
		return mapping{http.StatusForbidden, "Not allowed", "You may not do this."}
	case fault.NotFound:
		return mapping{http.StatusNotFound, "Not found", "There is no such thing, or it is not yours to see."}
	case fault.Conflict:
		return mapping{http.StatusConflict, "The state has moved on", "Read it again and retry."}
	case fault.TooLarge:
		return mapping{http.StatusRequestEntityTooLarge, "Too large", "A size limit was exceeded."}
	case fault.Unsupported:
		return mapping{http.StatusUnsupportedMediaType, "Not supported", "The input is well formed, but this server cannot serve it."}
	case fault.Limited:
		return mapping{http.StatusTooManyRequests, "Too many requests", "Wait a little and try again."}
	case fault.Unavailable:
		return mapping{http.StatusServiceUnavailable, "Not available right now", "Something this needs did not answer, or is not ready yet. Try again soon."}
	case fault.Canceled:
		return mapping{http.StatusGatewayTimeout, "Took too long", "The request was given up before it was done."}
	case fault.Corrupt:
		return mapping{http.StatusInternalServerError, "Stored data is damaged", "The bytes failed an integrity check and were not served."}
	default: // fault.Internal
		return mapping{http.StatusInternalServerError, "Something went wrong here", "This is our fault, not yours. The request id helps to find it."}
	}
}

// problemOf turns err into what the caller may know of it.
func problemOf(err error, requestID string) (Problem, time.Duration) {
	kind := fault.KindOf(err)
	var denied *playback.Denied
	if errors.As(err, &denied) && kind == fault.Internal {
		// A Denied that lost its kind on the way is an answer, not a defect.
		kind = fault.Forbidden
		if denied.Decision.Outcome == nft.Unknown {
			kind = fault.Unavailable
		}
	}
	m := mappingOf(kind)
	p := Problem{Type: "/problems/" + kind.String(), Title: m.title, Status: m.status, Code: kind.String(), RequestID: requestID}
	var retry time.Duration
	p.Detail, p.Errors, retry = fault.Public(err)
	if denied != nil {
		p.Decision = &denied.Decision
		if p.Detail == "" {
			p.Detail = denied.Decision.Message
		}
	}
	if p.Detail == "" {
		p.Detail = m.detail
	}
	if retry == 0 && (kind == fault.Unavailable || kind == fault.Limited) {
		retry = time.Second
	}
	return p, retry
}

// writeProblem answers with err. It is the only writer of error bodies.
func writeProblem(w http.ResponseWriter, err error, requestID string) int {
	p, retry := problemOf(err, requestID)
	h := w.Header()
	for _, name := range []string{"Content-Length", "Content-Encoding", "ETag", "Last-Modified"} {
		h.Del(name)
	}
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if retry > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(retry.Seconds()))))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="streamgate"`)
	}
	w.WriteHeader(p.Status)
	// A failed write means that the client has gone; there is nobody to tell.
	_ = json.NewEncoder(w).Encode(p)
	return p.Status
}
