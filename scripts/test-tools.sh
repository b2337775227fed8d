#!/usr/bin/env bash
# test-tools.sh [NAME...]: builds the servers that the tests start and no Debian package brings, once, into a folder named
# by version in the user's cache. Without names, all of them (about 15 minutes on two cores the first time).
# They are peers of tests and never shipped. Prints nothing when all are there.
set -euo pipefail
cd "$(dirname "$0")/.."
cache=${STREAMGATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/streamgate}/tools
export GOTOOLCHAIN=${GOTOOLCHAIN:-local} CGO_ENABLED=0

# built DIR BINARY: says what is about to be built unless it is there
built() { [ -x "$cache/$1/$2" ] && return 0; echo "building $1 (once)"; return 1; }

# install NAME VERSION PACKAGE: for modules that go install takes
install() {
  local dir=$1-$2
  built "$dir" "$1" && return
  GOBIN=$cache/$dir.part go install "$3@$2"
  rm -rf "${cache:?}/$dir" && mv "$cache/$dir.part" "$cache/$dir"
}

# module NAME VERSION PACKAGE: for modules that need replacements, from tools/NAME/go.mod
module() {
  local dir=$1-$2
  built "$dir" "$1" && return
  mkdir -p "$cache/$dir.part"
  (cd "tools/$1" && go build -o "$cache/$dir.part/$1" "$3")
  rm -rf "${cache:?}/$dir" && mv "$cache/$dir.part" "$cache/$dir"
}

# copied NAME VERSION MODULE FOLDER: for modules that build alone, by a copy of their own go.mod
copied() {
  local dir=$1-$2 src
  built "$dir" "$1" && return
  mkdir -p "$cache/$dir.part"
  src=$(cd "$cache" && go mod download -json "$3@$2" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  cat "$src/go.mod" >"$cache/$dir.part/go.mod"
  cat "$src/go.sum" >"$cache/$dir.part/go.sum"
  (cd "$src" && go build -modfile="$cache/$dir.part/go.mod" -o "$cache/$dir.part/$1" "./$4")
  rm -rf "${cache:?}/$dir" && mv "$cache/$dir.part" "$cache/$dir"
}

for tool in "${@:-all}"; do
  case $tool in
  nats-server) install nats-server v2.15.2 github.com/nats-io/nats-server/v2 ;;
  versitygw) install versitygw v1.8.0 github.com/versity/versitygw/cmd/versitygw ;;
  minio) install minio v0.0.0-20260212201848-7aac2a2c5b7c github.com/minio/minio ;;
  buf) install buf v1.75.0 github.com/bufbuild/buf/cmd/buf ;;
  protoc-gen-go) install protoc-gen-go v1.36.12 google.golang.org/protobuf/cmd/protoc-gen-go ;;
  protoc-gen-go-grpc) install protoc-gen-go-grpc v1.6.2 google.golang.org/grpc/cmd/protoc-gen-go-grpc ;;
  consul) module consul v1.22.7 github.com/hashicorp/consul ;;
  local-kms) module local-kms v0.0.0-20231025161602 github.com/nsmithuk/local-kms ;;
  kubo) copied kubo v0.43.0 github.com/ipfs/kubo cmd/ipfs ;; # about 6 minutes more, for a slow test: not in all
  geth) install geth v1.16.7 github.com/ethereum/go-ethereum/cmd/geth ;; # about 4 minutes more, for a slow test: not in all
  all) "$0" nats-server versitygw local-kms buf protoc-gen-go protoc-gen-go-grpc consul minio ;;
  *) echo "unknown tool $tool" >&2; exit 2 ;;
  esac
done
