package deploy

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// instruction is one line of a Dockerfile, its continuations joined.
type instruction struct{ word, rest string }

func dockerfile(t *testing.T) (list []instruction) {
	t.Helper()
	text := regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(read(t, "docker/Dockerfile"), "")
	text = strings.ReplaceAll(text, "\\\n", " ")
	known := strings.Fields("ARG FROM WORKDIR COPY RUN LABEL ENV USER EXPOSE HEALTHCHECK ENTRYPOINT CMD")
	for line := range strings.SplitSeq(text, "\n") {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word == "" {
			continue
		}
		if !slices.Contains(known, word) {
			t.Errorf("unknown instruction %q", word)
		}
		list = append(list, instruction{word, strings.Join(strings.Fields(rest), " ")})
	}
	return list
}

// The image runs a static binary as a user without rights, from pinned images, with what the encoder needs.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	args, stages, last := map[string]string{}, []string{}, map[string]string{}
	for _, in := range dockerfile(t) {
		switch in.word {
		case "ARG":
			name, value, _ := strings.Cut(in.rest, "=")
			args[name] = value
		case "FROM":
			image, name, _ := strings.Cut(in.rest, " AS ")
			for k, v := range args {
				image = strings.ReplaceAll(image, "${"+k+"}", v)
			}
			if !regexp.MustCompile(`^[a-z/]+:\d+\.\d+[\w.-]*$`).MatchString(image) {
				t.Errorf("image %q is not pinned by version", image)
			}
			stages, last = append(stages, name), map[string]string{}
		case "COPY":
			if m := regexp.MustCompile(`^--from=(\S+)`).FindStringSubmatch(in.rest); m != nil && !slices.Contains(stages[:len(stages)-1], m[1]) {
				t.Errorf("COPY from %s, which is no earlier stage", m[1])
			}
		}
		last[in.word] += in.rest + "\n"
	}
	if out, err := exec.Command("go", "env", "GOVERSION").Output(); err != nil || strings.TrimSpace(string(out)) != "go"+args["GO_VERSION"] {
		t.Errorf("the image is built with Go %s, the tests run %s", args["GO_VERSION"], out)
	}
	if len(stages) != 2 || !regexp.MustCompile(`^[1-9]\d{3,}:[1-9]\d{3,}\n$`).MatchString(last["USER"]) {
		t.Errorf("stages %q, user %q", stages, last["USER"])
	}
	for word, parts := range map[string][]string{
		"RUN":         {" ffmpeg", " bubblewrap", " ca-certificates", "rm -rf /var/lib/apt/lists/*"},
		"HEALTHCHECK": {`CMD ["refserver", "health"]`},
		"ENTRYPOINT":  {`["refserver"]`},
		"COPY":        {"--from=build /out/refserver"},
		"LABEL":       {"org.opencontainers.image.licenses", "org.opencontainers.image.revision"},
	} {
		for _, p := range parts {
			if !strings.Contains(last[word], p) {
				t.Errorf("%s of the last stage lacks %s", word, p)
			}
		}
	}
	if all := read(t, "docker/Dockerfile"); !strings.Contains(all, "CGO_ENABLED=0") || strings.Contains(all, "latest") {
		t.Error("not static, or not pinned")
	}
}

// What the build reads is in its context: every file of the module that the program is made of passes the
// ignore file, and secrets and data do not.
func TestBuildContext(t *testing.T) {
	t.Parallel()
	ignore := read(t, "docker/Dockerfile.dockerignore")
	cmd := exec.Command("go", "list", "-deps", "-json=Dir,GoFiles,EmbedFiles,SFiles,Module", "./cmd/refserver")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			Dir                         string
			GoFiles, EmbedFiles, SFiles []string
			Module                      *struct{ Main bool }
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Module == nil || !p.Module.Main {
			continue
		}
		for _, f := range slices.Concat(p.GoFiles, p.EmbedFiles, p.SFiles) {
			rel, err := filepath.Rel(root, filepath.Join(p.Dir, f))
			if err != nil {
				t.Fatal(err)
			}
			n++
			if ignored(ignore, filepath.ToSlash(rel)) {
				t.Errorf("the build needs %s, which is ignored", rel)
			}
		}
	}
	if n < 200 {
		t.Errorf("only %d files", n)
	}
	for _, f := range []string{".git/config", "deploy/compose/secrets/database_url", "streamgate-data/streamgate.db", "demo-data/demo.json", "bin/refserver", "httpapi/web/src/node_modules/x/y.js"} {
		if !ignored(ignore, f) {
			t.Errorf("%s goes to the builder", f)
		}
	}
}

// ignored applies the patterns of a .dockerignore, the last that matches winning; a pattern takes what is
// below it too.
func ignored(patterns, file string) (out bool) {
	for p := range strings.SplitSeq(patterns, "\n") {
		if p = strings.TrimSpace(p); p == "" || p[0] == '#' {
			continue
		}
		p, kept := strings.CutPrefix(p, "!")
		name := file
		if rest, any := strings.CutPrefix(p, "**/"); any {
			p, name = rest, path.Base(file)
		}
		for part := name; part != "." && part != "/"; part = path.Dir(part) {
			if ok, _ := path.Match(p, part); ok {
				out = !kept
				break
			}
		}
	}
	return out
}
