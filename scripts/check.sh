#!/bin/sh
# Everything that can be said about the code without running it: types, lint, format, arrows, dead code.
set -e
cd "$(dirname "$0")/.."
# TypeScript 7 checks the types; 6 stands beside it for the tools that need its JavaScript API.
PATH="$PWD/node_modules/.bin:$PATH"
echo "types";  node_modules/typescript-7/bin/tsc --noEmit
echo "lint";   oxlint --deny-warnings
echo "format"; biome ci --linter-enabled=false --colors=off .
echo "arrows"; depcruise --config .dependency-cruiser.json src --output-type err
echo "dead code"; knip
