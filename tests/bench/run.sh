#!/bin/sh
# `make bench`: builds the release and prints the budget table.  Options go to the bench: --quick, --json FILE, --row NAME.
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
build=$source/build

(cd "$source" && cmake --preset release >/dev/null && ninja -C build bench-all | tail -1)
# The peers' MCP server needs the SDK.
sh "$source/tests/clients/install.sh"
"$build/bench" --build "$build" --source "$source" "$@"
echo
"$build/bench-http" --build "$build" --source "$source" "$@"
