#include "server/e2b/template/names.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "vm/state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define NAMES_FILE "e2b-names.json"
#define FILE_MAX (4u << 20)

/* {OWNER: {NAME: {"snapshot", "build", "created"}}} */
struct e2b_names_kept {
	char *path, *directory;
	json_t *owners;
};

static bool read_row(const char *name, const json_t *json, struct e2b_name *ret)
{
	*ret = (struct e2b_name){
		.name = name,
		.snapshot = json_string_value(json_object_get(json, "snapshot")),
		.build = json_string_value(json_object_get(json, "build")),
		.created = json_integer_value(json_object_get(json, "created")),
	};
	return ret->snapshot && ret->build;
}

static bool is_valid(const json_t *owners)
{
	const char *owner, *name;
	json_t *rows, *json;
	struct e2b_name row;
	json_object_foreach((json_t *)owners, owner, rows)
	{
		if (!json_is_object(rows)) {
			return false;
		}
		json_object_foreach(rows, name, json)
		{
			if (!read_row(name, json, &row)) {
				return false;
			}
		}
	}
	return json_is_object(owners);
}

static bool load(struct e2b_names_kept *names, struct err *err)
{
	auto_buf struct buf text = { 0 };
	if (access(names->path, F_OK) < 0 && errno == ENOENT) {
		names->owners = json_object();
		return true;
	}
	names->owners = NULL;
	if (!file_read_path(names->path, FILE_MAX, NULL, &text, err)) {
		return false;
	}
	names->owners = json_loadb((const char *)text.data, text.len, 0, NULL);
	return is_valid(names->owners) ||
	       err_set(err, ERR_HOST,
		       "%s has no names of templates; delete it to begin without any", names->path);
}

struct e2b_names_kept *e2b_names_open(const char *directory, struct err *err)
{
	struct state *state = state_open(directory, err);
	if (!state) {
		return NULL;
	}
	auto_buf struct buf path = { 0 };
	struct e2b_names_kept *names = must(calloc(1, sizeof(*names)));
	names->directory = must(strdup(state_dir(state)));
	state_close(state);
	buf_printf(&path, "%s/" NAMES_FILE, names->directory);
	names->path = must(strdup(buf_text(&path)));
	if (!load(names, err)) {
		e2b_names_close(names);
		return NULL;
	}
	return names;
}

void e2b_names_close(struct e2b_names_kept *names)
{
	if (names) {
		json_decref(names->owners);
		free(names->path);
		free(names->directory);
		free(names);
	}
}

const char *e2b_names_directory(const struct e2b_names_kept *names)
{
	return names->directory;
}

static bool save(const struct e2b_names_kept *names, struct err *err)
{
	auto_buf struct buf other = { 0 };
	buf_printf(&other, "%s.new", names->path);
	auto_close int fd = open(buf_text(&other), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || json_dumpfd(names->owners, fd, JSON_INDENT(1)) < 0 || fsync(fd) < 0 ||
		rename(buf_text(&other), names->path) < 0) {
		return err_errno(err, "cannot write %s", names->path);
	}
	return true;
}

/* Another server may have changed it. */
static void reload(struct e2b_names_kept *names)
{
	json_t *before = names->owners;
	struct err err;
	if (load(names, &err)) {
		json_decref(before);
		return;
	}
	log_warning("%s", err.text);
	json_decref(names->owners);
	names->owners = before;
}

/* ---- names ---- */

static bool is_part(const char *text, size_t len)
{
	static const char part[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	return len > 0 && strspn(text, part) >= len;
}

bool e2b_name_normalize(const char *text, char ret_name[E2B_NAME_MAX + 1], struct err *err)
{
	const char *slash = strchr(text, '/'), *from = slash ? slash + 1 : text;
	const char *colon = strchr(from, ':');
	size_t len = colon ? (size_t)(colon - from) : strlen(from);
	const char *tag = colon ? colon + 1 : E2B_DEFAULT_TAG;
	if ((slash && !is_part(text, (size_t)(slash - text))) || !is_part(from, len) ||
		!is_part(tag, strlen(tag)) || len + 1 + strlen(tag) > E2B_NAME_MAX) {
		return err_set(err, ERR_ARGUMENT,
			"the name of a template is NAME or NAME:TAG of at most %d characters "
			"a-z A-Z 0-9 - _ .; got '%.80s'",
			E2B_NAME_MAX, text);
	}
	snprintf(ret_name, E2B_NAME_MAX + 1, "%.*s:%s", (int)len, from, tag);
	return true;
}

bool e2b_name_tagged(
	const char *name, const char *tag, char ret_name[E2B_NAME_MAX + 1], struct err *err)
{
	auto_buf struct buf text = { 0 };
	const char *slash = strchr(name, '/'), *from = slash ? slash + 1 : name;
	buf_printf(&text, "%.*s:%s", (int)strcspn(from, ":"), from, tag);
	return e2b_name_normalize(buf_text(&text), ret_name, err);
}

static json_t *rows_of(const struct e2b_names_kept *names, const char *owner)
{
	return names ? json_object_get(names->owners, owner) : NULL;
}

bool e2b_name_find(const struct e2b_names_kept *names, const char *owner, const char *text,
	struct e2b_name *ret)
{
	char name[E2B_NAME_MAX + 1];
	struct err ignored;
	json_t *rows = rows_of(names, owner), *row = json_object_get(rows, text);
	if (row) {
		return read_row(text, row, ret);
	}
	return e2b_name_normalize(text, name, &ignored) && (row = json_object_get(rows, name)) &&
	       read_row(name, row, ret);
}

bool e2b_name_set(struct e2b_names_kept *names, const char *owner, const struct e2b_name *name,
	struct err *err)
{
	reload(names);
	json_t *rows = rows_of(names, owner);
	if (!rows) {
		rows = json_object();
		json_object_set_new(names->owners, owner, rows);
	}
	if (json_object_size(rows) >= E2B_NAMES_MAX && !json_object_get(rows, name->name)) {
		return err_set(err, ERR_LIMIT, "you have %d names of templates; delete some first",
			E2B_NAMES_MAX);
	}
	json_object_set_new(rows, name->name,
		must(json_pack("{s:s, s:s, s:I}", "snapshot", name->snapshot, "build", name->build,
			"created", (json_int_t)clock_wall_ms())));
	return save(names, err);
}

static void save_or_log(const struct e2b_names_kept *names)
{
	struct err err;
	if (!save(names, &err)) {
		log_warning("%s", err.text);
	}
}

void e2b_name_remove(struct e2b_names_kept *names, const char *owner, const char *name)
{
	reload(names);
	if (json_object_del(rows_of(names, owner), name) == 0) {
		save_or_log(names);
	}
}

void e2b_names_forget(struct e2b_names_kept *names, const char *owner, const char *snapshot)
{
	reload(names);
	json_t *rows = rows_of(names, owner), *json;
	const char *name;
	void *next;
	struct e2b_name row;
	json_object_foreach_safe(rows, next, name, json)
	{
		if (read_row(name, json, &row) && strcmp(row.snapshot, snapshot) == 0) {
			json_object_del(rows, name);
		}
	}
	if (rows) {
		save_or_log(names);
	}
}

void e2b_names_each(const struct e2b_names_kept *names, const char *owner,
	void (*fn)(const struct e2b_name *name, void *data), void *data)
{
	const char *name;
	json_t *json;
	struct e2b_name row;
	json_object_foreach(rows_of(names, owner), name, json)
	{
		if (read_row(name, json, &row)) {
			row.name = name;
			fn(&row, data);
		}
	}
}
