// Command backendtable writes the table of docs/backends.md: each interface, each implementation, and what its
// conformance suite said of it against the real system. It runs the suites, or reads what go test -json wrote
// of them. A suite that failed, was skipped or did not run stops it: the table has no such rows.
//
//	go run ./internal/backendtable                    runs the suites, about 5 minutes on two cores
//	go run ./internal/backendtable -results FILE      takes the output of a run
//	go run ./internal/backendtable -command           prints the command that makes such a FILE
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

const (
	document = "docs/backends.md"
	begin    = "<!-- backendtable: begin; written by go run ./internal/backendtable -->"
	end      = "<!-- backendtable: end -->"
	module   = "github.com/streamgate/streamgate/"
)

func main() {
	results := flag.String("results", "", "output of go test -json")
	command := flag.Bool("command", false, "print the command that runs the suites")
	flag.Parse()
	if err := run(*results, *command); err != nil {
		fmt.Fprintln(os.Stderr, "backendtable:", err)
		os.Exit(1) //nolint:forbidigo // this is a program
	}
}

func run(file string, command bool) error {
	args := testArgs()
	if command {
		_, err := fmt.Printf("go %s\n", strings.Join(args, " "))
		return err
	}
	var r io.Reader
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return err
		}
		defer f.Close()
		r = f
	} else {
		cmd := exec.Command("go", args...)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil && len(out) == 0 {
			return err
		}
		r = bytes.NewReader(out) // what failed is in it
	}
	said, err := parse(r)
	if err != nil {
		return err
	}
	text, err := table(said)
	if err != nil {
		return err
	}
	old, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	next, err := replace(string(old), text)
	if err != nil {
		return err
	}
	return os.WriteFile(document, []byte(next), 0o644) //nolint:gosec // a document
}

// testArgs is the command that runs the rows' tests and no others.
func testArgs() []string {
	var tests, packages []string
	for _, r := range rows() {
		name, _, _ := strings.Cut(r.Test, "/")
		tests, packages = append(tests, name), append(packages, "./"+r.Package)
	}
	slices.Sort(tests)
	slices.Sort(packages)
	pattern := "^(" + strings.Join(slices.Compact(tests), "|") + ")$"
	return append([]string{"test", "-count=1", "-json", "-timeout=30m", "-run", pattern}, slices.Compact(packages)...)
}

// outcomes are what became of each test, by package folder and name.
type outcomes map[string]map[string]string

// parse reads the events of go test -json.
func parse(r io.Reader) (outcomes, error) {
	all := outcomes{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e struct{ Action, Package, Test string }
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, fmt.Errorf("not the output of go test -json: %w", err)
		}
		if e.Test == "" || !slices.Contains([]string{"pass", "fail", "skip"}, e.Action) {
			continue
		}
		pkg := strings.TrimPrefix(e.Package, module)
		if all[pkg] == nil {
			all[pkg] = map[string]string{}
		}
		all[pkg][e.Test] = e.Action
	}
	return all, lines.Err()
}

// partial is the suite whose checks pass over what a fixture says it cannot show, such as another chain's tokens.
const partial = "nfttest.Run"

// checks counts the checks of a row: the subtests that have none below them, and those of them that do not apply.
func (o outcomes) checks(r row) (n, apart int, err error) {
	tests := o[r.Package]
	if tests[r.Test] != "pass" {
		return 0, 0, fmt.Errorf("%s %s: %q, not pass", r.Package, r.Test, tests[r.Test])
	}
	parents := map[string]bool{}
	for name := range tests {
		for i := strings.LastIndexByte(name, '/'); i > 0; i = strings.LastIndexByte(name, '/') {
			name = name[:i]
			parents[name] = true
		}
	}
	for name, what := range tests {
		if parents[name] || name != r.Test && !strings.HasPrefix(name, r.Test+"/") {
			continue
		}
		switch {
		case what == "pass":
			n++
		case what == "skip" && slices.Contains(r.Suites, partial):
			apart++
		default:
			return 0, 0, fmt.Errorf("%s %s: %s", r.Package, name, what)
		}
	}
	return n, apart, nil
}

const header = "| interface | implementation | against | suite | test | result |\n|---|---|---|---|---|---|\n"

// line is a row without its result.
func line(r row, system string) string {
	return fmt.Sprintf("| `%s` | %s | %s | `%s` | `%s` `%s` | ", r.Interface, r.Implementation, system, strings.Join(r.Suites, "`, `"), r.Package, r.Test)
}

func table(said outcomes) (string, error) {
	var b strings.Builder
	var errs []error
	b.WriteString(header)
	for _, r := range sorted() {
		n, apart, err := said.checks(r)
		system, err2 := expand(r.System)
		if errs = append(errs, err, err2); err != nil {
			continue
		}
		fmt.Fprintf(&b, "%s%d checks pass", line(r, system), n)
		if apart > 0 {
			fmt.Fprintf(&b, ", %d not for it", apart)
		}
		b.WriteString(" |\n")
	}
	return b.String(), errors.Join(errs...)
}

// sorted is the table by interface, each as written.
func sorted() []row {
	names := []string{
		"storage.Store", "keys.Manager", "keys.Master", "keys.ScopeStore", "cache.Cache", "cache.Claimer", "cache.Limiter", "cache.Updater",
		"event.Bus", "job.Queue", "auth.Store", "media.Store", "playback.Store", "pass.Store", "playback.Assets", "playback.Gate", "auth.Authenticator",
		"nft.Verifier", "index.Source", "index.Store", "pass.Ledger", "media.Transcoder", "registry.Registry",
	}
	all := rows()
	slices.SortStableFunc(all, func(a, b row) int { return slices.Index(names, a.Interface) - slices.Index(names, b.Interface) })
	return all
}

// replace puts text between the markers of the document.
func replace(doc, text string) (string, error) {
	before, rest, ok := strings.Cut(doc, begin+"\n")
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return "", fmt.Errorf("%s has no markers %s and %s", document, begin, end)
	}
	return before + begin + "\n" + text + end + after, nil
}
