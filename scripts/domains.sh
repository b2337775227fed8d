#!/usr/bin/env bash
# Lists the domain packages, without their conformance suites.
set -euo pipefail
cd "$(dirname "$0")/.."
go list ./auth/... ./nft/... ./media/... ./hls/... ./dash/... ./storage/... ./kernel/... ./fault/... ./caip/... | grep -vE '(test|/suite)$'
