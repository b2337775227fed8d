#!/usr/bin/env bash
# proto.sh [release]: makes drivers/grpc/pb from drivers/grpc/proto; with "release" also makes the present API the one that
# later changes must not break (proto/released.binpb). The tools are built once by test-tools.sh. Reaches no network of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/test-tools.sh buf protoc-gen-go protoc-gen-go-grpc
cache=${STREAMGATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/streamgate}/tools
path=$PATH
for tool in buf protoc-gen-go protoc-gen-go-grpc; do
  for dir in "$cache/$tool"-v*; do path=$dir:$path; done
done
export PATH=$path
cd drivers/grpc
out=${PROTO_OUT:-.}
buf lint
buf generate --output "$out"
if [ "${1:-}" = release ]; then
  buf build --as-file-descriptor-set --exclude-source-info --output proto/released.binpb
fi
