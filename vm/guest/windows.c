/* The windows of a desktop: list them, and change one. */
#include "vm/guest/call.h"
#include "vm/guest/check.h"

#define TIME_MS 10000

static enum delivered list_deliver(
	struct guest_call *call, const struct link_msg *msg, struct err *err)
{
	if (!check_windows(msg, err)) {
		return REPLY_BAD;
	}
	call->fn.json(msg->json, NULL, call->data);
	return REPLY_DELIVERED;
}

static enum delivered change_deliver(
	struct guest_call *call, const struct link_msg *msg, struct err *err)
{
	if (!check_window_change(msg, err)) {
		return REPLY_BAD;
	}
	call->fn.json(msg->json, NULL, call->data);
	return REPLY_DELIVERED;
}

static void json_fail(struct guest_call *call, const struct err *err)
{
	call->fn.json(NULL, err, call->data);
}

static const struct guest_op list_op = { &message_windows, list_deliver, json_fail };
static const struct guest_op change_op = { &message_window_change, change_deliver, json_fail };

guest_id guest_windows(struct guest *guest, guest_json_fn *fn, void *data)
{
	struct guest_call *call = guest_call_new(guest, &list_op, data);
	struct err err;
	call->fn.json = fn;
	call->time_ms = TIME_MS * guest_slowness(guest);
	return guest_may_ask(guest, &err) ? guest_call_ask(call, NULL)
					  : guest_call_refuse(call, &err);
}

guest_id guest_window_change(
	struct guest *guest, const struct msg_window_change *change, guest_json_fn *fn, void *data)
{
	struct guest_call *call = guest_call_new(guest, &change_op, data);
	struct err err;
	call->fn.json = fn;
	call->time_ms = TIME_MS * guest_slowness(guest);
	return guest_may_ask(guest, &err) && guest_may_act(guest, &err)
		       ? guest_call_ask(call, change)
		       : guest_call_refuse(call, &err);
}
