#ifndef SERVER_METHODS_TASK_H
#define SERVER_METHODS_TASK_H

#include "base/id.h"
#include "server/methods/tool_call.h"

/* A task, shared by task.c, which creates and ends it, task_requests.c, and task_methods.c, for
 * clients. */

enum task_status { WORKING, INPUT_REQUIRED, COMPLETED, FAILED, CANCELLED };

struct task_request {
	char *key, *wire_key; /* the tool's, and the client's, which is unique within the task */
	char *method;
	json_t *params;
	bool answered;
};

struct task {
	TAILQ_ENTRY(task) entry; /* of the server */
	struct server *server;
	struct principal *principal; /* a reference */
	struct tool_call *call;      /* NULL once it has ended */
	char id[ID_LEN + 1];
	enum task_status status;
	int64_t created_ms, updated_ms; /* CLOCK_REALTIME */
	uint64_t began_us;
	int64_t ttl_ms; /* -1: not known yet */
	char doing[128];
	const char *(*describe)(void *data); /* while there is a call */
	void *describe_data;
	json_t *capabilities;   /* of the client */
	char *host;             /* the client's name of this server; NULL: unknown */
	json_t *outcome;        /* the result, or the error */
	size_t held;            /* reserved bytes for it, or for the message of the call */
	sd_event_source *timer; /* the deadline of its client requests, then its expiry */
	bool cancelled;
	unsigned rounds;
	struct task_request *client_requests;
	size_t n, open;
	json_t *answers;
};

/* The result of tasks/get, with its client requests, its result or its error. */
json_t *task_describe(const struct task *task);
/* The client cancels it.  Its call may have ended when this returns; the task still exists. */
void task_cancel(struct task *task);
/* The client has changed it. */
void task_touch(struct task *task);
/* Removes it.  Its call, if there is one, is cancelled and its result is dropped. */
void task_drop(struct task *task);

void task_set_status(struct task *task, enum task_status status);

/* ---- task_requests.c: its client requests ---- */

bool task_client_supports(
	const struct call *call, const struct call_client_request *client_request);
/* As call_impl.request_client(). */
void task_request_client(
	struct call *call, const struct call_client_request *client_requests, size_t n);
/* {key: request} of those that are not answered. */
json_t *task_describe_client_requests(const struct task *task);
void task_drop_client_requests(struct task *task);
/* The call, and the task with it, may have ended when this returns.  why: the reason for missing
 * answers. */
void task_end_client_requests(struct task *task, const struct err *why);

#endif
