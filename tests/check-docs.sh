#!/bin/sh
# Fails when README.md, CONTRIBUTING.md, a page of docs/ or the README.md of a folder names a file or folder of this tree that does not exist: in `code`, as the
# target of a link, or as the first word of a line in a list of folders.
set -u
cd "$(dirname "$0")/.."
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
find . -type d \( -name .git -o -name 'build*' -o -name node_modules \) -prune -o -print | sed 's|.*/||' | sort -u >"$here/names"

# The words of page $1 that look like a path here: below a folder of the tree, or a file's name.  Methods of MCP look like one, too.
words() {
	{
		grep -oE '`[^` ]+`' "$1" | tr -d '`'
		sed -nE 's|^    ([a-z][a-z0-9_./-]*/) +.*|\1|p' "$1"
	} | grep -E '^(base|docs|server|tests|tools|transport|vm|\.ci)/|^[A-Za-z][A-Za-z0-9_-]*\.(c|h|sh|js|mjs|cmake|md)$' |
		grep -vE '^(server/discover|tools/list|tools/call)$' | sort -u
}
# The relative targets of its links, as seen from the root of the tree.
links() {
	grep -oE '\]\([^):#]+[)#]' "$1" | sed -E "s|^..(.*).\$|$(dirname "$1")/\1|" | sort -u
}
# NAME and FOLDER stand for anything, and a bare file name may be in any folder.
exists() {
	pattern=$(printf '%s' "$1" | sed -E 's/NAME|FOLDER/*/g')
	case $pattern in
	*/*) for path in $pattern; do [ -e "$path" ] && return; done; return 1 ;;
	esac
	grep -qx "$(printf '%s' "$pattern" | sed 's/\./\\./g; s/\*/.*/g')" "$here/names"
}
for page in README.md CONTRIBUTING.md docs/*.md $(find base server tools transport vm -name README.md); do
	{ words "$page"; links "$page"; } | while read -r path; do
		echo "$path" >>"$here/seen"
		exists "$path" || echo "$page names $path, which does not exist"
	done
done >"$here/missing"
cat "$here/missing"
[ ! -s "$here/missing" ] || exit 1
seen=$(wc -l <"$here/seen")
[ "$seen" -ge 50 ] || { echo "the documentation names $seen paths only: the check does not see them"; exit 1; }
