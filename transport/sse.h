#ifndef TRANSPORT_SSE_H
#define TRANSPORT_SSE_H

#include "transport/http.h"

/*
 * HTTP+SSE (MCP 2024-11-05, basic/transports): GET /sse opens a stream whose first event names the place to POST messages to,
 * /messages?sessionId=...  To the server it is one duplex connection, like stdio.
 */
struct sse;
struct sse *sse_new(struct http *http, const struct transport_handlers *handlers, void *data);
void sse_free(struct sse *sse); /* before the http */

#endif
