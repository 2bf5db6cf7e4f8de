#!/bin/sh
# Runs a TypeScript file on the project's own Node (from the npm package), or on the system's when that is new enough.
here=$(cd "$(dirname "$(readlink -f "$0")")/.." && pwd)
node="$here/node_modules/.bin/node"
[ -x "$node" ] || node=$(command -v node) || { echo "cumulet: no Node.js found: run 'npm run setup' in $here" >&2; exit 1; }
major=$("$node" -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0)
[ "$major" -ge 24 ] || { echo "cumulet: Node.js 24 or newer is needed: run 'npm run setup' in $here" >&2; exit 1; }
exec "$node" --disable-warning=ExperimentalWarning "$@"
