#ifndef VM_AGENT_CORE_OP_H
#define VM_AGENT_CORE_OP_H

#include "base/field.h"

#include <systemd/sd-event.h>

/*
 * The agent's operations (vm/wire/protocol.h): a new one is one of these descriptors in a file of
 * its own and one row in vm/agent/main/ops.c.  A request is answered exactly once, now or later.
 */

struct agent;   /* vm/agent/core/agent.h */
struct request; /* one request from the host, in flight */

struct op {
	const char *name;
	const struct field *fields;
	size_t args_size;
	/* args and what it points to live as long as the request. */
	void (*run)(struct request *req, const void *args);
};

/* Both end the request. */
void request_reply(
	struct request *req, json_t *result, const void *tail, size_t tail_len); /* takes result */
void request_fail(struct request *req, const struct err *why);

struct agent *request_agent(struct request *req);
/* fn fires at most once, when the host cancels the request or disconnects; the request must still be
 * answered. */
void request_on_cancel(struct request *req, void (*fn)(void *data), void *data);

#endif
