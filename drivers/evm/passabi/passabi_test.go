package passabi_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/streamgate/streamgate/drivers/evm/passabi/internal/write"
)

// What is committed is what abigen makes of the committed artefacts.
func TestBindingsAreGenerated(t *testing.T) {
	t.Parallel()
	want, err := write.Bindings()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("passabi.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("passabi.go differs from what abigen makes: run go generate ./drivers/evm/passabi")
	}
}
