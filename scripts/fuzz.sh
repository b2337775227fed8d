#!/usr/bin/env bash
# fuzz.sh [TIME]: runs every fuzz target of the module for TIME, two at a time. Without TIME all of them share FUZZ_TOTAL
# seconds (default 480), at least 5 s each, so that one more target does not make the whole take longer. Building the
# targets' binaries comes on top.
set -euo pipefail
cd "$(dirname "$0")/.."
targets=$(grep -rnoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | sed -E 's#^\./(.*)/[^/]+:[0-9]+:func (Fuzz.*)#\1 \2#' | sort -u)
[ -n "$targets" ] || { echo "no fuzz targets" >&2; exit 1; }
count=$(wc -l <<<"$targets")
each=$((2 * ${FUZZ_TOTAL:-480} / count))
time=${1:-$((each < 5 ? 5 : each))s}
echo "$count targets, $time each"
echo "$targets" | xargs -P 2 -L 1 bash -c '
  log=$(mktemp)
  if ! go test -run "^\$" -fuzz "^$2\$" -fuzztime "$0" -fuzzminimizetime 20x -parallel 1 "./$1" >"$log" 2>&1; then cat "$log"; echo "FAIL $1 $2"; exit 255; fi
  echo "ok   $1 $2 $(grep -oE "execs: [0-9]+" "$log" | tail -1)"; rm -f "$log"' "$time"
