#ifndef TRANSPORT_MCP_HTTP_SSE_H
#define TRANSPORT_MCP_HTTP_SSE_H

#include "transport/http/http.h"
#include "transport/mcp/transport.h"

/*
 * HTTP+SSE (MCP 2024-11-05, basic/transports): GET /sse opens a stream whose first event names the
 * place to POST messages to, /messages?sessionId=...  To the server it is one duplex connection,
 * like stdio.
 */
struct sse;
struct sse *sse_new(struct http *http, const struct transport_handlers *handlers, void *data);
/* Without any callback.  Not from inside one; the http is freed next.  NULL-safe. */
void sse_free(struct sse *sse);

#endif
