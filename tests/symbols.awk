# Reads "FILE SYMBOL TYPE" lines of one program, as nm tells them (U: used, else defined); see check-symbols.sh.

function folder(file) { return file ~ /\// ? substr(file, 1, match(file, /\/[^\/]*$/) - 1) : "" }

# tests/floors.txt: the floors of one program, and the exceptions.
FILENAME != "-" && /^#/ { next }
FILENAME != "-" && !NF { section = ""; next }
FILENAME != "-" && $2 == ">" { known[$1, $3]; next }
FILENAME != "-" && section == "" { section = $1; next }
FILENAME != "-" { n_read++; for (i = 1; section == program && i <= NF; i++) { floor[$i] = n_read } next }

# A call from one folder into another.
function crossing(from, to, symbol,   a, b) {
	a = folder(from); b = folder(to)
	if (a == "" || a == b) { return }
	rooms[a]; rooms[b]
	calls[a, b]++
	example[a, b] = from " uses " symbol " of " to
}

# Files that reach each other make a circle: those that both reach and are reached by i.
function reach(i, graph, seen,   todo, top, at, n, next_files, k) {
	todo[top = 1] = i
	while (top) {
		at = todo[top--]
		n = split(graph[at], next_files, " ")
		for (k = 1; k <= n; k++) {
			if (!(next_files[k] in seen)) { seen[next_files[k]]; todo[++top] = next_files[k] }
		}
	}
}

function circles(   file, down, up, size, f, list) {
	for (file in uses) {
		if (file in placed) { continue }
		split("", down); split("", up); size = 0; list = ""
		reach(file, uses, down); reach(file, used_by, up)
		for (f in down) {
			if (f in up) { placed[f]; size++; list = list " " f }
		}
		if (size > 1) { n_circles++; printf "  circle of %d files:%s\n", size, (length(list) > 150 ? substr(list, 1, 150) " ..." : list) }
	}
}

{ line[++n_lines] = $0 }
$3 != "U" { where[$2] = $1 }
END {
	for (i = 1; i <= n_lines; i++) {
		split(line[i], part, " ")
		if (part[3] != "U" || !(part[2] in where) || where[part[2]] == part[1]) { continue }
		crossing(part[1], where[part[2]], part[2])
		if (!linked[part[1], where[part[2]]]++) {
			uses[part[1]] = uses[part[1]] " " where[part[2]]
			used_by[where[part[2]]] = used_by[where[part[2]]] " " part[1]
		}
	}
	for (r in rooms) {
		n_rooms++
		on[floor[r]]
		if (!(r in floor)) { print "  " r " stands on no floor"; bad = 1 }
	}
	for (f in on) { n_floors++ }
	for (c in calls) {
		split(c, ab, SUBSEP)
		if (floor[ab[1]] <= floor[ab[2]]) {
			n_up++
			if ((ab[1], ab[2]) in known) { continue }
			bad = 1
			printf "  upward: %s (%d symbols)\n", example[c], calls[c]
		}
		if ((ab[2], ab[1]) in calls && ab[1] < ab[2]) { n_pairs++; print "  circle: " ab[1] " and " ab[2] }
	}
	circles()
	printf "%s: %d folders on %d floors, %d upward, %d circles of folders, %d circles of files\n",
		program, n_rooms, n_floors, n_up, n_pairs, n_circles
	exit bad
}
