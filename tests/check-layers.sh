#!/bin/sh
# Fails when a folder includes one that stands above it (docs/design.md, "Folders").
set -u
bad=0
# allowed FOLDER MAY-INCLUDE...
allowed() {
	folder=$1; shift
	[ -d "$folder" ] || { echo "no folder $folder"; bad=1; return; }
	for file in "$folder"/*.[ch]; do
		for to in $(sed -nE 's|^#include "(.*)/[^/]*"$|\1|p' "$file" | sort -u); do
			case " $folder $* " in
			*" $to "*) ;;
			*) echo "$file must not include $to/"; bad=1 ;;
			esac
		done
	done
}
allowed base
allowed vm/wire base
allowed vm/picture base vm/wire
allowed vm/agent base vm/wire vm/picture
allowed vm/image base
allowed vm/net
allowed vm base vm/image vm/picture vm/wire
allowed tools base vm vm/image vm/wire
allowed transport base
allowed server base vm vm/image vm/wire tools transport
exit $bad
