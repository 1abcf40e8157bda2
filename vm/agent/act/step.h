#ifndef VM_AGENT_ACT_STEP_H
#define VM_AGENT_ACT_STEP_H

#include "base/err.h"

/* How something that takes time reports its end: once, from the loop.  why is NULL when it went
 * well. */
typedef void step_fn(const struct err *why, void *data);

#endif
