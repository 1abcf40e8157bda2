#include "tools/system/files.h"

#include "base/cleanup.h"
#include "base/plain.h"

#include <string.h>
#include <time.h>

/* Most names are of these, and there may be thousands. */
static bool is_simple(const char *path)
{
	for (const char *at = path; *at; at++) {
		if (*at <= ' ' || *at > '~' || *at == '"') {
			return false;
		}
	}
	return *path;
}

void files_format_path(struct buf *out, const char *path)
{
	auto_buf struct buf plain = { 0 };
	if (is_simple(path)) {
		buf_append(out, path, strlen(path));
		return;
	}
	plain_append(&plain, path, strlen(path));
	if (strcmp(buf_text(&plain), path) == 0 && *path && *path != ' ' && *path != '"' &&
		path[strlen(path) - 1] != ' ') {
		buf_append(out, path, strlen(path));
		return;
	}
	json_auto_t *json = json_string(path);
	auto_free char *quoted =
		json ? json_dumps(json, JSON_ENCODE_ANY | JSON_ENSURE_ASCII) : NULL;
	buf_printf(out, "%s", quoted ? quoted : "?");
}

void files_format_count(struct buf *out, int64_t n)
{
	if (n >= 1000) {
		files_format_count(out, n / 1000);
		buf_printf(out, ",%03d", (int)(n % 1000));
	} else {
		buf_printf(out, "%d", (int)n);
	}
}

void files_format_size(struct buf *out, int64_t bytes)
{
	files_format_count(out, bytes);
	buf_printf(out, bytes == 1 ? " byte" : " bytes");
}

static void format_owner(struct buf *out, const char *name, int64_t id)
{
	buf_append(out, " ", 1);
	if (name) {
		files_format_path(out, name);
	} else {
		buf_printf(out, "%lld", (long long)id);
	}
}

/* Files of one directory often have the same time. */
static void format_time(struct buf *out, int64_t ns)
{
	static char text[40];
	static time_t last = -1;
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm utc;
	if (seconds != last) {
		text[0] = '\0';
		if (gmtime_r(&seconds, &utc)) {
			strftime(text, sizeof(text), " %Y-%m-%d %H:%M:%S ", &utc);
		}
		last = seconds;
	}
	buf_append(out, text, strlen(text));
}

void files_format_entry(struct buf *out, const struct msg_file_entry *entry, const char *name)
{
	char permissions[11];
	file_permissions(entry, permissions);
	buf_append(out, permissions, 10);
	format_owner(out, entry->owner, entry->uid);
	format_owner(out, entry->group, entry->gid);
	buf_append(out, " ", 1);
	files_format_count(out, entry->size);
	format_time(out, entry->mtime_ns);
	files_format_path(out, name);
	if (entry->type == FILE_DIRECTORY) {
		buf_append(out, "/", 1);
	}
	if (entry->target) {
		buf_printf(out, " -> ");
		files_format_path(out, *entry->target ? entry->target : "?");
		buf_printf(out, entry->target_type < 0 ? " (broken)" : "");
	}
}

const char *files_below(const char *path, const char *top)
{
	size_t len = strlen(top);
	len -= len && top[len - 1] == '/';
	return strncmp(path, top, len) == 0 && path[len] == '/' && path[len + 1] ? path + len + 1
										 : path;
}

void files_format_skipped(struct buf *out, int64_t skipped, const char *note)
{
	if (skipped > 0) {
		buf_printf(out, "\n[%lld skipped%s", (long long)skipped, note ? ": " : "");
		result_format_note(out, note ? note : "");
		buf_printf(out, "]");
	}
}
