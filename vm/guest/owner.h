#ifndef VM_GUEST_OWNER_H
#define VM_GUEST_OWNER_H

/*
 * The connection to one sandbox's agent, for the owner of the sandbox, who embeds it and connects
 * it to each VM.  All others use vm/guest/guest.h.
 */

#include "vm/guest/guest.h"
#include "vm/wire/geometry.h"
#include "vm/wire/link.h"

#include <sys/queue.h>

TAILQ_HEAD(guest_calls, guest_call);

/* Functions of the owner.  None may free the guest, and only lost(), broke() and hangs() may end
 * its calls. */
struct guest_handlers {
	/* Whether requests to the agent are possible now; otherwise ERR_STATE or ERR_GONE. */
	bool (*may_ask)(const void *data, struct err *err);
	/* Whether callers may act (input, programs), and run commands. */
	bool (*may_act)(const void *data, struct err *err);
	bool (*may_run)(const void *data, struct err *err);
	/* Whether the agent must respond: not while it starts or is frozen. */
	bool (*must_answer)(const void *data);
	void (*used)(void *data); /* a call that counts as use of the sandbox started or ended */
	void (*event)(void *data, const struct link_msg *msg);
	void (*lost)(void *data, const struct err *why); /* the link broke */
	/* It sent an invalid reply: *err says what; afterwards the text for its caller. */
	void (*broke)(void *data, struct err *err);
	void (*hangs)(void *data, const struct err *why); /* it no longer responds */
};

struct guest {
	sd_event *event;
	const struct guest_handlers *handlers;
	void *data;
	const char *name; /* the sandbox's id, for errors */
	/* Variables of its commands and programs, an object; those of a request take precedence.  NULL:
	 * none.  Borrowed. */
	const json_t *const *environment;
	bool is_emulated;          /* its CPU is emulated, so the host computes what it can */
	struct size screen, frame; /* last values from the agent */
	int64_t frame_id;          /* the highest it has sent, before any restore, too */
	struct link *link;         /* NULL: not connected */
	/* private to vm/guest/call.c */
	struct guest_calls calls;
	uint32_t last_id;
	uint64_t liveness_ms; /* an agent that does not answer a ping for this long hangs */
	uint64_t grace_ms;    /* extra time of an operation beyond what it requested */
	bool pinged;
	sd_event_source *liveness_timer;
};

/* Not connected.  name and handlers are borrowed. */
void guest_init(struct guest *guest, sd_event *event, const char *name,
	const struct guest_handlers *handlers, void *data);
void guest_connect(struct guest *guest, int fd); /* takes fd; must not be connected */
/* Drops the link.  Calls stay open.  Idempotent. */
void guest_disconnect(struct guest *guest);

/* Whether calls are pending. */
bool guest_is_used(const struct guest *guest);
/* Fails the calls whose link was dropped; with all, also those that were refused and not reported
 * yet. */
void guest_fail_calls(struct guest *guest, const struct err *why, bool all);
/* The agent lost control: its actions with input are cancelled and fail with the reason. */
void guest_stop_input(struct guest *guest);

#endif
