#include "tests/support/memory_http.h"

static struct exchange *exchange_of(const struct transport_conn *conn)
{
	return (struct exchange *)conn;
}

/* ---- the transport ---- */

static enum transport_kind exchange_kind(const struct transport_conn *conn)
{
	return exchange_of(conn)->kind;
}

static const char *exchange_header(const struct transport_conn *conn, const char *name)
{
	static char value[4][2048]; /* the server may hold a few at a time */
	static int turn;
	size_t len = strlen(name);
	for (const char *at = exchange_of(conn)->headers; at && *at;) {
		size_t line = strcspn(at, "\n");
		if (line > len && strncasecmp(at, name, len) == 0 && at[len] == ':') {
			const char *from = at + len + 1 + strspn(at + len + 1, " \t");
			char *to = value[turn++ % 4];
			snprintf(to, sizeof(value[0]), "%.*s", (int)(at + line - from), from);
			return to;
		}
		at += line + (at[line] == '\n');
	}
	return NULL;
}

static bool exchange_takes_stream(const struct transport_conn *conn)
{
	return !exchange_of(conn)->json_only;
}

static void exchange_set_status(struct transport_conn *conn, int status)
{
	cr_assert(!exchange_of(conn)->status, "a status after the answer began");
	exchange_of(conn)->chosen = status;
}

static void exchange_set_header(struct transport_conn *conn, const char *name, const char *value)
{
	struct exchange *x = exchange_of(conn);
	cr_assert(!x->status, "a header after the answer began");
	if (strcmp(name, "Mcp-Session-Id") == 0) {
		snprintf(x->session, sizeof(x->session), "%s", value);
	}
	x->allow = x->allow || strcmp(name, "Allow") == 0;
}

static void exchange_send_event(struct transport_conn *conn, const char *id, const char *text,
	size_t len, unsigned retry_ms)
{
	struct exchange *x = exchange_of(conn);
	cr_assert(!x->closing, "an event after the end");
	cr_assert(x->kind != TRANSPORT_DELETE && !x->json_only, "a stream nobody wanted");
	x->streaming = true;
	x->status = 200;
	if (!id && !text) {
		return;
	}
	cr_assert_lt(x->n, EVENTS_MAX);
	x->events[x->n++] = (struct event){
		.id = id ? must(strdup(id)) : NULL,
		.text = text ? must(strndup(text, len)) : NULL,
		.retry_ms = retry_ms,
	};
	x->pending += x->stalled ? len : 0;
}

static void exchange_send(struct transport_conn *conn, const char *text, size_t len)
{
	exchange_send_event(conn, NULL, text, len, 0);
}

static int exchange_closed(sd_event_source *source, void *data)
{
	struct exchange *x = data;
	(void)source;
	loop_drop(&x->end);
	if (!x->closed) {
		x->closed = true;
		server_transport_handlers.closed(&x->conn, x->client->server);
	}
	return 0;
}

static void exchange_close(struct transport_conn *conn)
{
	struct exchange *x = exchange_of(conn);
	if (!x->closing) {
		x->closing = true;
		x->status = x->status ? x->status : x->chosen ? x->chosen : 202;
		x->end = loop_defer(x->client->event, exchange_closed, x);
	}
}

static void exchange_finish(struct transport_conn *conn, const char *text, size_t len)
{
	struct exchange *x = exchange_of(conn);
	cr_assert(!x->closing, "an answer after the end");
	if (x->streaming) {
		exchange_send(conn, text, len);
	} else {
		x->status = x->chosen ? x->chosen : 200;
		x->body = must(strndup(text, len));
	}
	exchange_close(conn);
}

static size_t exchange_pending(const struct transport_conn *conn)
{
	return exchange_of(conn)->pending;
}

static void exchange_pause(struct transport_conn *conn, bool paused)
{
	exchange_of(conn)->paused = paused;
}

static const struct transport_http exchange_http = {
	.kind = exchange_kind,
	.header = exchange_header,
	.set_status = exchange_set_status,
	.set_header = exchange_set_header,
	.send_event = exchange_send_event,
	.takes_stream = exchange_takes_stream,
};

static const struct transport exchange_transport = {
	.name = "memory-http",
	.http = &exchange_http,
	.send = exchange_send,
	.finish = exchange_finish,
	.pending = exchange_pending,
	.pause = exchange_pause,
	.close = exchange_close,
};

/* ---- for tests ---- */

void exchange_open(struct mcp_client *client, struct exchange *x, enum transport_kind kind,
	const char *owner, const char *headers)
{
	bool json_only = x->json_only, stalled = x->stalled;
	*x = (struct exchange){ .conn.transport = &exchange_transport,
		.conn.owner = owner ? owner : "alice",
		.client = client,
		.kind = kind,
		.headers = headers,
		.json_only = json_only,
		.stalled = stalled };
	server_transport_handlers.opened(&x->conn, client->server);
}

void exchange_post(struct mcp_client *client, struct exchange *x, const char *owner,
	const char *headers, const char *body)
{
	exchange_open(client, x, TRANSPORT_POST, owner, headers);
	auto_free char *copy = must(strdup(body)); /* so that a read past the end is seen */
	server_transport_handlers.message(&x->conn, copy, strlen(copy), client->server);
}

void exchange_lose(struct exchange *x)
{
	exchange_closed(NULL, x);
}

void exchange_wait(struct exchange *x)
{
	uint64_t left = CLIENT_PATIENCE_US;
	while (!x->closed && mcp_turn(x->client, &left)) {
	}
	cr_assert(x->closed, "no end of the answer");
}

const struct event *exchange_event(struct exchange *x)
{
	uint64_t left = CLIENT_PATIENCE_US;
	while (x->read == x->n && mcp_turn(x->client, &left)) {
	}
	cr_assert_lt(x->read, x->n, "no event came");
	return &x->events[x->read++];
}

void exchange_done(struct exchange *x)
{
	if (!x->closed) {
		exchange_lose(x);
	}
	for (size_t i = 0; i < x->n; i++) {
		free(x->events[i].id);
		free(x->events[i].text);
	}
	free(x->body);
	*x = (struct exchange){ 0 };
}

json_t *parse_json(const char *text)
{
	json_t *json = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
	cr_assert(json, "not JSON: %s", text ? text : "(nothing)");
	return json;
}

json_t *exchange_ask(struct mcp_client *client, const char *owner, const char *headers,
	const char *body, int status)
{
	struct exchange x = { 0 };
	exchange_post(client, &x, owner, headers, body);
	exchange_wait(&x);
	cr_assert_eq(x.status, status, "status %d instead of %d: %s", x.status, status,
		x.body ? x.body : "a stream, or nothing");
	json_t *answer = parse_json(x.body);
	exchange_done(&x);
	return answer;
}
