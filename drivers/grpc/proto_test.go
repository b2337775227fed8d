package grpc_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/streamgate/streamgate/internal/servers"
)

// buf runs buf in dir with the plugins on its path.
func buf(t *testing.T, dir string, args ...string) (out []byte, err error) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: needs buf")
	}
	var paths []string
	for _, name := range []string{"buf", "protoc-gen-go", "protoc-gen-go-grpc"} {
		tool, err := servers.Tool(name)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, filepath.Dir(tool))
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(paths[0], "buf"), args...)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + strings.Join(append(paths, os.Getenv("PATH")), ":")}
	return cmd.CombinedOutput()
}

func TestProtoIsClean(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"lint"}, {"format", "--diff", "--exit-code"}, {"breaking", "--against", "proto/released.binpb"}} {
		if out, err := buf(t, ".", args...); err != nil {
			t.Errorf("buf %s: %v\n%s", args[0], err, out)
		}
	}
}

// The committed code is what the committed files make.
func TestGeneratedCodeIsCurrent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if out, err := buf(t, ".", "generate", "--output", dir); err != nil {
		t.Fatalf("buf generate: %v\n%s", err, out)
	}
	files := func(root string) map[string][]byte {
		out := map[string][]byte{}
		err := fs.WalkDir(os.DirFS(root), ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			out[path], err = os.ReadFile(filepath.Join(root, path))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	want, have := files(filepath.Join(dir, "pb")), files("pb")
	for path := range have {
		if !bytes.Equal(have[path], want[path]) {
			t.Errorf("pb/%s is not what scripts/proto.sh makes", path)
		}
		delete(want, path)
	}
	for path := range want {
		t.Errorf("pb/%s is missing: run scripts/proto.sh", path)
	}
}

// A change that a released client or server would not understand is caught.
func TestBreakingChangesAreCaught(t *testing.T) {
	t.Parallel()
	for name, edit := range map[string][2]string{
		"a field goes":              {"  string reason = 2;\n", ""},
		"a field changes its type":  {"string rule_id = 4;", "bytes rule_id = 4;"},
		"a field changes its place": {"bool cached = 9;", "bool cached = 10;"},
		"a call goes":               {"  rpc Decide(DecideRequest) returns (DecideResponse);\n", ""},
		"an outcome changes places": {"OUTCOME_YES = 2;", "OUTCOME_YES = 3;"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.CopyFS(filepath.Join(dir, "proto"), os.DirFS("proto")); err != nil {
				t.Fatal(err)
			}
			config, err := os.ReadFile("buf.yaml")
			if err != nil {
				t.Fatal(err)
			}
			gate := filepath.Join(dir, "proto/streamgate/v1/gate.proto")
			text, err := os.ReadFile(gate)
			if err != nil {
				t.Fatal(err)
			}
			changed := strings.Replace(string(text), edit[0], edit[1], 1)
			if changed == string(text) {
				t.Fatal("the change is none")
			}
			if err := os.WriteFile(gate, []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "buf.yaml"), config, 0o600); err != nil {
				t.Fatal(err)
			}
			out, err := buf(t, dir, "breaking", "--against", "proto/released.binpb")
			if err == nil || !bytes.Contains(out, []byte("gate.proto")) {
				t.Errorf("buf breaking: %v\n%s", err, out)
			}
		})
	}
}
