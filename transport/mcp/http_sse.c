/*
 * A stream and the POSTs with its id form one duplex connection.  Each message is acknowledged with
 * 202 once it was passed on.  While the server pauses the connection, POSTs wait unanswered, and so
 * does the client.
 */
#include "transport/mcp/http_sse.h"

#include "transport/http/check.h"

#include "base/cleanup.h"
#include "base/id.h"
#include "base/loop.h"

#include <stdio.h>
#include <string.h>
#include <sys/queue.h>

LIST_HEAD(sessions, session);
TAILQ_HEAD(posts, post);

struct sse {
	sd_event *event;
	const struct transport_handlers *handlers;
	void *data;
	struct http_parser parser;
	struct sessions sessions;
};

struct session {
	struct transport_conn conn; /* first: see from_conn() */
	LIST_ENTRY(session) link;
	struct sse *sse;
	struct http_exchange *stream;
	char id[ID_LEN + 1];
	bool paused, closing;
	struct posts held; /* received while paused, or while the one before was parsed */
	struct http_exchange *parsing; /* the POST whose message is being parsed; or NULL */
	sd_event_source *again;
};

struct post {
	TAILQ_ENTRY(post) link;
	struct session *session;
	struct http_exchange *x;
};

static struct session *from_conn(const struct transport_conn *conn)
{
	return (struct session *)conn;
}

/* ---- messages in ---- */

static bool may_take(const struct session *session)
{
	return !session->paused && !session->closing && !session->parsing;
}

static void turn_again(struct session *session);

static void on_parsed(struct http_exchange *x, void *result, void *data)
{
	struct session *session = data;
	session->parsing = NULL;
	http_on_closed(x, NULL, NULL);
	session->sse->handlers->parsed(&session->conn, result, session->sse->data);
	http_reply(x, 202, "text/plain", "Accepted", 8);
	turn_again(session);
}

/* Its client disconnected before the message was passed on. */
static void on_parse_closed(struct http_exchange *x, void *data)
{
	struct session *session = data;
	(void)x;
	session->parsing = NULL;
	turn_again(session);
}

static void take(struct session *session, struct http_exchange *x)
{
	size_t len;
	const char *body = http_body(x, &len);
	if (len >= HTTP_LARGE_BODY && session->sse->handlers->parse) {
		session->parsing = x;
		http_on_closed(x, on_parse_closed, session);
		http_parse_body(x, &session->sse->parser, session);
		return;
	}
	session->sse->handlers->message(&session->conn, body, len, session->sse->data);
	http_reply(x, 202, "text/plain", "Accepted", 8);
}

static void drop_post(struct post *post)
{
	TAILQ_REMOVE(&post->session->held, post, link);
	free(post);
}

static void on_post_closed(struct http_exchange *x, void *data)
{
	(void)x;
	drop_post(data);
}

static void hold(struct session *session, struct http_exchange *x)
{
	struct post *post = must(calloc(1, sizeof(*post)));
	post->session = session;
	post->x = x;
	TAILQ_INSERT_TAIL(&session->held, post, link);
	http_on_closed(x, on_post_closed, post);
}

/* Takes the oldest held POST. */
static struct http_exchange *release(struct session *session)
{
	struct post *post = TAILQ_FIRST(&session->held);
	struct http_exchange *x = post ? post->x : NULL;
	if (x) {
		http_on_closed(x, NULL, NULL);
		drop_post(post);
	}
	return x;
}

static int on_again(sd_event_source *source, void *data)
{
	struct session *session = data;
	(void)source;
	loop_drop(&session->again);
	struct http_exchange *x = may_take(session) ? release(session) : NULL;
	if (x) {
		take(session, x);
		turn_again(session);
	}
	return 0;
}

/* One per iteration, from the loop: the caller may be inside a message, and other connections
 * wait. */
static void turn_again(struct session *session)
{
	if (!session->again && !TAILQ_EMPTY(&session->held)) {
		session->again = loop_defer(session->sse->event, on_again, session);
	}
}

static struct session *find(const struct sse *sse, const char *id, const char *owner)
{
	struct session *session;
	LIST_FOREACH(session, &sse->sessions, link)
	{
		if (id && strcmp(session->id, id) == 0) {
			break;
		}
	}
	return session && !session->closing && strcmp(session->conn.owner, owner) == 0 ? session
										       : NULL;
}

static void on_post(struct http_exchange *x, void *data)
{
	struct session *session = find(data, http_query(x, "sessionId"), http_owner(x));
	if (!session) {
		http_refuse(x, 404, "unknown sessionId: its stream has ended; open GET /sse again");
	} else if (!http_type_is(http_header(x, "Content-Type"), "application/json")) {
		http_refuse(x, 415, "the Content-Type of a message must be application/json");
	} else if (!may_take(session) || !TAILQ_EMPTY(&session->held)) {
		hold(session, x);
	} else {
		take(session, x);
	}
}

/* ---- messages out ---- */

static void session_send(struct transport_conn *conn, const char *text, size_t len)
{
	http_stream_event(from_conn(conn)->stream, "message", NULL, text, len, 0);
}

static size_t session_pending(const struct transport_conn *conn)
{
	return http_stream_pending(from_conn(conn)->stream);
}

static void session_pause(struct transport_conn *conn, bool paused)
{
	struct session *session = from_conn(conn);
	session->paused = paused;
	if (may_take(session)) {
		turn_again(session);
	}
}

static void session_close(struct transport_conn *conn)
{
	from_conn(conn)->closing = true;
	http_stream_end(from_conn(conn)->stream);
}

static const struct transport sse_transport = {
	.name = "sse",
	.send = session_send,
	.pending = session_pending,
	.pause = session_pause,
	.close = session_close,
};

/* ---- sessions ---- */

static void session_free(struct session *session)
{
	struct http_exchange *x;
	LIST_REMOVE(session, link);
	loop_drop(&session->again);
	x = take_ptr(&session->parsing);
	if (x) {
		http_on_closed(x, NULL, NULL);
		http_parse_forget(x);
		http_refuse(x, 404, "the stream of this sessionId has ended");
	}
	while ((x = release(session))) {
		http_refuse(x, 404, "the stream of this sessionId has ended");
	}
	free(session);
}

static void on_drained(struct http_exchange *x, void *data)
{
	struct session *session = data;
	(void)x;
	if (!session->closing) {
		session->sse->handlers->drained(&session->conn, session->sse->data);
	}
}

static void on_closed(struct http_exchange *x, void *data)
{
	struct session *session = data;
	(void)x;
	session->closing = true;
	session->sse->handlers->closed(&session->conn, session->sse->data);
	session_free(session);
}

static void on_get(struct http_exchange *x, void *data)
{
	struct sse *sse = data;
	struct session *session = must(calloc(1, sizeof(*session)));
	char endpoint[sizeof("/messages?sessionId=") + ID_LEN];
	TAILQ_INIT(&session->held);
	session->conn.transport = &sse_transport;
	session->conn.owner = http_owner(x);
	session->sse = sse;
	session->stream = x;
	id_make(session->id);
	LIST_INSERT_HEAD(&sse->sessions, session, link);
	http_on_closed(x, on_closed, session);
	http_stream_on_drained(x, on_drained, session);
	http_stream(x);
	snprintf(endpoint, sizeof(endpoint), "/messages?sessionId=%s", session->id);
	http_stream_event(x, "endpoint", NULL, endpoint, strlen(endpoint), 0);
	sse->handlers->opened(&session->conn, sse->data);
}

struct sse *sse_new(struct http *http, const struct transport_handlers *handlers, void *data)
{
	struct sse *sse = must(calloc(1, sizeof(*sse)));
	sse->event = http_event(http);
	sse->handlers = handlers;
	sse->data = data;
	sse->parser = (struct http_parser){ handlers->parse, on_parsed, handlers->drop };
	http_add_route(http, &(struct http_route){
				     .method = "GET", .path = "/sse", .run = on_get, .data = sse });
	http_add_route(
		http, &(struct http_route){
			      .method = "POST", .path = "/messages", .run = on_post, .data = sse });
	return sse;
}

void sse_free(struct sse *sse)
{
	struct session *session;
	if (!sse) {
		return;
	}
	while ((session = LIST_FIRST(&sse->sessions))) {
		http_on_closed(session->stream, NULL, NULL);
		http_stream_on_drained(session->stream, NULL, NULL);
		session_free(session);
	}
	free(sse);
}
