#ifndef VM_AGENT_MAIN_FORWARD_H
#define VM_AGENT_MAIN_FORWARD_H

#include "vm/agent/core/op.h"

/*
 * Passes a request of the host to another agent, and answers it with what that one answers.  Bytes and
 * messages of a conversation are passed both ways, each no faster than its receiver takes them.
 * done(data) is called when the request was answered.
 */
void forward_request(struct request *req, struct link *to, void (*done)(void *data), void *data);

#endif
