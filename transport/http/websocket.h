#ifndef TRANSPORT_HTTP_WEBSOCKET_H
#define TRANSPORT_HTTP_WEBSOCKET_H

#include "transport/http/http.h"

/*
 * The server's end of a WebSocket (RFC 6455) that carries bytes: binary messages whose borders mean
 * nothing.  Frames are libwslay's; pings keep it alive and find out that the client is gone.
 */

struct websocket;

struct websocket_handlers {
	/* Bytes came. */
	void (*data)(struct websocket *ws, const void *bytes, size_t len, void *data);
	/* So many of the bytes sent were written to the socket. */
	void (*sent)(struct websocket *ws, size_t len, void *data);
	/* It is over, for this reason: its own code, or the client's (WEBSOCKET_LOST: it just
	 * went). Once, from the loop; ws must not be used once this has returned. */
	void (*closed)(struct websocket *ws, unsigned code, const char *reason, void *data);
};

/* Codes of RFC 6455 7.4.1; 4000 to 4999 are for the caller's own. */
enum {
	WEBSOCKET_DONE = 1000,
	WEBSOCKET_GOING_AWAY = 1001,
	WEBSOCKET_PROTOCOL = 1002,
	WEBSOCKET_UNSUPPORTED = 1003,
	WEBSOCKET_NO_CODE = 1005, /* the client closed without one */
	WEBSOCKET_LOST = 1006,
	WEBSOCKET_POLICY = 1008,
	WEBSOCKET_ERROR = 1011,
};

#define WEBSOCKET_FRAME_MAX (1u << 20)   /* bytes of one frame of the client's */
#define WEBSOCKET_PENDING_MAX (1u << 20) /* bytes sent and not yet written */
#define WEBSOCKET_REASON_MAX 123         /* bytes; a longer one is cut */

/*
 * Answers x, a GET: with 101, or with what is wrong with it, and then NULL.  A page of another
 * origin is refused.  protocol is the subprotocol we speak, taken if the client names it.  What is
 * sent before the client has the answer waits.
 */
struct websocket *websocket_accept(struct http_exchange *x, const char *protocol,
	const struct websocket_handlers *handlers, void *data);
/* Queues a message; copies.  Bounds itself by waiting for sent(): one that lets more than
 * WEBSOCKET_PENDING_MAX lie is closed. */
void websocket_send(struct websocket *ws, const void *bytes, size_t len);
size_t websocket_pending(const struct websocket *ws);
/* Stop or go on reading.  Some KiB that were read already may still come. */
void websocket_pause(struct websocket *ws, bool paused);
/* Says why, and closes: at once for what comes and goes; closed() follows within a second. */
void websocket_close(struct websocket *ws, unsigned code, const char *reason);

#endif
