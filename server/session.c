/*
 * One connection: its messages are read here and become requests; it holds back reading while
 * answers pile up, and sees to it that an end of input lets what is in flight be answered.
 */
#include "server/session.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"

#include <string.h>

#define PENDING_MAX (16u << 20) /* bytes of answers nobody has taken: stop reading */
#define GRACE_MS 2000           /* after the end of input, for what is in flight */

struct session *session_new(struct server *server, struct transport_conn *conn)
{
	struct session *session = must(calloc(1, sizeof(*session)));
	session->server = server;
	session->conn = conn;
	session->owner = conn->owner;
	session->log_level = MCP_SILENT;
	LIST_INIT(&session->requests);
	LIST_INIT(&session->listeners);
	LIST_INSERT_HEAD(&server->sessions, session, link);
	return session;
}

void session_free(struct session *session)
{
	loop_drop(&session->grace);
	/* A call outlives its connection: it is told to stop, and its answer goes nowhere. */
	struct request *request;
	while ((request = LIST_FIRST(&session->requests))) {
		LIST_REMOVE(request, link);
		LIST_INSERT_HEAD(&session->server->orphans, request, link);
		request->session = NULL;
		if (request->batch) {
			batch_forget(request->batch);
		}
		request_cancel(request);
	}
	listen_end_all(session);
	LIST_REMOVE(session, link);
	free(session);
}

/* ---- out ---- */

void session_send(struct session *session, const struct buf *message)
{
	struct transport_conn *conn = session->conn;
	conn->transport->send(conn, buf_text(message), message->len);
	if (!session->paused && conn->transport->pending(conn) > PENDING_MAX) {
		log_info("connection=%s: %zu bytes of answers wait to be read; reading no more "
			 "requests",
			session->owner, conn->transport->pending(conn));
		session->paused = true;
		conn->transport->pause(conn, true);
	}
}

void session_notify(struct session *session, const char *method, json_t *params)
{
	auto_buf struct buf message = { 0 };
	rpc_write_notification(&message, method, params);
	session_send(session, &message);
	json_decref(params);
}

void session_refuse(struct session *session, const struct rpc_fault *fault)
{
	auto_buf struct buf message = { 0 };
	rpc_write_fault(&message, mcp_no_id(session), fault);
	session_send(session, &message);
}

void session_drained(struct session *session)
{
	if (session->paused) {
		session->paused = false;
		session->conn->transport->pause(session->conn, false);
		listen_catch_up(session);
	}
}

/* ---- in ---- */

static void take_notification(struct session *session, const struct rpc_message *msg)
{
	/* The others (initialized, progress, roots/list_changed) change nothing here. */
	if (strcmp(msg->method, "notifications/cancelled") == 0) {
		const json_t *id = json_object_get(msg->params, "requestId");
		struct request *request = id ? request_find(session, id) : NULL;
		if (request) {
			request_cancel(request);
		}
	}
}

static void refuse_one(struct session *session, struct batch *batch, const json_t *id,
	const struct rpc_fault *fault)
{
	auto_buf struct buf message = { 0 };
	rpc_write_fault(&message, id ? id : mcp_no_id(session), fault);
	if (batch) {
		batch_expect(batch);
		batch_add(batch, &message);
	} else {
		session_send(session, &message);
	}
}

void session_take_one(struct session *session, struct batch *batch, json_t *message)
{
	struct rpc_message msg;
	struct rpc_fault fault;
	switch (rpc_read(message, &msg, &fault)) {
	case RPC_REQUEST:
		/* Its answer could not be told from the other one's. */
		if (request_find(session, msg.id)) {
			rpc_fault(&fault, RPC_INVALID_REQUEST, NULL,
				"a request with this id is still in flight; every request needs an "
				"id of its own");
			refuse_one(session, batch, NULL, &fault);
		} else {
			request_start(session, batch, message, &msg);
		}
		break;
	case RPC_NOTIFICATION:
		take_notification(session, &msg);
		break;
	case RPC_RESPONSE:
		break;
	case RPC_INVALID:
		refuse_one(session, batch, msg.id, &fault);
		break;
	}
}

void session_take(struct session *session, const char *text, size_t len)
{
	struct rpc_fault fault;
	json_auto_t *message = rpc_parse(text, len, &fault);
	if (!message) {
		session_refuse(session, &fault);
	} else if (!json_is_array(message)) {
		session_take_one(session, NULL, message);
	} else if (mcp_takes_batches(session)) {
		batch_take(session, message);
	} else {
		rpc_fault(&fault, RPC_INVALID_REQUEST, NULL,
			"only protocol version 2025-03-26 has arrays of messages; send one object "
			"a line");
		session_refuse(session, &fault);
	}
}

/* ---- the end ---- */

static void close_now(struct session *session)
{
	session->conn->transport->close(session->conn);
}

void session_check_end(struct session *session)
{
	if (session->ending && LIST_EMPTY(&session->requests)) {
		close_now(session);
	}
}

/* Calls had their time; from then on only a reader that goes on reading keeps the connection open.
 */
static int on_grace(sd_event_source *source, uint64_t now, void *data)
{
	(void)source, (void)now;
	struct session *session = data;
	struct transport_conn *conn = session->conn;
	size_t pending = conn->transport->pending(conn);
	if (pending > 0 && session->grace_pending == pending) {
		server_connection_stuck(session->server);
		return 0;
	}
	session->grace_pending = pending;
	struct request *request, *next;
	for (request = LIST_FIRST(&session->requests); request; request = next) {
		next = LIST_NEXT(request, link);
		request_cancel(request);
	}
	close_now(session);
	loop_drop(&session->grace);
	session->grace = loop_after_ms(session->server->event, GRACE_MS, on_grace, session);
	return 0;
}

void session_end_input(struct session *session)
{
	session->ending = true;
	session->grace = loop_after_ms(session->server->event, GRACE_MS, on_grace, session);
	listen_end_all(session);
	session_check_end(session);
}
