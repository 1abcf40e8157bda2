#ifndef SERVER_E2B_ROUTER_H
#define SERVER_E2B_ROUTER_H

#include "server/e2b/core/request.h"

/* Routes requests of this listener; e2b outlives its exchanges. */
void e2b_router_use(struct http *http, struct e2b *e2b);

/* For struct http_options; data is the e2b.  The principal of a key, or the owner of the sandbox that
 * the request is about, to whom its costs are counted. */
const char *e2b_router_identify(struct http_exchange *x, void *data);

/* Ends what is open on sandboxes that have ended or are paused.  Called when one's state has
 * changed. */
void e2b_router_cut(struct e2b *e2b, const struct vm *vm);

#endif
