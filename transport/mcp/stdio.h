#ifndef TRANSPORT_MCP_STDIO_H
#define TRANSPORT_MCP_STDIO_H

#include "transport/mcp/transport.h"

/*
 * MCP over stdin and stdout: one JSON message a line (MCP 2026-07-28, basic/transports/stdio).  A
 * line may be TRANSPORT_MESSAGE_MAX bytes long; a longer one is refused once and skipped to its
 * end.  Works on pipes, sockets, terminals, regular files and /dev/null.
 */
struct stdio;

/* in and out stay the caller's.  opened() fires inside stdio_new().  EOF on in is ended(); a broken
 * out is closed(). */
struct stdio *stdio_new(
	sd_event *event, int in, int out, const struct transport_handlers *handlers, void *data);
/* Without any callback; what is still queued is lost.  Not from inside a callback, but for
 * closed().  NULL-safe. */
void stdio_free(struct stdio *stdio);

#endif
