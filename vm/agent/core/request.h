#ifndef VM_AGENT_CORE_REQUEST_H
#define VM_AGENT_CORE_REQUEST_H

#include "vm/agent/core/op.h"

/* Requests in flight, for vm/agent/main.  Operations answer them by the functions of op.h. */

/* Decodes the arguments in the JSON and runs the operation. */
void request_run(struct agent *agent, uint32_t id, const struct link_msg *msg, const struct op *op);
void request_cancel(struct agent *agent, uint32_t id);
/* Cancels all requests, as if the host had done so. */
void request_cancel_all(struct agent *agent);
/* The same after the host has disconnected: none is answered, because a new host may reuse the
 * numbers. */
void request_forget_all(struct agent *agent);
/* Frees the unanswered requests; events that they wait for must not occur afterwards. */
void request_free_all(struct agent *agent);

#endif
