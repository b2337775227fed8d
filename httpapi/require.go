package httpapi

import (
	"net/http"
	"strings"

	"github.com/streamgate/streamgate/auth"
	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/media/playback"
	"github.com/streamgate/streamgate/nft"
	"github.com/streamgate/streamgate/nft/rule"
)

// Require puts a gate in front of any handler, without the rest of the surface:
// the request must carry a session (Authorization: Bearer) of tenant whose wallets pass r.
// Without a session it answers 401; with a no 403 and the explanation; when
// the chain could not be asked 503 — as problem+json. The decision is asked for every
// request, from the Decider's cache where that is fresh.
func Require(a *auth.Service, d *nft.Decider, tenant string, r *rule.Rule, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if err := admit(req, a, d, tenant, r); err != nil {
			writeProblem(w, err, "")
			return
		}
		next.ServeHTTP(w, req)
	})
}

func admit(req *http.Request, a *auth.Service, d *nft.Decider, tenant string, r *rule.Rule) error {
	const op = "httpapi.Require"
	scheme, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return fault.New(fault.Unauthenticated, op, "Sign in, and send the session as Authorization: Bearer.")
	}
	p, err := a.Authenticate(req.Context(), tenant, token)
	if err != nil {
		return err
	}
	dec, err := d.Decide(req.Context(), r, nft.Subject{Tenant: p.Tenant, Accounts: p.Accounts})
	if err != nil {
		return err
	}
	switch dec.Outcome {
	case nft.Yes:
		return nil
	case nft.No:
		return fault.Wrap(fault.Forbidden, op, &playback.Denied{Decision: dec})
	default:
		return fault.Wrap(fault.Unavailable, op, &playback.Denied{Decision: dec})
	}
}
