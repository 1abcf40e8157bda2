/*
 * Connects a WebSocket and a pipe.  Each side is read no faster than the other one accepts data: the
 * viewer is paused while the pipe is full, and the pipe's data counts as consumed only when it was
 * written to the viewer's socket.
 */
#include "transport/rfb/websocket_proxy.h"

#include "base/buf.h"
#include "base/cleanup.h"
#include "transport/http/websocket.h"

struct stream_socket {
	struct websocket *ws;
	const struct stream_pipe *ops; /* NULL: no pipe */
	void *pipe;
	struct buf out; /* not yet written to the pipe: a part of one message */
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
	(void)ws;
	s->bytes_in += len;
	if (s->ops) {
		buf_append(&s->out, bytes, len);
		write_out(s);
	}
}

void stream_pipe_writable(struct stream_socket *s)
{
	write_out(s);
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

void stream_pipe_ended(struct stream_socket *s, unsigned code, const char *reason)
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
	buf_done(&s->out);
	free(s);
}

static const struct websocket_handlers handlers = { on_data, on_sent, on_closed };

struct stream_socket *stream_new(struct http_exchange *x,
	void (*closed)(struct stream_socket *stream, unsigned code, const char *reason, void *data),
	void *data)
{
	struct stream_socket *s = must(calloc(1, sizeof(*s)));
	s->ws = websocket_accept(x, "binary", &handlers, s);
	if (!s->ws) {
		free(s);
		return NULL;
	}
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
		.pending = websocket_pending(s->ws) };
}
