#ifndef VM_AGENT_PROCESS_SINGLE_INSTANCE_H
#define VM_AGENT_PROCESS_SINGLE_INSTANCE_H

#include "vm/agent/x11/windows.h"

/*
 * Programs of which only one instance runs: a second one hands its work to the first and ends.
 * Which window of the first did that work, is told by what has changed since the second began.
 */

struct single_instance;

/* Notes what windows there are.  program: what is about to be started, a name or a path. */
struct single_instance *single_instance_new(struct display *d, const char *program);
void single_instance_free(struct single_instance *i); /* NULL-safe */

/* The program has ended, but is not reaped yet: its own name is learned, and its windows tell of
 * their changes from now on (PropertyNotify). */
void single_instance_ended(struct single_instance *i, pid_t pid);

/* Whether it had a window when the program was started: the one that came to the front since, or
 * got another title (ret_used); or else the active one, or the newest.  It is there still. */
bool single_instance_find(struct single_instance *i, struct window_info *ret_info, bool *ret_used);

#endif
