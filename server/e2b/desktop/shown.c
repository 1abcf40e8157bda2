/*
 * A page of a stream: the program in the sandbox is asked what the stream is to be, and a stream of this
 * server is opened for the page.  It is kept until either of the two has ended.
 */
#include "server/e2b/desktop/desktop_impl.h"

#include "base/cleanup.h"
#include "server/e2b/ports/ports.h"
#include "vm/guest/guest.h"
#include "vm/wire/messages_windows.h"

#include <stdio.h>
#include <string.h>

#define EXPIRES_S 86400
#define LEFT_MAX 8 /* pages of a sandbox without a viewer; each has a connection to it */

struct shown {
	LIST_ENTRY(shown) link;
	struct e2b_desktops *all;
	struct e2b_request *r; /* NULL: answered */
	struct vm *vm;         /* while there is r */
	struct stand_in *stand_in;
	bool asking;         /* for the windows; it is freed then */
	uint64_t xid;        /* of the window that is to be shown; 0: the screen */
	char id[ID_LEN + 1]; /* of the stream; "": none yet */
	char *owner;
};

static void shown_free(struct shown *s)
{
	stand_in_close(take_ptr(&s->stand_in));
	if (s->all) {
		LIST_REMOVE(s, link);
		s->all = NULL;
	}
	if (!s->asking) {
		free(s->owner);
		free(s);
	}
}

/* Its request was answered, and it can be freed. */
static struct e2b_request *let_go(struct shown *s)
{
	struct e2b_request *r = take_ptr(&s->r);
	r->closed = NULL;
	r->data = NULL;
	return r;
}

static void on_request_closed(struct e2b_request *r)
{
	struct shown *s = r->data;
	s->r = NULL;
	shown_free(s);
}

static void fail(struct shown *s, int status, const char *why)
{
	struct e2b_request *r = let_go(s);
	e2b_fail(r, status, "%s", why);
	shown_free(s);
}

/* ---- the stream ---- */

static struct stream *stream_of(const struct shown *s)
{
	struct err ignored;
	return s->id[0] ? streams_find(s->all->streams, s->id, &ignored) : NULL;
}

/* Pages that were left are the first to end: the oldest of an owner, or of one sandbox, if there are more
 * than `most`. */
static bool end_one(
	const struct e2b_desktops *all, const char *owner, const struct vm *vm, size_t most)
{
	struct shown *s, *oldest = NULL;
	struct err ignored;
	size_t n = 0;
	LIST_FOREACH(s, &all->shown, link)
	{
		const struct stream *stream = stream_of(s);
		if (stream && stream->viewers == 0 && strcmp(s->owner, owner) == 0 &&
			(!vm || stream->vm == vm)) {
			oldest = s;
			n++;
		}
	}
	return n > most && streams_revoke(all->streams, owner, oldest->id, &ignored);
}

static const struct stream *open_stream(
	const struct shown *s, int64_t window, char ret_ticket[SECRET_LEN + 1], struct err *err)
{
	const char *view_only = http_query(s->r->x, "view_only");
	bool is_view = view_only && strcmp(view_only, "true") == 0;
	struct streams *streams = s->all->streams;
	const struct stream *stream;
	do {
		stream = streams_open(streams, s->vm, is_view ? STREAM_VIEW : STREAM_CONTROL,
			window, EXPIRES_S, ret_ticket, err);
	} while (!stream && err->kind == ERR_LIMIT && end_one(s->all, s->owner, NULL, 0));
	return stream;
}

static void show(struct shown *s, int64_t window)
{
	char ticket[SECRET_LEN + 1], to[sizeof("/s//#") + ID_LEN + SECRET_LEN];
	struct err err;
	const struct stream *stream = open_stream(s, window, ticket, &err);
	if (!stream) {
		fail(s, 503, err.text);
		return;
	}
	memcpy(s->id, stream->id, sizeof(s->id));
	(void)!end_one(s->all, s->owner, s->vm, LEFT_MAX);
	struct e2b_request *r = let_go(s);
	snprintf(to, sizeof(to), "/s/%s/#%s", stream->id, ticket);
	http_set_header(r->x, "Location", to);
	e2b_reply_empty(r, 303);
	explicit_bzero(ticket, sizeof(ticket));
	explicit_bzero(to, sizeof(to));
}

/* ---- its window ---- */

static void on_windows(const json_t *result, const struct err *err, void *data)
{
	struct shown *s = data;
	size_t i;
	json_t *row;
	s->asking = false;
	if (!s->all) {
		shown_free(s);
		return;
	}
	json_array_foreach(json_object_get(result, "windows"), i, row)
	{
		if ((uint64_t)json_integer_value(json_object_get(row, "xid")) == s->xid) {
			show(s, json_integer_value(json_object_get(row, "id")));
			return;
		}
	}
	fail(s, 404, err ? err->text : "the stream's window has been closed");
}

static void on_told(const char *password, const char *window, void *data)
{
	struct shown *s = data;
	const char *given = http_query(s->r->x, "password");
	if (password && (!given || !secret_equal(password, given))) {
		fail(s, 401, "the stream has a password, which the URL must contain: password=...");
		return;
	}
	s->xid = window ? strtoull(window, NULL, 0) : 0;
	if (s->xid) {
		s->asking = true;
		guest_windows(vm_guest(s->vm), on_windows, s);
	} else {
		show(s, 0);
	}
}

/* A paused sandbox keeps its program, and so its streams. */
static void on_stand_in_ended(const struct err *why, void *data)
{
	struct shown *s = data;
	struct err ignored;
	s->stand_in = NULL;
	if (s->r && why->kind == ERR_NOT_FOUND) { /* as for any port */
		struct e2b_request *r = let_go(s);
		shown_free(s);
		e2b_ports_run(r);
	} else if (s->r) {
		fail(s, 502, why->text);
	} else {
		if (why->kind != ERR_GONE) {
			(void)!streams_revoke(s->all->streams, s->owner, s->id, &ignored);
		}
		shown_free(s);
	}
}

/* ---- all of them ---- */

void shown_begin(struct e2b_desktops *all, struct e2b_request *r)
{
	static const struct stand_in_fns fns = { on_told, on_stand_in_ended };
	struct shown *s = must(calloc(1, sizeof(*s)));
	s->all = all;
	s->r = r;
	s->vm = r->vm;
	s->owner = must(strdup(vm_owner(r->vm)));
	r->data = s;
	r->closed = on_request_closed;
	LIST_INSERT_HEAD(&all->shown, s, link);
	s->stand_in = stand_in_open(vm_guest(r->vm), &fns, s);
}

void shown_stream_ended(struct e2b_desktops *all, const struct stream *stream)
{
	struct shown *s;
	LIST_FOREACH(s, &all->shown, link)
	{
		if (strcmp(s->id, stream->id) == 0) {
			shown_free(s);
			return;
		}
	}
}

void shown_free_all(struct e2b_desktops *all)
{
	while (!LIST_EMPTY(&all->shown)) {
		shown_free(LIST_FIRST(&all->shown));
	}
}
