#ifndef TRANSPORT_HTTP_WEBSOCKET_IMPL_H
#define TRANSPORT_HTTP_WEBSOCKET_IMPL_H

/* Within the WebSocket only. */
#include "transport/http/http_impl.h"
#include "transport/http/websocket.h"

#include <wslay/wslay.h>

#define WEBSOCKET_PINGS_MAX \
	64 /* of the client's, unanswered: it must read before more are accepted */

struct websocket {
	struct http_exchange *x;
	sd_event *event;
	int fd; /* -1: the client has not received the response yet */
	wslay_event_context_ptr frames;
	sd_event_source *io, *tick, *soon;
	struct buf early; /* data received with the request */
	size_t turn;      /* bytes that may still be read in this iteration */
	size_t unsent;    /* bytes of data that may be unwritten */
	unsigned pings;   /* of the client's, since everything was written */
	bool paused;
	bool behind;         /* the TLS session has bytes to write */
	bool received;       /* data came since the last tick */
	unsigned unanswered; /* pings of ours */
	bool closing;        /* either side has sent a close */
	bool lost;
	bool in_control; /* a control frame is being read */
	unsigned code;
	char reason[WEBSOCKET_REASON_MAX + 1];
	struct websocket_handlers handlers;
	void *data;
};

/* ---- websocket_handshake.c ---- */

/* Whether the request may become a WebSocket (RFC 6455 4.2.1); false: it has been refused. */
bool websocket_may_begin(struct http_exchange *x);
void websocket_write_accept(struct http_exchange *x);

/* ---- websocket.c ---- */

/* Only the first reason counts. */
void websocket_note_end(struct websocket *ws, unsigned code, const char *reason);
/* The connection is broken. */
void websocket_lose(struct websocket *ws, const char *reason);
void websocket_set_events(struct websocket *ws);
void websocket_flush(struct websocket *ws);

/* ---- websocket_read.c ---- */

/* At most one turn's bytes, then it continues from the loop. */
void websocket_read(struct websocket *ws);
/* Callbacks of libwslay. */
ssize_t websocket_on_recv(
	wslay_event_context_ptr frames, uint8_t *to, size_t len, int flags, void *data);
void websocket_on_frame(wslay_event_context_ptr frames,
	const struct wslay_event_on_frame_recv_start_arg *frame, void *data);
void websocket_on_chunk(wslay_event_context_ptr frames,
	const struct wslay_event_on_frame_recv_chunk_arg *chunk, void *data);
void websocket_on_message(wslay_event_context_ptr frames,
	const struct wslay_event_on_msg_recv_arg *message, void *data);

#endif
