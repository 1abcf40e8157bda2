#ifndef SERVER_SESSION_H
#define SERVER_SESSION_H

#include "server/mcp.h"
#include "server/rpc.h"
#include "server/server.h"

#include <sys/queue.h>

/* What the files of server/ share: the server, one session per connection, one request for each one
 * in flight. */

LIST_HEAD(session_list, session);
LIST_HEAD(request_list, request);
LIST_HEAD(listener_list, listener);

struct server {
	sd_event *event;
	struct server_options options;
	struct session_list sessions;
	struct request_list orphans; /* requests whose connection has gone */
	size_t calls;
	char *instructions;
	void (*idle)(void *data);
	void *idle_data;
};

/* ---- server.c ---- */

/* Input has ended and the reader does not read: the connection counts as gone. */
void server_connection_stuck(struct server *server);

/* ---- session.c: one connection ---- */

struct session {
	LIST_ENTRY(session) link;
	struct server *server;
	struct transport_conn *conn;
	const char *owner;                   /* the principal its sandboxes belong to */
	const struct mcp_revision *revision; /* what `initialize` agreed on; NULL before */
	int log_level;                       /* enum mcp_level; legacy, by logging/setLevel */
	struct request_list requests;
	struct listener_list listeners;
	size_t calls; /* of the requests, those that were admitted by request_admit() */
	bool paused;  /* answers pile up: no more messages until they were taken */
	bool ending;  /* input is at its end */
	sd_event_source *grace;
	size_t grace_pending;
};

struct session *session_new(struct server *server, struct transport_conn *conn);
void session_free(struct session *session); /* cancels what is in flight */
void session_take(struct session *session, const char *text, size_t len);
void session_end_input(struct session *session);
void session_drained(struct session *session);
/* Queues one whole message. */
void session_send(struct session *session, const struct buf *message);
/* Takes params. */
void session_notify(struct session *session, const char *method, json_t *params);
/* An answer to something that never became a request. */
void session_refuse(struct session *session, const struct rpc_fault *fault);
/* A request has gone; ends the session when it was the last one and input has ended. */
void session_check_end(struct session *session);

/* ---- request.c: one JSON-RPC request in flight ---- */

struct batch;

struct request {
	LIST_ENTRY(request) link;
	struct session *session; /* NULL once nobody waits for the answer */
	struct server *server;   /* NULL once the server has gone */
	const char *owner;
	struct vm_pool *vms;
	const struct mcp_revision *revision;
	const struct mcp_method *method;
	json_t *message; /* owns what follows */
	const json_t *id, *params;
	const json_t *progress_token;
	double progress; /* the last step told */
	int log_level;   /* modern: what this request asked for; else -1 */
	struct batch *batch;
	void (*on_cancel)(void *data);
	void *on_cancel_data;
	bool cancelled, admitted;
};

/* Reads the message (a reference is kept) and runs its method.  batch may be NULL. */
void request_start(struct session *session, struct batch *batch, json_t *message,
	const struct rpc_message *msg);
/* Exactly one of these two ends a request and frees it; result is taken, data (NULL: none) too. */
void request_reply(struct request *request, json_t *result);
void request_fail(struct request *request, int code, json_t *data, const char *fmt, ...)
	PRINTF(4, 5);
/* Counts it among the calls that take time, if there is room. */
bool request_admit(struct request *request, struct err *err) NODISCARD;
void request_progress(struct request *request, double step, double total, const char *message);
/* At once when it was cancelled already; fn fires at most once. */
void request_on_cancel(struct request *request, void (*fn)(void *data), void *data);
void request_cancel(struct request *request); /* it will send no answer */
struct request *request_find(struct session *session, const json_t *id);
/* A string member of params; fails the request and returns NULL when it is not there. */
const char *request_text(struct request *request, const char *name);

/* ---- batch.c: an array of messages (2025-03-26), answered by one array ---- */

void batch_take(struct session *session, json_t *messages);
/* A member was answered (message NULL: without an answer). */
void batch_add(struct batch *batch, const struct buf *message);
void batch_expect(struct batch *batch); /* one more member is in flight */
void batch_forget(struct batch *batch); /* the session goes; nothing is sent any more */

/* ---- one message, alone or out of a batch: session.c ---- */

void session_take_one(struct session *session, struct batch *batch, json_t *message);

/* ---- listen.c: who wants to hear of screen changes ---- */

void listen_screen_changed(struct vm *vm, void *data); /* data: the server */
void listen_catch_up(struct session *session);         /* sends what back pressure held back */
void listen_end_all(struct session *session);          /* a clean end of every subscription */
size_t listen_count(const struct session *session);

/* ---- log.c: notifications/message ---- */

enum mcp_level {
	MCP_DEBUG,
	MCP_INFO,
	MCP_NOTICE,
	MCP_WARNING,
	MCP_ERROR,
	MCP_CRITICAL,
	MCP_ALERT,
	MCP_EMERGENCY,
	MCP_SILENT, /* nobody asked */
};
int mcp_level_from(const char *word); /* -1: no such level */
bool request_logs(const struct request *request, enum mcp_level level);
/* Takes data. */
void request_log(struct request *request, enum mcp_level level, const char *logger, json_t *data);
void log_news(struct vm *vm, const char *text, void *data); /* data: the server */

/* ---- page.c: lists in pages ---- */

/* The part of a list of `count` that the request's cursor asks for; false: the request has failed.
 */
bool page_read(struct request *request, size_t count, size_t *ret_from, size_t *ret_to);
/* Puts nextCursor into a result when there is more. */
void page_mark(json_t *result, size_t to, size_t count);

/* ---- prompt.c ---- */

/* How to work, for the model: `instructions` and the prompt.  free() it. */
char *instructions_make(const struct tool_set *tools);
extern const char prompt_name[];

#endif
