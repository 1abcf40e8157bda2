/* The lifetime of a call, whatever happens to the sandbox, and the link that carries it. */
/*
 * The lifetime of a call, whatever happens to the sandbox; and the watchdog, which pings an agent
 * whose callers are waiting.
 */
#include "vm/guest/call.h"

#include "base/cleanup.h"
#include "base/loop.h"
#include "vm/guest/watchdog.h"

#define LIVENESS_MS 10000
#define GRACE_MS 30000

/* ---- lifetime of a call ---- */

struct guest_call *guest_call_new_aside(struct guest *guest, const struct guest_op *op, void *data)
{
	struct guest_call *call = must(calloc(1, sizeof(*call)));
	call->guest = guest;
	call->op = op;
	call->data = data;
	if (++guest->last_id == 0) {
		guest->last_id = 1;
	}
	call->id = guest->last_id;
	call->is_aside = true;
	TAILQ_INSERT_TAIL(&guest->calls, call, entry);
	return call;
}

struct guest_call *guest_call_new(struct guest *guest, const struct guest_op *op, void *data)
{
	struct guest_call *call = guest_call_new_aside(guest, op, data);
	call->is_aside = false;
	guest->handlers->used(guest->data);
	return call;
}

bool guest_is_used(const struct guest *guest)
{
	const struct guest_call *call;
	TAILQ_FOREACH(call, &guest->calls, entry)
	{
		if (!call->is_aside) {
			return true;
		}
	}
	return false;
}

static void call_free(struct guest_call *call)
{
	loop_drop(&call->deferred);
	loop_drop(&call->deadline);
	if (call->painting) {
		guest_painting_drop(call->painting);
	}
	free(call->conversation);
	free(call);
}

static void leave(struct guest_call *call)
{
	struct guest *guest = call->guest;
	TAILQ_REMOVE(&guest->calls, call, entry);
	if (!call->is_aside) {
		guest->handlers->used(guest->data);
	}
}

void guest_call_fail(struct guest_call *call, const struct err *why)
{
	leave(call);
	call->op->fail(call, why);
	call_free(call);
}

void guest_call_over(struct guest_call *call)
{
	leave(call);
	call_free(call);
}

void guest_call_is_bad(struct guest_call *call, const struct err *why)
{
	struct guest *guest = call->guest;
	struct err err = *why;
	err_while(&err, "the reply to '%s'", call->op->message->name);
	guest->handlers->broke(guest->data, &err);
	guest_call_fail(call, &err);
}

static void call_deliver(struct guest_call *call, const struct link_msg *msg)
{
	struct err err;
	switch (call->op->deliver(call, msg, &err)) {
	case REPLY_BAD:
		guest_call_is_bad(call, &err);
		break;
	case REPLY_DELIVERED:
		guest_call_over(call);
		break;
	case REPLY_LATER:
		break;
	}
}

static int on_refused(sd_event_source *source, void *data)
{
	struct guest_call *call = data;
	struct err why = call->refused;
	(void)source;
	guest_call_fail(call, &why);
	return 0;
}

guest_id guest_call_refuse(struct guest_call *call, const struct err *why)
{
	call->refused = *why;
	call->deferred = loop_defer(call->guest->event, on_refused, call);
	return call->id;
}

bool guest_may_ask(const struct guest *guest, struct err *err)
{
	return guest->handlers->may_ask(guest->data, err);
}

bool guest_may_act(const struct guest *guest, struct err *err)
{
	return guest->handlers->may_act(guest->data, err);
}

/* First those whose link broke, then (at the pool's end) those that were refused: their callbacks
 * may add more. */
void guest_fail_calls(struct guest *guest, const struct err *gone, bool all)
{
	struct guest_call *call;
	do {
		TAILQ_FOREACH(call, &guest->calls, entry)
		{
			if (call->deferred && !all) {
				continue;
			}
			struct err why = call->deferred ? call->refused : *gone;
			guest_call_fail(call, &why);
			break;
		}
	} while (call);
}

/* ---- the link ---- */

static void on_event(struct link *link, const struct link_msg *msg, void *data)
{
	struct guest *guest = data;
	(void)link;
	guest->handlers->event(guest->data, msg);
}

static void on_closed(struct link *link, const struct err *why, void *data)
{
	struct guest *guest = data;
	(void)link;
	guest->handlers->lost(guest->data, why);
}

static const struct link_handlers link_handlers = { .event = on_event, .closed = on_closed };

void guest_init(struct guest *guest, sd_event *event, const char *name,
	const struct guest_handlers *handlers, void *data)
{
	*guest = (struct guest){
		.event = event,
		.name = name,
		.handlers = handlers,
		.data = data,
		.liveness_ms = LIVENESS_MS,
		.grace_ms = GRACE_MS,
	};
	TAILQ_INIT(&guest->calls);
}

void guest_connect(struct guest *guest, int fd)
{
	guest->pinged = false;
	guest->link = link_new(guest->event, fd, &link_handlers, guest);
}

void guest_disconnect(struct guest *guest)
{
	struct guest_call *call;
	loop_drop(&guest->liveness_timer);
	TAILQ_FOREACH(call, &guest->calls, entry)
	{
		call->link_id = 0;
	}
	link_free(take_ptr(&guest->link));
}

/* ---- requests ---- */

/* If it was interrupted by a transfer of control, its caller is told that reason. */
static void fail_fenced(struct guest_call *call, const struct err *err)
{
	struct err why = *err;
	if (!guest_may_act(call->guest, &why)) {
		err_while(&why, "interrupted; held keys and buttons were released");
	}
	guest_call_fail(call, &why);
}

static void on_reply(const struct link_msg *msg, const struct err *err, void *data)
{
	struct guest_call *call = data;
	call->link_id = 0;
	if (err && err->kind == ERR_GONE) {
		/* The owner, who ends the sandbox, has a better reason. */
		call->guest->handlers->lost(call->guest->data, err);
	} else if (err && call->fenced) {
		fail_fenced(call, err);
	} else if (err && call->late) {
		struct err late;
		watchdog_late_error(call, &late);
		guest_call_fail(call, &late);
	} else if (err) {
		guest_call_fail(call, err);
	} else {
		call_deliver(call, msg);
	}
}

guest_id guest_call_ask(struct guest_call *call, const void *args)
{
	return guest_call_ask_with(call, args, NULL, 0);
}

/* Of the sandbox, for a request that takes variables. */
static void add_environment(
	const struct guest *guest, const struct message_part *part, json_t *json)
{
	if (guest->environment && *guest->environment && part->fields &&
		field_find(part->fields, "environment")) {
		json_t *all = must(json_copy((json_t *)*guest->environment));
		json_object_update(all, json_object_get(json, "environment"));
		json_object_set_new(json, "environment", all);
	}
}

/* Arguments that the agent would refuse are refused here, with the same text. */
static bool pack(const struct guest_call *call, const void *args, size_t tail_len,
	json_t **ret_json, struct err *err)
{
	const struct message_part *part = &call->op->message->request;
	json_auto_t *json = must(message_encode(part, args));
	add_environment(call->guest, part, json);
	auto_free void *scratch = must(calloc(1, part->size ? part->size : 1));
	if (!message_decode(part, json, tail_len, scratch, err)) {
		return false;
	}
	*ret_json = take_ptr(&json);
	return true;
}

guest_id guest_call_ask_with(
	struct guest_call *call, const void *args, const void *tail, size_t tail_len)
{
	struct guest *guest = call->guest;
	json_t *json;
	struct err err;
	if (!pack(call, args, tail_len, &json, &err)) {
		return guest_call_refuse(call, &err);
	}
	call->link_id = link_converse(guest->link, call->op->message->name, json, tail, tail_len,
		call->op->talk, on_reply, call);
	watchdog_begin(call);
	return call->id;
}

void guest_cancel(struct guest *guest, guest_id id)
{
	struct guest_call *call;
	TAILQ_FOREACH(call, &guest->calls, entry)
	{
		if (call->id == id && call->link_id && guest->link) {
			link_cancel(guest->link, call->link_id);
			break;
		}
	}
}

void guest_stop_input(struct guest *guest)
{
	struct guest_call *call;
	TAILQ_FOREACH(call, &guest->calls, entry)
	{
		if (call->is_input && !call->fenced) {
			call->fenced = true;
			guest_cancel(guest, call->id);
		}
	}
}
