#ifndef TOOLS_SYSTEM_PROCESS_IMPL_H
#define TOOLS_SYSTEM_PROCESS_IMPL_H

#include "tools/desktop/input.h"
#include "vm/guest/ask.h"
#include "vm/wire/messages.h"

/* Shared by process.c and process_output.c: a call that is one request of the agent. */

struct process_args {
	const char *sandbox;
	int64_t pid;
	const char *since, *text, *signal;
	double wait, timeout;
	int64_t max;
	bool end, tree;
};

struct process_call {
	struct call *call;
	const struct process_args *args;
	const struct message *message;
	guest_answered_fn *answered;
	int64_t wait_ms; /* that the agent may take */
	union {
		struct msg_process_output output;
		struct msg_process_input input;
		struct msg_process_signal signal;
	} request;
};

#define PROCESS_PID \
	FIELD_NUM(struct process_args, pid, "Process id.", .required = true, .min = 1, \
		.max = UINT32_MAX)

struct process_call *process_call_new(struct call *call, const void *args,
	const struct message *message, guest_answered_fn *answered);
void process_call_start(struct process_call *p); /* when `request` is filled in */

#endif
