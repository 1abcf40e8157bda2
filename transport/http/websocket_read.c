/* What a WebSocket's client sends.  At most a turn's bytes are read before other connections. */
#include "transport/http/websocket_impl.h"

#include "base/loop.h"

#include <errno.h>
#include <stdio.h>

#define READ_TURN (64u << 10)

ssize_t websocket_on_recv(
	wslay_event_context_ptr frames, uint8_t *to, size_t len, int flags, void *data)
{
	struct websocket *ws = data;
	(void)flags;
	bool may = ws->turn > 0 && (!ws->paused || ws->closing) && ws->pings < WEBSOCKET_PINGS_MAX;
	ssize_t n = may ? http_upgraded_recv(ws->x, to, len) : -1;
	if (n > 0) {
		ws->received = true;
		ws->turn -= (size_t)n < ws->turn ? (size_t)n : ws->turn;
		return n;
	}
	if (!may || (n < 0 && (errno == EAGAIN || errno == EINTR))) {
		wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	websocket_lose(ws, n == 0 ? "the client closed the connection" : "the connection broke");
	wslay_event_set_error(frames, WSLAY_ERR_CALLBACK_FAILURE);
	return -1;
}

void websocket_on_frame(wslay_event_context_ptr frames,
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

void websocket_on_chunk(wslay_event_context_ptr frames,
	const struct wslay_event_on_frame_recv_chunk_arg *chunk, void *data)
{
	struct websocket *ws = data;
	(void)frames;
	if (!ws->closing && !ws->in_control && chunk->data_length > 0) {
		ws->handlers.data(ws, chunk->data, chunk->data_length, ws->data);
	}
}

void websocket_on_message(wslay_event_context_ptr frames,
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
		websocket_note_end(ws,
			message->status_code ? message->status_code : WEBSOCKET_NO_CODE, reason);
	}
}

/* libwslay has queued a close, or it is a framing error that it leaves to the caller. */
static void fail_protocol(struct websocket *ws)
{
	wslay_event_queue_close(ws->frames, WEBSOCKET_PROTOCOL, (const uint8_t *)"", 0);
	websocket_note_end(ws, WEBSOCKET_PROTOCOL, "the client violated the protocol");
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
		websocket_lose(ws, "");
	}
}

/* Data is buffered, or reading was resumed. */
static int on_soon(sd_event_source *source, void *data)
{
	struct websocket *ws = data;
	(void)source;
	loop_drop(&ws->soon);
	websocket_read(ws);
	return 0;
}

static void read_soon(struct websocket *ws)
{
	if (!ws->soon && ws->fd >= 0 && !ws->lost) {
		ws->soon = loop_defer(ws->event, on_soon, ws);
	}
}

void websocket_read(struct websocket *ws)
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
		websocket_flush(ws);
	}
	if (!ws->lost && !ws->paused && http_upgraded_has_more(ws->x)) {
		read_soon(ws);
	}
}

void websocket_pause(struct websocket *ws, bool paused)
{
	bool resumed = ws->paused && !paused;
	ws->paused = paused;
	if (!ws->lost) {
		websocket_set_events(ws);
	}
	if (resumed) {
		read_soon(ws);
	}
}
