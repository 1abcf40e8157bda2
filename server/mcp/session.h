#ifndef SERVER_MCP_SESSION_H
#define SERVER_MCP_SESSION_H

#include "server/mcp/envelope.h"
#include "server/mcp/method.h"
#include "server/mcp/replay.h"
#include "server/mcp/revision.h"
#include "server/mcp/rpc.h"
#include "server/mcp/server.h"
#include "server/mcp/signed_state.h"

#include <sys/queue.h>

/*
 * Shared by the files of server/mcp/ and server/methods/.  A conn is a destination of responses:
 * stdio, one POST, one stream.  A session is the state between messages.  A principal owns
 * sandboxes.  A request holds a reference to its conn, that to its session, that to its principal:
 * each outlives those that point to it.
 */

LIST_HEAD(principal_list, principal);
LIST_HEAD(session_list, session);
LIST_HEAD(conn_list, conn);
LIST_HEAD(request_list, request);
LIST_HEAD(subscription_list, subscription);
LIST_HEAD(client_requests_list, client_requests);
TAILQ_HEAD(turn_list, turn);
TAILQ_HEAD(task_list, task);

struct server {
	sd_event *event;
	struct server_options options;
	struct listener screens,
		notifications; /* of sandboxes, for subscriptions.c and logging.c */
	struct principal_list principals;
	struct session_list sessions;
	struct task_list tasks; /* server/methods/task.h */
	void *named;            /* the sessions with an id, a tree (search.h) */
	sd_event_source *sweep; /* while there are sessions */
	size_t duplexes;        /* number of duplex connections */
	size_t calls;
	bool finishing;
	char *instructions;
	struct state_key state_key;  /* signs requestState */
	int64_t last_client_request; /* client requests so far: their ids */
	void (*idle)(void *data);
	void *idle_data;
	uint64_t sessions_made;
};

/* ---- server.c ---- */

/* Input has ended and the client does not read: the connection counts as closed. */
void server_connection_stuck(struct server *server);
/* A duplex connection has ended. */
void server_connection_ended(struct server *server);

/* ---- principal.c: owners of sandboxes and their limits ---- */

struct principal {
	LIST_ENTRY(principal) link;
	struct server *server;    /* NULL once the server is freed */
	size_t sessions;          /* which hold references */
	size_t calls;             /* in flight, over all of its sessions */
	int64_t max_calls;        /* 0: no limit */
	struct turn_list turns;   /* of its requests, in order of arrival */
	sd_event_source *go_on;   /* pending: some of these may start */
	struct replay_share kept; /* messages that can be replayed */
	char name[];
};

/* That with this name, created if necessary. */
struct principal *principal_ref(struct server *server, const char *name);
/* One more reference to an existing one. */
static inline struct principal *principal_hold(struct principal *principal)
{
	principal->sessions++;
	return principal;
}
void principal_unref(struct principal *principal);
void principal_forget_server(struct server *server);

/* ---- session.c: state between messages.  Each conn initially has a new session ---- */

struct session {
	LIST_ENTRY(session) link;
	size_t refs;           /* its conns, and its id */
	uint64_t number;       /* 1, 2, ..., for records of its calls */
	struct server *server; /* NULL once the server is freed */
	struct principal *principal;
	const char *owner;                   /* the principal's name */
	const struct mcp_revision *revision; /* negotiated by `initialize`; NULL before */
	int log_level;                       /* enum mcp_level; legacy, set by logging/setLevel */
	json_t *capabilities;                /* of the client, declared in `initialize` */
	struct conn_list conns;
	struct conn *notifications; /* destination of messages that are not responses; NULL: none */
	struct http_session *http;  /* has an id, and outlives its conns: http_session.c; or NULL */
	struct request_list requests;
	struct subscription_list subscriptions;
	struct client_requests_list client_requests;
	size_t calls;   /* of the requests, those admitted by request_admit() */
	size_t leaving; /* of them, those cancelled but not ended */
};

struct session *session_new(struct server *server, const char *owner);
void session_ref(struct session *session);
void session_unref(struct session *session);
/* The client has disconnected: cancels requests in flight and ends subscriptions. */
void session_end(struct session *session);
void session_cancel_requests(struct session *session);
/* Answers all requests in flight with an error (why: a sentence), and closes the connections. */
void session_abort(struct session *session, const char *why);
/* The same, but waits until requests in flight are answered. */
void session_finish(struct session *session);
void session_forget_server(struct session *session);
/* The negotiated revision or, before, the latest legacy revision. */
/* The protocol tells clients to send only pings before `initialize`.  Like other servers, this one
 * responds anyway, so that requests can be tried by hand. */
static inline const struct mcp_revision *session_revision(const struct session *session)
{
	return session->revision ? session->revision : mcp_revision_latest(MCP_LEGACY);
}
/* The client reads again: sends what back pressure had delayed, see method.h. */
void session_catch_up(struct session *session);
/* The client reads no more notifications. */
void session_end_parts(struct session *session);

/* ---- conn.c: one connection, a destination of responses ---- */

struct conn {
	LIST_ENTRY(conn) link; /* of the session */
	size_t refs;           /* the transport connection, and each request received over it */
	struct session *session;
	enum transport_kind kind;
	struct transport_conn *wire; /* NULL while disconnected */
	size_t open;                 /* requests in flight */
	/* unread responses accumulate: no more messages until they are sent */
	bool paused;
	bool ending;    /* end of input */
	bool began;     /* data was sent, so the status is fixed */
	bool answered;  /* a POST: nothing more will be sent */
	bool resumable; /* its messages have ids and are kept: replay.c */
	/* the stream part of these ids; 0: notifications of the session */
	unsigned stream;
	sd_event_source *grace;
	size_t grace_pending;
};

struct conn *conn_new(struct server *server, struct transport_conn *wire);
void conn_ref(struct conn *conn);
void conn_unref(struct conn *conn);
void conn_closed(struct conn *conn); /* the transport connection has closed */
/* the server is being freed; the transport connection remains */
void conn_let_go(struct conn *conn);
void conn_end_input(struct conn *conn);
void conn_drained(struct conn *conn);
/* Moves it to another session. */
void conn_join(struct conn *conn, struct session *session);
/* Closes the transport connection silently; requests continue. */
void conn_drop_wire(struct conn *conn);
/* Takes over the transport connection of another conn, which ends. */
void conn_take_wire(struct conn *conn, struct conn *from);
/* A header of the HTTP request; NULL if absent. */
const char *conn_header(const struct conn *conn, const char *name);
/* Only over HTTP, and before data was sent. */
void conn_set_status(struct conn *conn, int status);
void conn_set_header(struct conn *conn, const char *name, const char *value);
/* Whether it can carry notifications and client requests in addition to a response. */
bool conn_streams(const struct conn *conn);
/* Whether optional messages (progress, notifications) should be sent now.  NULL-safe. */
bool conn_listens(const struct conn *conn);
/* Queues one complete message: a notification, or a client request. */
void conn_send(struct conn *conn, const struct buf *message);
/* Queues the response to a message of the client. */
void conn_answer(struct conn *conn, const struct buf *message);
/* Takes params. */
void conn_notify(struct conn *conn, const char *method, json_t *params);
/* The response to a message that did not become a request.  id: NULL if unknown.  status: of
 * HTTP. */
void conn_refuse(struct conn *conn, const json_t *id, int status, const struct rpc_fault *fault);
/* The id in a response to a message whose id is unknown; NULL: left out. */
const json_t *conn_no_id(const struct conn *conn);
/* Closes it once its requests in flight are answered. */
void conn_finish(struct conn *conn);
/* It sends nothing more: closes it, unless it is closing already. */
void conn_end(struct conn *conn);
/* Count requests in flight.  The last one ends a connection whose input has ended. */
void conn_open_request(struct conn *conn);
void conn_close_request(struct conn *conn);

/* ---- http_session.c: sessions with an id (Streamable HTTP, legacy) ---- */

struct http_session;

/* A GET or a DELETE was received. */
void http_session_opened(struct conn *conn);
/* A POST's message was received: joins its session.  False: it has been refused. */
bool http_session_admit(struct conn *conn, const json_t *message);
/* `initialize` was received: its session gets an id, returned in a header. */
void http_session_keep(struct conn *conn);
/* Starts streaming for a POST whose messages can be replayed. */
void http_session_begin_stream(struct conn *conn);
/* Stores a message for a resumable conn, and sends it if connected. */
void http_session_put(struct conn *conn, const struct buf *message);
/* Ends the HTTP response while the request continues: the client reconnects after retry_ms.  No
 * effect if the client cannot resume. */
void http_session_close_stream(struct conn *conn, unsigned retry_ms);
/* A conn has ended, so the session may be idle now.  No effect without an id. */
void http_session_touch(struct session *session);
/* Ends sessions and drops messages that are too old. */
void http_session_sweep(struct server *server, uint64_t now_us);
/* Removes the id. */
void http_session_free(struct session *session);

/* ---- call_order.c: calls of one client on one desktop run in the order of arrival ---- */

struct turn {
	TAILQ_ENTRY(turn) entry;
	enum tool_order order;
	const char *sandbox;    /* NULL: the default sandbox */
	const char *what;       /* for messages: a tool's name */
	void (*go)(void *data); /* may end it */
	void *data;
	/* call_order.c's */
	struct principal *principal; /* NULL: not queued */
	struct vm_pool *vms;
	const void *client;
	bool waits, lets_pass;
	const char *overtook; /* what was still running when this started; or NULL */
	sd_event_source *hold;
};

/* Calls go(), immediately or when the previous calls have ended.  The caller sets the first
 * members.  The turn, its strings and the request's principal must live until turn_leave(). */
void turn_take(struct turn *turn, const struct request *request);
/* Withdraws it: true if it has not started. */
bool turn_withdraw(struct turn *turn);
void turn_leave(struct turn *turn); /* it has ended; no effect if it was not queued */

/* ---- request.c: one JSON-RPC request in flight ---- */

struct batch;

struct request {
	LIST_ENTRY(request) link;
	struct conn *conn;       /* destination of its response and notifications */
	struct session *session; /* of the conn */
	struct server *server;   /* NULL once the server is freed */
	const char *owner;
	struct vm_pool *vms;
	const struct mcp_revision *revision;
	const struct mcp_method *method;
	json_t *message; /* owns the members below */
	const json_t *id, *params;
	const json_t *progress_token;
	double step, total;   /* the last step; -1: none.  total 0: unknown */
	double progress_sent; /* the largest progress sent, heartbeats included; -1: none */
	unsigned beats;       /* since the last step */
	sd_event_source *beat;
	char doing[128]; /* the last message */
	const char *(*describe)(void *data);
	void *describe_data;
	uint64_t began; /* when it was admitted, in µs */
	int log_level;  /* modern: requested by this request; otherwise -1 */
	struct batch *batch;
	void (*on_cancel)(void *data);
	void *on_cancel_data;
	void (*on_end)(void *data); /* it was answered or dropped, and ends */
	void *on_end_data;
	struct turn turn;
	struct client_requests *client_requests; /* legacy: pending client requests */
	json_t *answers; /* modern: the client's answers; NULL: not read yet */
	bool cancelled, admitted, leaving;
};

/* Reads the message (keeps a reference) and runs its method.  batch may be NULL. */
void request_start(
	struct conn *conn, struct batch *batch, json_t *message, const struct rpc_message *msg);
/* Exactly one of these two ends a request and frees it.  Both take result or data (NULL: none). */
void request_reply(struct request *request, json_t *result);
void request_fail(struct request *request, int code, json_t *data, const char *fmt, ...)
	PRINTF(4, 5);
/* Counts it among the limited calls, if the limit permits. */
bool request_admit(struct request *request, struct err *err) NODISCARD;
/*
 * A step of an admitted request; steps must increase, or they are not sent.  While a request
 * reports no step, progress is sent automatically every few seconds until its response, with the
 * last message or the text of describe().
 */
void request_progress(struct request *request, double step, double total, const char *message);
void request_describe(struct request *request, const char *(*describe)(void *data), void *data);
/* Calls fn at most once, immediately if it was already cancelled. */
void request_on_cancel(struct request *request, void (*fn)(void *data), void *data);
void request_cancel(struct request *request); /* no response will be sent */
/* Answers with an error now, and cancels the work.  Not for a cancelled request. */
void request_abort(struct request *request, const struct err *why);
struct request *request_find(struct session *session, const json_t *id);
/* Returns a string member of params.  If it is missing, fails the request and returns NULL. */
const char *request_text(struct request *request, const char *name);

/* ---- batch.c: an array of messages (2025-03-26), answered with one array ---- */

void batch_take(struct conn *conn, json_t *messages);
/* A member was answered (message NULL: without a response). */
void batch_add(struct batch *batch, const struct buf *message);
void batch_expect(struct batch *batch); /* one more member is in flight */

/* ---- conn.c: one message, alone or in a batch ---- */

void conn_take_one(struct conn *conn, struct batch *batch, json_t *message);

/* ---- client_request.c: requests of the server to a client ---- */

/* The client's response to a request of the server, from any of its connections. */
void client_request_take_response(struct session *session, const json_t *id, const json_t *message);
void client_request_cancel(struct request *request); /* the request is not answered yet */
/* A request with pending client requests is being answered. */
void client_request_drop(struct request *request);
void client_request_end_all(struct session *session); /* no response can arrive: end of input */

/* Whether the client wants log messages of this level: a modern request contains its level; a legacy
 * connection sets it once. */
bool request_logs(const struct request *request, enum mcp_level level);
/* Whether it came with HTTP headers that must match it. */
static inline bool request_has_headers(const struct request *request)
{
	return request->revision->era == MCP_MODERN && request->conn->kind != TRANSPORT_DUPLEX;
}

#endif
