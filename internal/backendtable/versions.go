package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

var placeholder = regexp.MustCompile(`\{(\w+):([^}]+)\}`)

// expand puts versions into the name of a system.
func expand(system string) (string, error) { return fill(system, version) }

// fill replaces the placeholders of a system by what of says.
func fill(system string, of func(kind, name string) (string, error)) (string, error) {
	var failed error
	out := placeholder.ReplaceAllStringFunc(system, func(p string) string {
		m := placeholder.FindStringSubmatch(p)
		v, err := of(m[1], m[2])
		if err != nil {
			failed = err
		}
		return v
	})
	return out, failed
}

// version is that of a module, a tool of scripts/test-tools.sh, an npm package or a program.
func version(kind, name string) (string, error) {
	if kind == "run" {
		return running(name)
	}
	return pinned(".", kind, name)
}

// pinned reads a version from the files of the repository at root.
func pinned(root, kind, name string) (string, error) {
	file, pattern := "go.mod", `(?m)^\s*`+regexp.QuoteMeta(name)+` (v\S+)`
	switch kind {
	case "tool":
		file, pattern = "scripts/test-tools.sh", `(?m)^\s*`+regexp.QuoteMeta(name)+`\) \w+ \S+ (v\S+) `
	case "npm":
		folder, pkg, _ := strings.Cut(name, ":")
		b, err := os.ReadFile(filepath.Join(root, folder, "package.json"))
		if err != nil {
			return "", err
		}
		var p struct{ Dependencies, DevDependencies map[string]string }
		if err := json.Unmarshal(b, &p); err != nil {
			return "", err
		}
		if v := p.Dependencies[pkg] + p.DevDependencies[pkg]; v != "" {
			return v, nil
		}
		return "", fmt.Errorf("%s names no %s", folder, pkg)
	}
	b, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		return "", err
	}
	m := regexp.MustCompile(pattern).FindSubmatch(b)
	if m == nil {
		return "", fmt.Errorf("%s names no version of %s", file, name)
	}
	return string(m[1]), nil
}

// running asks a program of the system for its version.
func running(name string) (string, error) {
	ask := map[string][]string{
		"postgres": {"/usr/lib/postgresql/15/bin/postgres", "--version"}, "redis": {"redis-server", "--version"},
		"ffmpeg": {"ffmpeg", "-version"}, "pgbouncer": {"/usr/sbin/pgbouncer", "--version"},
	}[name]
	if ask == nil {
		return "", fmt.Errorf("no program %s", name)
	}
	out, err := exec.Command(ask[0], ask[1:]...).Output()
	if err != nil {
		return "", err
	}
	v := regexp.MustCompile(`\d+\.\d+(\.\d+)?`).FindString(string(out))
	if v == "" {
		return "", fmt.Errorf("%s says no version", name)
	}
	return v, nil
}
