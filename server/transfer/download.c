/*
 * The agent sends bytes as long as they are reported as consumed: at once while few wait for the
 * client, otherwise when the client has read them.  A range needs the size of the file, so the file is
 * opened once more for it.
 */
#include "server/transfer/download.h"

#include "server/transfer/disposition.h"
#include "server/transfer/media_type.h"
#include "server/transfer/selection.h"

#include "base/cleanup.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define UNREAD_MAX (512u << 10) /* bytes for the client, before the agent has to wait */

struct download {
	struct http_exchange *x;
	struct guest *guest;
	struct conversation *c; /* NULL: it has ended, or is not needed */
	char *path, *user, *name, *type;
	bool privileged;
	transfer_failed_fn *failed;
	void *data;
	size_t owed; /* bytes of the agent not reported as consumed */
	struct selection part;
	struct selection_file file; /* when it was opened first */
	bool began;                 /* the head was sent */
	bool sizeless;              /* its size is not known: it is empty or of the kernel */
	bool finished;              /* nothing more is sent */
};

static void fail(struct download *d, int status, const struct err *err)
{
	d->finished = true;
	conversation_close(take_ptr(&d->c));
	d->failed(d->x, status, err, d->data);
}

/* ---- the head ---- */

static void begin(struct download *d, int status, int64_t length)
{
	auto_buf struct buf disposition = { 0 };
	disposition_write(&disposition, d->name);
	http_set_header(d->x, "Content-Disposition", buf_text(&disposition));
	/* A page from a sandbox must not act as one of this server. */
	http_set_header(d->x, "Content-Security-Policy", "sandbox");
	http_set_header(d->x, "X-Content-Type-Options", "nosniff");
	d->began = true;
	http_stream_begin(d->x, status, d->type ? d->type : media_type_of(d->name), length);
}

static void finish_without_body(struct download *d)
{
	d->finished = true;
	conversation_close(take_ptr(&d->c));
}

static void say_unchanged(struct download *d)
{
	finish_without_body(d);
	http_reply(d->x, 304, NULL, NULL, 0);
}

static void say_outside(struct download *d, int64_t size)
{
	struct err err;
	char range[48];
	snprintf(range, sizeof(range), "bytes */%" PRId64, size);
	http_set_header(d->x, "Content-Range", range);
	err_set(&err, ERR_ARGUMENT,
		"the file has %" PRId64 " bytes, and the range is outside of it", size);
	fail(d, 416, &err);
}

static void set_range(struct download *d, const struct selection_file *file)
{
	char range[80];
	snprintf(range, sizeof(range), "bytes %" PRId64 "-%" PRId64 "/%" PRId64, d->part.from,
		d->part.from + d->part.length - 1, file->size);
	http_set_header(d->x, "Content-Range", range);
}

static void describe(struct download *d, const struct selection_file *file)
{
	char tag[SELECTION_TAG_LEN], date[SELECTION_DATE_LEN];
	selection_tag(file, tag);
	http_set_header(d->x, "ETag", tag);
	if (selection_date(file, date)) {
		http_set_header(d->x, "Last-Modified", date);
	}
	http_set_header(d->x, "Accept-Ranges", "bytes");
	http_set_header(d->x, "Cache-Control", "private, no-cache");
}

static bool is_head(const struct download *d)
{
	return strcmp(http_method(d->x), "HEAD") == 0;
}

static struct selection select_part(const struct download *d, const struct selection_file *file)
{
	const struct selection_headers headers = {
		.if_none_match = http_header(d->x, "If-None-Match"),
		.if_modified_since = http_header(d->x, "If-Modified-Since"),
		.range = is_head(d) ? NULL : http_header(d->x, "Range"),
		.if_range = http_header(d->x, "If-Range"),
	};
	return selection_of(&headers, file);
}

static void open_file(struct download *d, int64_t offset, int64_t length);

static void answer(struct download *d, const struct selection_file *file)
{
	describe(d, file);
	d->file = *file;
	d->part = select_part(d, file);
	switch (d->part.kind) {
	case SELECTION_ALL:
		begin(d, 200, file->size);
		break;
	case SELECTION_PART:
		set_range(d, file);
		conversation_close(take_ptr(&d->c));
		open_file(d, d->part.from, d->part.length);
		break;
	case SELECTION_UNCHANGED:
		say_unchanged(d);
		break;
	case SELECTION_OUTSIDE:
		say_outside(d, file->size);
		break;
	}
	if (d->began && is_head(d)) {
		finish_without_body(d);
	}
}

/* ---- the agent ---- */

/* The kernel's files have sizes that are not true. */
static bool is_sizeless(const struct msg_file_entry *entry)
{
	return entry->size == 0 || strncmp(entry->path, "/proc/", 6) == 0 ||
	       strncmp(entry->path, "/sys/", 5) == 0;
}

/* The second time. */
static void begin_part(struct download *d, const struct selection_file *file)
{
	struct err err;
	if (file->size == d->file.size && file->mtime_ns == d->file.mtime_ns) {
		begin(d, 206, d->part.length);
	} else {
		err_set(&err, ERR_STATE, "the file has changed meanwhile; try again");
		fail(d, transfer_status(&err), &err);
	}
}

static void on_opened(struct download *d, const struct msg_file_opened *opened)
{
	struct msg_file_entry entry = { 0 };
	struct err err;
	if (!guest_file_entry(opened->entry, &entry, &err)) {
		fail(d, 500, &err);
		return;
	}
	const struct selection_file file = { .size = entry.size, .mtime_ns = entry.mtime_ns };
	if (d->part.kind == SELECTION_PART) {
		begin_part(d, &file);
	} else if (is_sizeless(&entry)) {
		d->sizeless = true; /* its first bytes decide */
	} else {
		answer(d, &file);
	}
}

static void on_message(struct conversation *c, const struct message *message, const void *args,
	size_t cost, void *data)
{
	struct download *d = data;
	(void)message;
	conversation_consumed(c, cost);
	if (!d->began && !d->sizeless) {
		on_opened(d, args);
	}
}

static void on_data(
	struct conversation *c, unsigned channel, const void *bytes, size_t len, void *data)
{
	struct download *d = data;
	(void)channel;
	if (d->sizeless && !d->began) {
		begin(d, 200, -1);
	}
	http_stream_write(d->x, bytes, len);
	if (http_stream_pending(d->x) <= UNREAD_MAX) {
		conversation_consumed(c, len);
	} else {
		d->owed += len;
	}
}

static void on_drained(struct http_exchange *x, void *data)
{
	struct download *d = data;
	size_t owed = d->owed;
	(void)x;
	d->owed = 0;
	if (d->c && owed) {
		conversation_consumed(d->c, owed);
	}
}

static void on_end(struct conversation *c, const void *result, const struct err *err, void *data)
{
	struct download *d = data;
	const struct msg_file_read_answer *read = result;
	struct err none;
	(void)c;
	d->c = NULL;
	if (d->began && (err || read->limited)) {
		http_stream_abort(d->x);
	} else if (err) {
		fail(d, transfer_status(err), err);
	} else if (d->began) {
		http_stream_end(
			d->x); /* if bytes of its length are missing, the connection closes */
	} else if (d->sizeless) {
		begin(d, 200, 0);
	} else {
		err_set(&none, ERR_HOST, "the agent has not described the file");
		fail(d, 500, &none);
	}
}

static void open_file(struct download *d, int64_t offset, int64_t length)
{
	static const struct conversation_handlers handlers = {
		.on_data = on_data,
		.on_message = on_message,
		.on_end = on_end,
	};
	const struct msg_file_read args = { .path = d->path,
		.user = d->user,
		.privileged = d->privileged,
		.offset = offset,
		.length = length };
	d->c = guest_file_read(d->guest, &args, &handlers, d);
}

/* ---- start and end ---- */

struct download *download_begin(
	struct http_exchange *x, struct guest *guest, const struct download_how *how, void *data)
{
	struct download *d = must(calloc(1, sizeof(*d)));
	const char *slash = strrchr(how->path, '/');
	d->x = x;
	d->guest = guest;
	d->path = must(strdup(how->path));
	d->privileged = how->privileged;
	d->user = how->user ? must(strdup(how->user)) : NULL;
	d->name = must(strdup(how->name ? how->name : slash ? slash + 1 : how->path));
	d->type = how->type ? must(strdup(how->type)) : NULL;
	d->failed = how->failed;
	d->data = data;
	http_stream_on_drained(x, on_drained, d);
	if (utf8_is_valid((const uint8_t *)d->path, strlen(d->path))) {
		open_file(d, 0, 0);
	} else {
		struct err err;
		err_set(&err, ERR_ARGUMENT, "a path must be UTF-8");
		fail(d, 400, &err);
	}
	return d;
}

void download_free(struct download *d)
{
	if (d) {
		conversation_close(d->c);
		free(d->path);
		free(d->user);
		free(d->name);
		free(d->type);
		free(d);
	}
}
