#ifndef SERVER_E2B_ROUTER_H
#define SERVER_E2B_ROUTER_H

#include "server/e2b/core/request.h"

/* Routes requests of this listener; e2b outlives its exchanges. */
void e2b_router_use(struct http *http, struct e2b *e2b);

/* Ends what is open on sandboxes that have ended or are paused.  Called when one's state has
 * changed. */
void e2b_router_cut(struct e2b *e2b, const struct vm *vm);

#endif
