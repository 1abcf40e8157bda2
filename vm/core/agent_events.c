/*
 * The agent's events: the stages of its start, ready, restarted services, changes of the screen and of its size.  Every
 * event is a row with a field table; an invalid one ends the sandbox.
 */

#include "base/field.h"
#include "base/log.h"
#include "base/loop.h"
#include "vm/core/core.h"
#include "vm/wire/messages.h"

#include <string.h>

_Static_assert(VM_STAGES == MESSAGE_STAGES, "one for each event");

#define SCREEN_EDGE_MAX 32767 /* of X */
/* Of services of one desktop.  Each is a line in the log, and programs inside can cause any number:
 * further ones are not reported. */
#define RESTARTS_MAX 1000

static bool on_hello(struct vm *vm, const void *args, struct err *err)
{
	const struct msg_hello *hello = args;
	(void)err;
	log_debug("sandbox=%s agent=%s connected", vm->id, hello->version);
	vm->core->said_hello = true;
	if (hello->protocol != PROTOCOL_VERSION) {
		struct err why;
		err_set(&why, ERR_UNSUPPORTED,
			"its vitrine-agent (version %s) uses protocol %lld and this server uses "
			"%d; install both from the same build",
			hello->version, (long long)hello->protocol, PROTOCOL_VERSION);
		vm_end(vm, &why);
	}
	return true;
}

static bool on_stage(struct vm *vm, const void *args, struct err *err)
{
	const struct msg_stage *stage = args;
	struct vm_core *core = vm->core;
	unsigned bit = 1u << stage->stage;
	(void)err;
	log_debug("sandbox=%s stage=%s ms=%lld", vm->id, message_stages[stage->stage],
		(long long)stage->ms);
	if (core->state != VM_STARTING || (core->stages & bit)) {
		return true; /* a service was restarted */
	}
	/* They start in parallel: the steps count in the order of completion. */
	core->stages |= bit;
	core->last_stage = message_stages[stage->stage];
	unsigned step = (unsigned)__builtin_popcount(core->stages);
	vm_notify_stage(core, core->last_stage, step + core->stages_before,
		VM_STAGES + core->stages_before);
	return true;
}

/* The size that it has now, which its specification tells when it is saved.  Programs inside can
 * choose one that no specification may have; then that keeps the last one. */
static bool take_size(struct vm *vm, const struct field_ints *given,
	const struct field_ints *fitted, struct err *err)
{
	struct vm_core *core = vm->core;
	const int64_t *screen = given->at, *frame = fitted->at;
	if (screen[0] < 1 || screen[0] > SCREEN_EDGE_MAX || screen[1] < 1 ||
		screen[1] > SCREEN_EDGE_MAX) {
		return err_set(err, ERR_ARGUMENT, "a screen of %lldx%lld", (long long)screen[0],
			(long long)screen[1]);
	}
	struct size size = { (int)screen[0], (int)screen[1] }, fit = geometry_fit(size);
	if (frame[0] != fit.width || frame[1] != fit.height) {
		return err_set(err, ERR_ARGUMENT, "a frame of %lldx%lld for a screen of %dx%d",
			(long long)frame[0], (long long)frame[1], size.width, size.height);
	}
	core->untold_size = core->untold_size || !size_equal(core->guest.screen, size);
	core->guest.screen = size;
	core->guest.frame = fit;
	core->spec.screen = geometry_is_screen(size) ? size : core->spec.screen;
	return true;
}

static bool on_ready(struct vm *vm, const void *args, struct err *err)
{
	const struct msg_ready *ready = args;
	struct vm_core *core = vm->core;
	if (core->state == VM_READY) {
		return err_set(err, ERR_ARGUMENT, "a second 'ready'");
	}
	if (!take_size(vm, &ready->screen, &ready->frame, err)) {
		return false;
	}
	core->spec.scale = ready->scale;
	log_info("sandbox=%s ready ms=%llu agent_ms=%lld", vm->id,
		(unsigned long long)((loop_now_us() - core->start_us) / 1000),
		(long long)ready->ms);
	vm_is_ready(vm);
	return true;
}

static bool on_failed(struct vm *vm, const void *args, struct err *err)
{
	const struct msg_unable *failed = args;
	struct err why;
	(void)err;
	err_set(&why, ERR_HOST, "%s", failed->text);
	vm_end(vm, &why);
	return true;
}

static bool is_notified(struct vm *vm)
{
	return ++vm->core->restarts <= RESTARTS_MAX;
}

static bool on_restarted(struct vm *vm, const void *args, struct err *err)
{
	const struct msg_restarted *r = args;
	(void)err;
	if (!is_notified(vm)) {
		return true;
	}
	log_warning("sandbox=%s restarted=\"%s\" why=\"%s\"", vm->id, message_services[r->what],
		r->why ? r->why : "");
	vm_add_note(vm, "The %s crashed and was restarted.", message_services[r->what]);
	vm_notify(vm, "The %s crashed and was restarted: %s", message_services[r->what],
		r->why ? r->why : "unknown reason");
	return true;
}

static bool on_resting(struct vm *vm, const void *args, struct err *err)
{
	const struct msg_resting *r = args;
	const char *what = message_services[r->what];
	const char *why = r->why ? r->why : "unknown reason";
	long long s = (long long)(r->ms + 999) / 1000;
	(void)err;
	if (!is_notified(vm)) {
		return true;
	}
	log_warning("sandbox=%s failing=\"%s\" s=%lld why=\"%s\"", vm->id, what, s, why);
	vm_add_note(vm,
		"The %s does not work. The desktop continues without it, and it is restarted in "
		"%lld s.",
		what, s);
	vm_notify(vm, "The %s failed: %s", what, why);
	return true;
}

static bool on_screen(struct vm *vm, const void *args, struct err *err)
{
	(void)args;
	(void)err;
	vm_screen_changed(vm);
	return true;
}

/* Viewers are told with the state. */
static bool on_resized(struct vm *vm, const void *args, struct err *err)
{
	const struct msg_display *now = args;
	if (!take_size(vm, &now->screen, &now->frame, err)) {
		return false;
	}
	vm->core->spec.scale = now->scale;
	log_debug("sandbox=%s screen=%dx%d", vm->id, vm->core->guest.screen.width,
		vm->core->guest.screen.height);
	vm_set_state(vm->core, vm->core->state);
	return true;
}

struct agent_event {
	const struct message *message;
	bool (*run)(struct vm *vm, const void *args, struct err *err);
};
static const struct agent_event agent_events[] = {
	{ &message_hello, on_hello },
	{ &message_stage, on_stage },
	{ &message_ready, on_ready },
	{ &message_unable, on_failed },
	{ &message_restarted, on_restarted },
	{ &message_resting, on_resting },
	{ &message_screen, on_screen },
	{ &message_resized, on_resized },
};

union event_args {
	struct msg_hello hello;
	struct msg_stage stage;
	struct msg_ready ready;
	struct msg_unable failed;
	struct msg_restarted restarted;
	struct msg_resting resting;
	struct msg_screen screen;
	struct msg_display display;
};

static bool event_run(struct vm *vm, const char *name, const json_t *fields, struct err *err)
{
	union event_args args;
	for (size_t i = 0; i < sizeof(agent_events) / sizeof(agent_events[0]); i++) {
		const struct agent_event *event = &agent_events[i];
		if (strcmp(event->message->name, name) != 0) {
			continue;
		}
		/* A restored desktop can fail before its agent greets the new host. */
		if (!vm->core->said_hello && event->run != on_hello && event->run != on_failed) {
			return err_set(err, ERR_ARGUMENT, "'%s' before 'hello'", name);
		}
		memset(&args, 0, sizeof(args));
		if (!message_decode(&event->message->request, fields, 0, &args, err)) {
			return err_while(err, "event '%s'", name);
		}
		return event->run(vm, &args, err);
	}
	return err_set(err, ERR_ARGUMENT, "an unknown event '%.40s'", name);
}

static void on_event(void *data, const struct link_msg *msg)
{
	struct vm *vm = data;
	struct err err;
	if (vm->core->state >= VM_STOPPING) {
		return;
	}
	const char *name = json_string_value(json_object_get(msg->json, "event"));
	json_auto_t *fields = json_copy((json_t *)msg->json);
	json_object_del(fields, "event");
	if (!event_run(vm, name ? name : "", fields, &err)) {
		vm_agent_broke(vm, &err);
	}
}

/* ---- handlers of the guest ---- */

static bool may_ask(const void *data, struct err *err)
{
	return vm_must_be_ready(data, err);
}

static bool may_act(const void *data, struct err *err)
{
	return vm_control_agent_may(data, err);
}

static bool may_run(const void *data, struct err *err)
{
	return vm_control_allows_agent(data, err);
}

/* During an operation, the agent may be frozen. */
static bool must_answer(const void *data)
{
	const struct vm *vm = data;
	return vm->core->state == VM_READY && !vm->core->job;
}

static void on_used(void *data)
{
	vm_used(data);
}

static void on_lost(void *data, const struct err *why)
{
	vm_lost_link(data, why);
}

static void on_broke(void *data, struct err *err)
{
	vm_agent_broke(data, err);
	vm_end_error(data, err);
}

static void on_hangs(void *data, const struct err *why)
{
	vm_end(data, why);
}

const struct guest_handlers vm_guest_handlers = {
	.may_ask = may_ask,
	.may_act = may_act,
	.may_run = may_run,
	.must_answer = must_answer,
	.used = on_used,
	.event = on_event,
	.lost = on_lost,
	.broke = on_broke,
	.hangs = on_hangs,
};
