/*
 * Each exchange on /mcp is a connection: a POST has one message and receives its response, a GET
 * receives messages, a DELETE receives a status.  A response that is the only message is plain
 * JSON; a message sent before it makes it a stream.
 */
#include "transport/mcp/http_streamable.h"

#include "transport/http/check.h"

#include "base/cleanup.h"

#include <sys/queue.h>

LIST_HEAD(places, place);

struct streamable {
	const struct transport_handlers *handlers;
	void *data;
	struct http_parser parser;
	struct places places;
};

struct place {
	struct transport_conn conn; /* first: see from_conn() */
	LIST_ENTRY(place) link;
	struct streamable *streamable;
	struct http_exchange *x;
	enum transport_kind kind;
	int status;
	bool streaming, closing;
};

static struct place *from_conn(const struct transport_conn *conn)
{
	return (struct place *)conn;
}

/* ---- functions of HTTP only ---- */

static enum transport_kind place_kind(const struct transport_conn *conn)
{
	return from_conn(conn)->kind;
}

static const char *place_header(const struct transport_conn *conn, const char *name)
{
	return http_header(from_conn(conn)->x, name);
}

static void place_set_status(struct transport_conn *conn, int status)
{
	from_conn(conn)->status = status;
}

static void place_set_header(struct transport_conn *conn, const char *name, const char *value)
{
	http_set_header(from_conn(conn)->x, name, value);
}

static bool place_takes_stream(const struct transport_conn *conn)
{
	const char *accept = http_header(from_conn(conn)->x, "Accept");
	return accept && http_accepts(accept, "text/event-stream");
}

/* ---- sending ---- */

static void begin_stream(struct place *place)
{
	if (!place->streaming) {
		place->streaming = true;
		http_stream(place->x);
	}
}

static void place_send(struct transport_conn *conn, const char *text, size_t len)
{
	struct place *place = from_conn(conn);
	if (!place->closing) {
		begin_stream(place);
		http_stream_event(place->x, "message", NULL, text, len, 0);
	}
}

static void place_send_event(struct transport_conn *conn, const char *id, const char *text,
	size_t len, unsigned retry_ms)
{
	struct place *place = from_conn(conn);
	if (place->closing) {
		return;
	}
	begin_stream(place);
	if (id || text || retry_ms) {
		http_stream_event(place->x, text ? "message" : NULL, id, text, len, retry_ms);
	}
}

static void place_close(struct transport_conn *conn)
{
	struct place *place = from_conn(conn);
	if (place->closing) {
		return;
	}
	place->closing = true;
	if (place->streaming) {
		http_stream_end(place->x);
	} else {
		http_reply(place->x, place->status ? place->status : 202, NULL, NULL, 0);
	}
}

static void place_finish(struct transport_conn *conn, const char *text, size_t len)
{
	struct place *place = from_conn(conn);
	if (place->streaming) {
		place_send(conn, text, len);
		place_close(conn);
	} else if (!place->closing) {
		place->closing = true;
		http_reply(place->x, place->status ? place->status : 200, "application/json", text,
			len);
	}
}

static size_t place_pending(const struct transport_conn *conn)
{
	return http_stream_pending(from_conn(conn)->x);
}

static void place_pause(struct transport_conn *conn, bool paused)
{
	/* An exchange has only one message. */
	(void)conn;
	(void)paused;
}

static const struct transport_http place_http = {
	.kind = place_kind,
	.header = place_header,
	.set_status = place_set_status,
	.set_header = place_set_header,
	.send_event = place_send_event,
	.takes_stream = place_takes_stream,
};

static const struct transport streamable_transport = {
	.name = "streamable-http",
	.http = &place_http,
	.send = place_send,
	.finish = place_finish,
	.pending = place_pending,
	.pause = place_pause,
	.close = place_close,
};

/* ---- exchanges ---- */

static void on_drained(struct http_exchange *x, void *data)
{
	struct place *place = data;
	(void)x;
	if (!place->closing) {
		place->streamable->handlers->drained(&place->conn, place->streamable->data);
	}
}

static void on_closed(struct http_exchange *x, void *data)
{
	struct place *place = data;
	(void)x;
	LIST_REMOVE(place, link);
	place->streamable->handlers->closed(&place->conn, place->streamable->data);
	free(place);
}

static struct place *place_new(
	struct streamable *streamable, struct http_exchange *x, enum transport_kind kind)
{
	struct place *place = must(calloc(1, sizeof(*place)));
	place->conn.transport = &streamable_transport;
	place->conn.owner = http_owner(x);
	place->streamable = streamable;
	place->x = x;
	place->kind = kind;
	LIST_INSERT_HEAD(&streamable->places, place, link);
	http_on_closed(x, on_closed, place);
	http_stream_on_drained(x, on_drained, place);
	streamable->handlers->opened(&place->conn, streamable->data);
	return place;
}

static void on_parsed(struct http_exchange *x, void *result, void *data)
{
	struct place *place = data;
	(void)x;
	place->streamable->handlers->parsed(&place->conn, result, place->streamable->data);
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
	struct place *place = place_new(streamable, x, TRANSPORT_POST);
	const char *body = http_body(x, &len);
	if (place->closing) {
		return;
	}
	if (len >= HTTP_LARGE_BODY && streamable->handlers->parse) {
		http_parse_body(x, &streamable->parser, place);
	} else {
		streamable->handlers->message(&place->conn, body, len, streamable->data);
		http_forget_body(x);
	}
}

static void on_get(struct http_exchange *x, void *data)
{
	struct place *place = place_new(data, x, TRANSPORT_STREAM);
	if (!place->closing) {
		begin_stream(place); /* the client learns immediately that the stream is open */
	}
}

static void on_delete(struct http_exchange *x, void *data)
{
	place_new(data, x, TRANSPORT_DELETE);
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
	struct place *place;
	if (!streamable) {
		return;
	}
	while ((place = LIST_FIRST(&streamable->places))) {
		LIST_REMOVE(place, link);
		http_on_closed(place->x, NULL, NULL);
		http_parse_forget(place->x);
		http_stream_on_drained(place->x, NULL, NULL);
		free(place);
	}
	free(streamable);
}
