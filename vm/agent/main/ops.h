#ifndef VM_AGENT_MAIN_OPS_H
#define VM_AGENT_MAIN_OPS_H

#include "vm/agent/core/op.h"
#include "vm/wire/link.h"

/* Requests from the link, for agent.c. */

void ops_request(struct agent *agent, uint32_t id, const struct link_msg *msg);
void ops_cancel(struct agent *agent, uint32_t id);
/* Takes every request back, as if the host had asked for that. */
void ops_cancel_all(struct agent *agent);
/* The same for a host that is gone: nothing is answered any more, for a new one may use the numbers
 * again. */
void ops_forget_all(struct agent *agent);
/* Frees those that are still not answered; whatever they wait for must not come any more. */
void ops_free_all(struct agent *agent);

#endif
