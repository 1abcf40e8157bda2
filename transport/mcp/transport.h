#ifndef TRANSPORT_MCP_TRANSPORT_H
#define TRANSPORT_MCP_TRANSPORT_H

#include "base/err.h"

#include <stddef.h>
#include <systemd/sd-event.h>

/*
 * Whole messages in and out.  A transport knows no MCP method: it hands each message to its
 * handlers and sends what it is given.  A connection is a place answers go to; the server keeps
 * what it needs to know about it in conn->data.
 */

struct transport_conn;

struct transport_handlers {
	void (*opened)(struct transport_conn *conn, void *data);
	/* One message: text is NUL-ended at len; valid during the callback. */
	void (*message)(struct transport_conn *conn, const char *text, size_t len, void *data);
	/* For a large message, all or none: parse runs in a thread and touches nothing but the
	 * text; then parsed() comes instead of message(), or drop() when conn has closed. */
	void *(*parse)(const char *text, size_t len);
	void (*parsed)(struct transport_conn *conn, void *result, void *data);
	void (*drop)(void *result);
	/* A message that could not be taken (too long, not UTF-8 ...): the server answers with a
	 * JSON-RPC error. */
	void (*refused)(struct transport_conn *conn, const struct err *why, void *data);
	/* No more messages will come (EOF); answers can still be sent.  The handler must end in
	 * transport->close(), now or later. */
	void (*ended)(struct transport_conn *conn, void *data);
	/* Everything sent has been taken by the other side; from the loop, only after pending() was
	 * not 0. */
	void (*drained)(struct transport_conn *conn, void *data);
	/* Nobody reads answers any more, or everything was written after close().  Fires once, from
	 * the loop; conn must not be used once this has returned. */
	void (*closed)(struct transport_conn *conn, void *data);
};

/* How a transport sends; conn is embedded in the transport's own struct. */
struct transport_conn {
	const struct transport *transport;
	const char *owner; /* the principal behind it: "stdio", or a token's name; lives as long as
			      conn */
	void *data;        /* the server's */
};

/* What a connection is for.  Stdio and HTTP+SSE (2024-11-05) are duplex: many messages in, many
 * out. */
enum transport_kind {
	TRANSPORT_DUPLEX,
	TRANSPORT_POST,   /* one message in; what answers it out, then close() */
	TRANSPORT_STREAM, /* a GET: nothing in, messages out */
	TRANSPORT_DELETE, /* nothing in or out but a status */
};

/*
 * What only Streamable HTTP has.  A POST that is closed without a message sent is answered by its
 * status alone (202 when none was set).  opened() fires for each; for TRANSPORT_STREAM and
 * TRANSPORT_DELETE the server decides there.
 */
struct transport_http {
	enum transport_kind (*kind)(const struct transport_conn *conn);
	/* A request header's value without white space around it; NULL when absent.  Names ignore
	 * case. */
	const char *(*header)(const struct transport_conn *conn, const char *name);
	/* Both before the first message is sent. */
	void (*set_status)(struct transport_conn *conn, int status);
	void (*set_header)(
		struct transport_conn *conn, const char *name, const char *value); /* copies */
	/* One event of an SSE stream, with its id; text NULL: the id alone ("prime").  retry_ms 0:
	 * none.  Opens the stream, and does no more when there is no id either. */
	void (*send_event)(struct transport_conn *conn, const char *id, const char *text,
		size_t len, unsigned retry_ms);
	/* Whether the client can read a stream (its Accept header). */
	bool (*takes_stream)(const struct transport_conn *conn);
};

struct transport {
	const char *name;
	const struct transport_http *http; /* NULL: a duplex transport */
	/* Queues one message (without a line end); copies. */
	void (*send)(struct transport_conn *conn, const char *text, size_t len);
	/* Queues the last one and closes: what a POST answers with when nothing was sent before is
	 * plain JSON, no stream. NULL on duplex transports. */
	void (*finish)(struct transport_conn *conn, const char *text, size_t len);
	/* Bytes queued and not yet taken by the other side: the server holds back when it grows. */
	size_t (*pending)(const struct transport_conn *conn);
	/* Stop or go on reading messages (back pressure).  Once paused not one more message()
	 * comes, not even one that was read already; may be called from inside message(). */
	void (*pause)(struct transport_conn *conn, bool paused);
	/* Nothing more will be sent: reads no more, writes what is queued, then closed() fires
	 * (from the loop). */
	void (*close)(struct transport_conn *conn);
};

#define TRANSPORT_MESSAGE_MAX (8u << 20) /* bytes of one message */

#endif
