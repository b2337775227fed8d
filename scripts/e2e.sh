#!/usr/bin/env bash
# The main job in real browsers. Screenshots go to .cache/e2e, or $SHOTS.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -x bin/refserver ] || go build -o bin/refserver ./cmd/refserver
CLIP=${CLIP:-$(scripts/fetch-clip.sh)}
modules=$(scripts/node-modules.sh e2e)
export CLIP E2E_MODULES=$modules SHOTS=${SHOTS:-$PWD/.cache/e2e}
# Node resolves packages beside the file that imports them, so the tests run where their packages are.
run=$(dirname "$modules")/run
mkdir -p "$run"
cp e2e/*.mjs e2e/*.html "$run/"
ln -sfn "$modules" "$run/node_modules"
export E2E_ROOT=$PWD
node --test --test-concurrency=1 --test-reporter=spec ${E2E_ARGS:-} "$run"/*.test.mjs
