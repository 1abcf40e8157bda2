#ifndef SERVER_REMOTE_TALK_H
#define SERVER_REMOTE_TALK_H

#include "server/remote/place.h"
#include "transport/http/http.h"

/* Answers x with a WebSocket for one operation of the sandbox's agent.  A client that leaves cancels
 * its operation.  place is copied; the pool must outlive the listener's exchanges. */
void remote_talk_accept(struct http_exchange *x, const struct remote_place *place);

#endif
