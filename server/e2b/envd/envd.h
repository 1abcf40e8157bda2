#ifndef SERVER_E2B_ENVD_ENVD_H
#define SERVER_E2B_ENVD_ENVD_H

#include "server/e2b/core/request.h"

/* envd, the service at port 49983 of each sandbox: processes, the file system, /files, users. */
void e2b_envd_run(struct e2b_request *r);

/* Ends what it keeps for sandboxes: the watchers.  After the last request. */
void e2b_envd_done(struct e2b *e2b);

/* Whether the query of x, a request for /files, has a signature that this access token makes right.
 * Signed URLs name no sandbox: the router tries each. */
bool e2b_envd_is_signed(const struct http_exchange *x, const char *access_token);

#endif
