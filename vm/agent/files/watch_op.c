/*
 * Reports changes in a directory.  The loop waits for inotify; a thread takes the events, because a
 * new directory is searched and watched before its creation is reported.
 */
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/files/entry.h"
#include "vm/agent/files/failure.h"
#include "vm/agent/files/path.h"
#include "vm/agent/files/row.h"
#include "vm/agent/files/stream.h"
#include "vm/agent/files/tree.h"
#include "vm/agent/files/watch_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

struct watcher {
	struct file_stream stream; /* first */
	char *path;
	bool recursive, entries, xattrs, announced;
	struct watch_tree *tree;
	sd_event_source *source; /* the loop's */
	struct file_entry entry;
	GHashTable *found; /* paths that were reported before their event was read */
	struct buf last;   /* the last row, so that a program that writes much is reported once */
	bool drained;      /* by the last step: no event was left */
	unsigned asked, syncing; /* syncs that the host waits for: to begin, begun */
};

/* ---- rows ---- */

static json_t *describe(struct watcher *w, const char *path)
{
	auto_buf struct buf full = { 0 };
	buf_printf(
		&full, "%s%s%s", strcmp(w->path, "/") == 0 ? "" : w->path, *path ? "/" : "", path);
	if (!file_entry_read(&w->entry, AT_FDCWD, buf_text(&full), buf_text(&full), w->xattrs)) {
		return NULL;
	}
	return file_entry_json(&w->entry);
}

static void report(struct watcher *w, enum file_change change, const char *path)
{
	bool has_entry = w->entries && (change == FILE_CREATED || change == FILE_WRITTEN ||
					       change == FILE_CHMODDED);
	auto_buf struct buf shown = { 0 };
	json_auto_t *entry = has_entry ? describe(w, path) : NULL;
	path_escape(&shown, path, strlen(path));
	const struct msg_file_change row = {
		.change = change, .path = shown.len ? buf_text(&shown) : NULL, .entry = entry
	};
	size_t at = w->stream.out.len;
	file_row_add(&w->stream.out, msg_file_change_fields, &row);
	const char *line = (const char *)w->stream.out.data + at;
	size_t len = w->stream.out.len - at;
	if (at && change == FILE_WRITTEN && len == w->last.len &&
		memcmp(line, w->last.data, len) == 0) {
		w->stream.out.len = at;
		return;
	}
	w->last.len = 0;
	buf_append(&w->last, line, len);
}

static bool is_temporary(const char *name)
{
	return strncmp(name, TREE_TEMPORARY, strlen(TREE_TEMPORARY)) == 0;
}

static void on_found(const char *path, void *data)
{
	struct watcher *w = data;
	const char *slash = strrchr(path, '/');
	if (!is_temporary(slash ? slash + 1 : path)) {
		report(w, FILE_CREATED, path);
		g_hash_table_add(w->found, g_strdup(path));
	}
}

/* ---- events ---- */

static void keep_found(const char *path, void *data)
{
	g_ptr_array_add(data, g_strdup(path));
}

/* The directory is reported before what is in it, and both after the watches stand. */
static void take_new_directory(struct watcher *w, const char *path, bool moved)
{
	GPtrArray *below = g_ptr_array_new_with_free_func(g_free);
	watch_tree_add(w->tree, path, moved ? NULL : keep_found, below);
	report(w, FILE_CREATED, path);
	for (unsigned i = 0; i < below->len; i++) {
		on_found(g_ptr_array_index(below, i), w);
	}
	g_ptr_array_unref(below);
}

static void take_named(struct watcher *w, const struct inotify_event *event, const char *path)
{
	bool is_directory = event->mask & IN_ISDIR;
	if (event->mask & (IN_CREATE | IN_MOVED_TO)) {
		if (g_hash_table_remove(w->found, path)) {
			return;
		}
		if (is_directory && w->recursive) {
			take_new_directory(w, path, event->mask & IN_MOVED_TO);
		} else {
			report(w, FILE_CREATED, path);
		}
	} else if (event->mask & IN_MOVED_FROM) {
		if (is_directory) {
			watch_tree_remove(w->tree, path);
		}
		report(w, FILE_RENAMED, path);
	} else if (event->mask & IN_DELETE) {
		report(w, FILE_REMOVED, path);
	} else if (event->mask & IN_MODIFY) {
		report(w, FILE_WRITTEN, path);
	} else if (event->mask & IN_ATTRIB) {
		report(w, FILE_CHMODDED, path);
	}
}

static void end_with_root(struct watcher *w, const struct inotify_event *event)
{
	report(w, event->mask & IN_MOVE_SELF ? FILE_RENAMED : FILE_REMOVED, "");
	file_refused(&w->stream.job.err, ERR_NOT_FOUND, w->path,
		event->mask & IN_MOVE_SELF ? "was moved" : "was removed");
}

static void take(struct watcher *w, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW) {
		report(w, FILE_LOST, "");
		return;
	}
	const char *directory = watch_tree_path(w->tree, event->wd);
	if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) {
		if (directory && !*directory) {
			end_with_root(w, event);
		}
		return;
	}
	if (event->mask & IN_IGNORED) {
		watch_tree_forget(w->tree, event->wd);
		return;
	}
	if (!directory || (event->len && is_temporary(event->name))) {
		return;
	}
	/* A directory below reports its own changes to its parent, too. */
	if (event->len || !*directory) {
		auto_buf struct buf path = { 0 };
		buf_printf(&path, "%s%s%s", directory, *directory && event->len ? "/" : "",
			event->len ? event->name : "");
		take_named(w, event, buf_text(&path));
	}
}

/* True: there may be more. */
static bool take_events(struct watcher *w)
{
	char bytes[16384] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n = read(watch_tree_fd(w->tree), bytes, sizeof(bytes));
	if (n <= 0) {
		g_hash_table_remove_all(w->found);
		return false;
	}
	for (ssize_t at = 0; at < n && w->stream.job.err.kind == ERR_NONE;) {
		const struct inotify_event *event = (const void *)(bytes + at);
		take(w, event);
		at += (ssize_t)sizeof(*event) + event->len;
	}
	if (watch_tree_lost(w->tree)) {
		report(w, FILE_LOST, "");
	}
	return w->stream.job.err.kind == ERR_NONE;
}

static void step(struct file_job *job)
{
	struct watcher *w = (struct watcher *)job;
	if (!w->tree) {
		w->tree = watch_tree_new(w->path, w->recursive, &job->stop, &job->err);
		return;
	}
	w->drained = false;
	while (!w->drained && !file_stream_is_full(&w->stream) && !atomic_load(&job->stop)) {
		w->drained = !take_events(w);
	}
}

/* ---- in the loop ---- */

static int on_events(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct watcher *w = data;
	(void)fd, (void)events;
	loop_enable(source, false);
	file_job_step(&w->stream.job);
	return 0;
}

/* A sync needs a step that begins after it was asked for, and leaves no event.  True: one runs. */
static bool sync_step(struct watcher *w)
{
	struct file_job *job = &w->stream.job;
	while (w->syncing && w->drained && request_send(job->req, &message_file_synced, NULL)) {
		w->syncing--;
	}
	if (!w->syncing && w->asked) {
		w->syncing = w->asked;
		w->asked = 0;
		w->drained = false;
	}
	if (!w->syncing || w->drained) {
		return false;
	}
	loop_enable(w->source, false);
	file_job_step(job);
	return true;
}

static void on_message(const struct message *message, const void *args, void *data)
{
	struct watcher *w = data;
	(void)message, (void)args;
	w->asked++;
	if (w->announced && !file_stream_is_busy(&w->stream)) {
		sync_step(w);
	}
}

static void idle(struct file_stream *stream)
{
	struct watcher *w = (struct watcher *)stream;
	struct file_job *job = &stream->job;
	if (!w->announced) {
		const struct msg_file_watching said = { (int64_t)watch_tree_count(w->tree) };
		w->announced = request_send(job->req, &message_file_watching, &said);
		w->source = loop_add_io(
			job->agent->event, watch_tree_fd(w->tree), EPOLLIN, on_events, w);
	}
	if (!w->announced || !sync_step(w)) {
		loop_enable(w->source, true);
	}
}

static void watcher_free(struct file_job *job)
{
	struct watcher *w = (struct watcher *)job;
	loop_drop(&w->source);
	watch_tree_free(w->tree);
	file_entry_done(&w->entry);
	file_stream_done(&w->stream);
	buf_done(&w->last);
	g_hash_table_unref(w->found);
	free(w->path);
}

static const struct file_job_kind kind = {
	.size = sizeof(struct watcher),
	.step = step,
	.stepped = file_stream_stepped,
	.free = watcher_free,
};

static void run(struct request *req, const void *data)
{
	const struct msg_file_watch *args = data;
	struct watcher *w = file_job_new(req, &kind);
	struct err err;
	w->found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	w->path = path_take(args->path, &err);
	w->stream.on_message = on_message;
	if (!w->path || !file_stream_open(&w->stream, &err)) {
		file_job_fail(&w->stream.job, &err);
		return;
	}
	w->stream.idle = idle;
	w->recursive = args->recursive;
	w->entries = args->entries;
	w->xattrs = args->xattrs;
	file_job_step(&w->stream.job);
}

const struct op op_file_watch = {
	.message = &message_file_watch,
	.run = run,
	.has_user = true,
};
