/* The elements of programs: every row of an agent's answer is decoded before it is passed on. */
#include "vm/guest/call.h"
#include "vm/guest/check.h"

#include "base/cleanup.h"

/* Each element is in one of the windows. */
static bool check_places(const struct msg_ui_tree_answer *tree, struct err *err)
{
	size_t i, n = json_array_size(tree->windows);
	json_t *row;
	json_array_foreach(tree->elements, i, row)
	{
		if ((size_t)json_integer_value(json_object_get(row, "window")) >= n) {
			return err_set(err, ERR_ARGUMENT, "an element of none of %zu windows", n);
		}
	}
	return true;
}

static enum delivered tree_deliver(
	struct guest_call *call, const struct link_msg *msg, struct err *err)
{
	struct msg_ui_tree_answer tree = { 0 };
	struct msg_ui_window window = { 0 };
	struct msg_element element = { 0 };
	if (!message_decode(&message_ui_tree.answer, msg->json, msg->tail_len, &tree, err) ||
		!check_rows("windows", tree.windows, ELEMENTS_WINDOWS_MAX, msg_ui_window_fields,
			&window, err) ||
		!check_rows("elements", tree.elements, ELEMENTS_MAX, msg_element_fields, &element,
			err) ||
		!check_places(&tree, err)) {
		return REPLY_BAD;
	}
	call->fn.json(msg->json, NULL, call->data);
	return REPLY_DELIVERED;
}

static void json_fail(struct guest_call *call, const struct err *err)
{
	call->fn.json(NULL, err, call->data);
}

static const struct guest_op tree_op = { &message_ui_tree, tree_deliver, json_fail };

#define START_MS 10000 /* of the accessibility bus */

guest_id guest_ui_tree(
	struct guest *guest, const struct msg_ui_tree *args, guest_json_fn *fn, void *data)
{
	struct guest_call *call = guest_call_new(guest, &tree_op, data);
	struct msg_ui_tree how = *args;
	struct err err;
	call->fn.json = fn;
	how.timeout_ms *= guest_slowness(guest);
	call->time_ms = how.timeout_ms + START_MS;
	return guest_may_ask(guest, &err) ? guest_call_ask(call, &how)
					  : guest_call_refuse(call, &err);
}

/* ---- acting ---- */

#define STEPS 4       /* questions to the program, one after the other */
#define EFFECT_MS 600 /* until an effect shows */

static enum delivered act_deliver(
	struct guest_call *call, const struct link_msg *msg, struct err *err)
{
	struct msg_ui_act_answer answer = { 0 };
	if (!message_decode(&message_ui_act.answer, msg->json, msg->tail_len, &answer, err)) {
		return REPLY_BAD;
	}
	call->fn.json(msg->json, NULL, call->data);
	return REPLY_DELIVERED;
}

static const struct guest_op act_op = { &message_ui_act, act_deliver, json_fail };

guest_id guest_ui_act(
	struct guest *guest, const struct msg_ui_act *args, guest_json_fn *fn, void *data)
{
	struct guest_call *call = guest_call_new(guest, &act_op, data);
	struct msg_ui_act how = *args;
	struct err err;
	call->fn.json = fn;
	call->is_input = true;
	how.timeout_ms *= guest_slowness(guest);
	call->time_ms = STEPS * how.timeout_ms + EFFECT_MS + START_MS;
	return guest_may_ask(guest, &err) && guest_may_act(guest, &err)
		       ? guest_call_ask(call, &how)
		       : guest_call_refuse(call, &err);
}
