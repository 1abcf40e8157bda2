#ifndef VM_AGENT_CORE_REQUEST_H
#define VM_AGENT_CORE_REQUEST_H

#include "vm/agent/core/op.h"

/* Requests in flight, for vm/agent/main.  Operations answer them by the functions of op.h. */

/* Decodes the arguments in the JSON and runs the operation. */
void request_run(struct agent *agent, uint32_t id, const struct link_msg *msg, const struct op *op);
void request_cancel(struct agent *agent, uint32_t id);
/* Cancels every request, as if the host had asked for that. */
void request_cancel_all(struct agent *agent);
/* The same when the host is gone: none is answered, for a new host may use the numbers again. */
void request_forget_all(struct agent *agent);
/* Frees the requests that are still not answered; what they wait for must not fire afterwards. */
void request_free_all(struct agent *agent);

#endif
