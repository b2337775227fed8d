#!/usr/bin/env bash
# Refuses a domain package whose statements are covered below the floor by its own tests and its neighbours'.
set -euo pipefail
cd "$(dirname "$0")/.."
floor=${FLOOR:-85}
domains=$(go list ./auth/... ./nft/... ./media/... ./hls/... ./dash/... ./storage/... ./kernel/... ./fault/... ./caip/... | grep -vE 'test$')
profile=$(mktemp)
trap 'rm -f "$profile"' EXIT
go test -short -coverprofile "$profile" -coverpkg "$(echo "$domains" | paste -sd,)" $(go list ./auth/... ./nft/... ./media/... ./hls/... ./dash/... ./storage/... ./kernel/... ./fault/... ./caip/... ./drivers/sqldb/... ./httpapi/...) >/dev/null
awk -v floor="$floor" 'NR>1 { split($1, p, ":"); f=p[1]; sub("/[^/]*$", "", f); key=$1; n[key]=$2; pk[key]=f; if ($3>0) hit[key]=1 }
  END { for (k in n) { t[pk[k]]+=n[k]; if (k in hit) c[pk[k]]+=n[k] }
        for (p in t) { v=100*c[p]/t[p]; printf "%6.1f %%  %s\n", v, p; if (v<floor) bad=1 }
        exit bad }' "$profile" | sort -k3 || { echo "below $floor %" >&2; exit 1; }
