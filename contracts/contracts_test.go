package contracts_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/streamgate/streamgate/contracts"
	"github.com/streamgate/streamgate/internal/npmtest"
)

func all() []contracts.Artefact {
	return []contracts.Artefact{
		contracts.AccessPass(), contracts.TestToken(), contracts.TestItems(), contracts.TestCoin(),
		contracts.TestOddities(), contracts.TestWallet(), contracts.TestWalletFactory(), contracts.SignatureProbe(), contracts.TierRegistry(), contracts.Multicall3(),
		contracts.TestRental(), contracts.TestSubscription(), contracts.TestLock(), contracts.TestOldLock(), contracts.TestSoulbound(),
		contracts.TestDelegateRegistry(), contracts.TestArt(), contracts.TestArtItems(), contracts.TestHostile(), contracts.TestAccountRegistry(),
	}
}

func TestEveryArtefactLoads(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("artefacts/*.json")
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(all()) {
		t.Errorf("%d artefacts, %d functions", len(files), len(all()))
	}
	for _, a := range all() {
		if a.Name == "" || len(a.Bytecode) <= len(a.Runtime) || len(a.Runtime) == 0 || !json.Valid(a.ABI) {
			t.Errorf("%s is not whole: %d bytes of creation code, %d of runtime", a.Name, len(a.Bytecode), len(a.Runtime))
		}
		// The constructor returns the runtime, so it is within the creation code. That of the probe returns
		// an answer instead.
		if a.Name != "SignatureProbe" && !bytes.Contains(a.Bytecode, a.Runtime) {
			t.Errorf("%s: the runtime is not what the creation code deploys", a.Name)
		}
	}
}

// What is committed is what the sources compile to.
func TestArtefactsAreReproducible(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("compiles with npm")
	}
	read := func(name string) []byte {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	tools := npmtest.Packages(t, read("build/package.json"), read("build/package-lock.json"))
	// The script finds its packages beside itself, so a copy goes there.
	script, err := os.CreateTemp(tools, "compile-*.mjs")
	if err != nil {
		t.Fatal(err)
	}
	defer os.Remove(script.Name())
	if _, err := script.Write(read("build/compile.mjs")); err != nil {
		t.Fatal(err)
	}
	if err := script.Close(); err != nil {
		t.Fatal(err)
	}
	src, err := filepath.Abs("src")
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	if b, err := exec.CommandContext(t.Context(), "node", script.Name(), "--src", src, "--out", out).CombinedOutput(); err != nil {
		t.Fatalf("compile: %v\n%s", err, b)
	}
	fresh, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	if len(fresh) != len(all()) {
		t.Errorf("the sources give %d artefacts, %d are committed", len(fresh), len(all()))
	}
	for _, f := range fresh {
		if !bytes.Equal(read(filepath.Join(out, f.Name())), read(filepath.Join("artefacts", f.Name()))) {
			t.Errorf("%s differs from what its source compiles to: run go generate ./contracts", f.Name())
		}
	}
}
