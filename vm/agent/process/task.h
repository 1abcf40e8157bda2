#ifndef VM_AGENT_PROCESS_TASK_H
#define VM_AGENT_PROCESS_TASK_H

#include "base/err.h"

#include <sys/types.h>
#include <systemd/sd-event.h>

/*
 * A command or program started for the host, with all its descendants: a separate session and a
 * mark in the environment that its children inherit.
 */
struct task {
	pid_t pid;
	char mark[80]; /* "VITRINE_TASK=..." */
};

#define TASK_SCRIPT_FD 9 /* one digit, so that every shell can use it */
#define TASK_SCRIPT_FD_TEXT "9"

/* Started by task_start. */
struct task_how {
	const char *const *argv;
	const char *cwd;         /* NULL: the home directory */
	int in;                  /* its stdin; -1 or 0: empty, here and below */
	int out, err;            /* its stdout and stderr */
	int script;              /* TASK_SCRIPT_FD there */
	bool terminal;           /* in is a terminal, and its own */
	const char *const *more; /* "K=V" of its environment */
	unsigned n_more;
};

bool task_start(const struct task_how *how, struct task *ret_task, struct err *err) NODISCARD;
bool task_owns(const struct task *task, pid_t pid);
bool task_is_any(pid_t pid);                 /* whether it belongs to any task */
bool task_is_alive(const struct task *task); /* it, or a descendant */
/* The loop reaps it when it exits. */
void task_reap(const struct task *task, sd_event *event);
void task_kill(const struct task *task); /* and all its descendants */

#endif
