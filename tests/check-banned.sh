#!/bin/sh
# Fails on calls that have no place here: unbounded string functions, and stdout, which belongs to the protocol.
set -u
bad=0
code=$(find base vm tools transport server tests -name node_modules -prune -o -name '*.[ch]' -print)
if grep -nE '(^|[^A-Za-z0-9_])(strcpy|strcat|sprintf|vsprintf|strncpy|atoi|gets|alloca|system|popen)[[:space:]]*\(' $code; then
	echo "banned functions (see docs/design.md)"; bad=1
fi
# Only commands print for people.
if grep -nE '(^|[^A-Za-z0-9_])(printf|puts|putchar)[[:space:]]*\(' $(echo "$code" | tr ' ' '\n' | grep -vE '^server/(cmd|client)/|^tests/'); then
	echo "stdout belongs to the protocol: use base/log.h, or a file of server/cmd/ or server/client/"; bad=1
fi
exit $bad
