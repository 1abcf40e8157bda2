/*
 * The fake desktop as a file, like memory and devices of a real backend.  Files are checked
 * strictly when read, because tests also use invalid ones.
 */

#include "vm/fake/fake.h"

#include "base/cleanup.h"
#include "base/field.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_NAME "fake.json"
#define FILE_MAX (4 << 20)
#define EDGE_MAX 99999 /* of a screen */

struct saved {
	struct field_ints screen, pointer;
	const char *typed, *events, *fault, *hostname, *machine_id, *mac;
	int64_t scale, frame_id, last_pid;
	const json_t *windows;
};
static const struct field saved_fields[] = {
	FIELD_LIST(struct saved, screen, "[w,h]", 2, .required = true),
	FIELD_NUM(struct saved, scale, "percent", .min = SCALE_MIN, .max = SCALE_MAX,
		.default_value = SCALE_MIN),
	FIELD_LIST(struct saved, pointer, "[x,y]", 2, .required = true),
	FIELD_STR(struct saved, typed, "in the text field", .required = true, .max = FILE_MAX),
	FIELD_STR(struct saved, events, "inputs", .required = true, .max = FILE_MAX),
	FIELD_STR(struct saved, fault, "the fault to simulate", .required = true, .max = 20),
	FIELD_STR(struct saved, hostname, "its name", .required = true, .max = 63),
	FIELD_STR(struct saved, machine_id, "its machine id", .required = true, .max = 32),
	FIELD_STR(struct saved, mac, "its address", .required = true, .max = 17),
	FIELD_NUM(
		struct saved, frame_id, "screen changes", .required = true, .min = 1, .max = 1e15),
	FIELD_NUM(struct saved, last_pid, "processes", .required = true, .min = 1, .max = 1e9),
	FIELD_JSON(struct saved, windows, "windows", .required = true),
	{ 0 },
};

struct saved_window {
	int64_t id, pid;
	const char *title;
};
static const struct field window_fields[] = {
	FIELD_NUM(struct saved_window, id, "window", .required = true, .min = 1, .max = 1e12),
	FIELD_NUM(struct saved_window, pid, "process", .required = true, .min = 1, .max = 1e9),
	FIELD_STR(struct saved_window, title, "title", .required = true, .max = 100),
	{ 0 },
};

/* Only tests truncate a text inside a character. */
static const char *text_of(const struct buf *buf)
{
	return utf8_is_valid(buf->data, buf->len) ? buf_text(buf) : "";
}

static json_t *windows_of(const struct fake_desktop *d)
{
	json_t *windows = must(json_array());
	for (size_t i = 0; i < d->n_windows; i++) {
		const struct fake_window *w = &d->windows[i];
		const struct saved_window row = { w->id, w->pid, w->title };
		json_array_append_new(windows, must(field_encode(window_fields, &row)));
	}
	return windows;
}

bool fake_save(const struct fake_vm *fake, const char *dir, struct err *err)
{
	const struct fake_desktop *d = &fake->desktop;
	auto_free char *path = NULL;
	json_auto_t *windows = windows_of(d);
	const struct saved saved = {
		.screen = size_sides(d->screen),
		.scale = d->scale,
		.pointer = { 2, { d->pointer.x, d->pointer.y } },
		.typed = text_of(&d->typed),
		.events = text_of(&d->events),
		.fault = fake->fault,
		.hostname = fake->hostname,
		.machine_id = fake->machine_id,
		.mac = fake->mac,
		.frame_id = d->frame_id,
		.last_pid = d->last_pid,
		.windows = windows,
	};
	json_auto_t *json = field_encode(saved_fields, &saved);
	if (asprintf(&path, "%s/%s", dir, FILE_NAME) < 0) {
		abort();
	}
	if (strcmp(fake->fault, "full") == 0) {
		errno = ENOSPC;
		return err_errno(err, "cannot write %s", path);
	}
	return json_dump_file(must(json), path, JSON_COMPACT) == 0 ||
	       err_errno(err, "cannot write %s", path);
}

static bool load_windows(struct fake_desktop *d, const json_t *windows, struct err *err)
{
	size_t n = json_array_size(windows);
	if (!json_is_array(windows) || n > FAKE_WINDOWS_MAX) {
		return err_set(
			err, ERR_HOST, "'windows' must be a list of at most %d", FAKE_WINDOWS_MAX);
	}
	for (size_t i = 0; i < n; i++) {
		struct saved_window window = { 0 };
		if (!field_decode(window_fields, json_array_get(windows, i), &window, err)) {
			return false;
		}
		struct fake_window *to = &d->windows[d->n_windows++];
		*to = (struct fake_window){ .id = window.id, .pid = window.pid };
		if (!fake_window_parse(window.title, to)) {
			return err_set(err, ERR_HOST, "there is no window '%.40s'", window.title);
		}
	}
	return true;
}

static bool load(struct fake_vm *fake, const json_t *json, struct err *err)
{
	struct saved s = { 0 };
	struct fake_desktop *d = &fake->desktop;
	if (!field_decode(saved_fields, json, &s, err)) {
		return false;
	}
	const int64_t *screen = s.screen.at, *pointer = s.pointer.at;
	const struct size is = { (int)screen[0], (int)screen[1] };
	if (is.width < 1 || is.height < 1 || is.width > EDGE_MAX || is.height > EDGE_MAX) {
		return err_set(err, ERR_HOST, "its screen is %lldx%lld", (long long)screen[0],
			(long long)screen[1]);
	}
	fake_desktop_init(d, is, s.scale);
	if (pointer[0] < 0 || pointer[1] < 0 || pointer[0] >= d->frame.width ||
		pointer[1] >= d->frame.height) {
		return err_set(err, ERR_HOST, "its pointer is outside the screen");
	}
	d->pointer = (struct point){ (int)pointer[0], (int)pointer[1] };
	buf_append(&d->typed, s.typed, strlen(s.typed));
	buf_append(&d->events, s.events, strlen(s.events));
	d->frame_id = s.frame_id;
	d->last_pid = s.last_pid;
	snprintf(fake->fault, sizeof(fake->fault), "%s", s.fault);
	snprintf(fake->hostname, sizeof(fake->hostname), "%s", s.hostname);
	snprintf(fake->machine_id, sizeof(fake->machine_id), "%s", s.machine_id);
	snprintf(fake->mac, sizeof(fake->mac), "%s", s.mac);
	return load_windows(d, s.windows, err);
}

bool fake_load(struct fake_vm *fake, const char *dir, struct err *err)
{
	auto_free char *path = NULL;
	json_error_t why;
	struct stat st;
	if (asprintf(&path, "%s/%s", dir, FILE_NAME) < 0) {
		abort();
	}
	if (stat(path, &st) < 0 || st.st_size > FILE_MAX) {
		return err_set(err, ERR_HOST, "%s is not a saved desktop", path);
	}
	json_auto_t *json = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
	if (!json) {
		return err_set(err, ERR_HOST, "%s is corrupt: %s", path, why.text);
	}
	if (!load(fake, json, err)) {
		err->kind = ERR_HOST;
		return err_while(err, "%s is corrupt", path);
	}
	return true;
}

void fake_unsave(const char *dir)
{
	auto_free char *path = NULL;
	if (asprintf(&path, "%s/%s", dir, FILE_NAME) < 0) {
		abort();
	}
	unlink(path);
}
