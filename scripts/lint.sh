#!/usr/bin/env bash
# go vet, gofmt, and golangci-lint at one exact version, built once into the cache.
set -euo pipefail
cd "$(dirname "$0")/.."
version=v2.15.0
bin=${STREAMGATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/streamgate}/tools/golangci-lint-$version
unformatted=$(gofmt -l $(git ls-files '*.go'))
[ -z "$unformatted" ] || { echo "gofmt: $unformatted" >&2; exit 1; }
go vet ./...
if [ ! -x "$bin/golangci-lint" ]; then GOBIN=$bin go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$version"; fi
"$bin/golangci-lint" run ./...
