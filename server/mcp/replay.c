#include "server/mcp/replay.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EVENTS_MAX 256
#define BYTES_MAX (4u << 20)
#define SHARED_MAX (24u << 20) /* the rest of the budget is for requests and responses */

struct replay_event {
	TAILQ_ENTRY(replay_event) link;
	unsigned stream;
	uint64_t number, sent_us;
	size_t len;
	char text[];
};

void replay_init(struct replay *replay, struct replay_share *share)
{
	*replay = (struct replay){ .share = share };
	TAILQ_INIT(&replay->events);
}

static void forget_first(struct replay *replay)
{
	struct replay_event *event = TAILQ_FIRST(&replay->events);
	TAILQ_REMOVE(&replay->events, event, link);
	replay->count--;
	replay->bytes -= event->len;
	replay->share->bytes -= event->len;
	budget_give(replay->share->budget, event->len);
	free(event);
}

void replay_done(struct replay *replay)
{
	while (replay->count > 0) {
		forget_first(replay);
	}
}

void replay_forget(struct replay *replay, uint64_t before_us)
{
	while (replay->count > 0 && TAILQ_FIRST(&replay->events)->sent_us < before_us) {
		forget_first(replay);
	}
}

/* ---- ids ---- */

static void write_id(unsigned stream, uint64_t number, char ret_id[REPLAY_ID_MAX])
{
	snprintf(ret_id, REPLAY_ID_MAX, "%u-%" PRIu64, stream, number);
}

void replay_number(struct replay *replay, unsigned stream, char ret_id[REPLAY_ID_MAX])
{
	write_id(stream, ++replay->last, ret_id);
}

bool replay_parse(const char *text, struct replay_id *ret_id)
{
	struct replay_id id;
	char again[REPLAY_ID_MAX];
	if (strnlen(text, REPLAY_ID_MAX) == REPLAY_ID_MAX ||
		sscanf(text, "%10u-%19" SCNu64, &id.stream, &id.number) != 2) {
		return false;
	}
	write_id(id.stream, id.number, again);
	*ret_id = id;
	return strcmp(text, again) == 0;
}

/* ---- events ---- */

/* Drops old messages as necessary; false: this would not be enough. */
static bool make_room(struct replay *replay, size_t len)
{
	struct replay_share *share = replay->share;
	while (replay->count > 0 &&
		(replay->count >= EVENTS_MAX || replay->bytes + len > BYTES_MAX ||
			share->bytes + len > SHARED_MAX)) {
		forget_first(replay);
	}
	return share->bytes + len <= SHARED_MAX && budget_take(share->budget, len);
}

void replay_keep(struct replay *replay, unsigned stream, const struct buf *message,
	char ret_id[REPLAY_ID_MAX])
{
	replay_number(replay, stream, ret_id);
	if (!make_room(replay, message->len)) {
		return;
	}
	struct replay_event *event = must(malloc(sizeof(*event) + message->len + 1));
	*event = (struct replay_event){ .stream = stream,
		.number = replay->last,
		.sent_us = loop_now_us(),
		.len = message->len };
	memcpy(event->text, buf_text(message), message->len + 1);
	TAILQ_INSERT_TAIL(&replay->events, event, link);
	replay->count++;
	replay->bytes += event->len;
	replay->share->bytes += event->len;
}

size_t replay_send(
	const struct replay *replay, const struct replay_id *after, struct transport_conn *wire)
{
	size_t n = 0;
	const struct replay_event *event;
	TAILQ_FOREACH(event, &replay->events, link)
	{
		if (event->stream == after->stream && event->number > after->number) {
			char id[REPLAY_ID_MAX];
			write_id(event->stream, event->number, id);
			wire->transport->http->send_event(wire, id, event->text, event->len, 0);
			n++;
		}
	}
	return n;
}
