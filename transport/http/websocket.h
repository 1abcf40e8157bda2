#ifndef TRANSPORT_HTTP_WEBSOCKET_H
#define TRANSPORT_HTTP_WEBSOCKET_H

#include "transport/http/http.h"

/*
 * The server's end of a WebSocket (RFC 6455) for a byte stream: binary messages whose boundaries
 * have no meaning.  libwslay handles the frames.  Pings keep the connection open; a client that
 * answers no two of them in a row, and sends and takes nothing else, is lost.
 */

struct websocket;

struct websocket_handlers {
	/* Data was received. */
	void (*data)(struct websocket *ws, const void *bytes, size_t len, void *data);
	/* len bytes of the data sent were written to the socket. */
	void (*sent)(struct websocket *ws, size_t len, void *data);
	/* The connection has ended, with our code or the client's (WEBSOCKET_LOST: no close frame).
	 * Called once, from the loop; ws must not be used after it returns. */
	void (*closed)(struct websocket *ws, unsigned code, const char *reason, void *data);
};

/* Codes of RFC 6455 7.4.1; 4000 to 4999 belong to the caller. */
enum {
	WEBSOCKET_DONE = 1000,
	WEBSOCKET_GOING_AWAY = 1001,
	WEBSOCKET_PROTOCOL = 1002,
	WEBSOCKET_UNSUPPORTED = 1003,
	WEBSOCKET_NO_CODE = 1005, /* the client closed without a code */
	WEBSOCKET_LOST = 1006,
	WEBSOCKET_POLICY = 1008,
	WEBSOCKET_ERROR = 1011,
};

#define WEBSOCKET_FRAME_MAX (1u << 20)   /* bytes of one frame of the client */
#define WEBSOCKET_PENDING_MAX (1u << 20) /* bytes sent and not yet written */
#define WEBSOCKET_REASON_MAX 123         /* in bytes; a longer one is cut */

/*
 * Answers x, a GET, with 101, or with an error and returns NULL.  A page of another origin is
 * refused.  protocol is the supported subprotocol, selected if the client offers it.  Data sent
 * before the client has received the response is queued.
 */
struct websocket *websocket_accept(struct http_exchange *x, const char *protocol,
	const struct websocket_handlers *handlers, void *data);
/* Queues a message; copies.  Callers limit themselves by waiting for sent(): more than
 * WEBSOCKET_PENDING_MAX unwritten bytes close the connection. */
void websocket_send(struct websocket *ws, const void *bytes, size_t len);
size_t websocket_pending(const struct websocket *ws);
/* Stops or resumes reading.  Some KiB that were already read may still be delivered. */
void websocket_pause(struct websocket *ws, bool paused);
/* Sends the reason and closes.  No data is passed on from now; closed() follows within a second. */
void websocket_close(struct websocket *ws, unsigned code, const char *reason);

#endif
