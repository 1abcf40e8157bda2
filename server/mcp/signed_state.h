#ifndef SERVER_MCP_SIGNED_STATE_H
#define SERVER_MCP_SIGNED_STATE_H

#include "base/buf.h"

/*
 * Texts a client keeps for us: it may read one, but one that was changed, or that was made for
 * something else or by another process, is not taken back.  A zeroed struct is ready.
 */
struct seal {
	uint8_t key[32];
	bool keyed; /* the key is made when it is first needed */
};

/* context: what the text belongs to, and must be opened with.  A text to free(). */
char *seal_make(struct seal *seal, const struct buf *context, const char *text);
/* The text inside of `sealed`, or NULL. */
const char *seal_open(struct seal *seal, const struct buf *context, const char *sealed);

#endif
