/* The state between messages: negotiated revision, subscriptions, requests in flight.  A session
 * lives as long as one of its connections. */
#include "server/mcp/session.h"

#include "base/cleanup.h"

struct session *session_new(struct server *server, const char *owner)
{
	struct session *session = must(calloc(1, sizeof(*session)));
	session->server = server;
	session->principal = principal_ref(server, owner);
	session->owner = session->principal->name;
	session->log_level = MCP_SILENT;
	session->refs = 1;
	session->number = ++server->sessions_made;
	LIST_INIT(&session->conns);
	LIST_INIT(&session->requests);
	LIST_INIT(&session->subscriptions);
	LIST_INIT(&session->client_requests);
	LIST_INSERT_HEAD(&server->sessions, session, link);
	return session;
}

void session_ref(struct session *session)
{
	session->refs++;
}

void session_unref(struct session *session)
{
	if (--session->refs > 0) {
		return;
	}
	if (session->server) {
		LIST_REMOVE(session, link);
	}
	principal_unref(session->principal);
	json_decref(session->capabilities);
	free(session);
}

static const struct session_part *const *parts_of(const struct session *session)
{
	return session->server->options.methods->parts;
}

void session_catch_up(struct session *session)
{
	for (const struct session_part *const *part = parts_of(session); *part; part++) {
		if ((*part)->catch_up) {
			(*part)->catch_up(session);
		}
	}
}

void session_end_parts(struct session *session)
{
	for (const struct session_part *const *part = parts_of(session); *part; part++) {
		if ((*part)->ended) {
			(*part)->ended(session);
		}
	}
}

static struct request *find_uncancelled(const struct session *session)
{
	struct request *request;
	LIST_FOREACH(request, &session->requests, link)
	{
		if (!request->cancelled) {
			return request;
		}
	}
	return NULL;
}

/* Restarts each time, because a cancelled call may end, and others with it. */
void session_cancel_requests(struct session *session)
{
	struct request *request;
	while ((request = find_uncancelled(session))) {
		request_cancel(request);
	}
}

void session_abort(struct session *session, const char *why)
{
	struct request *request;
	struct conn *conn, *next;
	struct err err;
	err_set(&err, ERR_GONE, "%s", why);
	session_ref(session);
	session_end_parts(session);
	while ((request = find_uncancelled(session))) {
		request_abort(request, &err);
	}
	for (conn = LIST_FIRST(&session->conns); conn; conn = next) {
		next = LIST_NEXT(conn, link);
		conn_set_status(conn, 503); /* one without a message */
		conn_end(conn);
	}
	session_unref(session);
}

/* A call outlives its client: it is cancelled, and its response is dropped. */
void session_end(struct session *session)
{
	session_ref(session);
	struct conn *conn, *next;
	LIST_FOREACH(conn, &session->conns, link)
	{
		if (conn->kind == TRANSPORT_POST) {
			conn_set_status(conn, 404); /* some end with their request */
		}
	}
	session_cancel_requests(session);
	session_end_parts(session);
	for (conn = LIST_FIRST(&session->conns); conn; conn = next) {
		next = LIST_NEXT(conn, link);
		conn_end(conn);
	}
	http_session_free(session);
	session_unref(session);
}

void session_finish(struct session *session)
{
	session_ref(session);
	session_end_parts(session);
	struct conn *conn, *next;
	for (conn = LIST_FIRST(&session->conns); conn; conn = next) {
		next = LIST_NEXT(conn, link);
		conn_finish(conn);
	}
	session_unref(session);
}

void session_forget_server(struct session *session)
{
	session_ref(session);
	LIST_REMOVE(session, link);
	struct conn *conn, *next;
	for (conn = LIST_FIRST(&session->conns); conn; conn = next) {
		next = LIST_NEXT(conn, link);
		conn_let_go(conn);
	}
	session_end(session);
	struct request *request;
	LIST_FOREACH(request, &session->requests, link)
	{
		request->server = NULL;
	}
	session->server = NULL;
	session_unref(session);
}
