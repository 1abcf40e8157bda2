#ifndef VM_AGENT_PROCESS_PROCESS_START_H
#define VM_AGENT_PROCESS_PROCESS_START_H

#include "vm/agent/process/process.h"
#include "vm/agent/process/task.h"

/* Our ends of a started process; of a terminal, `in` is a duplicate of `out`, and err is -1. */
struct process_start {
	int in, out, err; /* in: -1: it has no stdin */
	bool other_user;
};

/* shown: the command for lists, to be freed. */
bool process_start_task(const struct process_how *how, struct task *ret_task,
	struct process_start *ret_ends, char **ret_shown, struct err *err) NODISCARD;

#endif
