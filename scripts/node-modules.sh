#!/usr/bin/env bash
# node-modules.sh DIR: installs DIR's locked packages once into the cache, outside the clone, and prints the node_modules folder.
set -euo pipefail
dir=$(cd "$1" && pwd)
cache=${STREAMGATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/streamgate}
key=$(cat "$dir/package.json" "$dir/package-lock.json" | sha256sum | cut -c1-16)
out=$cache/node/$key
if [ ! -e "$out/.complete" ]; then
  mkdir -p "$out"
  (
    flock 9
    if [ ! -e "$out/.complete" ]; then
      cp "$dir/package.json" "$dir/package-lock.json" "$out/"
      (cd "$out" && npm ci --no-audit --no-fund --ignore-scripts >npm.log 2>&1) || { cat "$out/npm.log" >&2; exit 1; }
      touch "$out/.complete"
    fi
  ) 9>"$out.lock"
fi
echo "$out/node_modules"
