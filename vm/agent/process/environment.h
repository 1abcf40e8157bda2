#ifndef VM_AGENT_PROCESS_ENVIRONMENT_H
#define VM_AGENT_PROCESS_ENVIRONMENT_H

#include "base/err.h"

#include <jansson.h>

/*
 * The environment of everything that the agent starts.  It is rebuilt at the agent's start from a
 * short table; other variables are dropped.
 */

/* Also creates the run-time directory ($XDG_RUNTIME_DIR) if necessary. */
bool environment_init(struct err *err) NODISCARD;

/* Sets a variable ("DISPLAY") for everything that is started from now on. */
void environment_set(const char *name, const char *value);

/* "VITRINE_AGENT=...": identifies everything that this agent has started. */
const char *environment_mark(void);

/* The environment with additional "K=V", which are borrowed; to free(). */
const char **environment_with(const char *const *more, unsigned n);

/*
 * first (NULL: none), then the members of an object as "K=V"; to be freed with g_strfreev().  NULL:
 * one of them is no text, is named VITRINE_*, or they are too many bytes.
 */
char **environment_list(const char *first, const json_t *variables, struct err *err) NODISCARD;

#endif
