//go:build ignore

// Writes passabi.go from the committed artefacts. Run by `go generate ./drivers/evm/passabi`.
package main

import (
	"fmt"
	"os"

	"github.com/streamgate/streamgate/drivers/evm/passabi/internal/write"
)

func main() {
	code, err := write.Bindings()
	if err == nil {
		err = os.WriteFile("passabi.go", code, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
