#!/bin/sh
# From a clone to a server that one can log in to. Can be run again at any time: what is there is kept.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
sh "$here/scripts/setup.sh" cloud
"$here/bin/cumulet" up --detach "$@"
"$here/bin/cumulet" demo "$@"
