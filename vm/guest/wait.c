/* Waiting for an event of the desktop. */
#include "vm/guest/call.h"
#include "vm/guest/check.h"
#include "vm/wire/messages_text.h"

static enum delivered deliver(struct guest_call *call, const struct link_msg *msg, struct err *err)
{
	if (!check_wait(msg, err)) {
		return REPLY_BAD;
	}
	call->fn.json(msg->json, NULL, call->data);
	return REPLY_DELIVERED;
}

static void fail(struct guest_call *call, const struct err *err)
{
	call->fn.json(NULL, err, call->data);
}

static const struct guest_op op = { &message_wait, deliver, fail };

guest_id guest_wait(struct guest *guest, const struct msg_wait *args, guest_json_fn *fn, void *data)
{
	struct guest_call *call = guest_call_new(guest, &op, data);
	struct msg_wait wait = *args;
	struct observe settling;
	struct err err;
	call->fn.json = fn;
	call->time_ms = wait.timeout_ms;
	observe_init(&settling, OBSERVE_SETTLED);
	wait.quiet_ms = settling.quiet_ms * guest_slowness(guest);
	wait.elements_ms = TEXT_ELEMENTS_MS * guest_slowness(guest);
	return guest_may_ask(guest, &err) && wait_check(&wait, guest->frame, &err)
		       ? guest_call_ask(call, &wait)
		       : guest_call_refuse(call, &err);
}
