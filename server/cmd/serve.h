#ifndef SERVER_CMD_SERVE_H
#define SERVER_CMD_SERVE_H

#include "server/mcp/server.h"

/* `vitrine serve` with additional tools and methods (NULL: none), for tests of clients.  argv[0] is
 * skipped, options follow; returns the exit status. */
int serve_run(int argc, char **argv, const struct server_addition *addition);

#endif
