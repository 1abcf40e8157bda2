#!/bin/sh
# Which folder calls which, as the linker sees it: reads the symbols of every object of the programs in the build folder $1.
# tests/floors.txt is the rule: a folder may call those on lower floors only, so nothing calls up and no two folders call each
# other.  Prints rooms, floors, upward calls and circles, and fails on a call that breaks the rule.
set -eu
build=$1
here=$(dirname "$0")
status=0

# check PROGRAM LIBRARY...: the libraries that make up one program.
check() {
	program=$1; shift
	for lib in "$@"; do
		find "$build/CMakeFiles/$lib.dir" -name '*.c.o'
	done | while read -r object; do # those of files that have moved lie about
		source=${object#"$build"/CMakeFiles/*.dir/}
		[ ! -e "${source%.o}" ] || echo "$object"
	done | xargs nm -A -g --format=posix |
		sed -nE 's|^[^ ]*/CMakeFiles/[a-z]+\.dir/([^ ]*)\.o: ([^ ]+) ([A-Za-z]).*|\1 \2 \3|p' |
		awk -v program="$program" -f "$here/symbols.awk" "$here/floors.txt" - || status=1
}
check vitrine client server tools vm image transport picture wire base
check vitrine-agent agent picture wire base
check vitrine-net net
exit $status
