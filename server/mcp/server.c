/* The server's state, and the handlers called by transports.  conn.c and the files below do the
 * work. */
#include "server/mcp/server.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "server/mcp/session.h"

struct server *server_new(sd_event *event, const struct server_options *options)
{
	struct server *server = must(calloc(1, sizeof(*server)));
	json_object_seed(0); /* must precede the threads that parse */
	server->event = sd_event_ref(event);
	server->options = *options;
	server->instructions = options->methods->instructions(options->tools);
	LIST_INIT(&server->sessions);
	LIST_INIT(&server->principals);
	for (const struct session_part *const *part = options->methods->parts; *part; part++) {
		if ((*part)->started) {
			(*part)->started(server);
		}
	}
	return server;
}

void server_free(struct server *server)
{
	if (!server) {
		return;
	}
	struct session *session;
	while ((session = LIST_FIRST(&server->sessions))) {
		session_forget_server(session);
	}
	principal_forget_server(server);
	loop_drop(&server->sweep);
	for (const struct session_part *const *part = server->options.methods->parts; *part;
		part++) {
		if ((*part)->stopped) {
			(*part)->stopped(server);
		}
	}
	free(server->instructions);
	sd_event_unref(server->event);
	free(server);
}

void server_finish(struct server *server)
{
	struct session *session, *next;
	server->finishing = true;
	for (session = LIST_FIRST(&server->sessions); session; session = next) {
		next = LIST_NEXT(session, link);
		session_finish(session);
	}
}

void server_abort(struct server *server, const char *why)
{
	struct session *session, *next;
	server->finishing = true;
	for (session = LIST_FIRST(&server->sessions); session; session = next) {
		next = LIST_NEXT(session, link);
		session_abort(session, why);
	}
}

size_t server_duplexes(const struct server *server)
{
	return server->duplexes;
}

void server_on_idle(struct server *server, void (*fn)(void *data), void *data)
{
	server->idle = fn;
	server->idle_data = data;
}

size_t server_calls(const struct server *server)
{
	return server->calls;
}

static void tell_idle(struct server *server)
{
	void (*fn)(void *) = take_ptr(&server->idle);
	if (fn) {
		fn(server->idle_data);
	}
}

void server_connection_stuck(struct server *server)
{
	log_warning(
		"the input has ended and the client reads no responses; closing the connection");
	tell_idle(server);
}

void server_connection_ended(struct server *server)
{
	if (--server->duplexes == 0) {
		tell_idle(server);
	}
}

/* ---- for transports; data is the server.  conn->data is NULL once the server has detached it
 * ---- */

static void opened(struct transport_conn *wire, void *data)
{
	struct conn *conn = wire->data = conn_new(data, wire);
	if (conn->kind == TRANSPORT_STREAM || conn->kind == TRANSPORT_DELETE) {
		http_session_opened(conn);
	}
}

static void message(struct transport_conn *wire, const char *text, size_t len, void *data)
{
	(void)data;
	if (wire->data) {
		struct incoming *incoming = incoming_new(text, len);
		conn_take(wire->data, incoming);
		incoming_free(incoming);
	}
}

static void *parse(const char *text, size_t len)
{
	return incoming_new(text, len);
}

static void drop(void *incoming)
{
	incoming_free(incoming);
}

static void parsed(struct transport_conn *wire, void *incoming, void *data)
{
	(void)data;
	if (wire->data) {
		conn_take(wire->data, incoming);
	}
	incoming_free(incoming);
}

static void refused(struct transport_conn *wire, const struct err *why, void *data)
{
	(void)data;
	struct rpc_fault fault;
	rpc_fault(&fault, why->kind == ERR_LIMIT ? RPC_INVALID_REQUEST : RPC_PARSE_ERROR, NULL,
		"%s", why->text);
	if (wire->data) {
		conn_refuse(wire->data, NULL, 400, &fault);
	}
}

static void ended(struct transport_conn *wire, void *data)
{
	(void)data;
	if (wire->data) {
		conn_end_input(wire->data);
	}
}

static void drained(struct transport_conn *wire, void *data)
{
	(void)data;
	if (wire->data) {
		conn_drained(wire->data);
	}
}

static void closed(struct transport_conn *wire, void *data)
{
	(void)data;
	if (wire->data) {
		conn_closed(wire->data);
	}
}

const struct transport_handlers server_transport_handlers = {
	.opened = opened,
	.message = message,
	.parse = parse,
	.parsed = parsed,
	.drop = drop,
	.refused = refused,
	.ended = ended,
	.drained = drained,
	.closed = closed,
};
