#ifndef SERVER_CLIENT_SESSION_H
#define SERVER_CLIENT_SESSION_H

#include "server/client/client.h"

/* A command whose stdin, stdout and stderr are ours. */
struct session {
	const char *name; /* of the subcommand */
	bool terminal;    /* its terminal is shown on ours, in raw mode */
	json_t *args;     /* of `exec`; taken */
	const struct buf *tail;
};
/* Returns the exit status: the command's, 128 + N after a signal N, 125 if it
 * could not be run. */
int session_run(
	const struct session *session, const struct remote_where *where, const char *sandbox);

#endif
