#!/usr/bin/env bash
# Everything: vet, Go tests with the race detector, coverage floor, every fuzz target, the browser.
set -euo pipefail
cd "$(dirname "$0")/.."
step() { echo "== $1 ($(date +%T))"; }
step "go vet"
go vet ./...
step "go test -race"
go test -race -timeout 30m ./...
step "coverage of the domain packages"
scripts/cover.sh
step "fuzz targets, ${FUZZTIME:-30s} each"
scripts/fuzz.sh "${FUZZTIME:-30s}"
step "browser"
go build -o bin/refserver ./cmd/refserver
scripts/e2e.sh
step "done"
