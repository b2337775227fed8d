#!/usr/bin/env bash
# Installs by apt what the demo and the tests need and this machine lacks, or names the command where it may not.
set -euo pipefail
need=()
has() { command -v "$1" >/dev/null 2>&1; }
has ffmpeg && has ffprobe || need+=(ffmpeg)
has bwrap || need+=(bubblewrap)
has xmllint || need+=(libxml2-utils)
[ -x /usr/bin/chromium ] || need+=(chromium)
has redis-server || need+=(redis-server)
[ -x /usr/lib/postgresql/15/bin/postgres ] || need+=(postgresql-15)
[ -x /usr/sbin/pgbouncer ] || need+=(pgbouncer)
has nginx || [ -x /usr/sbin/nginx ] || need+=(nginx-light)
[ -x /usr/sbin/ip ] || need+=(iproute2) # network namespaces, for servers that listen everywhere
has gcc || need+=(gcc libc6-dev) # the race detector needs cgo
has xz || need+=(xz-utils)
dpkg -s dpkg-dev >/dev/null 2>&1 || need+=(dpkg-dev) # apt-get source, for the demo clip
if [ ${#need[@]} -gt 0 ]; then
  cmd="apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ${need[*]}"
  if ! has apt-get; then echo "missing: ${need[*]}. Install them with your package manager." >&2; exit 1; fi
  if [ "$(id -u)" != 0 ]; then echo "missing: ${need[*]}. Run as root: $cmd" >&2; exit 1; fi
  echo "installing: ${need[*]}"
  bash -c "$cmd" >/dev/null
fi
for t in go node npm; do has "$t" || { echo "missing: $t (Go 1.26 and Node 20 or newer are expected)" >&2; exit 1; }; done
