/* Lists a directory. */
#include "base/cleanup.h"
#include "vm/agent/files/entry.h"
#include "vm/agent/files/failure.h"
#include "vm/agent/files/path.h"
#include "vm/agent/files/stream.h"
#include "vm/agent/files/walk.h"

#include <errno.h>

struct list {
	struct file_stream stream; /* first */
	struct walk walk;
	struct file_entry entry;
	char *path;
	size_t depth;
	int64_t limit, entries;
	bool xattrs, began, limited;
};

static bool add_entry(struct list *list)
{
	struct walk *walk = &list->walk;
	if (list->entries == list->limit) {
		list->limited = true;
		return false;
	}
	if (!file_entry_read(
		    &list->entry, walk->dir, walk->name, buf_text(&walk->path), list->xattrs)) {
		if (errno != ENOENT) { /* it was removed meanwhile */
			walk_skip(walk, buf_text(&walk->path), NULL);
		}
		return true;
	}
	file_entry_add_line(&list->entry, &list->stream.out);
	list->entries++;
	walk->keep = (size_t)(list->limit - list->entries) + 1;
	if (list->entry.msg.type == FILE_DIRECTORY) {
		walk_enter(walk);
	}
	return true;
}

static void step(struct file_job *job)
{
	struct list *list = (struct list *)job;
	if (!list->began && !walk_begin(&list->walk, list->path, list->depth,
				    (size_t)list->limit + 1, &job->stop, &job->err)) {
		return;
	}
	list->began = true;
	while (!file_stream_is_full(&list->stream)) {
		if (!walk_next(&list->walk) || !add_entry(list)) {
			list->stream.complete = true;
			return;
		}
	}
}

static void answer(struct file_stream *stream)
{
	struct list *list = (struct list *)stream;
	const struct msg_file_list_answer said = {
		.entries = list->entries,
		.total = list->walk.total,
		.skipped = list->walk.skipped,
		.limited = list->limited,
		.note = list->walk.skipped ? list->walk.note : NULL,
	};
	file_job_answer(&stream->job, &said);
}

static void list_free(struct file_job *job)
{
	struct list *list = (struct list *)job;
	walk_done(&list->walk);
	file_entry_done(&list->entry);
	file_stream_done(&list->stream);
	free(list->path);
}

static const struct file_job_kind kind = {
	.size = sizeof(struct list),
	.step = step,
	.stepped = file_stream_stepped,
	.free = list_free,
};

static void run(struct request *req, const void *data)
{
	const struct msg_file_list *args = data;
	struct list *list = file_job_new(req, &kind);
	struct err err;
	list->path = path_take(args->path, &err);
	if (!list->path || !file_stream_open(&list->stream, &err)) {
		file_job_fail(&list->stream.job, &err);
		return;
	}
	list->stream.answer = answer;
	list->depth = (size_t)args->depth;
	list->limit = args->limit;
	list->xattrs = args->xattrs;
	file_job_step(&list->stream.job);
}

const struct op op_file_list = {
	.message = &message_file_list,
	.run = run,
	.has_user = true,
};
