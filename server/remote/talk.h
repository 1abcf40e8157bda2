#ifndef SERVER_REMOTE_TALK_H
#define SERVER_REMOTE_TALK_H

#include "base/id.h"
#include "transport/http/http.h"
#include "vm/core/vm.h"

/* A sandbox as a client names it. */
struct remote_place {
	struct vm_pool *vms;
	const char *owner; /* NULL: of any */
	char id[ID_LEN + 1];
};
struct vm *remote_find(const struct remote_place *place, struct err *err) NODISCARD;

/* Answers x with a WebSocket for one operation of the sandbox's agent.  A client that leaves cancels
 * its operation.  place is copied; the pool must outlive the listener's exchanges. */
void remote_talk_accept(struct http_exchange *x, const struct remote_place *place);

#endif
