#ifndef TRANSPORT_STDIO_H
#define TRANSPORT_STDIO_H

#include "transport/transport.h"

/*
 * MCP over stdin and stdout: one JSON message a line (MCP 2026-07-28, basic/transports/stdio).  A line may be
 * TRANSPORT_MESSAGE_MAX bytes long; a longer one is refused once and skipped to its end.  Works on pipes, sockets, terminals,
 * regular files and /dev/null.
 */
struct stdio;

/* in and out stay the caller's.  drained fires once when input has ended (EOF, closed) AND finish() was called AND output is written. */
struct stdio *stdio_new(sd_event *event, int in, int out, const struct transport_handlers *handlers, void *data);
void stdio_free(struct stdio *stdio);

#endif
