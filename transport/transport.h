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
	/* No more messages will come (EOF); answers can still be sent.  The handler must end in transport->close(), now or later. */
	void (*ended)(struct transport_conn *conn, void *data);
	/* Everything sent has been taken by the other side; from the loop, only after pending() was not 0. */
	void (*drained)(struct transport_conn *conn, void *data);
	/* Nobody reads answers any more, or everything was written after close().  Fires once, from the loop; conn must
	 * not be used once this has returned. */
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
	/* Stop or go on reading messages (back pressure).  Once paused not one more message() comes, not even one that was
	 * read already; may be called from inside message(). */
	void (*pause)(struct transport_conn *conn, bool paused);
	/* Nothing more will be sent: reads no more, writes what is queued, then closed() fires (from the loop). */
	void (*close)(struct transport_conn *conn);
};

#define TRANSPORT_MESSAGE_MAX (8u << 20) /* bytes of one message */

#endif
