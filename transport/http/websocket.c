/*
 * A WebSocket on an upgraded connection.  An end is first recorded and then reported from the loop
 * (finish()), so each function here can be called from inside any callback.
 *
 * After a close frame of either side, no data is passed on.  What the client still sends is read
 * and dropped for a moment, because closing a socket with unread data would discard the reason in
 * transit.
 */
#include "transport/http/websocket.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/loop.h"
#include "transport/http/check.h"
#include "transport/http/http_impl.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <wslay/wslay.h>

#define KEY_BYTES 16
#define SHA1_BYTES 20
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 1.3 */
#define READ_TURN (64u << 10)
#define CLOSE_MS 1000    /* for the client's close */
#define PINGS_MAX 64     /* of the client's, unanswered: it must read before more are accepted */
#define UNANSWERED_MAX 2 /* pings of ours: then the client is gone */

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
	bool heard;          /* data came since the last tick */
	unsigned unanswered; /* pings of ours */
	bool closing;        /* either side has sent a close */
	bool lost;
	bool in_control; /* a control frame is being read */
	unsigned code;
	char reason[WEBSOCKET_REASON_MAX + 1];
	struct websocket_handlers handlers;
	void *data;
};

/* ---- end ---- */

static void ws_free(struct websocket *ws)
{
	loop_drop(&ws->io);
	loop_drop(&ws->tick);
	loop_drop(&ws->soon);
	wslay_event_context_free(ws->frames);
	free(ws);
}

static void finish(struct websocket *ws)
{
	loop_drop(&ws->io); /* the descriptor belongs to the exchange */
	http_on_closed(ws->x, NULL, NULL);
	ws->handlers.closed(ws, ws->code, ws->reason, ws->data);
	http_upgrade_end(ws->x);
	ws_free(ws);
}

static int on_finish(sd_event_source *source, void *data)
{
	(void)source;
	finish(data);
	return 0;
}

static int on_close_late(sd_event_source *source, uint64_t usec, void *data)
{
	(void)source;
	(void)usec;
	finish(data);
	return 0;
}

/* Only the first reason counts. */
static void note_end(struct websocket *ws, unsigned code, const char *reason)
{
	if (!ws->closing) {
		ws->closing = true;
		ws->code = code;
		snprintf(ws->reason, sizeof(ws->reason), "%s", reason);
		loop_drop(&ws->tick);
		ws->tick = loop_after_ms(ws->event, CLOSE_MS, on_close_late, ws);
	}
}

/* The connection is broken. */
static void lose(struct websocket *ws, const char *reason)
{
	note_end(ws, WEBSOCKET_LOST, reason);
	ws->lost = true;
	loop_drop(&ws->io);
	loop_drop(&ws->soon);
	ws->soon = loop_defer(ws->event, on_finish, ws);
}

/* The exchange has ended: the client disconnected before the response, or the server ends. */
static void on_x_closed(struct http_exchange *x, void *data)
{
	struct websocket *ws = data;
	(void)x;
	note_end(ws, ws->fd < 0 ? WEBSOCKET_LOST : WEBSOCKET_GOING_AWAY,
		"the server is shutting down");
	loop_drop(&ws->io);
	ws->handlers.closed(ws, ws->code, ws->reason, ws->data);
	ws_free(ws);
}

/* ---- writing ---- */

static ssize_t on_send(
	wslay_event_context_ptr frames, const uint8_t *bytes, size_t len, int flags, void *data)
{
	struct websocket *ws = data;
	ssize_t n = http_upgraded_send(ws->x, bytes, len, flags & WSLAY_MSG_MORE);
	if (n < 0) {
		bool later = errno == EAGAIN || errno == EINTR;
		wslay_event_set_error(
			frames, later ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
	}
	return n;
}

static void set_events(struct websocket *ws)
{
	bool reads = ws->closing || (!ws->paused && ws->pings < PINGS_MAX);
	uint32_t events =
		(reads ? EPOLLIN : 0) | (wslay_event_want_write(ws->frames) ? EPOLLOUT : 0);
	if (ws->io) {
		sd_event_source_set_io_events(ws->io, events);
	}
}

/* What is queued includes control frames, so this is what was certainly written. */
static void tell_sent(struct websocket *ws)
{
	size_t queued = wslay_event_get_queued_msg_length(ws->frames);
	size_t sent = queued < ws->unsent ? ws->unsent - queued : 0;
	ws->unsent -= sent;
	if (sent > 0 && !ws->closing) {
		ws->handlers.sent(ws, sent, ws->data);
	}
}

static void flush(struct websocket *ws)
{
	if (ws->fd < 0 || ws->lost) {
		return;
	}
	bool broken = wslay_event_send(ws->frames) != 0;
	ws->behind = !http_upgraded_flush(ws->x);
	if (broken || (ws->behind && errno != EAGAIN)) {
		lose(ws, "the connection broke");
		return;
	}
	if (!wslay_event_want_write(ws->frames) && !ws->behind) {
		ws->pings = 0;
	}
	if (!ws->behind && wslay_event_get_close_sent(ws->frames) &&
		wslay_event_get_close_received(ws->frames)) {
		lose(ws, "");
		return;
	}
	set_events(ws);
	tell_sent(ws);
}

void websocket_send(struct websocket *ws, const void *bytes, size_t len)
{
	struct wslay_event_msg message = { WSLAY_BINARY_FRAME, bytes, len };
	if (ws->closing || len == 0) {
		return;
	}
	if (ws->unsent + len > WEBSOCKET_PENDING_MAX) {
		websocket_close(ws, WEBSOCKET_POLICY, "the client does not read");
		return;
	}
	if (wslay_event_queue_msg(ws->frames, &message) != 0) {
		abort(); /* out of memory */
	}
	ws->unsent += len;
	flush(ws);
}

size_t websocket_pending(const struct websocket *ws)
{
	return ws->unsent;
}

/* ---- reading ---- */

static ssize_t on_recv(
	wslay_event_context_ptr frames, uint8_t *to, size_t len, int flags, void *data)
{
	struct websocket *ws = data;
	(void)flags;
	bool may = ws->turn > 0 && (!ws->paused || ws->closing) && ws->pings < PINGS_MAX;
	ssize_t n = may ? http_upgraded_recv(ws->x, to, len) : -1;
	if (n > 0) {
		ws->heard = true;
		ws->turn -= (size_t)n < ws->turn ? (size_t)n : ws->turn;
		return n;
	}
	if (!may || (n < 0 && (errno == EAGAIN || errno == EINTR))) {
		wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	lose(ws, n == 0 ? "the client closed the connection" : "the connection broke");
	wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

static void on_frame(wslay_event_context_ptr frames,
	const struct wslay_event_on_frame_recv_start_arg *frame, void *data)
{
	struct websocket *ws = data;
	(void)frames;
	ws->in_control = wslay_is_ctrl_frame(frame->opcode);
	ws->pings += frame->opcode == WSLAY_PING;
	if (frame->opcode == WSLAY_TEXT_FRAME) {
		websocket_close(ws, WEBSOCKET_UNSUPPORTED, "only binary messages are supported");
	}
}

static void on_chunk(wslay_event_context_ptr frames,
	const struct wslay_event_on_frame_recv_chunk_arg *chunk, void *data)
{
	struct websocket *ws = data;
	(void)frames;
	if (!ws->closing && !ws->in_control && chunk->data_length > 0) {
		ws->handlers.data(ws, chunk->data, chunk->data_length, ws->data);
	}
}

static void on_message(wslay_event_context_ptr frames,
	const struct wslay_event_on_msg_recv_arg *message, void *data)
{
	struct websocket *ws = data;
	(void)frames;
	if (message->opcode == WSLAY_CONNECTION_CLOSE) {
		char reason[WEBSOCKET_REASON_MAX + 1] = "";
		if (message->msg_length > 2) {
			snprintf(reason, sizeof(reason), "%.*s", (int)message->msg_length - 2,
				(const char *)message->msg + 2);
		}
		note_end(ws, message->status_code ? message->status_code : WEBSOCKET_NO_CODE,
			reason);
	}
}

/* libwslay has queued a close, or it is a framing error that it leaves to the caller. */
static void fail_protocol(struct websocket *ws)
{
	wslay_event_queue_close(ws->frames, WEBSOCKET_PROTOCOL, (const uint8_t *)"", 0);
	note_end(ws, WEBSOCKET_PROTOCOL, "the client violated the protocol");
}

/* After the last valid frame: drops all data until the client closes. */
static void discard(struct websocket *ws)
{
	uint8_t bytes[4096];
	ssize_t n;
	while (ws->turn > 0 && (n = http_upgraded_recv(ws->x, bytes, sizeof(bytes))) > 0) {
		ws->turn -= (size_t)n < ws->turn ? (size_t)n : ws->turn;
	}
	if (ws->turn > 0 && (n == 0 || (errno != EAGAIN && errno != EINTR))) {
		lose(ws, "");
	}
}

static void read_some(struct websocket *ws);

/* Data is buffered, or reading was resumed. */
static int on_soon(sd_event_source *source, void *data)
{
	struct websocket *ws = data;
	(void)source;
	loop_drop(&ws->soon);
	read_some(ws);
	return 0;
}

static void read_soon(struct websocket *ws)
{
	if (!ws->soon && ws->fd >= 0 && !ws->lost) {
		ws->soon = loop_defer(ws->event, on_soon, ws);
	}
}

static void read_some(struct websocket *ws)
{
	ws->turn = READ_TURN;
	if (!wslay_event_want_read(ws->frames)) {
		discard(ws);
	} else if (wslay_event_recv(ws->frames) != 0 && !ws->lost) {
		fail_protocol(ws);
	} else if (!wslay_event_want_read(ws->frames) && !ws->closing) {
		fail_protocol(ws);
	}
	if (!ws->lost) {
		flush(ws);
	}
	if (!ws->lost && !ws->paused && http_upgraded_has_more(ws->x)) {
		read_soon(ws);
	}
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct websocket *ws = data;
	(void)source;
	(void)fd;
	if (events & EPOLLOUT) {
		ws->heard = true; /* a full socket has room again: a slow client reads */
		flush(ws);
	}
	if (ws->lost) {
		return 0;
	}
	if (events & EPOLLIN) {
		read_some(ws);
	} else if (events & (EPOLLHUP | EPOLLERR)) {
		lose(ws, "the client closed the connection");
	}
	return 0;
}

void websocket_pause(struct websocket *ws, bool paused)
{
	bool resumed = ws->paused && !paused;
	ws->paused = paused;
	if (!ws->lost) {
		set_events(ws);
	}
	if (resumed) {
		read_soon(ws);
	}
}

/* ---- close and keep-alive ---- */

void websocket_close(struct websocket *ws, unsigned code, const char *reason)
{
	size_t len = strlen(reason);
	if (ws->closing) {
		return;
	}
	while (len > WEBSOCKET_REASON_MAX || (len > 0 && (reason[len] & 0xc0) == 0x80)) {
		len--; /* not in the middle of a character */
	}
	wslay_event_queue_close(ws->frames, (uint16_t)code, (const uint8_t *)reason, len);
	note_end(ws, code, reason);
	flush(ws);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *data)
{
	static const struct wslay_event_msg ping = { WSLAY_PING, NULL, 0 };
	struct websocket *ws = data;
	(void)usec;
	if (ws->heard || ws->paused) {
		ws->unanswered = 0;
	} else if (ws->unanswered == UNANSWERED_MAX) {
		lose(ws, "the client does not respond");
		return 0;
	}
	ws->unanswered += !ws->paused;
	ws->heard = false;
	uint64_t ms = (uint64_t)ws->x->http->options.ping_ms;
	sd_event_source_set_time(source, loop_now_us() + ms * 1000);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	if (wslay_event_get_queued_msg_count(ws->frames) == 0) {
		wslay_event_queue_msg(ws->frames, &ping);
		flush(ws);
	}
	return 0;
}

/* ---- start ---- */

static void on_open(struct http_exchange *x, int fd, void *data)
{
	struct websocket *ws = data;
	ws->fd = fd;
	ws->io = loop_add_io(ws->event, fd, EPOLLIN, on_io, ws);
	if (!ws->closing) {
		ws->tick =
			loop_after_ms(ws->event, (uint64_t)x->http->options.ping_ms, on_tick, ws);
	}
	flush(ws);
}

static void write_accept(const char *key, struct http_exchange *x)
{
	uint8_t digest[SHA1_BYTES];
	auto_buf struct buf text = { 0 };
	size_t len;
	buf_printf(&text, "%s%s", key, GUID);
	if (gnutls_hash_fast(GNUTLS_DIG_SHA1, text.data, text.len, digest) < 0) {
		abort(); /* always available */
	}
	auto_free char *accept = base64_encode(digest, sizeof(digest), &len);
	http_set_header(x, "Sec-WebSocket-Accept", accept);
}

static bool is_key(const char *key)
{
	size_t len = 0;
	auto_free void *bytes = key && strlen(key) == 24 ? base64_decode(key, &len) : NULL;
	return bytes && len == KEY_BYTES;
}

/* RFC 6455 4.2.1. */
static bool may_begin(struct http_exchange *x)
{
	const char *version = http_header(x, "Sec-WebSocket-Version");
	if (!http_has_word(http_header(x, "Upgrade"), "websocket") ||
		!http_has_word(http_header(x, "Connection"), "upgrade") || !version) {
		http_set_header(x, "Upgrade", "websocket");
		http_refuse(x, 426, "this path is a WebSocket");
	} else if (strcmp(version, "13") != 0) {
		http_set_header(x, "Sec-WebSocket-Version", "13");
		http_refuse(x, 426, "the WebSocket version must be 13");
	} else if (!is_key(http_header(x, "Sec-WebSocket-Key"))) {
		http_refuse(x, 400, "Sec-WebSocket-Key must be the base64 of 16 bytes");
	} else if (!http_is_same_origin(x)) {
		http_refuse(x, 403, "pages of this Origin may not open a WebSocket here");
	} else {
		return true;
	}
	return false;
}

static wslay_event_context_ptr new_frames(struct websocket *ws)
{
	static const struct wslay_event_callbacks callbacks = {
		.recv_callback = on_recv,
		.send_callback = on_send,
		.on_frame_recv_start_callback = on_frame,
		.on_frame_recv_chunk_callback = on_chunk,
		.on_msg_recv_callback = on_message,
	};
	wslay_event_context_ptr frames;
	if (wslay_event_context_server_init(&frames, &callbacks, ws) != 0) {
		abort(); /* out of memory */
	}
	wslay_event_config_set_no_buffering(frames, 1);
	wslay_event_config_set_max_recv_msg_length(frames, WEBSOCKET_FRAME_MAX);
	return frames;
}

struct websocket *websocket_accept(struct http_exchange *x, const char *protocol,
	const struct websocket_handlers *handlers, void *data)
{
	if (!may_begin(x)) {
		return NULL;
	}
	struct websocket *ws = must(calloc(1, sizeof(*ws)));
	ws->x = x;
	ws->event = http_event(x->http);
	ws->fd = -1;
	ws->frames = new_frames(ws);
	ws->handlers = *handlers;
	ws->data = data;
	http_set_header(x, "Upgrade", "websocket");
	write_accept(http_header(x, "Sec-WebSocket-Key"), x);
	if (http_has_word(http_header(x, "Sec-WebSocket-Protocol"), protocol)) {
		http_set_header(x, "Sec-WebSocket-Protocol", protocol);
	}
	http_on_closed(x, on_x_closed, ws);
	http_upgrade(x, on_open, ws);
	return ws;
}
