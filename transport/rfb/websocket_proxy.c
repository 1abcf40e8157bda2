/*
 * Connects a WebSocket, a filter and a pipe.  Each side is read no faster than the other one
 * accepts data: the viewer is paused while the pipe is full, and the pipe's data counts as consumed
 * only when it was written to the viewer's socket.
 */
#include "transport/rfb/websocket_proxy.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "transport/http/websocket.h"

#define OUT_MAX (1u << 20) /* bytes that may wait for a blocked pipe */

struct stream_socket {
	struct websocket *ws;
	struct rfb_filter *filter;
	const struct stream_pipe *ops; /* NULL: no pipe */
	void *pipe;
	struct buf out; /* passed by the filter, not yet written to the pipe */
	uint64_t bytes_in, bytes_out;
	void (*closed)(struct stream_socket *stream, unsigned code, const char *reason, void *data);
	void *data;
};

/* ---- to the desktop ---- */

static void write_out(struct stream_socket *s)
{
	if (s->ops && s->out.len > 0) {
		buf_consume(&s->out, s->ops->write(s->pipe, s->out.data, s->out.len));
	}
	websocket_pause(s->ws, !s->ops || s->out.len > 0);
}

static void drop_pipe(struct stream_socket *s)
{
	const struct stream_pipe *ops = take_ptr(&s->ops);
	if (ops) {
		rfb_filter_release(s->filter, &s->out);
		if (s->out.len > 0) {
			ops->write(s->pipe, s->out.data, s->out.len);
		}
		ops->close(s->pipe);
	}
}

void stream_kick(struct stream_socket *s, unsigned code, const char *reason)
{
	drop_pipe(s);
	websocket_close(s->ws, code, reason);
}

static void on_data(struct websocket *ws, const void *bytes, size_t len, void *data)
{
	struct stream_socket *s = data;
	struct err err;
	(void)ws;
	s->bytes_in += len;
	bool good = rfb_filter_feed(s->filter, bytes, len, &s->out, &err);
	write_out(s);
	if (!good) {
		stream_kick(s, WEBSOCKET_POLICY, err.text);
	}
}

void stream_pipe_writable(struct stream_socket *s)
{
	write_out(s);
}

void stream_set_policy(struct stream_socket *s, enum rfb_policy policy)
{
	rfb_filter_set_policy(s->filter, policy, &s->out);
	write_out(s);
	if (s->out.len > OUT_MAX) {
		stream_kick(s, STREAM_ENDED, "the desktop accepts no input");
	}
}

/* ---- to the viewer ---- */

void stream_pipe_data(struct stream_socket *s, const void *bytes, size_t len)
{
	s->bytes_out += len;
	websocket_send(s->ws, bytes, len);
}

static void on_sent(struct websocket *ws, size_t len, void *data)
{
	struct stream_socket *s = data;
	(void)ws;
	if (s->ops) {
		s->ops->consumed(s->pipe, len);
	}
}

void stream_pipe_ended(struct stream_socket *s, enum stream_code code, const char *reason)
{
	s->ops = NULL;
	websocket_close(s->ws, code, reason);
}

/* ---- life ---- */

static void on_closed(struct websocket *ws, unsigned code, const char *reason, void *data)
{
	struct stream_socket *s = data;
	(void)ws;
	drop_pipe(s);
	s->closed(s, code, reason, s->data);
	rfb_filter_free(s->filter);
	buf_done(&s->out);
	free(s);
}

static const struct websocket_handlers handlers = { on_data, on_sent, on_closed };

struct stream_socket *stream_new(struct http_exchange *x, enum rfb_policy policy,
	void (*closed)(struct stream_socket *stream, unsigned code, const char *reason, void *data),
	void *data)
{
	struct stream_socket *s = must(calloc(1, sizeof(*s)));
	s->ws = websocket_accept(x, "binary", &handlers, s);
	if (!s->ws) {
		free(s);
		return NULL;
	}
	s->filter = rfb_filter_new(policy);
	s->closed = closed;
	s->data = data;
	websocket_pause(s->ws, true);
	return s;
}

void stream_attach(struct stream_socket *s, const struct stream_pipe *ops, void *pipe)
{
	s->ops = ops;
	s->pipe = pipe;
	write_out(s);
}

struct stream_counts stream_counts(const struct stream_socket *s)
{
	return (struct stream_counts){ .bytes_in = s->bytes_in,
		.bytes_out = s->bytes_out,
		.pending = websocket_pending(s->ws),
		.messages = *rfb_filter_counts(s->filter) };
}
