#ifndef SERVER_MCP_REPLAY_H
#define SERVER_MCP_REPLAY_H

#include "base/budget.h"
#include "base/buf.h"
#include "transport/mcp/transport.h"

#include <sys/queue.h>

/*
 * Messages that a session sent on resumable streams: a bounded number, the oldest dropped first.
 * An id is "STREAM-NUMBER"; numbers count through the session.
 */

TAILQ_HEAD(replay_list, replay_event);

/* Shared by all replays of a principal. */
struct replay_share {
	struct budget *budget; /* of memory; NULL: no limit */
	size_t bytes;
};

struct replay {
	struct replay_list events;
	size_t count, bytes;
	struct replay_share *share;
	uint64_t last; /* the last number assigned */
};

#define REPLAY_ID_MAX 40
struct replay_id {
	unsigned stream;
	uint64_t number;
};

void replay_init(struct replay *replay, struct replay_share *share);
void replay_done(struct replay *replay);
/* Creates an id for a message that is not kept. */
void replay_number(struct replay *replay, unsigned stream, char ret_id[REPLAY_ID_MAX]);
/* Stores a copy if there is room; the principal's other sessions may use all of it. */
void replay_keep(struct replay *replay, unsigned stream, const struct buf *message,
	char ret_id[REPLAY_ID_MAX]);
bool replay_parse(const char *text, struct replay_id *ret_id);
/* Sends what followed on the same stream; returns the number of messages. */
size_t replay_send(
	const struct replay *replay, const struct replay_id *after, struct transport_conn *wire);
/* Drops older messages. */
void replay_forget(struct replay *replay, uint64_t before_us);

#endif
