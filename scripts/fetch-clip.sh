#!/usr/bin/env bash
# Prints the path of the demo clip, fetching it into the cache first when it is not there:
# the Sintel trailer, 720p, 52 s, with sound (CC BY 3.0, Blender Foundation | durian.blender.org), which Debian ships in the
# source package libopenshot. Nothing is installed; apt only downloads. Without apt, give --clip yourself.
set -euo pipefail
cache=${STREAMGATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/streamgate}
out=$cache/clips/sintel-trailer-720p.mp4
if [ ! -s "$out" ]; then
  command -v apt-get >/dev/null || { echo "no apt-get here: pass a video with --clip FILE" >&2; exit 1; }
  tmp=$(mktemp -d)
  trap 'rm -rf "$tmp"' EXIT
  mkdir -p "$tmp/lists/partial" "$tmp/parts" "$tmp/src" "$(dirname "$out")"
  chmod 755 "$tmp" "$tmp/src"
  # the sources this system already trusts, as source lists
  for f in /etc/apt/sources.list.d/*.sources; do [ -f "$f" ] && sed 's/^Types:.*/Types: deb-src/' "$f" >"$tmp/parts/$(basename "$f")"; done
  grep -hE '^deb ' /etc/apt/sources.list 2>/dev/null | sed 's/^deb /deb-src /' >"$tmp/parts/main.list" || true
  opt=(-o "Dir::Etc::sourcelist=/dev/null" -o "Dir::Etc::sourceparts=$tmp/parts" -o "Dir::State::lists=$tmp/lists" -o "APT::Sandbox::User=root")
  apt-get "${opt[@]}" update >"$tmp/log" 2>&1 || true # one dead third-party list must not stop the others
  (cd "$tmp/src" && apt-get "${opt[@]}" source --download-only libopenshot >>"$tmp/log" 2>&1) || { cat "$tmp/log" >&2; exit 1; }
  tarball=$(ls "$tmp"/src/libopenshot_*.orig.tar.* | head -1)
  name=$(tar -tf "$tarball" | grep -iE 'sintel.*720p.*\.mp4$' | head -1)
  tar -xOf "$tarball" "$name" >"$out.part"
  mv "$out.part" "$out"
fi
echo "$out"
