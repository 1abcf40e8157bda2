#ifndef VM_AGENT_CORE_OP_H
#define VM_AGENT_CORE_OP_H

#include "vm/wire/messages.h"

#include <systemd/sd-event.h>

/*
 * The agent's operations (vm/wire/messages.h): a new one is one of these descriptors in a file of
 * its own and one row in vm/agent/main/ops.c.  A request is answered exactly once, now or later.
 */

struct agent;   /* vm/agent/core/agent.h */
struct request; /* one request from the host, in flight */

struct op {
	const struct message *message;
	/* args, of the message's request, and what it points to live as long as the request. */
	void (*run)(struct request *req, const void *args);
};

/* Both end the request. */
void request_reply(
	struct request *req, json_t *result, const void *tail, size_t tail_len); /* takes result */
void request_fail(struct request *req, const struct err *why);

/* With the answer as the message's struct. */
void request_answer(struct request *req, const void *answer);

struct agent *request_agent(struct request *req);
/* The bytes behind the request; only inside run(). */
const char *request_tail(const struct request *req, size_t *ret_len);
/* fn fires at most once, when the host cancels the request or disconnects; the request must still be
 * answered. */
void request_on_cancel(struct request *req, void (*fn)(void *data), void *data);

/*
 * ---- conversations: what comes between a request and its answer (vm/wire/messages.h) ----
 *
 * What the host sends that is not in the operation's row cancels the request.  No handler fires once
 * the request was answered; what was written before is sent first.  A NULL handler: what comes is
 * dropped.
 */
struct request_talk {
	/* request_consumed() when the bytes were dealt with, now or later. */
	void (*data)(unsigned channel, const void *bytes, size_t len, void *data);
	void (*message)(const struct message *message, const void *args, void *data);
	void (*writable)(void *data); /* there is room again after a write or send took less */
	void (*ended)(void *data);    /* the host sends no more */
};

/* Inside run(). */
bool request_converse(struct request *req, const struct request_talk *talk, void *data,
	struct err *err) NODISCARD;
/* Returns how many bytes were taken; the host's reading decides. */
size_t request_write(struct request *req, unsigned channel, const void *bytes, size_t len);
/* False: there is no room now. */
bool request_send(struct request *req, const struct message *message, const void *args);
void request_consumed(struct request *req, size_t len);
/* The host is told that no more comes before the answer. */
void request_close_write(struct request *req);

#endif
