#!/bin/sh
# Installs what is missing and touches nothing else: the npm packages (the right Node.js among them), then Debian's.
# usage: setup.sh [cloud] [test] [conformance]     which of scripts/packages.txt is wanted; default: cloud
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
cd "$here"
[ $# -gt 0 ] || set -- cloud

say() { printf '%s\n' "$*"; }
fail() { printf 'cumulet: %s\n' "$*" >&2; exit 1; }

# --- npm packages: only when package-lock.json is not the one they were installed from
stamp=node_modules/.cumulet-lock
if [ ! -f "$stamp" ] || ! cmp -s package-lock.json "$stamp"; then
  command -v npm >/dev/null || fail "npm is missing: install Node.js 20 or newer, with npm"
  say "installing the npm packages of package-lock.json (about a minute)"
  npm ci --no-audit --no-fund --loglevel=error
  cp package-lock.json "$stamp"
fi

# --- Debian packages
missing=''
for group in "$@"; do
  for name in $(awk -v group="$group" '$1 == group { print $2 }' scripts/packages.txt); do
    found=''
    for alternative in $(echo "$name" | tr '|' ' '); do
      status=$(dpkg-query -W -f='${db:Status-Status}' "$alternative" 2>/dev/null || true)
      [ "$status" = installed ] && found=yes
    done
    [ -n "$found" ] || missing="$missing ${name%%|*}"
  done
done
guest_image() {
  # The image that the first server boots from: made of Debian packages, so that nothing needs the network later.
  case " $* " in *" cloud "*) ;; *) return ;; esac
  [ "$(id -u)" = 0 ] && [ "$(uname -s)" = Linux ] || return 0
  [ -f .cache/guest/cumulet-guest.qcow2 ] || say "building the guest image (half a minute, once)"
  sh scripts/node.sh guest/cached.ts >/dev/null
}

if [ -z "$missing" ]; then guest_image "$@"; exit 0; fi
command -v apt-get >/dev/null || fail "these packages are missing and there is no apt-get to install them:$missing"
say "installing Debian packages:"
for name in $missing; do
  say "  $name $(awk -v name="$name" 'index($2 "|", name "|") == 1 { $1 = $2 = ""; print "(" substr($0, 3) ")"; exit }' scripts/packages.txt)"
done
[ "$(id -u)" = 0 ] || fail "that needs root: run  sudo apt-get install$missing  or use  bin/cumulet up --simulated"
# Databases and brokers are started by the tests that want them, not by the installation.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"; chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
log=$(mktemp)
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
if ! { apt-get update -q && apt-get install -y --no-install-recommends -o Dpkg::Use-Pty=0 $missing; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  fail "apt-get could not install them; the whole output is in $log"
fi
rm -f "$log"
guest_image "$@"
