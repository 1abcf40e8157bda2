#include "vm/guest/ask.h"

#include "base/cleanup.h"
#include "vm/guest/call.h"
#include "vm/guest/check.h"

#define ROWS_MAX 100000

static bool check_members(const struct message *message, const json_t *json, struct err *err)
{
	union {
		int64_t aligned;
		uint8_t bytes[MESSAGE_ROW_SIZE];
	} row;
	for (const struct message_member *m = message->members; m && m->name; m++) {
		const json_t *list = json_object_get(json, m->name);
		if (json_is_object(list) && !field_decode(m->fields, list, &row, err)) {
			return err_while(err, "'%s'", m->name);
		}
		if (list && !json_is_object(list) &&
			!check_rows(m->name, list, ROWS_MAX, m->fields, &row, err)) {
			return false;
		}
	}
	return true;
}

static enum delivered deliver(struct guest_call *call, const struct link_msg *msg, struct err *err)
{
	const struct message *message = call->op->message;
	const struct message_part *part = &message->answer;
	auto_free void *answer = must(calloc(1, part->size ? part->size : 1));
	if (!message_decode(part, msg->json, msg->tail_len, answer, err) ||
		!check_members(message, msg->json, err) ||
		(message->check && !message->check(answer, err))) {
		return REPLY_BAD;
	}
	call->fn.answered(answer, msg->tail, msg->tail_len, NULL, call->data);
	return REPLY_DELIVERED;
}

static void fail(struct guest_call *call, const struct err *err)
{
	call->fn.answered(NULL, NULL, 0, err, call->data);
}

guest_id guest_ask(struct guest *guest, const struct guest_question *question,
	guest_answered_fn *fn, void *data)
{
	struct guest_call *call = question->is_aside ? guest_call_new_aside(guest, NULL, data)
						     : guest_call_new(guest, NULL, data);
	struct err err;
	call->own_op = (struct guest_op){ question->message, deliver, fail, NULL };
	call->op = &call->own_op;
	call->fn.answered = fn;
	call->time_ms = question->time_ms ? question->time_ms : ASK_TIME_MS;
	if (!guest_may_ask(guest, &err) ||
		(question->is_command && !guest->handlers->may_run(guest->data, &err))) {
		return guest_call_refuse(call, &err);
	}
	return guest_call_ask_with(call, question->args, question->tail, question->tail_len);
}
