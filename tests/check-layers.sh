#!/bin/sh
# Fails when a file includes a folder that does not stand below its own (tests/floors.txt).
set -eu
grep -rE --include='*.[ch]' '^#include "' base vm tools transport server | grep -v '^vm/image/init/' |
	sed -E 's|^(.*)/([^/]*):#include "(.*)/[^/]*"$|\1 \2 \3|' |
	awk '
	FILENAME == ARGV[1] && /^#/ { next }
	FILENAME == ARGV[1] && !NF { program = ""; next }
	FILENAME == ARGV[1] && $2 == ">" { known[$1, $3]; next }
	FILENAME == ARGV[1] && program == "" { program = $1; programs[program]; next }
	FILENAME == ARGV[1] { n++; for (i = 1; i <= NF; i++) { floor[program, $i] = n; stands[$i] } next }
	function below(to, from,   p) {
		for (p in programs) {
			if ((p, to) in floor && (p, from) in floor && floor[p, to] < floor[p, from]) { return 1 }
		}
		return 0
	}
	!($1 in stands) { print $1 " stands on no floor of tests/floors.txt"; bad = 1 }
	$1 != $3 && !below($3, $1) && !(($1, $3) in known) { print $1 "/" $2 " must not include " $3 "/"; bad = 1 }
	END { exit bad }' tests/floors.txt -
