#!/usr/bin/env bash
# cover.sh [PROFILE]: prints the statement coverage of each domain package and fails below the floor (85 %). Without a
# profile it runs the short tests to make one.
set -euo pipefail
cd "$(dirname "$0")/.."
floor=${FLOOR:-85}
profile=${1:-}
if [ -z "$profile" ]; then
  profile=$(mktemp)
  trap 'rm -f "$profile"' EXIT
  go test -short -coverprofile "$profile" -coverpkg "$(scripts/domains.sh | paste -sd,)" $(scripts/domains.sh) ./drivers/sqldb ./httpapi >/dev/null
fi
# a statement counts as covered when any test binary reached it
awk -v floor="$floor" 'NR>1 { split($1, p, ":"); f=p[1]; sub("/[^/]*$", "", f); n[$1]=$2; pk[$1]=f; if ($3>0) hit[$1]=1 }
  END { for (k in n) { t[pk[k]]+=n[k]; if (k in hit) c[pk[k]]+=n[k] }
        for (d in t) { v=100*c[d]/t[d]; printf "%6.1f %%  %s%s\n", v, d, (v<floor ? "  BELOW " floor " %" : ""); if (v<floor) bad=1 }
        exit bad }' "$profile" | sort -k3
