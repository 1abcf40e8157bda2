#ifndef SERVER_MCP_SIGNED_STATE_H
#define SERVER_MCP_SIGNED_STATE_H

#include "base/buf.h"

/*
 * Signed texts that a client stores for the server.  The client can read them, but one that was
 * modified, created for another context or by another process is refused.  A zeroed struct is
 * valid.
 */
struct state_key {
	uint8_t key[32];
	bool keyed; /* the key is generated on first use */
};

/* context: what the text is bound to; needed to open it.  Returns a text to free(). */
char *signed_state_make(struct state_key *state_key, const struct buf *context, const char *text);
/* Returns the text inside `sealed`, or NULL. */
const char *signed_state_open(
	struct state_key *state_key, const struct buf *context, const char *signed_state);

#endif
