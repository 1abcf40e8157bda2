#ifndef TRANSPORT_RFB_WEBSOCKET_PROXY_H
#define TRANSPORT_RFB_WEBSOCKET_PROXY_H

#include "transport/http/http.h"

/*
 * One viewer of a desktop: a WebSocket, and the caller's pipe to the desktop's RFB server, which reads
 * the viewer's messages and decides which of them have an effect.  A viewer that reads slowly receives
 * no more than its pipe permits, and no more is read of one than its pipe accepts.
 */

struct stream_socket;

/* How a stream accesses its pipe.  The owner of the pipe passes its data to the stream_pipe_*()
 * functions below. */
struct stream_pipe {
	/* Returns the number of bytes written; if not all, stream_pipe_writable() follows. */
	size_t (*write)(void *pipe, const void *bytes, size_t len);
	/* len bytes of stream_pipe_data() were written to the viewer. */
	void (*consumed)(void *pipe, size_t len);
	/* The pipe is not used afterwards; data written before is still delivered. */
	void (*close)(void *pipe);
};

/* Why a viewer is closed: the WebSocket close code for its page.  The reason sent with it is for
 * users. */
enum stream_code {
	STREAM_ENDED = 4000,   /* the RFB server closed: a new connection may work immediately */
	STREAM_REVOKED = 4001, /* the link was revoked */
	STREAM_EXPIRED = 4002,
	STREAM_PAUSED = 4003,    /* the sandbox is paused */
	STREAM_GONE = 4004,      /* the sandbox has ended */
	STREAM_NOT_READY = 4005, /* the sandbox or its X server is starting: try again */
	STREAM_NO_WINDOW = 4006, /* the window of this link was closed */
	STREAM_NO_SOUND = 4007,  /* the desktop has no sound server */
};

struct stream_counts {
	uint64_t bytes_in, bytes_out; /* of RFB, from and to the viewer */
	size_t pending;               /* bytes to the viewer, not yet written */
};

/* Answers x; NULL if it was refused.  Nothing is read from the viewer before stream_attach(). */
struct stream_socket *stream_new(struct http_exchange *x,
	void (*closed)(struct stream_socket *stream, unsigned code, const char *reason, void *data),
	void *data);
/*
 * closed is called once, from the loop, when the viewer has been closed by either side: code is one
 * of the above or of transport/http/websocket.h, reason its text.  The pipe is closed by then; the
 * stream must not be used afterwards.
 */

void stream_attach(struct stream_socket *stream, const struct stream_pipe *ops, void *pipe);
void stream_pipe_data(struct stream_socket *stream, const void *bytes, size_t len);
void stream_pipe_writable(struct stream_socket *stream);
/* The pipe has ended; it is not used or closed afterwards.  The viewer receives the reason.  code: one
 * of the above or of transport/http/websocket.h. */
void stream_pipe_ended(struct stream_socket *stream, unsigned code, const char *reason);

/* Drops the viewer's input immediately; closed() follows within about a second. */
void stream_kick(struct stream_socket *stream, unsigned code, const char *reason);
struct stream_counts stream_counts(const struct stream_socket *stream);

#endif
