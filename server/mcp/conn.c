/*
 * One connection: a destination of responses.  It stops reading while unread responses accumulate,
 * and after the end of input it still lets requests in flight be answered.  What it reads is in
 * conn_input.c.
 */
#include "server/mcp/session.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"

#define PENDING_MAX (4u << 20) /* bytes of unread responses: stop reading */
#define GRACE_MS 600000        /* after the end of input, for requests in flight */
#define FLUSH_MS 2000          /* after the last response: time for the client to read some of it */

struct conn *conn_new(struct server *server, struct transport_conn *wire)
{
	const struct transport_http *http = wire->transport->http;
	struct conn *conn = must(calloc(1, sizeof(*conn)));
	conn->refs = 1;
	conn->wire = wire;
	conn->kind = http ? http->kind(wire) : TRANSPORT_DUPLEX;
	conn->session = session_new(server, wire->owner);
	LIST_INSERT_HEAD(&conn->session->conns, conn, link);
	if (conn->kind == TRANSPORT_DUPLEX) {
		conn->session->notifications = conn;
		server->duplexes++;
	}
	return conn;
}

void conn_ref(struct conn *conn)
{
	conn->refs++;
}

void conn_unref(struct conn *conn)
{
	if (--conn->refs > 0) {
		return;
	}
	LIST_REMOVE(conn, link);
	http_session_touch(conn->session);
	session_unref(conn->session);
	free(conn);
}

void conn_join(struct conn *conn, struct session *session)
{
	session_ref(session);
	LIST_REMOVE(conn, link);
	session_unref(conn->session);
	conn->session = session;
	LIST_INSERT_HEAD(&session->conns, conn, link);
}

/* ---- transport connection ---- */

static struct transport_conn *lose_wire(struct conn *conn)
{
	if (conn->session->notifications == conn) {
		conn->session->notifications = NULL;
	}
	conn->paused = false;
	loop_drop(&conn->grace);
	struct transport_conn *wire = take_ptr(&conn->wire);
	wire->data = NULL;
	return wire;
}

void conn_let_go(struct conn *conn)
{
	if (conn->wire) { /* otherwise closed already; requests in flight hold references */
		lose_wire(conn);
		conn_unref(conn);
	}
}

void conn_drop_wire(struct conn *conn)
{
	struct transport_conn *wire = lose_wire(conn);
	wire->transport->close(wire);
	conn_unref(conn);
}

void conn_take_wire(struct conn *conn, struct conn *from)
{
	conn_ref(conn);
	if (conn->wire) {
		conn_drop_wire(conn);
	}
	conn->wire = lose_wire(from);
	conn->wire->data = conn;
	conn_unref(from);
}

/* A session with an id remains, and so do its requests: the client may reconnect for the
 * responses. */
void conn_closed(struct conn *conn)
{
	struct session *session = conn->session;
	lose_wire(conn);
	if (!session->http) {
		session_end(session);
	}
	if (conn->kind == TRANSPORT_DUPLEX) {
		server_connection_ended(session->server);
	}
	conn_unref(conn);
}

const char *conn_header(const struct conn *conn, const char *name)
{
	const struct transport_http *http = conn->wire ? conn->wire->transport->http : NULL;
	return http ? http->header(conn->wire, name) : NULL;
}

void conn_set_status(struct conn *conn, int status)
{
	if (conn->wire && conn->wire->transport->http && !conn->began && !conn->answered) {
		conn->wire->transport->http->set_status(conn->wire, status);
	}
}

void conn_set_header(struct conn *conn, const char *name, const char *value)
{
	if (conn->wire && conn->wire->transport->http && !conn->began && !conn->answered) {
		conn->wire->transport->http->set_header(conn->wire, name, value);
	}
}

bool conn_streams(const struct conn *conn)
{
	const struct transport_http *http = conn->wire ? conn->wire->transport->http : NULL;
	return conn->resumable || (conn->wire && (!http || http->takes_stream(conn->wire)));
}

bool conn_listens(const struct conn *conn)
{
	return conn && conn_streams(conn) && !conn->paused && !conn->answered;
}

/* ---- output ---- */

static void hold_back(struct conn *conn)
{
	struct transport_conn *wire = conn->wire;
	size_t pending = wire->transport->pending(wire);
	if (!conn->paused && pending > PENDING_MAX) {
		log_info("connection=%s: %zu bytes of responses are unread; reading is paused "
			 "requests",
			conn->session->owner, pending);
		conn->paused = true;
		wire->transport->pause(wire, true);
	}
}

void conn_send(struct conn *conn, const struct buf *message)
{
	if (!conn_streams(conn) || conn->answered) {
		return;
	}
	if (conn->session->http) {
		http_session_begin_stream(conn);
	}
	conn->began = true;
	if (conn->resumable) {
		http_session_put(conn, message);
	} else {
		conn->wire->transport->send(conn->wire, buf_text(message), message->len);
	}
	if (conn->wire) {
		hold_back(conn);
	}
}

/* A POST ends with its only response, as plain JSON unless a stream was started. */
void conn_answer(struct conn *conn, const struct buf *message)
{
	if (conn->kind == TRANSPORT_DUPLEX) {
		conn_send(conn, message);
	} else if (conn->answered) {
		return;
	} else if (conn->resumable) {
		http_session_put(conn, message);
		conn_end(conn);
	} else if (conn->wire) {
		conn->answered = true;
		conn->wire->transport->finish(conn->wire, buf_text(message), message->len);
	}
}

void conn_notify(struct conn *conn, const char *method, json_t *params)
{
	auto_buf struct buf message = { 0 };
	rpc_write_notification(&message, method, params);
	conn_send(conn, &message);
	json_decref(params);
}

const json_t *conn_no_id(const struct conn *conn)
{
	const struct mcp_revision *revision = conn->session->revision;
	bool left_out = revision ? mcp_leaves_out_id(revision) : conn->kind != TRANSPORT_DUPLEX;
	return left_out ? NULL : json_null();
}

void conn_refuse(struct conn *conn, const json_t *id, int status, const struct rpc_fault *fault)
{
	auto_buf struct buf message = { 0 };
	rpc_write_fault(&message, id ? id : conn_no_id(conn), fault);
	conn_set_status(conn, status);
	conn_answer(conn, &message);
}

void conn_drained(struct conn *conn)
{
	if (conn->paused) {
		conn->paused = false;
		conn->wire->transport->pause(conn->wire, false);
		session_catch_up(conn->session);
	}
}

/* ---- end ---- */

/* Only a client that keeps reading keeps the connection open. */
static int on_flush(sd_event_source *source, uint64_t now, void *data)
{
	(void)source, (void)now;
	struct conn *conn = data;
	struct server *server = conn->session->server;
	size_t pending = conn->wire->transport->pending(conn->wire);
	if (pending > 0 && conn->grace_pending == pending) {
		server_connection_stuck(server);
		return 0;
	}
	conn->grace_pending = pending;
	loop_drop(&conn->grace);
	conn->grace = loop_after_ms(server->event, FLUSH_MS, on_flush, conn);
	return 0;
}

void conn_end(struct conn *conn)
{
	if (conn->wire && !conn->answered) {
		conn->wire->transport->close(conn->wire);
	}
	conn->answered = conn->kind != TRANSPORT_DUPLEX;
	if (conn->grace) {
		loop_drop(&conn->grace);
		conn->grace = loop_after_ms(conn->session->server->event, FLUSH_MS, on_flush, conn);
	}
}

static void check_end(struct conn *conn)
{
	if (conn->ending && conn->open == 0) {
		conn_end(conn);
	}
}

void conn_finish(struct conn *conn)
{
	conn->ending = true;
	check_end(conn);
}

void conn_open_request(struct conn *conn)
{
	conn_ref(conn);
	conn->open++;
}

void conn_close_request(struct conn *conn)
{
	conn->open--;
	check_end(conn);
	conn_unref(conn);
}

static int on_grace(sd_event_source *source, uint64_t now, void *data)
{
	(void)source, (void)now;
	struct conn *conn = data;
	session_abort(conn->session, "the input ended some minutes ago, and the server shuts down");
	return 0;
}

void conn_end_input(struct conn *conn)
{
	if (conn->kind != TRANSPORT_DUPLEX) {
		return; /* a POST ends with its response */
	}
	conn->ending = true;
	conn->grace = loop_after_ms(conn->session->server->event, GRACE_MS, on_grace, conn);
	session_end_parts(conn->session);
	client_request_end_all(conn->session);
	check_end(conn);
}
