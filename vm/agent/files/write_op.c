/*
 * Writes a file with the bytes that the host sends.  What has arrived is written by a thread, and
 * the host gets its credit back then, so a slow disk slows the host down.  With `replace`, the bytes
 * go to a temporary file, which takes the name when it is complete.
 */
#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/agent/files/attributes.h"
#include "vm/agent/files/entry.h"
#include "vm/agent/files/failure.h"
#include "vm/agent/files/job.h"
#include "vm/agent/files/open.h"
#include "vm/agent/files/path.h"
#include "vm/agent/files/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#define LINKS_MAX 40
#define BATCH (128u << 10) /* bytes worth a step of their own */

struct writing {
	struct file_job job; /* first */
	/* The thread's, while a step runs. */
	char *path;      /* as asked for */
	char *target;    /* where links lead */
	char *temporary; /* NULL: in place */
	int fd, old;     /* old: of what is replaced; -1: none */
	struct stat st;  /* of old */
	bool exists, created, committed;
	struct buf out; /* to be written */
	json_t *entry;
	int how;
	int64_t offset, mode, bytes;
	bool parents, exclusive;
	json_t *xattrs;
	/* The loop's. */
	struct buf in;         /* arrived meanwhile */
	sd_event_source *soon; /* a few bytes wait for more */
	bool ready, ended;
};

/* ---- opening, in a thread ---- */

/* Follows links, also those that lead to nothing yet. */
static bool find_target(struct writing *w, struct err *err)
{
	char link[PATH_MAX];
	w->target = must(strdup(w->path));
	for (int i = 0; i < LINKS_MAX; i++) {
		ssize_t len = readlink(w->target, link, sizeof(link) - 1);
		if (len < 0) {
			w->exists = lstat(w->target, &w->st) == 0;
			return w->exists || errno == ENOENT || file_failed(err, "write", w->path);
		}
		link[len] = '\0';
		auto_free char *parent = path_parent(w->target);
		auto_buf struct buf next = { 0 };
		buf_printf(
			&next, "%s%s%s", *link == '/' ? "" : parent, *link == '/' ? "" : "/", link);
		free(w->target);
		w->target = must(strdup(buf_text(&next)));
		if (next.len >= PATH_MAX || w->target[next.len - 1] == '/') {
			errno = next.len >= PATH_MAX ? ENAMETOOLONG : EISDIR;
			return file_failed(err, "write", w->path);
		}
	}
	errno = ELOOP;
	return file_failed(err, "write", w->path);
}

static bool open_existing(struct writing *w, struct err *err)
{
	struct stat st;
	w->fd = open_regular(AT_FDCWD, w->target, O_WRONLY | (w->how == FILE_APPEND ? O_APPEND : 0),
		w->path, &st, err);
	if (w->fd < 0) {
		return false;
	}
	bool empties = w->how == FILE_REPLACE || w->how == FILE_TRUNCATE;
	if (empties && st.st_size > 0 && ftruncate(w->fd, 0) < 0) {
		return file_failed(err, "write", w->path);
	}
	if (w->how == FILE_UPDATE && lseek(w->fd, w->offset, SEEK_SET) < 0) {
		return file_failed(err, "write", w->path);
	}
	return true;
}

static mode_t new_mode(const struct writing *w)
{
	return w->mode >= 0 ? (mode_t)w->mode : 0644;
}

static bool open_new(struct writing *w, struct err *err)
{
	w->fd = open(w->target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, new_mode(w));
	if (w->fd < 0) {
		return file_failed(err, "write", w->path);
	}
	w->created = true;
	fchmod(w->fd, new_mode(w)); /* whatever the umask is */
	return w->how != FILE_UPDATE || lseek(w->fd, w->offset, SEEK_SET) >= 0 ||
	       file_failed(err, "write", w->path);
}

static bool open_temporary(struct writing *w, struct err *err)
{
	w->temporary = tree_temporary(w->target);
	w->fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (w->fd < 0) {
		int sys = errno;
		free(take_ptr(&w->temporary));
		errno = sys;
		return file_failed(err, "write", w->path);
	}
	w->created = !w->exists;
	return true;
}

/* A file of another owner would become ours, and one in a directory that is not ours has no place
 * for another: these are written in place. */
static bool open_replacing(struct writing *w, struct err *err)
{
	struct stat st;
	if (w->exists) {
		w->old = open_regular(AT_FDCWD, w->target, O_WRONLY, w->path, &st, err);
		if (w->old < 0) {
			return false;
		}
	}
	if (w->exists && w->st.st_uid != geteuid()) {
		return open_existing(w, err);
	}
	if (open_temporary(w, err)) {
		return true;
	}
	/* Not on a full disk: the old contents would be lost. */
	bool refused =
		err->sys == EACCES || err->sys == EPERM || err->sys == EROFS || err->sys == ENOENT;
	return w->exists && refused && open_existing(w, err);
}

static bool open_it(struct writing *w, struct err *err)
{
	if (!find_target(w, err)) {
		return false;
	}
	if (w->exists && w->exclusive) {
		return file_refused(err, ERR_STATE, w->path, "exists already (EEXIST)");
	}
	if (!w->exists && w->parents && !tree_make_parent(w->target, err)) {
		return false;
	}
	bool ok = w->how == FILE_REPLACE ? open_replacing(w, err)
		  : w->exists            ? open_existing(w, err)
					 : open_new(w, err);
	if (ok) {
		err->kind = ERR_NONE; /* of a way that was tried first */
	}
	return ok;
}

/* ---- writing, in a thread ---- */

static bool write_out(struct writing *w, struct err *err)
{
	for (size_t at = 0; at < w->out.len;) {
		ssize_t n = write(w->fd, w->out.data + at, w->out.len - at);
		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return file_failed(err, "write", w->path);
		}
		at += (size_t)n;
		w->bytes += n;
	}
	return true;
}

static bool commit(struct writing *w, struct err *err)
{
	if (w->temporary && w->exists) {
		tree_copy_attributes(w->old, w->fd, &w->st, false);
	}
	if (w->temporary && !w->exists) {
		fchmod(w->fd, new_mode(w));
	}
	if (w->exists && w->mode >= 0 && fchmod(w->fd, (mode_t)w->mode) < 0) {
		return file_failed(err, "set the mode of", w->path);
	}
	if (w->xattrs && !attributes_replace(w->fd, w->xattrs, w->path, err)) {
		return false;
	}
	if (close(take_fd(&w->fd)) < 0) { /* some file systems write only now */
		return file_failed(err, "write", w->path);
	}
	if (w->temporary && !tree_put(w->temporary, w->target, !w->exclusive, w->path, err)) {
		return false;
	}
	w->committed = true;
	w->entry = file_entry_of(w->path, w->xattrs != NULL, err);
	return w->entry != NULL;
}

static void undo(struct file_job *job)
{
	struct writing *w = (struct writing *)job;
	if (w->fd >= 0) {
		close(take_fd(&w->fd));
	}
	if (!w->committed && w->temporary) {
		unlink(w->temporary);
	} else if (!w->committed && w->created) {
		unlink(w->target);
	}
}

static void step(struct file_job *job)
{
	struct writing *w = (struct writing *)job;
	bool ok = w->fd < 0        ? open_it(w, &job->err)
		  : w->out.len > 0 ? write_out(w, &job->err)
				   : commit(w, &job->err);
	if (!ok) {
		undo(job);
	}
}

/* ---- in the loop ---- */

static bool is_busy(const struct writing *w)
{
	return w->job.work || w->job.waits || w->job.cancelled;
}

static int on_idle(sd_event_source *source, void *data);

/* A step for each few bytes would cost more than their writing, so these wait until the loop has
 * nothing else to do. */
static bool waits_for_more(struct writing *w)
{
	if (w->ended || w->in.len >= BATCH) {
		return false;
	}
	if (!w->soon) {
		w->soon = loop_defer(w->job.agent->event, on_idle, w);
		sd_event_source_set_priority(w->soon, SD_EVENT_PRIORITY_IDLE);
	}
	return true;
}

static void start_step(struct writing *w)
{
	loop_drop(&w->soon);
	struct buf swap = w->out;
	w->out = w->in;
	w->in = swap;
	file_job_step(&w->job);
}

static void go_on(struct writing *w)
{
	bool has_work = w->ready && (w->in.len || w->ended);
	if (!is_busy(w) && has_work && !waits_for_more(w)) {
		start_step(w);
	}
}

static int on_idle(sd_event_source *source, void *data)
{
	struct writing *w = data;
	(void)source;
	loop_drop(&w->soon);
	if (!is_busy(w)) {
		start_step(w);
	}
	return 0;
}

static void stepped(struct file_job *job)
{
	struct writing *w = (struct writing *)job;
	if (job->err.kind != ERR_NONE) {
		file_job_fail(job, &job->err);
		return;
	}
	if (w->entry) {
		file_job_answer(job, &(struct msg_file_write_answer){ .entry = w->entry,
					     .bytes = w->bytes,
					     .created = w->created,
					     .in_place = !w->temporary });
		return;
	}
	if (!w->ready) {
		w->ready = request_send(job->req, &message_file_ready, NULL);
	}
	request_consumed(job->req, w->out.len);
	w->out.len = 0;
	go_on(w);
}

static void on_data(unsigned channel, const void *bytes, size_t len, void *data)
{
	struct writing *w = data;
	(void)channel;
	buf_append(&w->in, bytes, len);
	go_on(w);
}

static void on_ended(void *data)
{
	struct writing *w = data;
	w->ended = true;
	go_on(w);
}

static void writing_free(struct file_job *job)
{
	struct writing *w = (struct writing *)job;
	loop_drop(&w->soon);
	cleanup_close(&w->fd);
	cleanup_close(&w->old);
	free(w->path);
	free(w->target);
	free(w->temporary);
	buf_done(&w->in);
	buf_done(&w->out);
	json_decref(w->entry);
	json_decref(w->xattrs);
}

static const struct file_job_kind kind = {
	.size = sizeof(struct writing),
	.step = step,
	.stepped = stepped,
	.undo = undo,
	.free = writing_free,
};

static bool check_xattrs(const json_t *xattrs, struct err *err)
{
	const char *name;
	json_t *value;
	if (xattrs && !json_is_object(xattrs)) {
		return err_set(err, ERR_ARGUMENT, "'xattrs' must be an object of texts");
	}
	json_object_foreach((json_t *)xattrs, name, value)
	{
		if (strncmp(name, "user.", 5) != 0 || !name[5] || strlen(name) > NAME_MAX ||
			!json_is_string(value) ||
			json_string_length(value) > ATTRIBUTES_VALUE_MAX) {
			return err_set(err, ERR_ARGUMENT,
				"an attribute must have a name of at most %d bytes that begins with "
				"'user.', and a text of at most %d bytes; got '%.80s'",
				NAME_MAX, ATTRIBUTES_VALUE_MAX, name);
		}
	}
	return true;
}

static void run(struct request *req, const void *data)
{
	static const struct request_talk talk = { .data = on_data, .ended = on_ended };
	const struct msg_file_write *args = data;
	struct writing *w = file_job_new(req, &kind);
	struct err err;
	w->fd = w->old = -1;
	w->how = args->how;
	w->offset = args->offset;
	w->mode = args->mode;
	w->parents = args->parents;
	w->exclusive = args->exclusive;
	w->path = path_take(args->path, &err);
	if (!w->path || !check_xattrs(args->xattrs, &err) ||
		!request_converse(req, &talk, w, &err)) {
		file_job_fail(&w->job, &err);
		return;
	}
	w->xattrs = args->xattrs ? must(json_deep_copy(args->xattrs)) : NULL;
	file_job_step(&w->job);
}

const struct op op_file_write = {
	.message = &message_file_write,
	.run = run,
	.has_user = true,
};
