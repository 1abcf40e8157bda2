#ifndef TRANSPORT_MCP_TRANSPORT_H
#define TRANSPORT_MCP_TRANSPORT_H

#include "base/err.h"

#include <stddef.h>
#include <systemd/sd-event.h>

/*
 * Complete messages in and out.  A transport does not know MCP methods: it passes each message to
 * its handlers and sends what it is given.  A connection is a destination of responses; the server
 * stores its own data about it in conn->data.
 */

struct transport_conn;

struct transport_handlers {
	void (*opened)(struct transport_conn *conn, void *data);
	/* One message.  text has a NUL at len and is valid during the callback. */
	void (*message)(struct transport_conn *conn, const char *text, size_t len, void *data);
	/* For large messages, all or none are set: parse runs in a thread and accesses only the
	 * text; then parsed() is called instead of message(), or drop() if conn has closed. */
	void *(*parse)(const char *text, size_t len);
	void (*parsed)(struct transport_conn *conn, void *result, void *data);
	void (*drop)(void *result);
	/* An unreadable message (too long, not UTF-8 ...): the server responds with a JSON-RPC
	 * error. */
	void (*refused)(struct transport_conn *conn, const struct err *why, void *data);
	/* No more messages will come (EOF); responses can still be sent.  The handler must call
	 * transport->close(), now or later. */
	void (*ended)(struct transport_conn *conn, void *data);
	/* All data was sent.  Called from the loop, only after pending() was not 0. */
	void (*drained)(struct transport_conn *conn, void *data);
	/* The client has disconnected, or everything was written after close().  Called once, from
	 * the loop; conn must not be used after it returns. */
	void (*closed)(struct transport_conn *conn, void *data);
};

/* A connection, embedded in the transport's struct. */
struct transport_conn {
	const struct transport *transport;
	const char *owner; /* the principal: "stdio", or a token's name; lives as long as conn */
	void *data;        /* the server's */
};

/* The purpose of a connection.  Stdio and HTTP+SSE (2024-11-05) are duplex: any number of messages
 * in both directions. */
enum transport_kind {
	TRANSPORT_DUPLEX,
	TRANSPORT_POST,   /* one message in; its response out, then close() */
	TRANSPORT_STREAM, /* a GET: nothing in, messages out */
	TRANSPORT_DELETE, /* no messages, only a status */
};

/*
 * Functions of Streamable HTTP only.  A POST that is closed without a message is answered by its
 * status (default 202).  opened() is called for each connection; for TRANSPORT_STREAM and
 * TRANSPORT_DELETE it must send or close.
 */
struct transport_http {
	enum transport_kind (*kind)(const struct transport_conn *conn);
	/* A request header's value without surrounding white space; NULL if absent.  Names ignore
	 * case. */
	const char *(*header)(const struct transport_conn *conn, const char *name);
	/* Both must be called before the first message is sent. */
	void (*set_status)(struct transport_conn *conn, int status);
	void (*set_header)(
		struct transport_conn *conn, const char *name, const char *value); /* copies */
	/* Sends one event of an SSE stream with its id; text NULL: only the id ("prime").  retry_ms
	 * 0: none.  Opens the stream, which is the only effect if id is NULL, too. */
	void (*send_event)(struct transport_conn *conn, const char *id, const char *text,
		size_t len, unsigned retry_ms);
	/* Whether the client accepts a stream (its Accept header). */
	bool (*takes_stream)(const struct transport_conn *conn);
};

struct transport {
	const char *name;
	const struct transport_http *http; /* NULL: a duplex transport */
	/* Queues one message (without a line end); copies. */
	void (*send)(struct transport_conn *conn, const char *text, size_t len);
	/* Queues the last message and closes.  If a POST has sent nothing before, this is plain
	 * JSON, not a stream.  NULL for duplex transports. */
	void (*finish)(struct transport_conn *conn, const char *text, size_t len);
	/* Bytes queued and not yet sent; the server sends less if it grows. */
	size_t (*pending)(const struct transport_conn *conn);
	/* Pauses or resumes reading (back pressure).  While paused, message() is not called, not
	 * even for messages that were already read.  May be called from inside message(). */
	void (*pause)(struct transport_conn *conn, bool paused);
	/* Stops reading, sends what is queued, then calls closed() from the loop. */
	void (*close)(struct transport_conn *conn);
};

#define TRANSPORT_MESSAGE_MAX (8u << 20) /* bytes of one message */

#endif
