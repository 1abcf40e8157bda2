/* Text on the screen. */
#include "vm/guest/call.h"
#include "vm/guest/check.h"

#define ALONE_MS 3000  /* for elements, if nothing is read instead, as in ui_tree */
#define READ_MS 30000  /* a large picture full of text, on a busy machine */
#define START_MS 10000 /* of the accessibility bus */

static bool check_matches(const json_t *matches, struct err *err)
{
	size_t i;
	json_t *row;
	if (!json_is_array(matches) || json_array_size(matches) > TEXT_MATCHES_MAX) {
		return err_set(err, ERR_ARGUMENT, "'matches' must be an array of at most %d",
			TEXT_MATCHES_MAX);
	}
	json_array_foreach(matches, i, row)
	{
		if (!check_text_match(row, err)) {
			return false;
		}
	}
	return true;
}

static enum delivered deliver(struct guest_call *call, const struct link_msg *msg, struct err *err)
{
	struct msg_find_text_answer answer = { 0 };
	if (!message_decode(&message_find_text.answer, msg->json, msg->tail_len, &answer, err) ||
		!check_matches(answer.matches, err)) {
		return REPLY_BAD;
	}
	call->fn.json(msg->json, NULL, call->data);
	return REPLY_DELIVERED;
}

static void fail(struct guest_call *call, const struct err *err)
{
	call->fn.json(NULL, err, call->data);
}

static const struct guest_op op = { &message_find_text, deliver, fail };

guest_id guest_find_text(
	struct guest *guest, const struct msg_find_text *args, guest_json_fn *fn, void *data)
{
	struct guest_call *call = guest_call_new(guest, &op, data);
	struct msg_find_text find = *args;
	struct err err;
	call->fn.json = fn;
	find.elements_ms = find.source == TEXT_ELEMENTS ? ALONE_MS : TEXT_ELEMENTS_MS;
	find.elements_ms *= guest_slowness(guest);
	find.timeout_ms = READ_MS * guest_slowness(guest);
	call->time_ms = find.timeout_ms + START_MS;
	return guest_may_ask(guest, &err) && geometry_check_region(&find.region, guest->frame, &err)
		       ? guest_call_ask(call, &find)
		       : guest_call_refuse(call, &err);
}
