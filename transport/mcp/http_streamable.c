/*
 * Each exchange on /mcp is a connection: a POST has one message and receives its response, a GET
 * receives messages, a DELETE receives a status.  A response that is the only message is plain
 * JSON; a message sent before it makes it a stream.
 */
#include "transport/mcp/http_streamable.h"

#include "transport/http/check.h"

#include "base/cleanup.h"

#include <sys/queue.h>

LIST_HEAD(exchanges, exchange);

struct streamable {
	const struct transport_handlers *handlers;
	void *data;
	struct http_parser parser;
	struct exchanges exchanges;
};

struct exchange {
	struct transport_conn conn; /* first: see from_conn() */
	LIST_ENTRY(exchange) link;
	struct streamable *streamable;
	struct http_exchange *x;
	enum transport_kind kind;
	int status;
	bool streaming, closing;
};

static struct exchange *from_conn(const struct transport_conn *conn)
{
	return (struct exchange *)conn;
}

/* ---- functions of HTTP only ---- */

static enum transport_kind exchange_kind(const struct transport_conn *conn)
{
	return from_conn(conn)->kind;
}

static const char *exchange_header(const struct transport_conn *conn, const char *name)
{
	return http_header(from_conn(conn)->x, name);
}

static void exchange_set_status(struct transport_conn *conn, int status)
{
	from_conn(conn)->status = status;
}

static void exchange_set_header(struct transport_conn *conn, const char *name, const char *value)
{
	http_set_header(from_conn(conn)->x, name, value);
}

static bool exchange_takes_stream(const struct transport_conn *conn)
{
	const char *accept = http_header(from_conn(conn)->x, "Accept");
	return accept && http_accepts(accept, "text/event-stream");
}

/* ---- sending ---- */

static void begin_stream(struct exchange *exchange)
{
	if (!exchange->streaming) {
		exchange->streaming = true;
		http_stream(exchange->x);
	}
}

static void exchange_send(struct transport_conn *conn, const char *text, size_t len)
{
	struct exchange *exchange = from_conn(conn);
	if (!exchange->closing) {
		begin_stream(exchange);
		http_stream_event(exchange->x, "message", NULL, text, len, 0);
	}
}

static void exchange_send_event(struct transport_conn *conn, const char *id, const char *text,
	size_t len, unsigned retry_ms)
{
	struct exchange *exchange = from_conn(conn);
	if (exchange->closing) {
		return;
	}
	begin_stream(exchange);
	if (id || text || retry_ms) {
		http_stream_event(exchange->x, text ? "message" : NULL, id, text, len, retry_ms);
	}
}

static void exchange_close(struct transport_conn *conn)
{
	struct exchange *exchange = from_conn(conn);
	if (exchange->closing) {
		return;
	}
	exchange->closing = true;
	if (exchange->streaming) {
		http_stream_end(exchange->x);
	} else {
		http_reply(exchange->x, exchange->status ? exchange->status : 202, NULL, NULL, 0);
	}
}

static void exchange_finish(struct transport_conn *conn, const char *text, size_t len)
{
	struct exchange *exchange = from_conn(conn);
	if (exchange->streaming) {
		exchange_send(conn, text, len);
		exchange_close(conn);
	} else if (!exchange->closing) {
		exchange->closing = true;
		http_reply(exchange->x, exchange->status ? exchange->status : 200,
			"application/json", text, len);
	}
}

static size_t exchange_pending(const struct transport_conn *conn)
{
	return http_stream_pending(from_conn(conn)->x);
}

static void exchange_pause(struct transport_conn *conn, bool paused)
{
	/* An exchange has only one message. */
	(void)conn;
	(void)paused;
}

static const struct transport_http exchange_http = {
	.kind = exchange_kind,
	.header = exchange_header,
	.set_status = exchange_set_status,
	.set_header = exchange_set_header,
	.send_event = exchange_send_event,
	.takes_stream = exchange_takes_stream,
};

static const struct transport streamable_transport = {
	.name = "streamable-http",
	.http = &exchange_http,
	.send = exchange_send,
	.finish = exchange_finish,
	.pending = exchange_pending,
	.pause = exchange_pause,
	.close = exchange_close,
};

/* ---- exchanges ---- */

static void on_drained(struct http_exchange *x, void *data)
{
	struct exchange *exchange = data;
	(void)x;
	if (!exchange->closing) {
		exchange->streamable->handlers->drained(
			&exchange->conn, exchange->streamable->data);
	}
}

static void on_closed(struct http_exchange *x, void *data)
{
	struct exchange *exchange = data;
	(void)x;
	LIST_REMOVE(exchange, link);
	exchange->streamable->handlers->closed(&exchange->conn, exchange->streamable->data);
	free(exchange);
}

static struct exchange *exchange_new(
	struct streamable *streamable, struct http_exchange *x, enum transport_kind kind)
{
	struct exchange *exchange = must(calloc(1, sizeof(*exchange)));
	exchange->conn.transport = &streamable_transport;
	exchange->conn.owner = http_owner(x);
	exchange->streamable = streamable;
	exchange->x = x;
	exchange->kind = kind;
	LIST_INSERT_HEAD(&streamable->exchanges, exchange, link);
	http_on_closed(x, on_closed, exchange);
	http_stream_on_drained(x, on_drained, exchange);
	streamable->handlers->opened(&exchange->conn, streamable->data);
	return exchange;
}

static void on_parsed(struct http_exchange *x, void *result, void *data)
{
	struct exchange *exchange = data;
	(void)x;
	exchange->streamable->handlers->parsed(&exchange->conn, result, exchange->streamable->data);
}

static void on_post(struct http_exchange *x, void *data)
{
	struct streamable *streamable = data;
	const char *accept = http_header(x, "Accept");
	size_t len;
	if (!http_type_is(http_header(x, "Content-Type"), "application/json")) {
		http_refuse(x, 415, "the Content-Type of a message must be application/json");
		return;
	}
	if (!http_accepts(accept, "application/json") &&
		!http_accepts(accept, "text/event-stream")) {
		http_refuse(x, 406,
			"Accept must include application/json and text/event-stream, the types of the "
			"responses");
		return;
	}
	struct exchange *exchange = exchange_new(streamable, x, TRANSPORT_POST);
	const char *body = http_body(x, &len);
	if (exchange->closing) {
		return;
	}
	if (len >= HTTP_LARGE_BODY && streamable->handlers->parse) {
		http_parse_body(x, &streamable->parser, exchange);
	} else {
		streamable->handlers->message(&exchange->conn, body, len, streamable->data);
		http_forget_body(x);
	}
}

static void on_get(struct http_exchange *x, void *data)
{
	struct exchange *exchange = exchange_new(data, x, TRANSPORT_STREAM);
	if (!exchange->closing) {
		begin_stream(exchange); /* the client learns immediately that the stream is open */
	}
}

static void on_delete(struct http_exchange *x, void *data)
{
	exchange_new(data, x, TRANSPORT_DELETE);
}

struct streamable *streamable_new(
	struct http *http, const struct transport_handlers *handlers, void *data)
{
	struct streamable *streamable = must(calloc(1, sizeof(*streamable)));
	streamable->handlers = handlers;
	streamable->data = data;
	streamable->parser = (struct http_parser){ handlers->parse, on_parsed, handlers->drop };
	const struct http_route routes[] = {
		{ .method = "POST", .path = "/mcp", .run = on_post, .data = streamable },
		{ .method = "GET", .path = "/mcp", .run = on_get, .data = streamable },
		{ .method = "DELETE", .path = "/mcp", .run = on_delete, .data = streamable },
	};
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		http_add_route(http, &routes[i]);
	}
	return streamable;
}

void streamable_free(struct streamable *streamable)
{
	struct exchange *exchange;
	if (!streamable) {
		return;
	}
	while ((exchange = LIST_FIRST(&streamable->exchanges))) {
		LIST_REMOVE(exchange, link);
		http_on_closed(exchange->x, NULL, NULL);
		http_parse_forget(exchange->x);
		http_stream_on_drained(exchange->x, NULL, NULL);
		free(exchange);
	}
	free(streamable);
}
