#!/bin/sh
# All tests, or those of the files named. Installs what they need first.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
cd "$here"
sh scripts/setup.sh cloud test
if [ $# -gt 0 ]; then exec sh scripts/node.sh --test "$@"; fi
exec sh scripts/node.sh --test --test-concurrency=2 --test-timeout=600000 'src/**/*.test.ts' 'guest/**/*.test.ts' 'conformance/**/*.test.ts' 'bench/**/*.test.ts' 'test/**/*.test.ts'
