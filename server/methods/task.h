#ifndef SERVER_METHODS_TASK_H
#define SERVER_METHODS_TASK_H

#include "base/id.h"
#include "server/methods/tool_call.h"

/* A task, between task.c, which makes and ends it, and task_methods.c, for clients. */

enum task_status { WORKING, INPUT_REQUIRED, COMPLETED, FAILED, CANCELLED };

struct task_request {
	char *key, *wire_key; /* the tool's, and the client's: no two of a task are the same */
	char *method;
	json_t *params;
	bool answered;
};

struct task {
	TAILQ_ENTRY(task) entry; /* of the server's */
	struct server *server;
	struct principal *principal; /* held */
	struct tool_call *call;      /* NULL once it has ended */
	char id[ID_LEN + 1];
	enum task_status status;
	int64_t created_ms, updated_ms; /* CLOCK_REALTIME */
	uint64_t began_us;
	int64_t ttl_ms; /* -1: not known yet */
	char doing[128];
	const char *(*describe)(void *data); /* while there is a call */
	void *describe_data;
	json_t *capabilities;   /* the client's */
	char *host;             /* how it calls this server; NULL: not known */
	json_t *outcome;        /* the result, or the error */
	size_t held;            /* bytes of that, or of its call's message, of the budget */
	sd_event_source *timer; /* the end of its questions, then its own */
	bool cancelled;
	unsigned rounds;
	struct task_request *questions;
	size_t n, open;
	json_t *answers;
};

/* As tasks/get tells it, with its questions, its result or its error. */
json_t *task_describe(const struct task *task);
/* Its client takes it back.  It may have ended when this returns, and is still there. */
void task_cancel(struct task *task);
/* It was changed by its client. */
void task_touch(struct task *task);
/* The call, and the task with it, may have ended when this returns.  why: it gets no answers. */
void task_end_questions(struct task *task, const struct err *why);
/* Forgets it.  Its call, if there is one, is cancelled, and ends as nobody's. */
void task_drop(struct task *task);

#endif
