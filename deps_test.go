package streamgate_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/streamgate/streamgate"

// wall is one row of the must-never-import table of docs/architecture.md. Paths
// are patterns: "..." at the end stands for the package and all below it, a
// leading "./" for this module, "./drivers/@/..." for the driver the importing
// package belongs to, "std" for the whole standard library.
type wall struct {
	rule   int
	name   string
	reason string

	of     []string // packages inside the wall
	but    []string // except these
	deny   []string // what they must not import; empty with only set
	only   []string // what alone they may import beside themselves
	allow  []string // what they may import all the same
	direct bool     // look at their own import lines only, else at everything that gets compiled

	breach [2]string // an importer and an import the wall must stop, to test the wall itself
}

// heavy are the modules nobody should have to compile who uses a domain alone.
var heavy = []string{
	"github.com/ethereum/go-ethereum/...", "github.com/gagliardetto/solana-go/...", "github.com/ipfs/boxo/...", "github.com/libp2p/go-libp2p/...",
	"github.com/minio/...", "github.com/aws/aws-sdk-go-v2/...", "google.golang.org/grpc/...", "google.golang.org/protobuf/...",
	"github.com/nats-io/...", "github.com/redis/...", "github.com/hashicorp/...", "database/sql/...", "modernc.org/...",
	"github.com/jackc/...", "github.com/pressly/goose/...",
}

var walls = []wall{
	{
		rule: 1, name: "ground stands on the standard library",
		reason: "everything imports fault and kernel, so whatever they imported would be in every build",
		of:     []string{"./fault/...", "./kernel/..."},
		only:   []string{"std", "./fault/...", "./kernel/..."},
		breach: [2]string{"./kernel/job", "golang.org/x/sync/errgroup"},
	},
	{
		rule: 2, name: "domains know no outer ring",
		reason: "a domain is tested and used without a server, a database or a chain; drivers depend on it and not it on them",
		of:     domains(),
		deny:   []string{"./drivers/...", "./httpapi/...", "./cmd/...", "./examples/...", "./"},
		breach: [2]string{"./nft", "./drivers/evm"},
	},
	{
		rule: 2, name: "domains read no flags",
		reason: "a library takes its settings as arguments; a flag belongs to the program",
		of:     append(domains(), "./fault/...", "./kernel/...", "./drivers/...", "./httpapi/...", "./"),
		deny:   []string{"flag"},
		direct: true,
		breach: [2]string{"./media/cmaf", "flag"},
	},
	{
		rule: 3, name: "hls is a pure function",
		reason: "somebody who only writes playlists gets only that",
		of:     []string{"./hls/..."},
		only:   []string{"std", "./fault", "github.com/grafov/m3u8"},
		breach: [2]string{"./hls", "./media"},
	},
	{
		rule: 3, name: "dash is a pure function",
		reason: "somebody who only writes manifests gets only that",
		of:     []string{"./dash/..."},
		only:   []string{"std", "./fault", "github.com/zencoder/go-dash/v3/..."},
		breach: [2]string{"./dash", "./hls"},
	},
	{
		rule: 4, name: "drivers stand alone",
		reason: "choosing one outside system must not bring another; what two share belongs to the domain",
		of:     []string{"./drivers/..."},
		deny:   []string{"./drivers/...", "./httpapi/...", "./cmd/...", "./"},
		allow:  []string{"./drivers/@/..."},
		breach: [2]string{"./drivers/redis", "./drivers/sqldb"},
	},
	{
		rule: 5, name: "the root brings two drivers",
		reason: "New must work without any service, so it has SQLite and ffmpeg; every other system is the host's choice",
		of:     []string{"./"},
		deny:   []string{"./drivers/...", "./cmd/...", "./examples/..."},
		allow:  []string{"./drivers/sqldb/...", "./drivers/ffmpeg/..."},
		breach: [2]string{"./", "./drivers/evm"},
	},
	{
		rule: 6, name: "gRPC is one driver's",
		reason: "the wire format between processes must not become the form of the domain",
		of:     []string{"./..."}, but: []string{"./drivers/grpc/...", "./internal/deps"},
		deny:   []string{"google.golang.org/grpc/...", "google.golang.org/protobuf/...", "connectrpc.com/..."},
		direct: true,
		breach: [2]string{"./media", "google.golang.org/grpc"},
	},
	{
		rule: 6, name: "telemetry is exported by programs",
		reason: "the host owns the exporter and the registry; libraries use the OTel API packages, which do nothing until then",
		of:     []string{"./..."}, but: []string{"./cmd/...", "./drivers/otlp/...", "./internal/deps"},
		deny:   []string{"go.opentelemetry.io/otel/sdk/...", "go.opentelemetry.io/otel/exporters/...", "github.com/prometheus/..."},
		direct: true,
		breach: [2]string{"./httpapi", "github.com/prometheus/client_golang/prometheus"},
	},
	{
		rule: 7, name: "a domain alone is a light build",
		reason: "importing hls, dash, auth, nft, storage or media must not compile a chain client, a cloud SDK or a database",
		of:     domains(),
		deny:   heavy,
		breach: [2]string{"./auth/siwe", "github.com/ethereum/go-ethereum/crypto"},
	},
}

func domains() []string {
	return []string{"./auth/...", "./nft/...", "./media/...", "./hls/...", "./dash/...", "./storage/...", "./caip/...", "./tenancy/...", "./ml/..."}
}

// pkg is what go list tells of a package.
type pkg struct {
	ImportPath string
	Dir        string
	Standard   bool
	GoFiles    []string
	Imports    []string
	Deps       []string
}

// list asks the go command for this module's packages and all they need.
func list(t *testing.T) map[string]*pkg {
	t.Helper()
	// The go command caches a test's success and knows only of files the test itself
	// looked at, so look: a new import anywhere must run the walls again.
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path != "." && (d.Name()[0] == '.' || d.Name() == "node_modules" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Dir,Standard,GoFiles,Imports,Deps", "./...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	graph := map[string]*pkg{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return graph
		} else if err != nil {
			t.Fatal(err)
		}
		graph[p.ImportPath] = &p
	}
}

// covers reports whether a pattern stands for path; importer gives "@" its meaning.
func covers(pattern, path, importer string, graph map[string]*pkg) bool {
	if pattern == "std" {
		return path == "C" || path == "unsafe" || graph[path] != nil && graph[path].Standard
	}
	if rest, ok := strings.CutPrefix(pattern, "./"); ok {
		pattern = strings.TrimSuffix(module+"/"+rest, "/")
	}
	if before, after, ok := strings.Cut(pattern, "@"); ok {
		own, _, _ := strings.Cut(strings.TrimPrefix(importer, before), "/")
		pattern = before + own + after
	}
	if prefix, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == prefix || strings.HasPrefix(path, prefix+"/")
	}
	return path == pattern
}

// breaches returns the packages inside w and the imports they have in spite of it.
func (w wall) breaches(graph map[string]*pkg) (inside int, found []string) {
	for _, p := range graph {
		in := func(patterns []string, path string) bool {
			return slices.ContainsFunc(patterns, func(pattern string) bool { return covers(pattern, path, p.ImportPath, graph) })
		}
		if !in(w.of, p.ImportPath) || in(w.but, p.ImportPath) {
			continue
		}
		inside++
		imports := p.Deps
		if w.direct {
			imports = p.Imports
		}
		for _, path := range imports {
			if in(w.allow, path) || len(w.only) > 0 && (in(w.only, path) || in(w.of, path)) {
				continue
			}
			if len(w.only) > 0 || in(w.deny, path) {
				found = append(found, strings.Join(chain(graph, p.ImportPath, path), "\n\t\timports "))
			}
		}
	}
	slices.Sort(found)
	return inside, found
}

// chain returns a shortest way from one package to another, to show where to cut.
func chain(graph map[string]*pkg, from, to string) []string {
	before := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if at == to {
			var way []string
			for ; at != ""; at = before[at] {
				way = append(way, at)
			}
			slices.Reverse(way)
			return way
		}
		if graph[at] == nil {
			continue
		}
		for _, next := range graph[at].Imports {
			if _, seen := before[next]; !seen {
				before[next] = at
				queue = append(queue, next)
			}
		}
	}
	return []string{from, to}
}

func TestMustNeverImport(t *testing.T) {
	t.Parallel()
	graph := list(t)
	for _, w := range walls {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			for _, pattern := range w.of {
				one := wall{of: []string{pattern}, but: w.but}
				if inside, _ := one.breaches(graph); inside == 0 {
					t.Logf("rule %d: no package matches %s yet", w.rule, pattern)
				}
			}
			if _, found := w.breaches(graph); len(found) > 0 {
				t.Errorf("rule %d: %s\n\t%s", w.rule, w.reason, strings.Join(found, "\n\t"))
			}
		})
	}
}

// Each wall must stop the breach it names, directly and, unless it is about import
// lines only, behind a package in between.
func TestWallsHold(t *testing.T) {
	t.Parallel()
	full := func(path string) string {
		if rest, ok := strings.CutPrefix(path, "./"); ok {
			return strings.TrimSuffix(module+"/"+rest, "/")
		}
		return path
	}
	for _, w := range walls {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			if w.reason == "" || w.rule == 0 {
				t.Error("a wall needs its rule and its reason")
			}
			from, to := full(w.breach[0]), full(w.breach[1])
			const between = "example.com/between"
			for name, graph := range map[string]map[string]*pkg{
				"directly": {
					from: {ImportPath: from, Imports: []string{to}, Deps: []string{to}},
					to:   {ImportPath: to},
				},
				"indirectly": {
					from:    {ImportPath: from, Imports: []string{between}, Deps: []string{between, to}},
					between: {ImportPath: between, Imports: []string{to}, Deps: []string{to}},
					to:      {ImportPath: to},
				},
			} {
				_, found := w.breaches(graph)
				stopped := slices.ContainsFunc(found, func(s string) bool {
					return strings.HasPrefix(s, from+"\n") && strings.HasSuffix(s, " "+to)
				})
				if want := name == "directly" || !w.direct; stopped != want {
					t.Errorf("%s: stopped is %v, found %v", name, stopped, found)
				}
			}
		})
	}
}

// Imports cannot show who reads the environment, so this looks at the calls.
func TestLibrariesReadNoEnvironment(t *testing.T) {
	t.Parallel()
	graph := list(t)
	w := wall{of: append(domains(), "./fault/...", "./kernel/...", "./httpapi/...", "./")}
	readers := map[string]bool{"Getenv": true, "LookupEnv": true, "Environ": true, "ExpandEnv": true}
	for _, p := range graph {
		// The suites and their tools belong to tests, which may look around.
		if !slices.ContainsFunc(w.of, func(pattern string) bool { return covers(pattern, p.ImportPath, "", graph) }) ||
			strings.HasSuffix(p.ImportPath, "test") {
			continue
		}
		for _, name := range p.GoFiles {
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if sel, ok := n.(*ast.SelectorExpr); ok && readers[sel.Sel.Name] {
					if x, ok := sel.X.(*ast.Ident); ok && x.Name == "os" {
						t.Errorf("%s: os.%s: rule 2: a library takes its settings as arguments", set.Position(n.Pos()), sel.Sel.Name)
					}
				}
				return true
			})
		}
	}
}
