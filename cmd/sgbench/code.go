package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
)

// steps are the benchmarks of single steps, each in its package.
func steps() []struct{ pkg, pattern, time string } {
	return []struct{ pkg, pattern, time string }{
		{"./nft", "^BenchmarkDecideWarm$", "1s"},
		{"./drivers/grpc", "^BenchmarkCachedDecision$", "1s"},
		{"./drivers/evm", "^BenchmarkCheck$", "1s"},
		{"./internal/chaintest", "^BenchmarkQuorum$", "200x"},
		{"./media/cmaf", "^BenchmarkEncrypt$", "1s"},
		{"./storage/envelope", "^Benchmark(Read|Write|Range500K)$", "1s"},
		{"./media/playback", "^Benchmark(Manifest|Key|MediaCached)$", "1s"},
	}
}

// measureCode runs the benchmarks with one thread each, so that a rate is one core's.
func measureCode(ctx context.Context, out io.Writer) error {
	fmt.Fprintln(out, "Single steps, one core (`go test -cpu 1 -bench`):")
	fmt.Fprintln(out)
	fmt.Fprintln(out, "| package | benchmark | result |\n|---|---|---|")
	for _, s := range steps() {
		cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-cpu", "1", "-benchtime", s.time, "-bench", s.pattern, s.pkg)
		cmd.Stderr = os.Stderr
		b, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("%s: %w: %s", s.pkg, err, b)
		}
		for _, row := range rows(string(b)) {
			fmt.Fprintf(out, "| %s | %s | %s |\n", s.pkg, row[0], row[1])
		}
	}
	fmt.Fprintln(out)
	return nil
}

var benchLine = regexp.MustCompile(`(?m)^Benchmark(\S+)\s+\d+\s+(.+)$`)

// rows reads the output of go test -bench: names and their measures.
func rows(text string) [][2]string {
	var all [][2]string
	for _, m := range benchLine.FindAllStringSubmatch(text, -1) {
		var measures []string
		for f := range strings.SplitSeq(m[2], "\t") {
			measures = append(measures, strings.Join(strings.Fields(f), " "))
		}
		all = append(all, [2]string{m[1], strings.Join(measures, ", ")})
	}
	return all
}
