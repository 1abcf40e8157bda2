#ifndef VM_GUEST_CALL_H
#define VM_GUEST_CALL_H

/* A request to an agent, from its creation until its callback was called.  Shared by the files of
 * this folder. */

#include "vm/guest/ask.h"
#include "vm/guest/encode_frame.h"
#include "vm/guest/owner.h"
#include "vm/wire/messages.h"

struct guest_call;

enum delivered {
	REPLY_BAD, /* invalid: the callback was not called */
	REPLY_DELIVERED,
	REPLY_LATER, /* the callback is called later */
};

struct guest_op {
	const struct message *message;
	enum delivered (*deliver)(
		struct guest_call *call, const struct link_msg *msg, struct err *err);
	void (*fail)(struct guest_call *call, const struct err *err);
	const struct link_talk *talk; /* of a conversation; its data is the call */
};

struct guest_call {
	TAILQ_ENTRY(guest_call) entry;
	struct guest *guest;
	const struct guest_op *op;
	struct guest_op own_op; /* of guest_ask() */
	guest_id id;
	uint32_t link_id; /* 0: the agent does not have it */
	int64_t time_ms;  /* maximum duration of the operation; see guest_call_ask() */
	sd_event_source *deadline;
	bool late;                 /* the deadline has passed, and it was cancelled */
	sd_event_source *deferred; /* refused here; reported from the loop */
	struct err refused;
	union {
		guest_act_fn *act;
		guest_launch_fn *launch;
		guest_json_fn *json;
		guest_clipboard_fn *clipboard;
		guest_answered_fn *answered;
	} fn;
	void *data;
	size_t n_actions;
	bool is_input; /* it has an action with input */
	bool is_aside; /* not a use of the sandbox */
	bool fenced;   /* the agent lost control during it */
	struct observe observe;
	struct clipboard_wish clipboard;   /* what is to be read */
	struct guest_painting *painting;   /* of its frame */
	struct conversation *conversation; /* or NULL; freed with the call */
};

struct guest_call *guest_call_new(struct guest *guest, const struct guest_op *op, void *data);
struct guest_call *guest_call_new_aside(struct guest *guest, const struct guest_op *op, void *data);
/*
 * args: the struct of the message's request.  The agent has call->time_ms and a grace period.  Then
 * the request is cancelled.  If the agent does not answer that either, its sandbox is ended.
 */
guest_id guest_call_ask(struct guest_call *call, const void *args);
/* With a tail. */
guest_id guest_call_ask_with(
	struct guest_call *call, const void *args, const void *tail, size_t tail_len);
/* Instead of guest_call_ask(); reported from the loop. */
guest_id guest_call_refuse(struct guest_call *call, const struct err *why);
/* All of these free the call. */
void guest_call_fail(struct guest_call *call, const struct err *why); /* calls the callback */
void guest_call_over(struct guest_call *call);                        /* its callback was called */
void guest_call_is_bad(struct guest_call *call, const struct err *why); /* also ends the sandbox */

/* Times of a desktop are longer by this factor: programs on an emulated CPU pause longer and take
 * longer. */
int guest_slowness(const struct guest *guest);

bool guest_may_ask(const struct guest *guest, struct err *err) NODISCARD;
bool guest_may_act(const struct guest *guest, struct err *err) NODISCARD;

#endif
