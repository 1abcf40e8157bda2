#ifndef VM_AGENT_PROCESS_PROCESS_OP_H
#define VM_AGENT_PROCESS_PROCESS_OP_H

#include "vm/agent/core/op.h"
#include "vm/agent/process/process.h"

/* Shared by the operations on processes. */

/* The process that a request names; NULL: the request has failed. */
struct process *process_op_find(struct request *req, int64_t pid, const char *tag);
/* Answers with nothing, or with the error. */
void process_op_finish(struct request *req, bool good, const struct err *err);

#endif
