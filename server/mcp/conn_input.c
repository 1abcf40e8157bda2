/* What transports report of a connection, first of all the messages, which become requests. */
#include "server/mcp/session.h"

#include "base/cleanup.h"

#include <string.h>

/* A received message: parsed, or the error. */
struct incoming {
	json_t *message; /* NULL: see the others */
	json_t *id;      /* NULL: unknown */
	struct rpc_fault fault;
};

static void take_notification(struct session *session, const struct rpc_message *msg)
{
	/* The others (initialized, progress, roots/list_changed) have no effect. */
	if (strcmp(msg->method, "notifications/cancelled") == 0) {
		const json_t *id = json_object_get(msg->params, "requestId");
		struct request *request = id ? request_find(session, id) : NULL;
		if (request) {
			request_cancel(request);
		}
	}
}

static void refuse_one(
	struct conn *conn, struct batch *batch, const json_t *id, const struct rpc_fault *fault)
{
	if (batch) {
		auto_buf struct buf message = { 0 };
		rpc_write_fault(&message, id ? id : conn_no_id(conn), fault);
		batch_expect(batch);
		batch_add(batch, &message);
	} else {
		conn_refuse(conn, id, 400, fault);
	}
}

void conn_take_one(struct conn *conn, struct batch *batch, json_t *message)
{
	struct rpc_message msg;
	struct rpc_fault fault;
	switch (rpc_read(message, &msg, &fault)) {
	case RPC_REQUEST:
		/* Its response would be ambiguous. */
		if (request_find(conn->session, msg.id)) {
			rpc_fault(&fault, RPC_INVALID_REQUEST, NULL,
				"a request with this id is in flight; every request needs a "
				"unique id");
			refuse_one(conn, batch, NULL, &fault);
		} else {
			request_start(conn, batch, message, &msg);
		}
		break;
	case RPC_NOTIFICATION:
		take_notification(conn->session, &msg);
		break;
	case RPC_RESPONSE:
		if (conn->kind == TRANSPORT_POST && !conn->session->http) {
			rpc_fault(&fault, RPC_INVALID_REQUEST, NULL,
				"no response is expected: in 2026-07-28 answers are sent "
				"in params.inputResponses of the repeated request");
			refuse_one(conn, batch, msg.id, &fault);
		} else {
			client_request_take_response(conn->session, msg.id, message);
		}
		break;
	case RPC_INVALID:
		refuse_one(conn, batch, msg.id, &fault);
		break;
	}
}

/* The call may take long: from now on the client can reconnect for its response. */
static void end_post_input(struct conn *conn)
{
	if (conn->open > 0 && conn->session->http && mcp_primes_streams(conn->session->revision)) {
		http_session_begin_stream(conn);
	}
	conn_finish(conn);
}

static void take_all(struct conn *conn, json_t *message)
{
	struct rpc_fault fault;
	if (!json_is_array(message)) {
		conn_take_one(conn, NULL, message);
	} else if (mcp_takes_batches(session_revision(conn->session))) {
		batch_take(conn, message);
	} else {
		rpc_fault(&fault, RPC_INVALID_REQUEST, NULL,
			"only protocol version 2025-03-26 supports arrays of messages; send one object "
			"%s",
			conn->kind == TRANSPORT_POST ? "in each POST" : "a line");
		conn_refuse(conn, NULL, 400, &fault);
	}
}

/* Safe in any thread. */
static struct incoming *incoming_new(const char *text, size_t len)
{
	struct incoming *incoming = must(calloc(1, sizeof(*incoming)));
	incoming->message = rpc_parse(text, len, &incoming->fault);
	if (!incoming->message) {
		incoming->id = rpc_rescue_id(text, len);
	}
	return incoming;
}

static void incoming_free(struct incoming *incoming)
{
	json_decref(incoming->message);
	json_decref(incoming->id);
	free(incoming);
}

static void take(struct conn *conn, const struct incoming *incoming)
{
	if (!incoming->message) {
		conn_refuse(conn, incoming->id, 400, &incoming->fault);
	} else if (conn->kind != TRANSPORT_POST) {
		take_all(conn, incoming->message);
	} else if (http_session_admit(conn, incoming->message)) {
		take_all(conn, incoming->message);
		end_post_input(conn);
	}
}

/* ---- for transports; data is the server, conn->data NULL once the server has detached it ---- */

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
		take(wire->data, incoming);
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
		take(wire->data, incoming);
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
