#ifndef VM_GUEST_CALL_H
#define VM_GUEST_CALL_H

/* A request to an agent, from the moment it is made until its callback has fired: what the files
 * behind vm/guest/guest.h share. */

#include "vm/guest/encode_frame.h"
#include "vm/guest/owner.h"
#include "vm/wire/messages.h"

struct guest_call;

enum delivered {
	REPLY_BAD, /* not in order: the callback was not called */
	REPLY_TOLD,
	REPLY_LATER, /* more is to come before the callback */
};

struct guest_op {
	const struct message *message;
	enum delivered (*deliver)(
		struct guest_call *call, const struct link_msg *msg, struct err *err);
	void (*fail)(struct guest_call *call, const struct err *err);
	const struct link_talk *talk; /* of a conversation, whose data is the call */
};

struct guest_call {
	TAILQ_ENTRY(guest_call) entry;
	struct guest *guest;
	const struct guest_op *op;
	guest_id id;
	uint32_t link_id; /* 0: not (any more) with the agent */
	int64_t time_ms;  /* what it was asked takes so long at most; see guest_call_ask() */
	sd_event_source *deadline;
	bool late;                 /* and it was told to stop */
	sd_event_source *deferred; /* refused here; told from the loop */
	struct err refused;
	union {
		guest_act_fn *act;
		guest_launch_fn *launch;
		guest_json_fn *json;
		guest_clipboard_fn *clipboard;
	} fn;
	void *data;
	size_t n_actions;
	bool is_input; /* one of its actions is */
	bool is_aside; /* no use of the sandbox */
	bool fenced;   /* and then the agent lost control */
	struct observe observe;
	struct clipboard_wish clipboard;   /* what is to be read */
	struct guest_painting *painting;   /* of its frame */
	struct conversation *conversation; /* that it is; freed with it */
};

struct guest_call *guest_call_new(struct guest *guest, const struct guest_op *op, void *data);
struct guest_call *guest_call_new_aside(struct guest *guest, const struct guest_op *op, void *data);
/*
 * With the struct of the message's request.  The agent has call->time_ms and a grace; then it is told
 * to stop, and one that does not even do that ends with its sandbox.
 */
guest_id guest_call_ask(struct guest_call *call, const void *args);
/* With bytes behind it. */
guest_id guest_call_ask_with(
	struct guest_call *call, const void *args, const void *tail, size_t tail_len);
/* What it owed by its deadline has come. */
void guest_call_is_answered(struct guest_call *call);
/* The agent is told to stop, and must answer that soon. */
void guest_call_take_back(struct guest_call *call);
/* Instead; told from the loop. */
guest_id guest_call_refuse(struct guest_call *call, const struct err *why);
/* The ends: all of these free the call. */
void guest_call_fail(struct guest_call *call, const struct err *why);   /* calls back */
void guest_call_over(struct guest_call *call);                          /* it was called back */
void guest_call_is_bad(struct guest_call *call, const struct err *why); /* ends the sandbox, too */

bool guest_may_ask(const struct guest *guest, struct err *err) NODISCARD;
bool guest_may_act(const struct guest *guest, struct err *err) NODISCARD;
bool guest_must_answer(const struct guest *guest); /* neither starting, frozen nor gone */

#endif
