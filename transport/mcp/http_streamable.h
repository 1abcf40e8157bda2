#ifndef TRANSPORT_MCP_HTTP_STREAMABLE_H
#define TRANSPORT_MCP_HTTP_STREAMABLE_H

#include "transport/http/http.h"
#include "transport/mcp/transport.h"

/*
 * Streamable HTTP (MCP 2025-03-26 to 2026-07-28, basic/transports/streamable-http): POST, GET and
 * DELETE on /mcp, each a separate connection for the server.
 */
struct streamable;
struct streamable *streamable_new(
	struct http *http, const struct transport_handlers *handlers, void *data);
/* No callbacks are called.  Not from inside one; the http must be freed next.  NULL-safe. */
void streamable_free(struct streamable *streamable);

#endif
