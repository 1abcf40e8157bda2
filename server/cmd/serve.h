#ifndef SERVER_CMD_SERVE_H
#define SERVER_CMD_SERVE_H

#include "server/mcp/server.h"

/* `vitrine serve` with more to offer (NULL: nothing), for programs that test clients.  argv[0] is
 * skipped, options follow; returns the exit status. */
int serve_run(int argc, char **argv, const struct server_addition *addition);

#endif
