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
func steps() []struct{ pkg, pattern string } {
	return []struct{ pkg, pattern string }{
		{"./nft", "^BenchmarkDecideWarm$"},
		{"./drivers/grpc", "^BenchmarkCachedDecision$"},
		{"./drivers/evm", "^BenchmarkCheck$"},
		{"./media/cmaf", "^BenchmarkEncrypt$"},
		{"./storage/envelope", "^Benchmark(Read|Write|Range500K)$"},
		{"./media/playback", "^Benchmark(Manifest|Key|MediaCached)$"},
	}
}

// measureCode runs the benchmarks with one thread each, so that a rate is one core's.
func measureCode(ctx context.Context, out io.Writer) error {
	fmt.Fprintln(out, "Single steps, one core (`go test -cpu 1 -bench`):")
	fmt.Fprintln(out)
	fmt.Fprintln(out, "| package | benchmark | result |\n|---|---|---|")
	for _, s := range steps() {
		cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-cpu", "1", "-bench", s.pattern, s.pkg)
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
