#ifndef VM_AGENT_ACT_STEP_H
#define VM_AGENT_ACT_STEP_H

#include "base/err.h"

/* Reports the end of an asynchronous step: once, from the loop.  why is NULL on success. */
typedef void step_fn(const struct err *why, void *data);

#endif
