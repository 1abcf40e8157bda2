/* The size of a desktop.  The event `resized` tells it; the answer only says that it is done. */
#include "vm/guest/call.h"
#include "vm/guest/check.h"

#define TIME_MS 5000

static enum delivered deliver(struct guest_call *call, const struct link_msg *msg, struct err *err)
{
	if (!check_display(msg, err)) {
		return REPLY_BAD;
	}
	call->fn.json(msg->json, NULL, call->data);
	return REPLY_DELIVERED;
}

static void fail(struct guest_call *call, const struct err *err)
{
	call->fn.json(NULL, err, call->data);
}

static const struct guest_op op = { &message_display_set, deliver, fail };

guest_id guest_display_set(
	struct guest *guest, const struct msg_display_set *args, guest_json_fn *fn, void *data)
{
	struct guest_call *call = guest_call_new(guest, &op, data);
	struct err err;
	call->fn.json = fn;
	call->is_input = true;
	call->time_ms = TIME_MS * guest_slowness(guest);
	return guest_may_ask(guest, &err) && guest_may_act(guest, &err)
		       ? guest_call_ask(call, args)
		       : guest_call_refuse(call, &err);
}
