#ifndef TRANSPORT_MCP_HTTP_SSE_H
#define TRANSPORT_MCP_HTTP_SSE_H

#include "transport/http/http.h"
#include "transport/mcp/transport.h"

/*
 * HTTP+SSE (MCP 2024-11-05, basic/transports): GET /sse opens a stream whose first event has the
 * URL for POSTs, /messages?sessionId=...  For the server it is one duplex connection, like stdio.
 */
struct sse;
struct sse *sse_new(struct http *http, const struct transport_handlers *handlers, void *data);
/* No callbacks are called.  Not from inside one; the http must be freed next.  NULL-safe. */
void sse_free(struct sse *sse);

#endif
