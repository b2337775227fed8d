// Package docs holds the test that the documents speak of what is there.
package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test that a document names exists, and every file that it links to.
func TestDocuments(t *testing.T) {
	t.Parallel()
	tests := testNames(t)
	docs, err := filepath.Glob("../*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"*.md", "adr/*.md"} {
		more, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, more...)
	}
	if len(docs) < 15 {
		t.Fatalf("only %d documents", len(docs))
	}
	for _, doc := range docs {
		b, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range regexp.MustCompile("`(Test[A-Z]\\w*\\*?)[`/]").FindAllStringSubmatch(string(b), -1) {
			if !known(tests, name[1]) {
				t.Errorf("%s names %s, which is no test", doc, name[1])
			}
		}
		for _, link := range regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`).FindAllStringSubmatch(string(b), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(doc), link[1])); err != nil {
				t.Errorf("%s links to %s: %v", doc, link[1], err)
			}
		}
	}
}

func known(tests map[string]bool, name string) bool {
	prefix, many := strings.CutSuffix(name, "*")
	if !many {
		return tests[name]
	}
	for n := range tests {
		if strings.HasPrefix(n, prefix) {
			return true
		}
	}
	return false
}

func testNames(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == ".cache") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		b, err := os.ReadFile(path)
		for _, m := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllSubmatch(b, -1) {
			names[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
