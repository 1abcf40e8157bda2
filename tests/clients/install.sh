#!/bin/sh
# Installs the MCP clients of package-lock.json, once.
set -eu
cd "$(dirname "$0")"
if ! cmp -s package-lock.json node_modules/.vitrine-lock; then
	echo "clients: installing the MCP clients from npm (about 20 s)" >&2
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	cp package-lock.json node_modules/.vitrine-lock
fi
