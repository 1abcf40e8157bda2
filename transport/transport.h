#ifndef TRANSPORT_TRANSPORT_H
#define TRANSPORT_TRANSPORT_H

#include "base/err.h"

#include <stddef.h>
#include <systemd/sd-event.h>

/*
 * Whole messages in and out.  A transport knows no MCP method: it hands each message to its handlers and sends what it is
 * given.  A connection is a place answers go to; the server keeps what it needs to know about it in conn->data.
 */

struct transport_conn;

struct transport_handlers {
	void (*opened)(struct transport_conn *conn, void *data);
	/* One message: text is NUL-ended at len; valid during the callback. */
	void (*message)(struct transport_conn *conn, const char *text, size_t len, void *data);
	/* A message that could not be taken (too long, not UTF-8 ...): the server answers with a JSON-RPC error. */
	void (*refused)(struct transport_conn *conn, const struct err *why, void *data);
	/* Nobody reads answers any more.  conn is freed after this returns. */
	void (*closed)(struct transport_conn *conn, void *data);
};

/* How a transport sends; conn is embedded in the transport's own struct. */
struct transport_conn {
	const struct transport *transport;
	void *data; /* the server's */
};

struct transport {
	const char *name;
	/* Queues one message (without a line end); copies. */
	void (*send)(struct transport_conn *conn, const char *text, size_t len);
	/* Bytes queued and not yet taken by the other side: the server holds back when it grows. */
	size_t (*pending)(const struct transport_conn *conn);
	/* Stop or go on reading messages (back pressure). */
	void (*pause)(struct transport_conn *conn, bool paused);
};

#define TRANSPORT_MESSAGE_MAX (8u << 20) /* bytes of one message */

#endif
