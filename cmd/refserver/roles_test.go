package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/streamgate/streamgate"
	"github.com/streamgate/streamgate/auth/authtest"
	"github.com/streamgate/streamgate/httpapi"
	"github.com/streamgate/streamgate/internal/servers"
)

// services are settings of a process that shares everything.
func services(change ...string) []string {
	set := []string{
		"database=postgres://u:secret1@db.example/sg", "storage=s3://key:secret2@s3.example/bucket", "keys=master:/run/secrets/master",
		"cache=redis://u:secret3@redis.example", "events=nats://u:secret4@nats.example", "registry=consul://secret5@consul.example",
	}
	return append(set, change...)
}

func TestTargets(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set  []string
		want string // "" is accepted
	}{
		"all needs nothing":         {[]string{"target=all"}, ""},
		"every role alone":          {services("target=worker"), ""},
		"several roles":             {services("target=auth,metadata,upload"), ""},
		"a gateway":                 {[]string{"target=gateway", "registry=dns:auth=auth:8080/9090"}, ""},
		"a cache":                   {[]string{"target=cache", "registry=static:auth=127.0.0.1:1/127.0.0.1:2"}, ""},
		"an unknown role":           {services("target=workr"), `there is no role "workr"`},
		"all and one":               {services("target=all,worker"), `there is no role "all"`},
		"a gateway with others":     {services("target=gateway,auth"), "gateway forwards"},
		"SQLite of two processes":   {services("target=metadata", "database=sqlite:x.db"), "SQLite is one process's: set database=postgres://"},
		"the default database":      {services("target=metadata", "database="), "SQLite is one process's"},
		"files of a remote worker":  {services("target=worker", "storage=file:/data"), "files of this machine are not seen by the others: set storage=s3://"},
		"a key ring of two":         {services("target=streaming", "keys="), "set keys=master:FILE"},
		"paces of their own":        {services("target=streaming", "cache=memory:"), "the pace of keys"},
		"events that reach nobody":  {services("target=upload", "events="), "set events=nats://"},
		"a queue that reaches none": {services("target=transcode", "queue=memory:"), "set queue=nats://"},
		"nobody to be found":        {services("target=gateway", "registry="), "set registry=consul://"},
		"a wrong kind of storage":   {services("storage=ftp://x"), "ftp is not a kind of storage: write file:FOLDER"},
		"no kind of storage":        {services("storage=/data"), "is not a kind of storage"},
		"half of TLS":               {services("target=worker", "grpc.tls.cert=a.pem"), "cert, key and ca go together"},
		"an address":                {services("advertise=10.0.0.1"), "is not host:port"},
		"an endless drain":          {services("drain_delay=1h"), "from 0s to 10m"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := loadConfig("", nil, c.set)
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, want %q", err, c.want)
			case err != nil && strings.Contains(err.Error(), "secret"):
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestExplainHidesWhatBackendsAreGiven(t *testing.T) {
	t.Parallel()
	cfg, err := loadConfig("", nil, services("storage=s3://key:secret2@s3.example/bucket?session=secret6"))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := cfg.Explain(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "secret1") || strings.Contains(b.String(), "secret2") || strings.Contains(b.String(), "secret3") ||
		strings.Contains(b.String(), "secret4") || strings.Contains(b.String(), "secret5") || strings.Contains(b.String(), "secret6") {
		t.Errorf("a secret is shown:\n%s", b.String())
	}
	if !strings.Contains(b.String(), "s3://REDACTED@s3.example/bucket") {
		t.Errorf("the back-ends are not told:\n%s", b.String())
	}
}

// The table of roles must fit what the library can run and what the surface serves.
func TestRolesFitThePlatform(t *testing.T) {
	t.Parallel()
	var known []string
	routes := map[string]bool{}
	for _, r := range httpapi.Routes() {
		routes[r.Role] = true
	}
	for _, r := range roles() {
		known = append(known, r.name)
		if r.routes != "" && (!routes[r.routes] || r.routes != r.name) {
			t.Errorf("role %s serves routes of %s", r.name, r.routes)
		}
		delete(routes, r.routes)
		if r.doc == "" || !slices.Contains(r.needs, needRegistry) {
			t.Errorf("role %s: %+v", r.name, r)
		}
		for _, a := range r.asks {
			if asked, ok := findRole(a); !ok || len(asked.offers) == 0 {
				t.Errorf("role %s asks %s, which offers nothing", r.name, a)
			}
		}
	}
	delete(routes, "")
	if len(routes) > 0 {
		t.Errorf("nobody serves the routes of %v", routes)
	}
	for _, r := range streamgate.Roles() {
		if !slices.Contains(known, r) {
			t.Errorf("the platform's role %s is not in the table", r)
		}
	}
	if len(known) != 9 {
		t.Errorf("%d roles", len(known))
	}
}

func TestFixedRegistries(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"static:auth=127.0.0.1:1/127.0.0.1:2,streaming=127.0.0.1:3,streaming=127.0.0.1:4": "",
		"static:cache=-/127.0.0.1:2":     "",
		"static:auth":                    `"auth" is not ROLE=ADDRESS`,
		"static:autj=127.0.0.1:1":        `there is no role "autj"`,
		"dns:auth=auth.example:1/2":      "",
		"dns:auth=auth.example":          "write host:httpport/grpcport",
		"dns:auth=auth.example:1/x":      `"x" is not a port`,
		"dns:auth=auth.example:http/900": `"http" is not a port`,
	} {
		w := newWiring(defaultConfig(), nil)
		_, err := openBackend(t.Context(), w, needRegistry, text, registries())
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// One process on the back-ends of many: nothing but addresses changes.
func TestServeOnSharedBackends(t *testing.T) {
	t.Parallel()
	pg, rd, ns, s3 := servers.PostgresFor(t), servers.RedisFor(t), servers.NATSFor(t), servers.S3Of(t, servers.StartVersityGW)
	dsn, err := pg.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s3.Bucket(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	args := []string{"serve"}
	for _, set := range []string{
		"listen=127.0.0.1:0", "data=" + dir, "database=" + dsn, "storage=" + s3.URL("one", "", s3.Addr), "keys=master:" + dir + "/master",
		"cache=" + rd.URL(), "events=" + ns.URL(),
	} {
		args = append(args, "--set", set)
	}
	for range 2 { // and again on what the first left
		p := start(t, args...)
		url := p.says(`(?m)^StreamGate serves (http://127\.0\.0\.1:\d+)$`)
		c := signedIn(t, url, authtest.NewWallet(1))
		p.ready(c)
		var a demoAsset
		if err := c.call(t.Context(), "POST", "/v1/assets", map[string]any{"title": "Shared"}, &a); err != nil || a.Status != "created" {
			t.Fatalf("%+v %v", a, err)
		}
		var system struct{ Load struct{ Assets *int } }
		if err := c.call(t.Context(), "GET", "/v1/system", nil, &system); err != nil || system.Load.Assets == nil {
			t.Errorf("%+v %v", system, err)
		}
		if err := p.end(); err != nil {
			t.Fatalf("%v\n%s", err, p.err)
		}
	}
}
