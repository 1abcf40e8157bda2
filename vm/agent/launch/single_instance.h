#ifndef VM_AGENT_LAUNCH_SINGLE_INSTANCE_H
#define VM_AGENT_LAUNCH_SINGLE_INSTANCE_H

#include "vm/agent/x11/windows.h"

/*
 * Single-instance programs: a second instance passes its work to the first and exits. The window
 * that the first one used is identified by its changes since the second one started.
 */

struct single_instance;

/* Records the existing windows.  program: a name or a path that is about to be started. */
struct single_instance *single_instance_new(struct display *d, const char *program);
void single_instance_free(struct single_instance *i); /* NULL-safe */

/* The program has exited, but is not reaped yet: records its name, and watches its windows for
 * changes (PropertyNotify). */
void single_instance_ended(struct single_instance *i, pid_t pid);

/* Whether it had a window when the program was started: the one that came to the front since, or
 * has a new title (ret_used); otherwise the active one, or the newest.  The window still exists. */
bool single_instance_find(struct single_instance *i, struct window_info *ret_info, bool *ret_used);

#endif
