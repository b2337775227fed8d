package httpapi

import (
	"net/http"
	"slices"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/httpapi/web"
)

// access is what a route asks of its caller's identity.
type access string

// The kinds of access.
const (
	open     access = "none"     // nobody is asked
	optional access = "optional" // a token is used when there is one; a bad one is refused
	required access = "required" // a session or an API key
	session  access = "session"  // a wallet session: an API key cannot mint keys
	grant    access = "grant"    // the path token of a viewing
	upload   access = "upload"   // required, enforced inside the upload handler
)

// route is one row of the table that the whole surface is made from.
type route struct {
	role            string
	method, pattern string
	access          access
	budget          budget
	serve           func(*api, *request) error
	summary         string
	// quiet routes make no span: there are thousands of them a second.
	quiet bool
}

// The roles that serve routes, when not one process serves all of them. A route
// without a role is served by every process.
const (
	RoleAuth      = "auth"      // who is asking, and what the gate answers
	RoleMetadata  = "metadata"  // assets and their gates
	RoleUpload    = "upload"    // tus
	RoleStreaming = "streaming" // viewings, keys, segments
	RoleMonitor   = "monitor"   // the state of the whole
	RoleNone      = "none"      // nothing but the routes of every process
)

// budget names the rate limit that a route draws from.
type budget uint8

const (
	unmetered budget = iota
	signIn           // Limits.AuthPerMinute
	costly           // Limits.CostlyPerMinute
)

// Route describes one route to documentation and tests.
type Route struct {
	Method, Pattern, Access, Summary string
	// Role is the role whose processes serve it; empty means every process.
	Role string
}

// Routes lists the whole surface in the order of the API description. Metrics
// is in the list although New leaves it out when Options.Metrics is nil.
func Routes() []Route {
	var rs []Route
	for _, r := range table() {
		rs = append(rs, Route{r.method, r.pattern, string(r.access), r.summary, r.role})
	}
	return rs
}

func table() []route {
	const anyRole, get, post, put, patch, del = "", "GET", "POST", "PUT", "PATCH", "DELETE"
	return []route{
		{RoleAuth, post, "/v1/auth/challenge", open, signIn, (*api).challenge, "Make a one-use message for a wallet to sign", false},
		{RoleAuth, post, "/v1/auth/verify", open, signIn, (*api).verify, "Trade a signed message for a session", false},
		{RoleAuth, post, "/v1/auth/link", session, signIn, (*api).link, "Add one more wallet to the user, by its own signature", false},
		{RoleAuth, post, "/v1/auth/refresh", open, signIn, (*api).refresh, "Trade a refresh token for new tokens", false},
		{RoleAuth, post, "/v1/auth/logout", session, unmetered, (*api).logout, "End the session", false},
		{RoleAuth, get, "/v1/auth/session", required, unmetered, (*api).whoAmI, "Tell who is asking", false},
		{RoleAuth, post, "/v1/auth/keys", session, signIn, (*api).createKey, "Make an API key that acts as the caller", false},
		{RoleAuth, get, "/v1/auth/keys", session, unmetered, (*api).listKeys, "List the caller's API keys", false},
		{RoleAuth, del, "/v1/auth/keys/{id}", session, unmetered, (*api).revokeKey, "Revoke an API key", false},

		{RoleMetadata, post, "/v1/assets", required, unmetered, (*api).createAsset, "Create an asset", false},
		{RoleMetadata, get, "/v1/assets", optional, unmetered, (*api).listAssets, "List assets, newest first", false},
		{RoleMetadata, get, "/v1/assets/{id}", optional, unmetered, (*api).getAsset, "Read an asset", false},
		{RoleMetadata, patch, "/v1/assets/{id}", required, unmetered, (*api).patchAsset, "Change an asset", false},
		{RoleMetadata, del, "/v1/assets/{id}", required, unmetered, (*api).deleteAsset, "Delete an asset, its bytes and its keys", false},
		{RoleMetadata, get, "/v1/assets/{id}/events", optional, unmetered, (*api).assetEvents, "Follow an asset (server-sent events)", false},
		{RoleMetadata, get, "/v1/assets/{id}/gate", optional, unmetered, (*api).getGate, "Read an asset's gate", false},
		{RoleMetadata, put, "/v1/assets/{id}/gate", required, unmetered, (*api).putGate, "Replace an asset's gate", false},
		{RoleMetadata, del, "/v1/assets/{id}/gate", required, unmetered, (*api).deleteGate, "Remove an asset's gate: only its owner plays", false},

		{RoleMetadata, post, "/v1/passes", required, costly, (*api).createPass, "Deploy a contract of passes", false},
		{RoleMetadata, get, "/v1/passes", required, unmetered, (*api).listPasses, "List the caller's passes, newest first, and where passes can be issued", false},
		{RoleMetadata, get, "/v1/passes/{id}", required, costly, (*api).getPass, "Read a pass", false},
		{RoleMetadata, post, "/v1/passes/{id}/sent", required, costly, (*api).passSent, "Tell which transaction the creator's wallet made of a deployment", false},
		{RoleMetadata, post, "/v1/passes/{id}/mints", required, costly, (*api).createMint, "Mint passes to a wallet", false},
		{RoleMetadata, get, "/v1/passes/{id}/mints", required, unmetered, (*api).listMints, "List the mints of a pass, newest first", false},
		{RoleMetadata, get, "/v1/passes/{id}/mints/{mint}", required, costly, (*api).getMint, "Read a mint", false},
		{RoleMetadata, post, "/v1/passes/{id}/mints/{mint}/sent", required, costly, (*api).mintSent, "Tell which transaction the creator's wallet made of a mint", false},

		{RoleStreaming, post, "/v1/assets/{id}/playback", optional, costly, (*api).openPlayback, "Ask the gate and open a viewing", false},

		{RoleUpload, "OPTIONS", "/v1/uploads/{$}", upload, unmetered, (*api).upload, "Tell the tus version and extensions", false},
		{RoleUpload, post, "/v1/uploads/{$}", upload, unmetered, (*api).upload, "Create an upload (tus 1.0)", false},
		{RoleUpload, "HEAD", "/v1/uploads/{id}", upload, unmetered, (*api).upload, "Tell how much of an upload has arrived", false},
		{RoleUpload, patch, "/v1/uploads/{id}", upload, unmetered, (*api).upload, "Append to an upload", false},
		{RoleUpload, del, "/v1/uploads/{id}", upload, unmetered, (*api).upload, "Abandon an upload", false},

		{RoleAuth, post, "/v1/gates/lint", open, costly, (*api).lintGate, "Check a rule and read it as a sentence", false},
		{RoleAuth, post, "/v1/gates/import", open, costly, (*api).importGate, "Turn another system's conditions into a rule", false},
		{RoleAuth, post, "/v1/gates/check", required, costly, (*api).checkGate, "Test a wallet against a rule or an asset", false},

		{RoleStreaming, get, "/v1/play/{token}/hls/{name}", grant, unmetered, (*api).playHLS, "HLS playlists", false},
		{RoleStreaming, get, "/v1/play/{token}/dash/manifest.mpd", grant, unmetered, (*api).playDASH, "DASH manifest", false},
		{RoleStreaming, get, "/v1/play/{token}/key/{kid}", grant, unmetered, (*api).playKey, "AES-128 key of one epoch", false},
		{RoleStreaming, post, "/v1/play/{token}/license", grant, unmetered, (*api).playLicense, "ClearKey licence", false},
		{RoleStreaming, get, "/v1/play/{token}/events", grant, unmetered, (*api).playEvents, "Follow a viewing (server-sent events)", false},
		{RoleStreaming, post, "/v1/play/{token}/renew", grant, costly, (*api).playRenew, "Ask the gate again and extend the viewing", false},
		{RoleStreaming, del, "/v1/play/{token}", grant, unmetered, (*api).playClose, "End the viewing", false},
		{RoleStreaming, get, "/v1/media/{asset}/{version}/{track}/{name}", open, unmetered, (*api).mediaSegment, "Ciphertext segment, the same for every viewer", true},

		{RoleAuth, get, "/v1/chains", optional, unmetered, (*api).chains, "The chains that can be asked, and their health", false},
		{RoleMonitor, get, "/v1/system", required, unmetered, (*api).system, "Health of every component", false},
		{anyRole, get, "/v1/openapi.yaml", open, unmetered, (*api).serveOpenAPI, "This API's OpenAPI 3.1 description", false},
		{anyRole, get, "/livez", open, unmetered, (*api).livez, "Is the process alive", false},
		{anyRole, get, "/readyz", open, unmetered, (*api).readyz, "Can it serve", false},
		{anyRole, get, "/metrics", open, unmetered, (*api).metrics, "Prometheus metrics", false},
	}
}

// mounts tells whether this handler serves r.
func (a *api) mounts(r route) bool {
	if r.pattern == "/metrics" && a.Metrics == nil {
		return false
	}
	return r.role == "" || a.serves(r.role)
}

// serves tells whether this handler serves the routes of role.
func (a *api) serves(role string) bool { return len(a.Roles) == 0 || slices.Contains(a.Roles, role) }

// mountRest serves what no route of the table takes: the web app, and problems
// for unknown paths and wrong methods.
func (a *api) mountRest(mux *http.ServeMux) error {
	allowed := map[string][]string{}
	for _, r := range table() {
		if !a.mounts(r) {
			continue
		}
		allowed[r.pattern] = append(allowed[r.pattern], r.method)
		if r.method == "GET" {
			allowed[r.pattern] = append(allowed[r.pattern], "HEAD")
		}
	}
	for pattern, methods := range allowed {
		mux.Handle(pattern, a.handler(route{pattern: pattern, access: open, serve: wrongMethod(methods)}))
	}
	mux.Handle("/v1/", a.handler(route{pattern: "/v1/", access: open, serve: (*api).noSuchPath}))
	if a.NoWeb {
		mux.Handle("/", a.handler(route{pattern: "/", access: open, serve: (*api).noSuchPath}))
		return nil
	}
	app, err := web.Handler()
	if err != nil {
		return err
	}
	mux.Handle("/", a.handler(route{pattern: "/", access: open, serve: func(_ *api, q *request) error {
		if q.r.Method != http.MethodGet && q.r.Method != http.MethodHead {
			return wrongMethod([]string{"GET", "HEAD"})(a, q)
		}
		app.ServeHTTP(q.w, q.r)
		return nil
	}}))
	return nil
}

func (a *api) noSuchPath(q *request) error {
	return fault.New(fault.NotFound, "httpapi", "There is nothing at this address. GET /v1/openapi.yaml describes what there is.")
}
