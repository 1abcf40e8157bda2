#ifndef SERVER_METHODS_TOOL_CALL_H
#define SERVER_METHODS_TOOL_CALL_H

#include "server/mcp/session.h"
#include "tools/call/call_impl.h"

/*
 * A tools/call in flight.  It is attached to its request (tools_call.c) until that is answered.
 * One that takes long may become a task (task.c): the request is answered with the task's id, and
 * the call continues without it.
 */

struct task;

struct tool_call {
	struct call call;            /* first */
	struct principal *principal; /* a reference; its server is NULL once that is freed */
	uint64_t connection;         /* the session's number */
	struct request *request;     /* NULL once answered, or if it is a task */
	struct task *task;           /* NULL: not a task, or dropped */
	json_t *message;             /* owns its arguments */
	struct turn turn;
	sd_event_source *late; /* when it becomes a task */
	uint64_t began;
};

extern const struct call_impl tool_call_impl; /* tool_front.c; of a call with a request */

void tool_call_answer(struct call *call, json_t *content, const struct err *why);
/* The result of tools/call, after logging and counting.  Takes content (NULL: none). */
json_t *tool_call_result(struct tool_call *call, json_t *content, const struct err *why);
bool tool_call_stream_base(
	struct tool_call *call, const char *host, char **ret_url, struct err *err);
const char *tool_call_stream_vnc(const struct tool_call *call);
/* Called last: it was answered. */
void tool_call_over(struct tool_call *call);
/* Cancels it; it must still be answered.  False: it has no cancellation callback. */
bool tool_call_cancel(struct tool_call *call);
void tool_call_free(struct call *call); /* for a call_impl */

/* ---- tasks ---- */

#define TASKS_EXTENSION "io.modelcontextprotocol/tasks"

/* Whether the client of a request supports tasks. */
bool tasks_are_known(const struct request *request);
/* Fails a request that requires such a client. */
void tasks_refuse(struct request *request);
/* Turns a call into a task and answers its request with it.  No effect if the principal has reached
 * its limit of tasks or the server is shutting down. */
void task_begin(struct tool_call *call);

#endif
