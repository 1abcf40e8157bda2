#ifndef VM_AGENT_MAIN_OPS_H
#define VM_AGENT_MAIN_OPS_H

#include "vm/agent/core/op.h"

/* Finds the operation named in 'op'; NULL: ERR_ARGUMENT, ERR_UNSUPPORTED. */
const struct op *ops_find(const json_t *request, struct err *err) NODISCARD;

#endif
