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
 * What the files of server/mcp/ and server/methods/ share.  A conn is where answers go: stdio, one POST, one stream.  A
 * session is what is remembered between messages.  A principal is whom sandboxes belong to.  A
 * request holds its conn, that its session, that its principal: each outlives those who point to
 * it.
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
	struct listener screens, news; /* of sandboxes: subscriptions.c's, and logging.c's */
	struct principal_list principals;
	struct session_list sessions;
	struct task_list tasks; /* server/methods/task.h */
	void *named;            /* the sessions with an id: a tree of search.h */
	sd_event_source *sweep; /* while there are any */
	size_t duplexes;        /* connections of the duplex kind */
	size_t calls;
	bool finishing;
	char *instructions;
	struct seal seal;  /* of requestState */
	int64_t questions; /* asked of clients so far: the ids of our requests */
	void (*idle)(void *data);
	void *idle_data;
	uint64_t sessions_made;
};

/* ---- server.c ---- */

/* Input has ended and the reader does not read: the connection counts as gone. */
void server_connection_stuck(struct server *server);
/* A duplex connection has ended. */
void server_connection_ended(struct server *server);

/* ---- principal.c: whom sandboxes belong to, and what they may use ---- */

struct principal {
	LIST_ENTRY(principal) link;
	struct server *server;    /* NULL once the server has gone */
	size_t sessions;          /* which hold it */
	size_t calls;             /* in flight, over all of its sessions */
	int64_t max_calls;        /* 0: no limit */
	struct turn_list turns;   /* of its requests, as they came */
	sd_event_source *go_on;   /* some of these may begin */
	struct replay_share kept; /* messages that may be asked for again */
	char name[];
};

struct principal *principal_ref(struct server *server, const char *name);
void principal_unref(struct principal *principal);
void principal_forget_server(struct server *server);

/* ---- session.c: what is remembered between messages.  Each conn begins with one of its own ----
 */

struct session {
	LIST_ENTRY(session) link;
	size_t refs;           /* its conns, and its id */
	uint64_t number;       /* 1, 2, ...: in records of its calls */
	struct server *server; /* NULL once the server has gone */
	struct principal *principal;
	const char *owner;                   /* the principal's name */
	const struct mcp_revision *revision; /* what `initialize` agreed on; NULL before */
	int log_level;                       /* enum mcp_level; legacy, by logging/setLevel */
	json_t *capabilities;                /* the client's, as `initialize` declared them */
	struct conn_list conns;
	struct conn *news; /* where goes what answers no request; NULL: nowhere */
	struct http_session
		*http; /* it has an id, and outlives its conns: http_session.c; or NULL */
	struct request_list requests;
	struct subscription_list subscriptions;
	struct client_requests_list client_requests;
	size_t calls;   /* of the requests, those that were admitted by request_admit() */
	size_t leaving; /* those of them that were cancelled and have not ended */
};

struct session *session_new(struct server *server, const char *owner);
void session_ref(struct session *session);
void session_unref(struct session *session);
/* Its client has gone: cancels what is in flight, ends subscriptions. */
void session_end(struct session *session);
void session_cancel_requests(struct session *session);
/* Answers all that is in flight with an error (why: a sentence), and closes its connections. */
void session_abort(struct session *session, const char *why);
/* The same in peace: what is in flight is answered first. */
void session_finish(struct session *session);
void session_forget_server(struct session *session);
/* What it speaks: what was agreed on, or, before, our latest legacy revision. */
const struct mcp_revision *session_revision(const struct session *session);
/* Its client reads again: what back pressure held back is sent.  For its parts (method.h). */
void session_catch_up(struct session *session);
/* Its client will read no more news. */
void session_end_parts(struct session *session);

/* ---- conn.c: one connection, the place answers go to ---- */

struct conn {
	LIST_ENTRY(conn) link; /* of its session's */
	size_t refs;           /* its wire, and each request that came over it */
	struct session *session;
	enum transport_kind kind;
	struct transport_conn *wire; /* NULL while nobody reads */
	size_t open;                 /* requests in flight */
	bool paused;                 /* answers pile up: no more messages until they were taken */
	bool ending;                 /* input is at its end */
	bool began;                  /* something was sent: the status is decided */
	bool answered;               /* a POST: nothing more will be sent */
	bool resumable;              /* its messages carry ids and are kept: replay.c */
	unsigned stream;             /* the first part of these ids; 0: the session's news */
	sd_event_source *grace;
	size_t grace_pending;
};

struct conn *conn_new(struct server *server, struct transport_conn *wire);
void conn_ref(struct conn *conn);
void conn_unref(struct conn *conn);
void conn_closed(struct conn *conn); /* the wire has gone */
void conn_let_go(struct conn *conn); /* the server goes; the wire stays where it is */
/* A message as it came: parsed, or why it could not be. */
struct incoming {
	json_t *message; /* NULL: see the others */
	json_t *id;      /* NULL: not known */
	struct rpc_fault fault;
};
struct incoming *incoming_new(const char *text, size_t len); /* from any thread */
void incoming_free(struct incoming *incoming);
void conn_take(struct conn *conn, const struct incoming *incoming);
void conn_end_input(struct conn *conn);
void conn_drained(struct conn *conn);
/* Leaves its session for another one. */
void conn_join(struct conn *conn, struct session *session);
/* The wire is closed without a word; requests go on. */
void conn_drop_wire(struct conn *conn);
/* Takes over the wire of another one, which ends with that. */
void conn_take_wire(struct conn *conn, struct conn *from);
/* A header of the HTTP request; NULL when there is none. */
const char *conn_header(const struct conn *conn, const char *name);
/* Over HTTP, and until something was sent. */
void conn_set_status(struct conn *conn, int status);
void conn_set_header(struct conn *conn, const char *name, const char *value);
/* Can it take more than an answer: notifications, requests to the client? */
bool conn_streams(const struct conn *conn);
/* Does it make sense to tell what can be left out: progress, news?  NULL-safe. */
bool conn_listens(const struct conn *conn);
/* Queues one whole message: a notification, or a request to the client. */
void conn_send(struct conn *conn, const struct buf *message);
/* Queues the answer to a message of the client's. */
void conn_answer(struct conn *conn, const struct buf *message);
/* Takes params. */
void conn_notify(struct conn *conn, const char *method, json_t *params);
/* An answer to something that never became a request.  id: NULL when unknown.  status: HTTP's. */
void conn_refuse(struct conn *conn, const json_t *id, int status, const struct rpc_fault *fault);
/* Closes it once what is in flight over it was answered. */
void conn_finish(struct conn *conn);
/* Nothing more comes of it: closes it, if it is not closing already. */
void conn_end(struct conn *conn);
/* A request is in flight, and has gone: the last one ends a connection whose input has ended. */
void conn_open_request(struct conn *conn);
void conn_close_request(struct conn *conn);

/* ---- http_session.c: sessions with an id (Streamable HTTP, legacy) ---- */

struct http_session;

/* A GET or a DELETE came. */
void http_session_opened(struct conn *conn);
/* The message of a POST is there: joins the session it belongs to.  false: it has been refused. */
bool http_session_admit(struct conn *conn, const json_t *message);
/* `initialize` came over this conn: its session gets an id, which a header tells. */
void http_session_keep(struct conn *conn);
/* A POST whose messages a client may ask for again begins to stream. */
void http_session_begin_stream(struct conn *conn);
/* Keeps a message that is about to be sent on a resumable conn, and sends it if somebody reads. */
void http_session_put(struct conn *conn, const struct buf *message);
/* Ends the HTTP response and goes on with the request: the client comes back for the rest after
 * retry_ms.  Does nothing where the client cannot. */
void http_session_close_stream(struct conn *conn, unsigned retry_ms);
/* A conn of it has gone: from now on it may be idle.  Does nothing without an id. */
void http_session_touch(struct session *session);
/* Ends the sessions, and forgets the messages, that are too old. */
void http_session_sweep(struct server *server, uint64_t now_us);
/* Forgets the id. */
void http_session_free(struct session *session);

/* ---- call_order.c: what one client asks of one desktop is done in the order it was asked in ---- */

struct turn {
	TAILQ_ENTRY(turn) entry;
	enum tool_order order;
	const char *sandbox;    /* NULL: the default one */
	const char *what;       /* for people: a tool's name */
	void (*go)(void *data); /* may end it */
	void *data;
	/* call_order.c's */
	struct principal *principal; /* NULL: not in line */
	struct vm_pool *vms;
	const void *client;
	bool waits, lets_pass;
	const char *overtook; /* what was still at work when this began; or NULL */
	sd_event_source *hold;
};

/* Calls go(), now or when those before it have ended.  The first members are filled in; the turn and
 * its strings stay until turn_leave(), and so does the request's principal. */
void turn_take(struct turn *turn, const struct request *request);
/* It does not want to begin any more: true if it has not. */
bool turn_withdraw(struct turn *turn);
void turn_leave(struct turn *turn); /* it ends; nothing happens when it was not in line */

/* ---- request.c: one JSON-RPC request in flight ---- */

struct batch;

struct request {
	LIST_ENTRY(request) link;
	struct conn *conn;       /* where its answer, and what is told about it, goes */
	struct session *session; /* the conn's */
	struct server *server;   /* NULL once the server has gone */
	const char *owner;
	struct vm_pool *vms;
	const struct mcp_revision *revision;
	const struct mcp_method *method;
	json_t *message; /* owns what follows */
	const json_t *id, *params;
	const json_t *progress_token;
	double step, total; /* the last step; -1: none.  total 0: unknown */
	double told;        /* the largest progress so far, beats included; -1: none */
	unsigned beats;     /* since the last step */
	sd_event_source *beat;
	char doing[128]; /* the last message */
	const char *(*describe)(void *data);
	void *describe_data;
	uint64_t began; /* when it was admitted, us */
	int log_level;  /* modern: what this request asked for; else -1 */
	struct batch *batch;
	void (*on_cancel)(void *data);
	void *on_cancel_data;
	void (*on_end)(void *data); /* it was answered, or dropped, and goes */
	void *on_end_data;
	struct turn turn;
	struct client_requests *client_requests; /* legacy: what the client is being asked */
	json_t *answers; /* modern: what it has answered; NULL: not read yet */
	bool cancelled, admitted, leaving;
};

/* Reads the message (a reference is kept) and runs its method.  batch may be NULL. */
void request_start(
	struct conn *conn, struct batch *batch, json_t *message, const struct rpc_message *msg);
/* Exactly one of these two ends a request and frees it; result is taken, data (NULL: none) too. */
void request_reply(struct request *request, json_t *result);
void request_fail(struct request *request, int code, json_t *data, const char *fmt, ...)
	PRINTF(4, 5);
/* Counts it among the calls that take time, if there is room. */
bool request_admit(struct request *request, struct err *err) NODISCARD;
/*
 * A step of a request that was admitted; later ones must be larger, or they are not told.  One that
 * tells nothing for a while tells by itself that it is still at work, every few seconds until its
 * answer, with the last message or what describe() says.
 */
void request_progress(struct request *request, double step, double total, const char *message);
void request_describe(struct request *request, const char *(*describe)(void *data), void *data);
/* At once when it was cancelled already; fn fires at most once. */
void request_on_cancel(struct request *request, void (*fn)(void *data), void *data);
void request_cancel(struct request *request); /* it will send no answer */
/* Answers with an error now, and cancels what is still at work.  Not for one that was cancelled. */
void request_abort(struct request *request, const struct err *why);
struct request *request_find(struct session *session, const json_t *id);
/* A string member of params; fails the request and returns NULL when it is not there. */
const char *request_text(struct request *request, const char *name);

/* ---- batch.c: an array of messages (2025-03-26), answered by one array ---- */

void batch_take(struct conn *conn, json_t *messages);
/* A member was answered (message NULL: without an answer). */
void batch_add(struct batch *batch, const struct buf *message);
void batch_expect(struct batch *batch); /* one more member is in flight */

/* ---- one message, alone or out of a batch: conn.c ---- */

void conn_take_one(struct conn *conn, struct batch *batch, json_t *message);

/* ---- client_request.c: what the server asks of a client ---- */

/* The client's answer to a request of ours, on whichever connection it came. */
void client_request_take_response(struct session *session, const json_t *id, const json_t *message);
void client_request_cancel(struct request *request);  /* the request is still to be answered */
void client_request_drop(struct request *request);    /* the request is being answered */
void client_request_end_all(struct session *session); /* no answer can come: input is at its end */

#endif
