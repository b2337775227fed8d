package httpapi_test

import (
	"regexp"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/streamgate/streamgate/fault"
	"github.com/streamgate/streamgate/httpapi"
)

type operation struct {
	Summary    string           `yaml:"summary"`
	ID         string           `yaml:"operationId"`
	Access     string           `yaml:"x-access"`
	Security   *[]any           `yaml:"security"`
	Parameters []map[string]any `yaml:"parameters"`
	Responses  map[string]any   `yaml:"responses"`
}

type document struct {
	OpenAPI    string                          `yaml:"openapi"`
	Paths      map[string]map[string]yaml.Node `yaml:"paths"`
	Components map[string]map[string]yaml.Node `yaml:"components"`
}

func described(t *testing.T) (document, map[string]operation) {
	t.Helper()
	var doc document
	if err := yaml.Unmarshal(httpapi.OpenAPI(), &doc); err != nil {
		t.Fatal(err)
	}
	ops := map[string]operation{}
	for path, item := range doc.Paths {
		for verb, node := range item {
			if verb == "parameters" {
				continue
			}
			var op operation
			if err := node.Decode(&op); err != nil {
				t.Fatalf("%s %s: %v", verb, path, err)
			}
			ops[strings.ToUpper(verb)+" "+path] = op
		}
	}
	return doc, ops
}

// The table and the document say the same, both ways.
func TestRoutesAreDescribed(t *testing.T) {
	t.Parallel()
	_, ops := described(t)
	ids := map[string]bool{}
	for _, r := range httpapi.Routes() {
		key := r.Method + " " + strings.TrimSuffix(r.Pattern, "{$}")
		op, ok := ops[key]
		if !ok {
			t.Errorf("%s is not in openapi.yaml", key)
			continue
		}
		if op.Summary != r.Summary || op.Access != r.Access {
			t.Errorf("%s: the document says %q (%s), the table %q (%s)", key, op.Summary, op.Access, r.Summary, r.Access)
		}
		if anonymous := op.Security != nil && len(*op.Security) == 0; anonymous != (r.Access == "none" || r.Access == "grant" || r.Method == "OPTIONS") {
			t.Errorf("%s: security does not fit access %s", key, r.Access)
		}
		if op.ID == "" || ids[op.ID] || len(op.Responses) == 0 {
			t.Errorf("%s: operationId %q is missing or doubled, or there are no responses", key, op.ID)
		}
		ids[op.ID] = true
		delete(ops, key)
	}
	for key := range ops {
		t.Errorf("%s is described and does not exist", key)
	}
}

func TestDescriptionIsSound(t *testing.T) {
	t.Parallel()
	doc, _ := described(t)
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("openapi %q", doc.OpenAPI)
	}
	text := string(httpapi.OpenAPI())
	used := map[string]bool{}
	for _, m := range regexp.MustCompile(`"#/components/(\w+)/(\w+)"`).FindAllStringSubmatch(text, -1) {
		used[m[1]+"/"+m[2]] = true
		if _, ok := doc.Components[m[1]][m[2]]; !ok {
			t.Errorf("%s points nowhere", m[0])
		}
	}
	for kind, parts := range doc.Components {
		for name := range parts {
			if kind != "securitySchemes" && !used[kind+"/"+name] {
				t.Errorf("%s/%s is used nowhere", kind, name)
			}
		}
	}
	for _, k := range fault.Kinds() {
		if !regexp.MustCompile(`code: .*\b` + k.String() + `\b`).MatchString(text) {
			t.Errorf("the code %s is not described", k)
		}
	}
	for path, item := range doc.Paths {
		for verb, node := range item {
			if verb == "parameters" {
				continue
			}
			var op, shared any
			common := item["parameters"]
			if err := node.Decode(&op); err != nil {
				t.Fatal(err)
			}
			_ = common.Decode(&shared) // a path without common parameters has none
			b, err := yaml.Marshal([]any{op, shared})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
				if !strings.Contains(string(b), "name: "+m[1]) && !strings.Contains(string(b), "parameters/"+m[1]) {
					t.Errorf("%s %s does not describe %s", verb, path, m[1])
				}
			}
		}
	}
}
