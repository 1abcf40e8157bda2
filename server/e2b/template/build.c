/* Builds: their life, their logs, the names of what they made. */
#include "server/e2b/template/build_impl.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/loop.h"
#include "vm/lifecycle/lifecycle.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-id128.h>

#define LOG_ENTRY_COST 500 /* bytes of an entry besides its text */

/* ---- life ---- */

struct e2b_builds *e2b_builds_new(struct e2b *e2b)
{
	struct e2b_builds *builds = must(calloc(1, sizeof(*builds)));
	builds->e2b = e2b;
	TAILQ_INIT(&builds->list);
	return builds;
}

static void drop_uploads(struct build *b)
{
	struct build_upload *upload;
	while ((upload = TAILQ_FIRST(&b->uploads))) {
		TAILQ_REMOVE(&b->uploads, upload, entry);
		b->held -= upload->bytes;
		close(upload->fd);
		free(upload->hash);
		free(upload);
	}
}

static void free_build(struct build *b)
{
	drop_uploads(b);
	json_decref(b->tags);
	json_decref(b->logs);
	json_decref(b->request);
	buf_done(&b->line);
	free(b->owner);
	free(b->name);
	free(b->reason);
	free(b->reason_step);
	free(b->user);
	free(b->directory);
	free(b);
}

static void remove_build(struct build *b)
{
	build_stop(b);
	loop_drop(&b->expiry);
	TAILQ_REMOVE(&b->builds->list, b, entry);
	b->builds->n--;
	b->orphan = true;
	if (!b->pending) {
		free_build(b);
	}
}

bool build_arrived(struct build *b)
{
	b->pending--;
	if (b->orphan && !b->pending) {
		free_build(b);
		return false;
	}
	return !b->orphan && b->status == BUILD_RUNNING;
}

void e2b_builds_free(struct e2b_builds *builds)
{
	while (builds && TAILQ_FIRST(&builds->list)) {
		remove_build(TAILQ_FIRST(&builds->list));
	}
	free(builds);
}

static int on_expiry(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source, (void)usec;
	remove_build(data);
	return 0;
}

static void expire_later(struct build *b)
{
	loop_drop(&b->expiry);
	b->expiry = loop_after_ms(b->builds->e2b->event, BUILD_KEPT_MS, on_expiry, b);
}

static bool has_ended(const struct build *b)
{
	return b->status == BUILD_READY || b->status == BUILD_ERROR;
}

bool build_make_room(struct e2b_builds *builds, const char *owner, struct err *err)
{
	struct build *b, *oldest = NULL;
	size_t open = 0;
	TAILQ_FOREACH(b, &builds->list, entry)
	{
		open += !has_ended(b) && strcmp(b->owner, owner) == 0;
		oldest = !oldest && has_ended(b) ? b : oldest;
	}
	if (open >= BUILDS_OPEN_MAX || (builds->n >= BUILDS_MAX && !oldest)) {
		return err_set(err, ERR_LIMIT,
			"%zu of your builds have not ended, and at most %d of you or %d of all are "
			"possible; try again later",
			open, BUILDS_OPEN_MAX, BUILDS_MAX);
	}
	if (builds->n >= BUILDS_MAX) {
		remove_build(oldest);
	}
	return true;
}

struct build *build_new(struct e2b_builds *builds, const char *owner, const char *name)
{
	struct build *b = must(calloc(1, sizeof(*b)));
	sd_id128_t id;
	sd_id128_randomize(&id); /* of a build, SDKs expect a UUID */
	snprintf(b->id, sizeof(b->id), SD_ID128_UUID_FORMAT_STR, SD_ID128_FORMAT_VAL(id));
	id_make(b->template_id);
	b->builds = builds;
	b->owner = must(strdup(owner));
	b->name = must(strdup(name));
	b->logs = must(json_array());
	TAILQ_INIT(&b->uploads);
	TAILQ_INSERT_TAIL(&builds->list, b, entry);
	builds->n++;
	expire_later(b);
	return b;
}

bool build_hold(struct build *b, uint64_t bytes)
{
	const struct build *other;
	uint64_t held = bytes;
	TAILQ_FOREACH(other, &b->builds->list, entry)
	{
		held += strcmp(other->owner, b->owner) == 0 ? other->held : 0;
	}
	b->held += held <= BUILD_HELD_MAX ? bytes : 0;
	return held <= BUILD_HELD_MAX;
}

void build_log(struct build *b, const char *level, const char *fmt, ...)
{
	char text[BUILD_LOG_LINE_MAX + 1], time[CLOCK_TEXT_SIZE];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	clock_write(clock_wall_ms(), time);
	b->log_bytes += strlen(text) + LOG_ENTRY_COST;
	if (b->log_bytes <= BUILD_LOG_MAX) {
		json_t *message = json_string(text);
		json_array_append_new(
			b->logs, must(json_pack("{s:s, s:s, s:o}", "timestamp", time, "level",
					 level, "message", message ? message : json_string(""))));
	}
}

void build_end(struct build *b, const char *step, const struct err *why)
{
	b->status = why ? BUILD_ERROR : BUILD_READY;
	if (why) {
		struct err shown = *why;
		vm_hide_paths(b->builds->e2b->vms, &shown);
		b->reason = must(strdup(shown.text));
		b->reason_step = must(strdup(step));
		build_log(b, "error", "%s", shown.text);
	}
	build_stop(b);
	drop_uploads(b);
	expire_later(b);
}

/* ---- names ---- */

/* A snapshot that has lost its last name is deleted. */
struct usage {
	const char *snapshot;
	bool used;
};

static void look_at_name(const struct e2b_name *name, void *data)
{
	struct usage *usage = data;
	usage->used = usage->used || strcmp(name->snapshot, usage->snapshot) == 0;
}

static bool name_snapshot(struct build *b, const char *name, const char *snapshot, struct err *err)
{
	const struct e2b *e2b = b->builds->e2b;
	struct e2b_name before;
	bool replaces = e2b_name_find(e2b->names, b->owner, name, &before);
	auto_free char *old = replaces ? must(strdup(before.snapshot)) : NULL;
	const struct e2b_name row = { .name = name, .snapshot = snapshot, .build = b->id };
	if (!e2b_name_set(e2b->names, b->owner, &row, err)) {
		return false;
	}
	struct usage usage = { .snapshot = old };
	struct err ignored;
	if (old) {
		e2b_names_each(e2b->names, b->owner, look_at_name, &usage);
	}
	if (old && !usage.used) {
		(void)!vm_snapshot_delete(e2b->vms, b->owner, old, &ignored);
	}
	return true;
}

bool build_publish(struct build *b, const char *snapshot, struct err *err)
{
	char name[E2B_NAME_MAX + 1];
	size_t i;
	json_t *tag;
	if (!name_snapshot(b, b->template_id, snapshot, err) ||
		!name_snapshot(b, b->name, snapshot, err)) {
		return false;
	}
	json_array_foreach(b->tags, i, tag)
	{
		if (!e2b_name_tagged(b->name, json_string_value(tag), name, err) ||
			!name_snapshot(b, name, snapshot, err)) {
			return false;
		}
	}
	return true;
}
