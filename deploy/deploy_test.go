// Package deploy holds the tests that keep what is deployed in step with the program.
package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/streamgate/streamgate/internal/cluster"
)

const composeFile = "compose/compose.yaml"

// roleRow is a row of the program's own table of roles.
type roleRow struct {
	Name  string   `json:"name"`
	Needs []string `json:"needs"`
}

func load(t *testing.T) compose {
	t.Helper()
	f, err := os.Open(composeFile)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := yaml.NewDecoder(f)
	d.KnownFields(true) // a field that compose does not know, or we do not, is a mistake until it is looked at
	var c compose
	if err := d.Decode(&c); err != nil {
		t.Fatal(err)
	}
	return c
}

// builtIn is the folder of the program, once it was built.
var builtIn atomic.Pointer[string]

// build builds the program once for all tests, into a folder that TestMain removes.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "refserver")
	if err != nil {
		return "", err
	}
	builtIn.Store(&dir)
	bin := filepath.Join(dir, "refserver")
	if out, err := exec.Command("go", "build", "-o", bin, "../cmd/refserver").CombinedOutput(); err != nil {
		return bin, fmt.Errorf("%w\n%s", err, out)
	}
	return bin, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if built := builtIn.Load(); built != nil {
		_ = os.RemoveAll(*built)
	}
	os.Exit(code)
}

func refserver(t *testing.T) string {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// secretsDir is what secrets.sh makes.
func secretsDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "secrets")
	if out, err := exec.Command("compose/secrets.sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Each role of the program is one service, with the back-ends that the role needs and no more, and the
// program takes the settings of each: the shared file, the environment and the values in files.
func TestComposeRunsTheRoles(t *testing.T) {
	t.Parallel()
	c, bin, secrets := load(t), refserver(t), secretsDir(t)
	out, err := exec.Command(bin, "roles", "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var roles []roleRow
	if err := json.Unmarshal(out, &roles); err != nil || len(roles) != 9 {
		t.Fatalf("%d roles, %v", len(roles), err)
	}
	needs := map[string][]string{}
	for _, r := range roles {
		needs[r.Name] = r.Needs
	}
	for name, s := range c.Services {
		target, isRole := s.Environment["STREAMGATE_TARGET"]
		if _, known := needs[name]; isRole != known || isRole && target != name {
			t.Errorf("service %s: target %q; the roles are %v", name, target, roles)
		}
	}
	for _, r := range roles {
		s, ok := c.Services[r.Name]
		if !ok {
			t.Errorf("no service runs role %s", r.Name)
			continue
		}
		t.Run(r.Name, func(t *testing.T) {
			t.Parallel()
			backendsOf(t, r, s)
			checkConfig(t, bin, secrets, s)
		})
	}
}

// backendsOf compares the secrets of a service with the needs of its role.
func backendsOf(t *testing.T, r roleRow, s service) {
	t.Helper()
	secretOf := map[string]string{"database": "database_url", "storage": "storage_url", "cache": "cache_url", "events": "events_url", "queue": "events_url"}
	want := map[string]bool{}
	for _, need := range r.Needs {
		if name, ok := secretOf[need]; ok {
			want[name] = true
		}
	}
	if r.Name == "cache" {
		want["cache_url"] = true // it may stand before Redis, and here it does
	}
	for _, m := range s.Secrets {
		if !want[m.Source] {
			t.Errorf("has the secret %s, which it does not need", m.Source)
		}
		delete(want, m.Source)
	}
	for name := range want {
		t.Errorf("has not the secret %s", name)
	}
	keys := slices.Contains(s.Volumes, "keys:/var/lib/streamgate-keys")
	if keys != slices.Contains(r.Needs, "keys") {
		t.Errorf("has the volume of the master keys: %v", keys)
	}
}

// checkConfig has the program itself judge the configuration of a service.
func checkConfig(t *testing.T, bin, secrets string, s service) {
	t.Helper()
	if s.Environment["STREAMGATE_CONFIG"] != "/etc/streamgate/streamgate.yaml" || !slices.Contains(s.Configs, mount{"streamgate", "/etc/streamgate/streamgate.yaml"}) {
		t.Errorf("does not have the shared file: %v", s.Configs)
	}
	cmd := exec.Command(bin, "config", "check")
	for k, v := range s.Environment {
		v = substitute(v)
		if strings.HasSuffix(k, "_FILE") {
			name := strings.TrimPrefix(v, "/run/secrets/")
			if !slices.Contains(s.Secrets, mount{Source: name}) {
				t.Errorf("%s=%s is no secret of this service", k, v)
			}
			v = filepath.Join(secrets, name)
		}
		if k == "STREAMGATE_CONFIG" {
			v = "compose/streamgate.yaml"
		}
		cmd.Env = append(cmd.Env, k+"="+v)
	}
	// What the image says comes first.
	cmd.Env = append(cmd.Env, regexp.MustCompile(`STREAMGATE_[A-Z_]+=\S+`).FindAllString(read(t, "docker/Dockerfile"), -1)...)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "configuration of "+s.Environment["STREAMGATE_TARGET"]) {
		t.Errorf("%v\n%s", err, out)
	}
}

// substitute does what compose does with ${NAME:-default} when no variable is set.
func substitute(v string) string {
	return regexp.MustCompile(`\$\{[A-Z_]+:-([^}]*)\}`).ReplaceAllString(v, "$1")
}

// Compose starts what the tests' cluster starts: the same dependencies and counts of processes, and the
// same kinds of back-ends for the same settings.
func TestComposeIsTheClusterOfTheTests(t *testing.T) {
	t.Parallel()
	c := load(t)
	var got, want []string
	for name, s := range c.Services {
		if s.Environment["STREAMGATE_TARGET"] == "" {
			got = append(got, name)
			continue
		}
		if n := max(1, cluster.DefaultReplicas()[name]); s.Deploy.Replicas != n {
			t.Errorf("%s: %d replicas, the cluster has %d", name, s.Deploy.Replicas, n)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^\t[A-Z]\w+ +\*servers\.(\w+)$`).FindAllStringSubmatch(read(t, "../internal/cluster/cluster.go"), -1) {
		want = append(want, strings.ToLower(m[1]))
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || len(got) != 5 {
		t.Errorf("dependencies %v, the cluster has %v", got, want)
	}
	// The settings that choose back-ends, here by file or by secret, there in its map.
	secrets := secretsDir(t)
	kinds := map[string]string{}
	var file map[string]any
	if err := yaml.Unmarshal([]byte(read(t, "compose/streamgate.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	for setting, secret := range map[string]string{"database": "database_url", "storage": "storage_url", "cache": "cache_url", "events": "events_url"} {
		kinds[setting], _, _ = strings.Cut(read(t, filepath.Join(secrets, secret)), ":")
	}
	for _, setting := range []string{"keys", "registry"} {
		kinds[setting], _, _ = strings.Cut(fmt.Sprint(file[setting]), ":")
	}
	source := read(t, "../internal/cluster/cluster.go")
	for setting, kind := range map[string]string{"database": "postgres", "storage": "s3", "keys": "master", "cache": "redis", "events": "nats", "registry": "consul"} {
		if kinds[setting] != kind || !regexp.MustCompile(`"`+setting+`": .*(?i:`+kind+`)`).MatchString(source) {
			t.Errorf("%s: kind %q in compose; in the cluster it is %q: %v", setting, kinds[setting], kind, strings.Contains(source, `"`+setting+`"`))
		}
	}
}

// Whatever is referred to exists, images are pinned, dependencies are out of reach, and everything has a
// limit and a health check.
func TestComposeHoldsTogether(t *testing.T) {
	t.Parallel()
	c := load(t)
	usedSecrets, usedVolumes, usedNetworks, usedConfigs := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	for name, s := range c.Services {
		role := s.Environment["STREAMGATE_TARGET"] != ""
		tag := regexp.MustCompile(`^[a-z0-9/-]+:v?\d+\.\d+[a-z0-9.-]*$`)
		if !tag.MatchString(s.Image) && (s.Build.Dockerfile == "" || s.Image != "streamgate/refserver:local") {
			t.Errorf("%s: image %q is not pinned by version", name, s.Image)
		}
		if len(s.Healthcheck.Test) < 2 || s.Healthcheck.Retries == 0 || s.Deploy.Resources.Limits.Memory == "" || s.Deploy.Resources.Limits.CPUs == "" {
			t.Errorf("%s: no health check or no limits", name)
		}
		if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s: may gain privileges", name)
		}
		if role && (!s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || s.User != "") {
			t.Errorf("%s: read_only %v, cap_drop %v, user %q (the image has one)", name, s.ReadOnly, s.CapDrop, s.User)
		}
		if loose := slices.Contains(s.SecurityOpt, "seccomp=unconfined"); loose != (name == "worker" || name == "transcode") {
			t.Errorf("%s: without the engine's profile: %v; only those that run ffmpeg may be", name, loose)
		}
		if (len(s.Ports) > 0) != (name == "gateway") {
			t.Errorf("%s publishes %v", name, s.Ports)
		}
		for _, n := range s.Networks {
			usedNetworks[n] = true
			if n == "deps" && name == "gateway" || n != "deps" && n != "mesh" && !role {
				t.Errorf("%s is on network %s", name, n)
			}
		}
		for dep, cond := range s.DependsOn {
			if _, ok := c.Services[dep]; !ok || cond.Condition != "service_healthy" {
				t.Errorf("%s: depends on %s, %s", name, dep, cond.Condition)
			}
			if !slices.ContainsFunc(s.Networks, func(n string) bool { return slices.Contains(c.Services[dep].Networks, n) }) {
				t.Errorf("%s cannot reach %s", name, dep)
			}
		}
		for _, m := range s.Secrets {
			usedSecrets[m.Source] = true
		}
		for _, m := range s.Configs {
			usedConfigs[m.Source] = true
		}
		for _, v := range s.Volumes {
			from, _, named := strings.Cut(v, ":")
			switch {
			case strings.HasPrefix(from, "./"):
				if _, err := os.Stat(filepath.Join("compose", from)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			case named:
				usedVolumes[from] = true
			}
		}
	}
	sameNames(t, "secret", usedSecrets, c.Secrets)
	sameNames(t, "config", usedConfigs, c.Configs)
	sameNames(t, "volume", usedVolumes, c.Volumes)
	sameNames(t, "network", usedNetworks, c.Networks)
	if !c.Networks["mesh"].Internal || !c.Networks["deps"].Internal {
		t.Error("the inner networks reach outside")
	}
	var file struct {
		Trusted []string `yaml:"trusted_proxies"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "compose/streamgate.yaml")), &file); err != nil || len(file.Trusted) != 1 || file.Trusted[0] != c.Networks["mesh"].IPAM.Config[0].Subnet {
		t.Errorf("forwarded addresses are believed from %v, %v", file.Trusted, err)
	}
}

func sameNames[T any](t *testing.T, what string, used map[string]bool, declared map[string]T) {
	t.Helper()
	for name := range used {
		if _, ok := declared[name]; !ok {
			t.Errorf("%s %s is not declared", what, name)
		}
	}
	for name := range declared {
		if !used[name] {
			t.Errorf("%s %s is of no use", what, name)
		}
	}
}

// The images of the servers whose exact version the tests run are of that version.
func TestComposeRunsWhatTheTestsRun(t *testing.T) {
	t.Parallel()
	c, tools := load(t), read(t, "../scripts/test-tools.sh")
	for service, tool := range map[string]string{"nats": "nats-server", "s3": "versitygw", "consul": "consul"} {
		m := regexp.MustCompile(tool + `\) (?:install|module) ` + tool + ` v([\d.]+) `).FindStringSubmatch(tools)
		_, tag, _ := strings.Cut(c.Services[service].Image, ":")
		if m == nil || strings.TrimSuffix(strings.TrimPrefix(tag, "v"), "-alpine") != m[1] {
			t.Errorf("%s: image %s, the tests run %v", service, c.Services[service].Image, m)
		}
	}
	for service, major := range map[string]string{"postgres": "postgres:15.", "redis": "redis:7.0."} {
		if !strings.HasPrefix(c.Services[service].Image, major) {
			t.Errorf("%s: image %s, the tests run %s", service, c.Services[service].Image, major)
		}
	}
}

// secrets.sh makes what compose mounts, for nobody else, and never again.
func TestSecrets(t *testing.T) {
	t.Parallel()
	dir, other := secretsDir(t), secretsDir(t)
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	c := load(t)
	named := []string{"chains.env", "issuing.env"} // with what the operator names, no secret of its own
	files := append([]string{"s3.env"}, named...)  // by env_file
	for name, s := range c.Secrets {
		if !strings.HasPrefix(s.File, "./secrets/") {
			t.Errorf("secret %s is in %s", name, s.File)
		}
		files = append(files, filepath.Base(s.File))
	}
	for _, f := range files {
		text := read(t, filepath.Join(dir, f))
		if !slices.Contains(named, f) && text == read(t, filepath.Join(other, f)) {
			t.Errorf("%s is the same twice", f)
		}
	}
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != len(files) {
		t.Errorf("%d files, %d used, %v", len(list), len(files), err)
	}
	before := read(t, filepath.Join(dir, "db_password"))
	if out, err := exec.Command("compose/secrets.sh", dir).CombinedOutput(); err != nil || read(t, filepath.Join(dir, "db_password")) != before {
		t.Errorf("a second run: %v\n%s", err, out)
	}
	// Nothing that looks like a secret is in what is committed.
	err = filepath.WalkDir(".", func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && regexp.MustCompile(`[0-9a-f]{32}|://[^$@/ "]+:[^$@/ "]+@`).MatchString(read(t, path)) && filepath.Base(path) != "secrets.sh" && !strings.HasSuffix(path, "_test.go") {
			return errors.New(path + " seems to hold a secret")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
