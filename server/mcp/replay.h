#ifndef SERVER_MCP_REPLAY_H
#define SERVER_MCP_REPLAY_H

#include "base/budget.h"
#include "base/buf.h"
#include "transport/mcp/transport.h"

#include <sys/queue.h>

/*
 * What a session sent on streams that a client may resume: a bounded number of messages, the oldest
 * forgotten first.  An id is "STREAM-NUMBER"; numbers count through the session.
 */

TAILQ_HEAD(replay_list, replay_event);

/* What all replays of a principal share. */
struct replay_share {
	struct budget *budget; /* its memory's; NULL: no limit */
	size_t bytes;
};

struct replay {
	struct replay_list events;
	size_t count, bytes;
	struct replay_share *share;
	uint64_t last; /* the last number given */
};

#define REPLAY_ID_MAX 40
struct replay_id {
	unsigned stream;
	uint64_t number;
};

void replay_init(struct replay *replay, struct replay_share *share);
void replay_done(struct replay *replay);
/* An id for something that is not kept. */
void replay_number(struct replay *replay, unsigned stream, char ret_id[REPLAY_ID_MAX]);
/* Keeps a copy, if there is room: where others of the principal keep a lot, nothing is kept. */
void replay_keep(struct replay *replay, unsigned stream, const struct buf *message,
	char ret_id[REPLAY_ID_MAX]);
bool replay_parse(const char *text, struct replay_id *ret_id);
/* Sends what followed on the same stream; returns how many messages. */
size_t replay_send(
	const struct replay *replay, const struct replay_id *after, struct transport_conn *wire);
/* Forgets what is older. */
void replay_forget(struct replay *replay, uint64_t before_us);

#endif
