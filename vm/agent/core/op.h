#ifndef VM_AGENT_CORE_OP_H
#define VM_AGENT_CORE_OP_H

#include "vm/wire/messages.h"

#include <systemd/sd-event.h>

/*
 * The agent's operations (vm/wire/messages.h).  A new operation is a descriptor in a new file and a
 * row in vm/agent/main/ops.c.  A request is answered exactly once, now or later.
 */

struct agent;   /* vm/agent/core/agent.h */
struct request; /* one request from the host, in flight */

struct op {
	const struct message *message;
	/* args: the struct of the message's request.  It is valid as long as the request, like
	 * everything it points to. */
	void (*run)(struct request *req, const void *args);
	bool has_user; /* its arguments may name the user to do it as (agent.h, as_user) */
};

/* Both end the request. */
void request_reply(
	struct request *req, json_t *result, const void *tail, size_t tail_len); /* takes result */
void request_fail(struct request *req, const struct err *why);

/* The same; answer: the struct of the message's answer. */
void request_answer(struct request *req, const void *answer);

struct agent *request_agent(struct request *req);
const struct op *request_op(const struct request *req);
const json_t *request_json(const struct request *req); /* its arguments, undecoded */
uint32_t request_number(const struct request *req); /* on the link; 0: its host has disconnected */
/* The tail of the request; only inside run(). */
const char *request_tail(const struct request *req, size_t *ret_len);
/* fn is called at most once, when the host cancels the request or disconnects; the request must still
 * be answered. */
void request_on_cancel(struct request *req, void (*fn)(void *data), void *data);

/*
 * ---- conversations: data between a request and its answer (vm/wire/messages.h) ----
 *
 * If the host sends anything that is not in the operation's row, the request is cancelled.  No
 * handler is called after the answer, which is sent after everything that was written.  With a NULL
 * handler, the data or message is dropped.
 */
struct request_talk {
	/* Call request_consumed() when the bytes were processed, now or later. */
	void (*data)(unsigned channel, const void *bytes, size_t len, void *data);
	void (*message)(const struct message *message, const void *args, void *data);
	void (*writable)(void *data); /* there is credit again, after a write or send was refused */
	void (*ended)(void *data);    /* the host sends no more */
};

/* Inside run(). */
bool request_converse(struct request *req, const struct request_talk *talk, void *data,
	struct err *err) NODISCARD;
/* Returns the number of bytes taken, which the host's credit limits. */
size_t request_write(struct request *req, unsigned channel, const void *bytes, size_t len);
/* False: the credit is insufficient now. */
bool request_send(struct request *req, const struct message *message, const void *args);
void request_consumed(struct request *req, size_t len);
/* Tells the host that nothing follows except the answer. */
void request_close_write(struct request *req);

#endif
