#ifndef VM_AGENT_PROCESS_ENVIRONMENT_H
#define VM_AGENT_PROCESS_ENVIRONMENT_H

#include "base/err.h"

/*
 * The environment of everything the agent starts is the agent's own, rebuilt at its start from a
 * short table; what else it was started with stays behind.
 */

/* Also makes the run-time directory ($XDG_RUNTIME_DIR) when it is not there. */
bool environment_init(struct err *err) NODISCARD;

/* Adds to it, for everything started from now on ("DISPLAY"). */
void environment_set(const char *name, const char *value);

/* "VITRINE_AGENT=...": in the environment of everything this agent started, and of nothing else. */
const char *environment_mark(void);

/* Ours with some more "K=V", which are borrowed; free() it. */
const char **environment_with(const char *const *more, unsigned n);

#endif
