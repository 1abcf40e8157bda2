/* The clipboard of a desktop: what its agent answers is of the types that were asked for. */
#include "vm/guest/call.h"
#include "vm/guest/check.h"

#include "base/cleanup.h"

/* An owner may take long to hand over what it copied. */
#define TIME_MS 15000

static enum delivered get_deliver(
	struct guest_call *call, const struct link_msg *msg, struct err *err)
{
	struct guest_clipboard clipboard;
	if (!check_clipboard(msg, &call->clipboard, &clipboard, err)) {
		return REPLY_BAD;
	}
	call->fn.clipboard(&clipboard, NULL, call->data);
	return REPLY_DELIVERED;
}

static void get_fail(struct guest_call *call, const struct err *err)
{
	call->fn.clipboard(NULL, err, call->data);
}

static enum delivered set_deliver(
	struct guest_call *call, const struct link_msg *msg, struct err *err)
{
	if (!check_nothing(msg, err)) {
		return REPLY_BAD;
	}
	call->fn.json(msg->json, NULL, call->data);
	return REPLY_DELIVERED;
}

static void set_fail(struct guest_call *call, const struct err *err)
{
	call->fn.json(NULL, err, call->data);
}

static const struct guest_op get_op = { &message_clipboard_get, get_deliver, get_fail };
static const struct guest_op set_op = { &message_clipboard_set, set_deliver, set_fail };

static struct guest_call *new_call(
	struct guest *guest, const struct guest_op *op, enum guest_asker asker, void *data)
{
	struct guest_call *call = asker == GUEST_ASKER_VIEWER
					  ? guest_call_new_aside(guest, op, data)
					  : guest_call_new(guest, op, data);
	call->time_ms = TIME_MS;
	return call;
}

guest_id guest_clipboard_get(struct guest *guest, enum guest_asker asker,
	const struct clipboard_wish *wish, guest_clipboard_fn *fn, void *data)
{
	struct guest_call *call = new_call(guest, &get_op, asker, data);
	struct err err;
	call->fn.clipboard = fn;
	call->clipboard = *wish;
	if (!guest_may_ask(guest, &err)) {
		return guest_call_refuse(call, &err);
	}
	json_auto_t *types = clipboard_wish_encode(wish);
	return guest_call_ask(call, &(struct msg_clipboard_get){ types });
}

guest_id guest_clipboard_set(struct guest *guest, enum guest_asker asker,
	const struct guest_copy *copy, guest_json_fn *fn, void *data)
{
	struct guest_call *call = new_call(guest, &set_op, asker, data);
	struct err err;
	call->fn.json = fn;
	if (!clipboard_check(copy->type, copy->bytes, copy->len, &err) ||
		!guest_may_ask(guest, &err) ||
		(asker == GUEST_ASKER_AGENT && !guest_may_act(guest, &err))) {
		return guest_call_refuse(call, &err);
	}
	return guest_call_ask_with(call, &(struct msg_clipboard_set){ copy->type, copy->plain },
		copy->bytes, copy->len);
}
