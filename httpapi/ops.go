package httpapi

import (
	_ "embed"
	"maps"
	"net/http"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/nft"
)

//go:embed openapi.yaml
var openAPI []byte

// OpenAPI returns the OpenAPI 3.1 description of the surface, as YAML.
func OpenAPI() []byte { return slices.Clone(openAPI) }

func (a *api) serveOpenAPI(q *request) error {
	q.w.Header().Set("Cache-Control", "public, max-age=300")
	q.raw(http.StatusOK, "application/yaml", openAPI)
	return nil
}

func (a *api) livez(q *request) error {
	q.raw(http.StatusOK, "text/plain; charset=utf-8", []byte("ok\n"))
	return nil
}

// component is one part of the platform and whether it works.
type component struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Error is what may be shown of what is wrong.
	Error string `json:"error,omitempty"`
}

func (a *api) components(q *request) (list []component, ok bool) {
	ok = true
	list = []component{}
	for name, err := range a.Health(q.r.Context()) {
		c := component{Name: name, OK: err == nil}
		if err != nil {
			ok = false
			if c.Error, _, _ = fault.Public(err); c.Error == "" {
				c.Error = fault.KindOf(err).String()
			}
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(x, y component) int { return strings.Compare(x.Name, y.Name) })
	return list, ok
}

// readyz names the parts that do not work and nothing more: anyone may ask.
func (a *api) readyz(q *request) error {
	list, ok := a.components(q)
	if ok {
		q.raw(http.StatusOK, "text/plain; charset=utf-8", []byte("ready\n"))
		return nil
	}
	var down []string
	for _, c := range list {
		if !c.OK {
			down = append(down, c.Name)
		}
	}
	return fault.Newf(fault.Unavailable, "httpapi.readyz", "Not ready: %s.", strings.Join(down, ", ")).After(time.Second)
}

func (a *api) system(q *request) error {
	list, ok := a.components(q)
	version := "unknown"
	if info, found := debug.ReadBuildInfo(); found && info.Main.Version != "" {
		version = info.Main.Version
	}
	all := map[string]any{}
	if a.System != nil {
		all = a.System(q.r.Context())
	}
	maps.Copy(all, map[string]any{
		"ok": ok, "version": version, "go": runtime.Version(), "started_at": a.started.UTC(), "components": list,
	})
	return q.json(http.StatusOK, all)
}

func (a *api) metrics(q *request) error {
	a.Metrics.ServeHTTP(q.w, q.r)
	return nil
}

// chainView is a chain as GET /v1/chains shows it. Providers and Disagreements are there for those alone who may
// inspect: the queries in them name wallets.
type chainView struct {
	nft.ChainStatus
	Total   int `json:"providers_total,omitempty"`
	Healthy int `json:"providers_healthy,omitempty"`
}

func (a *api) chains(q *request) error {
	inspects := q.who.UserID != "" && a.MayInspect != nil && a.MayInspect(q.who)
	list := []chainView{}
	for _, c := range a.Decider.Chains(q.r.Context()) {
		if c.Error != "" {
			c.Error = "the provider does not answer" // the cause may name its address and its key
		}
		v := chainView{ChainStatus: c, Total: len(c.Providers)}
		for _, p := range c.Providers {
			if p.State == "ok" || p.State == "new" {
				v.Healthy++
			}
		}
		if !inspects {
			v.Providers, v.Disagreements = nil, nil
		}
		list = append(list, v)
	}
	return q.json(http.StatusOK, map[string]any{"chains": list})
}
