#include "server/client/client.h"

#include "base/cleanup.h"
#include "base/plain.h"
#include "vm/wire/messages.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* vitrine ls: the sandboxes; vitrine ls SANDBOX:PATH: the files there. */

static int list_sandboxes(const struct remote_where *where)
{
	struct err err;
	json_auto_t *all = remote_sandboxes(where, &err);
	size_t i;
	json_t *one;
	if (!all) {
		return client_fail("ls", &err);
	}
	if (!json_array_size(all)) {
		fprintf(stderr, "no sandbox exists\n");
	}
	json_array_foreach(all, i, one)
	{
		const char *id = NULL, *state = NULL, *backend = NULL, *owner = NULL;
		json_unpack(one, "{s:s, s:s, s:s, s:s}", "id", &id, "state", &state, "backend",
			&backend, "owner", &owner);
		printf("%-20s  %-8s  %-9s  %s\n", id ? id : "?", state ? state : "?",
			backend ? backend : "?", owner ? owner : "?");
	}
	return 0;
}

static void print_entry(const char *line)
{
	struct msg_file_entry entry = { 0 };
	struct err ignored;
	json_auto_t *json = json_loads(line, 0, NULL);
	char permissions[11], when[20] = "";
	if (!json || !field_decode(msg_file_entry_fields, json, &entry, &ignored)) {
		return;
	}
	time_t seconds = entry.mtime_ns / 1000000000;
	struct tm tm;
	auto_buf struct buf name = { 0 };
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M", localtime_r(&seconds, &tm));
	file_permissions(&entry, permissions);
	plain_append(&name, entry.path, MESSAGE_FILE_PATH_MAX);
	printf("%s %-8s %-8s %12lld %s %s", permissions, entry.owner ? entry.owner : "?",
		entry.group ? entry.group : "?", (long long)entry.size, when, buf_text(&name));
	if (entry.target) {
		name.len = 0;
		plain_append(&name, entry.target, MESSAGE_FILE_PATH_MAX);
		printf(" -> %s", buf_text(&name));
	}
	printf("\n");
}

/* The rows are lines of JSON. */
static void on_rows(unsigned kind, const uint8_t *bytes, size_t len, void *data)
{
	struct buf *rows = data;
	if (kind == FILE_ROWS) {
		buf_append(rows, bytes, len);
		uint8_t *end;
		while (rows->len && (end = memchr(rows->data, '\n', rows->len))) {
			*end = '\0';
			print_entry((const char *)rows->data);
			buf_consume(rows, (size_t)(end + 1 - rows->data));
		}
	}
}

static int list_files(const struct remote_where *where, const char *sandbox, const char *path)
{
	auto_buf struct buf rows = { 0 };
	struct err err;
	struct remote_client *c = remote_open(where, sandbox, "file_list",
		json_pack("{s:s}", "path", *path ? path : "."), NULL, &err);
	json_auto_t *answer = c ? remote_await(c, on_rows, &rows, &err) : NULL;
	remote_client_free(c);
	return answer ? 0 : client_fail("ls", &err);
}

int client_ls(int argc, char **argv)
{
	struct remote_where where = { 0 };
	struct err err;
	int at = 1;
	while (at < argc && argv[at][0] == '-') {
		if (!remote_where_option(&where, argc, argv, &at, &err)) {
			client_fail("ls", &err);
			return 2;
		}
	}
	if (at == argc) {
		return list_sandboxes(&where);
	}
	char *colon = strchr(argv[at], ':');
	if (at + 1 != argc || !colon) {
		fprintf(stderr, "vitrine ls: expected nothing or SANDBOX:PATH\n");
		return 2;
	}
	*colon = '\0';
	return list_files(&where, argv[at], colon + 1);
}
