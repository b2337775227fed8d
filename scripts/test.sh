#!/usr/bin/env bash
# Everything: vet, Go tests with the race detector against the real servers, the coverage floor, every fuzz target, the
# browser on one process and on nine services.
set -euo pipefail
cd "$(dirname "$0")/.."
step() { echo "== $1 ($(date +%T))"; }
mkdir -p .cache
step "servers of the tests (built once)"
scripts/test-tools.sh
step "go vet"
go vet ./...
step "go test -race"
go test -race -timeout 30m -coverprofile .cache/cover.out -coverpkg "$(scripts/domains.sh | paste -sd,)" ./... | sed -E 's/\tcoverage: .*//'
step "ten thousand histories of the ownership index, without the race detector"
INDEX_HISTORIES=10000 go test -count=1 -run 'TestDifferential$' ./nft/index
step "coverage of the domain packages"
scripts/cover.sh .cache/cover.out
step "fuzz targets"
FUZZ_TOTAL=${FUZZ_TOTAL:-180} scripts/fuzz.sh ${FUZZTIME:-}
step "browser"
go build -o bin/refserver ./cmd/refserver
scripts/e2e.sh
step "browser, nine services"
go build -o bin/sgcluster ./cmd/sgcluster
DEMO=bin/sgcluster SHOTS=$PWD/.cache/e2e-distributed scripts/e2e.sh
step "done"
