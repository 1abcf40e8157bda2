#!/bin/sh
# Fails when the README's table misses a tool that the program has, or names one that it has not.
# Asks the program itself: $1 is the build folder.
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
unset XDG_CONFIG_HOME
HOME=$here; export HOME

"$1/vitrine" serve --backend fake --tools all >"$here/answers" <<'END'
{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"check-readme","version":"1"}}}
{"jsonrpc":"2.0","method":"notifications/initialized"}
{"jsonrpc":"2.0","id":2,"method":"tools/list"}
END
grep '"id": *2' "$here/answers" | grep -oE '"name": *"[a-z_]+"' | sed -E 's/.*"([a-z_]+)"/\1/' | sort >"$here/tools"

# The names in the first column of the table below "## $1".
column() {
	awk -F'|' -v heading="## $1" '/^## / { on = $0 == heading } on { print $2 }' README.md |
		grep -oE '`[a-z_-]+`' | tr -d '`' | sort
}
same() {
	[ -s "$here/$2" ] || { echo "vitrine listed no $2"; return 1; }
	column "$1" >"$here/readme"
	diff -u --label "README.md, $1" "$here/readme" --label "vitrine" "$here/$2"
}
same Tools tools
