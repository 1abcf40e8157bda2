/*
 * The client of the link: one function for each operation of an agent.  Those that stream are in
 * conversation.c and its users.  An agent is hostile: every reply is checked by field tables and
 * cross-checks, and an invalid one ends the sandbox.
 */
#include "vm/guest/call.h"

#include "base/cleanup.h"
#include "vm/guest/check.h"
#include "vm/guest/conversation.h"

#include <string.h>

/* Total bytes of the texts in one list: escaped, they still fit into a message. */
#define TEXTS_MAX 150000
#define EMULATED_SLOWNESS 3

/* ---- act ---- */

static void on_painted(const struct guest_act *act, const struct err *err, void *data)
{
	struct guest_call *call = data;
	call->painting = NULL;
	if (err) {
		guest_call_is_bad(call, err);
	} else {
		call->fn.act(act, NULL, call->data);
		guest_call_over(call);
	}
}

static enum delivered act_deliver(
	struct guest_call *call, const struct link_msg *msg, struct err *err)
{
	struct guest_act act = { 0 };
	struct size raw;
	const struct check_act asked = { call->n_actions, call->observe.raw,
		call->observe.of_window != 0, call->observe.marks_ms != 0, call->guest->frame,
		call->guest->screen };
	if (!check_act(msg, &asked, &act, &raw, err)) {
		return REPLY_BAD;
	}
	struct guest *guest = call->guest;
	guest->frame_id = act.frame_id > guest->frame_id ? act.frame_id : guest->frame_id;
	if (raw.width) {
		call->painting = guest_paint(call->guest->event, msg, &act, raw,
			call->observe.max_bytes, on_painted, call);
		return REPLY_LATER;
	}
	call->fn.act(&act, NULL, call->data);
	return REPLY_DELIVERED;
}

static void act_fail(struct guest_call *call, const struct err *err)
{
	call->fn.act(NULL, err, call->data);
}

static const struct guest_op act_op = { &message_act, act_deliver, act_fail };

static bool check_actions(const struct action *actions, size_t n, struct err *err)
{
	size_t bytes = 0;
	if (n > ACTION_LIST_MAX) {
		return err_set(err, ERR_ARGUMENT, "a list may have at most %d actions; got %zu",
			ACTION_LIST_MAX, n);
	}
	for (size_t i = 0; i < n; i++) {
		bytes += actions[i].text ? strlen(actions[i].text) : 0;
	}
	if (bytes > TEXTS_MAX) {
		return err_set(err, ERR_ARGUMENT,
			"the texts of one list may have at most %d bytes in total; got %zu. "
			"Send them in parts",
			TEXTS_MAX, bytes);
	}
	return true;
}

#define ACTION_TIME_MS 5000 /* any action, in addition to what its numbers imply */
#define BYTE_TIME_MS 20     /* per byte of text, in a slow program */
#define STEP_TIME_MS 200    /* per repetition or scroll step */
#define MARK_TIME_MS 15000  /* the bus of elements starts, and their program answers */

/* The maximum time of an honest agent. */
static int64_t time_of(const struct action *actions, size_t n)
{
	int64_t ms = 0;
	for (size_t i = 0; i < n; i++) {
		const struct action *a = &actions[i];
		int64_t bytes = a->text ? (int64_t)strlen(a->text) : 0;
		int64_t repeats = a->repeat > 1 ? a->repeat : 1;
		ms += a->mark ? MARK_TIME_MS : 0;
		ms += ACTION_TIME_MS + a->ms + bytes * BYTE_TIME_MS * repeats +
		      (repeats + a->amount) * STEP_TIME_MS;
	}
	return ms;
}

int guest_slowness(const struct guest *guest)
{
	return guest->is_emulated ? EMULATED_SLOWNESS : 1;
}

static guest_id ask_act(struct guest_call *call, json_t *list, const struct observe *observe)
{
	if (observe) {
		call->observe = *observe;
	} else {
		observe_init(&call->observe, OBSERVE_NONE);
	}
	call->observe.raw = call->guest->is_emulated || call->observe.raw;
	call->observe.quiet_ms *= guest_slowness(call->guest);
	call->observe.reaction_ms *= guest_slowness(call->guest);
	call->observe.marks_ms *= guest_slowness(call->guest);
	call->time_ms *= guest_slowness(call->guest);
	call->time_ms += call->observe.timeout_ms + call->observe.marks_ms +
			 (call->observe.marks_ms ? MARK_TIME_MS : 0);
	json_auto_t *actions = list;
	json_auto_t *how = must(field_encode(observe_fields, &call->observe));
	return guest_call_ask(call, &(struct msg_act){ actions, how });
}

guest_id guest_act(struct guest *guest, const struct action *actions, size_t n,
	const struct observe *observe, guest_act_fn *fn, void *data)
{
	struct guest_call *call = guest_call_new(guest, &act_op, data);
	struct err err;
	call->fn.act = fn;
	call->n_actions = n;
	call->time_ms = time_of(actions, n);
	for (size_t i = 0; i < n; i++) {
		call->is_input |= action_is_input(&actions[i]);
	}
	if (!guest_may_ask(guest, &err) || !check_actions(actions, n, &err) ||
		(call->is_input && !guest_may_act(guest, &err))) {
		return guest_call_refuse(call, &err);
	}
	json_t *list = must(json_array());
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(list, action_encode(&actions[i]));
	}
	return ask_act(call, list, observe);
}

guest_id guest_look(
	struct guest *guest, const struct observe *observe, guest_act_fn *fn, void *data)
{
	struct guest_call *call = guest_call_new_aside(guest, &act_op, data);
	struct err err;
	call->fn.act = fn;
	return guest_may_ask(guest, &err) ? ask_act(call, must(json_array()), observe)
					  : guest_call_refuse(call, &err);
}

/* ---- launch ---- */

static enum delivered launch_deliver(
	struct guest_call *call, const struct link_msg *msg, struct err *err)
{
	struct guest_launch launch = { 0 };
	if (!check_launch(msg, &launch, err)) {
		return REPLY_BAD;
	}
	call->fn.launch(&launch, NULL, call->data);
	return REPLY_DELIVERED;
}

static void launch_fail(struct guest_call *call, const struct err *err)
{
	call->fn.launch(NULL, err, call->data);
}

static const struct guest_op launch_op = { &message_launch, launch_deliver, launch_fail };

guest_id guest_start(struct guest *guest, const struct guest_program *program, int64_t timeout_ms,
	guest_launch_fn *fn, void *data)
{
	struct guest_call *call = guest_call_new(guest, &launch_op, data);
	struct err err;
	call->fn.launch = fn;
	if (!guest_may_ask(guest, &err) || !guest_may_act(guest, &err)) {
		return guest_call_refuse(call, &err);
	}
	call->time_ms = timeout_ms * guest_slowness(guest);
	return guest_call_ask(
		call, &(struct msg_launch){ program->application, program->uri, program->arguments,
			      program->environment, call->time_ms });
}

guest_id guest_launch(struct guest *guest, const char *application, const char *uri,
	int64_t timeout_ms, guest_launch_fn *fn, void *data)
{
	const struct guest_program program = { .application = application, .uri = uri };
	return guest_start(guest, &program, timeout_ms, fn, data);
}

/* ---- operations that return their JSON ---- */

static enum delivered applications_deliver(
	struct guest_call *call, const struct link_msg *msg, struct err *err)
{
	if (!check_applications(msg, err)) {
		return REPLY_BAD;
	}
	call->fn.json(msg->json, NULL, call->data);
	return REPLY_DELIVERED;
}

static enum delivered info_deliver(
	struct guest_call *call, const struct link_msg *msg, struct err *err)
{
	if (!check_info(msg, err)) {
		return REPLY_BAD;
	}
	call->fn.json(msg->json, NULL, call->data);
	return REPLY_DELIVERED;
}

static enum delivered ping_deliver(
	struct guest_call *call, const struct link_msg *msg, struct err *err)
{
	if (!check_nothing(msg, err)) {
		return REPLY_BAD;
	}
	call->fn.json(msg->json, NULL, call->data);
	return REPLY_DELIVERED;
}

static void json_fail(struct guest_call *call, const struct err *err)
{
	call->fn.json(NULL, err, call->data);
}

static const struct guest_op applications_op = { &message_applications, applications_deliver,
	json_fail };
static const struct guest_op info_op = { &message_info, info_deliver, json_fail };
static const struct guest_op ping_op = { &message_ping, ping_deliver, json_fail };
static const struct guest_op control_op = { &message_control, ping_deliver, json_fail };
static const struct guest_op prepare_op = { &message_prepare, ping_deliver, json_fail };

#define PREPARE_TIME_MS 600000 /* opens all programs of an image */

static guest_id ask_json(struct guest *guest, const struct guest_op *op, const void *args,
	guest_json_fn *fn, void *data)
{
	/* Operators send pings; a transfer of control is followed by the user's input. */
	bool is_aside = op == &ping_op || op == &control_op;
	struct guest_call *call =
		is_aside ? guest_call_new_aside(guest, op, data) : guest_call_new(guest, op, data);
	struct err err;
	call->fn.json = fn;
	call->time_ms = op == &prepare_op ? PREPARE_TIME_MS : 0;
	return guest_may_ask(guest, &err) ? guest_call_ask(call, args)
					  : guest_call_refuse(call, &err);
}

guest_id guest_applications(struct guest *guest, guest_json_fn *fn, void *data)
{
	return ask_json(guest, &applications_op, NULL, fn, data);
}

guest_id guest_info(struct guest *guest, guest_json_fn *fn, void *data)
{
	return ask_json(guest, &info_op, NULL, fn, data);
}

guest_id guest_ping(struct guest *guest, guest_json_fn *fn, void *data)
{
	return ask_json(guest, &ping_op, NULL, fn, data);
}

guest_id guest_control(
	struct guest *guest, const struct conversation *viewer, guest_json_fn *fn, void *data)
{
	const struct msg_control args = { viewer ? conversation_number(viewer) : 0 };
	return ask_json(guest, &control_op, &args, fn, data);
}

guest_id guest_prepare(struct guest *guest, int64_t window_ms, int64_t rest_ms,
	int64_t warm_rest_ms, guest_json_fn *fn, void *data)
{
	return ask_json(guest, &prepare_op,
		&(struct msg_prepare){ window_ms, rest_ms, warm_rest_ms }, fn, data);
}
