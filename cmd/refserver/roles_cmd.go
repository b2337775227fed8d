package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

type rolesCmd struct {
	JSON bool `name:"json" help:"As JSON."`
}

// Run prints the table of roles.
func (r rolesCmd) Run(e *env) error {
	if !r.JSON {
		return rolesTable(e.stdout)
	}
	type row struct {
		Name   string   `json:"name"`
		Doc    string   `json:"doc"`
		HTTP   bool     `json:"http"`
		Offers []string `json:"offers"`
		Asks   []string `json:"asks"`
		Needs  []string `json:"needs"`
	}
	var all []row
	for _, r := range roles() {
		all = append(all, row{r.name, r.doc, r.routes != "" || r.name == "gateway", r.offers, r.asks, r.needs})
	}
	enc := json.NewEncoder(e.stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(all)
}

// rolesTable writes the table as Markdown, which people read as well; docs/services.md holds it.
func rolesTable(w io.Writer) error {
	list := func(s []string) string {
		if len(s) == 0 {
			return "-"
		}
		return strings.Join(s, ", ")
	}
	var b strings.Builder
	b.WriteString("| role | does | offers by gRPC | asks | needs |\n|---|---|---|---|---|\n")
	for _, r := range roles() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", r.name, r.doc, list(r.offers), list(r.asks), list(r.needs))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
