/*
 * A WebSocket on an upgraded connection.  An end is first recorded and then reported from the loop
 * (finish()), so each function here can be called from inside any callback.
 *
 * After a close frame of either side, no data is passed on.  What the client still sends is read
 * and dropped for a moment, because closing a socket with unread data would discard the reason in
 * transit.
 */
#include "transport/http/websocket_impl.h"

#include "base/cleanup.h"
#include "base/loop.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#define CLOSE_MS 1000    /* for the client's close */
#define UNANSWERED_MAX 2 /* pings of ours: then the client is gone */

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
void websocket_note_end(struct websocket *ws, unsigned code, const char *reason)
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
void websocket_lose(struct websocket *ws, const char *reason)
{
	websocket_note_end(ws, WEBSOCKET_LOST, reason);
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
	websocket_note_end(ws, ws->fd < 0 ? WEBSOCKET_LOST : WEBSOCKET_GOING_AWAY,
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

void websocket_set_events(struct websocket *ws)
{
	bool reads = ws->closing || (!ws->paused && ws->pings < WEBSOCKET_PINGS_MAX);
	uint32_t events =
		(reads ? EPOLLIN : 0) | (wslay_event_want_write(ws->frames) ? EPOLLOUT : 0);
	if (ws->io) {
		sd_event_source_set_io_events(ws->io, events);
	}
}

/* What is queued includes control frames, so this is what was certainly written. */
static void notify_sent(struct websocket *ws)
{
	size_t queued = wslay_event_get_queued_msg_length(ws->frames);
	size_t sent = queued < ws->unsent ? ws->unsent - queued : 0;
	ws->unsent -= sent;
	if (sent > 0 && !ws->closing) {
		ws->handlers.sent(ws, sent, ws->data);
	}
}

void websocket_flush(struct websocket *ws)
{
	if (ws->fd < 0 || ws->lost) {
		return;
	}
	bool broken = wslay_event_send(ws->frames) != 0;
	ws->behind = !http_upgraded_flush(ws->x);
	if (broken || (ws->behind && errno != EAGAIN)) {
		websocket_lose(ws, "the connection broke");
		return;
	}
	if (!wslay_event_want_write(ws->frames) && !ws->behind) {
		ws->pings = 0;
	}
	if (!ws->behind && wslay_event_get_close_sent(ws->frames) &&
		wslay_event_get_close_received(ws->frames)) {
		websocket_lose(ws, "");
		return;
	}
	websocket_set_events(ws);
	notify_sent(ws);
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
	websocket_flush(ws);
}

size_t websocket_pending(const struct websocket *ws)
{
	return ws->unsent;
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
	websocket_note_end(ws, code, reason);
	websocket_flush(ws);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *data)
{
	static const struct wslay_event_msg ping = { WSLAY_PING, NULL, 0 };
	struct websocket *ws = data;
	(void)usec;
	if (ws->received || ws->paused) {
		ws->unanswered = 0;
	} else if (ws->unanswered == UNANSWERED_MAX) {
		websocket_lose(ws, "the client does not respond");
		return 0;
	}
	ws->unanswered += !ws->paused;
	ws->received = false;
	uint64_t ms = (uint64_t)ws->x->http->options.ping_ms;
	sd_event_source_set_time(source, loop_now_us() + ms * 1000);
	sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	if (wslay_event_get_queued_msg_count(ws->frames) == 0) {
		wslay_event_queue_msg(ws->frames, &ping);
		websocket_flush(ws);
	}
	return 0;
}

/* ---- start ---- */

static int on_io(sd_event_source *source, int fd, uint32_t events, void *data)
{
	struct websocket *ws = data;
	(void)source;
	(void)fd;
	if (events & EPOLLOUT) {
		ws->received = true; /* a full socket has room again: a slow client reads */
		websocket_flush(ws);
	}
	if (ws->lost) {
		return 0;
	}
	if (events & EPOLLIN) {
		websocket_read(ws);
	} else if (events & (EPOLLHUP | EPOLLERR)) {
		websocket_lose(ws, "the client closed the connection");
	}
	return 0;
}

static void on_open(struct http_exchange *x, int fd, void *data)
{
	struct websocket *ws = data;
	ws->fd = fd;
	ws->io = loop_add_io(ws->event, fd, EPOLLIN, on_io, ws);
	if (!ws->closing) {
		ws->tick =
			loop_after_ms(ws->event, (uint64_t)x->http->options.ping_ms, on_tick, ws);
	}
	websocket_flush(ws);
}

static wslay_event_context_ptr new_frames(struct websocket *ws)
{
	static const struct wslay_event_callbacks callbacks = {
		.recv_callback = websocket_on_recv,
		.send_callback = on_send,
		.on_frame_recv_start_callback = websocket_on_frame,
		.on_frame_recv_chunk_callback = websocket_on_chunk,
		.on_msg_recv_callback = websocket_on_message,
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
	if (!websocket_may_begin(x)) {
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
	websocket_write_accept(x);
	if (http_has_word(http_header(x, "Sec-WebSocket-Protocol"), protocol)) {
		http_set_header(x, "Sec-WebSocket-Protocol", protocol);
	}
	http_on_closed(x, on_x_closed, ws);
	http_upgrade(x, on_open, ws);
	return ws;
}
