// USES agent
/*
 * Names, patterns and rows of files.  The first byte picks what the rest is: a path of a request, a
 * name in a directory, a glob or an expression with a text behind a NUL, or a row as JSON.  Every name
 * must come back from its escaped form; a row must be read as it was written.
 */
#include "base/cleanup.h"
#include "base/utf8.h"
#include "vm/agent/files/glob.h"
#include "vm/agent/files/path.h"
#include "vm/agent/files/row.h"
#include "vm/wire/messages_files.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check(bool holds)
{
	if (!holds) {
		abort();
	}
}

static void check_sentence(const struct err *err)
{
	check(err->kind == ERR_ARGUMENT && err->text[0] &&
		utf8_is_valid((const uint8_t *)err->text, strlen(err->text)));
}

static void try_path(const char *given)
{
	struct err err;
	auto_free char *path = path_take(given, &err);
	if (!path) {
		check_sentence(&err);
		return;
	}
	size_t n = strlen(path);
	check(path[0] == '/' && n < PATH_MAX && !strstr(path, "//") && !strstr(path, "/./"));
	check(n == 1 || path[n - 1] != '/');
	auto_free char *shown = path_shown(path);
	check(utf8_is_valid((const uint8_t *)shown, strlen(shown)));
	auto_free char *again = path_take(shown, &err);
	check(again && strcmp(again, path) == 0);
	auto_free char *parent = path_parent(path);
	check(path_is_below(path, parent) && path_is_below(path, "/"));
}

/* A name has no slash, is not empty, and is neither "." nor "..". */
static void try_name(const char *name)
{
	struct err err;
	auto_buf struct buf shown = { 0 };
	if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strlen(name) > NAME_MAX) {
		return;
	}
	buf_append(&shown, "/", 1);
	path_escape(&shown, name, strlen(name));
	check(utf8_is_valid(shown.data, shown.len));
	auto_free char *path = path_take(buf_text(&shown), &err);
	check(path && strcmp(path + 1, name) == 0);
}

static void try_pattern(const char *text, const char *subject, bool is_glob, bool ignore_case)
{
	struct err err;
	size_t at = 0, len = strlen(subject);
	if (!utf8_is_valid((const uint8_t *)text, strlen(text)) ||
		!utf8_is_valid((const uint8_t *)subject, len)) {
		return;
	}
	struct pattern *pattern = is_glob ? pattern_of_glob(text, ignore_case, &err)
					  : pattern_of_regex(text, ignore_case, &err);
	if (!pattern) {
		check_sentence(&err);
		return;
	}
	if (pattern_match(pattern, subject, len, &at) == PATTERN_YES) {
		check(at <= len);
	}
	pattern_free(pattern);
}

static void try_row(const char *text, size_t len, const struct field *fields)
{
	struct err err;
	union {
		int64_t aligned;
		uint8_t bytes[1024];
	} row, again;
	json_auto_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
	if (!json_is_object(json) || !field_decode(fields, json, &row, &err)) {
		return;
	}
	auto_buf struct buf line = { 0 };
	file_row_add(&line, fields, &row);
	check(line.len > 1 && line.data[line.len - 1] == '\n' &&
		!memchr(line.data, '\n', line.len - 1));
	json_auto_t *back = json_loadb((const char *)line.data, line.len, 0, NULL);
	check(back && field_decode(fields, back, &again, &err));
	json_auto_t *one = field_encode(fields, &row), *two = field_encode(fields, &again);
	check(json_equal(one, two));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const struct field *const rows[] = { msg_file_entry_fields, msg_file_match_fields,
		msg_file_change_fields };
	if (len < 2) {
		return 0;
	}
	auto_free char *text = must(calloc(len + 1, 1)); /* ends twice */
	memcpy(text, bytes + 1, len - 1);
	switch (bytes[0]) {
	case 'p':
		try_path(text);
		break;
	case 'n':
		try_name(text);
		break;
	case 'g':
	case 'G':
	case 'r':
	case 'R':
		try_pattern(text, strlen(text) < len - 1 ? text + strlen(text) + 1 : "",
			bytes[0] == 'g' || bytes[0] == 'G', bytes[0] == 'G' || bytes[0] == 'R');
		break;
	default:
		try_row(text, len - 1, rows[bytes[0] % 3]);
		break;
	}
	return 0;
}
