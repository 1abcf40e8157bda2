#ifndef TRANSPORT_MCP_STDIO_H
#define TRANSPORT_MCP_STDIO_H

#include "transport/mcp/transport.h"

/*
 * MCP over stdin and stdout: one JSON message per line (MCP 2026-07-28, basic/transports/stdio).  A
 * line may have TRANSPORT_MESSAGE_MAX bytes; a longer one is refused once and skipped to its end.
 * Works on pipes, sockets, terminals, regular files and /dev/null.
 */
struct stdio;

/* The caller keeps in and out.  opened() is called inside stdio_new().  EOF on in causes ended(), a
 * broken out causes closed(). */
struct stdio *stdio_new(
	sd_event *event, int in, int out, const struct transport_handlers *handlers, void *data);
/* No callbacks are called; queued data is lost.  Not from inside a callback, except closed().
 * NULL-safe. */
void stdio_free(struct stdio *stdio);

#endif
