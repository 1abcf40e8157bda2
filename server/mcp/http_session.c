/*
 * Sessions with an id: those of legacy clients over Streamable HTTP (2025-03-26 to 2025-11-25).
 * `initialize` creates one, the header Mcp-Session-Id of later requests selects it, and a GET opens
 * its notification stream.  A client that lost a stream reconnects with Last-Event-ID and receives
 * what it missed.  A session outlives its connections, so it ends by DELETE, by age, or when a
 * principal has too many.  Modern requests need no session.
 */
#include "server/mcp/session.h"

#include "base/cleanup.h"
#include "base/id.h"
#include "base/log.h"
#include "base/loop.h"
#include "server/mcp/replay.h"

#include <search.h>
#include <string.h>

#define ID_HEADER "Mcp-Session-Id"
#define SESSIONS_MAX 1024                 /* per principal */
#define AGE_US (3600 * UINT64_C(1000000)) /* without a request or a connection */
#define KEEP_US (300 * UINT64_C(1000000)) /* a message that can be replayed */
#define SWEEP_MS 60000

struct http_session {
	char id[ID_LEN + 1]; /* first: the key of the tree */
	struct session *session;
	uint64_t used_us;
	unsigned streams; /* the last number assigned */
	struct replay replay;
};

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* ---- creation and eviction ---- */

static bool is_busy(const struct session *session)
{
	const struct conn *conn;
	LIST_FOREACH(conn, &session->conns, link)
	{
		if (conn->wire) {
			return true;
		}
	}
	return !LIST_EMPTY(&session->requests);
}

/* Idle ones before busy ones, then the least recently used one. */
static bool goes_before(const struct session *a, const struct session *b)
{
	bool busy = is_busy(a);
	return busy != is_busy(b) ? !busy : a->http->used_us < b->http->used_us;
}

static void make_room(const struct principal *principal)
{
	size_t n = 0;
	struct session *session, *first = NULL;
	LIST_FOREACH(session, &principal->server->sessions, link)
	{
		if (session->http && session->principal == principal) {
			n++;
			first = !first || goes_before(session, first) ? session : first;
		}
	}
	if (n >= SESSIONS_MAX) {
		log_info(
			"connection=%s: the limit of %zu sessions is exceeded; the oldest one ends",
			principal->name, n);
		session_end(first);
	}
}

void http_session_touch(struct session *session)
{
	if (session->http) {
		session->http->used_us = loop_now_us();
	}
}

void http_session_sweep(struct server *server, uint64_t now_us)
{
	struct session *session, *next;
	for (session = LIST_FIRST(&server->sessions); session; session = next) {
		next = LIST_NEXT(session, link);
		if (!session->http) {
			continue;
		}
		if (session->http->used_us + AGE_US < now_us && !is_busy(session)) {
			session_end(session);
		} else if (now_us > KEEP_US) {
			replay_forget(&session->http->replay, now_us - KEEP_US);
		}
	}
}

static int on_sweep(sd_event_source *source, uint64_t now, void *data)
{
	(void)source, (void)now;
	struct server *server = data;
	loop_drop(&server->sweep);
	http_session_sweep(server, loop_now_us());
	if (server->named) {
		server->sweep = loop_after_ms(server->event, SWEEP_MS, on_sweep, server);
	}
	return 0;
}

void http_session_keep(struct conn *conn)
{
	struct session *session = conn->session;
	struct server *server = session->server;
	if (conn->kind != TRANSPORT_POST || session->http) {
		return;
	}
	make_room(session->principal);
	struct http_session *http = session->http = must(calloc(1, sizeof(*http)));
	id_make(http->id);
	http->session = session;
	http->used_us = loop_now_us();
	replay_init(&http->replay, &session->principal->kept);
	session_ref(session);
	must(tsearch(http, &server->named, compare));
	if (!server->sweep) {
		server->sweep = loop_after_ms(server->event, SWEEP_MS, on_sweep, server);
	}
	conn->wire->transport->http->set_header(conn->wire, ID_HEADER, http->id);
}

void http_session_free(struct session *session)
{
	struct http_session *http = take_ptr(&session->http);
	if (http) {
		tdelete(http, &session->server->named, compare);
		replay_done(&http->replay);
		free(http);
		session_unref(session);
	}
}

/* ---- selecting the session of a request ---- */

static bool find(const struct conn *conn, const char *id, struct session **ret,
	struct rpc_fault *fault, int *ret_status)
{
	struct http_session *const *found = tfind(id, &conn->session->server->named, compare);
	/* Sessions of other principals are treated as nonexistent. */
	if (!found || (*found)->session->principal != conn->session->principal) {
		*ret_status = 404;
		return rpc_fault(fault, RPC_INVALID_REQUEST, NULL,
			"the session \"%.40s\" does not exist or has ended; send `initialize` again",
			id);
	}
	(*found)->used_us = loop_now_us();
	*ret = (*found)->session;
	return true;
}

static bool join(struct conn *conn, struct rpc_fault *fault, int *ret_status)
{
	const char *version = conn_header(conn, "MCP-Protocol-Version");
	const char *id = conn_header(conn, ID_HEADER);
	struct session *session = NULL;
	*ret_status = 400;
	if (version && !mcp_revision_find(version, MCP_LEGACY)) {
		return rpc_fault(fault, RPC_INVALID_REQUEST, NULL,
			"the HTTP header MCP-Protocol-Version is \"%.40s\", a version that is not "
			"supported",
			version);
	}
	if (!id) {
		return rpc_fault(fault, RPC_INVALID_REQUEST, NULL,
			"the HTTP header " ID_HEADER " is missing: send `initialize` first, then "
			"the id from its response's header with each request (or, for 2026-07-28, "
			"params._meta instead)");
	}
	if (!find(conn, id, &session, fault, ret_status)) {
		return false;
	}
	conn_join(conn, session);
	return true;
}

bool http_session_admit(struct conn *conn, const json_t *message)
{
	struct rpc_fault fault;
	int status;
	if (mcp_is_modern(conn, message) || mcp_is_initialize(message) ||
		join(conn, &fault, &status)) {
		return true;
	}
	const json_t *id = json_object_get(message, "id");
	conn_refuse(conn, rpc_is_id(id) ? id : NULL, status, &fault);
	return false;
}

/* ---- streams ---- */

static void send_event(
	struct conn *conn, const char *id, const char *text, size_t len, unsigned retry_ms)
{
	conn->began = true;
	conn->wire->transport->http->send_event(conn->wire, id, text, len, retry_ms);
}

/* Starts a stream, with an event id if the client supports it, otherwise without data. */
static void begin(struct conn *conn, unsigned stream)
{
	char id[REPLAY_ID_MAX];
	conn->resumable = true;
	conn->stream = stream;
	bool prime = mcp_primes_streams(conn->session->revision);
	if (prime) {
		replay_number(&conn->session->http->replay, stream, id);
	}
	send_event(conn, prime ? id : NULL, NULL, 0, 0);
}

void http_session_begin_stream(struct conn *conn)
{
	struct http_session *http = conn->session->http;
	if (conn->kind == TRANSPORT_POST && !conn->began && conn_streams(conn)) {
		begin(conn, ++http->streams);
	}
}

void http_session_put(struct conn *conn, const struct buf *message)
{
	char id[REPLAY_ID_MAX];
	replay_keep(&conn->session->http->replay, conn->stream, message, id);
	if (conn->wire) {
		send_event(conn, id, buf_text(message), message->len, 0);
	}
}

void http_session_close_stream(struct conn *conn, unsigned retry_ms)
{
	if (conn->answered || !mcp_primes_streams(conn->session->revision)) {
		return;
	}
	http_session_begin_stream(conn);
	if (conn->resumable && conn->wire) {
		char id[REPLAY_ID_MAX];
		replay_number(&conn->session->http->replay, conn->stream, id);
		send_event(conn, id, NULL, 0, retry_ms);
		conn_drop_wire(conn);
	}
}

/* ---- GET and DELETE ---- */

/* A session has one notification stream.  The newest wins, because a client may reconnect before
 * its old connection is known to be dead. */
static void take_notifications(struct conn *conn, const struct replay_id *after)
{
	struct session *session = conn->session;
	if (session->notifications) {
		conn_drop_wire(session->notifications);
	}
	session->notifications = conn;
	if (after) {
		conn->resumable = true;
		send_event(conn, NULL, NULL, 0, 0);
		replay_send(&session->http->replay, after, conn->wire);
	} else {
		begin(conn, 0);
	}
	session_catch_up(session);
}

static struct conn *find_stream(const struct session *session, unsigned stream)
{
	struct conn *conn;
	LIST_FOREACH(conn, &session->conns, link)
	{
		if (conn->kind == TRANSPORT_POST && conn->stream == stream && !conn->answered) {
			return conn;
		}
	}
	return NULL;
}

/* The rest of a POST's stream: what was missed and, while its request runs, what follows. */
static void resume(struct conn *conn, const struct replay_id *after)
{
	struct session *session = conn->session;
	struct conn *stream = find_stream(session, after->stream);
	size_t sent = replay_send(&session->http->replay, after, conn->wire);
	if (stream) {
		if (sent == 0) {
			send_event(conn, NULL, NULL, 0, 0);
		}
		conn_take_wire(stream, conn);
	} else if (sent > 0) {
		conn_end(conn);
	} else {
		struct rpc_fault fault;
		rpc_fault(&fault, RPC_INVALID_REQUEST, NULL,
			"the event \"%u-%llu\" is unknown or no longer kept", after->stream,
			(unsigned long long)after->number);
		conn_refuse(conn, NULL, 400, &fault);
	}
}

static void open_stream(struct conn *conn)
{
	const char *last = conn_header(conn, "Last-Event-ID");
	struct replay_id after;
	struct rpc_fault fault;
	if (!conn_streams(conn)) {
		rpc_fault(&fault, RPC_INVALID_REQUEST, NULL,
			"a GET opens a stream: the Accept header must list text/event-stream");
		conn_refuse(conn, NULL, 406, &fault);
	} else if (!last || !*last) {
		take_notifications(conn, NULL);
	} else if (!replay_parse(last, &after)) {
		rpc_fault(&fault, RPC_INVALID_REQUEST, NULL,
			"Last-Event-ID must be the id of an event of this session; got \"%.40s\"",
			last);
		conn_refuse(conn, NULL, 400, &fault);
	} else if (after.stream == 0) {
		take_notifications(conn, &after);
	} else {
		resume(conn, &after);
	}
}

/* Without a session only POST is valid; clients use GET to detect the transport. */
static void refuse_method(struct conn *conn)
{
	struct rpc_fault fault;
	rpc_fault(&fault, RPC_INVALID_REQUEST, NULL,
		"a GET requires the header " ID_HEADER "; POST an initialize request first");
	conn->wire->transport->http->set_header(conn->wire, "Allow", "POST");
	conn_refuse(conn, NULL, 405, &fault);
}

void http_session_opened(struct conn *conn)
{
	const char *version = conn_header(conn, "MCP-Protocol-Version");
	struct rpc_fault fault;
	int status;
	if (!conn_header(conn, ID_HEADER) || (version && mcp_is_modern(conn, NULL))) {
		refuse_method(conn);
	} else if (!join(conn, &fault, &status)) {
		conn_refuse(conn, NULL, status, &fault);
	} else if (conn->kind == TRANSPORT_STREAM) {
		open_stream(conn);
	} else {
		struct session *session = conn->session;
		conn_set_status(conn, 204);
		session_end(session);
	}
}
