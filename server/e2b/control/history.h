#ifndef SERVER_E2B_CONTROL_HISTORY_H
#define SERVER_E2B_CONTROL_HISTORY_H

#include "server/e2b/core/request.h"

/*
 * What happened to sandboxes: samples of their use, every five seconds, of those that this API has
 * created, and a log of all.  Both are bounded and end with the sandbox or the server.
 */
struct e2b_history;

struct e2b_history *e2b_history_new(struct e2b *e2b);
void e2b_history_free(struct e2b_history *history); /* NULL-safe; before the pool */

#endif
