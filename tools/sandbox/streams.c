/*
 * The registry of streams.  A stream that ends is removed immediately, so that it can no longer be
 * found; its viewers are notified from the loop, and then it is freed.
 */

#include "tools/sandbox/streams.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"

#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

#define STREAMS_MAX_OF_ONE 100

const char *const stream_mode_names[] = { "view", "control", NULL };

struct entry {
	struct stream stream; /* first */
	TAILQ_ENTRY(entry) link;
	struct streams *streams;
	char ticket[SECRET_LEN + 1]; /* "" once it was used */
	char cookie[SECRET_LEN + 1];
	int64_t ticket_ends;
	sd_event_source *expiry;
	char why[200]; /* it has ended */
};
TAILQ_HEAD(entries, entry);

struct streams {
	sd_event *event;
	struct vm_pool *vms;
	struct entries live, ended;
	size_t count;
	sd_event_source *notify;
	struct listeners listeners;
};

struct streams *streams_new(sd_event *event, struct vm_pool *vms)
{
	struct streams *streams = must(calloc(1, sizeof(*streams)));
	streams->event = sd_event_ref(event);
	streams->vms = vms;
	TAILQ_INIT(&streams->live);
	TAILQ_INIT(&streams->ended);
	return streams;
}

/* ---- ending ---- */

static void entry_free(struct entry *entry)
{
	loop_drop(&entry->expiry);
	free((char *)entry->stream.owner);
	explicit_bzero(entry->ticket, sizeof(entry->ticket));
	explicit_bzero(entry->cookie, sizeof(entry->cookie));
	free(entry);
}

static int on_notify(sd_event_source *source, void *data)
{
	struct streams *streams = data;
	struct entry *entry;
	(void)source;
	loop_drop(&streams->notify);
	while ((entry = TAILQ_FIRST(&streams->ended))) {
		TAILQ_REMOVE(&streams->ended, entry, link);
		LISTENERS_NOTIFY(
			&streams->listeners, struct streams_fns, ended, &entry->stream, entry->why);
		entry_free(entry);
	}
	return 0;
}

static void end(struct entry *entry, const char *why)
{
	struct streams *streams = entry->streams;
	log_info("stream=%s ended: %s", entry->stream.id, why);
	snprintf(entry->why, sizeof(entry->why), "%s", why);
	loop_drop(&entry->expiry);
	TAILQ_REMOVE(&streams->live, entry, link);
	TAILQ_INSERT_TAIL(&streams->ended, entry, link);
	streams->count--;
	if (!streams->notify) {
		streams->notify = loop_defer(streams->event, on_notify, streams);
	}
}

void streams_free(struct streams *streams)
{
	if (!streams) {
		return;
	}
	struct entry *entry;
	streams_finish(streams, "the server is shutting down");
	loop_drop(&streams->notify);
	while ((entry = TAILQ_FIRST(&streams->ended))) {
		TAILQ_REMOVE(&streams->ended, entry, link);
		entry_free(entry);
	}
	sd_event_unref(streams->event);
	free(streams);
}

struct listeners *streams_listeners(struct streams *streams)
{
	return &streams->listeners;
}

static int on_expiry(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	end(data, "it has expired");
	return 0;
}

/* ---- creation ---- */

static bool may_open(struct streams *streams, const char *owner, struct err *err)
{
	size_t own = 0;
	while (streams_at(streams, owner, own)) {
		own++;
	}
	if (own >= STREAMS_MAX_OF_ONE || streams->count >= STREAMS_MAX) {
		return err_set(err, ERR_LIMIT,
			"stream limit reached (%zu). End one first (stream_revoke)", own);
	}
	return true;
}

const struct stream *streams_open(struct streams *streams, struct vm *vm, enum stream_mode mode,
	int64_t window, int64_t expires_s, char ret_ticket[SECRET_LEN + 1], struct err *err)
{
	const char *owner = vm_owner(vm);
	if (!may_open(streams, owner, err)) {
		return NULL;
	}
	struct entry *entry = must(calloc(1, sizeof(*entry)));
	struct stream *stream = &entry->stream;
	id_make(stream->id);
	stream->owner = must(strdup(owner));
	stream->vm = vm;
	stream->mode = mode;
	stream->window = window;
	stream->created = clock_wall_ms();
	stream->expires = stream->created + expires_s * 1000;
	entry->streams = streams;
	entry->ticket_ends = stream->created + STREAM_TICKET_SECONDS * 1000;
	secret_make(entry->ticket);
	memcpy(ret_ticket, entry->ticket, sizeof(entry->ticket));
	entry->expiry = loop_after_ms(streams->event, (uint64_t)expires_s * 1000, on_expiry, entry);
	TAILQ_INSERT_TAIL(&streams->live, entry, link);
	streams->count++;
	return stream;
}

/* ---- finding ---- */

const struct stream *streams_at(struct streams *streams, const char *owner, size_t i)
{
	struct entry *entry;
	TAILQ_FOREACH(entry, &streams->live, link)
	{
		if (strcmp(entry->stream.owner, owner) == 0 && i-- == 0) {
			return &entry->stream;
		}
	}
	return NULL;
}

struct stream *streams_find(struct streams *streams, const char *id, struct err *err)
{
	struct entry *entry;
	TAILQ_FOREACH(entry, &streams->live, link)
	{
		if (strcmp(entry->stream.id, id) == 0) {
			return &entry->stream;
		}
	}
	err_set(err, ERR_NOT_FOUND,
		"no such stream: it was revoked, has expired, or its sandbox has ended");
	return NULL;
}

/* ---- ending on request ---- */

bool streams_revoke(struct streams *streams, const char *owner, const char *id, struct err *err)
{
	struct stream *stream = streams_find(streams, id, err);
	if (!stream || strcmp(stream->owner, owner) != 0) {
		return err_set(err, ERR_NOT_FOUND,
			"you have no stream '%.40s'; stream_list lists your streams", id);
	}
	end((struct entry *)stream, "it was revoked");
	return true;
}

void streams_end_all(struct streams *streams, const struct vm *vm, const char *why)
{
	struct entry *entry = TAILQ_FIRST(&streams->live);
	while (entry) {
		struct entry *next = TAILQ_NEXT(entry, link);
		if (entry->stream.vm == vm) {
			end(entry, why);
		}
		entry = next;
	}
}

void streams_finish(struct streams *streams, const char *why)
{
	struct entry *entry;
	while ((entry = TAILQ_FIRST(&streams->live))) {
		end(entry, why);
	}
}

/* ---- authorization ---- */

bool streams_redeem(struct streams *streams, struct stream *stream, const char *ticket,
	char ret_cookie[SECRET_LEN + 1], struct err *err)
{
	struct entry *entry = (struct entry *)stream;
	(void)streams;
	if (entry->cookie[0] && !entry->ticket[0]) {
		return err_set(err, ERR_STATE,
			"this link was already used in another browser. Request a new link");
	}
	if (clock_wall_ms() > entry->ticket_ends) {
		return err_set(err, ERR_STATE,
			"this link was not opened within %d minutes. Request a new link",
			STREAM_TICKET_SECONDS / 60);
	}
	if (!secret_equal(entry->ticket, ticket)) {
		return err_set(err, ERR_STATE,
			"this link is incomplete. Open the full link, including the part after "
			"\"#\"");
	}
	explicit_bzero(entry->ticket, sizeof(entry->ticket));
	secret_make(entry->cookie);
	memcpy(ret_cookie, entry->cookie, sizeof(entry->cookie));
	return true;
}

bool streams_admits(const struct stream *stream, const char *cookie)
{
	const struct entry *entry = (const struct entry *)stream;
	return entry->cookie[0] && secret_equal(entry->cookie, cookie);
}
