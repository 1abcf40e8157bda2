#ifndef SERVER_E2B_PORTS_PORTS_H
#define SERVER_E2B_PORTS_PORTS_H

#include "server/e2b/core/request.h"

/* Any other port of a sandbox: HTTP and WebSockets are passed to that port inside it. */
void e2b_ports_run(struct e2b_request *r);

#endif
