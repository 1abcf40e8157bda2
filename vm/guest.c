/*
 * The link's client: one function for each operation of an agent.  A request is a struct guest_call
 * from the moment it is made until its callback has fired, whatever happens to the sandbox
 * meanwhile.  An agent is hostile: every reply goes through field tables and cross-checks, and one
 * that does not fit ends the sandbox.
 */

#include "vm/guest.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/core.h"
#include "vm/guest_check.h"
#include "vm/guest_paint.h"
#include "vm/output.h"

#include <string.h>

/* Bytes of all texts in one list: escaped they still fit into a message. */
#define TEXTS_MAX 150000
#define COMMAND_MAX 100000
#define PATH_BYTES_MAX 4096

struct guest_call;

enum delivered {
	REPLY_BAD, /* not in order: the callback was not called */
	REPLY_TOLD,
	REPLY_LATER, /* more is to come before the callback */
};

struct guest_op {
	const char *name;
	enum delivered (*deliver)(
		struct guest_call *call, const struct link_msg *msg, struct err *err);
	void (*fail)(struct guest_call *call, const struct err *err);
};

struct exec_run {
	struct output output[2];
	struct link_stream *stream[2]; /* NULL: over */
	bool replied;
	struct guest_exec reply; /* without the outputs */
};

struct guest_call {
	TAILQ_ENTRY(guest_call) entry;
	struct vm *vm;
	const struct guest_op *op;
	guest_id id;
	uint32_t link_id;          /* 0: not (any more) with the agent */
	sd_event_source *deferred; /* refused here; told from the loop */
	struct err refused;
	union {
		guest_act_fn *act;
		guest_launch_fn *launch;
		guest_json_fn *json;
		guest_exec_fn *exec;
	} fn;
	void *data;
	size_t n_actions;
	bool is_input; /* one of its actions is */
	bool is_aside; /* no use of the sandbox */
	bool fenced;   /* and then the agent lost control */
	struct observe observe;
	struct guest_painting *painting; /* of its frame */
	struct exec_run *exec;
};

/* ---- a call's life ---- */

static struct guest_call *call_new_aside(struct vm *vm, const struct guest_op *op, void *data)
{
	struct vm_core *core = vm->core;
	struct guest_call *call = must(calloc(1, sizeof(*call)));
	call->vm = vm;
	call->op = op;
	call->data = data;
	if (++core->last_id == 0) {
		core->last_id = 1;
	}
	call->id = core->last_id;
	call->is_aside = true;
	TAILQ_INSERT_TAIL(&core->calls, call, entry);
	return call;
}

static struct guest_call *call_new(struct vm *vm, const struct guest_op *op, void *data)
{
	struct guest_call *call = call_new_aside(vm, op, data);
	call->is_aside = false;
	vm_timeout_touch(vm);
	return call;
}

bool guest_is_used(const struct vm *vm)
{
	const struct guest_call *call;
	TAILQ_FOREACH(call, &vm->core->calls, entry)
	{
		if (!call->is_aside) {
			return true;
		}
	}
	return false;
}

static void drop_streams(struct guest_call *call)
{
	for (size_t i = 0; call->exec && i < 2; i++) {
		link_stream_free(take_ptr(&call->exec->stream[i]));
	}
}

static void call_free(struct guest_call *call)
{
	loop_drop(&call->deferred);
	drop_streams(call);
	guest_painting_drop(call->painting);
	free(call->exec);
	free(call);
}

static void leave(struct guest_call *call)
{
	TAILQ_REMOVE(&call->vm->core->calls, call, entry);
	if (!call->is_aside) {
		vm_timeout_touch(call->vm);
	}
}

static void call_fail(struct guest_call *call, const struct err *why)
{
	leave(call);
	call->op->fail(call, why);
	call_free(call);
}

static void call_over(struct guest_call *call)
{
	leave(call);
	call_free(call);
}

static void call_reply_is_bad(struct guest_call *call, const struct err *why)
{
	struct vm *vm = call->vm;
	struct err err = *why;
	err_while(&err, "the reply to '%s'", call->op->name);
	vm_agent_broke(vm, &err);
	vm_end_error(vm, &err);
	call_fail(call, &err);
}

static void call_deliver(struct guest_call *call, const struct link_msg *msg)
{
	struct err err;
	switch (call->op->deliver(call, msg, &err)) {
	case REPLY_BAD:
		call_reply_is_bad(call, &err);
		break;
	case REPLY_TOLD:
		call_over(call);
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
	call_fail(call, &why);
	return 0;
}

static guest_id refuse(struct guest_call *call, const struct err *why)
{
	call->refused = *why;
	call->deferred = loop_defer(call->vm->pool->event, on_refused, call);
	return call->id;
}

static bool is_reachable(const struct vm *vm, struct err *err)
{
	const struct vm_core *core = vm->core;
	if (core->state == VM_STARTING) {
		return err_set(err, ERR_STATE,
			"sandbox %s is still starting; try again in a second", vm->id);
	}
	if (core->state == VM_PAUSED) {
		return err_set(err, ERR_STATE, "sandbox %s is paused; resume it first", vm->id);
	}
	if (core->state != VM_READY) {
		vm_end_error(vm, err);
		err->kind = ERR_GONE;
		return false;
	}
	return true;
}

/* First those whose link broke, then (at the pool's end) those that were refused: their callbacks
 * may add more. */
void guest_fail_calls(struct vm *vm, const struct err *gone, bool all)
{
	struct guest_call *call;
	do {
		TAILQ_FOREACH(call, &vm->core->calls, entry)
		{
			if (call->deferred && !all) {
				continue;
			}
			struct err why = call->deferred ? call->refused : *gone;
			call_fail(call, &why);
			break;
		}
	} while (call);
}

void guest_let_go(struct vm *vm)
{
	struct guest_call *call;
	TAILQ_FOREACH(call, &vm->core->calls, entry)
	{
		call->link_id = 0;
		drop_streams(call);
	}
}

/* ---- the guard: an agent that hangs must not hold its callers ---- */

static void guard_set(struct vm_core *core);

static void on_pong(const struct link_msg *msg, const struct err *err, void *data)
{
	struct vm_core *core = data;
	(void)msg;
	(void)err;
	core->pinged = false;
}

static int on_guard(sd_event_source *source, uint64_t usec, void *data)
{
	struct vm_core *core = data;
	struct err why;
	(void)source;
	(void)usec;
	loop_drop(&core->guard);
	if (core->state != VM_READY || !core->link) {
		return 0;
	}
	if (core->job) { /* it may be frozen */
		guard_set(core);
	} else if (core->pinged) {
		err_set(&why, ERR_GONE, "its agent has not answered for %llu ms",
			(unsigned long long)core->guard_ms);
		vm_end(core->vm, &why);
	} else if (!TAILQ_EMPTY(&core->calls)) {
		core->pinged = true;
		link_request(core->link, "ping", NULL, on_pong, core);
		guard_set(core);
	}
	return 0;
}

static void guard_set(struct vm_core *core)
{
	if (!core->guard) {
		core->guard = loop_after_ms(core->vm->pool->event, core->guard_ms, on_guard, core);
	}
}

/* ---- asking ---- */

/* It was cut short because somebody else took control: that is what its caller must know. */
static void fail_fenced(struct guest_call *call, const struct err *err)
{
	struct err why = *err;
	if (!vm_control_agent_may(call->vm, &why)) {
		err_while(&why, "stopped in the middle, its keys and buttons released");
	}
	call_fail(call, &why);
}

static void on_reply(const struct link_msg *msg, const struct err *err, void *data)
{
	struct guest_call *call = data;
	call->link_id = 0;
	if (err && err->kind == ERR_GONE) {
		/* Whoever ends the sandbox knows better why. */
		vm_lost_link(call->vm, err);
	} else if (err && call->fenced) {
		fail_fenced(call, err);
	} else if (err) {
		call_fail(call, err);
	} else {
		call_deliver(call, msg);
	}
}

static guest_id ask(struct guest_call *call, json_t *args)
{
	struct vm_core *core = call->vm->core;
	call->link_id = link_request(core->link, call->op->name, args, on_reply, call);
	guard_set(core);
	return call->id;
}

void guest_cancel(struct vm *vm, guest_id id)
{
	struct guest_call *call;
	TAILQ_FOREACH(call, &vm->core->calls, entry)
	{
		if (call->id == id && call->link_id && vm->core->link) {
			link_cancel(vm->core->link, call->link_id);
			break;
		}
	}
}

void guest_stop_input(struct vm *vm)
{
	struct guest_call *call;
	TAILQ_FOREACH(call, &vm->core->calls, entry)
	{
		if (call->is_input && !call->fenced) {
			call->fenced = true;
			guest_cancel(vm, call->id);
		}
	}
}

/* ---- act ---- */

static void on_painted(const struct guest_act *act, const struct err *err, void *data)
{
	struct guest_call *call = data;
	call->painting = NULL;
	if (err) {
		call_reply_is_bad(call, err);
	} else {
		call->fn.act(act, NULL, call->data);
		call_over(call);
	}
}

static enum delivered act_deliver(
	struct guest_call *call, const struct link_msg *msg, struct err *err)
{
	struct guest_act act = { 0 };
	struct size raw;
	const struct check_act asked = { call->n_actions, call->observe.raw, vm_frame(call->vm),
		vm_screen(call->vm) };
	if (!check_act(msg, &asked, &act, &raw, err)) {
		return REPLY_BAD;
	}
	if (raw.width) {
		call->painting = guest_paint(call->vm->pool->event, msg, &act, raw,
			call->observe.max_bytes, on_painted, call);
		return REPLY_LATER;
	}
	call->fn.act(&act, NULL, call->data);
	return REPLY_TOLD;
}

static void act_fail(struct guest_call *call, const struct err *err)
{
	call->fn.act(NULL, err, call->data);
}

static const struct guest_op act_op = { "act", act_deliver, act_fail };

static bool check_actions(const struct action *actions, size_t n, struct err *err)
{
	size_t bytes = 0;
	if (n > ACTION_LIST_MAX) {
		return err_set(err, ERR_ARGUMENT, "a list may have at most %d actions, not %zu",
			ACTION_LIST_MAX, n);
	}
	for (size_t i = 0; i < n; i++) {
		bytes += actions[i].text ? strlen(actions[i].text) : 0;
	}
	if (bytes > TEXTS_MAX) {
		return err_set(err, ERR_ARGUMENT,
			"the texts of one list may have at most %d bytes together, not %zu; send "
			"it in parts",
			TEXTS_MAX, bytes);
	}
	return true;
}

static guest_id ask_act(struct guest_call *call, json_t *list, const struct observe *observe)
{
	if (observe) {
		call->observe = *observe;
	} else {
		observe_init(&call->observe, OBSERVE_NONE);
	}
	call->observe.raw = call->vm->is_emulated;
	return ask(call, json_pack("{s:o, s:o}", "actions", list, "observe",
				 field_encode(observe_fields, &call->observe)));
}

guest_id guest_act(struct vm *vm, const struct action *actions, size_t n,
	const struct observe *observe, guest_act_fn *fn, void *data)
{
	struct guest_call *call = call_new(vm, &act_op, data);
	struct err err;
	call->fn.act = fn;
	call->n_actions = n;
	for (size_t i = 0; i < n; i++) {
		call->is_input |= action_is_input(&actions[i]);
	}
	if (!is_reachable(vm, &err) || !check_actions(actions, n, &err) ||
		(call->is_input && !vm_control_agent_may(vm, &err))) {
		return refuse(call, &err);
	}
	json_t *list = must(json_array());
	for (size_t i = 0; i < n; i++) {
		json_array_append_new(list, action_encode(&actions[i]));
	}
	return ask_act(call, list, observe);
}

guest_id guest_look(struct vm *vm, const struct observe *observe, guest_act_fn *fn, void *data)
{
	struct guest_call *call = call_new_aside(vm, &act_op, data);
	struct err err;
	call->fn.act = fn;
	return is_reachable(vm, &err) ? ask_act(call, must(json_array()), observe)
				      : refuse(call, &err);
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
	return REPLY_TOLD;
}

static void launch_fail(struct guest_call *call, const struct err *err)
{
	call->fn.launch(NULL, err, call->data);
}

static const struct guest_op launch_op = { "launch", launch_deliver, launch_fail };

static bool check_text(const char *what, const char *text, size_t max, struct err *err)
{
	if (text && strlen(text) > max) {
		return err_set(err, ERR_ARGUMENT, "%s may have at most %zu bytes, not %zu", what,
			max, strlen(text));
	}
	return true;
}

guest_id guest_launch(struct vm *vm, const char *application, const char *uri, int64_t timeout_ms,
	guest_launch_fn *fn, void *data)
{
	struct guest_call *call = call_new(vm, &launch_op, data);
	struct err err;
	call->fn.launch = fn;
	if (!is_reachable(vm, &err) || !vm_control_agent_may(vm, &err) ||
		!check_text("the application's name", application, PATH_BYTES_MAX, &err) ||
		!check_text("the uri", uri, PATH_BYTES_MAX, &err)) {
		return refuse(call, &err);
	}
	return ask(call, json_pack("{s:s, s:s*, s:I}", "application", application, "uri", uri,
				 "timeout_ms", (json_int_t)timeout_ms));
}

/* ---- those that answer with JSON as it is ---- */

static enum delivered applications_deliver(
	struct guest_call *call, const struct link_msg *msg, struct err *err)
{
	if (!check_applications(msg, err)) {
		return REPLY_BAD;
	}
	call->fn.json(msg->json, NULL, call->data);
	return REPLY_TOLD;
}

static enum delivered info_deliver(
	struct guest_call *call, const struct link_msg *msg, struct err *err)
{
	if (!check_info(msg, err)) {
		return REPLY_BAD;
	}
	call->fn.json(msg->json, NULL, call->data);
	return REPLY_TOLD;
}

static enum delivered ping_deliver(
	struct guest_call *call, const struct link_msg *msg, struct err *err)
{
	if (!check_nothing(msg, err)) {
		return REPLY_BAD;
	}
	call->fn.json(msg->json, NULL, call->data);
	return REPLY_TOLD;
}

static void json_fail(struct guest_call *call, const struct err *err)
{
	call->fn.json(NULL, err, call->data);
}

static const struct guest_op applications_op = { "applications", applications_deliver, json_fail };
static const struct guest_op info_op = { "info", info_deliver, json_fail };
static const struct guest_op ping_op = { "ping", ping_deliver, json_fail };
static const struct guest_op prepare_op = { "prepare", ping_deliver, json_fail };

static guest_id ask_json(
	struct vm *vm, const struct guest_op *op, json_t *take_args, guest_json_fn *fn, void *data)
{
	/* A ping is of whoever runs the server. */
	struct guest_call *call =
		op == &ping_op ? call_new_aside(vm, op, data) : call_new(vm, op, data);
	struct err err;
	call->fn.json = fn;
	if (!is_reachable(vm, &err)) {
		json_decref(take_args);
		return refuse(call, &err);
	}
	return ask(call, take_args);
}

guest_id guest_applications(struct vm *vm, guest_json_fn *fn, void *data)
{
	return ask_json(vm, &applications_op, NULL, fn, data);
}

guest_id guest_info(struct vm *vm, guest_json_fn *fn, void *data)
{
	return ask_json(vm, &info_op, NULL, fn, data);
}

guest_id guest_ping(struct vm *vm, guest_json_fn *fn, void *data)
{
	return ask_json(vm, &ping_op, NULL, fn, data);
}

guest_id guest_prepare(struct vm *vm, int64_t window_ms, int64_t rest_ms, int64_t warm_rest_ms,
	guest_json_fn *fn, void *data)
{
	return ask_json(vm, &prepare_op,
		json_pack("{s:I, s:I, s:I}", "window_ms", (json_int_t)window_ms, "rest_ms",
			(json_int_t)rest_ms, "warm_rest_ms", (json_int_t)warm_rest_ms),
		fn, data);
}

/* ---- exec ---- */

static void fill_output(
	struct guest_output *to, const struct output *from, char **head, char **tail)
{
	output_text(from, head, tail, &to->cut);
	to->total = from->total;
	to->head = *head;
	to->tail = *tail;
}

static void exec_tell(struct guest_call *call)
{
	struct exec_run *run = call->exec;
	struct guest_exec res = run->reply;
	auto_free char *out = NULL, *out_tail = NULL, *errors = NULL, *errors_tail = NULL;
	fill_output(&res.out, &run->output[0], &out, &out_tail);
	fill_output(&res.err, &run->output[1], &errors, &errors_tail);
	call->fn.exec(&res, NULL, call->data);
}

/* The reply is a message, so it may overtake what is left of the outputs. */
static enum delivered exec_deliver(
	struct guest_call *call, const struct link_msg *msg, struct err *err)
{
	struct exec_run *run = call->exec;
	if (!check_exec(msg, &run->reply, err)) {
		return REPLY_BAD;
	}
	run->replied = true;
	if (run->stream[0] || run->stream[1]) {
		return REPLY_LATER;
	}
	exec_tell(call);
	return REPLY_TOLD;
}

static void exec_fail(struct guest_call *call, const struct err *err)
{
	call->fn.exec(NULL, err, call->data);
}

static const struct guest_op exec_op = { "exec", exec_deliver, exec_fail };

static unsigned which_output(const struct guest_call *call, const struct link_stream *s)
{
	return call->exec->stream[1] == s;
}

static void on_output(struct link_stream *s, const void *bytes, size_t len, void *data)
{
	struct guest_call *call = data;
	output_add(&call->exec->output[which_output(call, s)], bytes, len);
	link_stream_consumed(s, len);
}

static void output_over(struct guest_call *call, const struct link_stream *s)
{
	struct exec_run *run = call->exec;
	run->stream[which_output(call, s)] = NULL;
	if (run->replied && !run->stream[0] && !run->stream[1]) {
		exec_tell(call);
		call_over(call);
	}
}

static void on_output_end(struct link_stream *s, void *data)
{
	link_stream_end(s); /* nothing was ever to go the other way */
	output_over(data, s);
	link_stream_free(s);
}

static void on_output_reset(struct link_stream *s, void *data)
{
	output_over(data, s);
}

static const struct link_stream_handlers output_handlers = {
	.data = on_output,
	.ended = on_output_end,
	.reset = on_output_reset,
};

static bool open_outputs(struct guest_call *call, struct err *err)
{
	call->exec = must(calloc(1, sizeof(*call->exec)));
	for (size_t i = 0; i < 2; i++) {
		struct link_stream *s =
			link_stream_open(call->vm->core->link, &output_handlers, call);
		if (!s) {
			return err_set(err, ERR_LIMIT,
				"too many commands run in this sandbox; wait for one to end");
		}
		call->exec->stream[i] = s;
	}
	return true;
}

guest_id guest_exec(struct vm *vm, const char *command, const char *cwd, int64_t timeout_ms,
	guest_exec_fn *fn, void *data)
{
	struct guest_call *call = call_new(vm, &exec_op, data);
	struct err err;
	call->fn.exec = fn;
	if (!is_reachable(vm, &err) || !check_text("the command", command, COMMAND_MAX, &err) ||
		!check_text("cwd", cwd, PATH_BYTES_MAX, &err) || !open_outputs(call, &err)) {
		return refuse(call, &err);
	}
	return ask(call, json_pack("{s:s, s:s*, s:I, s:I, s:I}", "command", command, "cwd", cwd,
				 "timeout_ms", (json_int_t)timeout_ms, "stdout",
				 (json_int_t)link_stream_number(call->exec->stream[0]), "stderr",
				 (json_int_t)link_stream_number(call->exec->stream[1])));
}
