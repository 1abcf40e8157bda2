#ifndef SERVER_METHODS_TOOL_CALL_H
#define SERVER_METHODS_TOOL_CALL_H

#include "server/mcp/session.h"
#include "tools/call_impl.h"

/*
 * A tools/call in flight.  It stands on its request (tools_call.c) until that is answered.  One that
 * takes long may become a task (task.c): the request is answered with the task's id, and the call
 * goes on without it.
 */

struct task;

struct tool_call {
	struct call call;            /* first */
	struct principal *principal; /* held; its server is NULL once that has gone */
	uint64_t connection;         /* its session's number */
	struct request *request;     /* NULL once answered, or when it is a task */
	struct task *task;           /* NULL: it is none, or was dropped */
	json_t *message;             /* what its arguments point into */
	struct turn turn;
	sd_event_source *late; /* then it becomes a task */
	uint64_t began;
};

/* The result of tools/call, which was logged and counted.  Takes content (NULL: none). */
json_t *tool_call_result(struct tool_call *call, json_t *content, const struct err *why);
bool tool_call_stream_base(
	struct tool_call *call, const char *host, char **ret_url, struct err *err);
const char *tool_call_stream_vnc(const struct tool_call *call);
/* The last thing: it was answered. */
void tool_call_over(struct tool_call *call);
/* Tells it to stop; it still has to be answered.  False: it did not ask to hear of that. */
bool tool_call_cancel(struct tool_call *call);
void tool_call_free(struct call *call); /* for a call_impl */

/* ---- task.c ---- */

#define TASKS_EXTENSION "io.modelcontextprotocol/tasks"

/* Did the client of a request say that it knows tasks? */
bool tasks_are_known(const struct request *request);
/* Fails a request that needs a client that does. */
void tasks_refuse(struct request *request);
/* Makes a task of a call and answers its request with that.  Does nothing where it cannot be one
 * now: the principal has as many as it may have, or the server is ending. */
void task_begin(struct tool_call *call);

#endif
