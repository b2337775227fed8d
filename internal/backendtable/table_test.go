package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// called lists the tests of a package folder and the suites that its test files call.
func called(t *testing.T, dir string) (tests, suites []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				tests = append(tests, n.Name.Name)
			case *ast.CallExpr:
				sel, ok := n.Fun.(*ast.SelectorExpr)
				if !ok {
					break
				}
				if x, ok := sel.X.(*ast.Ident); ok && slices.Contains(suitePackages, x.Name) && strings.HasPrefix(sel.Sel.Name, "Run") {
					suites = append(suites, x.Name+"."+sel.Sel.Name)
				}
			}
			return true
		})
	}
	return tests, suites
}

var suitePackages = []string{
	"storagetest", "keystest", "cachetest", "eventtest", "jobtest", "authtest", "mediatest", "playbacktest", "nfttest", "indextest", "registrytest", "passtest",
}

// Every row names a test that exists and calls the row's suites, and every call of a suite is in a row.
func TestRowsAreTests(t *testing.T) {
	t.Parallel()
	inRows := map[string]bool{}
	for _, r := range rows() {
		tests, suites := called(t, r.Package)
		if name, _, _ := strings.Cut(r.Test, "/"); !slices.Contains(tests, name) {
			t.Errorf("%s has no %s", r.Package, name)
		}
		for _, s := range r.Suites {
			if !slices.Contains(suites, s) {
				t.Errorf("%s does not call %s", r.Package, s)
			}
			inRows[r.Package+" "+s] = true
		}
	}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if d.Name() == ".git" || d.Name() == "node_modules" || d.Name() == "sgtest" { // sgtest's back-ends only fail on purpose
			return filepath.SkipDir
		}
		dir, err := filepath.Rel(root, path)
		if err != nil || slices.Contains(suitePackages, d.Name()) {
			return err // the suites' own tests
		}
		_, suites := called(t, filepath.ToSlash(dir))
		for _, s := range suites {
			if !inRows[filepath.ToSlash(dir)+" "+s] {
				t.Errorf("%s calls %s and has no row for it", dir, s)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// The document's table is that of the rows, with the versions that the repository pins now, and only passes.
func TestDocument(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile(filepath.Join(root, document))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(doc), begin+"\n"+header)
	body, _, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatal("no table between the markers")
	}
	lines := strings.Split(strings.TrimSuffix(body, "\n"), "\n")
	all := sorted()
	if len(lines) != len(all) {
		t.Fatalf("%d lines for %d rows: go run ./internal/backendtable", len(lines), len(all))
	}
	for i, r := range all {
		system, err := fill(r.System, func(kind, name string) (string, error) {
			if kind == "run" {
				return "\x00", nil // of the machine that ran it
			}
			return pinned(root, kind, name)
		})
		if err != nil {
			t.Fatal(err)
		}
		want := "^" + strings.ReplaceAll(regexp.QuoteMeta(line(r, system)), "\x00", `\d[\d.]+`) + `[1-9]\d* checks pass(, \d+ not for it)? \|$`
		if !regexp.MustCompile(want).MatchString(lines[i]) {
			t.Errorf("line %q is not %q: go run ./internal/backendtable", lines[i], line(r, system))
		}
	}
}

// A row whose tests failed, were skipped or did not run makes no table.
func TestOnlyPassesCount(t *testing.T) {
	t.Parallel()
	r := row{Package: "p", Test: "TestX/a"}
	for name, tt := range map[string]struct {
		events string
		n      int
	}{
		"passes":       {`{"Action":"pass","Package":"` + module + `p","Test":"TestX/a/one"}{"Action":"pass","Package":"` + module + `p","Test":"TestX/a/two"}{"Action":"pass","Package":"` + module + `p","Test":"TestX/a"}`, 2},
		"one skipped":  {`{"Action":"skip","Package":"` + module + `p","Test":"TestX/a/one"}{"Action":"pass","Package":"` + module + `p","Test":"TestX/a"}`, 0},
		"failed":       {`{"Action":"pass","Package":"` + module + `p","Test":"TestX/a/one"}{"Action":"fail","Package":"` + module + `p","Test":"TestX/a"}`, 0},
		"another's":    {`{"Action":"pass","Package":"` + module + `p","Test":"TestX/ab"}`, 0},
		"did not run":  {"", 0},
		"without subs": {`{"Action":"pass","Package":"` + module + `p","Test":"TestX/a"}`, 1},
	} {
		said, err := parse(strings.NewReader(strings.ReplaceAll(tt.events, "}{", "}\n{")))
		if err != nil {
			t.Fatal(err)
		}
		if n, apart, err := said.checks(r); n != tt.n || apart != 0 || (err == nil) != (tt.n > 0) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
	// One suite passes over what a fixture cannot show, and the table says of how much.
	said := outcomes{"p": {"TestX/a": "pass", "TestX/a/one": "pass", "TestX/a/two": "skip"}}
	if n, apart, err := said.checks(row{Package: "p", Test: "TestX/a", Suites: []string{partial}}); n != 1 || apart != 1 || err != nil {
		t.Errorf("%d checks, %d not for it, %v", n, apart, err)
	}
	if _, err := parse(strings.NewReader("ok  \tp\n")); err == nil {
		t.Error("took what is not JSON")
	}
}
