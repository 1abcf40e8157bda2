#ifndef VM_GUEST_OWNER_H
#define VM_GUEST_OWNER_H

/*
 * The connection to one sandbox's agent, for who owns the sandbox: embedded there, connected and
 * disconnected as its machines come and go.  Everyone else has vm/guest/guest.h.
 */

#include "vm/guest/guest.h"
#include "vm/wire/geometry.h"
#include "vm/wire/link.h"

#include <sys/queue.h>

TAILQ_HEAD(guest_calls, guest_call);

/* What the owner is asked and told.  None may free the guest, and of these only lost(), broke() and
 * hangs() may end its calls. */
struct guest_handlers {
	/* May its agent be asked something now?  Else why not: ERR_STATE, ERR_GONE. */
	bool (*may_ask)(const void *data, struct err *err);
	/* May callers act (input, programs), and run commands? */
	bool (*may_act)(const void *data, struct err *err);
	bool (*may_run)(const void *data, struct err *err);
	/* Must its agent answer?  Not while it starts, nor when it is frozen. */
	bool (*must_answer)(const void *data);
	void (*used)(void *data); /* a call that is a use of the sandbox began, or ended */
	void (*event)(void *data, const struct link_msg *msg);
	void (*lost)(void *data, const struct err *why); /* the link broke */
	/* It sent what is no answer: *err says what, and afterwards what its caller is to be told.
	 */
	void (*broke)(void *data, struct err *err);
	void (*hangs)(void *data, const struct err *why); /* it answers nothing any more */
};

struct guest {
	sd_event *event;
	const struct guest_handlers *handlers;
	void *data;
	const char *name;          /* the sandbox's id, for errors */
	bool is_emulated;          /* the processor: what can be computed here is */
	struct size screen, frame; /* as the agent said last */
	struct link *link;         /* NULL: there is none */
	/* vm/guest/call.c's */
	struct guest_calls calls;
	uint32_t last_id;
	uint64_t guard_ms; /* an agent that does not even answer a ping for this long hangs */
	uint64_t grace_ms; /* and one that does may take so long beyond what it was asked for */
	bool pinged;
	sd_event_source *guard;
};

/* Not connected.  name and handlers are borrowed. */
void guest_init(struct guest *guest, sd_event *event, const char *name,
	const struct guest_handlers *handlers, void *data);
void guest_connect(struct guest *guest, int fd); /* takes fd; there is no link yet */
/* The link goes; calls keep nothing of it, and stay open.  Idempotent. */
void guest_disconnect(struct guest *guest);

/* Somebody waits for an answer of its agent's. */
bool guest_is_used(const struct guest *guest);
/* Fails the calls whose link has gone; with all, those too that were refused and not told yet. */
void guest_fail_calls(struct guest *guest, const struct err *why, bool all);
/* The agent lost control: its actions with input are cancelled and fail with the reason. */
void guest_stop_input(struct guest *guest);

#endif
