#ifndef TRANSPORT_RFB_WEBSOCKET_PROXY_H
#define TRANSPORT_RFB_WEBSOCKET_PROXY_H

#include "transport/http/http.h"
#include "transport/rfb/filter.h"

/*
 * One viewer of a desktop: a WebSocket on the one side, on the other a pipe to the desktop's VNC
 * server, which the caller has, and between the two what this viewer may say (filter.h).  A
 * viewer that reads slowly takes no more than what its pipe lets through at once.
 */

struct stream_socket;

/* How a stream reaches its pipe.  What comes from the pipe is given to the stream_pipe_*()
 * functions below. */
struct stream_pipe {
	/* Returns how much was taken; after less than all of it, stream_pipe_writable() follows. */
	size_t (*write)(void *pipe, const void *bytes, size_t len);
	/* So much of what stream_pipe_data() brought has reached the viewer. */
	void (*consumed)(void *pipe, size_t len);
	/* Not used any more; what was written still arrives. */
	void (*close)(void *pipe);
};

/* Why a viewer is closed, told to its page as the WebSocket's code; the reason beside it is for
 * people. */
enum stream_code {
	STREAM_ENDED = 4000,   /* the VNC server closed: another connection may work at once */
	STREAM_REVOKED = 4001, /* somebody took this link back */
	STREAM_EXPIRED = 4002,
	STREAM_PAUSED = 4003,    /* the sandbox is, until it is resumed */
	STREAM_GONE = 4004,      /* the sandbox is, for good */
	STREAM_NOT_READY = 4005, /* it is starting, or its X server is: try again */
	STREAM_NO_WINDOW = 4006, /* the one window that this link shows was closed */
};

struct stream_counts {
	uint64_t bytes_in, bytes_out; /* from and to the viewer, of RFB */
	size_t pending;               /* bytes to the viewer, not yet written */
	struct rfb_counts messages;   /* of the viewer's */
};

/* Answers x; NULL when it was refused.  Nothing of the viewer's is read before stream_attach(). */
struct stream_socket *stream_new(struct http_exchange *x, enum rfb_policy policy,
	void (*closed)(struct stream_socket *stream, unsigned code, const char *reason, void *data),
	void *data);
/*
 * closed fires once, from the loop, when the viewer is gone, whoever wanted that: code is one of
 * the above or of transport/http/websocket.h, reason the words.  What it held down was released and its pipe
 * closed by then; the stream must not be used any more.
 */

void stream_attach(struct stream_socket *stream, const struct stream_pipe *ops, void *pipe);
void stream_pipe_data(struct stream_socket *stream, const void *bytes, size_t len);
void stream_pipe_writable(struct stream_socket *stream);
/* The pipe is over, and not used or closed any more; the viewer is told why. */
void stream_pipe_ended(struct stream_socket *stream, enum stream_code code, const char *reason);

/* What a viewer who loses control holds down is released first. */
void stream_set_policy(struct stream_socket *stream, enum rfb_policy policy);
/* At once nothing of the viewer's arrives any more; closed() follows within a second or so. */
void stream_kick(struct stream_socket *stream, unsigned code, const char *reason);
struct stream_counts stream_counts(const struct stream_socket *stream);

#endif
