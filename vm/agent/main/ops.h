#ifndef VM_AGENT_MAIN_OPS_H
#define VM_AGENT_MAIN_OPS_H

#include "vm/agent/core/op.h"

#define OPS_RESTORED "restored" /* the first request of a new host */

const struct op *ops_find(const char *name, struct err *err) NODISCARD; /* NULL: unknown */

/* A link_handlers.request(): runs the operation named in 'op', or refuses.  data: agent_main. */
void ops_request(struct link *link, uint32_t id, const struct link_msg *msg, void *data);

#endif
